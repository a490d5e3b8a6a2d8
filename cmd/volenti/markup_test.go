package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const moving = `<!doctype html><html><head>
<script src="https://consent.example/b/shop.js"></script>
<script type="text/plain" data-cookieconsent="statistics" src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>
<script src="https://static.hotjar.com/c/hotjar-1.js"></script>
<script src="https://tracker.test/` + "\x1b[31m" + `a.js"></script>
</head></html>
`

func TestMarkupOfAFile(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "index.html")
	if err := os.WriteFile(page, []byte(moving), 0o600); err != nil {
		t.Fatal(err)
	}
	out, exit := volenti(t, "markup", page, "--notice", "testdata/shop.toml")
	if exit != exitInvalid {
		t.Errorf("exit %d, want %d", exit, exitInvalid)
	}
	for _, want := range []string{
		"3     gated    analytics", "Cookiebot",
		"4     ungated", "hotjar",
		"index.html:4: ungated script: write type=\"text/plain\"",
		"2 tags load before anybody is asked",
		"# What the notice lacks:", "key = \"hotjar\"", "hosts = [\"tracker.test\"]",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "\x1b") || strings.Contains(out, "the banner's script is not there") {
		t.Errorf("says what it should not:\n%s", out)
	}

	if err := os.WriteFile(page, []byte(`<script src="/app.js"></script>`), 0o600); err != nil {
		t.Fatal(err)
	}
	out, exit = volenti(t, "markup", page)
	if exit != 0 || !strings.Contains(out, "the banner's script is not there") {
		t.Errorf("a page without tags: exit %d\n%s", exit, out)
	}
}

func TestMarkupOfAPublishedSite(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(t.TempDir(), "index.html")
	if err := os.WriteFile(page, []byte(moving), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, exit := volenti(t, "markup", page, "--site", "shop", "--data", data); exit != exitUsage || !strings.Contains(out, "no notice is published") {
		t.Errorf("an unpublished site: exit %d\n%s", exit, out)
	}
	for _, args := range [][]string{{"site", "add", "shop"}, {"notice", "publish", "testdata/shop.toml"}} {
		if out, exit := volenti(t, append(args, "--data", data)...); exit != 0 {
			t.Fatalf("volenti %v: exit %d\n%s", args, exit, out)
		}
	}
	if out, exit := volenti(t, "markup", page, "--site", "shop", "--data", data); exit != exitInvalid || !strings.Contains(out, "gated") {
		t.Errorf("exit %d\n%s", exit, out)
	}
}

func TestMarkupOfAURL(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cookie") != "" || r.Header.Get("Authorization") != "" {
			t.Errorf("credentials were sent: %v", r.Header)
		}
		http.SetCookie(w, &http.Cookie{Name: "visit", Value: "1"})
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/shop/page", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/shop/page":
			w.Header().Set("Content-Type", "text/html; charset=iso-8859-1")
			fmt.Fprint(w, "<img src=\"logo.png\" alt=\"\xfc\"><script src=\"https://js.stripe.com/v3/\"></script><iframe data-category=\"marketing\" data-src=\"https://tracker.test/\xfc\"></iframe>")
		case "/large":
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, strings.Repeat("<p>", pageSize/3+1))
		case "/picture":
			w.Header().Set("Content-Type", "image/png")
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()

	out, exit := volenti(t, "markup", server.URL+"/moved", "--json")
	var got struct {
		Ungated  int `json:"ungated"`
		Findings []struct {
			State  string `json:"state"`
			Source string `json:"source"`
		} `json:"findings"`
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || exit != 0 {
		t.Fatalf("exit %d, %v\n%s", exit, err, out)
	}
	if got.Ungated != 0 || len(got.Findings) != 2 || got.Findings[0].State != "free" || got.Findings[1].Source != "https://tracker.test/ü" {
		t.Errorf("%+v", got)
	}

	for address, want := range map[string]string{
		server.URL + "/none":    "404",
		server.URL + "/picture": "not HTML",
		server.URL + "/large":   "MiB",
		server.URL + "/loop":    "redirects",
		strings.Replace(server.URL, "//", "//user:secret@", 1) + "/moved": "without credentials",
		"http://127.0.0.1:1/":              "fetch the page",
		filepath.Join(t.TempDir(), "none"): "no such file",
	} {
		out, exit := volenti(t, "markup", address)
		if exit != exitUsage || !strings.Contains(out, want) || strings.Contains(out, "secret") {
			t.Errorf("%s: exit %d, want %d and %q in\n%s", address, exit, exitUsage, want, out)
		}
	}
	if out, exit := volenti(t, "markup", server.URL+"/moved", "--at", "https://www.shop.example/"); exit != exitUsage || !strings.Contains(out, "--at is for files") {
		t.Errorf("--at with a URL: exit %d\n%s", exit, out)
	}
}
