package visitor

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/web"
)

// A ChoicesPage asks without script what the banner asks with it, at
// /privacy/:site/choices: for visitors without JavaScript, for those whose blocker
// keeps the banner away, and for the footer link of every page.
type ChoicesPage struct {
	Script    *Script // finds region, law, language and memory as for the banner
	Decisions *Decisions
	Store     consent.Store
	Web       *web.Renderer
}

// Get answers the page. Nothing is set by looking at it.
func (p *ChoicesPage) Get(c echo.Context) error {
	r := c.Request()
	live, err := p.Script.Directory.Live(c.Param("site"))
	if err != nil {
		return err
	}
	page, err := p.page(r, live)
	if err != nil {
		return err
	}
	if err := p.showReceipt(r, live, page); err != nil {
		return err
	}
	return p.show(c, http.StatusOK, live, page)
}

// show answers the page as a form for this browser.
func (p *ChoicesPage) show(c echo.Context, status int, live *Live, page *web.Choices) (err error) {
	r := c.Request()
	if page.FormKey, err = p.Script.Cookies.FormKey(live.Site.Key, page.Token, p.held(r, live)); err != nil {
		return err
	}
	page.Root = web.Root(r.URL.EscapedPath())
	var b bytes.Buffer
	if err := p.Web.Render(&b, page); err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Cache-Control", "private, no-store")
	h.Set("Content-Security-Policy", web.FormSecurityPolicy)
	h.Set("Referrer-Policy", "same-origin") // under no-referrer a form is sent with "Origin: null"
	return c.HTMLBlob(status, b.Bytes())
}

// askAge shows the form again as it was filled in, and says what is missing.
func (p *ChoicesPage) askAge(c echo.Context, live *Live, form url.Values) error {
	asked := c.Request().Clone(c.Request().Context())
	asked.URL.RawQuery = url.Values{"return": {form.Get("return")}, "lang": {form.Get("lang")}}.Encode()
	page, err := p.page(asked, live)
	if err != nil {
		return err
	}
	page.AgeFirst = true
	if form.Get("action") == string(consent.Save) {
		for i := range page.Categories {
			shown := &page.Categories[i]
			shown.On = shown.Necessary || slices.Contains(form["category"], shown.Key)
			for j := range shown.Vendors {
				shown.Vendors[j].Without = slices.Contains(form["without"], shown.Vendors[j].Key)
			}
		}
	}
	return p.show(c, http.StatusUnprocessableEntity, live, page)
}

// held is the receipt of the decision that the browser remembers, or "".
func (p *ChoicesPage) held(r *http.Request, live *Live) string {
	memory, _, _ := p.Script.Cookies.Read(r, live.Site.Key, p.Script.Now())
	return memory.Receipt
}

// page is what this visitor is to see. The experience of its token names the page as it stands for somebody who has
// not decided: the same words and switches, and nothing of this visitor.
func (p *ChoicesPage) page(r *http.Request, live *Live) (*web.Choices, error) {
	s, now := p.Script, p.Script.Now()
	region, source := s.region(r)
	ruling := s.Laws.ruling(live.Site, live.Notice, region, source, now)
	v := view{boot: boot{
		models: letters(live.Notice, region, ruling), gpc: gpcHeader(r), optOut: optedOut(r), link: ruling.Link(),
		dnt: live.Notice.DNT == "opt-out" && dntHeader(r),
		age: s.Laws.age(live.Site, live.Notice, region, source, consent.Served{Bucket: consent.BucketOf(now)}.From()),
	}}
	v.variant.Language = live.matcher.Match(r.Header.Get("Accept-Language"), r.URL.Query().Get("lang"))
	if err := s.remember(r, live, &v, now); err != nil {
		return nil, err
	}

	page := p.blank(live, v)
	var shown bytes.Buffer
	if err := p.Web.Render(&shown, page); err != nil {
		return nil, err
	}
	x, err := live.pageExperience(v.variant.Language, shown.Bytes(), ruling.Row)
	if err != nil {
		return nil, err
	}
	s.Archive.Keep(r.Context(), live, x)
	page.Token = s.Tokens.Mint(consent.Served{Site: live.Site.Key, Experience: x.digest, Law: ruling.Row.ID,
		Region: region.String(), Source: string(source), Bucket: consent.BucketOf(now)})
	page.Back = back(live.Notice, r.URL.Query().Get("return"))
	page.Signal = v.boot.signal()
	if page.Signal {
		tick(live, page, v) // a signal switches marketing off where the law has it on
	}
	if v.boot.decided {
		page.Receipt = v.boot.memory.Receipt
		page.OfAge = page.Age != 0 && v.boot.memory.Age >= page.Age
		page.Decided = strings.ReplaceAll(page.Words["decided"], "{date}", moment(v.boot.memory.Decided, live))
		tick(live, page, v)
	}
	return page, nil
}

