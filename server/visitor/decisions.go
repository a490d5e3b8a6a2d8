package visitor

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/net/publicsuffix"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
)

// Errors of a decision's envelope; what is wrong inside is consent.Invalid.
var (
	ErrOrigin    = errors.New("this origin is not one of the notice's")
	ErrFetchSite = errors.New("not sent by a page")
	ErrMediaType = errors.New("not application/json")
)

// Decisions answers POST /v1/sites/{site}/decisions.
type Decisions struct {
	Directory *Directory
	Archive   *Archive
	Laws      *Laws
	Recorder  *consent.Recorder
	Tokens    *consent.Tokens
	Cookies   *Cookies
	Now       func() time.Time
	PublicURL string  // the server's own address, where a proxy hides it; or ""
	OptOut    *OptOut // whose opt-outs pages bring; nil takes none

	// Admit says whether a site may record one more just now; nil: always. It is asked
	// last, so that nobody uses a site's allowance up with decisions that are none.
	Admit func(r *http.Request, site string) error
}

// Preflight answers the browser's question before a cross-origin decision.
func (d *Decisions) Preflight(c echo.Context) error {
	live, err := d.Directory.Live(c.Param("site"))
	if err != nil {
		return err
	}
	if err := allow(c, live.Notice); err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Access-Control-Allow-Methods", "POST")
	h.Set("Access-Control-Allow-Headers", "content-type")
	h.Set("Access-Control-Max-Age", "7200")
	return c.NoContent(http.StatusNoContent)
}

// allow answers CORS for exactly the origins of the notice, and nobody else.
// Credentials are the cookie that the answer sets.
func allow(c echo.Context, n *notice.Notice) error {
	h := c.Response().Header()
	h.Add("Vary", "Origin")
	origin := c.Request().Header.Get("Origin")
	if !slices.Contains(n.Origins, origin) {
		return ErrOrigin
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true")
	return nil
}

// Post records one decision. 201 says that it is on stable storage and in the log.
func (d *Decisions) Post(c echo.Context) error {
	r := c.Request()
	c.Response().Header().Set("Cache-Control", "no-store")
	live, err := d.Directory.Live(c.Param("site"))
	if err != nil {
		return err
	}
	if err := allow(c, live.Notice); err != nil {
		return err
	}
	body, err := envelope(r)
	if err != nil {
		return err
	}
	decision, err := consent.Decode(body)
	if err != nil {
		return err
	}
	recorded, n, err := d.record(r, live, decision.Token, func(*notice.Notice) (consent.Decision, error) { return decision, nil })
	if err != nil {
		return err
	}
	page, err := url.Parse(r.Header.Get("Origin"))
	if err != nil {
		return ErrOrigin
	}
	cookie, err := d.cookie(r, page, n, recorded.Core)
	if err != nil {
		return err
	}
	if cookie != nil {
		http.SetCookie(c.Response(), cookie)
	}
	for _, cookie := range d.expired(r, page, n, recorded.Core) {
		http.SetCookie(c.Response(), cookie)
	}
	return c.Blob(http.StatusCreated, "application/json", recorded.Receipt)
}

// record judges a decision about the notice that its token says was served, and
// keeps it. It returns that notice as well.
func (d *Decisions) record(r *http.Request, live *Live, token string, decide func(*notice.Notice) (consent.Decision, error)) (consent.Recorded, *notice.Notice, error) {
	served, err := d.Tokens.Verify(token, live.Site.Key, d.Now())
	if err != nil {
		return consent.Recorded{}, nil, err
	}
	question, err := d.Archive.question(r.Context(), live, served)
	if err != nil {
		return consent.Recorded{}, nil, err
	}
	question.GPCHeader, question.OptOut = gpcHeader(r), optedOut(r)
	d.Laws.answer(live.Site, &question)
	decision, err := decide(question.Notice)
	if err != nil {
		return consent.Recorded{}, nil, err
	}
	if decision.Action == consent.Share {
		if err := d.takeOver(r, live, decision, &question); err != nil {
			return consent.Recorded{}, nil, err
		}
	}
	var carried *brought
	if decision.Action == consent.Signal && decision.Handover != "" {
		if carried, err = d.OptOut.bring(live, r.Header.Get("Origin"), decision.Handover); err != nil {
			return consent.Recorded{}, nil, err
		}
		question.OptOut = true
	}
	draft, err := consent.Prepare(decision, question)
	if err != nil {
		return consent.Recorded{}, nil, err
	}
	if d.Admit != nil {
		if err := d.Admit(r, live.Site.Key); err != nil {
			return consent.Recorded{}, nil, err
		}
	}
	recorded, err := d.Recorder.Record(r.Context(), draft)
	if err == nil && carried != nil {
		err = d.OptOut.done(r.Context(), carried) // an error brings the page here again, for the same record
	}
	return recorded, question.Notice, err
}

// envelope judges what is around the decision, and reads it.
func envelope(r *http.Request) ([]byte, error) {
	// Sent by every browser of today; others are held by the Origin alone.
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "same-site", "cross-site":
	default:
		return nil, ErrFetchSite
	}
	media, err := r.Header.Get("Content-Type"), error(nil)
	if media != "application/json" { // as our own script has it
		media, _, err = mime.ParseMediaType(media)
	}
	if err != nil || media != "application/json" || r.Header.Get("Content-Encoding") != "" {
		return nil, ErrMediaType
	}
	if r.ContentLength > consent.MaxBody {
		return nil, consent.ErrTooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, consent.MaxBody))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, consent.ErrTooLarge
		}
		return nil, echo.ErrBadRequest.SetInternal(err)
	}
	return body, nil
}

