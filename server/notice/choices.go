package notice

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ErrChoices is returned for a choices string that does not fit its notice.
var ErrChoices = errors.New("choices do not fit this notice")

// Choices are all choices of a decision as docs/wire.md writes them: one
// character per category, '.', one per vendor, in the order of the notice they
// were made under, without which they mean nothing. A vendor has a character
// of its own where it was set apart from its category; with NotAsked it goes
// with the category. What is necessary is always Granted. A category that is
// NotAsked follows the law of the place; what is Open does not.
type Choices string

// A Choice is one character of Choices.
type Choice byte

// The choices. NotAsked is no consent.
const (
	Granted  Choice = '1'
	Refused  Choice = '0'
	NotAsked Choice = '-'
	// Open is not asked either, and off in every place until it is: a category
	// that was left unanswered where the law asks first, or a vendor that joined a
	// category after that was granted.
	Open Choice = '_'
)

// String is the choice as receipts write it.
func (c Choice) String() string {
	switch c {
	case Granted:
		return "granted"
	case Refused:
		return "refused"
	}
	return "not_asked"
}

// ParseChoices checks a choices string that came from outside, and completes
// it: vendors that were not set apart may be missing at its end. It fails with
// ErrChoices where a character is unknown, the counts are not the notice's, or
// something necessary is not granted.
func ParseChoices(s string, n *Notice) (Choices, error) {
	categories, vendors, ok := strings.Cut(s, ".")
	if !ok || len(categories) != len(n.Categories) || len(vendors) > len(n.Vendors) {
		return "", fmt.Errorf("%w: want %d characters for categories, a dot, and up to %d for vendors", ErrChoices, len(n.Categories), len(n.Vendors))
	}
	if strings.Trim(categories, "10-_") != "" || strings.Trim(vendors, "10-_") != "" {
		return "", fmt.Errorf("%w: a choice is 1, 0, - or _", ErrChoices)
	}
	for i, c := range n.Categories {
		if c.Like == Necessary && Choice(categories[i]) != Granted {
			return "", fmt.Errorf("%w: %q is necessary and can't be refused", ErrChoices, c.Key)
		}
	}
	for i := range len(vendors) {
		if v := n.Vendors[i]; (Choice(vendors[i]) == Refused || Choice(vendors[i]) == Open) && n.necessary(v) {
			return "", fmt.Errorf("%w: vendor %q is necessary and can't be refused", ErrChoices, v.Key)
		}
	}
	return Choices(s + strings.Repeat(string(NotAsked), len(n.Vendors)-len(vendors))), nil
}

