package visitor

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
)

// The archive speaks Memento (RFC 7089) in its pattern 2.1: the original resource is
// the policy's own address, the TimeGate has another, and it redirects to mementos
// that have addresses of their own: the versions.

// ErrDatetime is returned for an Accept-Datetime that is none.
var ErrDatetime = errors.New("Accept-Datetime is no datetime") //nolint:staticcheck // the name of a header

// A memento is a version that was or is in force. Its datetime is when it came into
// force, to the second, which is all the protocol's dates tell.
type memento struct {
	number int
	at     time.Time
}

func (m memento) datetime() string { return m.at.UTC().Format(http.TimeFormat) }

// mementos lists them, oldest first. What lies ahead is none yet: the policy never
// said it so far. Nor is what was replaced before it took effect.
func (a *collection) mementos() (list []memento) {
	for _, v := range slices.Backward(a.all) {
		switch standing := a.standing(v.Number); standing.State {
		case policyversions.InForce, policyversions.Superseded:
			list = append(list, memento{v.Number, standing.From.Truncate(time.Second)})
		}
	}
	return list
}

// closest is the index of the memento with the latest datetime that is not after a
// moment, or of the first (RFC 7089, 4.5.3).
func closest(list []memento, at time.Time) int {
	for i, m := range slices.Backward(list) {
		if !m.at.After(at) {
			return i
		}
	}
	return 0
}

// TimeGate answers GET /policies/:site/:policy/timegate.
func (p *Policies) TimeGate(c echo.Context) error {
	a, err := p.open(c, c.Param("policy"))
	if err != nil {
		return err
	}
	header := c.Response().Header()
	header.Add("Vary", "accept-datetime")
	p.robots(c)
	wanted := a.now
	if asked := c.Request().Header.Values("Accept-Datetime"); len(asked) > 0 {
		if wanted, err = acceptDatetime(asked); err != nil {
			return err
		}
	}
	list := a.mementos()
	if len(list) == 0 {
		return a.notYet()
	}
	i := closest(list, wanted)
	a.linkTimeMap(c, list)
	a.linkMementos(c, list, i)
	header.Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(a.freshness()/time.Second)))
	return redirect(c, a.to(permanent(list[i].number)), fmt.Sprintf("Version %d was in force from %s on.", list[i].number, list[i].datetime()))
}

// acceptDatetime reads what RFC 7089, 2.1.1 allows: one date of RFC 1123, in GMT.
// A day of the week that is not that of the date is a mistake too.
func acceptDatetime(values []string) (time.Time, error) {
	value := strings.Join(values, ", ")
	t, err := time.Parse(http.TimeFormat, value)
	if err != nil || t.Format(http.TimeFormat) != value {
		return t, fmt.Errorf("%.60q: %w", value, ErrDatetime)
	}
	return t, nil
}

// linkTimegate is what the original says of its past.
func (a *collection) linkTimegate(c echo.Context) {
	link(c, a.to("/timegate"), "timegate")
	a.linkTimeMap(c, a.mementos())
}

func (a *collection) linkTimeMap(c echo.Context, list []memento) {
	attributes := []string{`type="` + asLinks + `"`}
	if len(list) > 0 {
		attributes = append(attributes, `from="`+list[0].datetime()+`"`, `until="`+list[len(list)-1].datetime()+`"`)
	}
	link(c, a.to("/timemap"), "timemap", attributes...)
}

// linkMementos says where a memento, by its index, stands among the others.
func (a *collection) linkMementos(c echo.Context, list []memento, i int) {
	link(c, a.to(""), "original")
	rels := make(map[int][]string)
	for at, rel := range map[int]string{0: "first", len(list) - 1: "last"} {
		rels[at] = append(rels[at], rel)
	}
	if len(list) == 1 {
		rels[0] = []string{"first", "last"}
	}
	if i > 0 {
		rels[i-1] = append(rels[i-1], "prev")
	}
	if i < len(list)-1 {
		rels[i+1] = append(rels[i+1], "next")
	}
	rels[i] = slices.Clone(rels[i]) // the memento itself, with or without a place
	for at, m := range list {
		if names, ok := rels[at]; ok {
			link(c, a.to(permanent(m.number)), strings.Join(append(names, "memento"), " "), `datetime="`+m.datetime()+`"`)
		}
	}
}

