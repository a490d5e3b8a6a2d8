package demo

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// maxRuns is how many page views are remembered; the oldest goes first.
const maxRuns = 500

// Vendors plays all vendors of the shop on one origin of its own, so that what
// reaches it are true third-party requests, and counts what reaches it. A run
// is one page view of the shop: its tags carry the run's name in ?run=.
// Calls are safe for concurrent use.
type Vendors struct {
	slow  time.Duration // how long the first script of the order chain takes
	mux   *http.ServeMux
	mu    sync.Mutex
	runs  map[string]Counts // guarded by mu
	order []string          // of runs, oldest first; guarded by mu
}

// Counts is how many requests reached each vendor, by vendor key and path.
type Counts map[string]map[string]int

// NewVendors are vendors that nothing has reached yet.
func NewVendors() *Vendors {
	v := &Vendors{slow: 400 * time.Millisecond, mux: http.NewServeMux(), runs: map[string]Counts{}}
	for _, a := range answers {
		v.mux.HandleFunc("GET "+a.path, func(w http.ResponseWriter, r *http.Request) {
			v.count(r.URL.Query().Get("run"), a.vendor, path.Clean(r.URL.Path))
			if a.slow {
				select {
				case <-time.After(v.slow):
				case <-r.Context().Done():
					return
				}
			}
			w.Header().Set("Content-Type", a.kind)
			_, _ = w.Write(a.body)
		})
	}
	v.mux.HandleFunc("GET /counts", func(w http.ResponseWriter, r *http.Request) {
		v.ServeCounts(w, r)
	})
	v.mux.HandleFunc("POST /reset", func(w http.ResponseWriter, _ *http.Request) {
		v.Reset()
		w.WriteHeader(http.StatusNoContent)
	})
	return v
}

// ServeHTTP answers as the vendors' own hosts would.
func (v *Vendors) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store") // each load is to be seen
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	v.mux.ServeHTTP(w, r)
}

// ServeCounts answers the counts of the run named by ?run= as JSON.
func (v *Vendors) ServeCounts(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v.Counts(r.URL.Query().Get("run")))
}

// Counts of one run; empty where nothing has reached a vendor.
func (v *Vendors) Counts(run string) Counts {
	v.mu.Lock()
	defer v.mu.Unlock()
	c := Counts{}
	for vendor, paths := range v.runs[run] {
		c[vendor] = maps.Clone(paths)
	}
	return c
}

// Reset forgets all runs.
func (v *Vendors) Reset() {
	v.mu.Lock()
	defer v.mu.Unlock()
	clear(v.runs)
	v.order = nil
}

func (v *Vendors) count(run, vendor, path string) {
	if len(run) > 64 { // not one of ours
		run = ""
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	c, ok := v.runs[run]
	if !ok {
		if len(v.order) == maxRuns {
			delete(v.runs, v.order[0])
			v.order = v.order[1:]
		}
		c = Counts{}
		v.runs[run] = c
		v.order = append(v.order, run)
	}
	if c[vendor] == nil {
		c[vendor] = map[string]int{}
	}
	c[vendor][path]++
}

// An answer is what one address of a vendor serves.
type answer struct {
	path   string
	vendor string
	kind   string
	body   []byte
	slow   bool
}

const (
	script = "text/javascript; charset=utf-8"
	frame  = "text/html; charset=utf-8"
)

// pixel is a transparent GIF of 1 by 1.
var pixel = []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")

var answers = []answer{
	{path: "/gtag/js", vendor: "ga4", kind: script, body: code(`
		cookie('_ga', 'GA1.1.' + number() + '.' + seconds, 34190000);
		cookie('_ga_LAMPYRIS', 'GS1.1.' + seconds, 34190000);
		hit('/g/collect', '&en=page_view');`)},
	{path: "/g/collect", vendor: "ga4", kind: "image/gif", body: pixel},
	{path: "/ads/remarketing.js", vendor: "google-ads", kind: script, body: code(`
		cookie('_gcl_au', '1.1.' + number() + '.' + seconds, 7776000);
		hit('/ads/viewthrough', '&label=lamp');`)},
	{path: "/ads/viewthrough", vendor: "google-ads", kind: "image/gif", body: pixel},
	{path: "/tr", vendor: "meta", kind: "image/gif", body: pixel},
	{path: "/plugins/like", vendor: "social", kind: frame, body: like},
	{path: "/embed/{video}", vendor: "youtube", kind: frame, body: video},
	{path: "/reviews/widget.js", vendor: "reviews", kind: script, body: code(`
		const list = document.querySelector('[data-reviews]');
		for (const [who, what] of [['Maren, Bergen', 'The dimmer goes down to moonlight. I read by it every evening.'], ['Tomás, Porto', 'Arrived in one piece, smells faintly of cedar.'], ['Aiko, Sapporo', 'Our cat has claimed the warm side of it.']]) {
			const item = document.createElement('li');
			item.append('★★★★★ ', what, ' — ' + who);
			list.append(item);
		}`)},
	{path: "/chain/a.js", vendor: "chain", kind: script, body: []byte("(window.chain = window.chain || []).push('A');\n"), slow: true},
	{path: "/chain/c.js", vendor: "chain", kind: script, body: []byte("window.chain.push('C');\n")},
}

// code is a vendor's script with what such scripts usually bring along:
// first-party cookies, and a request home.
func code(body string) []byte {
	return []byte(`(() => {
		const self = new URL(document.currentScript.src);
		const seconds = Math.floor(Date.now() / 1000);
		const number = () => Math.floor(Math.random() * 1e9);
		const cookie = (name, value, age) => { document.cookie = name + '=' + value + ';path=/;SameSite=Lax;max-age=' + age; };
		const hit = (path, more) => { new Image().src = self.origin + path + self.search + more; };
` + strings.ReplaceAll(strings.TrimPrefix(body, "\n"), "\t\t\t", "\t\t") + "\n})();\n")
}

var like = []byte(fmt.Sprintf(framePage, "Like", `
body { display: flex; gap: 6px; align-items: center; justify-content: center; font: 600 13px/28px system-ui, sans-serif; color: #fff; background: #3b5bdb; border-radius: 6px }`,
	`<span aria-hidden="true">♥</span> Like <span>· 214</span>`))

var video = []byte(fmt.Sprintf(framePage, "How a lamp is blown", `
body { display: grid; place-items: center; color: #fff; font: 600 18px system-ui, sans-serif; background: radial-gradient(circle at 50% 60%, #ffb454, #b4501e 22%, #2a1a2e 60%, #120d18) }
p { margin: 0; text-align: center } span { display: grid; place-items: center; width: 72px; height: 50px; margin: 0 auto 12px; border-radius: 14px; background: #e03131 }`,
	`<p><span aria-hidden="true">▶</span>How a lamp is blown · 2:41</p>`))

const framePage = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>%s</title><style>html, body { height: 100%%; margin: 0 }%s</style></head><body>%s</body></html>
`
