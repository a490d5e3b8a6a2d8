package notice

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// maxStored is the most entries of all vendors together.
const maxStored = 2000

// The longest an analytics cookie may stay and still profit from the
// exemption: CNIL, guidelines on cookies of 17 September 2020, § 5.
const maxAnalytics = 13 * month

// ours is what the banner itself keeps; see docs/wire.md.
const ours = "volenti"

func (l *linter) vendors() {
	if !l.few("vendors", len(l.n.Vendors), maxVendors) {
		return
	}
	seen := map[string]bool{}
	stored := 0
	for i, v := range l.n.Vendors {
		path := fmt.Sprintf("vendors[%d]", i)
		l.key(path+".key", v.Key)
		if v.Key != "" && seen[v.Key] {
			l.fail(path+".key", fmt.Sprintf("%q is there already", clip(v.Key)), "give every vendor once")
		}
		seen[v.Key] = true
		if v.Name == "" {
			l.fail(path+".name", "is missing", `write who the visitor deals with, such as "Google Ireland Limited"`)
		} else {
			l.text(path+".name", v.Name, maxName)
		}
		category, ok := l.n.category(v.Category)
		switch {
		case v.Category == "":
			l.fail(path+".category", "is missing", "write "+suggest("", l.categoryKeys()))
		case !ok:
			l.fail(path+".category", fmt.Sprintf("%q is not a category of this notice", clip(v.Category)), "write "+suggest(v.Category, l.categoryKeys()))
		}
		if v.Country != "" {
			l.country(path+".country", v.Country)
		}
		if v.PolicyURL != "" {
			l.url(path+".policy_url", v.PolicyURL)
		}
		if v.OptOutURL != "" {
			l.url(path+".opt_out_url", v.OptOutURL)
		}
		l.patterns(path+".hosts", v.Hosts)
		l.api(path+".api", v.API)
		if l.few(path+".stores", len(v.Entries), maxEntries) {
			l.entries(path, v, category)
		}
		stored += len(v.Entries)
	}
	l.few("vendors", stored, maxStored)
}

// entries checks the cookie declaration: name, purpose, lifetime of each (GDPR
// Art. 13(2)(a); CJEU C-673/17 Planet49, 81).
func (l *linter) entries(path string, v Vendor, category Category) {
	var untranslated []string
	for i, s := range v.Entries {
		at := fmt.Sprintf("%s.stores[%d]", path, i)
		l.entryName(at+".name", s)
		if slices.ContainsFunc(v.Entries[:i], func(o Stored) bool { return o.Name == s.Name && o.Kind == s.Kind }) {
			l.fail(at+".name", fmt.Sprintf("%q is there already", clip(s.Name)), "declare it once")
		}
		l.oneOf(at+".kind", s.Kind, kinds)
		if s.HTTPOnly && s.Kind != "cookie" {
			l.fail(at+".http_only", "only a cookie can be hidden from script", `leave it out, or write kind = "cookie"`)
		}
		l.lifetime(at+".duration", s, category)
		if l.n.Text(s.Purpose, "") == "" {
			l.fail(at+".purpose", "is missing", `write what it is for, in one sentence`)
		}
		l.texts(at+".purpose", s.Purpose, maxText)
		for _, language := range l.spoken {
			if s.Purpose[language] == "" && !slices.Contains(untranslated, language) {
				untranslated = append(untranslated, language)
			}
		}
	}
	untranslated = slices.DeleteFunc(untranslated, func(language string) bool { return language == l.n.Languages[0] })
	if len(untranslated) > 0 {
		l.warn(path+".stores", "not every purpose is given in "+strings.Join(untranslated, ", "),
			fmt.Sprintf("translate them; until then visitors read them in %q", l.n.Languages[0]))
	}
}

