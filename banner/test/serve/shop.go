package main

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/volenti-consent/volenti/server/notice"
)

// A shop serves pages, the banner's scripts, and takes decisions, as the real
// server does on the wire (docs/wire.md) and without its care.
type shop struct {
	notice  *notice.Notice
	scripts []notice.Script
	pages   string
	vendor  string

	mu        sync.Mutex
	decisions []json.RawMessage   // guarded by mu; in order of arrival
	receipts  map[string]string   // guarded by mu; by receipt id
	answered  map[string]string   // guarded by mu; decision id → receipt id
	choices   map[string]memory   // guarded by mu; by cookie value
	mode      string              // guarded by mu; how decisions are answered: "", "down", "garbage", "refuse", "slow", "gate-down"; with "cached" browsers may repeat every script
	requests  []string            // guarded by mu; what was fetched of /b/ and /v1/
	headers   map[string][]string // guarded by mu; for pages
}

type memory struct {
	choices   string
	at, until int64
	signal    bool
}

func newShop(n *notice.Notice, scripts []notice.Script, pages, vendor string) (http.Handler, error) {
	if _, err := os.Stat(pages); err != nil {
		return nil, err
	}
	s := &shop{notice: n, scripts: scripts, pages: pages, vendor: vendor}
	s.reset()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /b/shop.js", s.script)
	mux.HandleFunc("GET /b/shop/{file}", s.module)
	mux.HandleFunc("POST /v1/sites/shop/decisions", s.decide)
	mux.HandleFunc("GET /v1/sites/shop/receipts/{id}", s.receipt)
	mux.HandleFunc("GET /control/{what}", s.control)
	mux.HandleFunc("GET /{page...}", s.page)
	return mux, nil
}

func (s *shop) reset() {
	s.decisions, s.requests, s.mode = []json.RawMessage{}, []string{}, ""
	s.receipts, s.answered, s.choices, s.headers = map[string]string{}, map[string]string{}, map[string]memory{}, map[string][]string{}
}

