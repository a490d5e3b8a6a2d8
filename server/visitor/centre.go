package visitor

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/consent/forms"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/web"
)

// A Centre is the privacy centre of a site, /privacy/:site: what a visitor chose, and
// all that can be done about it, without an account and without script. Whoever holds
// the cookie or a receipt is the visitor.
type Centre struct {
	Choices   *ChoicesPage
	Elsewhere *Elsewhere
	Passes    *Passes
	Requests  *Requests // nil: nothing is asked for on this server

	links  sync.Once
	beside []string
}

// offers are those of the addresses beneath a receipt that this server answers:
// "proof", "bundle", "shown".
func (p *Centre) offers(e *echo.Echo) []string {
	p.links.Do(func() {
		for _, route := range e.Routes() {
			if name, ok := strings.CutPrefix(route.Path, "/v1/sites/:site/receipts/:id/"); ok && route.Method == http.MethodGet {
				p.beside = append(p.beside, name)
			}
		}
	})
	return p.beside
}

// holdCookie says which receipt a browser was shown. It is no decision of that browser:
// no page and no script reads it, and it goes with the half hour. It has no Path, so
// browsers keep it to the folder it was set from (RFC 6265bis § 5.1.4), /privacy/:site
// under whatever prefix a proxy has.
const holdCookie = "volenti-hold"

const holdLasts = 30 * time.Minute

// A hold is what a request shows of a decision: by the browser's own cookie, or by a
// receipt that was entered in it.
type hold struct {
	memory    Memory // of the decision that counts; its Receipt is "" where there is none
	records   []*consent.Entry
	elsewhere bool // by receipt
}

// hold finds it. What is restricted or erased is not there.
func (p *Centre) hold(r *http.Request, live *Live) (hold, error) {
	now := p.Choices.Script.Now()
	if id := p.Passes.shown(r, live.Site.Key); id != "" {
		h, err := p.byReceipt(r.Context(), live, id, now)
		if err != nil || h.elsewhere {
			return h, err
		}
	}
	memory, ok, _ := p.Choices.Script.Cookies.Read(r, live.Site.Key, now)
	if !ok {
		return hold{}, nil
	}
	records, err := p.records(r.Context(), live, memory.Receipt)
	return hold{memory: memory, records: records}, err
}

// byReceipt is what whoever knows a receipt's id holds; nothing where it is none.
func (p *Centre) byReceipt(ctx context.Context, live *Live, id string, now time.Time) (hold, error) {
	records, err := p.records(ctx, live, id)
	if err != nil || len(records) == 0 {
		return hold{}, err
	}
	h := hold{records: records, elsewhere: true}
	memory, ok, err := (&Tags{Script: p.Choices.Script, Store: p.Choices.Store}).recorded(ctx, live, id, now)
	if err != nil {
		return hold{}, err
	}
	if ok {
		h.memory = memory
	}
	return h, nil
}

// records are those of the browser that a receipt was given to, newest first; the one
// record alone where its person was removed.
func (p *Centre) records(ctx context.Context, live *Live, id string) ([]*consent.Entry, error) {
	if !consent.IsReceiptID(id) {
		return nil, nil
	}
	entry, err := p.Choices.Store.Entry(ctx, live.Site.Key, id)
	if errors.Is(err, consent.ErrUnknownReceipt) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if entry.Subject == "" {
		return []*consent.Entry{entry}, nil
	}
	return p.Choices.Store.EntriesOfSubject(ctx, live.Site.Key, entry.Subject, mostRecords)
}

// Get answers the page. Nothing is set by looking at it.
func (p *Centre) Get(c echo.Context) error {
	r := c.Request()
	live, err := p.Choices.Script.Directory.Live(c.Param("site"))
	if err != nil {
		return err
	}
	h, err := p.hold(r, live)
	if err != nil {
		return err
	}
	page, err := p.page(r, live, h, p.offers(c.Echo()))
	if err != nil {
		return err
	}
	switch r.URL.Query().Get("said") {
	case "recorded":
		page.Said = "recorded"
	case "none":
		page.NotFound = true
	}
	return p.show(c, live, h, page)
}

