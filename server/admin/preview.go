package admin

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/web"
	"github.com/volenti-consent/volenti/web/console"
)

// A preview shows the banner itself: the script that would be published, in a page
// of ours, in a frame that may do nothing but run scripts. The frame's origin is
// nobody's, so neither our cookies nor anything it keeps are in its reach, and what
// it asks for comes without a session: each request carries a ticket in its path,
// which says what is shown and for how long. No decision made in it is taken: there
// is no address for one.
//
// The ticket's path is, to the script, the server: docs/wire.md lists what it asks.

// previewLasts is how long a ticket opens its preview.
const previewLasts = time.Hour

// A ticket says what a preview shows.
type ticket struct {
	Site     string         `json:"s"`
	Draft    bool           `json:"d,omitempty"` // the draft of the notice; else the one in force
	Language string         `json:"l"`
	Surface  notice.Surface `json:"f,omitempty"`
	Trial    string         `json:"t,omitempty"`
	Dark     bool           `json:"n,omitempty"`
	RTL      bool           `json:"r,omitempty"` // the page around the banner reads from right to left
	Signal   bool           `json:"g,omitempty"` // Global Privacy Control is on
	Decided  bool           `json:"k,omitempty"` // by somebody who decided before
	Work     string         `json:"w,omitempty"` // and is told of this draft of a policy
	Number   int            `json:"v,omitempty"` // the version it will be
	Until    int64          `json:"u"`           // Unix seconds
}

const previewSeal = "volenti-preview"

func (c *Console) previewRoutes() []Route {
	const base = "/admin/preview/:ticket"
	return []Route{
		{Method: http.MethodGet, Path: base, Open: true, Handle: c.previewPage},
		{Method: http.MethodGet, Path: base + "/b/:file", Open: true, Handle: c.previewScript},
		{Method: http.MethodGet, Path: base + "/b/:key/:file", Open: true, Handle: c.previewModule},
		{Method: http.MethodGet, Path: base + "/v1/sites/:key/changes", Open: true, Handle: c.previewChanges},
	}
}

// preview seals a ticket into the address of its preview, from the server's root.
func (c *Console) preview(t ticket) (string, error) {
	t.Until = c.Now().Add(previewLasts).Unix()
	b, err := json.Marshal(t)
	if err != nil {
		return "", fmt.Errorf("preview: %w", err)
	}
	sealed, err := c.Cookies.Encode(previewSeal, string(b))
	if err != nil {
		return "", fmt.Errorf("preview: %w", err)
	}
	return "admin/preview/" + sealed, nil
}

// notePreview is the address of the note that known visitors will see of w.
func (c *Console) notePreview(d *Desk, w policyversions.Work, number int) (string, error) {
	return c.preview(ticket{Site: d.Site.Key, Language: w.Language, Decided: true, Work: w.ID, Number: number})
}

// shown is what a ticket shows, or echo.ErrNotFound: a ticket that is forged or too
// old is answered as an address that does not exist.
func (c *Console) shown(d *Desk) (t ticket, n *notice.Notice, err error) {
	var opened string
	if c.Cookies.Decode(previewSeal, d.Param("ticket"), &opened) != nil || json.Unmarshal([]byte(opened), &t) != nil || c.Now().Unix() > t.Until {
		return t, nil, echo.ErrNotFound
	}
	if t.Draft {
		n, err = c.draftNotice(d.Request().Context(), t.Site)
	} else {
		n, err = c.noticeInForce(d.Request().Context(), t.Site)
	}
	if err != nil {
		return t, nil, err
	}
	if !slices.Contains(n.Languages, t.Language) {
		t.Language = n.Languages[0]
	}
	return t, n, nil
}

// previewPage answers the page around the banner.
func (c *Console) previewPage(d *Desk) error {
	t, n, err := c.shown(d)
	if err != nil {
		return err
	}
	nonce := rand.Text()
	page := console.Host{Root: web.Root(d.Request().URL.EscapedPath()), Script: "admin/preview/" + d.Param("ticket") + "/b/" + t.Site + ".js",
		Nonce: nonce, Language: t.Language, Dark: t.Dark, RTL: t.RTL, Inline: n.Tried(t.Trial).Look.Position == "inline"}
	var b bytes.Buffer
	if err := page.Render(&b); err != nil {
		return err
	}
	h := d.Response().Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'nonce-"+nonce+"' 'self'; style-src 'nonce-"+nonce+
		"'; img-src https: data:; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox allow-scripts")
	return d.HTMLBlob(http.StatusOK, b.Bytes())
}

// previewScript answers the banner's script as a visitor like the ticket's gets it.
func (c *Console) previewScript(d *Desk) error {
	t, n, err := c.shown(d)
	if err != nil {
		return err
	}
	if d.Param("file") != t.Site+".js" {
		return echo.ErrNotFound
	}
	scripts, err := c.compiled(n, t)
	if err != nil {
		return err
	}
	want := notice.Variant{Kind: notice.KindAsk, Surface: t.Surface, Language: t.Language, Trial: t.Trial}
	if t.Decided {
		want = notice.Variant{Kind: notice.KindKept, Language: t.Language}
	}
	i := slices.IndexFunc(scripts, func(s notice.Script) bool { return s.Variant == want })
	if i < 0 {
		return echo.ErrNotFound
	}
	boot, err := json.Marshal(c.previewBoot(t, n))
	if err != nil {
		return fmt.Errorf("preview: %w", err)
	}
	return sendScript(d, slices.Concat(scripts[i].Source, []byte("("), boot, []byte(");\n")))
}

