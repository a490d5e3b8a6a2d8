package regime

import (
	"fmt"
	"time"
)

// A Day is a civil date, the form in which laws name their beginning: the year
// times 10000, the month times 100, and the day, so that days compare as
// numbers. The zero Day is no day. In JSON it is "2026-12-01", "always" or "".
type Day int32

// Always is before every date: the beginning of rows that have none of their own.
const Always Day = 1

// DayOf is the date of t in t's own location.
func DayOf(t time.Time) Day {
	year, month, day := t.Date()
	return Day(year*10000 + int(month)*100 + day)
}

// ParseDay reads "2026-12-01".
func ParseDay(text string) (Day, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return 0, fmt.Errorf("day %q: write a date such as 2026-12-01", text)
	}
	return DayOf(t), nil
}

// Time is the beginning of the day in UTC; of no day and of Always the zero Time.
func (d Day) Time() time.Time {
	if d <= Always {
		return time.Time{}
	}
	return time.Date(int(d/10000), time.Month(d/100%100), int(d%100), 0, 0, 0, 0, time.UTC)
}

// Next is the day after.
func (d Day) Next() Day {
	if d <= Always {
		return d
	}
	return DayOf(d.Time().AddDate(0, 0, 1))
}

// String is "2026-12-01", "always" or "".
func (d Day) String() string {
	switch d {
	case 0:
		return ""
	case Always:
		return "always"
	default:
		return d.Time().Format(time.DateOnly)
	}
}

// MarshalText is String.
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (d *Day) UnmarshalText(text []byte) (err error) {
	switch string(text) {
	case "":
		*d = 0
	case "always":
		*d = Always
	default:
		*d, err = ParseDay(string(text))
	}
	return err
}
