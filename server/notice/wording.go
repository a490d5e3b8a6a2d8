package notice

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// One file a language, named by its BCP 47 tag; en.json is the model of keys
// and placeholders, and the tests hold the others to it.
//
//go:embed wording/*.json
var wordingFiles embed.FS

// The keys of a wording fall into these groups; each file has all of them:
//
//	first layer   title ask_opt_in ask_opt_out ask_notice accept reject opt_out ok
//	              settings policy signal signal_over reopen choices new_parts open_parts other_choices
//	              of_age of_age_first shared shared_from
//	note          changed applies what_changed
//	placeholder   blocked allow
//	second layer  dnt_ignore dnt_opt_out dnt_forward settings_title settings_about save close withdraw always all_on details
//	              partners no_partners stored name kind purpose duration kind_cookie kind_local
//	              kind_session kind_indexeddb kind_cache kind_worker until_closed until_deleted
//	              data_goes_to vendor_policy responsible decided not_decided receipt recorded
//	              pending undo undone remains remains_about remains_at
//	server pages  declaration declaration_about vendor_opt_out without_vendor back
//	              own_purpose updated
//	categories    necessary preferences analytics marketing, each also with _about
var wordings = sync.OnceValue(func() map[string]Wording {
	entries, err := wordingFiles.ReadDir("wording")
	if err != nil {
		panic(err) // embedded: it is there, or nothing was built
	}
	all := make(map[string]Wording, len(entries))
	for _, entry := range entries {
		b, err := wordingFiles.ReadFile("wording/" + entry.Name())
		if err != nil {
			panic(err)
		}
		var w Wording
		if err := json.Unmarshal(b, &w); err != nil {
			panic(fmt.Sprintf("wording/%s: %v", entry.Name(), err))
		}
		all[strings.TrimSuffix(entry.Name(), ".json")] = w
	}
	return all
})

// model is the language whose wording the others follow.
const model = "en"

// Languages lists the languages there is a wording for, by BCP 47 tag, sorted.
func Languages() []string { return slices.Sorted(maps.Keys(wordings())) }

// WordingKeys lists the keys of every wording, sorted.
func WordingKeys() []string { return slices.Sorted(maps.Keys(wordings()[model])) }

// WordingOf is our wording of a language, for the caller to keep; false if
// there is none.
func WordingOf(language string) (Wording, bool) {
	w, ok := wordings()[language]
	return maps.Clone(w), ok
}

// WordingFor is what the notice says in a language: our wording, with the
// notice's own texts in the place of ours. It has every key.
func (n *Notice) WordingFor(language string) Wording {
	w := maps.Clone(wordings()[model])
	maps.Copy(w, wordings()[language])
	maps.Copy(w, n.Wording[language])
	return w
}

// Text is a text of the notice in a language, or else in the notice's first.
func (n *Notice) Text(byLanguage map[string]string, language string) string {
	if text, ok := byLanguage[language]; ok || len(n.Languages) == 0 {
		return text
	}
	return byLanguage[n.Languages[0]]
}

// LabelOf is the name of a category in a language: the notice's for a category
// of its own, the wording's for a standard one.
func (n *Notice) LabelOf(c Category, language string) string {
	if Standard(c.Key) {
		return n.WordingFor(language)[c.Key]
	}
	return n.Text(c.Label, language)
}

// AboutOf is the description of a category in a language, as LabelOf.
func (n *Notice) AboutOf(c Category, language string) string {
	if Standard(c.Key) {
		return n.WordingFor(language)[c.Key+"_about"]
	}
	return n.Text(c.About, language)
}

// The standard categories, as every wording knows them, in the order they are shown.
const (
	Preferences = "preferences"
	Analytics   = "analytics"
	Marketing   = "marketing"
)

// Standard reports whether a category key is one of the four every wording
// names and describes.
func Standard(key string) bool {
	return key == Necessary || key == Preferences || key == Analytics || key == Marketing
}

// RTL reports whether a language is written from right to left.
func RTL(language string) bool {
	base, _, _ := strings.Cut(language, "-")
	switch strings.ToLower(base) {
	case "ar", "fa", "he", "ur":
		return true
	}
	return false
}

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// placeholders lists the placeholders of a text, sorted, each once, with their braces.
func placeholders(text string) []string {
	found := placeholder.FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}
