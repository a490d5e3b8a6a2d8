package console

import (
	"math"
	"time"
)

// Reach is how many visitors whose decision is still valid something concerns.
type Reach struct {
	Least, Most int64
	Since       time.Time // decisions from this day on, UTC
	Months      int       // a decision holds
	Kinds       []ReachKind
	Counting    bool // earlier receipts are still being counted: there may be more
}

// A ReachKind is how often something was decided since then.
type ReachKind struct {
	Name  string
	Times int64
}

// None reports whether nobody is concerned.
func (r *Reach) None() bool { return r.Most == 0 }

// Said is the number in words, as exact as it is known: "about 41,200 visitors",
// "between 39,800 and 41,200 visitors".
func (r *Reach) Said() string {
	least, most := rounded(r.Least), rounded(r.Most)
	switch {
	case r.Most == 0:
		return "no visitor"
	case r.Most == 1 && r.Least == 1:
		return "1 visitor"
	case r.Least == r.Most && most == r.Most:
		return Number(most) + " visitors"
	case least == most:
		return "about " + Number(most) + " visitors"
	case least == 0:
		return "at most " + Number(most) + " visitors"
	}
	return "between " + Number(least) + " and " + Number(most) + " visitors"
}

// rounded is n with three digits that mean something.
func rounded(n int64) int64 {
	if n < 1000 {
		return n
	}
	unit := math.Pow10(int(math.Log10(float64(n))) - 2)
	return int64(math.Round(float64(n)/unit) * unit)
}
