package notice

import (
	"errors"
	"strings"
	"testing"
)

// Each row spoils the documentation's notice in one way. The issue that must
// be reported is given by its path and a word of it.
func TestLint(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(n *Notice)
		path  string // "" where nothing may be reported
		what  string
	}{
		{"nothing", func(n *Notice) {}, "", ""},

		{"no site", func(n *Notice) { n.Site = "" }, "site", "key"},
		{"a site key with a dot", func(n *Notice) { n.Site = "shop.example" }, "site", "key"},
		{"no language", func(n *Notice) { n.Languages = nil }, "languages", "missing"},
		{"a language we lack", func(n *Notice) { n.Languages = []string{"en", "de", "tlh"} }, "languages[2]", "tlh"},
		{"a language twice", func(n *Notice) { n.Languages = []string{"en", "de", "en"} }, "languages[2]", "already"},
		{"no origin", func(n *Notice) { n.Origins = nil }, "origins", "missing"},
		{"an origin twice", func(n *Notice) { n.Origins = append(n.Origins, n.Origins[0]) }, "origins[2]", "already"},
		{"too many origins", func(n *Notice) { n.Origins = make([]string, maxOrigins+1) }, "origins", "101 elements"},
		{"no policy", func(n *Notice) { n.Policies = nil }, "policies", "missing"},
		{"a policy twice", func(n *Notice) { n.Policies = []string{"privacy", "privacy"} }, "policies[1]", "already"},
		{"a policy key with capitals", func(n *Notice) { n.Policies = []string{"Privacy"} }, "policies[0]", "key"},
		{"a polluting policy key", func(n *Notice) { n.Policies = []string{"constructor"} }, "policies[0]", "key"},
		{"a policy link that is script", func(n *Notice) { n.PolicyURL = "javascript:alert(1)" }, "policy_url", "javascript"},
		{"a policy link without TLS", func(n *Notice) { n.PolicyURL = "http://shop.example/p" }, "policy_url", "not encrypted"},
		{"no validity", func(n *Notice) { n.Validity = 0 }, "validity_months", "range"},
		{"a validity over 13 months", func(n *Notice) { n.Validity = 14 }, "validity_months", "range"},
		{"13 months", func(n *Notice) { n.Validity = 13 }, "", ""},
		{"a posture", func(n *Notice) { n.Posture = "bold" }, "posture", "bold"},
		{"an answer to DNT", func(n *Notice) { n.DNT = "laugh" }, "dnt", "laugh"},

		{"no controller", func(n *Notice) { n.Controller.Name = "" }, "controller.name", "missing"},
		{"no address", func(n *Notice) { n.Controller.Address = "" }, "controller.address", "missing"},
		{"no contact", func(n *Notice) { n.Controller.Contact = "" }, "controller.contact", "missing"},
		{"a contact that is script", func(n *Notice) { n.Controller.Contact = "javascript://%0aalert(1)" }, "controller.contact", "javascript"},
		{"a contact with a name", func(n *Notice) { n.Controller.Contact = "Shop <a@shop.example>" }, "controller.contact", "neither"},
		{"a contact form", func(n *Notice) { n.Controller.Contact = "https://shop.example/contact" }, "", ""},
		{"no establishment", func(n *Notice) { n.Controller.Establishment = "" }, "controller.establishment", "missing"},
		{"the EU is no country", func(n *Notice) { n.Controller.Establishment = "EU" }, "controller.establishment", "country"},
		{"markup in the name", func(n *Notice) { n.Controller.Name = "<img src=x>" }, "controller.name", "<"},
		{"a placeholder in the name", func(n *Notice) { n.Controller.Name = "{n}" }, "controller.name", "brace"},

		{"a mode", func(n *Notice) { n.Google.Mode = "on" }, "google.mode", "on"},
		{"advanced mode", func(n *Notice) { n.Google.Mode = "advanced" }, "google.mode", "before a choice"},
		{"an endless wait", func(n *Notice) { n.Google.WaitForUpdate = 60_000 }, "google.wait_for_update", "range"},
		{"a color by name", func(n *Notice) { n.Look.Accent = "red" }, "look.accent", "color"},
		{"style in a color", func(n *Notice) { n.Look.Accent = "#000000;position:fixed" }, "look.accent", "color"},
		{"a position", func(n *Notice) { n.Look.Position = "left" }, "look.position", "left"},
		{"a theme", func(n *Notice) { n.Look.Theme = "pink" }, "look.theme", "pink"},
		{"a reopen button", func(n *Notice) { n.Look.Reopen = "hidden" }, "look.reopen", "hidden"},
		{"a radius", func(n *Notice) { n.Look.Radius = 25 }, "look.radius", "range"},
		{"a logo of the site's", func(n *Notice) { n.Look.Logo = "https://cdn.shop.example/logo.svg" }, "", ""},
		{"a logo of somebody else's", func(n *Notice) { n.Look.Logo = "https://cdn.example/logo.svg" }, "look.logo", "before any choice"},
		{"a logo of a host that ends alike", func(n *Notice) { n.Look.Logo = "https://evilshop.example/logo.svg" }, "look.logo", "before any choice"},
		{"a logo that is script", func(n *Notice) { n.Look.Logo = "javascript:alert(1)" }, "look.logo", "javascript"},
		{"a modal layer", func(n *Notice) { n.Look.Modal = true }, "", ""},
		{"a modal layer in the page", func(n *Notice) { n.Look.Modal, n.Look.Position = true, "inline" }, "look.modal", "waiting"},

		{"an age", func(n *Notice) { n.Age.Minimum, n.Age.ByCountry = 13, true }, "", ""},
		{"an age of nobody", func(n *Notice) { n.Age.Minimum = 12 }, "age.minimum", "range"},
		{"an age by country from nowhere", func(n *Notice) { n.Age.ByCountry = true }, "age.by_country", "start"},
		{"a decision for two domains", func(n *Notice) {
			n.Origins, n.Share.Domains = []string{"https://shop.example", "https://outlet.example"}, true
		}, "", ""},
		{"a decision for the domains of one", func(n *Notice) {
			n.Origins, n.Share.Domains = []string{"https://shop.example", "https://shop.example:8443"}, true
		}, "share.domains", "one domain"},

		{"nothing to ask for", func(n *Notice) {
			n.Categories, n.Vendors, n.Tags, n.Overrides = n.Categories[:1], n.Vendors[:1], nil, nil
		}, "categories", "nothing to ask"},
		{"a category twice", func(n *Notice) { n.Categories = append(n.Categories, n.Categories[1]) }, "categories[4].key", "already"},
		{"__proto__ as a category", func(n *Notice) { n.Categories = append(n.Categories, own("__proto__")) }, "categories[4].key", "JavaScript"},
		{"prototype as a category", func(n *Notice) { n.Categories = append(n.Categories, own("prototype")) }, "categories[4].key", "JavaScript"},
		{"a category with a space", func(n *Notice) { n.Categories = append(n.Categories, own("a b")) }, "categories[4].key", "key"},
		{"a category with capitals", func(n *Notice) { n.Categories = append(n.Categories, own("Chat")) }, "categories[4].key", "key"},
		{"too many categories", func(n *Notice) { n.Categories = append(n.Categories, make([]Category, maxCategories)...) }, "categories", "elements"},
		{"a good own category", func(n *Notice) { n.Categories = append(n.Categories, own("chat")) }, "", ""},
		{"marketing by the rules of analytics", func(n *Notice) { n.Categories[3].Like = Analytics }, "categories[3].like", "analytics"},
		{"marketing by the rules of necessary", func(n *Notice) { n.Categories[3].Like = Necessary }, "categories[3].like", "necessary"},
		{"an own category that can't be refused", func(n *Notice) { c := own("chat"); c.Like = Necessary; n.Categories = append(n.Categories, c) }, "categories[4].like", "can't refuse"},
		{"an own category like nothing", func(n *Notice) { c := own("chat"); c.Like = "fun"; n.Categories = append(n.Categories, c) }, "categories[4].like", "fun"},
		{"a label missing in one language", func(n *Notice) { c := own("chat"); delete(c.Label, "de"); n.Categories = append(n.Categories, c) }, "categories[4].label", "in de"},
		{"a description missing", func(n *Notice) { c := own("chat"); c.About = nil; n.Categories = append(n.Categories, c) }, "categories[4].about", "in en, de"},
		{"a label in another language", func(n *Notice) { c := own("chat"); c.Label["fr"] = "Chat"; n.Categories = append(n.Categories, c) }, "categories[4].label.fr", "language"},
		{"a label for a standard category", func(n *Notice) { n.Categories[2].Label = map[string]string{"en": "Fun", "de": "Spaß"} }, "categories[2].label", "wording"},

		{"an override of a continent", func(n *Notice) { n.Overrides[0].Region = "EU" }, "overrides[0].region", "region"},
		{"an override of a state", func(n *Notice) { n.Overrides[0].Region = "US-TX" }, "", ""},
		{"an override of all", func(n *Notice) { n.Overrides[0].Region = "*" }, "", ""},
		{"an override of no category", func(n *Notice) { n.Overrides[0].Category = "chat" }, "overrides[0].category", "chat"},
		{"an override of necessary", func(n *Notice) { n.Overrides[0].Category = Necessary }, "overrides[0].category", "never asked"},
		{"a laxer override", func(n *Notice) { n.Overrides[0].Model = "none" }, "overrides[0].model", "more than the law"},
		{"an override twice", func(n *Notice) { n.Overrides = append(n.Overrides, n.Overrides[0]) }, "overrides[1]", "already"},

		{"a vendor twice", func(n *Notice) { n.Vendors = append(n.Vendors, n.Vendors[1]) }, "vendors[6].key", "already"},
		{"constructor as a vendor", func(n *Notice) { n.Vendors[1].Key = "constructor" }, "vendors[1].key", "JavaScript"},
		{"a vendor without key", func(n *Notice) { n.Vendors[1].Key = "" }, "vendors[1].key", "missing"},
		{"a vendor without name", func(n *Notice) { n.Vendors[1].Name = "" }, "vendors[1].name", "missing"},
		{"a vendor without category", func(n *Notice) { n.Vendors[1].Category = "" }, "vendors[1].category", "missing"},
		{"a vendor of no category", func(n *Notice) { n.Vendors[1].Category = "chat" }, "vendors[1].category", "chat"},
		{"a vendor in the UK", func(n *Notice) { n.Vendors[1].Country = "UK" }, "vendors[1].country", "country"},
		{"a vendor's policy in data", func(n *Notice) { n.Vendors[1].PolicyURL = "data:text/html,x" }, "vendors[1].policy_url", "data"},
		{"too many vendors", func(n *Notice) { n.Vendors = make([]Vendor, maxVendors+1) }, "vendors", "elements"},
		{"too many declarations of one", func(n *Notice) { n.Vendors[1].Entries = make([]Stored, maxEntries+1) }, "vendors[1].stores", "elements"},
		{"too many declarations of all", func(n *Notice) {
			for range 11 {
				n.Vendors = append(n.Vendors, Vendor{Entries: make([]Stored, maxEntries)})
			}
		}, "vendors", "elements"},

		{"a declaration without name", func(n *Notice) { n.Vendors[3].Entries[0].Name = "" }, "vendors[3].stores[0].name", "missing"},
		{"a declaration of everything", func(n *Notice) { n.Vendors[3].Entries[0].Name = "*" }, "vendors[3].stores[0].name", "everything"},
		{"a star in the middle", func(n *Notice) { n.Vendors[3].Entries[0].Name = "_g*l" }, "vendors[3].stores[0].name", "star"},
		{"a cookie's name with a semicolon", func(n *Notice) { n.Vendors[3].Entries[0].Name = "a;b" }, "vendors[3].stores[0].name", "cookie"},
		{"a storage key with blanks", func(n *Notice) { n.Vendors[1].Entries[2].Name = "a key;b" }, "", ""},
		{"a storage key that can't be seen", func(n *Notice) { n.Vendors[1].Entries[2].Name = "a\u202eb" }, "vendors[1].stores[2].name", "seen"},
		{"an endless name", func(n *Notice) { n.Vendors[3].Entries[0].Name = strings.Repeat("a", 129) }, "vendors[3].stores[0].name", "long"},
		{"a declaration twice", func(n *Notice) { n.Vendors[4].Entries[1].Name = "_fbp" }, "vendors[4].stores[1].name", "already"},
		{"a kind", func(n *Notice) { n.Vendors[3].Entries[0].Kind = "websql" }, "vendors[3].stores[0].kind", "websql"},
		{"no lifetime", func(n *Notice) { n.Vendors[3].Entries[0].Duration = "" }, "vendors[3].stores[0].duration", "missing"},
		{"a lifetime in prose", func(n *Notice) { n.Vendors[3].Entries[0].Duration = "about a year" }, "vendors[3].stores[0].duration", "lifetime"},
		{"a cookie for ever", func(n *Notice) { n.Vendors[3].Entries[0].Duration = "persistent" }, "vendors[3].stores[0].duration", "end"},
		{"local storage for the session", func(n *Notice) { n.Vendors[1].Entries[2].Duration = "session" }, "vendors[1].stores[2].duration", "outlives"},
		{"analytics for two years", func(n *Notice) { n.Vendors[2].Entries[0].Duration = "2 years" }, "vendors[2].stores[0].duration", "13 months"},
		{"marketing for two years", func(n *Notice) { n.Vendors[3].Entries[0].Duration = "2 years" }, "", ""},
		{"no purpose", func(n *Notice) { n.Vendors[2].Entries[0].Purpose = nil }, "vendors[2].stores[0].purpose", "missing"},
		{"a purpose in the second language only", func(n *Notice) { delete(n.Vendors[2].Entries[0].Purpose, "en") }, "vendors[2].stores[0].purpose", "missing"},
		{"a purpose in the first language only", func(n *Notice) { delete(n.Vendors[2].Entries[0].Purpose, "de") }, "vendors[2].stores", "in de"},

		{"a prefix that takes in our cookie", func(n *Notice) { n.Vendors[3].Entries[0].Name = "vol*" }, "vendors[3].stores[0].name", "the banner"},
		{"our own entry", func(n *Notice) { n.Vendors[1].Entries[2].Name = "volenti" }, "vendors[1].stores[2].name", "the banner"},
		{"a prefix that takes in the cart", func(n *Notice) { n.Vendors[3].Entries[0].Name = "c*" }, "vendors[3].stores[0].name", "vendor shop"},
		{"the cart's key, of another kind", func(n *Notice) { n.Vendors[1].Entries[2].Name = "cart" }, "", ""},
		{"a necessary prefix around an optional name", func(n *Notice) { n.Vendors[0].Entries[0].Name = "_fb*" }, "vendors[4].stores[0].name", "vendor shop"},
		{"the same name in two categories", func(n *Notice) { n.Vendors[3].Entries[0].Name = "_ga" }, "vendors[3].stores[0].name", "ga4"},

		{"a tag of nobody", func(n *Notice) { n.Tags[0].Vendor = "ga" }, "tags[0].vendor", "ga"},
		{"a kind of tag", func(n *Notice) { n.Tags[0].Kind = "style" }, "tags[0].kind", "style"},
		{"a tag without address", func(n *Notice) { n.Tags[0].Src = "" }, "tags[0].src", "missing"},
		{"a tag by a relative address", func(n *Notice) { n.Tags[0].Src = "//tags.example/a.js" }, "tags[0].src", "address"},
		{"a tag that breaks out of its quotes", func(n *Notice) { n.Tags[0].Src = `https://tags.example/"><script>` }, "tags[0].src", "characters"},
		{"a tag on this machine", func(n *Notice) { n.Tags[0].Src = "http://localhost:8080/demo/tag.js?a=b#c" }, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n := shop(t)
			test.spoil(n)
			expect(t, Lint(n), test.path, test.what)
		})
	}
}

