package main

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/operator"
)

// routesOf are those that a running server has, by its own metrics.
func routesOf(t *testing.T, metrics string) (routes [][2]string) {
	t.Helper()
	line := regexp.MustCompile(`volenti_http_requests_total\{code="2xx",method="([A-Z]+)",route="([^"]+)"\}`)
	for _, found := range line.FindAllStringSubmatch(metrics, -1) {
		routes = append(routes, [2]string{found[1], found[2]})
	}
	if len(routes) < 150 {
		t.Fatalf("%d routes: %v", len(routes), routes)
	}
	return routes
}

// timesMalformed is how many requests are sent, and how many where nobody asks.
func timesMalformed(t *testing.T, few int) int {
	t.Helper()
	text := os.Getenv("VOLENTI_MALFORMED")
	if text == "" {
		return few
	}
	times, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return times
}

// A barrage is requests that are wrong, at a running server. What it had before they came
// is taken when it is made.
type barrage struct {
	*process
	t              *testing.T
	watch          string // where its metrics are
	most           int    // bytes that may be resident more at the end than after a quarter of them
	files, running int
	later          atomic.Int64 // requests that were told to come again, and did
}

// besiege starts a server to be shot at.
func besiege(t *testing.T, data string) *barrage {
	t.Helper()
	b := &barrage{t: t, watch: freeAddress(t), most: 64 << 20}
	b.process = start(t, data, "--metrics-listen", b.watch, "--log-level", "info")
	return b
}

func (b *barrage) scrape() string {
	b.t.Helper()
	status, body := fetch(b.t, "http://"+b.watch+"/metrics", nil)
	if status.StatusCode != http.StatusOK {
		b.t.Fatalf("metrics: %d", status.StatusCode)
	}
	return body
}

func (b *barrage) goroutines() int {
	found := regexp.MustCompile(`(?m)^go_goroutines (\d+)`).FindStringSubmatch(b.scrape())
	n, _ := strconv.Atoi(found[1])
	return n
}

