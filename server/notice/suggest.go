package notice

import (
	"strings"
	"unicode/utf8"
)

// suggest is what to write instead of a word that is not in the list: the
// nearest one, or else all of them.
func suggest(word string, list []string) string {
	if best := Nearest(word, list); best != "" {
		return `"` + best + `"`
	}
	if len(list) > 12 {
		return `one of: ` + strings.Join(list, " ")
	}
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = `"` + s + `"`
	}
	if len(quoted) < 2 {
		return strings.Join(quoted, "")
	}
	return strings.Join(quoted[:len(quoted)-1], ", ") + " or " + quoted[len(quoted)-1]
}

// Nearest is the word of the list that was probably meant, or "".
func Nearest(word string, list []string) string {
	if len(word) > 64 {
		return ""
	}
	best, least := "", max(1, utf8.RuneCountInString(word)/3)+1
	for _, candidate := range list {
		d := distance(fold(word), fold(candidate))
		if d < least {
			best, least = candidate, d
		}
	}
	return best
}

// fold forgets what people get wrong most: capitals, and - for _.
func fold(s string) string { return strings.ReplaceAll(strings.ToLower(s), "_", "-") }

// distance counts the letters to insert, delete, replace or swap with their
// neighbor to get from a to b (optimal string alignment).
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	before, last, row := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(s); i++ {
		row[0] = i
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(t)]
}

// clip shortens what is quoted back, so that a message stays a message.
func clip(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}