func moment(t time.Time, live *Live) string {
	return t.In(live.Site.Location()).Format("2006-01-02 15:04 MST")
}

// blank is the page as it stands for somebody who has not decided.
func (p *ChoicesPage) blank(live *Live, v view) *web.Choices {
	lang := v.variant.Language
	words := live.words(lang)
	title := words["settings_title"]
	if v.boot.link {
		title = words["choices"]
	}
	ask := map[notice.Surface]string{notice.AskOptOut: "ask_opt_out", notice.AskNotice: "ask_notice"}[surfaceOf(v.boot.models)]
	if ask == "" {
		ask = "ask_opt_in"
	}
	page := &web.Choices{
		Head:    web.Head{Title: title, Site: live.Site.Name, Language: lang},
		SiteKey: live.Site.Key, TextLanguage: lang, Words: words, Ask: words[ask],
		PolicyURL: live.policyURL(), Controller: live.controller(),
		Age: v.boot.age, AgeText: strings.ReplaceAll(words["of_age"], "{age}", strconv.Itoa(v.boot.age)), Shared: live.Notice.Share.Domains,
	}
	for _, d := range live.declared(lang, words) {
		page.Categories = append(page.Categories, web.ChoiceCategory{Declared: d})
	}
	neutral := v
	neutral.boot.gpc, neutral.boot.dnt, neutral.boot.optOut, neutral.boot.decided = false, false, false, false
	tick(live, page, neutral)
	return page
}

// tick sets the switches to what is in force: nothing optional is on before a
// decision where the law asks for opt-in (CJEU C-673/17), and what is on by
// another law is shown as that.
func tick(live *Live, page *web.Choices, v view) {
	choices := v.boot.choices
	if !v.boot.decided {
		choices = ""
	}
	at := func(i int) byte {
		if i < len(choices) {
			return choices[i]
		}
		return '-'
	}
	page.Granted = false
	for i, c := range live.Notice.Categories {
		signalled := v.boot.signal() && c.Like == notice.Marketing && (!v.boot.decided || !v.boot.memory.Signal)
		on := at(i) == '1' || (at(i) == '-' && v.boot.models[i] != 'i')
		on = on && !signalled
		for j := range page.Categories {
			if page.Categories[j].Key == c.Key {
				page.Categories[j].On = on || c.Like == notice.Necessary
			}
		}
		page.Granted = page.Granted || (v.boot.decided && at(i) == '1' && c.Like != notice.Necessary)
	}
	for i, vendor := range live.Notice.Vendors {
		choice := at(len(live.Notice.Categories) + 1 + i)
		page.Granted = page.Granted || choice == '1'
		for j := range page.Categories {
			for k := range page.Categories[j].Vendors {
				if shown := &page.Categories[j].Vendors[k]; shown.Key == vendor.Key && shown.Key != "" {
					shown.Without = choice == '0' || choice == '_' // refused, or nobody has said anything of it
				}
			}
		}
	}
}

// showReceipt says that a choice was recorded, to whoever comes from making it.
// The receipt's id stands in the address, so that it is shown also to a browser
// that keeps no cookie; an id that names nothing shows nothing.
func (p *ChoicesPage) showReceipt(r *http.Request, live *Live, page *web.Choices) error {
	id := r.URL.Query().Get("receipt")
	if !consent.IsReceiptID(id) {
		return nil
	}
	entry, err := p.Store.Entry(r.Context(), live.Site.Key, id)
	if errors.Is(err, consent.ErrUnknownReceipt) {
		return nil
	}
	if err != nil {
		return err
	}
	page.Recorded = entry.ReceiptID
	return nil
}

// back is where the visitor came from, if that is a page of the site: this server
// sends nobody anywhere else.
func back(n *notice.Notice, address string) string {
	u, err := url.Parse(address)
	if err != nil || u.User != nil || !slices.Contains(n.Origins, u.Scheme+"://"+u.Host) {
		return ""
	}
	return u.String()
}

