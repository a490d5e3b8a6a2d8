package fairness

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// selectors is a selector list (Selectors Level 4, and of CSS Scoping :host and
// ::slotted()). What can't be read is an error: it could not be judged.
type selectors []selector

// A selector is compounds from left to right; combinators[i] stands before
// compounds[i+1].
type selector struct {
	compounds   []compound
	combinators []byte
	pseudo      string // "before", "after" …: the pseudo-element it styles, or ""
	slotted     *compound
	specificity [3]int
}

type compound []simple

type simple struct {
	kind  byte // 't' type, '#', '.', '[', ':'
	name  string
	op    string
	value string
	fold  bool
	inner selectors // of :not() and the like
}

// A situation is what a visitor does: which states are on for the element that
// is looked at, and the shadow host whose sheet asks.
type situation struct {
	host  *node
	state map[string]bool // "hover", "focus-visible" …
}

// momentary are pseudo-classes of what a visitor does at the moment.
var momentary = []string{"hover", "active", "focus", "focus-visible", "focus-within", "target", "visited", "-moz-focusring"}

var selectorName = regexp.MustCompile(`^(?:--|-?[A-Za-z_\x{80}-\x{10ffff}])[\w\x{80}-\x{10ffff}-]*|^-?[A-Za-z_]`)

type selectorReader struct {
	text string
	at   int
}

// readSelectors is parseSelectors for scripts, which ask the same again and again.
func readSelectors(text string) (selectors, error) {
	if s, ok := known.Load(text); ok {
		return s.(selectors), nil
	}
	s, err := parseSelectors(text)
	if err == nil {
		known.Store(text, s)
	}
	return s, err
}

var known sync.Map // selectors by their text

func parseSelectors(text string) (selectors, error) {
	r := &selectorReader{text: text}
	var all selectors
	for {
		s, err := r.selector()
		if err != nil {
			return nil, fmt.Errorf("selector %q: %w", text, err)
		}
		all = append(all, s)
		if r.at == len(r.text) {
			return all, nil
		}
		r.at++ // the comma
	}
}

func (r *selectorReader) peek() byte {
	if r.at < len(r.text) {
		return r.text[r.at]
	}
	return 0
}

func (r *selectorReader) space() bool {
	start := r.at
	for r.at < len(r.text) && strings.IndexByte(" \t\n\r\f", r.text[r.at]) >= 0 {
		r.at++
	}
	return r.at > start
}

func (r *selectorReader) name() (string, error) {
	m := selectorName.FindString(r.text[r.at:])
	if m == "" {
		return "", fmt.Errorf("a name is missing at %d", r.at)
	}
	r.at += len(m)
	return m, nil
}

func (r *selectorReader) selector() (selector, error) {
	var s selector
	r.space()
	if strings.IndexByte(">+~", r.peek()) >= 0 && r.peek() != 0 { // relative, as in :has()
		s.compounds = append(s.compounds, compound{{kind: ':', name: "scope"}})
		s.combinators = append(s.combinators, r.peek())
		r.at++
		r.space()
	}
	for {
		c, err := r.compound(&s)
		if err != nil {
			return s, err
		}
		s.compounds = append(s.compounds, c)
		spaced := r.space()
		switch b := r.peek(); {
		case b == 0 || b == ',':
			return s, nil
		case strings.IndexByte(">+~", b) >= 0:
			s.combinators = append(s.combinators, b)
			r.at++
			r.space()
		case spaced:
			s.combinators = append(s.combinators, ' ')
		default:
			return s, fmt.Errorf("%q is not understood", r.text[r.at:])
		}
	}
}

func (r *selectorReader) compound(s *selector) (compound, error) {
	var c compound
	for start := r.at; ; {
		var one simple
		var err error
		switch b := r.peek(); {
		case b == '*':
			r.at++
			start = -1
			continue
		case b == '#' || b == '.':
			r.at++
			one.kind = b
			one.name, err = r.name()
			s.specificity[map[byte]int{'#': 0, '.': 1}[b]]++
		case b == '[':
			one, err = r.attribute()
			s.specificity[1]++
		case b == ':':
			if err = r.pseudo(s, &c); err != nil {
				return nil, err
			}
			start = -1
			continue
		case b == 0 || strings.IndexByte(" \t\n\r\f,>+~", b) >= 0:
			if r.at == start {
				return nil, fmt.Errorf("a selector is missing at %d", r.at)
			}
			return c, nil
		default:
			one.kind = 't'
			if one.name, err = r.name(); err == nil {
				one.name = strings.ToLower(one.name)
				s.specificity[2]++
			}
		}
		if err != nil {
			return nil, err
		}
		c = append(c, one)
		start = -1
	}
}

