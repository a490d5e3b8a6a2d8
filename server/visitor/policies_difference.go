package visitor

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/web"
)

// ErrPair is returned for what does not name two versions.
var ErrPair = errors.New("not two versions")

// Difference answers GET /policies/:site/:policy/diff/:pair, "1..2": what leads from
// one version to the other, in either direction.
func (p *Policies) Difference(c echo.Context) error {
	a, err := p.open(c, c.Param("policy"))
	if err != nil {
		return err
	}
	pair, form := suffixed(unescaped(c, "pair"))
	from, to, ok := strings.Cut(pair, "..")
	if !ok || form == asMarkdown {
		return fmt.Errorf("%.40q: %w", pair, ErrPair)
	}
	before, after, err := p.pair(c.Request().Context(), a, from, to)
	if err != nil {
		return err
	}
	one, other, err := a.alike(before, after, c.QueryParam("lang"))
	if err != nil {
		return err
	}
	if form == "" {
		c.Response().Header().Add("Vary", "Accept")
		if form, err = accepted(c.Request(), asPage, asJSON); err != nil {
			return err
		}
	}
	d, err := p.differences.between(c.Request().Context(), before, after, one, other)
	if err != nil {
		return err
	}
	p.robots(c)
	here := fmt.Sprintf("/diff/%d..%d", before.Number, after.Number)
	query := ""
	if asked := c.QueryParam("lang"); asked != "" {
		query = "?lang=" + one
	}
	link(c, a.to(here+query), "canonical")
	link(c, a.to(here+".json"+query), "alternate", `type="application/json"`)
	link(c, a.to("/versions"), "version-history")
	link(c, a.to(""), "latest-version")
	if form == asJSON {
		return answerJSON(c, differenceJSON{a.site.Key, a.policy, a.describe(before, one), a.describe(after, other), d.found}, a.freshness())
	}
	return p.answerPage(c, a.differencePage(before, after, one, other, query, d), a.freshness())
}

// DifferenceForm answers GET /policies/:site/:policy/diff?from=1&to=2, which is what
// the form in the list sends.
func (p *Policies) DifferenceForm(c echo.Context) error {
	a, err := p.open(c, c.Param("policy"))
	if err != nil {
		return err
	}
	from, to := c.QueryParam("from"), c.QueryParam("to")
	if from == "" || to == "" {
		return ErrPair
	}
	for _, number := range []string{from, to} {
		if _, err := a.version(number); err != nil {
			return err
		}
	}
	p.robots(c)
	address := a.to("/diff/" + from + ".." + to)
	if in := c.QueryParam("lang"); in != "" {
		address += "?lang=" + url.QueryEscape(in)
	}
	return redirect(c, address, "The two versions stand in the address.")
}

// pair reads two versions with their texts.
func (p *Policies) pair(ctx context.Context, a *collection, from, to string) (before, after policyversions.Version, err error) {
	if before, err = a.version(from); err == nil {
		after, err = a.version(to)
	}
	if err == nil {
		before, err = p.Versions.Version(ctx, a.site.Key, a.policy, before.Number)
	}
	if err == nil {
		after, err = p.Versions.Version(ctx, a.site.Key, a.policy, after.Number)
	}
	return before, after, err
}

// alike picks in which language two versions are compared: the one that was asked
// for, else one that binds, else one they share; where they share none, each in its own.
func (a *collection) alike(before, after policyversions.Version, asked string) (one, other string, err error) {
	if asked != "" {
		if one, err = languageOf(before, asked, ""); err == nil {
			other, err = languageOf(after, asked, "")
		}
		return one, other, err
	}
	shared := common(before, after)
	for _, wanted := range append([]string{after.Language, before.Language}, shared...) {
		if slices.Contains(shared, wanted) {
			return wanted, wanted, nil
		}
	}
	return before.Language, after.Language, nil
}

