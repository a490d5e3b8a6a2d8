package policyversions

import (
	"testing"
	"time"
	_ "time/tzdata" // the same clocks on every machine
)

// The instants are those of the IANA time zone database.
func TestADayBeginsWhenItsFirstMomentComes(t *testing.T) {
	tests := []struct{ name, zone, day, want string }{
		{"winter", "Europe/Berlin", "2026-12-01", "2026-11-30T23:00:00Z"},
		{"summer", "Europe/Berlin", "2026-07-01", "2026-06-30T22:00:00Z"},
		{"the day clocks go forward", "Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z"},
		{"the day after", "Europe/Berlin", "2026-03-30", "2026-03-29T22:00:00Z"},
		{"the day clocks go back", "Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00Z"},
		{"the day after that", "Europe/Berlin", "2026-10-26", "2026-10-25T23:00:00Z"},
		{"forward over there", "America/New_York", "2026-03-08", "2026-03-08T05:00:00Z"},
		{"the day after over there", "America/New_York", "2026-03-09", "2026-03-09T04:00:00Z"},
		{"back over there", "America/New_York", "2026-11-01", "2026-11-01T04:00:00Z"},
		{"the day after that over there", "America/New_York", "2026-11-02", "2026-11-02T05:00:00Z"},
		{"a leap day", "Europe/Berlin", "2028-02-29", "2028-02-28T23:00:00Z"},
		{"after a leap day", "America/New_York", "2028-03-01", "2028-03-01T05:00:00Z"},
		{"midnight is skipped", "America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"},              // 00:00 was 01:00
		{"midnight comes once, 23:00 twice", "America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00:00Z"}, // 24:00 was 23:00
		{"midnight is skipped on the Nile", "Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z"},
		{"and comes once", "Africa/Cairo", "2026-10-30", "2026-10-29T22:00:00Z"},
		{"midnight comes twice", "America/Havana", "2026-11-01", "2026-11-01T04:00:00Z"}, // 01:00 was 00:00
		{"a minute of the day, and the day before again", "America/St_Johns", "2010-11-07", "2010-11-07T02:30:00Z"},
		{"a day that was left out", "Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"},
		{"the day after it", "Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"},
		{"far east", "Pacific/Kiritimati", "2026-01-01", "2025-12-31T10:00:00Z"},
		{"far west", "Pacific/Pago_Pago", "2026-01-01", "2026-01-01T11:00:00Z"},
		{"half an hour", "Asia/Kolkata", "2026-01-01", "2025-12-31T18:30:00Z"},
		{"none", "UTC", "2026-01-01", "2026-01-01T00:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			loc, err := time.LoadLocation(tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			got, err := StartOfDay(tt.day, loc)
			if err != nil || got.Format(time.RFC3339) != tt.want {
				t.Fatalf("%s, %v, want %s", got.Format(time.RFC3339), err, tt.want)
			}
			if before := DayOf(got.Add(-time.Millisecond), loc); before >= tt.day {
				t.Errorf("a millisecond before it is %s already", before)
			}
			if on := DayOf(got, loc); on < tt.day {
				t.Errorf("it is still %s", on)
			}
		})
	}
	for _, day := range []string{"2027-02-29", "2026-13-01", "1 May 2026", "2026-5-1", "", "2026-05-01T00:00:00Z"} {
		if got, err := StartOfDay(day, time.UTC); err == nil {
			t.Errorf("%q is taken for %s", day, got)
		}
	}
}

