package edge

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"

	"github.com/volenti-consent/volenti/server/catalogue"
	"github.com/volenti-consent/volenti/server/notice"
)

const (
	liveTag = `<script src="https://tracker.example/t.js"></script>`
	heldTag = `<script type="text/plain" data-category="analytics" data-service="counter" data-src="https://tracker.example/t.js"></script>`
)

// serve puts the middleware before a handler, on a real port. The cookie "yes"
// grants everything.
func serve(t *testing.T, script string, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	known, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	rules := notice.NewRules(shopNotice(), known)
	s := httptest.NewServer(New(Options{Decide: func(r *http.Request) Decision {
		d := Decision{Rules: rules, State: "no", Script: script, Policy: func() string { return "default-src 'self' friends.example" }}
		if _, err := r.Cookie("yes"); err == nil {
			d.Grants, d.State = granted{"preferences", "analytics", "marketing"}, "yes"
		}
		return d
	}})(h))
	t.Cleanup(s.Close)
	return s
}

// get asks as a browser without any comfort does: nothing is decoded, no
// redirect followed.
func get(t *testing.T, s *httptest.Server, method string, header http.Header) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, s.URL+"/page", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	resp, err := (&http.Transport{DisableCompression: true, DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestOnlyPagesAreRewritten(t *testing.T) {
	utf16, _ := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(liveTag)
	utf16be, _ := unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewEncoder().String(liveTag)
	jis, _ := japanese.ISO2022JP.NewEncoder().String("灯" + liveTag)
	for _, tt := range []struct{ name, media, body, want, policy string }{
		{"HTML", "text/html; charset=utf-8", liveTag, heldTag, ""},
		{"in capitals", "Text/HTML", liveTag, heldTag, ""},
		{"with two types in one line", "text/plain, text/html", liveTag, heldTag, ""},
		{"with parameters that can't be read", "text/html; charset", liveTag, heldTag, ""},
		{"without a type", "", "<!doctype html>" + liveTag, "<!doctype html>" + heldTag, ""},
		{"of a type that browsers do not believe", "*/*", "<!doctype html>" + liveTag, "<!doctype html>" + heldTag, ""},
		{"a script", "text/javascript", liveTag, liveTag, ""},
		{"JSON", "application/json", liveTag, liveTag, ""},
		{"XHTML", "application/xhtml+xml", liveTag, liveTag, "default-src 'self' friends.example"},
		{"SVG", "image/svg+xml", liveTag, liveTag, "default-src 'self' friends.example"},
		{"UTF-16 by its mark", "text/html; charset=utf-8", utf16, "\ufeff" + heldTag, ""},
		{"UTF-16 by header", "text/html; charset=utf-16be", utf16be, "\ufeff" + heldTag, ""},
		{"ISO-2022-JP by header", "text/html; charset=iso-2022-jp", jis, "\ufeff灯" + heldTag, ""},
		{"ISO-2022-JP by guess", "text/html", "\x1b$B<!--\x1b(B" + liveTag, " $B<!-- (B" + liveTag, ""},
		{"an escape in UTF-8", "text/html; charset=utf-8", "\x1b" + liveTag, "\x1b" + heldTag, ""},
		{"two bytes", "text/html", "ab", "ab", ""},
		{"nothing", "text/html", "", "", ""},
	} {
		s := serve(t, "", func(w http.ResponseWriter, _ *http.Request) {
			if tt.media != "" {
				w.Header().Set("Content-Type", tt.media)
			}
			_, _ = io.WriteString(w, tt.body)
		})
		resp, body := get(t, s, "GET", nil)
		if body != tt.want || resp.Header.Get("Content-Security-Policy") != tt.policy {
			t.Errorf("%s:\n got %q, policy %q\nwant %q, policy %q", tt.name, body, resp.Header.Get("Content-Security-Policy"), tt.want, tt.policy)
		}
		if got := resp.Header.Get("Content-Type"); got == "" || tt.media != "" && !strings.Contains(tt.media, "*") && got != tt.media {
			t.Errorf("%s: Content-Type %q", tt.name, got)
		}
	}
}

func TestCodingsAreReadAndWritten(t *testing.T) {
	for name, c := range codings {
		page := strings.Repeat("<p>lamps</p>", 5000) + liveTag
		want := strings.Repeat("<p>lamps</p>", 5000) + heldTag
		var packed bytes.Buffer
		e := c.encode(&packed)
		_, _ = io.WriteString(e, page)
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		s := serve(t, "", func(w http.ResponseWriter, r *http.Request) {
			if got := r.Header.Get("Accept-Encoding"); got != name+";q=0.9" {
				t.Errorf("%s: asked for %q", name, got)
			}
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Encoding", name)
			w.Header().Set("Content-Length", fmt.Sprint(packed.Len()))
			for rest := packed.Bytes(); len(rest) > 0; { // in small pieces, as networks bring them
				n := min(len(rest), 100)
				_, _ = w.Write(rest[:n])
				rest = rest[n:]
			}
		})
		for range 2 { // the second time with an encoder that was used before
			resp, body := get(t, s, "GET", http.Header{"Accept-Encoding": {"lzma, " + name + ";q=0.9, dcb"}})
			r, err := c.decode(strings.NewReader(body))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got, err := io.ReadAll(r)
			if err != nil || string(got) != want || resp.Header.Get("Content-Encoding") != name {
				t.Errorf("%s: %v, %d bytes, want %d", name, err, len(got), len(want))
			}
		}
		cut := serve(t, "", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Encoding", name)
			_, _ = w.Write(packed.Bytes()[:packed.Len()/2])
		})
		resp, err := (&http.Transport{DisableCompression: true}).RoundTrip(mustRequest(t, cut.URL))
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			_ = resp.Body.Close()
		}
		if err == nil {
			t.Errorf("%s: a page that was cut off looks whole", name)
		}
	}
	s := serve(t, "", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Encoding", "dcb")
		_, _ = io.WriteString(w, liveTag)
	})
	if resp, body := get(t, s, "GET", nil); body != liveTag || !strings.HasPrefix(resp.Header.Get("Content-Security-Policy"), "default-src 'self'") {
		t.Errorf("an unknown coding: %q with policy %q", body, resp.Header.Get("Content-Security-Policy"))
	}
	for accept, want := range map[string]string{"gzip, deflate, br;q=0.5, zstd": "gzip, br;q=0.5, zstd", "deflate": "identity", "*": "identity", "GZIP ; q=1": "GZIP ; q=1"} {
		if got := readable(accept); got != want {
			t.Errorf("%s became %s, want %s", accept, got, want)
		}
	}
}