var attributeSelector = regexp.MustCompile(`^\[\s*([\w-]+)\s*(?:([~|^$*]?=)\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s\]"']+))\s*([iIsS])?)?\s*\]`)

func (r *selectorReader) attribute() (simple, error) {
	m := attributeSelector.FindStringSubmatch(r.text[r.at:])
	if m == nil {
		return simple{}, fmt.Errorf("%q is not understood", r.text[r.at:])
	}
	r.at += len(m[0])
	value := strings.NewReplacer(`\"`, `"`, `\'`, `'`, `\\`, `\`).Replace(m[3] + m[4] + m[5])
	return simple{kind: '[', name: strings.ToLower(m[1]), op: m[2], value: value, fold: strings.EqualFold(m[6], "i")}, nil
}

// arguments reads "( … )" with its inner brackets.
func (r *selectorReader) arguments() (string, bool) {
	if r.peek() != '(' {
		return "", false
	}
	depth, start := 0, r.at+1
	for ; r.at < len(r.text); r.at++ {
		switch r.text[r.at] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				r.at++
				return r.text[start : r.at-1], true
			}
		}
	}
	return "", false
}

// elementsOfOneColon are the pseudo-elements that CSS 2 wrote with one.
var elementsOfOneColon = []string{"before", "after", "first-line", "first-letter"}

func (r *selectorReader) pseudo(s *selector, c *compound) error {
	r.at++
	element := r.peek() == ':'
	if element {
		r.at++
	}
	name, err := r.name()
	if err != nil {
		return err
	}
	name = strings.ToLower(name)
	inside, called := r.arguments()
	if element || slices.Contains(elementsOfOneColon, name) {
		s.specificity[2]++
		if name != "slotted" {
			s.pseudo = name
			return nil
		}
		inner, err := parseSelectors(inside)
		if err != nil || len(inner) != 1 || len(inner[0].compounds) != 1 {
			return fmt.Errorf("::slotted(%s) is not understood", inside)
		}
		s.slotted = &inner[0].compounds[0]
		s.add(inner[0].specificity)
		return nil
	}
	one := simple{kind: ':', name: name, value: inside}
	switch name {
	case "not", "is", "where", "has", "host", "matches", "-webkit-any":
		if called {
			if one.inner, err = parseSelectors(inside); err != nil {
				return err
			}
			if name != "where" {
				s.add(one.inner.most())
			}
		}
		if name == "host" {
			s.specificity[1]++
		}
	default:
		s.specificity[1]++
		if !understood(name, inside) {
			return fmt.Errorf(":%s is not understood", name)
		}
	}
	*c = append(*c, one)
	return nil
}

func (s *selector) add(other [3]int) {
	for i := range other {
		s.specificity[i] += other[i]
	}
}

func (all selectors) most() (most [3]int) {
	for _, s := range all {
		if slices.Compare(s.specificity[:], most[:]) > 0 {
			most = s.specificity
		}
	}
	return most
}

// nth reads "odd", "2n+1", "-n+3", "3".
var nth = regexp.MustCompile(`^([+-]?\d*)n\s*([+-]\s*\d+)?$`)

func formula(text string) (step, offset int, ok bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	switch text {
	case "odd":
		return 2, 1, true
	case "even":
		return 2, 0, true
	}
	if n, err := strconv.Atoi(text); err == nil {
		return 0, n, true
	}
	m := nth.FindStringSubmatch(text)
	if m == nil {
		return 0, 0, false
	}
	step = 1
	switch m[1] {
	case "", "+":
	case "-":
		step = -1
	default:
		step, _ = strconv.Atoi(m[1])
	}
	offset, _ = strconv.Atoi(strings.ReplaceAll(m[2], " ", ""))
	return step, offset, true
}

var plain = []string{"first-child", "last-child", "only-child", "first-of-type", "last-of-type", "only-of-type", "empty", "root", "scope", "checked", "disabled", "enabled",
	"indeterminate", "open", "modal", "popover-open", "link", "any-link", "defined", "required", "optional", "read-only", "read-write", "placeholder-shown",
	"valid", "invalid", "user-invalid", "user-valid", "default", "fullscreen", "autofill"}

func understood(name, inside string) bool {
	switch name {
	case "nth-child", "nth-last-child", "nth-of-type", "nth-last-of-type":
		_, _, ok := formula(inside)
		return ok
	case "lang", "dir":
		return inside != ""
	}
	return slices.Contains(momentary, name) || slices.Contains(plain, name)
}
