package visitor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/web"
)

// Policies shows the archive of legal texts: the version in force, every version
// at its own address, what differs between any two, and what was in force when. To
// everybody the same, and nothing in an answer tells visitors apart.
type Policies struct {
	Versions PublishedVersions
	Sites    Sites
	Web      *web.Renderer
	Now      func() time.Time
	Origin   string // of this server, "https://consent.example.com", for addresses that leave a page; may be ""
	// Indexed lets search engines list every version. Else they list the one in
	// force alone, at the policy's own address: who looks for a policy is not led
	// to a text that binds nobody any more. Of a site with NoIndex they list nothing.
	Indexed bool

	rendered    renderings
	differences differences
}

// PublishedVersions is what the archive reads of a policyversions.Store. It can't
// write.
type PublishedVersions interface {
	policyversions.Chain
	// Policies are the keys of a site's policies that were ever published, sorted.
	Policies(ctx context.Context, site string) ([]string, error)
	Versions(ctx context.Context, site, policy string) ([]policyversions.Version, error)
	Version(ctx context.Context, site, policy string, number int) (policyversions.Version, error)
}

// Sites is what the archive reads of a site.Store.
type Sites interface {
	Site(ctx context.Context, key string) (site.Site, error)
}

// ErrNotInForce is returned for a moment at which no version was in force.
var ErrNotInForce = errors.New("no version was in force then")

// Told is an error with the words of what to do, where only the request tells them,
// and where it helps with the way there.
type Told struct {
	Err    error
	Detail string
	To     string // leads from the address that was asked to where there is more; "" if nowhere
}

func (t *Told) Error() string { return t.Err.Error() + ": " + t.Detail }

func (t *Told) Unwrap() error { return t.Err }

// A collection is all versions of one policy, as they stand at one moment, and the
// way to their addresses from the one that was asked.
type collection struct {
	site    site.Site
	policy  string
	all     []policyversions.Version // newest first, without texts
	now     time.Time
	root    string // leads to the server's root, "../../"
	origin  string
	indexed bool
}

// open finds the policy of an address. The policy's key may have stood before a suffix.
func (p *Policies) open(c echo.Context, policy string) (*collection, error) {
	ctx := c.Request().Context()
	s, err := p.Sites.Site(ctx, c.Param("site"))
	if err != nil {
		return nil, err
	}
	all, err := p.Versions.Versions(ctx, s.Key, policy)
	if err != nil {
		return nil, err
	}
	if s.NoIndex {
		c.Response().Header().Set("X-Robots-Tag", "noindex")
	}
	return &collection{site: s, policy: policy, all: all, now: p.Now(), root: web.Root(c.Request().URL.EscapedPath()), origin: p.Origin, indexed: p.Indexed && !s.NoIndex}, nil
}

// suffixed takes a form's suffix from the last part of an address: "2.json".
func suffixed(part string) (name, form string) {
	for suffix, form := range map[string]string{".json": asJSON, ".md": asMarkdown} {
		if name, ok := strings.CutSuffix(part, suffix); ok {
			return name, form
		}
	}
	return part, ""
}

// place is an address of the policy from the server's root, without a slash in front.
func (a *collection) place(rest string) string {
	return "policies/" + a.site.Key + "/" + a.policy + rest
}

// to leads from the address that was asked to another of the policy.
func (a *collection) to(rest string) string { return a.root + a.place(rest) }

// public is an address of the policy for those who are somewhere else: absolute, or
// from the server's root where the server does not know its own.
func (a *collection) public(rest string) string { return a.origin + "/" + a.place(rest) }

func permanent(number int) string { return "/versions/" + strconv.Itoa(number) }

func (a *collection) standing(number int) policyversions.Standing {
	standing, _ := policyversions.StandingOf(a.all, number, a.now)
	return standing
}

// inForce is the version in force at a moment, by what is published now.
func (a *collection) inForce(at time.Time) (policyversions.Version, bool) {
	for _, v := range a.all {
		if !v.Effective.After(at) {
			return v, true
		}
	}
	return policyversions.Version{}, false
}

// shown is the version that pages about the whole policy speak of: the one in
// force, or the newest where all lie ahead.
func (a *collection) shown() policyversions.Version {
	if v, ok := a.inForce(a.now); ok {
		return v
	}
	return a.all[0]
}

// before and after are the versions next to one by number, 0 for none.
func (a *collection) before(number int) int {
	for _, v := range a.all {
		if v.Number < number {
			return v.Number
		}
	}
	return 0
}

func (a *collection) after(number int) int {
	for _, v := range slices.Backward(a.all) {
		if v.Number > number {
			return v.Number
		}
	}
	return 0
}

// first is the earliest version that took or takes effect.
func (a *collection) first() policyversions.Version {
	for _, v := range slices.Backward(a.all) {
		if a.standing(v.Number).State != policyversions.Replaced {
			return v
		}
	}
	return policyversions.Version{} // does not happen: nothing replaces the newest
}

// notYet says from when on there is something to read.
func (a *collection) notYet() error {
	v := a.first()
	from := v.Effective.In(a.site.Location())
	return &Told{ErrNotInForce, fmt.Sprintf("The first version of this policy is in force from %s on (%s): %s",
		from.Format("2 January 2006"), from.Format(time.RFC3339), a.public(permanent(v.Number))),
		a.to(permanent(v.Number))}
}

