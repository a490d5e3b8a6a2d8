package notice

import (
	"math"
	"testing"
)

// The figures are those of the textbook formula (Wilson 1927; Brown, Cai and
// DasGupta 2001, table 1), and what must hold at the edges.
func TestProportions(t *testing.T) {
	for _, tt := range []struct {
		count, of       int64
		rate, low, high float64
	}{
		{5, 10, 0.5, 0.2366, 0.7634},
		{1, 10, 0.1, 0.0179, 0.4042},
		{0, 10, 0, 0, 0.2775},
		{10, 10, 1, 0.7225, 1},
		{450, 1000, 0.45, 0.4194, 0.4810},
		{0, 0, 0, 0, 1},
		{12, 10, 1, 0.7225, 1}, // counts that were lost in a crash make no share above one
	} {
		got := ProportionOf(tt.count, tt.of)
		for _, pair := range [][2]float64{{got.Rate, tt.rate}, {got.Low, tt.low}, {got.High, tt.high}} {
			if math.Abs(pair[0]-pair[1]) > 0.00006 {
				t.Errorf("%d of %d: %+v, want %g [%g, %g]", tt.count, tt.of, got, tt.rate, tt.low, tt.high)
				break
			}
		}
	}
}
