package visitor

import (
	"bytes"
	"context"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/server/request"
	"github.com/volenti-consent/volenti/web"
)

// Requests are the pages at /privacy/:site/requests, on which visitors ask for
// something about their data and follow what becomes of it. Without script, without
// an account: whoever has the cookie, a receipt, or the mailbox, is who asks.
type Requests struct {
	Choices *ChoicesPage // finds region, law and cookie as for the banner
	Service *request.Service
	Passes  *Passes // say which receipt a browser was shown; nil: the cookie alone counts
	Limit   *request.Limiter
	Letters *request.Limiter           // by mailbox: nobody has a stranger written to all day
	Address func(*http.Request) string // of the client, behind proxies; counted, never kept
	Web     *web.Renderer
}

// mostOfForm bounds a form: the longest text, each character escaped.
const mostOfForm = 64 << 10

// Get answers the form, and the requests of this browser.
func (q *Requests) Get(c echo.Context) error {
	live, err := q.live(c)
	if err != nil {
		return err
	}
	return q.ask(c, http.StatusOK, live, &web.Requests{})
}

func (q *Requests) live(c echo.Context) (*Live, error) {
	return q.Choices.Script.Directory.Live(c.Param("site"))
}

// ask shows the form, as it was filled in.
func (q *Requests) ask(c echo.Context, status int, live *Live, page *web.Requests) error {
	r := c.Request()
	ctx := r.Context()
	held, elsewhere, err := q.held(r, live)
	if err != nil {
		return err
	}
	_, ruling := q.ruling(r, live)
	chosen := r.URL.Query().Get("kind")
	if r.Method == http.MethodPost {
		chosen = r.PostForm.Get("kind")
	}
	for _, k := range q.Service.Rights.Offered(ruling) {
		page.Kinds = append(page.Kinds, web.RequestKind{Key: string(k), Name: wordOf(string(k)), Chosen: string(k) == chosen})
	}
	page.Head = q.head(r, live)
	if elsewhere && r.Method != http.MethodPost {
		page.Receipt = held
	}
	page.SiteKey, page.ByCookie, page.Mails, page.Controller = live.Site.Key, held != "" && !elsewhere, q.Service.Mails, live.controller()
	page.Action = "./requests"
	if region := r.URL.Query().Get("region"); region != "" && q.Choices.Script.Override {
		page.Action += "?" + url.Values{"region": {region}}.Encode()
	}
	if held != "" {
		own, err := q.own(ctx, live, held)
		if err != nil {
			return err
		}
		if page.Yours, err = q.yours(ctx, live, own); err != nil {
			return err
		}
	}
	if page.FormKey, err = q.formKey(live, "requests", held); err != nil {
		return err
	}
	return q.answer(c, status, page)
}

// held is the receipt that a request shows, as in the privacy centre: one of another
// browser that was entered in this one (elsewhere), else that of the cookie, else "".
func (q *Requests) held(r *http.Request, live *Live) (receipt string, elsewhere bool, _ error) {
	if q.Passes != nil {
		if id := q.Passes.shown(r, live.Site.Key); id != "" {
			_, err := q.Choices.Store.Entry(r.Context(), live.Site.Key, id)
			if !errors.Is(err, consent.ErrUnknownReceipt) {
				return id, true, err
			}
		}
	}
	return q.Choices.held(r, live), false, nil
}

// yours are the requests that whoever holds these receipts can open. One that a mailbox
// settled is for that mailbox alone.
func (q *Requests) yours(ctx context.Context, live *Live, receipts []string) (lines []web.RequestLine, _ error) {
	all, err := q.Service.Store.OfReceipts(ctx, live.Site.Key, receipts)
	for _, m := range all {
		if m.State != request.Pending && m.State != request.Lapsed && m.Identity != request.ByMail {
			lines = append(lines, web.RequestLine{ID: m.ID, Kind: wordOf(string(m.Kind)), State: string(m.State), Due: lastMoment(m.Due, live), Waits: m.State.Waits()})
		}
	}
	return lines, err
}

// head is that of a page in the visitor's language.
func (q *Requests) head(r *http.Request, live *Live) web.Head {
	lang := r.Header.Get("Accept-Language")
	if wanted := r.FormValue("lang"); wanted != "" {
		lang = wanted
	}
	return web.Head{Site: live.Site.Name, Language: lang, Root: web.Root(r.URL.EscapedPath())}
}

func (q *Requests) answer(c echo.Context, status int, page web.Page) error {
	var b bytes.Buffer
	if err := q.Web.Render(&b, page); err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Cache-Control", "private, no-store")
	h.Set("Content-Security-Policy", web.FormSecurityPolicy)
	h.Set("Referrer-Policy", "same-origin") // no address of ours, with its key, goes anywhere else
	h.Set("X-Frame-Options", "DENY")
	return c.HTMLBlob(status, b.Bytes())
}

// ruling is the law where the visitor is, and that region.
func (q *Requests) ruling(r *http.Request, live *Live) (string, regime.Ruling) {
	s := q.Choices.Script
	region, source := s.region(r)
	return region.String(), s.Laws.ruling(live.Site, live.Notice, region, source, s.Now())
}

// formKey binds a form to this site, its purpose, and what the browser holds.
func (q *Requests) formKey(live *Live, purpose, held string) (string, error) {
	return q.Choices.Script.Cookies.FormKey(live.Site.Key, "request "+purpose, held)
}

