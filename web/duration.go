package web

import (
	"encoding/json"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// units are the words for spans of time by language, unit and plural category, as
// the Common Locale Data Repository has them (units.json; long forms), but whole
// words in Irish and Maltese, where it only has abbreviations, and calendar days in
// Norwegian and Estonian, as laws there count. What a category does not say is as "other".
var units = sync.OnceValue(func() map[string]map[string]map[string]string {
	b, err := embedded.ReadFile("units.json")
	if err != nil {
		panic(err) // embedded: it is there, or nothing was built
	}
	all := make(map[string]map[string]map[string]string)
	if err := json.Unmarshal(b, &all); err != nil {
		panic("web/units.json: " + err.Error())
	}
	return all
})

var pluralNames = map[plural.Form]string{
	plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many",
}

// Duration says a span such as "13 months" in a language (BCP 47); English where
// there are no words of it. What is no number and unit comes back as it is, false.
func Duration(lang, span string) (string, bool) {
	count, unit, _ := strings.Cut(span, " ")
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 {
		return span, false
	}
	forms, ok := unitsOf(lang)[strings.TrimSuffix(unit, "s")]
	if !ok {
		return span, false
	}
	text, ok := forms[pluralNames[plural.Cardinal.MatchPlural(language.Make(lang), n, 0, 0, 0, 0)]]
	if !ok {
		text = forms["other"]
	}
	return strings.ReplaceAll(text, "{n}", count), true
}

func unitsOf(lang string) map[string]map[string]string {
	base, script := writing(lang)
	for _, key := range [...]string{lang, base + "-" + script, base} {
		if forms, ok := units()[key]; ok {
			return forms
		}
	}
	return units()["en"]
}

// writing is the language without its region, and the script it is written in: in
// Taiwan, Chinese is Hant without saying so.
func writing(lang string) (base, script string) {
	tag := language.Make(lang)
	b, _ := tag.Base()
	s, _ := tag.Script()
	return b.String(), s.String()
}