func mustRequest(t *testing.T, address string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A page of one decision is never taken for one of another.
func TestPagesAreKeptApartByDecision(t *testing.T) {
	seen := make(chan http.Header, 1)
	s := serve(t, "", func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header.Clone()
		h := w.Header()
		h.Set("ETag", `"one"`)
		h.Set("Last-Modified", "Sat, 21 Nov 2026 10:00:00 GMT")
		h.Set("Cache-Control", "public, max-age=600, s-maxage=900")
		h.Set("Content-Type", "text/html")
		if slices.Contains([]string{`"one"`, `W/"one"`}, r.Header.Get("If-None-Match")) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = io.WriteString(w, liveTag)
	})
	page := http.Header{"Sec-Fetch-Dest": {"document"}}
	ask := func(method string, more http.Header) (*http.Response, string, http.Header) {
		h := page.Clone()
		for name, values := range more {
			h[name] = values
		}
		resp, body := get(t, s, method, h)
		return resp, body, <-seen
	}
	for _, method := range []string{"GET", "HEAD"} {
		resp, body, _ := ask(method, nil)
		if h := resp.Header; h.Get("ETag") != `W/"one-volenti-no"` || h.Get("Cache-Control") != "private, no-cache" || h.Get("Last-Modified") != "" || !strings.Contains(h.Get("Vary"), "Cookie") || method == "HEAD" && h.Get("Content-Length") != "" {
			t.Errorf("%s: %v", method, h)
		}
		if want := map[string]string{"GET": heldTag}[method]; body != want {
			t.Errorf("%s: %q", method, body)
		}
	}
	for _, tt := range []struct {
		name       string
		header     http.Header
		status     int
		asked, got string // what the server was asked, and answered
	}{
		{"the same", http.Header{"If-None-Match": {`W/"one-volenti-no"`}}, 304, `W/"one"`, `W/"one-volenti-no"`},
		{"of another decision", http.Header{"If-None-Match": {`W/"one-volenti-yes"`}}, 200, "", `W/"one-volenti-no"`},
		{"both", http.Header{"If-None-Match": {`W/"one-volenti-yes", W/"one-volenti-no"`}}, 304, `W/"one"`, `W/"one-volenti-no"`},
		{"the same, after a yes", http.Header{"If-None-Match": {`W/"one-volenti-yes"`}, "Cookie": {"yes=1"}}, 304, `W/"one"`, `W/"one-volenti-yes"`},
		{"from before there was a gate", http.Header{"If-None-Match": {`"one"`}, "If-Modified-Since": {"Sat, 21 Nov 2026 10:00:00 GMT"}}, 200, "", `W/"one-volenti-no"`},
		{"no page", http.Header{"If-None-Match": {`"one"`}, "Sec-Fetch-Dest": {"empty"}}, 304, `"one"`, `"one"`},
		{"part of one we sent", http.Header{"Range": {"bytes=1-"}, "If-Range": {`W/"one-volenti-no"`}}, 200, "", `W/"one-volenti-no"`},
	} {
		resp, _, asked := ask("GET", tt.header)
		if resp.StatusCode != tt.status || asked.Get("If-None-Match") != tt.asked || resp.Header.Get("ETag") != tt.got || asked.Get("If-Modified-Since") != "" || asked.Get("Range") != "" {
			t.Errorf("%s: %d, asked %v, answered %q", tt.name, resp.StatusCode, asked, resp.Header.Get("ETag"))
		}
	}
}