// cookie remembers a record. The server sets it, not the page: Safari keeps what
// script sets for seven days only. page is the origin whose pages are to see it;
// nil where no browser would take it.
func (d *Decisions) cookie(r *http.Request, page *url.URL, n *notice.Notice, core consent.Core) (*http.Cookie, error) {
	m, ok := d.memory(r, n, core)
	if !ok {
		return nil, nil //nolint:nilnil // there is nothing to remember
	}
	value, err := d.Cookies.Encode(m)
	if err != nil {
		return nil, err
	}
	domain, first := cookieDomain(d.host(r), page.Hostname())
	https := page.Scheme == "https" // a page on https can't have sent this over http
	//nolint:gosec // the gate reads it, and a page on http has no other
	cookie := &http.Cookie{Name: CookieName, Value: value, Path: "/", Domain: domain,
		MaxAge: max(1, int(m.until().Sub(d.Now())/time.Second)), Secure: https, SameSite: http.SameSiteLaxMode}
	if !first {
		if !https {
			return nil, nil //nolint:nilnil // no browser takes it
		}
		cookie.SameSite, cookie.Partitioned = http.SameSiteNoneMode, true
	}
	return cookie, nil
}

func (d *Decisions) host(r *http.Request) string {
	if u, err := url.Parse(d.PublicURL); err == nil && u.Host != "" {
		return strings.ToLower(u.Hostname())
	}
	return strings.ToLower((&url.URL{Host: r.Host}).Hostname())
}

// isAddress reports whether a host is an address and no name; the last label of a name
// is not all digits (RFC 3696 section 2).
func isAddress(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	return strings.Contains(host, ":") || last != "" && strings.Trim(last, "0123456789") == ""
}

// cookieDomain is the Domain attribute that makes the cookie of this server
// first-party for the page, and whether there is one: "" on the page's own
// host; else the longest domain both share, if that is one somebody registered
// and not a public suffix.
func cookieDomain(server, page string) (domain string, first bool) {
	if server == page {
		return "", true
	}
	if isAddress(server) || isAddress(page) {
		return "", false
	}
	a, err1 := publicsuffix.EffectiveTLDPlusOne(server)
	b, err2 := publicsuffix.EffectiveTLDPlusOne(page)
	if err1 != nil || err2 != nil || a != b {
		return "", false
	}
	shared := a
	for rest := page; len(rest) > len(a); _, rest, _ = strings.Cut(rest, ".") {
		if rest == server || strings.HasSuffix(server, "."+rest) {
			shared = rest
			break
		}
	}
	return shared, true
}