// Post records what the form says, exactly as a decision of the banner is
// recorded, and leads back to the page.
func (p *ChoicesPage) Post(c echo.Context) error {
	r := c.Request()
	c.Response().Header().Set("Cache-Control", "no-store")
	live, err := p.Script.Directory.Live(c.Param("site"))
	if err != nil {
		return err
	}
	origin, err := formOrigin(r, p.Decisions.PublicURL)
	if err != nil {
		return err
	}
	if err := readForm(r); err != nil {
		return err
	}
	held := p.held(r, live)
	form := r.PostForm
	if err := p.Script.Cookies.CheckForm(form.Get("key"), live.Site.Key, form.Get("token"), held); err != nil {
		return err
	}
	recorded, n, err := p.Decisions.record(r, live, form.Get("token"), func(n *notice.Notice) (consent.Decision, error) {
		d, err := decisionOf(n, form)
		d.Previous, d.DNT, d.At = held, dntHeader(r), p.Script.Now().UnixMilli()
		return d, err
	})
	if invalid, ok := errors.AsType[*consent.Invalid](err); ok && invalid.About("of_age") {
		return p.askAge(c, live, form)
	}
	if err != nil {
		return err
	}
	if err := p.remember(c, origin, n, form.Get("return"), recorded.Core); err != nil {
		return err
	}
	query := url.Values{"receipt": {recorded.Core.ID}}
	for _, name := range []string{"return", "lang"} {
		if v := form.Get(name); v != "" {
			query.Set(name, v)
		}
	}
	return c.Redirect(http.StatusSeeOther, "./choices?"+query.Encode())
}

// readForm reads a form of at most the size of a decision.
func readForm(r *http.Request) error {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return ErrForm
	}
	r.Body = http.MaxBytesReader(nil, r.Body, consent.MaxBody)
	if err := r.ParseForm(); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return consent.ErrTooLarge
		}
		return ErrForm
	}
	return nil
}

// decisionOf is what a form decides. A category that is not ticked is refused: it
// was asked. A vendor is set apart only by leaving it out of a category that is
// granted.
func decisionOf(n *notice.Notice, form url.Values) (consent.Decision, error) {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	d := consent.Decision{ID: hex.EncodeToString(id[:]), Token: form.Get("token"), Surface: consent.OnPage,
		Action: consent.Action(form.Get("action")), Categories: map[string]bool{}, Vendors: map[string]bool{}}
	var ticked func(key string) bool
	switch d.Action {
	case consent.AcceptAll:
		ticked = func(string) bool { return true }
	case consent.RejectAll, consent.Withdraw:
		ticked = func(string) bool { return false }
	case consent.Save:
		ticked = func(key string) bool { return slices.Contains(form["category"], key) }
	default:
		return d, ErrForm // no button of ours
	}
	for _, c := range n.Categories {
		if c.Like != notice.Necessary {
			d.Categories[c.Key] = ticked(c.Key)
		}
	}
	if age, err := strconv.Atoi(form.Get("of_age")); err == nil && d.Grants() {
		d.OfAge = age // how old that has to be is known by the token
	}
	if d.Action == consent.Save {
		for _, v := range n.Vendors {
			if d.Categories[v.Category] && slices.Contains(form["without"], v.Key) {
				d.Vendors[v.Key] = false
			}
		}
	}
	return d, nil
}

// remember sets the cookie for the site's pages, where they share a domain with
// this server. Elsewhere it is this server's own, and reaches the site's pages
// only in browsers that send it along with their requests (docs/embed.md).
func (p *ChoicesPage) remember(c echo.Context, origin *url.URL, n *notice.Notice, came string, core consent.Core) error {
	r := c.Request()
	page, shared := sitePage(n, came, p.Decisions.host(r))
	if !shared {
		page = p.Decisions.host(r)
	}
	cookie, err := p.Decisions.cookie(r, &url.URL{Scheme: origin.Scheme, Host: page}, n, core)
	if err != nil || cookie == nil {
		return err
	}
	if !shared && cookie.Secure {
		cookie.SameSite = http.SameSiteNoneMode
	}
	http.SetCookie(c.Response(), cookie)
	for _, gone := range p.Decisions.expired(r, &url.URL{Scheme: origin.Scheme, Host: page}, n, core) {
		http.SetCookie(c.Response(), gone)
	}
	return nil
}

// sitePage is the host of the site whose pages are to see a cookie of server: the
// one the visitor came from, else the first that shares a domain with it.
func sitePage(n *notice.Notice, came, server string) (host string, shared bool) {
	for _, origin := range append([]string{back(n, came)}, n.Origins...) {
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" {
			continue
		}
		if _, first := cookieDomain(server, u.Hostname()); first {
			return u.Hostname(), true
		}
	}
	return "", false
}