func own(key string) Category {
	return Category{Key: key, Like: Preferences, Label: map[string]string{"en": "Chat", "de": "Chat"}, About: map[string]string{"en": "Lets you write.", "de": "Zum Schreiben."}}
}

func expect(t *testing.T, issues []Issue, path, what string) {
	t.Helper()
	if path == "" {
		if len(issues) > 0 {
			t.Errorf("nothing is wrong with it, but:\n%s", report(issues))
		}
		return
	}
	for _, i := range issues {
		if i.Remedy == "" {
			t.Errorf("no remedy: %+v", i)
		}
		if i.Path == path && strings.Contains(i.What, what) {
			return
		}
	}
	t.Errorf("%q at %s was not reported, but:\n%s", what, path, report(issues))
}

// A dark pattern in words must not be published, and a fair text must.
func TestLintWording(t *testing.T) {
	tests := []struct {
		name  string
		texts map[string]string
		key   string // the text that is blamed; "" where none may be
		what  string
	}{
		{"fair answers", map[string]string{"accept": "Allow all", "reject": "Refuse all"}, "", ""},
		{"short answers", map[string]string{"accept": "Yes", "reject": "No"}, "", ""},
		{"an unknown text", map[string]string{"acept": "Yes"}, "acept", "not a text"},
		{"a prototype", map[string]string{"__proto__": "Yes"}, "__proto__", "not a text"},
		{"an empty refusal", map[string]string{"reject": ""}, "reject", "empty"},
		{"a refusal of blanks", map[string]string{"reject": "\u00a0"}, "reject", "empty"},
		{"a refusal of nothing visible", map[string]string{"reject": "\u3164\u3164"}, "reject", "invisible"},
		{"a refusal without words", map[string]string{"reject": "×"}, "reject", "no letter"},
		{"a long refusal", map[string]string{"reject": "I decline all the purposes that are not essential"}, "reject", "longer"},
		{"a long acceptance", map[string]string{"accept": "Accept everything and go on to the shop"}, "accept", "longer"},
		{"a shouting acceptance", map[string]string{"accept": "ACCEPT ALL"}, "accept", "capitals"},
		{"both in capitals", map[string]string{"accept": "ACCEPT ALL", "reject": "REJECT ALL"}, "", ""},
		{"an acceptance with a heart", map[string]string{"accept": "Accept all ❤"}, "accept", "weight"},
		{"an acceptance that calls", map[string]string{"accept": "Accept all!"}, "accept", "weight"},
		{"a refusal that asks back", map[string]string{"reject": "Really reject?"}, "reject", "weight"},
		{"a refusal that says accept", map[string]string{"reject": "Accept all"}, "reject", "say the same"},
		{"settings that say reject", map[string]string{"settings": "reject all"}, "settings", "say the same"},
		{"a question without purposes", map[string]string{"ask_opt_in": "Is it all right? Change it under “{reopen}”."}, "ask_opt_in", "{purposes}"},
		{"a question without withdrawal", map[string]string{"ask_opt_in": "Is it all right to store data for {purposes}?"}, "ask_opt_in", "{reopen}"},
		{"a question without the number of partners", map[string]string{"ask_opt_in": "May we store data for {purposes}? Change it under “{reopen}”."}, "", ""},
		{"an unknown placeholder", map[string]string{"blocked": "{vendor} is not loaded ({reason})."}, "blocked", "{reason}"},
		{"half a placeholder", map[string]string{"blocked": "{vendor} is not loaded {category"}, "blocked", "brace"},
		{"implied consent", map[string]string{"ask_notice": "By continuing to browse you accept {purposes}; see “{reopen}”."}, "ask_notice", "by continuing"},
		{"implied consent over a line end", map[string]string{"ask_notice": "BY\u00a0CONTINUING you accept {purposes}; see “{reopen}”."}, "ask_notice", "by continuing"},
		{"markup", map[string]string{"title": "<b>Cookies</b>"}, "title", "<"},
		{"text turned around", map[string]string{"accept": "Accept \u202eall"}, "accept", "U+202E"},
		{"an isolate", map[string]string{"title": "Cookies \u2066here"}, "title", "U+2066"},
		{"a control character", map[string]string{"title": "Cookies\x00"}, "title", "U+0000"},
		{"a space without width", map[string]string{"title": "Coo\u200bkies"}, "title", "U+200B"},
		{"a joiner is writing", map[string]string{"title": "می\u200cخواهم"}, "", ""},
		{"decomposed letters", map[string]string{"title": "Cafe\u0301"}, "title", "form C"},
		{"not UTF-8", map[string]string{"title": "Caf\xe9"}, "title", "UTF-8"},
		{"a label like a book", map[string]string{"save": strings.Repeat("Save ", 20) + "it"}, "save", "characters"},
		{"a sentence like a book", map[string]string{"pending": strings.Repeat("Wait. ", 200) + "Now."}, "pending", "characters"},
		{"blanks around", map[string]string{"title": " Cookies"}, "title", "space"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n := shop(t)
			n.Wording = map[string]map[string]string{"en": test.texts}
			path := ""
			if test.key != "" {
				path = "wording.en." + test.key
			}
			expect(t, Lint(n), path, test.what)
		})
	}
	n := shop(t)
	n.Wording = map[string]map[string]string{"fr": {"title": "Cookies"}}
	expect(t, Lint(n), "wording.fr", "language")
	n.Wording = map[string]map[string]string{"de": {"ask_notice": "Mit der Nutzung erlauben Sie {purposes}, siehe „{reopen}“."}}
	expect(t, Lint(n), "wording.de.ask_notice", "mit der nutzung")
}

