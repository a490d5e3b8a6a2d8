package notice

import (
	"errors"
	"strings"
	"testing"
)

// asking makes a notice of "category=like" and "vendor:category" words.
func asking(words string) *Notice {
	n := &Notice{Site: "shop"}
	for word := range strings.FieldsSeq(words) {
		if key, like, ok := strings.Cut(word, "="); ok {
			n.Categories = append(n.Categories, Category{Key: key, Like: like})
		} else if key, category, ok := strings.Cut(word, ":"); ok {
			n.Vendors = append(n.Vendors, Vendor{Key: key, Category: category})
		} else {
			n.Categories = append(n.Categories, Category{Key: word, Like: word})
		}
	}
	return n
}

const usual = "necessary analytics marketing shop:necessary ga4:analytics meta:marketing ads:marketing"

func TestParseChoices(t *testing.T) {
	n := asking(usual)
	for s, want := range map[string]Choices{
		"1--.----": "1--.----",
		"110.--0-": "110.--0-",
		"1_1.--_":  "1_1.--_-",
		"110.1101": "110.1101", // what is necessary may be said
		"100.--1":  "100.--1-", // vendors at the end may be missing
		"100.":     "100.----",
	} {
		if got, err := ParseChoices(s, n); err != nil || got != want {
			t.Errorf("%q is %q (%v), want %q", s, got, err, want)
		}
	}
	for s, what := range map[string]string{
		"":           "want 3",
		"110":        "want 3",
		"11.--":      "want 3",
		"1101.----":  "want 3",
		"110.-----":  "want 3",
		"112.----":   "1, 0, - or _",
		"110.--x-":   "1, 0, - or _",
		"110.-.--":   "1, 0, - or _",
		"010.----":   `"necessary" is necessary`,
		"-10.----":   `"necessary" is necessary`,
		"110.0---":   `"shop" is necessary`,
		"110._---":   `"shop" is necessary`,
		"_10.----":   `"necessary" is necessary`,
		"1\xff0.---": "1, 0, - or _",
	} {
		if got, err := ParseChoices(s, n); !errors.Is(err, ErrChoices) || !strings.Contains(err.Error(), what) {
			t.Errorf("%q is %q (%v), want %s", s, got, err, what)
		}
	}
}

func TestChoose(t *testing.T) {
	n := asking(usual + " care=necessary")
	type set = map[string]bool
	tests := []struct {
		name                string
		categories, vendors set
		want                Choices
		wrong               string // the path that is blamed
	}{
		{"nothing asked", nil, nil, "1--1.----", ""},
		{"all granted", set{"analytics": true, "marketing": true}, nil, "1111.----", ""},
		{"all refused", set{"analytics": false, "marketing": false}, nil, "1001.----", ""},
		{"one not asked", set{"analytics": true}, nil, "11-1.----", ""},
		{"vendors set apart", set{"analytics": false, "marketing": true}, set{"meta": false, "ga4": true}, "1011.-10-", ""},
		{"an unknown category", set{"chat": true}, nil, "", "categories.chat"},
		{"a prototype", set{"__proto__": true}, nil, "", "categories.__proto__"},
		{"what is necessary is not asked", set{"necessary": true}, nil, "", "categories.necessary"},
		{"nor is what is like it", set{"care": false}, nil, "", "categories.care"},
		{"an unknown vendor", nil, set{"x y": true}, "", "vendors['x y']"},
		{"a necessary vendor", nil, set{"shop": false}, "", "vendors.shop"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, issues := n.Choose(test.categories, test.vendors)
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if test.wrong == "" {
				if len(issues) > 0 {
					t.Errorf("%s", report(issues))
				}
				if again, err := ParseChoices(string(got), n); err != nil || again != got {
					t.Errorf("read again it is %q (%v)", again, err)
				}
				return
			}
			expect(t, issues, test.wrong, "")
		})
	}
}