func (l *linter) entryName(path string, s Stored) {
	name, prefix := strings.CutSuffix(s.Name, "*")
	switch {
	case s.Name == "":
		l.fail(path, "is missing", `write the name as it is on the device, such as "_ga", or its beginning and a star, such as "_ga_*"`)
	case prefix && name == "":
		l.fail(path, "a star alone means everything on the device", `write the beginning that the names share, such as "_ga_*"`)
	case len(s.Name) > maxEntryName:
		l.fail(path, "is too long", fmt.Sprintf("write at most %d bytes; a final star stands for the rest", maxEntryName))
	case strings.Contains(name, "*"):
		l.fail(path, fmt.Sprintf("%q has a star that is not at the end", clip(s.Name)), "write the beginning of the name and a final star")
	case s.Kind == "cookie" && !token.MatchString(name):
		l.fail(path, fmt.Sprintf("%q can't be the name of a cookie", clip(s.Name)), "use ASCII letters, digits and !#$%&'+-.^_`|~ (RFC 6265)")
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		l.fail(path, "has characters that can't be seen", "write the name as it is shown in the browser's storage view")
	}
}

func (l *linter) lifetime(path string, s Stored, category Category) {
	seconds, err := Seconds(s.Duration)
	switch {
	case s.Duration == "":
		l.fail(path, "is missing", `write "session" or a lifetime such as "13 months"`)
	case err != nil:
		l.fail(path, fmt.Sprintf("%q is not a lifetime", clip(s.Duration)), `write "session", "persistent", or a number and second, minute, hour, day, week, month or year, such as "30 days", "1 year"`)
	case s.Kind == "cookie" && seconds == UntilDeleted:
		l.fail(path, "every cookie that outlives the browser has an end", `write how long it stays, such as "1 year", or "session"`)
	case s.Kind == "session" && seconds != UntilClosed:
		l.fail(path, "session storage ends with its tab", `write "session"`)
	case s.Kind != "cookie" && s.Kind != "session" && seconds == UntilClosed:
		l.fail(path, "this kind of storage outlives the browser", `write "persistent", or the lifetime after which the vendor's script removes it`)
	case category.Like == Analytics && seconds > maxAnalytics:
		l.warn(path, fmt.Sprintf("%q stays longer than the 13 months that authorities accept of audience measurement (CNIL)", clip(s.Name)),
			"set a shorter lifetime in the vendor's tag, and declare that")
	}
}

// swallowed finds declarations of refusable categories that take in something
// necessary: what is declared is deleted on withdrawal, and the page, or the
// very record of the withdrawal, would go with it.
func (l *linter) swallowed() {
	type kept struct {
		Stored
		whose string
	}
	needed := []kept{
		{Stored{Name: ours, Kind: "cookie"}, "the banner"},
		{Stored{Name: ours, Kind: "local"}, "the banner"},
	}
	for _, v := range l.n.Vendors {
		if c, ok := l.n.category(v.Category); ok && c.Like == Necessary {
			for _, s := range v.Entries {
				needed = append(needed, kept{s, "the necessary vendor " + v.Key})
			}
		}
	}
	type identity struct{ name, kind string }
	first := map[identity]Vendor{}
	for i, v := range l.n.Vendors {
		c, ok := l.n.category(v.Category)
		if !ok || c.Like == Necessary || len(v.Entries) > maxEntries {
			continue
		}
		for j, s := range v.Entries {
			path := fmt.Sprintf("vendors[%d].stores[%d].name", i, j)
			for _, k := range needed {
				if s.Kind == k.Kind && s.Name != "" && overlap(s.Name, k.Name) {
					l.fail(path, fmt.Sprintf("%q takes in %q of %s, which a withdrawal would delete", clip(s.Name), clip(k.Name), k.whose), "write a longer beginning, or the exact name")
					break
				}
			}
			id := identity{s.Name, s.Kind}
			if other, twice := first[id]; !twice {
				first[id] = v
			} else if other.Category != v.Category {
				l.warn(path, fmt.Sprintf("%q is declared by %s in %s too: withdrawing either deletes it", clip(s.Name), other.Key, other.Category), "declare it where it belongs")
			}
		}
	}
}

// overlap reports whether two declared names can mean the same entry.
func overlap(a, b string) bool {
	prefixA, wildA := strings.CutSuffix(a, "*")
	prefixB, wildB := strings.CutSuffix(b, "*")
	return wildA && strings.HasPrefix(prefixB, prefixA) || wildB && strings.HasPrefix(prefixA, prefixB) || a == b
}
