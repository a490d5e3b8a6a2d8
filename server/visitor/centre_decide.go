package visitor

import (
	"crypto/rand"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
)

// Decide answers POST /privacy/:site/decide: a button of the centre, recorded as any
// decision is. Everything is withdrawn by one, a single vendor by another. In a browser
// that was shown another one's receipt it is that one's decision: it hears of it with
// its next page, and this one keeps no cookie of it.
func (p *Centre) Decide(c echo.Context) error {
	r := c.Request()
	c.Response().Header().Set("Cache-Control", "no-store")
	live, h, origin, err := p.form(c)
	if err != nil {
		return err
	}
	return p.decide(c, live, h, origin, func(n *notice.Notice) (consent.Decision, error) {
		if vendor, with := r.PostForm.Get("without"), r.PostForm.Get("with"); vendor != "" || with != "" {
			return p.oneVendor(r, live, n, h, vendor, with)
		}
		switch consent.Action(r.PostForm.Get("action")) {
		case consent.AcceptAll, consent.RejectAll:
			if h.memory.Receipt != "" {
				return consent.Decision{}, ErrForm // offered to somebody who has not decided
			}
		case consent.Withdraw:
		default:
			return consent.Decision{}, ErrForm
		}
		return decisionOf(n, r.PostForm)
	})
}

// form reads a form of the centre: from this server, for this browser, and for what it
// held when it was made.
func (p *Centre) form(c echo.Context) (*Live, hold, *url.URL, error) {
	r := c.Request()
	live, err := p.Choices.Script.Directory.Live(c.Param("site"))
	if err != nil {
		return nil, hold{}, nil, err
	}
	origin, err := formOrigin(r, p.Choices.Decisions.PublicURL)
	if err != nil {
		return nil, hold{}, nil, err
	}
	if err := readForm(r); err != nil {
		return nil, hold{}, nil, err
	}
	h, err := p.hold(r, live)
	if err != nil {
		return nil, hold{}, nil, err
	}
	return live, h, origin, p.Choices.Script.Cookies.CheckForm(r.PostForm.Get("key"), live.Site.Key, r.PostForm.Get("token"), h.memory.Receipt)
}

// decide records what make says, in the place of what the request holds.
func (p *Centre) decide(c echo.Context, live *Live, h hold, origin *url.URL, make func(*notice.Notice) (consent.Decision, error)) error {
	r := c.Request()
	recorded, n, err := p.Choices.Decisions.record(r, live, r.PostForm.Get("token"), func(n *notice.Notice) (consent.Decision, error) {
		d, err := make(n)
		d.Surface, d.Previous = consent.OnCentre, h.memory.Receipt
		d.DNT, d.At = r.Header.Get("DNT") == "1", p.Choices.Script.Now().UnixMilli()
		return d, err
	})
	if err != nil {
		return err
	}
	if !h.elsewhere {
		if err := p.Choices.remember(c, origin, n, r.PostForm.Get("return"), recorded.Core); err != nil {
			return err
		}
		return p.back(c, "recorded")
	}
	receipts := []string{h.memory.Receipt}
	for _, e := range h.records {
		receipts = append(receipts, e.ReceiptID)
	}
	if err := p.Elsewhere.replace(r.Context(), live.Site.Key, receipts); err != nil {
		return err
	}
	if err := p.keepHold(c, live, origin, recorded.Core.ID); err != nil {
		return err
	}
	return p.back(c, "recorded")
}

// oneVendor is the decision in force with one vendor less, or one more. What was not
// asked stays so, and a signal that came later is no reason to allow anything anew.
func (p *Centre) oneVendor(r *http.Request, live *Live, n *notice.Notice, h hold, without, with string) (consent.Decision, error) {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	d := consent.Decision{ID: hex.EncodeToString(id[:]), Token: r.PostForm.Get("token"), Action: consent.Save,
		Categories: map[string]bool{}, Vendors: map[string]bool{}}
	if !current(n, live) {
		return d, ErrForm // published anew meanwhile: whoever presses is to see that first
	}
	s := p.seen(r, live, n.Languages[0])
	p.recall(r.Context(), live, &s.view, h.memory)
	if b := &s.view.boot; b.decided {
		if b.signal() && !b.memory.Signal {
			b.overrule(n)
		}
		d.Categories, d.Vendors, d.Open = asDecision(n, b.choices)
	}
	key := without + with
	at := slices.IndexFunc(n.Vendors, func(v notice.Vendor) bool { return v.Key == key })
	if without != "" && with != "" || at < 0 || live.necessary(n.Vendors[at].Category) {
		return d, ErrForm
	}
	granted := d.Categories[n.Vendors[at].Category]
	d.Open = slices.DeleteFunc(d.Open, func(open string) bool { return open == key })
	delete(d.Vendors, key)
	switch {
	case without != "":
		d.Vendors[key] = false
	case !granted:
		return d, ErrForm // its category was never allowed: that is asked on the page of choices
	}
	if len(d.Open) == 0 {
		d.Open = nil
	}
	if d.Grants() && n.Age.Minimum != 0 {
		d.OfAge = h.memory.Age
	}
	return d, nil
}

// current reports whether a notice is the one that is served now.
func current(n *notice.Notice, live *Live) bool {
	b, err := n.Encode()
	return err == nil && canonical.Sum(b) == live.Publication.Notice
}

// same is the decision in force as one of this browser's own.
func (p *Centre) same(r *http.Request, live *Live, n *notice.Notice, h hold) (consent.Decision, error) {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	d := consent.Decision{ID: hex.EncodeToString(id[:]), Token: r.PostForm.Get("token"), Action: consent.Save}
	s := p.seen(r, live, n.Languages[0])
	p.recall(r.Context(), live, &s.view, h.memory)
	if !current(n, live) || !h.elsewhere || !s.view.boot.decided {
		return d, ErrForm
	}
	if s.view.boot.signal() {
		s.view.boot.overrule(n) // this browser's signal is not what the other one was asked beside
	}
	d.Categories, d.Vendors, d.Open = asDecision(n, s.view.boot.choices)
	d.Vendors = maps.Clone(d.Vendors)
	if d.Grants() && n.Age.Minimum != 0 {
		d.OfAge = h.memory.Age
	}
	return d, nil
}

// back leads to the centre, which says what was done.
func (p *Centre) back(c echo.Context, said string) error {
	query := url.Values{"said": {said}}
	for _, name := range []string{"return", "lang"} {
		if v := c.Request().PostForm.Get(name); v != "" {
			query.Set(name, v)
		}
	}
	return c.Redirect(http.StatusSeeOther, "../"+c.Param("site")+"?"+query.Encode())
}
