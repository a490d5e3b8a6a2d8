package console

import "testing"

func TestReachIsSaidAsExactlyAsItIsKnown(t *testing.T) {
	for _, c := range []struct {
		least, most int64
		want        string
	}{
		{0, 0, "no visitor"}, {1, 1, "1 visitor"}, {7, 7, "7 visitors"}, {0, 12, "at most 12 visitors"}, {999, 999, "999 visitors"}, {41_180, 41_204, "about 41,200 visitors"},
		{39_800, 41_204, "between 39,800 and 41,200 visitors"}, {1000, 1000, "1,000 visitors"}, {9_999_999, 9_999_999, "about 10,000,000 visitors"}, {1234, 1234, "about 1,230 visitors"},
	} {
		if got := (&Reach{Least: c.least, Most: c.most}).Said(); got != c.want {
			t.Errorf("%d to %d: %q, want %q", c.least, c.most, got, c.want)
		}
	}
}
