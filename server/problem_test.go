package server

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A visitor reads what happened in his language; programs and the console read
// English, whatever language is wanted.
func TestProblemsAreSaidToWhoeverReadsThem(t *testing.T) {
	server := httptest.NewServer(bare(t, func(context.Context) error { return nil }))
	defer server.Close()
	ask := func(path, accept, language string) (kind, vary, body string) {
		req, err := http.NewRequest(http.MethodGet, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", accept)
		req.Header.Set("Accept-Language", language)
		resp, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusNotFound {
			t.Fatal(resp.StatusCode, err)
		}
		return resp.Header.Get("Content-Type"), strings.Join(resp.Header.Values("Vary"), ", "), string(b)
	}
	for _, c := range []struct{ name, path, accept, language, want, not string }{
		{"German", "/nothing", "text/html", "de-AT,en;q=0.5", `<h1>Hier ist nichts</h1>`, "<h1 lang"},
		{"Arabic", "/nothing", "text/html", "ar", `<html lang="ar" dir="rtl">`, "Nothing is kept"},
		{"a language nobody has", "/nothing", "text/html", "tlh", "<h1>Nothing is here</h1>", ""},
		{"chosen in the address", "/nothing?lang=fr", "text/html", "de", "Il n’y a rien ici", "Hier ist nichts"},
		{"the console", "/admin/nothing", "text/html", "de", "Nothing is here", "Hier ist nichts"},
		{"a program", "/nothing", "application/json", "de", `"title":"Nothing is here"`, "Hier ist nichts"},
	} {
		t.Run(c.name, func(t *testing.T) {
			kind, vary, body := ask(c.path, c.accept, c.language)
			if !strings.Contains(body, c.want) || c.not != "" && strings.Contains(body, c.not) {
				t.Errorf("%s\n%s", kind, body)
			}
			if page := strings.HasPrefix(kind, "text/html"); page != (c.accept == "text/html") || page && !strings.Contains(vary, "Accept-Language") {
				t.Errorf("answered as %s, varying by %s", kind, vary)
			}
		})
	}
}
