package notice

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// category finds a category by key.
func (n *Notice) category(key string) (Category, bool) {
	i := slices.IndexFunc(n.Categories, func(c Category) bool { return c.Key == key })
	if i < 0 {
		return Category{}, false
	}
	return n.Categories[i], true
}

func (l *linter) categoryKeys() []string {
	keys := make([]string, len(l.n.Categories))
	for i, c := range l.n.Categories {
		keys[i] = c.Key
	}
	return keys
}

func (l *linter) categories() {
	if !slices.ContainsFunc(l.n.Categories, func(c Category) bool { return c.Like != Necessary }) {
		l.fail("categories", "hold nothing to ask for", `list what the site wants to do, such as ["necessary", "analytics"]; a site that does nothing optional needs no banner`)
	}
	if !l.few("categories", len(l.n.Categories), maxCategories) {
		return
	}
	keys := l.categoryKeys()
	for i, c := range l.n.Categories {
		path := fmt.Sprintf("categories[%d]", i)
		l.key(path+".key", c.Key)
		if c.Key != "" && slices.Contains(keys[:i], c.Key) {
			l.fail(path+".key", fmt.Sprintf("%q is there already", clip(c.Key)), "give every category once")
		}
		if Standard(c.Key) {
			l.standardCategory(path, c)
		} else {
			l.ownCategory(path, c)
		}
	}
}

func (l *linter) standardCategory(path string, c Category) {
	if c.Like != c.Key {
		l.fail(path+".like", fmt.Sprintf("%q can't follow the rules of %q", c.Key, clip(c.Like)), "leave it out, or name the category differently")
	}
	for field, texts := range map[string]map[string]string{"label": c.Label, "about": c.About} {
		if len(texts) == 0 {
			continue
		}
		word := c.Key
		if field == "about" {
			word += "_about"
		}
		l.fail(path+"."+field, fmt.Sprintf("%q is named and described by the wording", c.Key), fmt.Sprintf("leave it out, or set %s in [wording.…]", word))
	}
}

func (l *linter) ownCategory(path string, c Category) {
	l.oneOf(path+".like", c.Like, likes)
	if c.Like == Necessary {
		l.warn(path+".like", fmt.Sprintf("visitors can't refuse %q, since it follows the rules of necessary", clip(c.Key)),
			"leave it so only if the service the visitor asked for can't be given without it (ePrivacy Directive Art. 5(3))")
	}
	l.inEveryLanguage(path+".label", c.Label, maxName)
	l.inEveryLanguage(path+".about", c.About, maxText)
}

// inEveryLanguage checks a text that must be there in all the notice's languages.
func (l *linter) inEveryLanguage(path string, texts map[string]string, most int) {
	var missing []string
	for _, language := range l.spoken {
		if texts[language] == "" {
			missing = append(missing, language)
		}
	}
	if len(missing) > 0 {
		l.fail(path, "is missing in "+strings.Join(missing, ", "), "write it in every language of the notice, such as { "+example(l.spoken)+" }")
	}
	l.texts(path, texts, most)
}

// example shows how a text by language is written.
func example(languages []string) string {
	shown := make([]string, 0, 2)
	for _, language := range languages[:min(2, len(languages))] {
		if strings.Contains(language, "-") {
			language = `"` + language + `"`
		}
		shown = append(shown, language+` = "…"`)
	}
	return strings.Join(shown, ", ")
}

// texts checks the texts that are there.
func (l *linter) texts(path string, texts map[string]string, most int) {
	for _, language := range slices.Sorted(maps.Keys(texts)) {
		at := member(path, language)
		if !slices.Contains(l.n.Languages, language) {
			l.fail(at, fmt.Sprintf("%q is not a language of this notice", clip(language)), "add it to languages, or leave the text out")
		} else if texts[language] != "" {
			l.text(at, texts[language], most)
		}
	}
}

// overrides checks shape and names. That an override only ever asks for more
// is not a matter of the file: the law table takes the stricter of the two.
func (l *linter) overrides() {
	if !l.few("overrides", len(l.n.Overrides), maxOverrides) {
		return
	}
	type place struct{ region, category string }
	seen := map[place]bool{}
	for i, o := range l.n.Overrides {
		path := fmt.Sprintf("overrides[%d]", i)
		if o.Region != "*" {
			l.region(path+".region", o.Region)
		}
		if o.Category != "*" {
			if c, ok := l.n.category(o.Category); !ok {
				l.fail(path+".category", fmt.Sprintf("%q is not a category of this notice", clip(o.Category)), "write "+suggest(o.Category, append(l.categoryKeys(), "*")))
			} else if c.Like == Necessary {
				l.fail(path+".category", fmt.Sprintf("%q is never asked for", o.Category), "leave the override out")
			}
		}
		if o.Model == "none" {
			l.fail(path+".model", "an override can only ask for more than the law does", "leave the override out: where the law asks for nothing, nothing is asked")
		} else {
			l.oneOf(path+".model", o.Model, models)
		}
		at := place{o.Region, o.Category}
		if seen[at] {
			l.fail(path, "region and category were overridden already", "keep the one that is meant")
		}
		seen[at] = true
	}
}

func (l *linter) region(path, s string) {
	part := region.FindStringSubmatch(s)
	if part == nil || !country(part[1]) {
		l.fail(path, fmt.Sprintf("%q is not a region", clip(s)), `write a country, such as "BR", a subdivision by ISO 3166-2, such as "US-CA", or "*"`)
	}
}
