package visitor

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
)

// Errors of Handovers.
var (
	ErrNotShared = errors.New("decisions of this site count on one domain only")
	ErrUndecided = errors.New("this browser has decided nothing that could be handed over")
)

// Handovers answers GET /v1/sites/{site}/handover?to={origin}: what a page adds to
// a link that leads to another domain of the same controller, so that the choice
// counts there too (docs/age-and-domains.md).
type Handovers struct {
	Script    *Script
	Decisions *Decisions
}

// Get mints a hand-over of what the browser's cookie remembers. Nothing else shows
// that it was this browser that chose; that a page asks proves nothing. 204 where
// there is nothing to hand over: the other host sees the same cookie, or nothing
// was answered.
func (h *Handovers) Get(c echo.Context) error {
	r, now := c.Request(), h.Script.Now()
	header := c.Response().Header()
	header.Set("Cache-Control", "private, no-store")
	header.Set("Cross-Origin-Resource-Policy", "same-origin") // nobody reads it but by CORS
	live, err := h.Script.Directory.Live(c.Param("site"))
	if err != nil {
		return err
	}
	header.Add("Vary", "Origin")
	from := h.Decisions.host(r) // a page of the server's own origin says nothing of its origin
	if origin := r.Header.Get("Origin"); origin != "" {
		if err := allow(c, live.Notice); err != nil {
			return err
		}
		from = hostOf(origin)
	} else if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
		return ErrFetchSite
	}
	to := c.QueryParam("to")
	switch {
	case !live.Notice.Share.Domains:
		return ErrNotShared
	case !slices.Contains(live.Notice.Origins, to):
		return ErrOrigin
	case h.Decisions.sharesCookie(r, from, hostOf(to)):
		return c.NoContent(http.StatusNoContent)
	}
	memory, known, _ := h.Script.Cookies.Read(r, live.Site.Key, now)
	if !known {
		return ErrUndecided
	}
	region, source := h.Script.region(r)
	law := shareLaw{
		models: letters(live.Notice, region, h.Script.Laws.ruling(live.Site, live.Notice, region, source, now)),
		age:    h.Script.Laws.age(live.Site, live.Notice, region, source, now),
		signal: gpcHeader(r) || optedOut(r) || live.Notice.DNT == "opt-out" && dntHeader(r),
	}
	_, core, choices, err := h.Decisions.handed(r.Context(), live, memory.Receipt, law, now)
	if errors.Is(err, consent.ErrHandover) {
		return ErrUndecided
	}
	if err != nil {
		return err
	}
	if !answers(live.Notice, choices) {
		return c.NoContent(http.StatusNoContent)
	}
	return c.JSON(http.StatusOK, map[string]string{"token": h.Decisions.Tokens.MintHandover(consent.Handover{
		Site: live.Site.Key, Receipt: core.ID, To: to, Given: time.UnixMilli(core.GivenAt), Minted: now, Choices: choices})})
}