// previewBoot is what the script is told of its visitor: docs/wire.md, "Boot".
func (c *Console) previewBoot(t ticket, n *notice.Notice) map[string]any {
	now := c.Now()
	letter := map[notice.Surface]byte{notice.AskOptOut: 'o', notice.AskNotice: 'n'}[t.Surface]
	if letter == 0 || n.Age.Minimum > 0 {
		letter = 'i'
	}
	models := make([]byte, len(n.Categories))
	choices := make([]byte, len(n.Categories))
	for i, category := range n.Categories {
		models[i], choices[i] = letter, '1'
		if category.Like == notice.Necessary {
			models[i] = '-'
		}
	}
	boot := map[string]any{"t": "preview", "m": string(models), "n": now.Unix() / 600 * 600}
	if t.Signal {
		boot["g"] = 1
	}
	if n.Age.Minimum > 0 {
		boot["y"] = n.Age.Minimum
	}
	if t.Decided {
		said := string(choices) + "." + strings.Repeat("-", len(n.Vendors))
		boot["c"], boot["p"], boot["q"] = said, said, said
		boot["a"], boot["u"] = now.AddDate(0, -1, 0).Unix(), now.AddDate(0, 1, 0).Unix()
		boot["h"] = now.Unix()
		if n.Age.Minimum > 0 {
			delete(boot, "y") // it was said then
		}
	}
	return boot
}

// previewModule answers a module that the script names by its digest.
func (c *Console) previewModule(d *Desk) error {
	t, n, err := c.shown(d)
	if err != nil {
		return err
	}
	scripts, err := c.compiled(n, t)
	if err != nil {
		return err
	}
	for _, s := range scripts {
		if d.Param("file") == s.Digest.Short()+".js" {
			return sendScript(d, s.Source)
		}
	}
	return echo.ErrNotFound
}

// sendScript answers a script to a frame whose origin is nobody's.
func sendScript(d *Desk, source []byte) error {
	h := d.Response().Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Cache-Control", "no-store")
	return d.Blob(http.StatusOK, "text/javascript; charset=utf-8", source)
}

// previewChanges answers what the note tells: of the one draft alone.
func (c *Console) previewChanges(d *Desk) error {
	t, _, err := c.shown(d)
	if err != nil {
		return err
	}
	w, err := c.Versions.Work(d.Request().Context(), t.Site, t.Work)
	if errors.Is(err, policyversions.ErrUnknownWork) {
		return echo.ErrNotFound
	}
	if err != nil {
		return err
	}
	s, err := c.Sites.Site(d.Request().Context(), t.Site)
	if err != nil {
		return err
	}
	from := w.Effective
	if from.IsZero() {
		from = c.Now()
	}
	summary, in := policyversions.Version{Language: w.Language, Announcement: policyversions.Announcement{Summary: w.Summary}}.SummaryIn(d.QueryParam("lang"))
	h := d.Response().Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cache-Control", "no-store")
	return d.JSON(http.StatusOK, map[string]any{"changes": []map[string]any{{
		"policy": w.Policy, "number": t.Number, "title": titleOf(w), "from": from.UnixMilli() + int64(previewLasts/time.Millisecond), "binds": w.Binds(from, s.Location()).UnixMilli(),
		"summary": summary, "language": in, "address": "/policies/" + t.Site + "/" + w.Policy,
	}}})
}

// compiled is a notice's scripts in one language, dressed as the ticket says.
func (c *Console) compiled(n *notice.Notice, t ticket) ([]notice.Script, error) {
	n = dressed(n, t)
	encoded, err := n.Encode()
	if err != nil {
		return nil, err
	}
	name := string(canonical.Sum(encoded))
	p := &c.previews
	p.mu.Lock() // held while compiling: one preview of a person at a time, and never the same twice
	defer p.mu.Unlock()
	for i, one := range p.kept {
		if one.name == name {
			p.kept = append(slices.Delete(p.kept, i, i+1), one)
			return one.scripts, nil
		}
	}
	scripts, err := c.Compiler.Compile(n, n.Wordings())
	if err != nil {
		return nil, fmt.Errorf("preview: %w", err)
	}
	if len(p.kept) == mostCompiled {
		p.kept = slices.Delete(p.kept, 0, 1)
	}
	p.kept = append(p.kept, compiled{name, scripts})
	return scripts, nil
}

// dressed is a notice in one language, light or dark as the ticket says: whoever
// looks at a preview can't change the scheme of his system for it.
func dressed(n *notice.Notice, t ticket) *notice.Notice {
	one := *n
	first := n.Languages[0]
	one.Languages = []string{t.Language}
	one.Vendors, one.Categories, one.Trials = slices.Clone(n.Vendors), slices.Clone(n.Categories), slices.Clone(n.Trials)
	spoken := func(texts map[string]string) map[string]string {
		text, ok := texts[t.Language]
		if !ok {
			if text, ok = texts[first]; !ok {
				return nil
			}
		}
		return map[string]string{t.Language: text}
	}
	for i := range one.Categories {
		one.Categories[i].Label, one.Categories[i].About = spoken(one.Categories[i].Label), spoken(one.Categories[i].About)
	}
	for i, v := range one.Vendors {
		entries := slices.Clone(v.Entries)
		for j := range entries {
			entries[j].Purpose = spoken(entries[j].Purpose)
		}
		one.Vendors[i].Entries = entries
	}
	dress := func(l *notice.Look) {
		if l.Theme == "auto" {
			l.Theme = "light"
			if t.Dark {
				l.Theme = "dark"
			}
		}
	}
	dress(&one.Look)
	for i := range one.Trials {
		dress(&one.Trials[i].Look)
	}
	return &one
}
