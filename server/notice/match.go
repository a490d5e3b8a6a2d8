package notice

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/language"
)

// Limits of what strangers send. No browser's header is nearly as long; what
// lies behind the limit is not read.
const (
	maxAccept     = 1 << 10 // bytes of Accept-Language
	maxAcceptTags = 20
	maxAsked      = 64 // bytes of the page's language
)

// A Matcher picks the language to ask in. It is safe for concurrent use.
type Matcher struct {
	languages []string
	matcher   language.Matcher
}

// NewMatcher makes a Matcher of a notice's languages, of which the first is
// used where none fits. There must be at least one.
func NewMatcher(n *Notice) *Matcher {
	tags := make([]language.Tag, len(n.Languages))
	for i, l := range n.Languages {
		tags[i] = language.Make(l)
		if l == "pt" {
			tags[i] = language.EuropeanPortuguese // ours is; CLDR takes "pt" alone for the Brazilian
		}
	}
	return &Matcher{languages: slices.Clone(n.Languages), matcher: language.NewMatcher(tags)}
}

// Match is the notice's language that suits best: the page's, where it asked
// for one that we have or that its readers understand; else the browser's by
// its Accept-Language header; else the notice's first. Both may be anything a
// stranger sends.
func (m *Matcher) Match(acceptLanguage, asked string) string {
	if asked != "" && len(asked) <= maxAsked {
		if slices.Contains(m.languages, asked) {
			return asked
		}
		if tag, ok := parseTag(asked); ok {
			if _, i, confidence := m.matcher.Match(tag); confidence != language.No {
				return m.languages[i]
			}
		}
	}
	if _, i, confidence := m.matcher.Match(acceptable(acceptLanguage)...); confidence != language.No {
		return m.languages[i]
	}
	return m.languages[0]
}

// Match is as NewMatcher(n).Match, for callers that ask once.
func (n *Notice) Match(acceptLanguage, asked string) string {
	return NewMatcher(n).Match(acceptLanguage, asked)
}

// acceptable reads an Accept-Language header, best first. Elements that can't
// be read are left out: one odd tag must not void the others, as it does in
// language.ParseAcceptLanguage.
func acceptable(header string) []language.Tag {
	if len(header) > maxAccept {
		header = header[:maxAccept]
		header = header[:max(0, strings.LastIndexByte(header, ','))] // the cut one is not what was sent
	}
	type weighted struct {
		tag    language.Tag
		weight float64
	}
	var all []weighted
	for element := range strings.SplitSeq(header, ",") {
		if len(all) == maxAcceptTags {
			break
		}
		name, parameter, _ := strings.Cut(element, ";")
		tag, ok := parseTag(strings.TrimSpace(name))
		weight, wanted := parseWeight(strings.TrimSpace(parameter))
		if ok && wanted {
			all = append(all, weighted{tag, weight})
		}
	}
	slices.SortStableFunc(all, func(a, b weighted) int { return cmp.Compare(b.weight, a.weight) })
	tags := make([]language.Tag, len(all))
	for i, w := range all {
		tags[i] = w.tag
	}
	return tags
}

// parseTag reads one BCP 47 tag. A well-formed tag with a subtag that is not
// registered counts without it.
func parseTag(s string) (language.Tag, bool) {
	tag, err := language.Parse(s)
	if err == nil {
		return tag, true
	}
	var unregistered language.ValueError
	if errors.As(err, &unregistered) && tag != language.Und {
		return tag, true
	}
	return language.Und, false
}

// parseWeight reads "q=0.8" (RFC 9110 § 12.4.2); false for a language that is
// not wanted, q=0, or a weight that makes no sense.
func parseWeight(s string) (float64, bool) {
	if s == "" {
		return 1, true
	}
	digits, ok := strings.CutPrefix(strings.ToLower(s), "q=")
	if !ok {
		return 0, false
	}
	q, err := strconv.ParseFloat(digits, 64)
	return q, err == nil && q > 0 && q <= 1
}