func TestGrants(t *testing.T) {
	n := asking(usual)
	c := Choices("110.--1-")
	for ask, want := range map[[2]string]bool{
		{"necessary", ""}:     true,
		{"necessary", "shop"}: true,
		{"analytics", ""}:     true,
		{"analytics", "ga4"}:  true, // goes with its category
		{"marketing", ""}:     false,
		{"marketing", "meta"}: true, // set apart
		{"marketing", "ads"}:  false,
		{"analytics", "meta"}: false, // of another category
		{"chat", ""}:          false,
		{"analytics", "chat"}: false,
		{"", ""}:              false,
	} {
		if got := c.Grants(n, ask[0], ask[1]); got != want {
			t.Errorf("%q grants %v: %v", c, ask, got)
		}
	}
	if Choices("1--.----").Grants(n, "analytics", "") {
		t.Error("what was not asked was granted")
	}
	for _, odd := range []Choices{"", "1", "111.", "1111111111111111", "1x1.----"} {
		if odd.Grants(n, "analytics", "ga4") {
			t.Errorf("%q grants something", odd)
		}
	}
	if got := Choices("110.--1-"); got.Category(n, "marketing") != Refused || got.Vendor(n, "ads") != Refused || got.Vendor(n, "meta") != Granted {
		t.Error("the choices are not those that were made")
	}
	open := Choices("1_1.---_")
	if open.Category(n, "analytics") != NotAsked || open.Vendor(n, "ads") != NotAsked || open.Grants(n, "marketing", "ads") || open.Grants(n, "analytics", "ga4") || !open.Grants(n, "marketing", "meta") {
		t.Error("what is open was granted, or takes its category along")
	}
	for choice, want := range map[Choice]string{Open: "not_asked", Granted: "granted", Refused: "refused", NotAsked: "not_asked", 'x': "not_asked"} {
		if choice.String() != want {
			t.Errorf("%q is called %s", choice, choice)
		}
	}
}

func TestCoversAndCarry(t *testing.T) {
	tests := []struct {
		name    string
		later   string
		covers  bool
		choices Choices // made under usual
		carried Choices
	}{
		{"the same", usual, true, "110.--1-", "110.--1-"},
		{"another order", "marketing analytics necessary ads:marketing meta:marketing ga4:analytics shop:necessary", true, "110.--1-", "011.-1--"},
		{"less of everything", "necessary analytics ga4:analytics", true, "110.--1-", "11.-"},
		{"a new category", usual + " preferences", false, "111.----", "111_.----"},
		{"a new category, and nothing was ever answered", usual + " preferences", false, "1--.----", "1---.----"},
		{"a new category of a kind that was answered", usual + " social=marketing", false, "1-0.----", "1-0_.----"},
		{"a new category of a kind that was not", usual + " heatmaps=analytics", false, "1-0.----", "1-0-.----"},
		{"what was open stays open", usual, true, "1_1.---_", "1_1.---_"},
		{"a new vendor in a granted category", usual + " tiktok:marketing", false, "111.----", "111.----_"},
		{"a new vendor in a category that is open", usual + " tiktok:marketing", false, "11_.----", "11_.-----"},
		{"a new vendor in a category nobody was asked about", usual + " tiktok:marketing", false, "11-.----", "11-.-----"},
		{"a new vendor in a refused category", usual + " tiktok:marketing", false, "110.----", "110.-----"},
		{"a new necessary vendor", usual + " pay:necessary", false, "110.----", "110.-----"},
		{"a vendor moved, its old category granted", "necessary analytics marketing shop:necessary ga4:marketing meta:marketing ads:marketing", false, "110.----", "110.----"},
		{"a vendor moved into a granted category", "necessary analytics marketing shop:necessary ga4:marketing meta:marketing ads:marketing", false, "101.----", "101.-_--"},
		{"a granted vendor moved into a granted category", "necessary analytics marketing shop:necessary ga4:marketing meta:marketing ads:marketing", false, "101.-1--", "101.-_--"},
		{"a refused vendor moved", "necessary analytics marketing shop:necessary ga4:marketing meta:marketing ads:marketing", false, "110.-0--", "110.-0--"},
		{"a vendor no longer necessary", "necessary analytics marketing shop:marketing ga4:analytics meta:marketing ads:marketing", false, "111.----", "111._---"},
		{"a category by other rules", "necessary analytics=marketing marketing shop:necessary ga4:analytics meta:marketing ads:marketing", false, "110.-1--", "1_0.----"},
		{"a category no longer refusable", "necessary analytics=necessary marketing shop:necessary ga4:analytics meta:marketing ads:marketing", false, "100.----", "110.----"},
	}
	earlier := asking(usual)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			later := asking(test.later)
			if got := Covers(earlier, later); got != test.covers {
				t.Errorf("covers: %v", got)
			}
			if got := Carry(test.choices, earlier, later); got != test.carried {
				t.Errorf("%q was carried as %q, want %q", test.choices, got, test.carried)
			}
		})
	}
	// An own category that was always on, and can be refused now, was never asked for.
	if Covers(asking("necessary care=necessary"), asking("necessary care=preferences")) {
		t.Error("a decision covers what nobody was asked")
	}
	if got := Carry("11.", asking("necessary care=necessary"), asking("necessary care=preferences")); got != "1-." {
		t.Errorf("what nobody was asked was carried as %q", got)
	}
	if got := Choices("101.11_0").Lapse(earlier); got != "10_.1__0" {
		t.Errorf("lapsed: %q", got)
	}
	// Texts, looks and lifetimes don't matter.
	other := asking(usual)
	other.Validity, other.Look.Accent, other.Vendors[1].Name, other.Languages = 12, "#000000", "Google", []string{"de"}
	if !Covers(earlier, other) {
		t.Error("a text or a look made a decision void")
	}
}

