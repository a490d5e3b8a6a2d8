package notice

import (
	"slices"
	"strings"
)

// A Standing is a decision that is in force.
type Standing struct {
	Choices Choices // made under the notice, or carried to it
	Implied bool    // made where the law asked for no opt-in
	Signal  bool    // made while a signal (GPC, DNT) was on
}

// None is what may load where nothing is granted: what is necessary.
func (n *Notice) None() Choices { return n.Resolve("", nil, true) }

// Resolve is what may load now: Granted or Refused for each category and each
// vendor of n. Models has one letter a category, as the boot's `m`
// (docs/wire.md); decided is nil where nothing is in force; signal: GPC or DNT
// is on and counts here. It is the same judgement as the page's own
// (banner/src/gate/decide.ts, resolve), so that nothing is handed out that the
// page would hold, or the other way round.
//
// A refusal always counts. A grant counts unless the law asks for opt-in and it
// was only implied, or a signal is on that was not there when it was given.
// What was not asked follows the law: opt-in off, everything else on, marketing
// off under a signal. What is open is off. A model that can't be read, or is
// missing, is opt-in.
func (n *Notice) Resolve(models string, decided *Standing, signal bool) Choices {
	var said Standing
	if decided != nil {
		said = *decided
	}
	may := func(choice Choice, category int) byte {
		model := byte('i')
		if category < len(models) {
			model = models[category]
		}
		optIn := strings.IndexByte("on-", model) < 0
		c := n.Categories[category]
		switch {
		case c.Like == Necessary:
			return byte(Granted)
		case choice == Refused, choice == Open,
			signal && c.Like == Marketing && (choice != Granted || !said.Signal),
			optIn && (choice != Granted || said.Implied):
			return byte(Refused)
		}
		return byte(Granted)
	}
	out := make([]byte, 0, len(n.Categories)+1+len(n.Vendors))
	for i := range n.Categories {
		out = append(out, may(said.Choices.at(n, i), i))
	}
	out = append(out, '.')
	for i, v := range n.Vendors {
		category := slices.IndexFunc(n.Categories, func(c Category) bool { return c.Key == v.Category })
		switch own := said.Choices.at(n, len(n.Categories)+1+i); {
		case category < 0:
			out = append(out, byte(Refused))
		case own == NotAsked:
			out = append(out, out[category])
		default:
			out = append(out, may(own, category))
		}
	}
	return Choices(out)
}