// page answers a file of the pages folder; {{vendor}} is the vendor's origin, {{other}} the same under another host,
// {{script}} the banner's tag, with the query that the page itself was asked with.
func (s *shop) page(w http.ResponseWriter, r *http.Request) {
	b, err := os.ReadFile(filepath.Join(s.pages, filepath.Base(r.URL.Path)))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	s.mu.Lock()
	for name, values := range s.headers {
		w.Header()[name] = values
	}
	s.mu.Unlock()
	kind := "text/html"
	if strings.HasSuffix(r.URL.Path, ".xhtml") {
		kind = "application/xhtml+xml"
	}
	if strings.HasSuffix(r.URL.Path, ".js") { // a service worker's script
		kind = "text/javascript"
	}
	w.Header().Set("Content-Type", kind+"; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	query := ""
	if r.URL.RawQuery != "" {
		query = "?" + strings.ReplaceAll(r.URL.RawQuery, `"`, "")
	}
	fmt.Fprint(w, strings.NewReplacer("{{vendor}}", s.vendor, "{{other}}", otherOf(s.vendor), "{{script}}", `<script nonce="n0nce" src="/b/shop.js`+query+`"></script>`).Replace(string(b)))
}

// script answers as GET /b/{site}.js does. The query may say the models (m) and
// the language (lang), and make any member of the boot (boot={"x":1}).
func (s *shop) script(w http.ResponseWriter, r *http.Request) {
	s.log(r)
	q := r.URL.Query()
	boot := map[string]any{"t": "1.shop.token", "m": "-iii", "n": time.Now().Unix() / 600 * 600}
	if m := q.Get("m"); m != "" {
		boot["m"] = m
	}
	if r.Header.Get("Sec-GPC") == "1" {
		boot["g"] = 1
	}
	kind, surface := notice.KindAsk, notice.AskNotice
	switch models := boot["m"].(string); {
	case strings.Contains(models, "i"):
		surface = notice.AskOptIn
	case strings.Contains(models, "o"):
		surface = notice.AskOptOut
	}
	if cookie, err := r.Cookie("volenti"); err == nil {
		s.mu.Lock()
		known, ok := s.choices[cookie.Value]
		s.mu.Unlock()
		if ok {
			kind, surface = notice.KindKept, ""
			if strings.Contains(known.choices, "0") {
				kind = notice.KindGuarded
			}
			boot["c"], boot["a"], boot["u"] = known.choices, known.at, known.until
			if known.signal {
				boot["s"] = 1
			}
		} else {
			boot["x"] = time.Now().Unix()
		}
	}
	if more := q.Get("boot"); more != "" {
		if err := json.Unmarshal([]byte(more), &boot); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	if k := q.Get("kind"); k != "" && !q.Has("fresh") {
		kind, surface = notice.Kind(k), ""
	}
	if kind != notice.KindAsk {
		s.judge(boot)
	}
	tail, err := json.Marshal(boot)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Cache-Control", "private, max-age=300")
	if kind == notice.KindKept && !s.is("cached") {
		w.Header().Set("Cache-Control", "private, no-cache")
	}
	language := s.notice.Languages[0]
	if lang := q.Get("lang"); lang != "" {
		language = lang
	}
	for _, script := range s.scripts {
		if script.Kind == kind && script.Surface == surface && script.Language == language {
			fmt.Fprintf(w, "%s(%s);\n", script.Source, tail)
		}
	}
}

// judge adds what the server finds that may load, unless the boot says it.
func (s *shop) judge(boot map[string]any) {
	models, _ := boot["m"].(string)
	c, _ := boot["c"].(string)
	signal := boot["g"] != nil || boot["d"] != nil || boot["o"] != nil
	if _, said := boot["q"]; !said {
		boot["q"] = s.notice.Resolve(models, &notice.Standing{Choices: notice.Choices(c), Signal: boot["s"] != nil}, signal)
	}
}

func (s *shop) module(w http.ResponseWriter, r *http.Request) {
	s.log(r)
	if s.is("gate-down") {
		http.Error(w, "no", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Access-Control-Allow-Origin", "*")
	for _, script := range s.scripts {
		if script.Digest.Short()+".js" == r.PathValue("file") {
			w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
			w.Write(script.Source)
			return
		}
	}
	http.NotFound(w, r)
}

func (s *shop) decide(w http.ResponseWriter, r *http.Request) {
	s.log(r)
	switch {
	case s.is("down"):
		panic(http.ErrAbortHandler)
	case s.is("garbage"):
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, "<html>not what you want")
		return
	case s.is("refuse"):
		writeJSON(w, http.StatusUnprocessableEntity, map[string]any{"title": "refused", "status": 422})
		return
	case s.is("slow"):
		<-r.Context().Done()
		return
	}
	body, err := io.ReadAll(r.Body)
	var d struct {
		ID         string          `json:"id"`
		Categories map[string]bool `json:"categories"`
		Vendors    map[string]bool `json:"vendors"`
		GPC        bool            `json:"gpc"`
	}
	if err != nil || json.Unmarshal(body, &d) != nil || r.Header.Get("Content-Type") != "application/json" {
		http.Error(w, "bad decision", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	m := memory{choices: s.write(d.Categories, d.Vendors), at: now.Unix(), until: now.Add(180 * 24 * time.Hour).Unix(), signal: d.GPC}
	id, again := s.answered[d.ID]
	if !again {
		var random [16]byte
		rand.Read(random[:])
		id = hex.EncodeToString(random[:])
		s.answered[d.ID] = id
		s.decisions = append(s.decisions, body)
		text, err := json.Marshal(map[string]any{"id": id, "core": map[string]any{"given_at": now.UnixMilli(), "valid_until": m.until * 1000}})
		if err != nil {
			panic(err)
		}
		s.receipts[id] = string(text)
		s.choices[id] = m
	}
	http.SetCookie(w, &http.Cookie{Name: "volenti", Value: id, Path: "/", MaxAge: 1e7, SameSite: http.SameSiteLaxMode})
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusCreated)
	fmt.Fprint(w, s.receipts[id])
}

// write is the boot's c of a decision.
func (s *shop) write(categories, vendors map[string]bool) string {
	letter := func(m map[string]bool, key string) byte {
		on, ok := m[key]
		switch {
		case !ok:
			return '-'
		case on:
			return '1'
		}
		return '0'
	}
	var c []byte
	for _, category := range s.notice.Categories {
		if category.Like == "necessary" {
			c = append(c, '1')
		} else {
			c = append(c, letter(categories, category.Key))
		}
	}
	c = append(c, '.')
	for _, v := range s.notice.Vendors {
		c = append(c, letter(vendors, v.Key))
	}
	return string(c)
}

func (s *shop) receipt(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	text, ok := s.receipts[r.PathValue("id")]
	s.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, text)
}

// control is how a test looks in and turns knobs.
func (s *shop) control(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.PathValue("what") {
	case "reset":
		s.reset()
	case "mode":
		s.mode = r.URL.Query().Get("is")
	case "header":
		s.headers[http.CanonicalHeaderKey(r.URL.Query().Get("name"))] = []string{r.URL.Query().Get("value")}
	case "decisions":
		writeJSON(w, http.StatusOK, s.decisions)
	case "requests":
		writeJSON(w, http.StatusOK, s.requests)
	default:
		http.NotFound(w, r)
	}
}

func (s *shop) is(mode string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mode == mode
}

func (s *shop) log(r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Method+" "+r.URL.RequestURI())
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // lists and tables of text
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(b)
}
