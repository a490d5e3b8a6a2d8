package visitor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/splice"
	"github.com/volenti-consent/volenti/web"
)

// Declarations answers a site's cookie declaration: as JSON, as a page, and the
// script that puts it into the site's own pages. All of it is the same for
// everybody, but for the language.
type Declarations struct {
	Directory *Directory
	Web       *web.Renderer
}

// declarationJSON is the declaration on the wire: docs/wire.md, "The cookie
// declaration". Links are absolute or from the server's root.
type declarationJSON struct {
	Site        string            `json:"site"`
	Name        string            `json:"name"`
	Language    string            `json:"language"`
	Direction   string            `json:"direction"`
	Notice      string            `json:"notice"`
	PublishedAt int64             `json:"published_at"`
	Controller  web.Controller    `json:"controller"`
	Links       map[string]string `json:"links"`
	Words       map[string]string `json:"words"`
	Categories  []web.Declared    `json:"categories"`
}

// declaredWords are the texts that a reader of the JSON needs beside it.
var declaredWords = [...]string{"declaration", "declaration_about", "updated", "always", "no_partners", "stored",
	"name", "kind", "duration", "purpose", "responsible", "policy", "reopen"}

// JSON answers GET /v1/sites/:site/declaration.
func (d *Declarations) JSON(c echo.Context) error {
	live, lang, words, err := d.in(c)
	if err != nil {
		return err
	}
	answer := declarationJSON{
		Site: live.Site.Key, Name: live.Site.Name, Language: lang, Direction: web.Direction(lang),
		Notice: string(live.Publication.Notice), PublishedAt: live.Publication.PublishedAt.UnixMilli(),
		Controller: live.controller(),
		Links: map[string]string{
			"policy":  live.policyURL(),
			"choices": "privacy/" + live.Site.Key + "/choices?lang=" + lang,
			"page":    "privacy/" + live.Site.Key + "/cookies?lang=" + lang,
		},
		Words:      make(map[string]string, len(declaredWords)),
		Categories: live.declared(lang, words),
	}
	for _, key := range declaredWords {
		answer.Words[key] = words[key]
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("encode declaration: %w", err)
	}
	h := c.Response().Header()
	h.Set("Access-Control-Allow-Origin", "*") // it is public, and the same for all
	return answer300(c, "application/json", append(body, '\n'))
}

// Page answers GET /privacy/:site/cookies.
func (d *Declarations) Page(c echo.Context) error {
	live, lang, words, err := d.in(c)
	if err != nil {
		return err
	}
	page := &web.Declaration{
		Head:    web.Head{Title: words["declaration"], Site: live.Site.Name, Root: web.Root(c.Request().URL.EscapedPath()), Language: lang},
		SiteKey: live.Site.Key, TextLanguage: lang, Words: words, PolicyURL: live.policyURL(),
		Updated:    words["updated"],
		Categories: live.declared(lang, words), Controller: live.controller(),
	}
	var b bytes.Buffer
	if err := d.Web.Render(&b, page); err != nil {
		return err
	}
	c.Response().Header().Set("Content-Security-Policy", web.ContentSecurityPolicy)
	return answer300(c, "text/html; charset=utf-8", b.Bytes())
}

// Script answers GET /b/:site/declaration.js. It is the same for every site: it
// finds site and server by its own address.
func (d *Declarations) Script(c echo.Context) error {
	if _, err := d.Directory.Live(c.Param("site")); err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	return answer300(c, "text/javascript; charset=utf-8", d.Web.DeclarationScript())
}

// in finds the site and the language of a request.
func (d *Declarations) in(c echo.Context) (live *Live, lang string, words notice.Wording, err error) {
	if live, err = d.Directory.Live(c.Param("site")); err != nil {
		return nil, "", nil, err
	}
	lang = live.matcher.Match(c.Request().Header.Get("Accept-Language"), c.QueryParam("lang"))
	c.Response().Header().Add("Vary", "Accept-Language")
	return live, lang, live.words(lang), nil
}

// answer300 sends what changes with a publication only.
func answer300(c echo.Context, kind string, body []byte) error {
	c.Response().Header().Set("Cache-Control", "public, max-age=300")
	return answerBytes(c, kind, body)
}

// words is the wording that the site publishes in a language, filled in as far as
// it can be. What a publication of an earlier version had no words for is taken
// from ours of today; so is all of it while it can't be read.
func (l *Live) words(lang string) notice.Wording {
	words := l.Notice.WordingFor(lang)
	var published notice.Wording
	text, err := l.shelf.content(context.Background(), l.Publication.Wordings[lang], splice.Identity)
	if err == nil && json.Unmarshal(text, &published) == nil {
		for key, text := range published {
			words[key] = text
		}
	}
	var purposes []string
	for _, c := range l.Notice.Categories {
		if c.Like != notice.Necessary {
			label, _ := l.labels(c, lang, words)
			purposes = append(purposes, label)
		}
	}
	fill := strings.NewReplacer(
		"{controller}", l.Notice.Controller.Name,
		"{n}", strconv.Itoa(l.optional()),
		"{purposes}", strings.Join(purposes, listMark(lang)),
		"{reopen}", words["reopen"],
		"{domains}", strings.Join(l.Notice.Hosts(), listMark(lang)),
	)
	for key, text := range words {
		words[key] = fill.Replace(text)
	}
	words["updated"] = strings.ReplaceAll(words["updated"], "{date}", l.Publication.PublishedAt.In(l.Site.Location()).Format("2006-01-02"))
	return words
}