func common(before, after policyversions.Version) (shared []string) {
	for _, l := range before.Languages() {
		if slices.Contains(after.Languages(), l) {
			shared = append(shared, l)
		}
	}
	return shared
}

type differenceJSON struct {
	Site   string      `json:"site"`
	Policy string      `json:"policy"`
	Before versionJSON `json:"before"`
	After  versionJSON `json:"after"`
	policyversions.Difference
}

// A difference is what was found, and what a page shows of it.
type difference struct {
	found   policyversions.Difference
	changes int
	parts   []web.DifferencePart
	weight  int // bytes of both texts
}

// differences keeps what was compared last. Neither of two texts ever changes, so
// neither does what differs.
type differences struct {
	once sync.Once
	busy chan struct{} // holds one for each comparison under way
	mu   sync.Mutex
	kept []keptDifference // guarded by mu; the one used last is last
}

type keptDifference struct {
	pair [2]canonical.Digest
	*difference
}

const (
	// comparing bounds how many comparisons run at once: whoever asks for all pairs
	// of long texts takes no more than that of the machine.
	comparing = 2
	// mostKept bounds the texts of what is kept, in bytes. A difference takes a few
	// times the room of its texts.
	mostKept = 8 << 20
)

func (d *differences) between(ctx context.Context, before, after policyversions.Version, one, other string) (*difference, error) {
	pair := [2]canonical.Digest{translation(before, one).Digest, translation(after, other).Digest}
	if kept := d.find(pair); kept != nil {
		return kept, nil
	}
	d.once.Do(func() { d.busy = make(chan struct{}, comparing) })
	select {
	case d.busy <- struct{}{}:
		defer func() { <-d.busy }()
	case <-ctx.Done():
		return nil, fmt.Errorf("compare versions: %w", ctx.Err())
	}
	if kept := d.find(pair); kept != nil { // made while this one waited
		return kept, nil
	}
	old, err := before.In(one)
	if err != nil {
		return nil, err
	}
	now, err := after.In(other)
	if err != nil {
		return nil, err
	}
	made := &difference{found: policyversions.Compare(old, now), weight: len(old.Markdown) + len(now.Markdown)}
	made.parts, made.changes = differenceParts(made.found)
	d.keep(pair, made)
	return made, nil
}

func (d *differences) find(pair [2]canonical.Digest) *difference {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, k := range d.kept {
		if k.pair == pair {
			d.kept = append(slices.Delete(d.kept, i, i+1), k)
			return k.difference
		}
	}
	return nil
}

func (d *differences) keep(pair [2]canonical.Digest, made *difference) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kept = append(d.kept, keptDifference{pair, made})
	weight := 0
	for i, k := range slices.Backward(d.kept) {
		if weight += k.weight; weight > mostKept {
			d.kept = slices.Delete(d.kept, 0, i+1)
			return
		}
	}
}

func (a *collection) differencePage(before, after policyversions.Version, one, other, query string, d *difference) *web.PolicyDifference {
	side := func(v policyversions.Version, in string) web.DifferenceSide {
		t := translation(v, in)
		return web.DifferenceSide{Number: v.Number, State: string(a.standing(v.Number).State), Title: t.Title, Language: in, Digest: string(t.Digest), Link: a.to(permanent(v.Number)) + inLanguage(v, in)}
	}
	page := &web.PolicyDifference{
		PolicyHead: a.head(translation(after, other).Title, other),
		Before:     side(before, one), After: side(after, other),
		Inserted: d.found.Inserted, Deleted: d.found.Deleted, Moved: d.found.Moved,
		Changes: d.changes, Parts: d.parts,
	}
	page.Query = query
	if shared := common(before, after); len(shared) > 1 {
		for _, l := range shared {
			page.Languages = append(page.Languages, web.PolicyLanguage{Language: l, Name: ownName(l), Current: l == one && l == other, Binding: l == after.Language})
		}
	}
	return page
}