// Whatever a stranger sends as choices: what passes is well-formed, carries
// nothing that was not granted, and grants nothing that was not said.
func FuzzChoices(f *testing.F) {
	f.Add("110.--1-", usual)
	f.Add("1--.", "necessary analytics=marketing marketing meta:analytics")
	f.Add("1.", "")
	f.Fuzz(func(t *testing.T, s, words string) {
		n := asking(usual)
		c, err := ParseChoices(s, n)
		if err != nil {
			if c != "" {
				t.Errorf("%q is wrong and yet %q", s, c)
			}
			return
		}
		if len(c) != len(n.Categories)+1+len(n.Vendors) || !strings.HasPrefix(string(c), s) {
			t.Errorf("%q became %q", s, c)
		}
		if got := Carry(c, n, n); !sameGrants(n, got, c) {
			t.Errorf("%q, carried to the same notice, is %q", c, got)
		}
		later := asking(words)
		carried := Carry(c, n, later)
		if _, err := ParseChoices(string(carried), later); err != nil && uniqueKeys(later) {
			t.Errorf("%q was carried as %q: %v", c, carried, err)
		}
		for _, v := range later.Vendors {
			if category, ok := later.category(v.Category); ok && uniqueKeys(later) && category.Like != Necessary &&
				carried.Grants(later, v.Category, v.Key) && !c.Grants(n, v.Category, v.Key) {
				t.Errorf("%q did not grant %s of %s; carried as %q it does", c, v.Key, v.Category, carried)
			}
		}
	})
}

func sameGrants(n *Notice, a, b Choices) bool {
	for _, v := range n.Vendors {
		if a.Vendor(n, v.Key) != b.Vendor(n, v.Key) {
			return false
		}
	}
	return a[:len(n.Categories)] == b[:len(n.Categories)]
}

func uniqueKeys(n *Notice) bool {
	seen := map[string]bool{}
	for _, c := range n.Categories {
		if seen["c"+c.Key] {
			return false
		}
		seen["c"+c.Key] = true
	}
	for _, v := range n.Vendors {
		if seen["v"+v.Key] {
			return false
		}
		seen["v"+v.Key] = true
	}
	return true
}
