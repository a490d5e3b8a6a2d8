package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/server/store"
)

// BenchmarkSites asks the real binary for the scripts of a thousand sites (SITES) in all
// languages there are, a hundred thousand times (REQUESTS) in no order, and reports its
// resident memory before, in the middle and at the end: all of it, and what of it is not
// pages of the program file. Every site has a notice, a policy and scripts of its own, of
// the length that ours have; what is in them is noise, since compiling 38,000 languages
// of sites takes a day and a half. VOLENTI_BENCH_DATA is a data folder that is filled once
// and kept.
//
//	go test ./cmd/volenti -run '^$' -bench Sites -benchtime 1x -timeout 60m
func BenchmarkSites(b *testing.B) {
	sites, requests := number(b, "SITES", 1000), number(b, "REQUESTS", 100_000)
	data := os.Getenv("VOLENTI_BENCH_DATA")
	if data == "" {
		data = filepath.Join(b.TempDir(), "data")
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		b.Fatal(err)
	}
	database := filepath.Join(data, "volenti.db")
	if _, err := os.Stat(database); os.IsNotExist(err) {
		fill(b, database, sites)
	}
	// As after a restart of the machine: the system holds a file that was just written in
	// pieces of up to 2 MB, and maps each of them whole.
	if out, err := exec.Command("dd", "of="+binary, "oflag=nocache", "conv=notrunc,fdatasync", "count=0").CombinedOutput(); err != nil {
		b.Logf("the program file stays in memory as it was written (wants GNU dd): %v %s", err, out)
	}
	began := time.Now()
	p := start(b, data, "--log-level", "error")
	b.Logf("%d sites; ready after %v", sites, time.Since(began).Round(time.Millisecond))
	found := map[string]float64{} // b.Loop forgets what was reported before it
	report := func(when string) {
		found["MB-"+when] = resident(b, p.cmd.Process.Pid, "VmRSS")
		found["MB-"+when+"-own"] = resident(b, p.cmd.Process.Pid, "RssAnon")
	}
	report("at-first")
	languages := notice.Languages()
	ask := func(times int) {
		var group sync.WaitGroup
		for n := range 16 {
			group.Go(func() {
				random := rand.New(rand.NewPCG(uint64(n), uint64(times)))
				client := &http.Client{Transport: &http.Transport{}}
				for range times / 16 {
					r, err := http.NewRequest(http.MethodGet, fmt.Sprintf("%s/b/site-%d.js", p.base, random.IntN(sites)), nil)
					if err != nil {
						b.Error(err)
						return
					}
					r.Header.Set("Accept-Encoding", "br")
					r.Header.Set("Accept-Language", languages[random.IntN(len(languages))])
					resp, err := client.Do(r)
					if err != nil {
						b.Error(err)
						return
					}
					n, err := io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
					if err != nil || resp.StatusCode != http.StatusOK || n < 6000 {
						b.Error(resp.Status, n, err)
						return
					}
				}
			})
		}
		group.Wait()
	}
	for b.Loop() {
		ask(requests / 2)
		report("halfway")
		ask(requests / 2)
		report("at-last")
	}
	for unit, n := range found {
		b.ReportMetric(n, unit)
	}
}

func number(b *testing.B, variable string, usual int) int {
	b.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// fill publishes for many sites, in all languages.
func fill(b *testing.B, path string, sites int) {
	b.Helper()
	ctx := context.Background()
	db, err := store.Open(ctx, path, store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	random := rand.NewChaCha8(sha256.Sum256([]byte("sites")))
	for i := range sites {
		key := fmt.Sprintf("site-%d", i)
		if err := db.AddSite(ctx, site.Site{Key: key, Name: "Site " + key, CreatedAt: now}); err != nil {
			b.Fatal(err)
		}
		n, issues := notice.Parse(fmt.Appendf(nil, manySites, key), "notice.toml")
		if notice.Failed(issues) {
			b.Fatal(issues)
		}
		n.Languages, n.Schema = notice.Languages(), notice.Schema
		text, err := n.Encode()
		if err != nil {
			b.Fatal(err)
		}
		p := &notice.Publication{Site: key, Notice: canonical.Sum(text), NoticeBytes: text, PublishedAt: now,
			Wordings: map[string]canonical.Digest{}, WordingBytes: map[canonical.Digest][]byte{}}
		for _, language := range n.Languages {
			words, err := canonical.Encode(n.WordingFor(language))
			if err != nil {
				b.Fatal(err)
			}
			p.Wordings[language] = canonical.Sum(words)
			p.WordingBytes[p.Wordings[language]] = words
		}
		for _, v := range n.Variants() {
			length := 40
			if v.Kind == notice.KindAsk && v.Surface == notice.AskOptIn { // what the benchmark asks for
				length = 6400
			}
			source, short := fmt.Appendf(nil, "(boot=>{/*%s %v*/})", key, v), make([]byte, length)
			_, _ = random.Read(short)
			p.Scripts = append(p.Scripts, notice.PublishedScript{Encoded: map[string][]byte{"br": short},
				Script: notice.Script{Variant: v, Digest: canonical.Sum(source), Source: source}})
		}
		if err := db.AddPublication(ctx, p); err != nil {
			b.Fatal(err)
		}
		draft, err := policyversions.Import(fmt.Appendf(nil, "# Privacy\n\nThat of %s.\n", key), "privacy.md")
		if err != nil {
			b.Fatal(err)
		}
		draft.Language = "en"
		publisher := policyversions.Publisher{Store: db, Now: func() time.Time { return now }}
		if _, err := publisher.Publish(ctx, key, "privacy", draft, now); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}

const manySites = `
site = %[1]q
languages = ["en"]
origins = ["https://%[1]s.example", "https://www.%[1]s.example"]
policies = ["privacy"]
categories = ["necessary", "preferences", "analytics", "marketing"]
[controller]
name = "%[1]s Ltd"
address = "1 Street, Town"
contact = "privacy@%[1]s.example"
establishment = "IE"
[[vendor]]
key = "ga4"
name = "Google Analytics"
category = "analytics"
country = "US"
[[vendor]]
key = "meta"
name = "Meta Pixel"
category = "marketing"
country = "US"
`

// resident is a line of proc_pid_status(5) in megabytes.
func resident(b *testing.B, pid int, line string) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Skip("there is no /proc")
	}
	m := regexp.MustCompile(line + `:\s+(\d+) kB`).FindSubmatch(text)
	if m == nil {
		b.Skip("this system does not tell " + line)
	}
	kilobytes, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		b.Fatal(err)
	}
	return kilobytes * 1024 / 1e6
}
