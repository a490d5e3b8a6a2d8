// Package regime is the law table: which region asks for what, on which day.
//
// The table is data, embedded and dated (table.json). A change of the law is a
// new row there with its day, and no Go code. Rows are chosen by day, so a table
// shipped today turns over by itself on the day a law enters into force.
//
// Whatever is not known is treated most strictly: a region nobody has heard of, a
// state that could not be told, a model nobody set. The table is a careful
// reading of the law, not legal advice.
package regime

// A Model is what a law asks before a category may be active.
type Model string

// The models, strictest first. The zero Model, like any other word, is treated
// as OptIn.
const (
	OptIn  Model = "opt-in"  // off until the visitor consents
	OptOut Model = "opt-out" // on until the visitor objects, or a signal does
	Notice Model = "notice"  // on; must be described, a control is good practice
	None   Model = "none"    // no duty known
)

func (m Model) strictness() int {
	switch m {
	case None:
		return 0
	case Notice:
		return 1
	case OptOut:
		return 2
	default:
		return 3
	}
}

// Stricter is the stricter of two models, always one of the four.
func Stricter(a, b Model) Model {
	if b.strictness() > a.strictness() {
		a = b
	}
	if a.strictness() == OptIn.strictness() {
		return OptIn
	}
	return a
}

// A Posture chooses the column of the table.
type Posture string

// The postures. The zero Posture, like any other word, is Cautious.
const (
	Cautious Posture = "cautious" // the recommended default
	Floor    Posture = "floor"    // what the law asks at the least
)

// Models are a model for each switch of the table. The zero Models ask for
// consent to everything.
type Models struct {
	Preferences Model `json:"preferences"`
	Analytics   Model `json:"analytics"`
	Marketing   Model `json:"marketing"`
}

// Of is the model of a category by the switch it is like: "preferences",
// "analytics" or "marketing". What is "necessary" has None; any other word is
// treated as OptIn.
func (m Models) Of(like string) Model {
	switch like {
	case "necessary":
		return None
	case "preferences":
		return Stricter(m.Preferences, None)
	case "analytics":
		return Stricter(m.Analytics, None)
	case "marketing":
		return Stricter(m.Marketing, None)
	default:
		return OptIn
	}
}

// Stricter is the stricter model of each switch.
func (m Models) Stricter(n Models) Models {
	return Models{
		Preferences: Stricter(m.Preferences, n.Preferences),
		Analytics:   Stricter(m.Analytics, n.Analytics),
		Marketing:   Stricter(m.Marketing, n.Marketing),
	}
}

// covers reports whether m asks at least what n asks, switch by switch.
func (m Models) covers(n Models) bool { return m.Stricter(n) == m.Stricter(m) }
