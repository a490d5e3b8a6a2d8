package visitor

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

func TestAccepted(t *testing.T) {
	offers := []string{asPage, asJSON, asMarkdown}
	for accept, want := range map[string]string{
		"":                 asPage,
		"*/*":              asPage,
		"application/json": asJSON,
		"text/markdown":    asMarkdown,
		"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8": asPage,
		"application/json, text/html":                          asPage, // alike: our own order
		"text/html;q=0.5, application/json":                    asJSON,
		"text/html;q=0.5,application/json;q=0.501":             asJSON,
		"application/*":                                        asJSON,
		"text/*;q=0.3, text/html;q=0.1":                        asMarkdown,
		"text/*, text/html;q=0":                                asMarkdown,
		"*/*, text/html;q=0":                                   asJSON,
		"*/*;q=0.1, text/*;q=0.2, application/json;q=0.15":     asPage,
		"APPLICATION/JSON;Q=1.000":                             asJSON,
		"application/json; charset=utf-8":                      asJSON,
		"text/markdown; variant=GFM; q=0.9, text/html;q=0.8":   asMarkdown,
		`text/html;level="1,2;q=1", application/json;q=0.1`:    asJSON, // HTML of a level is not what we have
		"application/json;q=0.4;ext=1, text/markdown;q=0.3":    asJSON,
		"application/json;q=2, text/markdown":                  asMarkdown, // no weight at all
		"application/json;q=0.1234, text/markdown;q=0.1":       asMarkdown,
		"application/json;q=1.5, text/markdown;q=0.1":          asMarkdown,
		"application/json;q=, text/markdown;q=0.1":             asMarkdown,
		"json, */json, /json, application/, text/markdown;q=1": asMarkdown,
		"garbage":           asPage,
		";;;,,,":            asPage,
		"image/png":         "",
		"text/html;q=0":     "",
		"*/*;q=0":           "",
		"*/*;q=0.000":       "",
		"text/html;level=2": asPage, // nothing is left, so nothing was asked for
	} {
		r := &http.Request{Header: http.Header{}}
		if accept != "" {
			r.Header["Accept"] = []string{accept}
		}
		got, err := accepted(r, offers...)
		if got != want || (want == "") != errors.Is(err, ErrNotAcceptable) {
			t.Errorf("Accept %q: %q, %v; want %q", accept, got, err, want)
		}
	}
	r := &http.Request{Header: http.Header{"Accept": {"text/html;q=0.1", "application/json"}}}
	if got, err := accepted(r, offers...); got != asJSON || err != nil {
		t.Errorf("two lines of Accept: %q, %v", got, err)
	}
}

func FuzzAccepted(f *testing.F) {
	for _, seed := range []string{"", "*/*", `text/html;a="b,c";q=0.5, application/json`, `"`, `a/b;q="\`, "text/html;q=0.333,,"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		got, err := accepted(&http.Request{Header: http.Header{"Accept": {accept}}}, asPage, asJSON)
		if (got == "") != (err != nil) {
			t.Fatalf("%q: %q, %v", accept, got, err)
		}
		// Whoever refuses nothing is refused nothing.
		if err != nil && !strings.Contains(accept, "q") && !strings.Contains(accept, "Q") {
			for _, m := range mediaRanges(accept) {
				if m.kind == "*" {
					t.Fatalf("%q takes anything and got nothing", accept)
				}
			}
		}
	})
}
