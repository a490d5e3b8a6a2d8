package server

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/volenti-consent/volenti/web"
)

// SiteAway answers instead of a site that does not, with 502, or with 504 where
// it takes too long: with a page to browsers, with JSON to all others. Prefix is
// where this server's own addresses are, "" or "/consent".
func SiteAway(pages *web.Renderer, prefix string, w http.ResponseWriter, r *http.Request, status int) {
	p := problem{Type: "urn:volenti:problem:site-away", Status: status,
		Title:  "This website can't be reached just now",
		Detail: "It is not your connection. Nothing that you decided here is lost. Try again in a minute."}
	if status == http.StatusGatewayTimeout {
		p.Title = "This website takes too long to answer"
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Retry-After", "30")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Add("Vary", "Accept")
	var body bytes.Buffer
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		err := pages.Render(&body, &web.Problem{
			Head: web.Head{Title: p.Title, Root: web.Root(r.URL.EscapedPath()) + strings.TrimPrefix(prefix+"/", "/"), Language: r.Header.Get("Accept-Language")},
			Case: web.Away, Status: status, Detail: p.Detail,
		})
		if err == nil {
			h.Set("Content-Security-Policy", web.ContentSecurityPolicy)
			h.Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(status)
			_, _ = w.Write(body.Bytes())
			return
		}
	}
	h.Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(p)
}