// A version is in force from its day's first instant on, and its predecessor until
// the millisecond before, whatever the clocks do that night.
func TestVersionsChangeAtTheDaysBoundary(t *testing.T) {
	for _, tt := range []struct{ zone, day string }{
		{"Europe/Berlin", "2026-03-29"}, {"Europe/Berlin", "2026-10-25"}, {"America/New_York", "2026-03-08"}, {"America/New_York", "2026-11-01"},
		{"Europe/Berlin", "2028-02-29"}, {"America/Sao_Paulo", "2018-11-04"}, {"America/Sao_Paulo", "2018-02-18"}, {"Africa/Cairo", "2026-04-24"},
	} {
		loc, err := time.LoadLocation(tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		start, err := StartOfDay(tt.day, loc)
		if err != nil {
			t.Fatal(err)
		}
		// Published at that very instant, and a day before.
		for _, published := range []time.Time{start, start.AddDate(0, 0, -1)} {
			m := &memory{}
			first := Publisher{Store: m, Now: func() time.Time { return start.AddDate(-1, 0, 0) }}
			if _, err := first.Publish(t.Context(), "shop", "privacy", draft(t, "# P\n\none"), time.Time{}); err != nil {
				t.Fatal(err)
			}
			v, err := Publisher{Store: m, Now: func() time.Time { return published }}.Publish(t.Context(), "shop", "privacy", draft(t, "# P\n\ntwo"), start)
			if err != nil || !v.From().Equal(start) {
				t.Fatalf("%s %s: from %s: %v", tt.zone, tt.day, v.From(), err)
			}
			all, err := m.Versions(t.Context(), "shop", "privacy")
			if err != nil {
				t.Fatal(err)
			}
			for at, want := range map[time.Time][2]State{start.Add(-time.Millisecond): {InForce, Scheduled}, start: {Superseded, InForce}} {
				old, _ := StandingOf(all, 1, at)
				next, _ := StandingOf(all, 2, at)
				if old.State != want[0] || next.State != want[1] {
					t.Errorf("%s at %s: %s and %s, want %v", tt.zone, at, old.State, next.State, want)
				}
				if v, err := m.InForce(t.Context(), "shop", "privacy", at); err != nil || (v.Number == 2) != (want[1] == InForce) {
					t.Errorf("%s at %s: version %d, %v", tt.zone, at, v.Number, err)
				}
			}
		}
	}
}

// A grace of calendar days ends when a day begins, whatever the clocks do meanwhile.
func TestAGraceEndsWhenADayBegins(t *testing.T) {
	for _, tt := range []struct {
		name, zone, from string
		days             int
		ends             string
		hours            float64
	}{
		{"from a day's beginning", "Europe/Vienna", "2026-11-30T23:00:00Z", 14, "2026-12-14T23:00:00Z", 336},
		{"from its afternoon", "Europe/Vienna", "2026-12-01T14:30:00Z", 14, "2026-12-14T23:00:00Z", 320.5},
		{"from its last millisecond", "Europe/Vienna", "2026-12-01T22:59:59.999Z", 1, "2026-12-01T23:00:00Z", 1.0 / 3_600_000},
		{"over clocks going forward", "Europe/Vienna", "2026-03-20T23:00:00Z", 14, "2026-04-03T22:00:00Z", 335},
		{"over clocks going back", "Europe/Vienna", "2026-10-19T22:00:00Z", 14, "2026-11-02T23:00:00Z", 337},
		{"over there", "America/New_York", "2026-03-01T05:00:00Z", 14, "2026-03-15T04:00:00Z", 335},
		{"over a leap day", "Europe/Vienna", "2028-02-19T23:00:00Z", 14, "2028-03-04T23:00:00Z", 336},
		{"to a leap day", "Europe/Vienna", "2028-02-14T23:00:00Z", 14, "2028-02-28T23:00:00Z", 336},
		{"a year with a leap day in it", "UTC", "2027-03-01T00:00:00Z", 365, "2028-02-29T00:00:00Z", 8760},
		{"to a day whose midnight is skipped", "America/Sao_Paulo", "2018-10-28T03:00:00Z", 7, "2018-11-04T03:00:00Z", 168},
		{"to a day that was left out", "Pacific/Apia", "2011-12-29T10:00:00Z", 1, "2011-12-30T10:00:00Z", 24},
		{"far east, while it is yesterday in Greenwich", "Pacific/Kiritimati", "2026-01-01T23:00:00Z", 3, "2026-01-04T10:00:00Z", 59},
		{"none", "Europe/Vienna", "2026-12-01T14:30:00Z", 0, "2026-12-01T14:30:00Z", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			loc, err := time.LoadLocation(tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			from, err := time.Parse(time.RFC3339Nano, tt.from)
			if err != nil {
				t.Fatal(err)
			}
			grace, err := GraceOf(from, tt.days, loc)
			if ends := from.Add(grace).Format(time.RFC3339Nano); err != nil || ends != tt.ends || grace.Hours() != tt.hours {
				t.Errorf("it ends %s after %g hours, want %s after %g: %v", ends, grace.Hours(), tt.ends, tt.hours, err)
			}
		})
	}
}

// Publishing works the grace out, for good: from the moment the version comes into
// force, be that its day or, of one that is imported late, its publication. A grace
// that is no number of days stays what it is, and so do those of before.
func TestPublishingWorksOutAGrace(t *testing.T) {
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 20, 10, 0, 0, 0, time.UTC)
	start, err := StartOfDay("2026-03-21", vienna)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		effective time.Time
		zone      *time.Location
		days      int
		grace     time.Duration
		binds     string
	}{
		"from a day to come":    {start, vienna, 14, 0, "2026-04-03T22:00:00Z"},
		"at once":               {time.Time{}, vienna, 14, 0, "2026-04-02T22:00:00Z"},
		"of the past, now here": {now.AddDate(-1, 0, 0), vienna, 14, 0, "2026-04-02T22:00:00Z"},
		"in UTC":                {start, nil, 14, 0, "2026-04-03T00:00:00Z"},
		"no number of days":     {start, vienna, 0, 36 * time.Hour, "2026-03-22T11:00:00Z"},
	} {
		d := draft(t, "# P\n\ntext")
		d.Announcement = Announcement{Material: true, Summary: map[string]string{d.Language: "New."}, Grace: tt.grace, GraceDays: tt.days}
		v, err := Publisher{Store: &memory{}, Now: func() time.Time { return now }, Zone: tt.zone}.Publish(t.Context(), "shop", "privacy", d, tt.effective)
		if got := v.Binds().Format(time.RFC3339); err != nil || got != tt.binds || v.GraceDays != tt.days {
			t.Errorf("%s: binds %s, want %s: %v", name, got, tt.binds, err)
		}
	}
	d := draft(t, "# P\n\ntext")
	for _, days := range []int{-1, 366} {
		d.Announcement = Announcement{Material: true, Summary: map[string]string{d.Language: "New."}, GraceDays: days}
		if _, err := (Publisher{Store: &memory{}}).Publish(t.Context(), "shop", "privacy", d, now); err == nil {
			t.Errorf("%d days are published", days)
		}
	}
}