// Choose makes choices of what a visitor decided: categories by key, and by
// key those vendors that were set apart from their category. Who is not named
// was not asked. It lists, each with a path such as "categories.chat", what
// the notice does not ask for; then there are no Choices.
func (n *Notice) Choose(categories, vendors map[string]bool) (Choices, []Issue) {
	l := &linter{n: n}
	for _, key := range slices.Sorted(maps.Keys(categories)) {
		c, ok := n.category(key)
		if !ok {
			l.fail(member("categories", key), fmt.Sprintf("%q is not a category of this notice", clip(key)), "send the categories that were asked: "+strings.Join(n.asked(), " "))
		} else if c.Like == Necessary {
			l.fail(member("categories", key), fmt.Sprintf("%q is necessary and is not asked", key), "leave it out")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(vendors)) {
		i := slices.IndexFunc(n.Vendors, func(v Vendor) bool { return v.Key == key })
		if i < 0 {
			l.fail(member("vendors", key), fmt.Sprintf("%q is not a vendor of this notice", clip(key)), "send only vendors that were shown")
		} else if n.necessary(n.Vendors[i]) {
			l.fail(member("vendors", key), fmt.Sprintf("%q is necessary and is not asked", key), "leave it out")
		}
	}
	if len(l.issues) > 0 {
		return "", l.issues
	}
	return n.choices(
		func(c Category) Choice { return choice(categories, c.Key) },
		func(v Vendor, _ Choice) Choice { return choice(vendors, v.Key) }), nil
}

// asked lists the keys of the categories a visitor can refuse.
func (n *Notice) asked() (keys []string) {
	for _, c := range n.Categories {
		if c.Like != Necessary {
			keys = append(keys, c.Key)
		}
	}
	return keys
}

func choice(choices map[string]bool, key string) Choice {
	granted, asked := choices[key]
	switch {
	case !asked:
		return NotAsked
	case granted:
		return Granted
	}
	return Refused
}

// choices writes the string: category answers for every category that can be
// refused, vendor for every vendor of these, told what its category's answer was.
func (n *Notice) choices(category func(Category) Choice, vendor func(v Vendor, of Choice) Choice) Choices {
	var b strings.Builder
	b.Grow(len(n.Categories) + 1 + len(n.Vendors))
	answers := make(map[string]Choice, len(n.Categories))
	for _, c := range n.Categories {
		if c.Like == Necessary {
			b.WriteByte(byte(Granted))
			continue
		}
		answers[c.Key] = category(c)
		b.WriteByte(byte(answers[c.Key]))
	}
	b.WriteByte('.')
	for _, v := range n.Vendors {
		if of, refusable := answers[v.Category]; refusable {
			b.WriteByte(byte(vendor(v, of)))
		} else {
			b.WriteByte(byte(NotAsked))
		}
	}
	return Choices(b.String())
}

// necessary reports whether a vendor's category is one nobody is asked for.
func (n *Notice) necessary(v Vendor) bool {
	c, ok := n.category(v.Category)
	return ok && c.Like == Necessary
}

// Category is the choice for a category of n, the notice c was made under;
// NotAsked where n has no such category or c is not of n, and also where it is Open.
func (c Choices) Category(n *Notice, key string) Choice {
	return said(c.category(n, key))
}

func (c Choices) category(n *Notice, key string) Choice {
	return c.at(n, slices.IndexFunc(n.Categories, func(category Category) bool { return category.Key == key }))
}

// said is what a choice says of consent: Open says nothing.
func said(c Choice) Choice {
	if c == Open {
		return NotAsked
	}
	return c
}

// Vendor is the choice for a vendor of n: its own, or else its category's.
// NotAsked as for Category.
func (c Choices) Vendor(n *Notice, key string) Choice {
	i := slices.IndexFunc(n.Vendors, func(v Vendor) bool { return v.Key == key })
	if i < 0 {
		return NotAsked
	}
	if own := c.at(n, len(n.Categories)+1+i); own != NotAsked {
		return said(own)
	}
	return c.Category(n, n.Vendors[i].Category)
}

// at is the character at i; NotAsked for -1 and where c can't be of n.
func (c Choices) at(n *Notice, i int) Choice {
	if i < 0 || len(c) != len(n.Categories)+1+len(n.Vendors) {
		return NotAsked
	}
	switch choice := Choice(c[i]); choice {
	case Granted, Refused, Open:
		return choice
	}
	return NotAsked
}

// Grants reports whether c, made under n, grants a vendor of a category, or
// with vendor "" the category itself. Unknown names, a vendor of another
// category, and NotAsked are not granted: what lets tags out must have been
// said.
func (c Choices) Grants(n *Notice, category, vendor string) bool {
	if vendor == "" {
		return c.Category(n, category) == Granted
	}
	i := slices.IndexFunc(n.Vendors, func(v Vendor) bool { return v.Key == vendor })
	return i >= 0 && n.Vendors[i].Category == category && c.Vendor(n, vendor) == Granted
}

// Covers reports whether a decision made under one notice still answers all
// that another asks: the later one has no category, no vendor, and no vendor
// in a category, that the earlier one had not. Other texts, looks and lifetimes
// may differ. A category whose rules changed (Like) is another category.
func Covers(earlier, later *Notice) bool {
	for _, c := range later.Categories {
		if !earlier.asks(c) {
			return false
		}
	}
	for _, v := range later.Vendors {
		if !later.carries(earlier, v) {
			return false
		}
	}
	return true
}

// asks reports whether n has the category, under the same rules.
func (n *Notice) asks(c Category) bool {
	mine, ok := n.category(c.Key)
	return ok && mine.Like == c.Like
}

// carries reports whether a vendor of n stood in the earlier notice as it does
// in n, so that a choice about it still means the same.
func (n *Notice) carries(earlier *Notice, v Vendor) bool {
	i := slices.IndexFunc(earlier.Vendors, func(o Vendor) bool { return o.Key == v.Key })
	if i < 0 || earlier.Vendors[i].Category != v.Category {
		return false
	}
	c, ok := n.category(v.Category)
	return ok && earlier.asks(c)
}

// Carry writes choices made under an earlier notice as choices of a later one:
// what was decided stays decided, and what the earlier notice did not ask, or
// asked as something else, is not.
//
// A new vendor of a granted category is Open, since consent is specific (GDPR Art.
// 4(11)); in a refused one it is covered by the refusal. A new category is Open
// where an answer is known about its kind, or about anything if there was no other
// of its kind: who was asked before anything ran is not switched on by what comes
// later. It is NotAsked for a visitor who never answered more than having read.
func Carry(c Choices, earlier, later *Notice) Choices {
	return later.choices(
		func(category Category) Choice {
			switch {
			case earlier.asks(category):
				return c.category(earlier, category.Key)
			case c.answers(earlier, category.Like):
				return Open
			}
			return NotAsked
		},
		func(v Vendor, of Choice) Choice {
			i := slices.IndexFunc(earlier.Vendors, func(o Vendor) bool { return o.Key == v.Key })
			own := NotAsked
			if i >= 0 {
				own = c.at(earlier, len(earlier.Categories)+1+i)
			}
			switch {
			case own == Refused || later.carries(earlier, v):
				return own
			case of == Granted:
				return Open
			}
			return NotAsked
		})
}

// answers reports whether c, made under n, holds an answer about a category of
// that kind, or one that is still open; about any where n has none of that kind.
func (c Choices) answers(n *Notice, like string) bool {
	kin, any, of := false, false, false
	for _, category := range n.Categories {
		if category.Like == Necessary {
			continue
		}
		answered := c.category(n, category.Key) != NotAsked
		any = any || answered
		if category.Like == like {
			kin, of = true, of || answered
		}
	}
	if kin {
		return of
	}
	return any
}

// Lapse is c after its grants have ended and its refusals have not: what was
// granted is Open again.
func (c Choices) Lapse(n *Notice) Choices {
	out := []byte(c)
	for i, choice := range out {
		vendor := i - len(n.Categories) - 1
		necessary := i < len(n.Categories) && n.Categories[i].Like == Necessary ||
			vendor >= 0 && vendor < len(n.Vendors) && n.necessary(n.Vendors[vendor])
		if Choice(choice) == Granted && !necessary {
			out[i] = byte(Open)
		}
	}
	return Choices(out)
}
