package visitor

import (
	"html/template"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/web"
)

// show answers one version in one of its languages: as a page, JSON or Markdown.
// here is the address that was asked, "" for the policy's own.
func (p *Policies) show(c echo.Context, a *collection, number int, here, in, form string) error {
	v, err := p.Versions.Version(c.Request().Context(), a.site.Key, a.policy, number)
	if err != nil {
		return err
	}
	if form == "" {
		c.Response().Header().Add("Vary", "Accept")
		if form, err = accepted(c.Request(), asPage, asJSON, asMarkdown); err != nil {
			return err
		}
	}
	text, err := v.In(in)
	if err != nil {
		return err
	}
	a.linkVersion(c, v)
	c.Response().Header().Set("Content-Language", in)
	switch form {
	case asJSON:
		answer := a.describe(v, in)
		answer.Site, answer.Policy, answer.Text = a.site.Key, a.policy, text.Markdown
		return answerJSON(c, answer, a.freshness())
	case asMarkdown:
		return answer(c, asMarkdown+"; charset=utf-8; variant=GFM", []byte(text.Markdown), a.freshness())
	}
	r, err := p.rendered.of(translation(v, in).Digest, text)
	if err != nil {
		return err
	}
	page := a.page(v, in, text.Title, r)
	page.Here = a.to(here)
	if page.Unlisted = page.Unlisted && here != "" || a.site.NoIndex; c.QueryParam("lang") != "" {
		page.Query = "?lang=" + in
	}
	if asked := c.QueryParam("at"); asked != "" && here != "" {
		page.Asked = a.answered(asked, number)
	}
	return p.answerPage(c, page, a.freshness())
}

// linkVersion says where the other versions are, the other languages and forms.
func (a *collection) linkVersion(c echo.Context, v policyversions.Version) {
	link(c, a.to(""), "latest-version") // RFC 5829
	link(c, a.to("/versions"), "version-history")
	if before := a.before(v.Number); before != 0 {
		link(c, a.to(permanent(before)), "predecessor-version")
	}
	if after := a.after(v.Number); after != 0 {
		link(c, a.to(permanent(after)), "successor-version")
	}
	here := a.to(permanent(v.Number))
	link(c, here+".json", "alternate", `type="application/json"`)
	link(c, here+".md", "alternate", `type="text/markdown"`)
	link(c, a.to("/feed.atom"), "alternate", `type="application/atom+xml"`)
	if len(v.Translations) > 0 {
		for _, l := range v.Languages() {
			link(c, here+"?lang="+l, "alternate", `hreflang="`+l+`"`)
		}
	}
}

// page is a version for people.
func (a *collection) page(v policyversions.Version, in, title string, r policyversions.Rendering) *web.PolicyVersion {
	standing := a.standing(v.Number)
	loc := a.site.Location()
	text := translation(v, in)
	page := &web.PolicyVersion{
		PolicyHead: a.head(title, in),
		Number:     v.Number, State: string(standing.State), By: standing.By, Before: a.before(v.Number),
		From: standing.From.In(loc), Until: standing.Until.In(loc), Published: v.PublishedAt.In(loc),
		Binding: v.Language, Text: template.HTML(r.HTML), //nolint:gosec // sanitized by policyversions.Render
		Contents: contents(r.Headings), Digest: string(text.Digest), Entry: string(v.Entry), Address: a.public(permanent(v.Number)),
		Material: v.Material,
	}
	page.Address += inLanguage(v, in)
	if v.Grace > 0 {
		page.Binds = v.Binds().In(loc)
	}
	page.Summary, page.SummaryLanguage = v.SummaryIn(in)
	if now, ok := a.inForce(a.now); ok {
		page.InForce = now.Number
	}
	if len(v.Translations) > 0 {
		for _, l := range v.Languages() {
			page.Languages = append(page.Languages, web.PolicyLanguage{Language: l, Name: ownName(l), Current: l == in, Binding: l == v.Language})
		}
	}
	return page
}

func (a *collection) head(title, in string) web.PolicyHead {
	_, governed := a.inForce(a.now)
	return web.PolicyHead{
		Head:    web.Head{Title: title, Site: a.site.Name, Root: a.root, Language: in},
		SiteKey: a.site.Key, Policy: a.policy, TextLanguage: in, Unlisted: !a.indexed, Ahead: !governed,
	}
}

// ownName is what those who read a language call it.
func ownName(tag string) string {
	if name := display.Self.Name(language.Make(tag)); name != "" {
		return name
	}
	return tag
}

// contents are the two upper levels of headings, if there are enough to be lost in.
func contents(headings []policyversions.Heading) (list []web.Contents) {
	for _, h := range headings {
		if h.Level <= 3 {
			list = append(list, web.Contents{ID: h.ID, Text: h.Text, Sub: h.Level == 3})
		}
	}
	if len(list) < 4 {
		return nil
	}
	return list
}

