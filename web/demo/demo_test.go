package demo

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/volenti-consent/volenti/server/notice"
)

const vendors = "http://vendors.test:8081"

func shop(t *testing.T, path string) (*httptest.ResponseRecorder, *html.Node) {
	t.Helper()
	h := Handler(Options{Vendors: NewVendors(), VendorOrigin: vendors, Languages: []string{"en", "de", "ar"}})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	if w.Code != http.StatusOK {
		t.Fatalf("GET %s: %d", path, w.Code)
	}
	root, err := html.Parse(strings.NewReader(w.Body.String()))
	if err != nil {
		t.Fatal(err)
	}
	return w, root
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// What names a vendor's address and is not gated would load before anybody was asked.
func TestNothingOfAVendorLoadsUngated(t *testing.T) {
	_, root := shop(t, "/demo/")
	held := map[string]bool{}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		for _, a := range n.Attr {
			if !strings.HasPrefix(a.Val, vendors) {
				continue
			}
			if template := slices.IndexFunc(slices.Collect(n.Ancestors()), func(p *html.Node) bool {
				return p.Data == "template" && attr(p, "data-category") != ""
			}); template >= 0 {
				held["template"] = true
				continue
			}
			if a.Key != "data-src" || attr(n, "data-category") == "" || n.Data == "script" && attr(n, "type") != "text/plain" {
				t.Errorf("<%s %s=%q> is not gated", n.Data, a.Key, a.Val)
			}
			held[n.Data] = true
		}
	}
	for _, kind := range []string{"script", "iframe", "img", "template"} {
		if !held[kind] {
			t.Errorf("the shop shows no gated %s", kind)
		}
	}
}

func TestThePageKeepsItsOwnPolicy(t *testing.T) {
	w, root := shop(t, "/demo/")
	csp := w.Header().Get("Content-Security-Policy")
	if strings.Contains(csp, "unsafe") || !strings.Contains(csp, "require-trusted-types-for 'script'") {
		t.Fatalf("policy %q: want no unsafe-…, and Trusted Types", csp)
	}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if n.Data == "script" && n.FirstChild != nil {
			sum := sha256.Sum256([]byte(n.FirstChild.Data))
			if !strings.Contains(csp, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
				t.Errorf("the policy does not allow the inline script %q", n.FirstChild.Data)
			}
		}
		if src := attr(n, "src"); n.Data == "script" && src != "" && !strings.HasPrefix(src, "/") && !strings.HasPrefix(src, vendors) {
			t.Errorf("the policy does not allow the script %q", src)
		}
		if n.Data == "style" {
			t.Error("a style element; the policy forbids it")
		}
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("<%s %s>: the policy forbids it", n.Data, a.Key)
			}
		}
	}
}

func TestTheScriptIsAskedForLanguageAndRegion(t *testing.T) {
	for path, want := range map[string]string{
		"/demo/":                         "/b/demo.js",
		"/demo/?lang=ar":                 "/b/demo.js?lang=ar",
		"/demo/?lang=&region=US-CA":      "/b/demo.js?region=US-CA",
		"/demo/?lang=de&region=JP":       "/b/demo.js?lang=de&region=JP",
		"/demo/?lang=xx&region=%22%3E":   "/b/demo.js",
		"/demo/?lang=de%22&region=US-ZZ": "/b/demo.js",
	} {
		_, root := shop(t, path)
		got := ""
		for n := range root.Descendants() {
			if n.Data == "script" && attr(n, "src") != "" {
				got = attr(n, "src") // the first script of the page
				break
			}
		}
		if got != want {
			t.Errorf("%s loads %q first, want %q", path, got, want)
		}
	}
}

func TestVendorsCountByRun(t *testing.T) {
	v := NewVendors()
	v.slow = 0
	server := httptest.NewServer(v)
	defer server.Close()
	get := func(path string) (int, string) {
		t.Helper()
		answer, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(body)
	}
	for _, path := range []string{"/gtag/js?run=a", "/g/collect?run=a&en=page_view", "/g/collect?run=a", "/tr?run=b", "/embed/firefly?run=a", "/chain/a.js?run=b"} {
		if code, body := get(path); code != http.StatusOK || body == "" {
			t.Errorf("%s: %d, %d bytes", path, code, len(body))
		}
	}
	if code, _ := get("/elsewhere"); code != http.StatusNotFound {
		t.Errorf("/elsewhere: %d, want 404", code)
	}
	for run, want := range map[string]string{
		"a": `{"ga4":{"/g/collect":2,"/gtag/js":1},"youtube":{"/embed/firefly":1}}`,
		"b": `{"chain":{"/chain/a.js":1},"meta":{"/tr":1}}`,
		"c": `{}`,
	} {
		if _, got := get("/counts?run=" + run); strings.TrimSpace(got) != want {
			t.Errorf("run %s: %s, want %s", run, got, want)
		}
	}
	answer, err := http.Post(server.URL+"/reset", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if _, got := get("/counts?run=a"); strings.TrimSpace(got) != "{}" {
		t.Errorf("after reset: %s", got)
	}
}

func TestVendorsForgetTheOldestRun(t *testing.T) {
	v := NewVendors()
	for i := range maxRuns + 1 {
		v.count(string(rune('a'+i)), "meta", "/tr")
	}
	if len(v.Counts("a")) != 0 || len(v.Counts("b")) == 0 || len(v.runs) != maxRuns {
		t.Errorf("%d runs, oldest %v, next %v", len(v.runs), v.Counts("a"), v.Counts("b"))
	}
}

func TestCountsAreReadOnTheShopsOwnOrigin(t *testing.T) {
	v := NewVendors()
	v.count("r", "meta", "/tr")
	w := httptest.NewRecorder()
	Handler(Options{Vendors: v, VendorOrigin: vendors}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/demo/counts?run=r", nil))
	var c Counts
	if err := json.Unmarshal(w.Body.Bytes(), &c); err != nil || c["meta"]["/tr"] != 1 {
		t.Errorf("%s, %v", w.Body, err)
	}
}

func TestTheNoticeCanBePublished(t *testing.T) {
	n, issues := notice.Parse(Notice([]string{"http://localhost:8080"}, notice.Languages()), "notice.toml")
	for _, i := range issues {
		if i.Severity == notice.SeverityError {
			t.Errorf("line %d, %s %s: %s", i.Line, i.Path, i.What, i.Remedy)
		}
	}
	if n == nil {
		t.Fatal("no notice")
	}
	known := map[string]string{}
	for _, v := range n.Vendors {
		known[v.Key] = v.Category
	}
	_, root := shop(t, "/demo/")
	for node := range root.Descendants() {
		if key := attr(node, "data-service"); key != "" && known[key] != attr(node, "data-category") {
			t.Errorf("<%s> is gated by %q in %q; the notice has it in %q", node.Data, key, attr(node, "data-category"), known[key])
		}
	}
	for _, row := range rows {
		if known[row.Key] != row.Category {
			t.Errorf("the panel shows %q in %q; the notice has it in %q", row.Key, row.Category, known[row.Key])
		}
	}
	for _, a := range answers {
		if known[a.vendor] == "" {
			t.Errorf("%s counts for %q, which is not in the notice", a.path, a.vendor)
		}
	}
}
