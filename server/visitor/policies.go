package visitor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/web"
)

// Policies shows the archive of legal texts: the version in force, every version
// at its own address, and the bytes of each. To everybody the same, and nothing in
// an answer tells visitors apart.
type Policies struct {
	Versions policyversions.Store
	Sites    site.Store
	Web      *web.Renderer
	Now      func() time.Time
	Origin   string // of this server, "https://consent.example.com", for the permanent address as shown; may be ""

	rendered renderings
}

// InForce answers GET /policies/:site/:policy: the version in force.
func (p *Policies) InForce(c echo.Context) error {
	s, err := p.Sites.Site(c.Request().Context(), c.Param("site"))
	if err != nil {
		return err
	}
	now := p.Now()
	v, err := p.Versions.InForce(c.Request().Context(), s.Key, c.Param("policy"), now)
	if err != nil {
		return err
	}
	return p.show(c, s, v, now)
}

// Version answers GET /policies/:site/:policy/versions/:number.
func (p *Policies) Version(c echo.Context) error {
	s, v, err := p.version(c)
	if err != nil {
		return err
	}
	return p.show(c, s, v, p.Now())
}

// List answers GET /policies/:site/:policy/versions: all of them, newest first.
func (p *Policies) List(c echo.Context) error {
	s, err := p.Sites.Site(c.Request().Context(), c.Param("site"))
	if err != nil {
		return err
	}
	all, err := p.Versions.Versions(c.Request().Context(), s.Key, c.Param("policy"))
	if err != nil {
		return err
	}
	now := p.Now()
	c.Response().Header().Add("Vary", "Accept")
	base := web.Root(c.Request().URL.EscapedPath()) + "policies/" + s.Key + "/" + all[0].Policy
	link(c, base, "latest-version")
	if wantsJSON(c.Request()) {
		list := make([]versionJSON, 0, len(all))
		for _, v := range all {
			list = append(list, describe(v, all, now))
		}
		return answerJSON(c, map[string]any{"site": s.Key, "policy": all[0].Policy, "versions": list})
	}
	page := &web.PolicyVersions{
		Head:    web.Head{Title: all[0].Title, Site: s.Name, Root: web.Root(c.Request().URL.EscapedPath()), Language: all[0].Language},
		SiteKey: s.Key, Policy: all[0].Policy, TextLanguage: all[0].Language,
	}
	for _, v := range all {
		standing, _ := policyversions.StandingOf(all, v.Number, now)
		entry := web.VersionEntry{
			Number: v.Number, State: string(standing.State), By: standing.By, Digest: string(v.Digest), TextLanguage: v.Language,
			From: standing.From.In(s.Location()), Until: standing.Until.In(s.Location()), Published: v.PublishedAt.In(s.Location()),
		}
		if v.Title != page.Title {
			entry.Title = v.Title
		}
		page.Versions = append(page.Versions, entry)
	}
	return p.answerPage(c, page)
}

// Original answers GET /policies/:site/:policy/versions/:number/original: the bytes
// that were imported, always as plain text to be saved, whatever they are.
func (p *Policies) Original(c echo.Context) error {
	_, v, err := p.version(c)
	if err != nil {
		return err
	}
	ext := map[string]string{"markdown": "md", "html": "html"}[v.Format]
	if ext == "" {
		ext = "txt"
	}
	return answerFile(c, v, ext, "text/plain; charset=utf-8", v.Original)
}

// Canonical answers GET /policies/:site/:policy/versions/:number/canonical: the
// bytes the version's digest is taken over.
func (p *Policies) Canonical(c echo.Context) error {
	_, v, err := p.version(c)
	if err != nil {
		return err
	}
	if _, err := v.Text(); err != nil {
		return err
	}
	return answerFile(c, v, "json", "application/json", v.Canonical)
}

// version finds the version that the address names.
func (p *Policies) version(c echo.Context) (site.Site, policyversions.Version, error) {
	ctx := c.Request().Context()
	s, err := p.Sites.Site(ctx, c.Param("site"))
	if err != nil {
		return s, policyversions.Version{}, err
	}
	number, err := strconv.Atoi(c.Param("number"))
	if err != nil || number < 1 || strconv.Itoa(number) != c.Param("number") {
		return s, policyversions.Version{}, fmt.Errorf("version %q: %w", c.Param("number"), policyversions.ErrUnknownVersion)
	}
	v, err := p.Versions.Version(ctx, s.Key, c.Param("policy"), number)
	return s, v, err
}