// form reads a form that one of these pages has sent.
func (q *Requests) form(r *http.Request, live *Live, purpose string) (*url.URL, error) {
	origin, err := formOrigin(r, q.Choices.Decisions.PublicURL)
	if err != nil {
		return nil, err
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, ErrForm
	}
	r.Body = http.MaxBytesReader(nil, r.Body, mostOfForm)
	if err := r.ParseForm(); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, consent.ErrTooLarge
		}
		return nil, ErrForm
	}
	held, _, err := q.held(r, live)
	if err != nil {
		return nil, err
	}
	return origin, q.Choices.Script.Cookies.CheckForm(r.PostForm.Get("form"), live.Site.Key, "request "+purpose, held)
}

// wrongs say which field of the form an error is about, and in which words.
var wrongs = []struct {
	err        error
	field, key string
}{
	{request.ErrKind, "kind", "req_wrong_kind"}, {request.ErrNotGiven, "kind", "req_wrong_kind"}, {request.ErrNobody, "who", "req_wrong_who"}, {request.ErrNoMail, "who", "req_wrong_who"},
	{request.ErrAddress, "address", "req_wrong_address"}, {request.ErrReceiptID, "receipt", "req_wrong_receipt"}, {request.ErrTooLong, "text", "req_wrong_long"},
}

// Post takes a request in. Whoever holds a decision in the cookie, or knows a receipt,
// goes on to the request's page; all others are told to look into their mailbox,
// whatever is held of them.
func (q *Requests) Post(c echo.Context) error {
	r := c.Request()
	live, err := q.live(c)
	if err != nil {
		return err
	}
	origin, err := q.form(r, live, "requests")
	if err != nil {
		return err
	}
	if !q.Limit.Allow(live.Site.Key, q.Address(r)) {
		return request.ErrTooMany
	}
	region, ruling := q.ruling(r, live)
	in := request.Intake{Site: live.Site.Key, Kind: request.Kind(r.PostForm.Get("kind")), Language: q.Web.Nearest(r.PostForm.Get("lang")), Region: region, Ruling: ruling,
		Receipt: r.PostForm.Get("receipt"), Address: r.PostForm.Get("address"), Text: r.PostForm.Get("text"), By: "visitor"}
	held, elsewhere, err := q.held(r, live)
	if err != nil {
		return err
	}
	if held != "" && !elsewhere {
		in.Cookie, in.Receipt, in.Address = held, "", "" // nothing else is asked, and nothing else is taken
	}
	if in.Address != "" && !q.Letters.Allow(live.Site.Key, strings.ToLower(strings.TrimSpace(in.Address))) {
		// Said as if it had been sent: that somebody asked for this mailbox is not told.
		return q.answer(c, http.StatusOK, &web.RequestMail{Head: q.head(r, live), SiteKey: live.Site.Key, Step: "mailed"})
	}
	made, key, err := q.Service.Receive(r.Context(), in)
	for _, w := range wrongs {
		if errors.Is(err, w.err) {
			return q.ask(c, http.StatusUnprocessableEntity, live, &web.Requests{Receipt: in.Receipt, Address: in.Address, Text: in.Text, Wrong: map[string]string{w.field: w.key}})
		}
	}
	if err != nil {
		return err
	}
	if made.State == request.Pending {
		page := &web.RequestMail{Head: q.head(r, live), SiteKey: live.Site.Key, Step: "mailed"}
		return q.answer(c, http.StatusOK, page)
	}
	if in.Cookie != "" && made.Kind.SwitchesOff() {
		if err := q.switchOff(c, live, origin, made); err != nil {
			return err
		}
	}
	return c.Redirect(http.StatusSeeOther, "./requests/"+made.ID+"?"+url.Values{"key": {key}, "lang": {in.Language}}.Encode())
}

// switchOff acts on an opt-out at once, in the browser it comes from.
func (q *Requests) switchOff(c echo.Context, live *Live, origin *url.URL, made request.Request) error {
	ctx := c.Request().Context()
	off, err := q.Choices.Decisions.switchOff(ctx, live, made.Receipts[0])
	if err != nil || off == nil {
		return err // nothing was on
	}
	if err := q.Choices.remember(c, origin, off.notice, "", off.Core); err != nil {
		return err
	}
	_, err = q.Service.SwitchNow(ctx, made)
	return err
}

// own are the receipts of the browser that holds one, newest first: more than one name
// for one visitor, known to nobody else.
func (q *Requests) own(ctx context.Context, live *Live, held string) ([]string, error) {
	entry, err := q.Choices.Store.Entry(ctx, live.Site.Key, held)
	if errors.Is(err, consent.ErrUnknownReceipt) || (err == nil && entry.Subject == "") {
		return []string{held}, nil // erased: its id is still his
	}
	if err != nil {
		return nil, err
	}
	entries, err := q.Choices.Store.EntriesOfSubject(ctx, live.Site.Key, entry.Subject, 200)
	if err != nil {
		return nil, err
	}
	ids := []string{held}
	for _, e := range entries {
		ids = append(ids, e.ReceiptID)
	}
	return ids, nil
}

// wordOf is a name as keys of words have it.
func wordOf(name string) string { return strings.ReplaceAll(name, "-", "_") }

// lastMoment is the last day on which an answer is in time, in the site's zone: Due is
// the moment after it.
func lastMoment(due time.Time, live *Live) time.Time {
	return due.Add(-time.Millisecond).In(live.Site.Location())
}
