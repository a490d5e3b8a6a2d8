// Package edge is the strongest form of the gate: what a visitor has not
// granted is taken out of the HTML before it reaches the browser, so that it
// can't even be fetched. It is a middleware for any net/http handler, a reverse
// proxy included; a tag that is held becomes one that the page's script knows
// and releases when it may (docs/edge.md).
//
// Only HTML is rewritten, and of an answer's header what makes browsers fetch.
// What scripts of the page's own load is stopped by the page's script, and by
// the Content-Security-Policy that package visitor answers by decision.
package edge

import (
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/volenti-consent/volenti/server/catalogue"
	"github.com/volenti-consent/volenti/server/notice"
)

// A Decision is what one answer is judged by. Its zero value holds whatever is
// not the page's own.
type Decision struct {
	Rules      Judge    // *notice.Rules as a rule; nil knows nobody but the page itself
	Grants     Grants   // what the visitor allows now; nil is nothing
	Categories []string // keys of the notice's categories: the site's own marks, which count most, name them
	Own        []string // hosts of the consent server, which are never held
	Script     string   // address of the page's script, to be put first into pages that lack it; "" is none
	State      string   // names all of the above in ETags, and nobody; "" makes browsers fetch pages anew
	// Policy is the Content-Security-Policy for documents that can't be rewritten,
	// such as XHTML; nil allows the page itself alone.
	Policy func() string
}

// Options say how a handler's pages are judged.
type Options struct {
	// Decide is asked once for every request, before it is handled. It must not
	// change the request.
	Decide func(*http.Request) Decision
	// HTTPS reports whether the visitor's browser reached us over TLS, where a
	// proxy in front of us ends it; nil goes by the connection.
	HTTPS func(*http.Request) bool
	// Log is told of pages that could not be passed on; nil tells nobody.
	Log *slog.Logger
}

// New makes a middleware that takes out of pages what their visitor did not
// grant. Handlers stream through it: it flushes when they do, and what it
// keeps of a page is one tag, or the text of one script or style sheet.
func New(o Options) func(http.Handler) http.Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			d := o.Decide(r)
			a := &answer{ResponseWriter: w, request: r, decision: d, page: d.page(pageURL(r, o.HTTPS))}
			defer a.abort()
			next.ServeHTTP(a, a.ask())
			if err := a.finish(); err != nil {
				o.Log.DebugContext(r.Context(), "page not passed on to its end", "error", err)
				panic(http.ErrAbortHandler) // the browser must see that it has no whole page
			}
		})
	}
}

// NewWriter makes a Writer for one page outside of HTTP. Close it at the end of
// the page.
func NewWriter(out io.Writer, page *url.URL, d Decision) *Writer {
	return newWriter(out, d.page(page), newEmbed(d.Script, ""))
}

func (d Decision) page(u *url.URL) page {
	p := page{url: u, judge: d.Rules, grants: d.Grants, marked: d.Categories, own: d.Own}
	if p.judge == nil {
		p.judge = stranger{}
	}
	if p.grants == nil {
		p.grants = Nothing{}
	}
	return p
}

// stranger knows nobody but the page itself.
type stranger struct{}

// JudgeText implements Judge.
func (stranger) JudgeText(address string, base *url.URL, page string) notice.Verdict {
	a, err := catalogue.ParseAddress(address, base)
	if err == nil && (!a.Remote() || strings.EqualFold(a.Host, strings.Trim(page, "[]"))) {
		return notice.Verdict{Reason: notice.FirstParty}
	}
	return notice.Verdict{Reason: notice.Unknown, Category: notice.Marketing}
}

// pageURL is the page's address as the browser has it. The host is the one the
// request was sent to.
func pageURL(r *http.Request, https func(*http.Request) bool) *url.URL {
	u := &url.URL{Scheme: "http", Host: r.Host, Path: r.URL.Path, RawPath: r.URL.RawPath}
	if r.TLS != nil || https != nil && https(r) {
		u.Scheme = "https"
	}
	if !strings.HasPrefix(u.Path, "/") {
		u.Path, u.RawPath = "/", ""
	}
	return u
}
