package policyversions

import (
	"embed"
	"errors"
	"fmt"
	"strings"
)

//go:embed starter/*.md
var starters embed.FS

// ErrNoStarter is returned for a kind or language that there is no starter text of.
var ErrNoStarter = errors.New("no starter text: there are \"privacy\" and \"cookies\", in \"en\" and \"de\"")

// A Controller fills the starter texts in (GDPR Art. 13(1)(a)).
type Controller struct {
	Name    string
	Address string // postal; its lines are kept
	Contact string // e-mail address or https URL
}

// Starter is a draft of a short privacy or cookie policy in "en" or "de", for the
// controller to complete with what its website does. kind is "privacy" or
// "cookies".
func Starter(kind, lang string, c Controller) (Draft, error) {
	raw, err := starters.ReadFile("starter/" + kind + "." + lang + ".md")
	if err != nil {
		return Draft{}, fmt.Errorf("%s in %s: %w", kind, lang, ErrNoStarter)
	}
	if !hasWords(c.Name) || !hasWords(c.Address) || !hasWords(c.Contact) {
		return Draft{}, fmt.Errorf("%w: a policy names its controller: give name, address and contact", ErrBadDraft)
	}
	var lines []string
	for line := range strings.Lines(c.Address) {
		if line = oneLine(line); line != "" {
			lines = append(lines, line)
		}
	}
	filled := strings.NewReplacer(
		"{{name}}", oneLine(c.Name),
		"{{address}}", strings.Join(lines, "\\\n"),
		"{{contact}}", oneLine(c.Contact),
	).Replace(string(raw))
	d, err := Import([]byte(filled), kind+".md")
	if err != nil {
		return Draft{}, err
	}
	d.Language = lang
	return d, nil
}

// oneLine is s as a piece of Markdown that shows as s.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if m := ordered.FindStringSubmatch(s); m != nil { // "1. FC Example" is no list
		return m[1] + `\` + m[2] + " " + escapePlain(s[len(m[0]):], new(tally))
	}
	return escapePlain(s, new(tally))
}