func (p *Centre) show(c echo.Context, live *Live, h hold, page *web.Centre) (err error) {
	r := c.Request()
	if page.FormKey, err = p.Choices.Script.Cookies.FormKey(live.Site.Key, page.Token, h.memory.Receipt); err != nil {
		return err
	}
	page.Root = web.Root(r.URL.EscapedPath())
	return answerForm(c, p.Choices.Web, page)
}

// answerForm sends a page with a form, which is this browser's alone.
func answerForm(c echo.Context, pages *web.Renderer, page web.Page) error {
	var b bytes.Buffer
	if err := pages.Render(&b, page); err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Cache-Control", "private, no-store")
	h.Set("Content-Security-Policy", web.FormSecurityPolicy)
	h.Set("Referrer-Policy", "same-origin") // under no-referrer a form is sent with "Origin: null"
	return c.HTMLBlob(http.StatusOK, b.Bytes())
}

// language is that of the whole page: the notice's that suits the visitor, if the pages
// speak it too, else English for all of it.
func (p *Centre) language(r *http.Request, live *Live, asked string) string {
	lang := live.matcher.Match(r.Header.Get("Accept-Language"), asked)
	if !p.Choices.Web.Speaks(lang) {
		return "en"
	}
	return lang
}

// A seen is what a request lets the page know beside the hold.
type seen struct {
	lang   string
	view   view
	ruling regime.Ruling
}

func (p *Centre) seen(r *http.Request, live *Live, lang string) seen {
	s, now := p.Choices.Script, p.Choices.Script.Now()
	region, source := s.region(r)
	ruling := s.Laws.ruling(live.Site, live.Notice, region, source, now)
	v := view{law: ruling.Row, served: consent.Served{Site: live.Site.Key, Law: ruling.Row.ID, Region: region.String(), Source: string(source),
		Bucket: consent.BucketOf(now)}, boot: boot{
		models: letters(live.Notice, region, ruling), gpc: gpcHeader(r), optOut: optedOut(r), binding: ruling.GPC(),
		dnt: live.Notice.DNT == "opt-out" && r.Header.Get("DNT") == "1",
	}}
	v.boot.age = s.Laws.age(live.Site, live.Notice, region, source, v.served.From())
	v.variant.Language = lang
	return seen{lang, v, ruling}
}

// recall puts into a view what a memory says here and now.
func (p *Centre) recall(ctx context.Context, live *Live, v *view, m Memory) {
	if m.Receipt == "" {
		return
	}
	said, ok := p.Choices.Script.Archive.Carry(ctx, live, m, p.Choices.Script.Now())
	if !ok {
		return
	}
	said.admit(live.Notice, v.boot.models, m.Implied)
	said.mature(live.Notice, v.boot.age, m.Age)
	v.boot.decided, v.boot.memory, v.boot.carried = true, m, said
}

// page is what this visitor is to see. Its token names the page as it stands for
// somebody who has not decided.
func (p *Centre) page(r *http.Request, live *Live, h hold, links []string) (*web.Centre, error) {
	lang := p.language(r, live, r.URL.Query().Get("lang"))
	s := p.seen(r, live, lang)
	page := p.blank(live, s)
	var shown bytes.Buffer
	if err := p.Choices.Web.Render(&shown, page); err != nil {
		return nil, err
	}
	x, err := live.pageExperience(lang, shown.Bytes(), s.ruling.Row)
	if err != nil {
		return nil, err
	}
	p.Choices.Script.Archive.Keep(r.Context(), live, x)
	served := s.view.served
	served.Experience = x.digest
	page.Token = p.Choices.Script.Tokens.Mint(served)

	page.Back = back(live.Notice, r.URL.Query().Get("return"))
	page.Elsewhere = h.elsewhere
	page.GPC, page.DNT, page.OptOut = s.view.boot.gpc, r.Header.Get("DNT") == "1", s.view.boot.optOut
	page.Signal = s.view.boot.signal()
	p.recall(r.Context(), live, &s.view, h.memory)
	p.standing(live, s, page)
	if page.Policies, err = p.policies(r.Context(), live, h); err != nil {
		return nil, err
	}
	if err := p.history(r, live, s, h, page); err != nil {
		return nil, err
	}
	page.Links = links
	for _, form := range forms.All() {
		if form.Name != "receipt" {
			page.FormNames = append(page.FormNames, form.Name)
		}
	}
	return page, p.rights(r.Context(), live, s, h, page)
}