// linkMemento says what a version's own address is in terms of RFC 7089: of one that
// is or was in force, a memento; of any, one of the original's.
func (a *collection) linkMemento(c echo.Context, v policyversions.Version) {
	list := a.mementos()
	a.linkTimegate(c)
	i := slices.IndexFunc(list, func(m memento) bool { return m.number == v.Number })
	if i < 0 {
		link(c, a.to(""), "original")
		return
	}
	c.Response().Header().Set("Memento-Datetime", list[i].datetime())
	a.linkMementos(c, list, i)
}

// TimeMap answers GET /policies/:site/:policy/timemap.
func (p *Policies) TimeMap(c echo.Context) error {
	a, err := p.open(c, c.Param("policy"))
	if err != nil {
		return err
	}
	form, err := formOf(c, asLinks, asJSON)
	if err != nil {
		return err
	}
	p.robots(c)
	list := a.mementos()
	if form == asJSON {
		return answerJSON(c, a.timeMapJSON(list), a.freshness())
	}
	return answer(c, asLinks, []byte(a.timeMap(list)), a.freshness())
}

// timeMap writes the map as RFC 6690 has it, where relative addresses are taken from
// the server's root.
func (a *collection) timeMap(list []memento) string {
	entry := func(to string, attributes ...string) string {
		return "<" + to + ">;" + strings.Join(attributes, ";")
	}
	self := []string{`rel="self"`, `type="` + asLinks + `"`}
	if len(list) > 0 {
		self = append(self, quoted("from", list[0].datetime()), quoted("until", list[len(list)-1].datetime()))
	}
	lines := []string{
		entry(a.public(""), `rel="original"`),
		entry(a.public("/timegate"), `rel="timegate"`),
		entry(a.public("/timemap"), self...),
	}
	for i, m := range list {
		rel := "memento"
		if i == len(list)-1 {
			rel = "last " + rel
		}
		if i == 0 {
			rel = "first " + rel
		}
		lines = append(lines, entry(a.public(permanent(m.number)), quoted("rel", rel), quoted("datetime", m.datetime()), quoted("title", a.title(m.number))))
	}
	return strings.Join(lines, ",\n") + "\n"
}

func (a *collection) title(number int) string {
	for _, v := range a.all {
		if v.Number == number {
			return v.Title
		}
	}
	return ""
}

// quoted is an attribute of RFC 6690 whose value is a quoted-string: quotation marks
// and backslashes are escaped, what no such string holds is left out.
func quoted(name, value string) string {
	var b strings.Builder
	for _, r := range value {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
		case r < ' ' || r == 0x7f:
			r = ' '
		}
		b.WriteRune(r)
	}
	return name + `="` + b.String() + `"`
}

// timeMapJSON has the members that Memento aggregators write.
func (a *collection) timeMapJSON(list []memento) map[string]any {
	type at struct {
		Datetime string `json:"datetime"` // RFC 3339
		URI      string `json:"uri"`
	}
	entries := make([]at, len(list))
	for i, m := range list {
		entries[i] = at{m.at.UTC().Format(time.RFC3339), a.public(permanent(m.number))}
	}
	mementos := map[string]any{"list": entries}
	if len(entries) > 0 {
		mementos["first"], mementos["last"] = entries[0], entries[len(entries)-1]
	}
	return map[string]any{
		"original_uri": a.public(""), "timegate_uri": a.public("/timegate"),
		"timemap_uri": map[string]string{"link_format": a.public("/timemap"), "json_format": a.public("/timemap.json")},
		"mementos":    mementos,
	}
}
