# make help   what each target does
PORT ?= 8080
DATA ?= data
POLICIES ?= ../shared/policies
GOLANGCI = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
LITESTREAM = github.com/benbjohnson/litestream/cmd/litestream@v0.5.18
CHROMIUM ?= $(shell command -v chromium-headless-shell || command -v chromium)

# What a release is built with; the Dockerfile uses the same. The same sources and the
# same compilers give the same bytes, wherever they lie.
VERSION ?= $(shell git describe --tags --dirty 2>/dev/null || (echo "0.0.0-$$(git rev-parse --short=12 HEAD 2>/dev/null || echo unreleased)"))
DIST ?= dist
STATIC = -trimpath -buildvcs=false -tags osusergo,netgo,sqlite_omit_load_extension,timetzdata \
  -ldflags '-s -w -buildid= -X main.released=$(VERSION) -linkmode external -extldflags "-static -Wl,--build-id=none"'
ARM64_CC ?= aarch64-linux-gnu-gcc
GEOIP ?= /usr/share/tor

export CGO_ENABLED = 1
export CHROMIUM

.DEFAULT_GOAL := help
.PHONY: help run build test test-go test-postgres test-types test-integrations test-browser lint check cluster soak ids tamper release static sign reproducible litestream cover mutants bench bench-browser geo-database deps

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## build, start on http://localhost:8080 with the demo (PORT=… DATA=… put it elsewhere)
	@mkdir -p -m 700 "$(DATA)"
	@bin/volenti serve --demo-enabled --region-override --listen 127.0.0.1:$(PORT) --data "$(DATA)" \
	  $(if $(wildcard $(POLICIES)),--demo-policies "$(POLICIES)")

build: ## the binary, in bin/
	go build -trimpath -o bin/volenti ./cmd/volenti

test: deps lint test-go test-postgres test-types test-integrations test-browser ## everything: lint, Go, TypeScript, real browsers

test-go: ## Go tests, with the race detector where anything runs side by side; what tries a thing 100,000 times, without it
	go vet ./...
	go test -race -short -timeout 40m $$(go list ./... | grep -v /banner/fairness)
	go test -timeout 40m ./banner/fairness
	go test -timeout 40m -run 'Forged|Tampering|Allocates|NeverTheSame' ./server/consent ./server/auditlog ./server/store ./server/visitor
	go test -run Memory ./server/edge

test-postgres: ## what rests on the store, on PostgreSQL; and the store with every transaction done twice
	VOLENTI_TEST_TWICE=1 go test -short -timeout 20m ./server/store -run 'Site|Publi|Polic|Version|Work|Operator|Session|Request|Retention|Restrict|Eras|Statistic|Throttle|Pass|Trial|Show|Enter|Draft'
	VOLENTI_TEST_ENGINE=postgres go test -short -timeout 40m ./server/visitor ./server/request ./server/bundle ./server/transparency
	VOLENTI_TEST_ENGINE=postgres go test -short -timeout 20m ./server/admin -run 'Guessing|Ends|WhoMay|OtherSites|Retention|Restricted|Programs|Publishing|Fixation|Password'
	VOLENTI_TEST_ENGINE=postgres go test -short -timeout 20m ./cmd/volenti -run 'AsDescribed|LogCommands|BundlesOf|RestrictedReceipts|OneMethodTooMany|LookupsTell'

test-types: banner/node_modules ## type check and unit tests of the banner
	cd banner && npm run --silent typecheck && npm test --silent

test-integrations: banner/node_modules ## npm package, Tag Manager template, WordPress plugin
	cd banner && npm run --silent integrations

test-browser: build banner/node_modules ## the real binary in real browsers
	cd banner && npm run --silent browser

lint: bin/golangci-lint ## golangci-lint, with the import rules of the house
	bin/golangci-lint run

check: test ## exactly what CI runs

.PHONY: deployment
deployment: ## Dockerfile, compose files and Helm chart, by BuildKit's, Compose's and Helm's own readers; downloads them first: minutes
	cd .ci/deployment && go test -count=1 ./...

cluster: ## three nodes, a PostgreSQL and its replica, killed and cut off again and again: minutes (TIMES=…)
	VOLENTI_CLUSTER=$(or $(TIMES),10) go test -count=1 -timeout 3h -v ./cmd/volenti/cluster

release: ## static binaries in dist/, with checksums and a bill of materials (VERSION=…); arm64 where its C compiler is
	@mkdir -p "$(DIST)"
	GOARCH=amd64 $(MAKE) --no-print-directory static OUT="$(DIST)/volenti-$(VERSION)-linux-amd64" VERSION="$(VERSION)"
	@if command -v $(ARM64_CC) >/dev/null; then set -x; GOARCH=arm64 CC=$(ARM64_CC) $(MAKE) --no-print-directory static OUT="$(DIST)/volenti-$(VERSION)-linux-arm64" VERSION="$(VERSION)"; \
	  else echo "$(ARM64_CC) is not here: no arm64 (Debian: gcc-aarch64-linux-gnu libc6-dev-arm64-cross)"; fi
	@for f in "$(DIST)"/volenti-$(VERSION)-linux-*64; do go run ./.ci/sbom "$$f" > "$$f.cdx.json"; done
	@cd "$(DIST)" && rm -f SHA256SUMS.sig && sha256sum volenti-$(VERSION)-linux-*64 volenti-$(VERSION)-linux-*.cdx.json > SHA256SUMS && cat SHA256SUMS