// rights are what can be asked for by the law here, and what this visitor asked for.
func (p *Centre) rights(ctx context.Context, live *Live, s seen, h hold, page *web.Centre) error {
	if p.Requests == nil {
		return nil
	}
	for _, k := range p.Requests.Service.Rights.Offered(s.ruling) {
		page.Rights = append(page.Rights, web.RequestKind{Key: string(k), Name: wordOf(string(k))})
	}
	var receipts []string
	for _, e := range h.records {
		receipts = append(receipts, e.ReceiptID)
	}
	if len(receipts) == 0 && h.memory.Receipt != "" {
		receipts = []string{h.memory.Receipt} // erased: its id is still his
	}
	lines, err := p.Requests.yours(ctx, live, receipts)
	page.Requests = lines
	return err
}

// blank is the page as it stands for somebody who has not decided and sends no signal.
func (p *Centre) blank(live *Live, s seen) *web.Centre {
	words := live.words(s.lang)
	ask := map[notice.Surface]string{notice.AskOptOut: "ask_opt_out", notice.AskNotice: "ask_notice"}[surfaceOf(s.view.boot.models)]
	if ask == "" {
		ask = "ask_opt_in"
	}
	dnt := map[string]string{"opt-out": "dnt_opt_out", "forward": "dnt_forward"}[live.Notice.DNT]
	if dnt == "" {
		dnt = "dnt_ignore"
	}
	page := &web.Centre{
		Head:    web.Head{Title: words["title"], Site: live.Site.Name, Language: s.lang},
		SiteKey: live.Site.Key, Words: words, Ask: words[ask], AskAge: s.view.boot.age != 0,
		PolicyURL: live.policyURL(), Controller: live.controller(), Binding: s.view.boot.binding, DNTText: words[dnt],
	}
	if s.view.served.Region != "" && s.ruling.Row.ID != p.Choices.Script.Laws.Table.Unknown() { // there the strictest rules are in the place of a law
		page.Law, page.LawPlace = s.ruling.Row.Law, s.ruling.Row.Name
	}
	if span, ok := web.Duration(s.lang, s.ruling.Row.Answer.String()); ok {
		page.Deadline = span
	}
	neutral := s
	neutral.view.boot.gpc, neutral.view.boot.dnt, neutral.view.boot.optOut = false, false, false
	p.standing(live, neutral, page)
	return page
}

// standing fills in what is in force, and what may run by it.
func (p *Centre) standing(live *Live, s seen, page *web.Centre) {
	b, n, words := s.view.boot, live.Notice, page.Words
	var standing *notice.Standing
	if b.decided {
		standing = &notice.Standing{Choices: notice.Choices(b.choices), Implied: b.memory.Implied, Signal: b.memory.Signal}
		loc := live.Site.Location()
		page.Decided = strings.ReplaceAll(words["decided"], "{date}", moment(b.memory.Decided, live))
		page.Receipt = b.memory.Receipt
		for i, c := range n.Categories {
			page.Granted = page.Granted || i < len(b.choices) && b.choices[i] == byte(notice.Granted) && c.Like != notice.Necessary
		}
		if len(b.choices) > len(n.Categories) {
			page.Granted = page.Granted || strings.Contains(b.choices[len(n.Categories):], string(notice.Granted))
		}
		if page.Granted {
			page.Until = b.memory.Ends.In(loc)
		}
		if until := b.memory.until(); strings.Contains(b.choices, string(notice.Refused)) {
			page.Rests = until.In(loc)
		}
		page.Over = page.Signal && b.memory.Signal && page.Granted
		page.Keep = page.Elsewhere && b.age <= b.memory.Age
	}
	may := n.Resolve(b.models, standing, b.signal())
	page.Now = page.Now[:0:0]
	for i, c := range n.Categories {
		shown := web.CentreCategory{Key: c.Key, Necessary: c.Like == notice.Necessary, On: may[i] == byte(notice.Granted)}
		shown.Label, shown.About = live.labels(c, s.lang, words)
		for j, v := range n.Vendors {
			if v.Category != c.Key {
				continue
			}
			vendor := web.CentreVendor{Key: v.Key, Name: v.Name, On: may[len(n.Categories)+1+j] == byte(notice.Granted)}
			switch {
			case shown.Necessary:
			case vendor.On:
				vendor.Leave = strings.ReplaceAll(words["without_vendor"], "{vendor}", v.Name)
			case shown.On && !b.signal():
				vendor.Allow = b.decided && b.age <= b.memory.Age
			}
			shown.Vendors = append(shown.Vendors, vendor)
		}
		page.Now = append(page.Now, shown)
	}
}

