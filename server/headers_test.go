package server

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/admin"
	"github.com/volenti-consent/volenti/server/transparency"
	"github.com/volenti-consent/volenti/web"
)

// over makes a server that logs, over https or not.
func over(t *testing.T, https bool, lines *bytes.Buffer) *Server {
	t.Helper()
	pages, err := web.New()
	if err != nil {
		t.Fatal(err)
	}
	return New(Deps{Log: slog.New(slog.NewTextHandler(lines, nil)), Now: time.Now, Pages: pages, Ready: fine, Console: &admin.Console{}, HTTPS: https,
		Transparency: transparency.New(transparency.Options{Witness: &transparency.Cosigner{}}), PublicLog: true})
}

// Every answer of every route, those to mistakes and panics too, says that its type is
// not to be guessed and that its address is told to nobody; over https, that this is to
// stay so; and every page, what it may load and that nobody may frame it.
func TestHeadersOfEveryAnswer(t *testing.T) {
	parameter := regexp.MustCompile(`:[a-z]+|\*`)
	for _, https := range []bool{true, false} {
		s := over(t, https, &bytes.Buffer{})
		asked := map[string]bool{"GET /nothing": true, "PURGE /": true, "POST /b/shop.js": true}
		for _, r := range s.echo.Routes() {
			asked[r.Method+" "+parameter.ReplaceAllString(r.Path, "x")] = true
		}
		if len(asked) < 150 {
			t.Fatalf("%d routes", len(asked))
		}
		pages := 0
		for route := range asked {
			method, path, _ := strings.Cut(route, " ")
			r := httptest.NewRequest(method, path, nil)
			r.Header.Set("Accept", "text/html")
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			h := w.Header()
			if h.Get("X-Content-Type-Options") != "nosniff" || strings.HasPrefix(path, "/b/") != (h.Get("Referrer-Policy") == "") && h.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("%s: %v", route, h)
			}
			if got := h.Get("Strict-Transport-Security"); https != (got == "max-age=31536000") || !https && got != "" {
				t.Errorf("%s, https %v: Strict-Transport-Security %q", route, https, got)
			}
			if body := w.Body.Len(); body > 0 && !strings.Contains(h.Get("Content-Type"), "/") {
				t.Errorf("%s: %d bytes of type %q", route, body, h.Get("Content-Type"))
			}
			if strings.HasPrefix(h.Get("Content-Type"), "text/html") {
				pages++
				policy := h.Get("Content-Security-Policy")
				if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe-") {
					t.Errorf("%s: Content-Security-Policy %q", route, policy)
				}
			}
		}
		if pages < 100 {
			t.Errorf("%d pages: this shows little", pages)
		}
	}
}

// What failed because its client has gone is nobody's mistake, and nothing to look into.
func TestAClientThatIsGoneIsNoFault(t *testing.T) {
	for _, gone := range []bool{true, false} {
		lines := &bytes.Buffer{}
		s := over(t, false, lines)
		s.echo.GET("/admin/log/acts.csv", func(echo.Context) error { return errors.New("the transaction was rolled back") })
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if gone {
			cancel()
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/admin/log/acts.csv", nil).WithContext(ctx))
		if want := map[bool]int{true: 400, false: 500}[gone]; w.Code != want || gone == strings.Contains(lines.String(), "request failed") {
			t.Errorf("gone %v: %d\n%s", gone, w.Code, lines)
		}
	}
}
