// Package regime is the law table: which region asks for what, on which day.
package regime

// A Model is what a law asks before a category may be active.
type Model string

// The models, strictest first. The zero Model is treated as OptIn.
const (
	OptIn  Model = "opt-in"  // off until the visitor consents
	OptOut Model = "opt-out" // on until the visitor objects, or a signal does
	Notice Model = "notice"  // on; must be described, a control is good practice
	None   Model = "none"    // no duty known
)

// A Posture chooses the column of the table.
type Posture string

// The postures. The zero Posture is Cautious.
const (
	Cautious Posture = "cautious" // the recommended default
	Floor    Posture = "floor"    // what the law asks at the least
)
