package markup

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/volenti-consent/volenti/server/notice"
)

// A Mark is what an element says, in the words of some banner, about the
// consent it waits for.
type Mark struct {
	Dialect  string `json:"dialect"`            // "Volenti", "Cookiebot" …
	Category string `json:"category,omitempty"` // keys of the notice's categories; a word that means none of them stays
	Vendor   string `json:"vendor,omitempty"`   // key of a vendor of the notice; a name that means none stays
	Src      string `json:"src,omitempty"`      // the address that it keeps back
	Held     bool   `json:"held"`               // nothing runs or loads before it is released
	Released bool   `json:"released"`           // its categories and vendor are the notice's, so a visitor can grant it
}

// Dialects by the mark that is theirs. banner/src/gate/dialects.ts is the same
// table for the page; testdata/dialects.json are the cases of both.
var dialects = []struct {
	name    string
	marks   []string // attributes, the first that is there counts
	classes *regexp.Regexp
	prefix  string // before a word, where the word alone says too little
	vendor  bool   // it names vendors, not categories
	didomi  bool   // it counts on scripts of Didomi's types only
}{
	{name: "Cookiebot", marks: []string{"data-cookieconsent"}},
	{name: "CookieYes", marks: []string{"data-cookieyes"}},
	{name: "Osano", marks: []string{"data-osano"}},
	{name: "Probo", marks: []string{"data-cookie-consent"}},
	{name: "OneTrust", classes: regexp.MustCompile(`optanon-category-([\w-]+)`)},
	{name: "iubenda", marks: []string{"data-iub-purposes"}, classes: regexp.MustCompile(`_iub_cs_activate()`), prefix: "iub"},
	{name: "Didomi", marks: []string{"data-purposes"}, didomi: true},
	{name: "Usercentrics", marks: []string{"data-usercentrics"}, vendor: true},
	{name: "Axeptio", marks: []string{"data-requires-vendor-consent"}, vendor: true},
	{name: "Didomi", marks: []string{"data-vendor", "data-vendor-raw"}, vendor: true, didomi: true},
}

// words are what other banners call a category, by which switch of the law it
// is. In doubt the later one.
var words = []struct{ like, words string }{
	{"necessary", " necessary essential c0001 iub1 "},
	{"preferences", " preferences functional functionality personalization c0003 iub2 iub3 select_personalized_content create_content_profile "},
	{"analytics", " analytics statistics statistics-anonymous performance c0002 iub4 measure_content_performance market_research improve_products "},
	{"marketing", " marketing advertising advertisement ads targeting c0004 c0005 iub5 cookies create_ads_profile select_personalized_ads select_basic_ads measure_ad_performance "},
}

// sources are where other banners keep an address, and whose attribute it is.
var sources = []struct{ attribute, dialect string }{
	{"data-cookieblock-src", "Cookiebot"}, {"data-suppressedsrc", "iubenda"}, {"suppressedsrc", "iubenda"},
	{"data-cmplz-src", "Complianz"}, {"data-src-cmplz", "Complianz"}, {"data-uc-src", "Usercentrics"},
}

// players are what tarteaucitron makes frames of.
var players = []struct{ class, attribute, before, vendor string }{
	{"youtube_player", "videoid", "https://www.youtube-nocookie.com/embed/", "youtube"},
	{"vimeo_player", "videoid", "https://player.vimeo.com/video/", "vimeo"},
	{"dailymotion_player", "videoid", "https://www.dailymotion.com/embed/video/", "dailymotion"},
	{"spotify_player", "spotifyid", "https://open.spotify.com/embed/", "spotify"},
	{"googlemapsembed", "url", "", "google-maps"},
	{"tac_iframe", "url", "", "iframe"},
}

// fold is a key or a name as it is compared: without what stands in brackets.
func fold(text string) string {
	text, _, _ = strings.Cut(strings.ToLower(text), "(")
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, text)
}

var vendorPrefix = regexp.MustCompile(`^\w+:`)

// vendorOf finds the notice's vendor of a key or a name, however written.
func vendorOf(n *notice.Notice, text string) (notice.Vendor, bool) {
	folded := fold(vendorPrefix.ReplaceAllString(text, ""))
	i := slices.IndexFunc(n.Vendors, func(v notice.Vendor) bool {
		return folded != "" && (fold(v.Key) == folded || fold(v.Name) == folded)
	})
	if i < 0 {
		return notice.Vendor{}, false
	}
	return n.Vendors[i], true
}

// categoryOf turns words into keys of the notice's categories.
func categoryOf(n *notice.Notice, text, prefix string) string {
	list := wordsIn(text)
	for i, word := range list {
		if slices.ContainsFunc(n.Categories, func(c notice.Category) bool { return c.Key == word }) {
			continue
		}
		known := " " + prefix + strings.TrimPrefix(strings.ToLower(word), "cookieyes-") + " "
		at := slices.IndexFunc(words, func(w struct{ like, words string }) bool { return strings.Contains(w.words, known) })
		if at < 0 {
			continue
		}
		like := words[at].like
		if j := slices.IndexFunc(n.Categories, func(c notice.Category) bool { return c.Like == like }); j >= 0 {
			list[i] = n.Categories[j].Key
		} else if like == notice.Necessary {
			list[i] = like
		}
	}
	return strings.Join(list, " ")
}

