package auditlog

import "time"

// An Acceptance is that somebody had the log go on although it does not continue what
// was signed of it. The log has a leaf of it.
type Acceptance struct {
	Origin   string // of the newest checkpoint that was known and is not continued; "" if none was
	Before   Head   // of that
	At       time.Time
	Position int64
	Leaf     [LeafSize]byte
}

// Settles reports whether it speaks of a checkpoint of origin and head that was kept at a
// time: one that is no longer than what was known then, and was there before.
func (a Acceptance) Settles(origin string, head Head, kept time.Time) bool {
	return a.Origin == origin && (head == a.Before || head.Size < a.Before.Size) && kept.Before(a.At)
}