func TestImpliedConsentIsKnownInEveryLanguage(t *testing.T) {
	for _, language := range Languages() {
		base, _, _ := strings.Cut(language, "-")
		phrases := impliedConsent[base]
		if len(phrases) == 0 {
			t.Errorf("no phrase is known in %s", base)
		}
		for _, phrase := range phrases {
			if implied(language, "… "+strings.ToUpper(phrase)+" …") == "" && implied(language, "… "+phrase+" …") == "" {
				t.Errorf("%s: %q is not found in itself: write it in lower case, form C", language, phrase)
			}
		}
	}
}

func TestSeconds(t *testing.T) {
	for lifetime, want := range map[string]int64{
		"session": UntilClosed, "persistent": UntilDeleted, "1 second": 1, "30 minutes": 1800, "1 hour": 3600, "30 days": 2592000,
		"2 weeks": 1209600, "1 year": 31536000, "12 months": 31536000, "13 months": 34164000, "2 years": 63072000,
	} {
		if got, err := Seconds(lifetime); err != nil || got != want {
			t.Errorf("%s: got %d, %v; want %d", lifetime, got, err, want)
		}
	}
	for _, lifetime := range []string{"", "1 days", "2 day", "0 days", "-1 days", "1.5 years", "13months", "1 year ", "Session", "99999 days", "1 fortnight", "1 year 2 months"} {
		if got, err := Seconds(lifetime); !errors.Is(err, ErrDuration) {
			t.Errorf("%q was taken for %d seconds (%v)", lifetime, got, err)
		}
	}
}

