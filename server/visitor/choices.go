package visitor

import (
	"strings"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
)

// Cookie and boot hold choices in a short form: a vendor that goes with its
// category is "-". Package notice works with the long one, where every vendor
// has a character of its own.

// choicesOf is the short form of what a record holds.
func choicesOf(n *notice.Notice, core consent.Core) string {
	char := func(c consent.Choice, known bool) byte {
		switch {
		case !known: // what nobody is asked for
			return '1'
		case c == consent.Granted:
			return '1'
		case c == consent.Refused:
			return '0'
		}
		return '-'
	}
	long := make([]byte, 0, len(n.Categories)+1+len(n.Vendors))
	for _, c := range n.Categories {
		choice, known := core.Categories[c.Key]
		long = append(long, char(choice, known))
	}
	long = append(long, '.')
	for _, v := range n.Vendors {
		choice, known := core.Vendors[v.Key]
		long = append(long, char(choice, known))
	}
	return shorten(n, notice.Choices(long))
}

func shorten(n *notice.Notice, long notice.Choices) string {
	short := []byte(long)
	for i, v := range n.Vendors {
		if at := len(n.Categories) + 1 + i; notice.Choice(long[at]) == long.Category(n, v.Category) {
			short[at] = '-'
		}
	}
	return string(short)
}

// lengthen makes the long form of what a cookie held; vendors missing at the
// end go with their categories. It fails for choices that are not of n.
func lengthen(n *notice.Notice, short string) (notice.Choices, error) {
	categories, vendors, _ := strings.Cut(short, ".")
	if len(categories) != len(n.Categories) || len(vendors) > len(n.Vendors)+2 {
		return "", notice.ErrChoices
	}
	long := append([]byte(categories), '.')
	for i, v := range n.Vendors {
		char := byte('-')
		if i < len(vendors) {
			char = vendors[i]
		}
		if char == '-' {
			for j, c := range n.Categories {
				if c.Key == v.Category {
					char = categories[j]
				}
			}
		}
		long = append(long, char)
	}
	return notice.ParseChoices(string(long), n)
}
