package visitor

import (
	"strings"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
)

// Cookie and boot hold choices in a short form: a vendor that goes with its
// category is "-". Package notice works with the long one, where every vendor
// has a character of its own.

// choicesOf is the short form of what a record holds. A grant that was never
// asked for, because it was on already by the rules of an opt-out region, is
// written as not asked: it stays on there, and is no consent anywhere else. One
// that was made against a signal is the visitor's own word, and is kept. What was
// not asked is open where the law asked first, and so is a vendor that was not in a
// category that was granted.
func choicesOf(n *notice.Notice, core consent.Core) string {
	out := make([]byte, 0, len(n.Categories)+1+len(n.Vendors))
	for _, c := range n.Categories {
		choice, asked := core.Categories[c.Key]
		switch {
		case !asked: // necessary
			out = append(out, '1')
		case choice == consent.Granted && !core.Consented(c.Key) && !core.Signals.Any():
			out = append(out, byte(notice.NotAsked))
		case choice != consent.Granted && choice != consent.Refused:
			out = append(out, byte(unaskedUnder(core.Models[c.Key])))
		default:
			out = append(out, letterOf(choice))
		}
	}
	out = append(out, '.')
	for _, v := range n.Vendors {
		choice, asked := core.Vendors[v.Key]
		switch {
		case !asked || choice == core.Categories[v.Category]:
			out = append(out, byte(notice.NotAsked))
		case choice != consent.Granted && choice != consent.Refused:
			out = append(out, byte(notice.Open))
		default:
			out = append(out, letterOf(choice))
		}
	}
	return string(out)
}

func letterOf(c consent.Choice) byte {
	if c == consent.Granted {
		return byte(notice.Granted)
	}
	return byte(notice.Refused)
}

func shorten(n *notice.Notice, long notice.Choices) string {
	short := []byte(long)
	for i := range n.Vendors {
		if at, of := len(n.Categories)+1+i, categoryOf(n, i); of >= 0 && long[at] == long[of] {
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