func TestOrigin(t *testing.T) {
	for s, want := range map[string]string{
		"https://shop.example":          "",
		"https://shop.example:8443":     "",
		"https://xn--bcher-kva.example": "",
		"https://192.0.2.1":             "",
		"https://[2001:db8::1]":         "",
		"http://localhost:8080":         "",
		"http://127.0.0.1:8080":         "",
		"http://[::1]:8080":             "",
		"http://shop.localhost":         "",
		"http://shop.test:3000":         "",

		"":                              "not an origin",
		"null":                          "not an origin",
		"shop.example":                  "not an origin",
		"ftp://shop.example":            "not an origin",
		"HTTPS://shop.example":          "not an origin",
		"https://":                      "host",
		"https://shop.example/":         "path",
		"https://shop.example/a?b":      "path",
		"https://shop.example?b":        "more than",
		"https://u:p@shop.example":      "more than",
		"https://*.shop.example":        "wildcard",
		"https://Shop.example":          "capital",
		"https://shop.example:443":      "port",
		"http://localhost:80":           "port",
		"https://shop.example:0":        "port",
		"https://shop.example:65536":    "port",
		"https://shop.example:":         "port",
		"https://shop.example:80a":      "port",
		"https://shop.example.":         "valid host",
		"https://shop..example":         "valid host",
		"https://-shop.example":         "valid host",
		"https://bücher.example":        "valid host",
		"https://shop_1.example":        "valid host",
		"https://192.0.2.256":           "valid host",
		"https://1.2.3":                 "valid host",
		"https://[2001:db8:0::1]":       "valid host",
		"https://[2001:db8::1":          "valid host",
		"https://[fe80::1%eth0]":        "valid host",
		"http://shop.example":           "not encrypted",
		"http://localhost.shop.example": "not encrypted",
		"http://128.0.0.1":              "not encrypted",
		"https://shop.example\nx":       "valid host",
		"https://" + strings.Repeat("a.", 130) + "example": "valid host",
	} {
		what, remedy := origin(s)
		if want == "" && what != "" || !strings.Contains(what, want) || (what == "") != (remedy == "") {
			t.Errorf("%q: got %q (%q), want %q", s, what, remedy, want)
		}
	}
}

