package auditlog

import "fmt"

// An Alteration is what happened to something after it was entered into the log.
type Alteration string

// The alterations that an audit tells apart.
const (
	Altered   Alteration = "altered"   // it is there, and is not what was entered
	Lost      Alteration = "lost"      // it was entered, and neither is it there nor does a tombstone speak of it
	Inserted  Alteration = "inserted"  // it is there, and was never entered
	Exchanged Alteration = "exchanged" // what was entered at one place stands at another
	Truncated Alteration = "truncated" // the log ends before a head that it has signed or shown
	Rewritten Alteration = "rewritten" // a head that it has signed or shown is not one of this history
	Backdated Alteration = "backdated" // it says that it is older than what it follows
	Forged    Alteration = "forged"    // a signature is not of the key it names
)

// A Finding is one thing that an audit found wrong: what happened, to what, where.
type Finding struct {
	What Alteration
	Of   string // "receipt 25f2…", "shop/privacy version 2", "publication 7", "node 33", …
	Leaf int64  // its place in the log; NoLeaf where it has none
	Err  error  // why; nil where nothing more is to be said
}

// NoLeaf is the place of what stands outside the log.
const NoLeaf = -1

// Error says it on one line.
func (f Finding) Error() string {
	text := f.Of
	if f.Leaf >= 0 {
		text += fmt.Sprintf(" at leaf %d", f.Leaf)
	}
	text += " was " + string(f.What)
	if f.Err != nil {
		text += ": " + f.Err.Error()
	}
	return text
}

// Unwrap is why.
func (f Finding) Unwrap() error { return f.Err }
