package visitor

import (
	"crypto/sha256"
	"encoding/xml"
	"fmt"
	"html"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/web"
)

// Feed answers GET /policies/:site/:policy/feed.atom: an Atom feed (RFC 4287) with an
// entry for each version. One that lies ahead is announced when it is published; its
// entry is updated when it takes effect.
func (p *Policies) Feed(c echo.Context) error {
	a, err := p.open(c, c.Param("policy"))
	if err != nil {
		return err
	}
	shown := a.shown()
	in, err := languageOf(shown, c.QueryParam("lang"), "")
	if err != nil {
		return err
	}
	feed := atomFeed{
		Language: in, ID: a.id(0), Title: translation(shown, in).Title + " · " + a.site.Name, Author: atomPerson{a.site.Name},
		Links: []atomLink{{Rel: "self", Type: asFeed, Href: a.from("/feed.atom" + inLanguage(shown, in))}, {Rel: "alternate", Type: asPage, Href: a.from("/versions")}},
	}
	for _, l := range shown.Languages() {
		if l != in {
			feed.Links = append(feed.Links, atomLink{Rel: "alternate", Type: asFeed, Language: l, Href: a.from("/feed.atom?lang=" + l)})
		}
	}
	for _, v := range a.all {
		entry, err := a.entry(p.Web, v, in)
		if err != nil {
			return err
		}
		feed.Entries = append(feed.Entries, entry)
		if feed.Updated < entry.Updated { // all are in UTC and of one length
			feed.Updated = entry.Updated
		}
	}
	body, err := xml.Marshal(feed)
	if err != nil {
		return fmt.Errorf("encode feed: %w", err)
	}
	p.robots(c)
	return answer(c, asFeed+"; charset=utf-8", append([]byte(xml.Header), append(body, '\n')...), a.freshness())
}

// entry is a version in the feed, in a language or the nearest the version has.
func (a *collection) entry(words *web.Renderer, v policyversions.Version, wanted string) (atomEntry, error) {
	in := wanted
	if text := translation(v, wanted); text.Language != wanted {
		in = v.Language
	}
	standing := a.standing(v.Number)
	title, err := words.Standing(wanted, web.PolicyStanding{Number: v.Number, State: string(standing.State), By: standing.By,
		From: standing.From.In(a.site.Location()), Until: standing.Until.In(a.site.Location())})
	if err != nil {
		return atomEntry{}, err
	}
	updated := v.PublishedAt
	for _, came := range []time.Time{standing.From, standing.Until} {
		if came.After(updated) && !came.After(a.now) {
			updated = came
		}
	}
	e := atomEntry{
		ID: a.id(v.Number, string(v.Digest), v.PublishedAt.UTC().Format(time.RFC3339Nano)), Title: atomText{Language: wanted, Text: plain(title)},
		Published: v.PublishedAt.UTC().Format(atomTime), Updated: updated.UTC().Format(atomTime),
		Links: []atomLink{
			{Rel: "alternate", Type: asPage, Language: in, Href: a.from(permanent(v.Number) + inLanguage(v, in))},
			{Rel: "alternate", Type: asMarkdown, Language: in, Href: a.from(permanent(v.Number) + ".md" + inLanguage(v, in))},
		},
	}
	if before := a.before(v.Number); before != 0 {
		e.Links = append(e.Links, atomLink{Rel: "related", Type: asPage, Href: a.from(fmt.Sprintf("/diff/%d..%d", before, v.Number))})
	}
	if len(v.Summary) == 0 {
		return e, nil
	}
	text, language := v.SummaryIn(wanted)
	e.Summary = &atomText{Language: language, Text: text}
	// An entry has one summary; those in all languages are its content.
	var all strings.Builder
	for _, l := range slices.Sorted(maps.Keys(v.Summary)) {
		fmt.Fprintf(&all, `<p lang="%s" dir="%s">%s</p>`, html.EscapeString(l), web.Direction(l), html.EscapeString(v.Summary[l]))
	}
	e.Content = &atomText{Type: "html", Text: all.String()}
	return e, nil
}

// from is an address as a feed has it: readers keep feeds without where they came
// from, so it is absolute where the server knows its own address.
func (a *collection) from(rest string) string { return a.public(rest) }

func inLanguage(v policyversions.Version, in string) string {
	if in == v.Language {
		return ""
	}
	return "?lang=" + in
}

// id names the feed or an entry for good. An address would change with the server's
// name, and so would a tag: URI, which has it inside; this is a UUID made of the
// digest of what is named (RFC 9562, version 8), which moves along.
func (a *collection) id(number int, more ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(append([]string{"volenti policy feed", a.site.Key, a.policy, fmt.Sprint(number), a.site.CreatedAt.UTC().Format(time.RFC3339)}, more...), "\n")))
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// atomTime is RFC 3339 with the milliseconds that times are kept with, always.
const atomTime = "2006-01-02T15:04:05.000Z07:00"

var element = regexp.MustCompile(`<[^>]*>`)

// plain is the text of words of our own that hold elements of our own.
func plain(words string) string { return html.UnescapeString(element.ReplaceAllString(words, "")) }

type atomFeed struct {
	XMLName  xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	Language string      `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
	ID       string      `xml:"id"`
	Title    string      `xml:"title"`
	Updated  string      `xml:"updated"`
	Author   atomPerson  `xml:"author"`
	Links    []atomLink  `xml:"link"`
	Entries  []atomEntry `xml:"entry"`
}

type atomPerson struct {
	Name string `xml:"name"`
}

type atomLink struct {
	Rel      string `xml:"rel,attr"`
	Type     string `xml:"type,attr"`
	Language string `xml:"hreflang,attr,omitempty"`
	Href     string `xml:"href,attr"`
}

type atomEntry struct {
	ID        string     `xml:"id"`
	Title     atomText   `xml:"title"`
	Published string     `xml:"published"`
	Updated   string     `xml:"updated"`
	Links     []atomLink `xml:"link"`
	Summary   *atomText  `xml:"summary"`
	Content   *atomText  `xml:"content"`
}

type atomText struct {
	Type     string `xml:"type,attr,omitempty"` // "" is plain text
	Language string `xml:"http://www.w3.org/XML/1998/namespace lang,attr,omitempty"`
	Text     string `xml:",chardata"`
}