// versionJSON is a version on the wire; times are Unix milliseconds. Who published
// it is nobody's business but the operators'.
type versionJSON struct {
	Site         string            `json:"site,omitempty"`
	Policy       string            `json:"policy,omitempty"`
	Number       int               `json:"number"`
	Title        string            `json:"title"`
	Language     string            `json:"language"`                // of Title, Digest and Text
	Binding      string            `json:"authoritative,omitempty"` // language of the text that binds, where Language is another
	Digest       canonical.Digest  `json:"digest"`
	Address      string            `json:"address"` // permanent
	PublishedAt  int64             `json:"published_at"`
	Effective    int64             `json:"effective"`
	State        string            `json:"state"`           // "in_force", "scheduled", "superseded" or "replaced"
	Until        int64             `json:"until,omitempty"` // with By: when that version takes or took this one's place
	By           int               `json:"by,omitempty"`
	Material     bool              `json:"material,omitempty"`
	Summary      map[string]string `json:"summary,omitempty"` // by language
	Binds        int64             `json:"binds,omitempty"`   // with a grace: when those are bound who decided before
	Translations []translationJSON `json:"translations,omitempty"`
	Entry        canonical.Digest  `json:"entry,omitempty"`
	Previous     canonical.Digest  `json:"previous,omitempty"`
	Text         string            `json:"text,omitempty"` // Markdown
}

type translationJSON struct {
	Language string           `json:"language"`
	Title    string           `json:"title"`
	Digest   canonical.Digest `json:"digest"`
}

// describe is a version without its text, in one of its languages.
func (a *collection) describe(v policyversions.Version, in string) versionJSON {
	standing, text := a.standing(v.Number), translation(v, in)
	j := versionJSON{
		Number: v.Number, Title: text.Title, Language: in, Digest: text.Digest, Address: a.public(permanent(v.Number)),
		PublishedAt: v.PublishedAt.UnixMilli(), Effective: v.Effective.UnixMilli(), State: string(standing.State), By: standing.By,
		Material: v.Material, Summary: v.Summary, Entry: v.Entry, Previous: v.Previous,
	}
	if in != v.Language {
		j.Binding = v.Language
		j.Address += inLanguage(v, in)
	}
	if standing.By != 0 {
		j.Until = standing.Until.UnixMilli()
	}
	if v.Grace > 0 {
		j.Binds = v.Binds().UnixMilli()
	}
	for _, t := range v.Translations {
		j.Translations = append(j.Translations, translationJSON{t.Language, t.Title, t.Digest})
	}
	return j
}

// List answers GET /policies/:site/:policy/versions: all of them, newest first.
func (p *Policies) List(c echo.Context) error {
	a, err := p.open(c, c.Param("policy"))
	if err != nil {
		return err
	}
	form, err := formOf(c, asPage, asJSON)
	if err != nil {
		return err
	}
	p.robots(c)
	link(c, a.to("/versions"), "canonical")
	link(c, a.to(""), "latest-version")
	link(c, a.to("/feed.atom"), "alternate", `type="application/atom+xml"`)
	a.linkTimegate(c)
	shown := a.shown()
	in, err := languageOf(shown, c.QueryParam("lang"), "")
	if err != nil {
		return err
	}
	if form == asJSON {
		list := make([]versionJSON, 0, len(a.all))
		for _, v := range a.all {
			list = append(list, a.describe(v, v.Language))
		}
		return answerJSON(c, map[string]any{"site": a.site.Key, "policy": a.policy, "versions": list}, a.freshness())
	}
	page := &web.PolicyVersions{PolicyHead: a.head(translation(shown, in).Title, in), Today: a.now.In(a.site.Location()).Format(time.DateOnly)}
	for _, v := range a.all {
		standing := a.standing(v.Number)
		entry := web.VersionEntry{
			Number: v.Number, State: string(standing.State), By: standing.By, Before: a.before(v.Number), Digest: string(v.Digest), TextLanguage: v.Language,
			From: standing.From.In(a.site.Location()), Until: standing.Until.In(a.site.Location()), Published: v.PublishedAt.In(a.site.Location()),
			Material: v.Material,
		}
		entry.Summary, entry.SummaryLanguage = v.SummaryIn(in)
		for _, t := range v.Translations {
			entry.Translations = append(entry.Translations, t.Language)
		}
		if v.Title != page.Title {
			entry.Title = v.Title
		}
		page.Versions = append(page.Versions, entry)
	}
	return p.answerPage(c, page, a.freshness())
}

// formOf is the form that an address ends with, ".json", or else the negotiated one.
func formOf(c echo.Context, offers ...string) (string, error) {
	if _, form := suffixed(c.Path()); form != "" {
		return form, nil
	}
	c.Response().Header().Add("Vary", "Accept")
	return accepted(c.Request(), offers...)
}

// renderings keeps the texts that were asked for last as HTML. A text never
// changes, so neither does what is kept.
type renderings struct {
	mu   sync.Mutex
	kept map[canonical.Digest]policyversions.Rendering // guarded by mu
}

func (r *renderings) of(d canonical.Digest, text policyversions.Text) (policyversions.Rendering, error) {
	const most = 64
	r.mu.Lock()
	kept, ok := r.kept[d]
	r.mu.Unlock()
	if ok {
		return kept, nil
	}
	made, err := policyversions.Render(text)
	if err != nil {
		return made, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kept == nil || len(r.kept) >= most {
		r.kept = make(map[canonical.Digest]policyversions.Rendering)
	}
	r.kept[d] = made
	return made, nil
}
