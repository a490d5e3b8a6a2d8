package notice

import (
	"context"
	"math"

	"github.com/volenti-consent/volenti/server/canonical"
)

// A Showing is how often a first layer was answered on one day. It is counted
// only while a notice has trials, and is a number: of whom it was made up,
// nobody can say.
type Showing struct {
	Site   string
	Day    string           // 2026-11-21, UTC
	Script canonical.Digest // of the ask variant, which names trial, surface and language
	Times  int64
}

// A ShowingStore keeps how often first layers were shown.
type ShowingStore interface {
	// AddShowings adds to what was counted before, all or none.
	AddShowings(ctx context.Context, more []Showing) error
	// Showings is all that was counted for a site, by day and script.
	Showings(ctx context.Context, site string) ([]Showing, error)
}

// A Proportion is a part of a whole with what chance leaves open: the interval holds
// the true share in 95 of 100 trials (Wilson, 1927), also where counts are small.
type Proportion struct {
	Count int64   `json:"count"`
	Of    int64   `json:"of"`
	Rate  float64 `json:"rate"` // Count ÷ Of; 0 of none
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// ProportionOf is count of a whole. Nothing is known of none: its interval is 0 to 1.
func ProportionOf(count, of int64) Proportion {
	s := Proportion{Count: count, Of: of, High: 1}
	if of <= 0 {
		return s
	}
	const z = 1.959963984540054 // the 97.5 % quantile of the normal distribution
	n := float64(of)
	s.Rate = math.Min(float64(count)/n, 1)
	middle := s.Rate + z*z/(2*n)
	reach := z * math.Sqrt(s.Rate*(1-s.Rate)/n+z*z/(4*n*n))
	s.Low = math.Max(0, (middle-reach)/(1+z*z/n))
	s.High = math.Min(1, (middle+reach)/(1+z*z/n))
	return s
}
