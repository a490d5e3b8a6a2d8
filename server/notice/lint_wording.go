package notice

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// labels are the wording keys of buttons, switches and headings, which are
// short; everything else is a sentence.
var labels = map[string]bool{
	"title": true, "accept": true, "reject": true, "opt_out": true, "ok": true, "settings": true, "policy": true,
	"reopen": true, "choices": true, "allow": true, "settings_title": true, "save": true, "close": true, "withdraw": true,
	"always": true, "necessary": true, "preferences": true, "analytics": true, "marketing": true, "partners": true,
	"stored": true, "name": true, "kind": true, "purpose": true, "duration": true, "kind_cookie": true, "kind_local": true,
	"kind_session": true, "kind_indexeddb": true, "kind_cache": true, "kind_worker": true, "undo": true, "remains": true, "until_closed": true, "until_deleted": true, "receipt": true, "all_on": true, "details": true,
}

const maxLabel = 60 // characters

// answers are the buttons that answer the question. They may differ in what
// they say only.
var answers = []string{"accept", "reject", "opt_out", "ok", "save", "withdraw"}

// spare are placeholders a text may do without; every other one carries what
// must be said: the purposes before the buttons, and where to withdraw (GDPR
// Art. 7(3), 13(2)(c)).
var spare = map[string]bool{"{controller}": true, "{n}": true, "{category}": true}

// wording checks the notice's own texts as they will stand among ours.
func (l *linter) wording() {
	for _, language := range slices.Sorted(maps.Keys(l.n.Wording)) {
		path := member("wording", language)
		if !slices.Contains(l.n.Languages, language) {
			l.fail(path, fmt.Sprintf("%q is not a language of this notice", clip(language)), "add it to languages, or leave these texts out")
			continue
		}
		l.issues = append(l.issues, lintWording(language, l.n.Wording[language], l.n.WordingFor(language))...)
	}
}

// lintWording checks texts, ours or a site's, and how they stand among all
// that are shown in that language.
func lintWording(language string, texts, shown map[string]string) []Issue {
	l := &linter{}
	known := wordings()[model]
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		path, text := member(member("wording", language), key), texts[key]
		usual, ok := known[key]
		if !ok {
			l.fail(path, fmt.Sprintf("%q is not a text of the banner", clip(key)), "write "+suggest(key, WordingKeys()))
			continue
		}
		if what, remedy := bareText(text, lengthOf(key)); what != "" {
			l.fail(path, what, remedy)
			continue
		}
		l.placeholders(path, text, placeholders(usual))
		if phrase := implied(language, text); phrase != "" {
			l.fail(path, fmt.Sprintf("%q says that going on is consent", phrase), "leave it out: only a clear act is consent (GDPR Rec. 32; EDPB Guidelines 05/2020, 86)")
		}
		if slices.Contains(answers, key) {
			l.answer(path, text)
		}
	}
	l.balance(member("wording", language), texts, shown)
	return l.issues
}

func lengthOf(key string) int {
	if labels[key] {
		return maxLabel
	}
	return maxText
}

// placeholders checks that a text fills in what ours does, and nothing else.
func (l *linter) placeholders(path, text string, usual []string) {
	got := placeholders(text)
	for _, p := range got {
		if !slices.Contains(usual, p) {
			l.fail(path, p+" is not filled in here", placeholderRemedy(usual))
		}
	}
	if strings.ContainsAny(placeholder.ReplaceAllString(text, ""), "{}") {
		l.fail(path, "has a brace without its other half", "write placeholders as {name}, and no other braces")
	}
	for _, p := range usual {
		if !spare[p] && !slices.Contains(got, p) {
			l.fail(path, p+" is missing", "keep "+p+" in the text: the visitor is owed what stands there")
		}
	}
}

func placeholderRemedy(usual []string) string {
	if len(usual) == 0 {
		return "leave it out: this text has no placeholders"
	}
	return "use only " + strings.Join(usual, " ")
}

