package regime

import (
	"fmt"
	"strconv"
	"strings"
)

// A Unit is what a law counts time in. They don't convert: a month is not 30
// days, and business days are those of the place.
type Unit string

// The units of the table.
const (
	Hours        Unit = "hour"
	Days         Unit = "day"
	BusinessDays Unit = "business day"
	Weeks        Unit = "week"
	Months       Unit = "month"
)

// A Span is a time limit of a law. The zero Span is no fixed limit ("without
// delay"), which is not a permission to take longer. In JSON it is "1 month",
// "20 business days" or "".
type Span struct {
	N    int
	Unit Unit
}

// String is "1 month", "20 business days" or "".
func (s Span) String() string {
	switch s.N {
	case 0:
		return ""
	case 1:
		return "1 " + string(s.Unit)
	default:
		return strconv.Itoa(s.N) + " " + string(s.Unit) + "s"
	}
}

// MarshalText is String.
func (s Span) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes, and nothing else.
func (s *Span) UnmarshalText(text []byte) error {
	*s = Span{}
	if len(text) == 0 {
		return nil
	}
	number, unit, _ := strings.Cut(string(text), " ")
	n, err := strconv.Atoi(number)
	if err != nil {
		return fmt.Errorf("time limit %q: write for instance 20 business days", text)
	}
	read := Span{n, Unit(strings.TrimSuffix(unit, "s"))}
	switch read.Unit {
	case Hours, Days, BusinessDays, Weeks, Months:
	default:
		return fmt.Errorf("time limit %q: count in hours, days, business days, weeks or months", text)
	}
	if n <= 0 || read.String() != string(text) {
		return fmt.Errorf("time limit %q: write for instance 1 month or 20 business days", text)
	}
	*s = read
	return nil
}