// show answers one version, as a page or as JSON.
func (p *Policies) show(c echo.Context, s site.Site, v policyversions.Version, now time.Time) error {
	all, err := p.Versions.Versions(c.Request().Context(), s.Key, v.Policy)
	if err != nil {
		return err
	}
	standing, ok := policyversions.StandingOf(all, v.Number, now)
	if !ok {
		return fmt.Errorf("version %d of %s/%s: %w", v.Number, s.Key, v.Policy, policyversions.ErrUnknownVersion)
	}
	root := web.Root(c.Request().URL.EscapedPath())
	place := "policies/" + s.Key + "/" + v.Policy
	permanent := place + "/versions/" + strconv.Itoa(v.Number)
	c.Response().Header().Add("Vary", "Accept")
	link(c, root+permanent, "canonical")
	link(c, root+place, "latest-version") // RFC 5829
	link(c, root+place+"/versions", "version-history")
	text, err := v.Text()
	if err != nil {
		return err
	}
	if wantsJSON(c.Request()) {
		answer := describe(v, all, now)
		answer.Site, answer.Policy, answer.Text = s.Key, v.Policy, text.Markdown
		return answerJSON(c, answer)
	}
	r, err := p.rendered.of(v.Digest, text)
	if err != nil {
		return err
	}
	page := &web.PolicyVersion{
		Head:    web.Head{Title: v.Title, Site: s.Name, Root: root, Language: v.Language},
		SiteKey: s.Key, Policy: v.Policy, Number: v.Number, State: string(standing.State), By: standing.By,
		From: standing.From.In(s.Location()), Until: standing.Until.In(s.Location()), Published: v.PublishedAt.In(s.Location()),
		TextLanguage: v.Language, Text: template.HTML(r.HTML), //nolint:gosec // sanitized by policyversions.Render
		Digest: string(v.Digest), Address: p.Origin + "/" + permanent,
	}
	for _, other := range all {
		if st, _ := policyversions.StandingOf(all, other.Number, now); st.State == policyversions.InForce {
			page.InForce = other.Number
		}
	}
	page.Contents = contents(r.Headings)
	return p.answerPage(c, page)
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

// versionJSON is a version on the wire; times are Unix milliseconds.
type versionJSON struct {
	Site        string           `json:"site,omitempty"`
	Policy      string           `json:"policy,omitempty"`
	Number      int              `json:"number"`
	Title       string           `json:"title"`
	Language    string           `json:"language"`
	Digest      canonical.Digest `json:"digest"`
	PublishedAt int64            `json:"published_at"`
	Effective   int64            `json:"effective"`
	State       string           `json:"state"`           // "in_force", "upcoming", "superseded" or "replaced"
	Until       int64            `json:"until,omitempty"` // with By: when that version takes or took this one's place
	By          int              `json:"by,omitempty"`
	Text        string           `json:"text,omitempty"` // Markdown
}

func describe(v policyversions.Version, all []policyversions.Version, now time.Time) versionJSON {
	standing, _ := policyversions.StandingOf(all, v.Number, now)
	j := versionJSON{
		Number: v.Number, Title: v.Title, Language: v.Language, Digest: v.Digest,
		PublishedAt: v.PublishedAt.UnixMilli(), Effective: v.Effective.UnixMilli(), State: string(standing.State), By: standing.By,
	}
	if standing.By != 0 {
		j.Until = standing.Until.UnixMilli()
	}
	return j
}

func wantsJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/html")
}

func link(c echo.Context, to, rel string) {
	c.Response().Header().Add("Link", "<"+to+`>; rel="`+rel+`"`)
}

func (p *Policies) answerPage(c echo.Context, page web.Page) error {
	var b bytes.Buffer
	if err := p.Web.Render(&b, page); err != nil {
		return err
	}
	c.Response().Header().Set("Content-Security-Policy", web.ContentSecurityPolicy)
	return answer(c, "text/html; charset=utf-8", b.Bytes())
}

func answerJSON(c echo.Context, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode version: %w", err)
	}
	return answer(c, "application/json", append(b, '\n'))
}

// answer sends what may change with the day: a state, a link to what follows.
func answer(c echo.Context, kind string, body []byte) error {
	c.Response().Header().Set("Cache-Control", "public, max-age=60")
	return answerBytes(c, kind, body)
}

// answerFile sends what never changes, to be saved.
func answerFile(c echo.Context, v policyversions.Version, ext, kind string, body []byte) error {
	h := c.Response().Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", fmt.Sprintf("%s-%s-%d.%s", v.Site, v.Policy, v.Number, ext)))
	return answerBytes(c, kind, body)
}

// answerBytes sends body with its digest as entity tag, which so follows from the
// version's digest, its state and the look of the page, and from nothing about the
// visitor; or 304 where that is what the client has (RFC 9110, 13.1.2).
func answerBytes(c echo.Context, kind string, body []byte) error {
	h := c.Response().Header()
	tag := `"` + canonical.Sum(body).Short() + `"`
	h.Set("ETag", tag)
	h.Set("X-Content-Type-Options", "nosniff")
	for have := range strings.SplitSeq(c.Request().Header.Get("If-None-Match"), ",") {
		if have = strings.TrimPrefix(strings.TrimSpace(have), "W/"); have == tag || have == "*" {
			return c.NoContent(http.StatusNotModified)
		}
	}
	return c.Blob(http.StatusOK, kind, body)
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
