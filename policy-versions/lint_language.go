package policyversions

import (
	"strings"
	"unicode"
)

// Words that stand in every text of a language, and hardly in those of others.
var commonWords = map[string]string{
	"en": "the of and to your you that this are with which our have by from",
	"de": "der die und das wir sie ist nicht mit für werden auf eine von dem durch ihre",
	"fr": "les des vous nous est pour dans une sur vos avec aux ces sont votre par",
	"es": "los las del para por una con sus usted nuestros datos que como puede",
	"it": "gli dei della che sono nel per con delle questo dati alla può nostri",
	"pt": "os das dos para uma não com você nossos seus dados pelo pela são",
	"nl": "het een van wij niet voor zijn deze met worden uw onze door ook",
	"pl": "się nie jest oraz przez dla lub które są do danych osobowych",
	"sv": "och att som för det inte är av vi dina till kan med den",
	"da": "og at som ikke vi dine til kan med det af er eller denne",
}

// scripts that one language, or nearly one, is written in.
var scripts = []struct {
	table *unicode.RangeTable
	code  string
}{
	{unicode.Hiragana, "ja"}, {unicode.Katakana, "ja"}, {unicode.Hangul, "ko"}, {unicode.Thai, "th"}, {unicode.Greek, "el"},
	{unicode.Hebrew, "he"}, {unicode.Georgian, "ka"}, {unicode.Armenian, "hy"},
}

// seemsToBe is the language a text is in, by its commonest words or its script; ""
// where that is not plain. It is a hint for people: it errs towards "".
func seemsToBe(text string) string {
	letters, byScript := 0, map[string]int{}
	for _, r := range text {
		if !unicode.IsLetter(r) {
			continue
		}
		letters++
		if r < 0x370 {
			continue
		}
		for _, s := range scripts {
			if unicode.Is(s.table, r) {
				byScript[s.code]++
				break
			}
		}
	}
	for code, n := range byScript {
		if 10*n > 4*letters || code == "ja" && 10*n > 2*letters { // kana stand among kanji
			return code
		}
	}
	counts, all := map[string]int{}, 0
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) }) {
		counts[w]++
		all++
	}
	const fewest = 40 // words; fewer say little
	if all < fewest {
		return ""
	}
	best, most, second := "", 0, 0
	for code, list := range commonWords {
		n := 0
		for w := range strings.FieldsSeq(list) {
			n += counts[w]
		}
		switch {
		case n > most:
			best, most, second = code, n, most
		case n > second:
			second = n
		}
	}
	if 12*most < all || most < 2*second { // a twelfth of all words
		return ""
	}
	return best
}