// listMark joins a list, with the mark that the language has for it.
func listMark(lang string) string {
	switch base, _, _ := strings.Cut(lang, "-"); base {
	case "ja", "zh":
		return "、"
	case "ar", "fa", "ur":
		return "، "
	}
	return ", "
}

// optional counts the vendors that can be refused.
func (l *Live) optional() (count int) {
	for _, v := range l.Notice.Vendors {
		if !l.necessary(v.Category) {
			count++
		}
	}
	return count
}

func (l *Live) necessary(category string) bool {
	for _, c := range l.Notice.Categories {
		if c.Key == category {
			return c.Like == notice.Necessary
		}
	}
	return category == notice.Necessary
}

func (l *Live) labels(c notice.Category, lang string, words notice.Wording) (label, about string) {
	if notice.Standard(c.Key) {
		return words[c.Key], words[c.Key+"_about"]
	}
	return l.Notice.Text(c.Label, lang), l.Notice.Text(c.About, lang)
}

// declared is the notice as a cookie declaration: every category, every vendor,
// and what each keeps; our own cookie among it, unless the notice declares that.
func (l *Live) declared(lang string, words notice.Wording) []web.Declared {
	all := make([]web.Declared, 0, len(l.Notice.Categories)+1)
	own := l.own(words)
	for _, c := range l.Notice.Categories {
		d := web.Declared{Key: c.Key, Necessary: c.Like == notice.Necessary, Vendors: []web.DeclaredVendor{}}
		d.Label, d.About = l.labels(c, lang, words)
		if d.Necessary && own != nil {
			d.Vendors, own = append(d.Vendors, *own), nil
		}
		for _, v := range l.Notice.Vendors {
			if v.Category == c.Key {
				d.Vendors = append(d.Vendors, l.vendor(v, lang, words))
			}
		}
		all = append(all, d)
	}
	if own != nil {
		all = append([]web.Declared{{Key: notice.Necessary, Label: words["necessary"], About: words["necessary_about"],
			Necessary: true, Vendors: []web.DeclaredVendor{*own}}}, all...)
	}
	for i := range all {
		for j := range all[i].Vendors {
			for k := range all[i].Vendors[j].Stored {
				say(&all[i].Vendors[j].Stored[k], lang, words)
			}
		}
	}
	return all
}

// own is what this server keeps, or nil where the notice says so itself.
func (l *Live) own(words notice.Wording) *web.DeclaredVendor {
	for _, v := range l.Notice.Vendors {
		for _, s := range v.Entries {
			if s.Name == CookieName {
				return nil
			}
		}
	}
	return &web.DeclaredVendor{Name: l.Notice.Controller.Name, Stored: []web.DeclaredStored{
		{Name: CookieName, Kind: "cookie", Duration: strconv.Itoa(l.Notice.Validity) + " months", Purpose: words["own_purpose"]},
		{Name: CookieName, Kind: "local", Duration: "persistent", Purpose: words["own_purpose"]},
	}}
}

func (l *Live) vendor(v notice.Vendor, lang string, words notice.Wording) web.DeclaredVendor {
	named := func(key string) string { return strings.ReplaceAll(words[key], "{vendor}", v.Name) }
	d := web.DeclaredVendor{Key: v.Key, Name: v.Name, Country: v.Country, PolicyURL: v.PolicyURL, OptOutURL: v.OptOutURL,
		WithoutText: named("without_vendor"), Stored: []web.DeclaredStored{}}
	if v.Country != "" {
		d.DataGoes = strings.ReplaceAll(words["data_goes_to"], "{country}", country(v.Country, lang))
	}
	if v.PolicyURL != "" {
		d.PolicyText = named("vendor_policy")
	}
	if v.OptOutURL != "" {
		d.OptOutText = named("vendor_opt_out")
	}
	for _, s := range v.Entries {
		d.Stored = append(d.Stored, web.DeclaredStored{Name: s.Name, Kind: s.Kind, Duration: s.Duration,
			Purpose: l.Notice.Text(s.Purpose, lang), HTTPOnly: s.HTTPOnly, Foreign: s.Foreign})
	}
	return d
}

// say puts kind and duration into words.
func say(s *web.DeclaredStored, lang string, words notice.Wording) {
	if s.KindText = words["kind_"+s.Kind]; s.KindText == "" {
		s.KindText = s.Kind
	}
	switch s.Duration {
	case "session":
		s.DurationText = words["until_closed"]
	case "persistent":
		s.DurationText = words["until_deleted"]
	default:
		s.DurationText, _ = web.Duration(lang, s.Duration)
	}
}

// country is the name of an ISO 3166-1 country in a language, or its code.
func country(code, lang string) string {
	region, err := language.ParseRegion(code)
	if err != nil {
		return code
	}
	if namer := display.Regions(language.Make(lang)); namer != nil {
		if name := namer.Name(region); name != "" {
			return name
		}
	}
	return code
}

// policyURL is where the policy link leads: absolute, or from the server's root.
func (l *Live) policyURL() string {
	if l.Notice.PolicyURL != "" || len(l.Notice.Policies) == 0 {
		return l.Notice.PolicyURL
	}
	return "policies/" + l.Site.Key + "/" + l.Notice.Policies[0]
}

func (l *Live) controller() web.Controller {
	c := l.Notice.Controller
	contact := c.Contact
	if !strings.HasPrefix(contact, "https:") && !strings.HasPrefix(contact, "http:") {
		contact = "mailto:" + contact
	}
	return web.Controller{Name: c.Name, Address: c.Address, Contact: contact}
}