// fire spoils what seed makes for each of the routes in each of the ways: none is
// answered as a mistake of the server's, none hangs. heard, if given, is told every
// answer.
func (b *barrage) fire(times int, routes [][2]string, seed func(*rand.Rand, [2]string) *rawRequest, heard func(status int, answer []byte)) {
	t := b.t
	t.Helper()
	b.files, b.running = b.descriptors(), b.goroutines()
	var mu sync.Mutex
	statuses, answered, warm := map[int]int{}, 0, 0
	var workers sync.WaitGroup
	for w := range 8 {
		workers.Go(func() {
			n := rand.New(rand.NewPCG(uint64(w), 6))
			for i := w; i < times; i += 8 {
				if t.Failed() {
					return
				}
				route, how := routes[i%len(routes)], spoilers[i/len(routes)%len(spoilers)]
				request := how.spoil(n, seed(n, route))
				status, answer, err := b.sendRaw(request)
				// Eight ask at once, and few places are there for what is costly: who is told so
				// comes again, as the answer says.
				for again := 0; again < 30 && status == http.StatusServiceUnavailable && bytes.Contains(answer, []byte("\r\nRetry-After: ")); again++ {
					b.later.Add(1)
					time.Sleep(2 * time.Second) // what Retry-After says
					status, answer, err = b.sendRaw(request)
				}
				if len(request) > 3000 {
					request = request[:3000]
				}
				switch {
				case err != nil:
					t.Errorf("%s %s, %s: %v\n%q", route[0], route[1], how.name, err, request)
				case status >= 500 && status != http.StatusNotImplemented && status != http.StatusHTTPVersionNotSupported:
					t.Errorf("%s %s, %s: %d %.300s\n%q", route[0], route[1], how.name, status, answer, request)
				case bytes.Contains(answer, []byte("goroutine ")) || bytes.Contains(answer, []byte("root:x:0:0")) || bytes.Contains(answer, []byte("\nX-Inj: 1")):
					t.Errorf("%s %s, %s: what is inside gets out: %.600s\n%q", route[0], route[1], how.name, answer, request)
				}
				mu.Lock()
				statuses[status]++
				if heard != nil {
					heard(status, answer)
				}
				if answered++; answered == times/4 { // by then every buffer has been as large as it gets
					warm = b.resident()
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	t.Logf("%d requests, %d routes, %d ways, %d told to come again: answers %v", times, len(routes), len(spoilers), b.later.Load(), statuses)
	eventually(t, "all descriptors are given back", func() bool { return b.descriptors() <= b.files+16 })
	eventually(t, "all goroutines end", func() bool { return b.goroutines() <= b.running+16 })
	if grown := b.resident() - warm; warm > 0 && grown > b.most {
		t.Errorf("%d MiB more are resident", grown>>20)
	}
	t.Logf("%d MiB resident, %d after a quarter of them", b.resident()>>20, warm>>20)
}

// quiet ends the server, and wants nothing of a panic in its log.
func (b *barrage) quiet() {
	b.t.Helper()
	b.end()
	if b.t.Failed() {
		b.t.Logf("the log:\n%.5000s", b.log)
	}
	if log := b.log.String(); strings.Contains(log, "panic") || strings.Contains(log, "goroutine ") {
		b.t.Errorf("the log:\n%.3000s", log)
	}
}

var parameter = regexp.MustCompile(`:[a-z]+|\*`)

// targetOf is an address of a route, most often of something that is there.
func targetOf(n *rand.Rand, route, id string) string {
	return parameter.ReplaceAllStringFunc(route, func(name string) string {
		switch name {
		case ":site", ":key":
			return "shop"
		case ":policy":
			return any1(n, "privacy", "privacy.json", "privacy.md")
		case ":id", ":receipt":
			return id
		case ":file":
			return any1(n, "shop.js", "analytics.js", "0.js")
		case ":number", ":leaf":
			return any1(n, "1", "1.json", "2")
		case ":pair":
			return any1(n, "1..1", "1..2.json")
		case ":date":
			return "2026-06-01"
		case "*":
			return any1(n, "0/000", "entries/000.p/1", "site.css")
		}
		return strings.Repeat("0", 64)
	})
}

// A million requests that are wrong in forty ways, over all routes: none is answered
// as a mistake of the server's, none hangs, none costs it anything that stays.
//
//	VOLENTI_MALFORMED=1000000 go test ./cmd/volenti -run MalformedRequests -timeout 2h
func TestMalformedRequests(t *testing.T) {
	data := publish(t)
	token, err := os.ReadFile(desk{t, data, t.TempDir()}.token("policies:publish"))
	if err != nil {
		t.Fatal(err)
	}
	p := besiege(t, data)
	v := p.open(nil)
	_, receipt, err := v.decide("malformed-0")
	if err != nil {
		t.Fatal(err)
	}
	id, _, err := place(receipt)
	if err != nil {
		t.Fatal(err)
	}
	decision := `{"id":"malformed-1","token":"` + v.token + `","categories":{"preferences":true,"analytics":false,"marketing":false},"vendors":{},"action":"save","surface":"banner","at":1,"gpc":false,"dnt":false}`
	routes := routesOf(t, p.scrape())
	seed := func(n *rand.Rand, route [2]string) *rawRequest {
		target := targetOf(n, route[1], id)
		r := &rawRequest{method: route[0], target: target, protocol: "HTTP/1.1", end: "\r\n", header: [][2]string{{"Host", "volenti.example"}, {"Connection", "close"}, {"Accept", any1(n, "*/*", "text/html", "application/json")}}}
		if r.method != http.MethodGet && r.method != http.MethodHead {
			r.add("Origin", shopOrigin)
			r.add("Sec-Fetch-Site", "same-origin")
			r.body = []byte("choice=reject&form=x")
			media := "application/x-www-form-urlencoded"
			if strings.HasPrefix(route[1], "/v1/") {
				r.body, media = []byte(decision), "application/json"
			}
			if strings.HasSuffix(route[1], "/versions") {
				r.body = []byte(`{"texts":{"en":{"markdown":"# Text"}},"effective":"2027-01-01"}`)
				r.add("Authorization", "Bearer "+strings.TrimSpace(string(token)))
			}
			r.add("Content-Type", media)
		}
		return r
	}
	p.fire(timesMalformed(t, 4000), routes, seed, nil)
	if status, body, err := v.decide("malformed-after"); status != http.StatusCreated {
		t.Errorf("afterwards: %d %v %s", status, err, body)
	}
	p.quiet()
}

// fields are names that forms of the console have.
var fields = strings.Fields("action address all answer because checkpoint code contact controller day days digest disabled do email erasure fair format from grace ground hook keep key kind language laws " +
	"material name noindex password policy promise read receipt records region revision role second_pair session site sought source statistics text to token url when where why word zone")

// An owner who is signed in, whose forms bring the right token, can send nothing either
// that the server can't answer: over all routes of the console.
//
//	VOLENTI_MALFORMED=100000 go test ./cmd/volenti -run MalformedByAnOperator -timeout 2h
func TestMalformedByAnOperator(t *testing.T) {
	data := publish(t)
	in, err := open(t.Context(), home{data: data})
	if err != nil {
		t.Fatal(err)
	}
	defer in.close()
	cookies, err := operator.NewSealer(in.console.Session...)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	for _, id := range []string{"ada", "ben"} {
		if err := in.db.AddOperator(t.Context(), operator.Operator{ID: id, Name: id, Email: id + "@shop.example", Role: operator.Owner, AllSites: true, CreatedAt: now}); err != nil {
			t.Fatal(err)
		}
	}
	// Some of what is sent signs out, or asks for a new proof of identity after ten
	// minutes: nobody keeps a session for long.
	type signedIn struct{ cookie, token string }
	var mu sync.Mutex
	var held signedIn
	used := 0
	session := func() signedIn {
		mu.Lock()
		defer mu.Unlock()
		if used++; used%20 == 1 {
			secret, now := operator.NewSecret(), time.Now().UTC().Truncate(time.Millisecond)
			s := operator.Session{Digest: operator.Digest(secret), Operator: "ada", CreatedAt: now, SeenAt: now, ProvenAt: now, Token: operator.NewSecret(), By: operator.ByPasskey}
			if err := in.db.AddSession(t.Context(), s); err != nil {
				t.Error(err)
			}
			sealed, err := cookies.Encode("volenti-console", secret)
			if err != nil {
				t.Error(err)
			}
			held = signedIn{"volenti-console=" + sealed, s.Token}
		}
		return held
	}
	p := besiege(t, data)
	_, receipt, err := p.open(nil).decide("malformed-0")
	if err != nil {
		t.Fatal(err)
	}
	id, _, err := place(receipt)
	if err != nil {
		t.Fatal(err)
	}
	var routes [][2]string
	for _, r := range routesOf(t, p.scrape()) {
		if strings.HasPrefix(r[1], "/admin") && r[0] != http.MethodHead {
			routes = append(routes, r)
		}
	}
	if len(routes) < 80 {
		t.Fatalf("%d routes: %v", len(routes), routes)
	}
	seed := func(n *rand.Rand, route [2]string) *rawRequest {
		s := session()
		r := &rawRequest{method: route[0], target: targetOf(n, route[1], any1(n, id, "ben", "1")), protocol: "HTTP/1.1", end: "\r\n",
			header: [][2]string{{"Host", p.address()}, {"Connection", "close"}, {"Accept", "text/html"}, {"Cookie", s.cookie}, {"Volenti-Token", s.token}, {"Sec-Fetch-Site", "same-origin"}}}
		filled := "token=" + s.token
		for range n.IntN(8) {
			filled += "&" + fields[n.IntN(len(fields))] + "=" + any1(n, "1", "on", "shop", "privacy", "2026-06-01", "https://shop.example/x", "a@shop.example", url.QueryEscape(strange(n)))
		}
		if route[0] == http.MethodGet {
			r.target += "?" + filled
		} else {
			r.add("Content-Type", any1(n, "application/x-www-form-urlencoded", "application/x-www-form-urlencoded", "application/json"))
			r.body = []byte(filled)
		}
		return r
	}
	p.most = 512 << 20 // hashes of passwords take 64 MiB each, banners are compiled
	inside, away := 0, 0
	p.fire(timesMalformed(t, 1000), routes, seed, func(status int, answer []byte) {
		switch {
		case bytes.Contains(answer, []byte("admin/sign-in?")):
			away++
		case status == http.StatusOK || status == http.StatusSeeOther || status == http.StatusUnprocessableEntity:
			inside++
		}
	})
	if inside < 3*away || inside == 0 {
		t.Errorf("%d were answered as an operator's, %d were sent to sign in: this shows little", inside, away)
	}
	t.Logf("%d answered as an operator's, %d sent to sign in", inside, away)
	p.quiet()
}
