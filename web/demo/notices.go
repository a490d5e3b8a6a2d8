// Package demo is an imaginary shop with tags of everyday shapes, the vendors
// behind them, and the shop's notice: everything the product does, to be seen
// on one page. It needs nothing from outside; no request leaves the machine.
package demo

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

// Site is the key of the shop's site.
const Site = "demo"

//go:embed notice.toml
var noticeFile string

// Notice is the shop's notice file (docs/notice-file.md), for pages on the
// given origins and in the given languages; English, in which all its texts
// are given, comes first and is used where none fits. The controller is established outside the EU, so that the region
// switch shows the law of each region, and not the GDPR everywhere (Art. 3(1)).
func Notice(origins, languages []string) []byte {
	const english = "en"
	languages = append([]string{english}, slices.DeleteFunc(slices.Clone(languages), func(l string) bool { return l == english })...)
	return []byte(fmt.Sprintf("site = %q\norigins = %s\nlanguages = %s\n\n%s", Site, tomlList(origins), tomlList(languages), noticeFile))
}

// tomlList writes a list of texts. TOML's basic strings take Go's escapes for
// all that occurs in origins and language tags.
func tomlList(texts []string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = fmt.Sprintf("%q", text)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
