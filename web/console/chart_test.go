package console

import (
	"math"
	"strconv"
	"strings"
	"testing"
)

func TestNumbersAreWritten(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1234: "-1,234", -123: "-123"} {
		if got := Number(n); got != want {
			t.Errorf("%d is written %q", n, got)
		}
	}
	for _, test := range []struct {
		n, of int64
		want  string
	}{{0, 0, "–"}, {0, 9, "0 %"}, {9, 9, "100 %"}, {1, 2, "50 %"}, {1, 3, "33 %"}, {2, 3, "67 %"}, {1, 100_000, "<1 %"}, {99_999, 100_000, ">99 %"}, {1, 200, "1 %"}} {
		if got := Percent(test.n, test.of); got != test.want {
			t.Errorf("%d of %d is %q, want %q", test.n, test.of, got, test.want)
		}
	}
}

// What a chart shows is what its table says: parts are as long as their share, lie
// side by side, and stay within the picture.
func TestBarsAreAsLongAsTheirNumbers(t *testing.T) {
	number := func(s string) float64 {
		f, err := strconv.ParseFloat(strings.TrimSuffix(s, "%"), 64)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	series := []Series{{"A", "solid"}, {"B", "hatched"}, {"C", "open"}}
	flat := &Chart{Series: series, Bars: []Bar{{Label: "x", Parts: []int64{1, 0, 3}}, {Label: "few", Parts: []int64{1, 1, 1}, Few: true}, {Label: "none", Parts: []int64{0, 0, 0}}}}
	rects := flat.Rects()
	if len(rects) != 2 || rects[0].Width != "25.000%" || rects[1].X != "25.000%" || rects[1].Width != "75.000%" {
		t.Errorf("%+v", rects)
	}
	if marks := flat.Marks(); marks[1].Text != "25 % of 4" || !strings.Contains(marks[3].Text, "too few") {
		t.Errorf("%+v", marks)
	}
	if cells := flat.Cells(flat.Bars[1]); cells[0] != "–" || cells[3] != "3" {
		t.Errorf("the table tells rates of few: %v", cells)
	}
	upright := &Chart{Upright: true, Series: series}
	for i := range int64(90) {
		upright.Bars = append(upright.Bars, Bar{Label: "day", Parts: []int64{i, 2 * i, 7}})
	}
	full := number(upright.Lines()[0].Text[:1]) // the scale begins with a digit
	if full == 0 {
		t.Error("no scale")
	}
	for _, r := range upright.Rects() {
		if x, w, y, h := number(r.X), number(r.Width), number(r.Y), number(r.Height); x < 0 || x+w > 100 || y < 0 || y+h > plotHeight+0.02 {
			t.Fatalf("outside: %+v", r)
		}
	}
	last := upright.Rects()
	a, b := last[len(last)-3], last[len(last)-2]
	if math.Abs(number(b.Height)-2*number(a.Height)) > 0.02 {
		t.Errorf("89 and 178 are %s and %s high", a.Height, b.Height)
	}
}