// maxFresh is for how long an answer may be kept that says who is in force.
const maxFresh = time.Minute

// freshness is for how long an answer that says who is in force may be kept: a
// minute, and never past the moment at which the next version takes effect.
func (a *collection) freshness() time.Duration {
	fresh := maxFresh
	for _, v := range a.all {
		if left := v.Effective.Sub(a.now); left > 0 {
			fresh = min(fresh, left)
		}
	}
	return fresh.Truncate(time.Second)
}

// InForce answers GET /policies/:site/:policy: the version in force.
func (p *Policies) InForce(c echo.Context) error {
	policy, form := suffixed(c.Param("policy"))
	a, err := p.open(c, policy)
	if err != nil {
		return err
	}
	v, ok := a.inForce(a.now)
	if !ok {
		return a.notYet()
	}
	header := c.Response().Header()
	header.Add("Vary", "Accept-Language")
	link(c, a.to(""), "canonical")
	link(c, a.to(permanent(v.Number)), "bookmark") // the version's own address, for those who quote it
	a.linkTimegate(c)
	in, err := languageOf(v, c.QueryParam("lang"), c.Request().Header.Get("Accept-Language"))
	if err != nil {
		return err
	}
	return p.show(c, a, v.Number, "", in, form)
}

// Version answers GET /policies/:site/:policy/versions/:number.
func (p *Policies) Version(c echo.Context) error {
	a, v, form, err := p.listed(c)
	if err != nil {
		return err
	}
	in, err := languageOf(v, c.QueryParam("lang"), "")
	if err != nil {
		return err
	}
	p.robots(c)
	here := permanent(v.Number)
	link(c, a.to(here+inLanguage(v, in)), "canonical")
	a.linkMemento(c, v)
	return p.show(c, a, v.Number, here, in, form)
}

// listed finds the version that an address names, without its text.
func (p *Policies) listed(c echo.Context) (*collection, policyversions.Version, string, error) {
	a, err := p.open(c, c.Param("policy"))
	if err != nil {
		return nil, policyversions.Version{}, "", err
	}
	name, form := suffixed(c.Param("number"))
	v, err := a.version(name)
	return a, v, form, err
}

// version finds a version by its number as it is written in an address.
func (a *collection) version(name string) (policyversions.Version, error) {
	number, err := strconv.Atoi(name)
	if err == nil && strconv.Itoa(number) == name {
		for _, v := range a.all {
			if v.Number == number {
				return v, nil
			}
		}
	}
	return policyversions.Version{}, fmt.Errorf("version %q: %w", name, policyversions.ErrUnknownVersion)
}

// Original answers GET /policies/:site/:policy/versions/:number/original: the bytes
// that were imported, to be saved; what a browser could run is plain text.
func (p *Policies) Original(c echo.Context) error {
	return p.file(c, func(v policyversions.Version, t policyversions.Translation) error {
		extension, media := policyversions.FileType(t.Format)
		return answerFile(c, fileName(v, t, extension), media, t.Original)
	})
}

// Canonical answers GET /policies/:site/:policy/versions/:number/canonical: the
// bytes the version's digest is taken over.
func (p *Policies) Canonical(c echo.Context) error {
	return p.file(c, func(v policyversions.Version, t policyversions.Translation) error {
		if _, err := v.In(t.Language); err != nil {
			return err
		}
		return answerFile(c, fileName(v, t, "json"), asJSON, t.Canonical)
	})
}

func (p *Policies) file(c echo.Context, send func(policyversions.Version, policyversions.Translation) error) error {
	a, listed, form, err := p.listed(c)
	if err != nil {
		return err
	}
	if form != "" {
		return fmt.Errorf("version %q: %w", c.Param("number"), policyversions.ErrUnknownVersion)
	}
	in, err := languageOf(listed, c.QueryParam("lang"), "")
	if err != nil {
		return err
	}
	v, err := p.Versions.Version(c.Request().Context(), a.site.Key, a.policy, listed.Number)
	if err != nil {
		return err
	}
	p.robots(c)
	c.Response().Header().Set("Content-Language", in)
	return send(v, translation(v, in))
}

func fileName(v policyversions.Version, t policyversions.Translation, ext string) string {
	language := ""
	if t.Language != v.Language {
		language = "-" + t.Language
	}
	return fmt.Sprintf("%s-%s-%d%s.%s", v.Site, v.Policy, v.Number, language, ext)
}

// robots keeps search engines from listing what is not the policy in force. They
// may follow its links.
func (p *Policies) robots(c echo.Context) {
	if !p.Indexed {
		c.Response().Header().Set("X-Robots-Tag", "noindex")
	}
}

func link(c echo.Context, to, rel string, attributes ...string) {
	value := "<" + to + `>; rel="` + rel + `"`
	for _, a := range attributes {
		value += "; " + a
	}
	c.Response().Header().Add("Link", value)
}

// redirect answers 302 to another address of the archive, with why in the body.
func redirect(c echo.Context, to, why string) error {
	h := c.Response().Header()
	h.Set("Location", to)
	h.Set("X-Content-Type-Options", "nosniff")
	return c.Blob(http.StatusFound, "text/plain; charset=utf-8", []byte(why+"\n"))
}