static: ## one static binary (OUT=…)
	go build $(STATIC) -o "$(OUT)" ./cmd/volenti

sign: ## sign dist/SHA256SUMS with an SSH key (KEY=$HOME/.ssh/id_ed25519)
	@rm -f "$(DIST)/SHA256SUMS.sig" # ssh-keygen would ask, or keep that of an earlier release
	ssh-keygen -Y sign -n volenti-release -f "$(KEY)" "$(DIST)/SHA256SUMS"

reproducible: ## build twice, in two folders, without a cache, and compare: minutes
	.ci/reproducible "$(VERSION)"

ids: ## 10,000,000 ids made, none twice; 1,000,000 guessed in a store, none found: minutes
	VOLENTI_IDS=10000000 VOLENTI_GUESSES=1000000 go test -count=1 -timeout 1h -v -run 'NeverTheSame|GuessedIDs' ./server/consent ./server/store

tamper: ## 10,000 alterations of evidence, 1,000 clean histories: minutes (TIMES=…)
	VOLENTI_TAMPER=$(or $(TIMES),10000) go test -count=1 -timeout 2h -v -run 'EveryTampering|AnyHistory' ./server/store

litestream: ## replicate a server under load, kill it, restore (docs/operate/backups.md); builds Litestream first
	GOBIN="$(CURDIR)/bin" go install $(LITESTREAM)
	VOLENTI_LITESTREAM="$(CURDIR)/bin/litestream" go test -count=1 -v -run Litestream ./cmd/volenti

cover: banner/node_modules ## which outcomes of the deciding code's conditions no test sees; fails for any that is not accounted for
	VOLENTI_COVER=1 go test -count=1 -timeout 60m -v -run Conditions ./server/mutation
	cd banner && node test/unit/run.mjs --cover

mutants: ## changes the deciding code in each place and counts what no test notices (SAMPLE=7: every seventh place)
	VOLENTI_MUTANTS=$(or $(SAMPLE),1) go test -count=1 -timeout 5h -v -run Conditions ./server/mutation

.PHONY: malformed fuzz vulncheck

malformed: ## a million malformed requests, over all routes, and 20,000 of an operator who is signed in: some minutes (TIMES=… OPERATOR=…)
	VOLENTI_MALFORMED=$(or $(TIMES),1000000) go test ./cmd/volenti -count=1 -run MalformedRequests -timeout 6h -v
	VOLENTI_MALFORMED=$(or $(OPERATOR),20000) go test ./cmd/volenti -count=1 -run MalformedByAnOperator -timeout 6h -v

fuzz: ## every fuzz target for a while, one after the other (TIME=10m each)
	@go list -f '{{.Dir}}' ./... | while read -r dir; do \
	  grep -hoE '^func Fuzz[A-Za-z0-9]+' "$$dir"/*_test.go 2>/dev/null | cut -d' ' -f2 | while read -r target; do \
	    echo "$$dir $$target"; (cd "$$dir" && go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(or $(TIME),10m) .) || exit 1; \
	  done || exit 1; \
	done

vulncheck: ## known weaknesses in what is used; asks vuln.go.dev, or a copy of golang/vulndb (DB=file:///…/data/osv)
	go run golang.org/x/vuln/cmd/govulncheck@v1.8.0 $(if $(DB),-db "$(DB)") ./...

soak: ## every fault for long: kills, power cuts, failing disks, upgrades, hand-overs, then a constant load (SOAK=30m)
	VOLENTI_TEST_CUTS=500 VOLENTI_TEST_FAULTS=2000 VOLENTI_TEST_UPGRADES=4 VOLENTI_TEST_KILLS=30 VOLENTI_TEST_RELOADS=100 \
	  VOLENTI_TEST_RESTARTS=20 VOLENTI_TEST_LOCKS=all VOLENTI_TEST_BACKUPS=20 VOLENTI_SOAK=$(or $(SOAK),30m) \
	  go test -count=1 -timeout 12h -v -run 'PowerFails|NthCall|Upgrade|Corrupt|Killed|Kill|Success|ServiceManager|Disk|Lock|StartsThat|Clock|Backups|Soak' ./server/store ./cmd/volenti

bench: ## benchmarks, never part of the tests
	go test -run '^$$' -bench . -benchmem ./...

bench-browser: banner/node_modules banner/bench/node_modules ## banners of others and ours, side by side in a real browser (RUNS=7)
	@cd banner/bench && node bench.mjs --runs $(or $(RUNS),7)

geo-database: ## rebuild the embedded country database from Debian's tor-geoipdb (GEOIP=… where it was unpacked)
	go run ./geo/build -v4 "$(GEOIP)/geoip" -v6 "$(GEOIP)/geoip6" -o geo/country.mmdb

deps: banner/node_modules
	.ci/deps

banner/node_modules: banner/package-lock.json
	cd banner && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

banner/bench/node_modules: banner/bench/package-lock.json
	cd banner/bench && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

bin/golangci-lint: Makefile
	GOBIN="$(CURDIR)/bin" go install $(GOLANGCI)
	@touch $@