func TestPartsOfPagesAreRefused(t *testing.T) {
	s := serve(t, "", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Range", "bytes 0-9/20")
		w.WriteHeader(http.StatusPartialContent)
		_, _ = io.WriteString(w, liveTag)
	})
	resp, body := get(t, s, "GET", http.Header{"Range": {"bytes=0-9"}, "Sec-Fetch-Dest": {"empty"}})
	if resp.StatusCode != http.StatusRequestedRangeNotSatisfiable || body != "" {
		t.Errorf("%d %q", resp.StatusCode, body)
	}
}

func TestHeadersThatFetch(t *testing.T) {
	links := `<https://tracker.example/t.js>; rel=preload; as=script, </a.css>; rel="preload stylesheet", <https://tracker.example>; title="a, b"; rel="preconnect"`
	s := serve(t, "", func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Link", links)
		w.WriteHeader(http.StatusEarlyHints)
		h.Add("Link", `<https://tracker.example/>; rel=canonical`)
		h.Set("Refresh", "0; url=https://tracker.example/")
		h.Set("Report-To", `{"endpoints":[{"url":"https:\/\/tracker.example\/r"}]}`)
		h.Set("Reporting-Endpoints", `own="/r"`)
		h.Set("Speculation-Rules", `"https://tracker.example/rules.json"`)
		_, _ = io.WriteString(w, "{}")
	})
	var hints textproto.MIMEHeader
	r := mustRequest(t, s.URL)
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
		hints = h
		return nil
	}}))
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if want := []string{`</a.css>; rel="preload stylesheet"`}; !slices.Equal(hints["Link"], want) {
		t.Errorf("early hints: %q", hints["Link"])
	}
	if want := []string{`</a.css>; rel="preload stylesheet"`, `<https://tracker.example/>; rel=canonical`}; !slices.Equal(resp.Header["Link"], want) {
		t.Errorf("links: %q", resp.Header["Link"])
	}
	for name, want := range map[string]string{"Refresh": "", "Report-To": "", "Reporting-Endpoints": `own="/r"`, "Speculation-Rules": ""} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// What a handler flushes reaches the browser at once, in every coding, and what
// stands before a tag does not wait for it.
func TestStreamsAsItsHandlerDoes(t *testing.T) {
	for _, name := range []string{"", "gzip", "br", "zstd"} {
		next := make(chan struct{})
		s := serve(t, "/b/shop.js", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			var out io.Writer = w
			flush := func() error { return nil }
			if c := codings[name]; c != nil {
				w.Header().Set("Content-Encoding", name)
				e := c.encode(w)
				defer e.Close()
				out, flush = e, e.Flush
			}
			for _, part := range []string{"<!doctype html><html><head><title>Lamps</title>", "<body><p>Hel", "lo</p>" + liveTag} {
				_, _ = io.WriteString(out, part)
				if err := flush(); err != nil {
					t.Error(err)
				}
				w.(http.Flusher).Flush()
				<-next
			}
		})
		r := mustRequest(t, s.URL)
		if name != "" {
			r.Header.Set("Accept-Encoding", name)
		}
		resp, err := (&http.Transport{DisableCompression: true}).RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		var body io.Reader = resp.Body
		if c := codings[name]; c != nil {
			if body, err = c.decode(body); err != nil {
				t.Fatal(err)
			}
		}
		for _, want := range []string{`<!doctype html><html><head><script src="/b/shop.js"></script><title>Lamps</title>`, "<body><p>Hel", "lo</p>" + heldTag} {
			got := make([]byte, len(want))
			if _, err := io.ReadFull(body, got); err != nil || string(got) != want { // hangs where nothing comes
				t.Fatalf("%q: %v\n got %q\nwant %q", name, err, got, want)
			}
			next <- struct{}{}
		}
		if rest, err := io.ReadAll(body); err != nil || len(rest) > 0 {
			t.Errorf("%q: %v, and then %q", name, err, rest)
		}
		_ = resp.Body.Close()
	}
}