func TestWebURL(t *testing.T) {
	for s, want := range map[string]string{
		"https://shop.example":                           "",
		"https://shop.example:8443/a/b?c=d&e=%20#f":      "",
		"https://WWW.Shop.Example/":                      "",
		"http://localhost:8080/demo/tag.js":              "",
		"http://127.0.0.1/":                              "",
		"https://[2001:db8::1]/":                         "",
		"":                                               "not an address",
		"/privacy":                                       "not an address",
		"//shop.example/privacy":                         "not an address",
		"shop.example/privacy":                           "not an address",
		"javascript:alert(1)":                            "scheme javascript",
		"JavaScript:alert(1)":                            "scheme javascript",
		" javascript:alert(1)":                           "characters",
		"java\nscript:alert(1)":                          "characters",
		"data:text/html,x":                               "scheme data",
		"vbscript:x":                                     "scheme vbscript",
		"blob:https://shop.example/x":                    "scheme blob",
		"mailto:a@shop.example":                          "scheme mailto",
		"https:shop.example":                             "no host",
		"https:///privacy":                               "no host",
		"https://shop.example@evil.example/":             "user name",
		"https://u:p@shop.example/":                      "user name",
		"https://shop.example\\@evil.example/":           "characters",
		"https://bücher.example/":                        "characters",
		"https://shop.example/a b":                       "characters",
		"https://shop.example/\"onload=":                 "characters",
		"https://shop_1.example/":                        "valid host",
		"https://shop.example./":                         "valid host",
		"http://shop.example/":                           "not encrypted",
		"https://shop.example/%zz":                       "not an address",
		"https://a.example/" + strings.Repeat("a", 2048): "too long",
	} {
		if what, remedy := webURL(s); want == "" && what != "" || !strings.Contains(what, want) || (what == "") != (remedy == "") {
			t.Errorf("%q: got %q (%q), want %q", s, what, remedy, want)
		}
	}
}

func TestSuggest(t *testing.T) {
	for word, want := range map[string]string{
		"vendor_urls": "", "colour": "", "Radius": "radius", "accnet": "accent", "positon": "position", "theem": "theme", "x": "", //nolint:misspell // what is to be corrected
	} {
		if got := Nearest(word, fileKeys["look"]); got != want {
			t.Errorf("nearest to %q is %q, want %q", word, got, want)
		}
	}
	for _, d := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"kitten", "sitting", 3}, {"ca", "abc", 3}} {
		if got := distance(d.a, d.b); got != d.want {
			t.Errorf("from %q to %q it is %d, want %d", d.a, d.b, got, d.want)
		}
	}
}
