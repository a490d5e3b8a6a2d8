package catalogue

import (
	"encoding/json"
	"net/url"
	"os"
	"testing"
)

// testdata/addresses.json holds addresses and what the URL class of a
// JavaScript engine reads in a page at https://www.base.test/dir/page.html:
// scheme, host, path; nothing where it throws.
func TestParseAddressReadsAsBrowsersDo(t *testing.T) {
	file, err := os.ReadFile("testdata/addresses.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	if err := json.Unmarshal(file, &rows); err != nil {
		t.Fatal(err)
	}
	base, _ := url.Parse("https://www.base.test/dir/page.html")
	for _, row := range rows {
		got, err := ParseAddress(row[0], base)
		switch {
		case len(row) == 1 && err == nil:
			t.Errorf("%q: read as %+v, want an error", row[0], got)
		case len(row) == 4 && (err != nil || got != Address{row[1], row[2], row[3]}):
			t.Errorf("%q: %+v, %v; want %q", row[0], got, err, row[1:])
		}
	}
	if len(rows) < 300 {
		t.Errorf("%d addresses, want hundreds", len(rows))
	}
}

func TestParseAddressWithoutBase(t *testing.T) {
	if a, err := ParseAddress("https://a.example/x/../y", nil); err != nil || a != (Address{"https", "a.example", "/y"}) {
		t.Errorf("%+v, %v", a, err)
	}
	for _, text := range []string{"", "/x", "x", "//a.example/x"} {
		if a, err := ParseAddress(text, nil); err == nil {
			t.Errorf("%q: %+v, want an error", text, a)
		}
	}
	if a, err := ParseAddress("x", &url.URL{Scheme: "about", Opaque: "blank"}); err == nil {
		t.Errorf("relative to about:blank: %+v, want an error", a)
	}
}

func FuzzParseAddress(f *testing.F) {
	base, _ := url.Parse("https://www.base.test/dir/page.html")
	for _, text := range []string{"https://a.example/", `\\a.example\b`, "//[::1]:80/", "http://0x7f.1/", "http://%61.example/%2e%2e/", "data:x", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseAddress(text, base)
		if err != nil || !a.Remote() {
			return
		}
		// What was read reads as itself.
		host := a.Host
		if ip := netipHost(host); ip != "" {
			host = ip
		}
		if again, err := ParseAddress(a.Scheme+"://"+host+a.Path, nil); err != nil || again != a {
			t.Errorf("%q: %+v, and that as %+v, %v", text, a, again, err)
		}
	})
}

func netipHost(host string) string {
	for _, c := range host {
		if c == ':' {
			return "[" + host + "]"
		}
	}
	return ""
}
