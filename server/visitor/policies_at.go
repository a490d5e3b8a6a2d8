package visitor

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/web"
)

// ErrDate is returned for what is neither a day nor an instant.
var ErrDate = errors.New("neither a day nor an instant")

// A when is a moment that somebody asks about, or a day of the site's time zone.
type when struct {
	text string // as it stands in an address
	// from is the moment, or the day's first; end is what lies just behind.
	from, end time.Time
}

func (w when) day() bool { return len(w.text) == len(time.DateOnly) }

// parseWhen reads a day, 2026-05-31, or an instant of RFC 3339.
func parseWhen(text string, loc *time.Location) (when, error) {
	if d, err := time.Parse(time.DateOnly, text); err == nil && d.Year() > 0 {
		from, end, err := policyversions.DayBounds(text, loc)
		if err != nil {
			return when{}, fmt.Errorf("%w: %w", ErrDate, err)
		}
		return when{text, from, end}, nil
	}
	// RFC 3339 takes small letters too.
	t, err := time.Parse(time.RFC3339, strings.ToUpper(text))
	if err != nil || t.Year() < 1 {
		return when{}, fmt.Errorf("%.40q: %w", text, ErrDate)
	}
	return when{text, t, t.Add(time.Millisecond)}, nil
}

// at finds the version in force at a moment, or when a day ended: what somebody
// read in the evening. Of today it is the one in force now. Of what lies ahead it
// is the one that will be, by what is published.
func (a *collection) at(w when) (policyversions.Version, error) {
	moment := w.end.Add(-time.Millisecond)
	if !a.now.Before(w.from) && a.now.Before(w.end) {
		moment = a.now
	}
	v, ok := a.inForce(moment)
	if !ok {
		return v, a.notYet()
	}
	return v, nil
}

// At answers GET /policies/:site/:policy/at/:date with the way to the version that
// was in force then.
func (p *Policies) At(c echo.Context) error {
	a, err := p.open(c, c.Param("policy"))
	if err != nil {
		return err
	}
	name, form := suffixed(unescaped(c, "date"))
	w, err := parseWhen(name, a.site.Location())
	if err != nil {
		return err
	}
	v, err := a.at(w)
	if err != nil {
		return err
	}
	p.robots(c)
	query := url.Values{"at": {w.text}}
	if in := c.QueryParam("lang"); in != "" {
		query.Set("lang", in)
	}
	to := a.to(permanent(v.Number))
	if form != "" {
		to += c.Param("date")[strings.LastIndexByte(c.Param("date"), '.'):]
	}
	c.Response().Header().Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(a.freshness()/time.Second)))
	return redirect(c, to+"?"+query.Encode(), a.why(w, v))
}

// AtForm answers GET /policies/:site/:policy/at?date=2026-05-31, which is what the
// form in the list sends.
func (p *Policies) AtForm(c echo.Context) error {
	a, err := p.open(c, c.Param("policy"))
	if err != nil {
		return err
	}
	w, err := parseWhen(strings.TrimSpace(c.QueryParam("date")), a.site.Location())
	if err != nil {
		return err
	}
	p.robots(c)
	return redirect(c, a.to("/at/"+url.PathEscape(w.text)), "The day stands in the address.")
}

// why says in a sentence why a version is the answer.
func (a *collection) why(w when, v policyversions.Version) string {
	standing := a.standing(v.Number)
	loc := a.site.Location()
	said := fmt.Sprintf("At %s, version %d was in force, since %s", w.text, v.Number, standing.From.In(loc).Format(time.RFC3339))
	if w.from.After(a.now) {
		said = fmt.Sprintf("At %s, version %d will be in force by what is published today, since %s", w.text, v.Number, standing.From.In(loc).Format(time.RFC3339))
	}
	if standing.By != 0 {
		said += fmt.Sprintf(" and until %s", standing.Until.In(loc).Format(time.RFC3339))
	}
	return said + "."
}

// answered is what a version's page says to somebody who asked for a moment; nil
// where that is not a moment of this version.
func (a *collection) answered(asked string, number int) *web.PolicyAsked {
	loc := a.site.Location()
	w, err := parseWhen(asked, loc)
	if err != nil {
		return nil
	}
	v, err := a.at(w)
	if err != nil || v.Number != number {
		return nil
	}
	said := &web.PolicyAsked{Moment: w.from.In(loc), Day: w.day(), Ahead: w.from.After(a.now)}
	if morning, ok := a.inForce(w.from); w.day() && ok && morning.Number != number {
		said.Earlier, said.EarlierUntil = morning.Number, a.standing(morning.Number).Until.In(loc)
	}
	return said
}

// unescaped is a part of the address as it was meant: echo gives it as it was sent
// where something in it was escaped.
func unescaped(c echo.Context, name string) string {
	part := c.Param(name)
	if c.Request().URL.RawPath == "" {
		return part
	}
	if plain, err := url.PathUnescape(part); err == nil {
		return plain
	}
	return part
}
