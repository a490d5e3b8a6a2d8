package policyversions

import (
	"fmt"
	"time"
)

// StartOfDay is the first instant of a day such as "2026-12-01" where loc is. Where
// clocks skip midnight it is the moment after the gap; where midnight comes twice,
// the first; of a day that a place left out (Samoa, 30 December 2011), the moment
// the next one begins.
func StartOfDay(day string, loc *time.Location) (time.Time, error) {
	civil, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a day: write one such as 2026-12-01", day)
	}
	// No place is further than a day from UTC, so the clocks that count are those
	// that were set in these three days.
	for t := civil.Add(-36 * time.Hour).In(loc); t.Before(civil.Add(48 * time.Hour)); {
		begin, end := t.ZoneBounds() // zero: there is no such bound
		_, offset := t.Zone()
		first := civil.Add(-time.Duration(offset) * time.Second).In(loc)
		if first.Before(begin) {
			first = begin
		}
		if (end.IsZero() || first.Before(end)) && first.Format(time.DateOnly) >= day {
			return first.UTC(), nil
		}
		if end.IsZero() {
			break
		}
		t = end
	}
	return time.Time{}, fmt.Errorf("%s never began in %s", day, loc)
}

// DayBounds are the first instants of a day where loc is, and of the day after it.
func DayBounds(day string, loc *time.Location) (from, end time.Time, err error) {
	if from, err = StartOfDay(day, loc); err != nil {
		return from, end, err
	}
	civil, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return from, end, fmt.Errorf("%q is not a day: %w", day, err)
	}
	next := civil.AddDate(0, 0, 1)
	if next.Year() > 9999 { // which no day is written with
		return from, from.Add(24 * time.Hour), nil
	}
	end, err = StartOfDay(next.Format(time.DateOnly), loc)
	return from, end, err
}

// GraceOf is how long a grace of some calendar days lasts for what comes into force at
// from: until the day begins where loc is that is so many days after from's. Days are
// counted in the calendar, so one that clocks make longer or shorter is still one.
func GraceOf(from time.Time, days int, loc *time.Location) (time.Duration, error) {
	if days == 0 {
		return 0, nil
	}
	day, err := time.Parse(time.DateOnly, DayOf(from, loc))
	if err != nil {
		return 0, fmt.Errorf("a grace of %d days from %s: %w", days, from, err)
	}
	end, err := StartOfDay(day.AddDate(0, 0, days).Format(time.DateOnly), loc)
	if err != nil {
		return 0, fmt.Errorf("a grace of %d days from %s: %w", days, from, err)
	}
	return end.Sub(from), nil
}

// DayOf is the day, such as "2026-12-01", on which t falls where loc is.
func DayOf(t time.Time, loc *time.Location) string { return t.In(loc).Format(time.DateOnly) }
