package web

import (
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// words are the pages' own words in one language: texts by key, with {named}
// places. Every language has the same keys and places; a test sees to it.
type words map[string]string

// readWords joins the parts: each is a folder with one file for each language, and
// no key stands in two of them.
func readWords() (map[string]words, []language.Tag, error) {
	files, err := fs.Glob(embedded, "words/*/*.json")
	if err != nil {
		return nil, nil, err
	}
	all := make(map[string]words)
	tags := []language.Tag{language.English} // first is what a matcher falls back on
	for _, name := range files {
		b, err := embedded.ReadFile(name)
		if err != nil {
			return nil, nil, err
		}
		lang := strings.TrimSuffix(path.Base(name), path.Ext(name))
		tag, err := language.Parse(lang)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		part := make(words)
		if err := json.Unmarshal(b, &part); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		if all[lang] == nil {
			all[lang] = make(words)
			if tag != language.English {
				tags = append(tags, tag)
			}
		}
		for key, text := range part {
			if _, twice := all[lang][key]; twice {
				return nil, nil, fmt.Errorf("%s: %q stands in another part too", name, key)
			}
			all[lang][key] = text
		}
	}
	return all, tags, nil
}

// funcs are what templates may call.
func (r *Renderer) funcs(lang string, w words) template.FuncMap {
	return template.FuncMap{
		"say":       w.say,
		"date":      w.date,
		"moment":    w.moment,
		"language":  languageNames(lang),
		"direction": Direction,
		"asset":     r.assets.Path,
		"pair":      func(page, of any) map[string]any { return map[string]any{"Page": page, "Of": of} },
	}
}

// say is the text of a key with its places filled: say "by" "number" 3. What fills
// a place is escaped, unless it is HTML of ours already.
func (w words) say(key string, pairs ...any) (template.HTML, error) {
	text, ok := w[key]
	if !ok {
		return "", fmt.Errorf("there are no words for %q", key)
	}
	text = template.HTMLEscapeString(text)
	for pair := range slices.Chunk(pairs, 2) {
		name, ok := pair[0].(string)
		if !ok || len(pair) != 2 || !strings.Contains(text, "{"+name+"}") {
			return "", fmt.Errorf("the words for %q have no place %v", key, pair[0])
		}
		value, safe := pair[1].(template.HTML)
		if !safe {
			value = template.HTML(template.HTMLEscapeString(fmt.Sprint(pair[1]))) //nolint:gosec // escaped right here
		}
		text = strings.ReplaceAll(text, "{"+name+"}", string(value))
	}
	return template.HTML(text), nil //nolint:gosec // our own words and escaped values
}

// date is a day, in the time's own zone: the caller gives it the site's.
func (w words) date(t time.Time) (template.HTML, error) {
	return w.timeElement(t, "date")
}

// moment is a day with the minute and the zone.
func (w words) moment(t time.Time) (template.HTML, error) {
	return w.timeElement(t, "moment")
}

func (w words) timeElement(t time.Time, form string) (template.HTML, error) {
	months := strings.Split(w["months"], " ")
	if len(months) != 12 {
		return "", fmt.Errorf("months: %d names", len(months))
	}
	text := strings.NewReplacer(
		"{day}", strconv.Itoa(t.Day()), "{month}", months[t.Month()-1], "{year}", strconv.Itoa(t.Year()),
		"{time}", t.Format("15:04"), "{zone}", t.Format("MST"),
	).Replace(w[form])
	return template.HTML(`<time datetime="` + t.Format(time.RFC3339) + `">` + template.HTMLEscapeString(text) + `</time>`), nil //nolint:gosec // digits and our own words
}

// languageNames says the name of a language in another, or its tag where that
// has none for it. The names are those of the Common Locale Data Repository.
func languageNames(in string) func(tag string) string {
	names := display.Languages(language.Make(in))
	return func(tag string) string {
		t, err := language.Parse(tag)
		if err != nil {
			return tag
		}
		base, _ := t.Base()
		if named, ok := withScript(t, base); ok {
			if name := names.Name(named); name != "" {
				return name
			}
		}
		if name := names.Name(base); name != "" {
			return name
		}
		return tag
	}
}

// withScript is the language with its script, where the script tells it from
// others: the tag says it, or it is not the one the language is mostly written in.
func withScript(t language.Tag, base language.Base) (language.Tag, bool) {
	_, said, _ := t.Raw()
	script, _ := t.Script()
	usual, _ := language.Make(base.String()).Script()
	if said != script && script == usual {
		return t, false
	}
	named, err := language.Compose(base, script)
	return named, err == nil
}
