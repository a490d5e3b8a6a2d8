package visitor

import (
	"encoding/xml"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A readFeed is what RFC 4287 lets a reader expect, read without our own types.
type readFeed struct {
	XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
	Lang    string   `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
	ID      []string `xml:"id"`
	Title   []string `xml:"title"`
	Updated []string `xml:"updated"`
	Author  []struct {
		Name []string `xml:"name"`
	} `xml:"author"`
	Links   []readLink `xml:"link"`
	Entries []struct {
		ID        []string `xml:"id"`
		Title     []string `xml:"title"`
		Published []string `xml:"published"`
		Updated   []string `xml:"updated"`
		Summary   []struct {
			Lang string `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
			Text string `xml:",chardata"`
		} `xml:"summary"`
		Content []struct {
			Type string `xml:"type,attr"`
			Text string `xml:",chardata"`
		} `xml:"content"`
		Links []readLink `xml:"link"`
	} `xml:"entry"`
}

type readLink struct {
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr"`
	Href string `xml:"href,attr"`
	Lang string `xml:"hreflang,attr"`
}

func (ps *policySite) feed(t *testing.T, query string) readFeed {
	t.Helper()
	w := ps.get("/policies/shop/privacy/feed.atom" + query)
	var f readFeed
	if err := xml.Unmarshal(w.Body.Bytes(), &f); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	// Section 4.1.1: what a feed must have once, and each entry.
	if len(f.ID) != 1 || len(f.Title) != 1 || len(f.Updated) != 1 || len(f.Author) == 0 || len(f.Author[0].Name) != 1 || f.Author[0].Name[0] == "" {
		t.Errorf("not a feed: %s", w.Body)
	}
	self := 0
	for _, l := range f.Links {
		if l.Rel == "self" {
			self++
		}
	}
	if self != 1 {
		t.Errorf("%d links to itself", self)
	}
	ids, latest := map[string]bool{f.ID[0]: true}, time.Time{}
	for _, e := range f.Entries {
		if len(e.ID) != 1 || len(e.Title) != 1 || len(e.Updated) != 1 || len(e.Summary) > 1 || len(e.Content) > 1 || ids[e.ID[0]] {
			t.Errorf("not an entry, or one that is there twice: %+v", e)
			continue
		}
		ids[e.ID[0]] = true
		for _, date := range append(e.Updated, e.Published...) {
			at, err := time.Parse(time.RFC3339, date)
			if err != nil || at.After(ps.now) {
				t.Errorf("date %s: %v", date, err)
			}
			if at.After(latest) {
				latest = at
			}
		}
	}
	if got, err := time.Parse(time.RFC3339, f.Updated[0]); err != nil || !got.Equal(latest) {
		t.Errorf("updated %s, its newest entry %s", f.Updated[0], latest)
	}
	for id := range ids {
		if u, err := url.Parse(id); err != nil || u.Scheme != "urn" || !regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(id) {
			t.Errorf("the id %q is no UUID (RFC 9562)", id)
		}
	}
	return f
}

func TestPolicyFeed(t *testing.T) {
	ps := translated(t) // versions from March and, scheduled, August 2026, published in February
	f := ps.feed(t, "")
	if f.Lang != "en" || !strings.Contains(f.Title[0], "Privacy") || len(f.Entries) != 2 {
		t.Fatalf("feed %+v", f)
	}
	ahead, now := f.Entries[0], f.Entries[1]
	if ahead.Title[0] != "Version 2 takes effect on 1 August 2026" || ahead.Updated[0] != "2026-01-31T23:00:00.000Z" || ahead.Summary[0].Text != "More is <said>." || ahead.Summary[0].Lang != "en" {
		t.Errorf("what is scheduled is not announced: %+v", ahead)
	}
	if want := `<p lang="de" dir="ltr">Es steht mehr da.</p><p lang="en" dir="ltr">More is &lt;said&gt;.</p><p lang="pt-BR" dir="ltr">Diz mais.</p>`; ahead.Content[0].Type != "html" || ahead.Content[0].Text != want {
		t.Errorf("content %+v, want %s", ahead.Content, want)
	}
	if now.Title[0] != "Version 1, in force since 1 March 2026" || now.Updated[0] != "2026-02-28T23:00:00.000Z" || now.Published[0] != "2026-01-31T23:00:00.000Z" {
		t.Errorf("the version in force: %+v", now)
	}
	ids := []string{f.ID[0], ahead.ID[0], now.ID[0]}

	ps.now = at(t, "2026-08-02")
	f = ps.feed(t, "?lang=de")
	if f.Lang != "de" || f.Entries[0].Title[0] != "Fassung 2, in Kraft seit 1. August 2026" || f.Entries[0].Updated[0] != "2026-07-31T22:00:00.000Z" || f.Entries[0].Summary[0].Text != "Es steht mehr da." || f.Entries[0].Summary[0].Lang != "de" {
		t.Errorf("in German, after its day: %+v", f.Entries[0])
	}
	if !strings.Contains(f.Entries[0].Links[0].Href, "/versions/2?lang=de") || f.Entries[0].Links[0].Lang != "de" {
		t.Errorf("links %+v", f.Entries[0].Links)
	}
	// Neither a day, nor a language, nor another address of the server changes an id.
	for i, id := range []string{f.ID[0], f.Entries[0].ID[0], f.Entries[1].ID[0]} {
		if id != ids[i] {
			t.Errorf("the id %s became %s", ids[i], id)
		}
	}
}