func TestConnectionsCanBeTakenOver(t *testing.T) {
	s := serve(t, "", func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: lamp\r\nConnection: Upgrade\r\n\r\n" + liveTag)
		_ = rw.Flush()
	})
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: shop\r\nUpgrade: lamp\r\nConnection: Upgrade\r\n\r\n")
	all, err := io.ReadAll(bufio.NewReader(conn))
	if err != nil || !strings.HasSuffix(string(all), "\r\n\r\n"+liveTag) {
		t.Errorf("%v %q", err, all)
	}
}

// A handler that breaks off must not look as if it had ended.
func TestAbortedPagesLookAborted(t *testing.T) {
	s := serve(t, "", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<p>Half a page <scr")
		panic(http.ErrAbortHandler)
	})
	resp, err := http.DefaultTransport.RoundTrip(mustRequest(t, s.URL))
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
	}
	if err == nil {
		t.Error("it looks whole")
	}
}

func TestThePagesScriptComesFirst(t *testing.T) {
	const script = `<script src="/b/shop.js"></script>`
	for _, tt := range []struct {
		name, in, want string
		header         http.Header // of the request
		policy         string
	}{
		{"a page", `<!doctype html><html lang=en><head a=b><title>x</title></head><body>y`, `<!doctype html><html lang=en><head a=b>` + script + `<title>x</title></head><body>y`, nil, ""},
		{"without a head", `<!doctype html> <title>x</title><p>y`, `<!doctype html> ` + script + `<title>x</title><p>y`, nil, ""},
		{"without anything", `<!doctype html>y`, `<!doctype html>` + script + `y`, nil, ""},
		{"with an empty head", `<html><head></head><body><script src="/b/shop.js"></script>`, `<html><head>` + script + `</head><body><script src="/b/shop.js"></script>`, nil, ""},
		{"that brings it", `<!doctype html><head><meta charset=utf-8><script async src="https://www.shop.example/b/shop.js?lang=de"></script>`, "", nil, ""},
		{"a part of a page", `<p>x</p><title>y</title>`, "", nil, ""},
		{"text", `x`, "", nil, ""},
		{"in a frame", `<!doctype html><head></head>`, "", http.Header{"Sec-Fetch-Dest": {"iframe"}}, ""},
		{"fetched by a script", `<!doctype html><head></head>`, "", http.Header{"Sec-Fetch-Dest": {"empty"}}, ""},
		{"with a nonce", `<!doctype html><head></head>`, `<!doctype html><head><script src="/b/shop.js" nonce="aGk="></script></head>`, nil, "default-src 'self'; script-src 'nonce-aGk=' 'strict-dynamic'"},
	} {
		s := serve(t, "/b/shop.js", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			if tt.policy != "" {
				w.Header().Set("Content-Security-Policy", tt.policy)
			}
			_, _ = io.WriteString(w, tt.in)
		})
		if tt.want == "" {
			tt.want = tt.in
		}
		if _, body := get(t, s, "GET", tt.header); body != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, body, tt.want)
		}
	}
}

// Without rules nobody but the page itself is known.
func TestWithoutRulesEverythingForeignIsHeld(t *testing.T) {
	s := httptest.NewServer(New(Options{Decide: func(*http.Request) Decision { return Decision{} }})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if r.URL.Path == "/x" {
			w.Header().Set("Content-Type", "application/xhtml+xml")
		}
		_, _ = fmt.Fprintf(w, `<script src="http://%s/a.js"></script><script src="/b.js"></script>%s`, r.Host, liveTag)
	})))
	defer s.Close()
	_, body := get(t, s, "GET", nil)
	if want := `<script type="text/plain" data-category="marketing" data-src="https://tracker.example/t.js"></script>`; !strings.HasSuffix(body, want) || strings.Count(body, "text/plain") != 1 {
		t.Errorf("%s", body)
	}
	resp, err := http.Get(s.URL + "/x")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if got := resp.Header.Get("Content-Security-Policy"); got != "default-src 'self' 'unsafe-inline' data: blob:" {
		t.Errorf("policy %q", got)
	}
}