// answer refuses emphasis within a button: whatever makes one answer louder
// than the other (EDPB Guidelines 03/2022, "hidden in plain sight").
func (l *linter) answer(path, text string) {
	if i := strings.IndexFunc(text, func(r rune) bool { return unicode.Is(unicode.S, r) || strings.ContainsRune("!¡！?¿？", r) }); i >= 0 {
		r, _ := utf8.DecodeRuneInString(text[i:])
		l.fail(path, fmt.Sprintf("%q gives the button a weight of its own", r), "write plain words")
	}
}

// balance compares the answers with each other as they will be shown. Only
// texts the site wrote itself are blamed.
func (l *linter) balance(path string, own, shown map[string]string) {
	if own["accept"] == "" && own["reject"] == "" && own["settings"] == "" {
		return
	}
	blamed := "reject"
	if own[blamed] == "" {
		blamed = "accept"
	}
	accept, reject := shown["accept"], shown["reject"]
	if a, r := utf8.RuneCountInString(accept), utf8.RuneCountInString(reject); max(a, r) > 2*min(a, r)+4 {
		l.fail(member(path, blamed), fmt.Sprintf("one button would be much longer than the other: %q and %q", clip(accept), clip(reject)),
			"say both in about as many letters")
	}
	if (strings.ToUpper(accept) == accept) != (strings.ToUpper(reject) == reject) && cased(accept) && cased(reject) {
		l.fail(member(path, blamed), fmt.Sprintf("one button would be in capitals: %q and %q", clip(accept), clip(reject)), "write both in the same letters")
	}
	for _, pair := range [][2]string{{"accept", "reject"}, {"reject", "settings"}, {"accept", "settings"}} {
		if one, other := shown[pair[0]], shown[pair[1]]; strings.EqualFold(one, other) {
			l.fail(member(path, pair[1]), fmt.Sprintf("%s and %s say the same, %q", pair[0], pair[1], clip(one)), "say what each button does")
		}
	}
}

func cased(s string) bool { return strings.ToLower(s) != strings.ToUpper(s) }

// plainText says what is wrong with a text that is shown as it is: a name, a
// label, a description.
func plainText(text string, most int) (what, remedy string) {
	if strings.ContainsAny(text, "{}") {
		return "has braces, which are for placeholders", "leave them out"
	}
	return bareText(text, most)
}

// bareText says what is wrong with any text that visitors see.
func bareText(text string, most int) (what, remedy string) {
	switch n := utf8.RuneCountInString(text); {
	case !utf8.ValidString(text):
		return "is not UTF-8", "save the file as UTF-8"
	case n > most:
		return fmt.Sprintf("has %d characters", n), fmt.Sprintf("say it in at most %d", most)
	case strings.TrimSpace(text) == "":
		return "is empty", "write what the visitor should read, or leave it out"
	case strings.TrimSpace(text) != text:
		return "begins or ends with a space", "leave it out"
	case !strings.ContainsFunc(text, unicode.IsLetter):
		return "has no letter in it", "write it in words: screen readers read nothing else"
	case strings.ContainsAny(text, "<>"):
		return "has < or > in it", "write plain text: it is shown as it stands, and markup is not read"
	case !norm.NFC.IsNormalString(text):
		return "is not in Unicode normalization form C", "save it in that form, which keyboards write anyway"
	}
	if i := strings.IndexFunc(text, unseen); i >= 0 {
		r, _ := utf8.DecodeRuneInString(text[i:])
		return fmt.Sprintf("has the invisible character %U", r), "leave it out: what is shown must be what is written"
	}
	return "", ""
}

// unseen reports characters that change what is seen without being seen:
// controls, overrides and isolates of direction (as in CVE-2021-42574), and
// spaces without width. Joiners, direction marks and soft hyphens are part of
// writing.
func unseen(r rune) bool {
	switch r {
	case '\u200c', '\u200d', '\u200e', '\u200f', '\u061c', '\u00ad':
		return false
	case '\u115f', '\u1160', '\u3164', '\uffa0', '\u2800': // blank letters
		return true
	}
	return unicode.Is(unicode.C, r) || r == '\u2028' || r == '\u2029'
}
