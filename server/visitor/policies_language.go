package visitor

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/text/language"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
)

// ErrUnknownLanguage is returned for a language that a version has no text in.
var ErrUnknownLanguage = errors.New("no text in this language")

// languageOf picks which of a version's texts is read. What the address asks for is
// answered or refused; what the reader's browser prefers (accept, an
// Accept-Language header) is a wish, and what binds is shown in doubt.
func languageOf(v policyversions.Version, asked, accept string) (string, error) {
	all := v.Languages()
	tags := make([]language.Tag, len(all))
	for i, l := range all {
		tags[i] = language.Make(l)
	}
	wanted, _, err := language.ParseAcceptLanguage(accept)
	if asked != "" {
		var tag language.Tag
		tag, err = language.Parse(asked)
		wanted = []language.Tag{tag}
	}
	if err == nil && len(wanted) > 0 {
		// Near enough is Austrian German for German; Danish for Norwegian is not.
		if _, i, sure := language.NewMatcher(tags).Match(wanted...); sure >= language.High {
			return all[i], nil
		}
	}
	if asked != "" {
		return "", &Told{Err: ErrUnknownLanguage, Detail: fmt.Sprintf("Leave lang out, or choose one of these: %s.", strings.Join(all, ", "))}
	}
	return v.Language, nil
}

// translation is a version's text in one of its languages.
func translation(v policyversions.Version, in string) policyversions.Translation {
	for _, t := range v.Translations {
		if t.Language == in {
			return t
		}
	}
	return policyversions.Translation{Language: v.Language, Title: v.Title, Digest: v.Digest, Canonical: v.Canonical, Original: v.Original, Format: v.Format}
}