// wordsIn are the words of an attribute, at least one.
func wordsIn(text string) []string {
	list := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
	if len(list) == 0 {
		return []string{""}
	}
	return list
}

// grantable reports whether the notice asks for all that a mark names.
func grantable(n *notice.Notice, category, vendor string) bool {
	for _, key := range wordsIn(category) {
		if key != notice.Necessary && !slices.ContainsFunc(n.Categories, func(c notice.Category) bool { return c.Key == key }) {
			return false
		}
	}
	return vendor == "" || slices.ContainsFunc(n.Vendors, func(v notice.Vendor) bool { return v.Key == vendor })
}

// readMark reads an element's mark, in any dialect. Ours counts before others.
func readMark(n *notice.Notice, el element) (Mark, bool) {
	kind := strings.ToLower(el.attr["type"])
	didomi := el.tag == "script" && strings.HasPrefix(kind, "didomi/")
	if el.tag == "script" && !runs(kind) && !inert(kind) {
		return Mark{}, false // data
	}
	var m Mark
	named, prefix, by := "", "", ""
	hasName, hasBy := false, false
	if value, ok := el.attr["data-category"]; ok {
		m.Dialect, named, hasName = "Volenti", value, true
	}
	for _, d := range dialects {
		if d.didomi && !didomi || hasName && !d.vendor {
			continue
		}
		value, ok := first(el.attr, d.marks)
		if !ok && d.classes != nil {
			if found := d.classes.FindStringSubmatch(el.attr["class"]); found != nil {
				if value, ok = strings.ReplaceAll(found[1], "-", " "), true; d.prefix != "" {
					value = "5" // iubenda without purposes means consent to all of them
				}
			}
		}
		switch {
		case !ok:
		case d.vendor && !hasBy:
			by, hasBy = value, true
			if m.Dialect == "" {
				m.Dialect = d.name
			}
		case !d.vendor && !hasName:
			m.Dialect, named, prefix, hasName = d.name, value, d.prefix, true
		}
	}
	if value, ok := el.attr["data-service"]; ok {
		if by, hasBy = value, true; value == "general" {
			by = ""
		}
	}
	if name, ok := el.attr["data-name"]; ok && !hasName && !hasBy {
		if _, known := vendorOf(n, name); known || el.tag == "script" && !runs(kind) {
			m.Dialect, by, hasBy = "Klaro", name, true
		}
	}
	if !hasName && !hasBy {
		return readPlayer(n, el)
	}
	v, known := vendorOf(n, by)
	switch {
	case hasName:
		m.Category = categoryOf(n, named, prefix)
	case known:
		m.Category = v.Category
	default:
		m.Category = by
	}
	m.Vendor = by
	if known {
		m.Vendor = v.Key
	}
	m.Src = el.attr["data-src"]
	for _, s := range sources {
		if value := el.attr[s.attribute]; value != "" {
			if m.Src == "" {
				m.Src = value
			}
			if m.Dialect == "" || m.Dialect == "Volenti" {
				m.Dialect = s.dialect
			}
		}
	}
	m.Held = el.tag == "template" || el.tag == "script" && !runs(kind)
	if el.tag != "script" && el.attr["src"] == "" || el.attr["src"] == "about:blank" {
		m.Held = m.Held || m.Src != "" || el.attr["data-srcset"]+el.attr["data-srcdoc"]+el.attr["data-href"] != ""
	}
	if m.Src == "" && el.tag == "script" && m.Held {
		m.Src = el.attr["src"]
	}
	m.Released = m.Held && grantable(n, m.Category, m.Vendor)
	return m, true
}

// readPlayer reads what tarteaucitron makes a frame of.
func readPlayer(n *notice.Notice, el element) (Mark, bool) {
	classes := strings.Fields(el.attr["class"])
	for _, p := range players {
		value, _ := first(el.attr, []string{"data-" + p.attribute, p.attribute})
		if !slices.Contains(classes, p.class) || value == "" || el.tag == "iframe" {
			continue
		}
		m := Mark{Dialect: "tarteaucitron", Category: p.vendor, Vendor: p.vendor, Src: p.before + value, Held: true}
		if v, ok := vendorOf(n, p.vendor); ok {
			m.Category, m.Vendor, m.Released = v.Category, v.Key, true
		}
		return m, true
	}
	return Mark{}, false
}

func first(attr map[string]string, names []string) (string, bool) {
	for _, name := range names {
		if value, ok := attr[name]; ok {
			return value, true
		}
	}
	return "", false
}

// inert reports whether a script of this type is one that some banner will run.
func inert(kind string) bool {
	return kind == "text/plain" || kind == "opt-in" || strings.HasPrefix(kind, "didomi/")
}

// runs reports whether a script of this type is executed (HTML, "prepare the
// script element"): JavaScript, a module, or no type at all.
func runs(kind string) bool {
	return slices.Contains([]string{"", "module", "text/javascript", "application/javascript", "text/ecmascript", "application/ecmascript", "application/x-javascript", "application/x-ecmascript",
		"text/javascript1.0", "text/javascript1.1", "text/javascript1.2", "text/javascript1.3", "text/javascript1.4", "text/javascript1.5", "text/jscript", "text/livescript",
		"text/x-ecmascript", "text/x-javascript"}, strings.TrimSpace(kind))
}