func hostOf(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// sharesCookie reports whether what is set for pages of one host is seen on another.
func (d *Decisions) sharesCookie(r *http.Request, from, to string) bool {
	domain, first := cookieDomain(d.host(r), from)
	return from == to || first && domain != "" && (to == domain || strings.HasSuffix(to, "."+domain))
}

// A shareLaw is what applies to the visitor who brings a choice along.
type shareLaw struct {
	models string // as the boot's `m`
	age    int
	signal bool
}

// handed is what a record hands over to another domain: what it would grant and
// refuse if it had been made there. What was never asked for under opt-in, what is
// overruled by a signal, and what wants a higher age is open. It fails with
// consent.ErrHandover for a record that is of no use any more.
func (d *Decisions) handed(ctx context.Context, live *Live, receipt string, law shareLaw, now time.Time) (*consent.Entry, consent.Core, string, error) {
	none := func(err error) (*consent.Entry, consent.Core, string, error) { return nil, consent.Core{}, "", err }
	entry, err := d.Archive.Store.Entry(ctx, live.Site.Key, receipt)
	if errors.Is(err, consent.ErrUnknownReceipt) || err == nil && entry.Subject == "" { // erased
		return none(consent.ErrHandover)
	}
	if err != nil {
		return none(err)
	}
	core, err := consent.ParseCore(entry.Core)
	if err != nil {
		return none(err)
	}
	n, ok := d.Archive.earlier(ctx, live, core.Notice.Short())
	if !ok {
		return none(consent.ErrHandover)
	}
	m := remembered(n, core)
	if !now.Before(m.until()) {
		return none(consent.ErrHandover)
	}
	said, ok := d.Archive.Carry(ctx, live, m, now)
	if !ok {
		return none(consent.ErrHandover)
	}
	said.admit(live.Notice, law.models, m.Implied)
	said.mature(live.Notice, law.age, m.Age)
	if law.signal && !m.Signal {
		said.overrule(live.Notice)
	}
	return entry, core, said.choices, nil
}

// overrule makes open what a signal switches off that was not on when it was granted.
func (c *carried) overrule(n *notice.Notice) {
	out := []byte(c.choices)
	for i := range out {
		category := i
		if i > len(n.Categories) {
			category = categoryOf(n, i-len(n.Categories)-1)
		}
		if out[i] == byte(notice.Granted) && category >= 0 && category < len(n.Categories) && n.Categories[category].Like == notice.Marketing {
			out[i] = byte(notice.Open)
		}
	}
	c.choices = string(out)
}

// answers reports whether choices grant or refuse something that was asked.
func answers(n *notice.Notice, choices string) bool {
	categories, vendors, _ := asDecision(n, choices)
	return len(categories)+len(vendors) > 0
}

// asDecision is choices as a decision lists them (banner/src/gate/send.ts, "draft").
func asDecision(n *notice.Notice, choices string) (categories, vendors map[string]bool, open []string) {
	categories, vendors = map[string]bool{}, map[string]bool{}
	for i := range choices {
		choice, vendor := notice.Choice(choices[i]), i-len(n.Categories)-1
		answered := choice == notice.Granted || choice == notice.Refused
		switch {
		case i < len(n.Categories) && n.Categories[i].Like != notice.Necessary && answered:
			categories[n.Categories[i].Key] = choice == notice.Granted
		case vendor < 0 || vendor >= len(n.Vendors):
		case answered:
			vendors[n.Vendors[vendor].Key] = choice == notice.Granted
		case choice == notice.Open:
			open = append(open, n.Vendors[vendor].Key)
		}
	}
	return categories, vendors, open
}

// takeOver judges a decision that was made on another domain of the controller and
// names in the question the record that it was made by. It fails with
// consent.ErrHandover unless this server minted the hand-over for this origin just
// now, the record still says what the decision says, and nothing newer was decided
// here.
func (d *Decisions) takeOver(r *http.Request, live *Live, decision consent.Decision, q *consent.Question) error {
	if !live.Notice.Share.Domains || q.Experience.Notice != live.Publication.Notice {
		return consent.ErrHandover
	}
	h, err := d.Tokens.VerifyHandover(decision.Handover, live.Site.Key, r.Header.Get("Origin"), d.Now())
	if err != nil {
		return err
	}
	if m, known, _ := d.Cookies.Read(r, live.Site.Key, d.Now()); known && h.Given.Before(m.Decided) {
		return consent.ErrHandover
	}
	law := shareLaw{models: lettersOf(q.Notice, q.Models), age: q.Age,
		signal: q.GPCHeader || q.OptOut || decision.GPC || q.Notice.DNT == "opt-out" && (decision.DNT || dntHeader(r))}
	entry, _, choices, err := d.handed(r.Context(), live, h.Receipt, law, d.Now())
	if err != nil {
		return err
	}
	categories, vendors, open := asDecision(q.Notice, choices)
	if choices != h.Choices || !answers(q.Notice, choices) ||
		!maps.Equal(categories, decision.Categories) || !maps.Equal(vendors, decision.Vendors) || !slices.Equal(open, decision.Open) {
		return consent.ErrHandover
	}
	q.Shared = entry
	return nil
}
