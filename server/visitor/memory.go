package visitor

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/regime"
)

// memory is what the cookie is to remember after a record; false: it stays as it
// is, or there is none.
//
// Who has read a note about a changed policy has chosen nothing, so his choices,
// their time and their receipt stay. Nor does a signal give consent again: what
// stays granted beside it keeps its basis.
func (d *Decisions) memory(r *http.Request, n *notice.Notice, core consent.Core) (Memory, bool) {
	before, known, _ := d.Cookies.Read(r, core.Site, d.Now())
	if core.Action == consent.Noticed {
		return before, false // shown, and not yet read: he is shown it again
	}
	if core.Surface == consent.OnChange {
		before.Told = time.UnixMilli(core.ReceivedAt)
		return before, known
	}
	m := Memory{
		Site: core.Site, Receipt: core.ID, Notice: core.Notice.Short(),
		Decided: time.UnixMilli(decidedAt(core)), Ends: time.UnixMilli(core.ValidUntil),
		Implied: core.Basis == consent.Implied, Signal: core.Signals.Any(), Age: core.ConfirmedAge(), Choices: choicesOf(n, core),
	}
	if core.RefusalsUntil != 0 {
		m.Rests = time.UnixMilli(core.RefusalsUntil)
	}
	live, err := d.Directory.Live(core.Site)
	if err != nil {
		return m, true
	}
	for key, p := range core.Policies {
		// Asked by a page that was open when the policy changed: he knows the former one.
		if live.Policies[key].Digest != p.Digest {
			m.Told = time.UnixMilli(core.TokenFrom)
		}
	}
	var earlier string
	if known && m.Notice == live.Publication.Notice.Short() {
		if c, ok := d.Archive.Carry(r.Context(), live, before, d.Now()); ok {
			earlier = c.choices
		}
	}
	m.Choices = stillOpen(n, m.Choices, earlier)
	if core.Action == consent.Signal {
		m.Implied = before.Implied
		m.Choices = onlyGrantsOf(n, m.Choices, earlier, core.Models)
	}
	return m, true
}

// stillOpen is choices in which a category that was open before, and was not
// answered now, is still: it was left unanswered where the law asks first.
func stillOpen(n *notice.Notice, choices, before string) string {
	out := []byte(choices)
	for i := range min(len(n.Categories), len(before)) {
		if out[i] == byte(notice.NotAsked) && before[i] == byte(notice.Open) {
			out[i] = byte(notice.Open)
		}
	}
	return string(out)
}

// onlyGrantsOf is choices without the grants that stand not in before, too.
func onlyGrantsOf(n *notice.Notice, choices, before string, models map[string]regime.Model) string {
	out := []byte(choices)
	for i := range out {
		if out[i] != byte(notice.Granted) || i < len(before) && before[i] == byte(notice.Granted) {
			continue
		}
		switch {
		case i > len(n.Categories):
			out[i] = byte(notice.NotAsked)
		case i < len(n.Categories) && n.Categories[i].Like != notice.Necessary:
			out[i] = byte(unaskedUnder(models[n.Categories[i].Key]))
		}
	}
	return string(out)
}

// unaskedUnder: what was not asked where the law asks first is not switched on by
// a journey to where it does not.
func unaskedUnder(m regime.Model) notice.Choice {
	if m == regime.OptIn || m == "" {
		return notice.Open
	}
	return notice.NotAsked
}

// A carried is what a decision says about the notice of today.
type carried struct {
	choices string    // in the boot's form
	more    bool      // the notice asks what was not asked then
	ends    time.Time // until when it counts as it stands
	rests   time.Time // until when its refusals do, where that is later; else zero
}

// admit makes open what was never asked for, where the law asks first: what was on
// by the rules of an opt-out region is no consent.
func (c *carried) admit(n *notice.Notice, models string, implied bool) {
	if !implied {
		return
	}
	out := []byte(c.choices)
	for i := range out {
		category := i
		if i > len(n.Categories) {
			category = categoryOf(n, i-len(n.Categories)-1)
		}
		if category >= 0 && category < len(models) && models[category] == 'i' && out[i] == byte(notice.Granted) {
			out[i] = byte(notice.Open)
		}
	}
	c.choices = string(out)
}

// mature makes open what was granted by somebody who has not confirmed the age that
// is asked here: before the notice asked for any, or where less is enough.
func (c *carried) mature(n *notice.Notice, asked, confirmed int) {
	if confirmed < asked {
		c.choices = string(notice.Choices(c.choices).Lapse(n))
	}
}

func unsaid(choice byte) bool {
	return choice == byte(notice.NotAsked) || choice == byte(notice.Open)
}

// unanswered: the law asks for an opt-in here, and neither yes nor no was said to
// a category, or to a vendor that joined one that was granted. A frame that was
// allowed by its placeholder is such a decision, and one made by a signal in
// another region.
func (c *carried) unanswered(n *notice.Notice, models string) bool {
	for i := range len(c.choices) {
		if i < len(models) && models[i] == 'i' && unsaid(c.choices[i]) {
			return true
		}
		if i > len(n.Categories) && c.choices[i] == byte(notice.Open) {
			if at := categoryOf(n, i-len(n.Categories)-1); at < len(models) && models[at] == 'i' {
				return true
			}
		}
	}
	return false
}

// categoryOf is the index of a vendor's category; -1 if there is none.
func categoryOf(n *notice.Notice, vendor int) int {
	return slices.IndexFunc(n.Categories, func(c notice.Category) bool { return c.Key == n.Vendors[vendor].Category })
}

// apart reports whether choices say something of single vendors.
func apart(choices string) bool {
	_, vendors, _ := strings.Cut(choices, ".")
	return strings.ContainsAny(vendors, "01_")
}