// policies are the versions that the decision in force was made under.
func (p *Centre) policies(ctx context.Context, live *Live, h hold) ([]web.CentrePolicy, error) {
	for _, e := range h.records {
		if e.ReceiptID != h.memory.Receipt {
			continue
		}
		core, err := consent.ParseCore(e.Core)
		if err != nil {
			return nil, err
		}
		return p.texts(ctx, live, core)
	}
	return nil, nil
}

// texts are the versions that a record names.
func (p *Centre) texts(ctx context.Context, live *Live, core consent.Core) ([]web.CentrePolicy, error) {
	var all []web.CentrePolicy
	keys := make([]string, 0, len(core.Policies))
	for key := range core.Policies {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		named := core.Policies[key]
		v, err := p.Choices.Script.Directory.Versions.Version(ctx, live.Site.Key, key, named.Number)
		if err != nil {
			return nil, err
		}
		all = append(all, web.CentrePolicy{Key: key, Title: v.Title, TextLanguage: v.Language, Number: named.Number, Now: live.Policies[key].Number})
	}
	return all, nil
}

// pageLength is how many records stand on one page of the history.
const pageLength = 8

// history lists records, those of the query's page.
func (p *Centre) history(r *http.Request, live *Live, s seen, h hold, page *web.Centre) error {
	from := 0
	if before := r.URL.Query().Get("from"); before != "" {
		if from = slices.IndexFunc(h.records, func(e *consent.Entry) bool { return strconv.FormatInt(e.Index, 10) == before }); from < 0 {
			from = 0
		}
	}
	query := func(at int) string {
		q := url.Values{"from": {strconv.FormatInt(h.records[at].Index, 10)}, "lang": {s.lang}}
		if page.Back != "" {
			q.Set("return", page.Back)
		}
		return "?" + q.Encode() + "#history"
	}
	if from > 0 {
		page.Newer = query(max(0, from-pageLength))
	}
	to := min(len(h.records), from+pageLength)
	if to < len(h.records) {
		page.Older = query(to)
	}
	for _, e := range h.records[from:to] {
		shown, err := p.record(r.Context(), live, s, e)
		if err != nil {
			return err
		}
		shown.InForce = e.ReceiptID == h.memory.Receipt
		page.History = append(page.History, shown)
	}
	return nil
}

func (p *Centre) record(ctx context.Context, live *Live, s seen, e *consent.Entry) (web.CentreRecord, error) {
	core, err := consent.ParseCore(e.Core)
	if err != nil {
		return web.CentreRecord{}, err
	}
	shown := web.CentreRecord{ID: e.ReceiptID, At: time.UnixMilli(core.ReceivedAt).In(live.Site.Location()), Action: string(core.Action),
		Place: p.place(core)}
	var on []string
	for _, signal := range [...]struct {
		on   bool
		name string
	}{{core.Signals.GPC || core.Signals.GPCHeader, "Global Privacy Control"}, {core.Signals.DNT, "Do Not Track"}, {core.Signals.OptOut, "/opt-out"}} {
		if signal.on {
			on = append(on, signal.name)
		}
	}
	shown.Signals = strings.Join(on, ", ")
	if shown.Policies, err = p.texts(ctx, live, core); err != nil {
		return web.CentreRecord{}, err
	}
	n, ok := p.Choices.Script.Archive.earlier(ctx, live, core.Notice.Short())
	if !ok {
		n = live.Notice
	}
	words := live.words(s.lang)
	for _, c := range n.Categories {
		if choice, asked := core.Categories[c.Key]; asked {
			label, _ := live.labels(c, s.lang, words)
			shown.Categories = append(shown.Categories, web.CentreChoice{Name: label, Choice: string(choice)})
		}
	}
	for _, v := range n.Vendors {
		if choice, asked := core.Vendors[v.Key]; asked {
			shown.Vendors = append(shown.Vendors, web.CentreChoice{Name: v.Name, Choice: string(choice)})
		}
	}
	return shown, nil
}
