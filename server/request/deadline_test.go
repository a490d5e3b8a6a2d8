package request

import (
	"slices"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/volenti-consent/volenti/server/regime"
)

func rights(t testing.TB) (*Rights, *regime.Table) {
	t.Helper()
	table, err := regime.Load()
	if err != nil {
		t.Fatal(err)
	}
	r, err := LoadRights(table)
	if err != nil {
		t.Fatal(err)
	}
	return r, table
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// The last moment of a deadline is written as the last day and its zone; what is
// checked is the moment at which it is over.
func TestDeadline(t *testing.T) {
	r, table := rights(t)
	const day, minute = time.DateOnly, "2006-01-02 15:04"
	for _, tt := range []struct {
		what, row string
		kind      Kind
		zone      string
		received  string // in zone
		promise   int
		last      string // last day, in zone
		longer    string // the same if extended; "" if it can't be
	}{
		{"a month", "eu-gdpr-eprivacy", Access, "Europe/Vienna", "2026-03-05 10:00", 0, "2026-04-06", "2026-06-05"}, // 5 April is a Sunday
		{"in a zone where it is the day before", "eu-gdpr-eprivacy", Access, "America/New_York", "2026-03-05 23:59", 0, "2026-04-06", "2026-06-05"},
		{"to the end of a shorter month", "eu-gdpr-eprivacy", Erasure, "Europe/Vienna", "2026-01-31 08:00", 0, "2026-03-02", "2026-04-30"}, // 28 February is a Saturday
		{"to a leap day", "eu-gdpr-eprivacy", Erasure, "Europe/Vienna", "2028-01-30 08:00", 0, "2028-02-29", "2028-05-01"},                 // 30 April is a Sunday
		{"from a leap day", "eu-gdpr-eprivacy", Copy, "Europe/Vienna", "2028-02-29 08:00", 0, "2028-03-29", "2028-05-29"},
		{"over New Year", "eu-gdpr-eprivacy", Copy, "Europe/Vienna", "2026-12-31 23:59", 0, "2027-02-01", "2027-03-31"}, // 31 January is a Sunday
		{"a month that does not roll", "fo-2020", Access, "Atlantic/Faroe", "2026-03-05 10:00", 0, "2026-04-05", ""},
		{"weeks", "gl-2016", Access, "America/Nuuk", "2026-03-05 10:00", 0, "2026-04-02", ""},
		{"days over the change to summer time", "us-ca-ccpa", Access, "America/Los_Angeles", "2026-02-20 23:30", 0, "2026-04-06", "2026-05-21"},
		{"days over the change to winter time", "us-ca-ccpa", Erasure, "America/Los_Angeles", "2026-10-01 00:10", 0, "2026-11-15", "2026-12-30"},
		{"business days", "us-ca-ccpa", DoNotSell, "America/Los_Angeles", "2026-11-20 09:00", 0, "2026-12-11", ""}, // a Friday
		{"business days from a Saturday", "us-ca-ccpa", Limit, "America/Los_Angeles", "2026-11-21 09:00", 0, "2026-12-11", ""},
		{"once a year", "us-ca-ccpa", Disclosure, "America/Los_Angeles", "2026-11-21 09:00", 0, "2026-12-21", ""},
		{"business days, extended", "mx-lfpdppp", Access, "America/Mexico_City", "2026-11-02 09:00", 0, "2026-11-30", "2026-12-28"},
		{"differs by kind", "ke-dpa", Erasure, "Africa/Nairobi", "2026-11-02 09:00", 0, "2026-11-16", ""},
		{"and does not", "ke-dpa", Access, "Africa/Nairobi", "2026-11-02 09:00", 0, "2026-11-09", ""},
		{"no figure in the law", "jp-appi", Access, "Asia/Tokyo", "2026-11-02 09:00", 0, "2026-12-02", ""},
		{"a promise sooner than the law", "us-ca-ccpa", Access, "America/Los_Angeles", "2026-11-02 09:00", 30, "2026-12-02", "2027-01-31"},
		{"a promise later than the law", "eu-gdpr-eprivacy", Access, "Europe/Vienna", "2026-11-02 09:00", 45, "2026-12-02", "2027-02-02"},
		{"a day without a midnight", "cl-19628", Access, "America/Santiago", "2026-09-03 12:00", 0, "2026-09-07", ""},
		{"unknown region", "default-strict", Access, "UTC", "2026-11-02 09:00", 0, "2026-11-17", ""},
	} {
		z := zone(t, tt.zone)
		received, err := time.ParseInLocation(minute, tt.received, z)
		if err != nil {
			t.Fatal(err)
		}
		row, ok := table.Row(tt.row)
		if !ok {
			t.Fatalf("no row %s", tt.row)
		}
		got := r.Deadline(regime.Ruling{Row: row}, tt.kind, received.UTC(), z, tt.promise)
		if last := got.Due.Add(-time.Nanosecond).In(z).Format(day); last != tt.last {
			t.Errorf("%s: due until the end of %s, want %s", tt.what, last, tt.last)
		}
		if h, m, s := got.Due.In(z).Clock(); h+m+s != 0 && tt.zone != "America/Santiago" {
			t.Errorf("%s: ends at %d:%d:%d, not at midnight", tt.what, h, m, s)
		}
		longer := ""
		if !got.Longer.IsZero() {
			longer = got.Longer.Add(-time.Nanosecond).In(z).Format(day)
		}
		if longer != tt.longer {
			t.Errorf("%s: extended until %q, want %q", tt.what, longer, tt.longer)
		}
		if got.Promised != (tt.what == "a promise sooner than the law") {
			t.Errorf("%s: promised is %v", tt.what, got.Promised)
		}
		if got.Due.After(got.LawDue) || (!got.Longer.IsZero() && !got.Longer.After(got.LawDue)) {
			t.Errorf("%s: %+v", tt.what, got)
		}
	}
}

// Hours are hours, whatever the clock on the wall does.
func TestDeadlineInHours(t *testing.T) {
	r, table := rights(t)
	row, _ := table.Row("id-pdp")
	received := time.Date(2026, 3, 28, 20, 15, 0, 0, zone(t, "Europe/Vienna")) // the night of the change
	got := r.Deadline(regime.Ruling{Row: row}, Access, received, zone(t, "Europe/Vienna"), 0)
	if got.Due.Sub(received) != 72*time.Hour {
		t.Errorf("%v after %v", got.Due, received)
	}
}

// The law that asks soonest counts, wherever it is found.
func TestDeadlineOfSeveralRows(t *testing.T) {
	r, table := rights(t)
	eu, _ := table.Row("eu-gdpr-eprivacy")
	texas, _ := table.Row("us-tx-tdpsa")
	received := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	ruling := regime.Ruling{Row: texas, Others: []*regime.Row{eu}}
	for kind, law := range map[Kind]string{Access: "eu-gdpr-eprivacy", Restriction: "eu-gdpr-eprivacy", DoNotSell: "us-tx-tdpsa"} {
		if got := r.Deadline(ruling, kind, received, time.UTC, 0); got.Law != law {
			t.Errorf("%s is due by %s, want %s", kind, got.Law, law)
		}
	}
	offered := r.Offered(ruling)
	for _, kind := range []Kind{Access, Restriction, Objection, DoNotSell} {
		if !slices.Contains(offered, kind) {
			t.Errorf("%s is not offered, though one of the rows gives it", kind)
		}
	}
	if slices.Contains(offered, Disclosure) {
		t.Error("what California alone gives is offered in Texas")
	}
}

// Every region is offered something, those that nobody knows most.
func TestOffered(t *testing.T) {
	r, table := rights(t)
	for _, row := range table.Rows {
		offered := r.Offered(regime.Ruling{Row: row})
		if !slices.Contains(offered, Access) || !slices.Contains(offered, Erasure) {
			t.Errorf("%s: %v", row.ID, offered)
		}
	}
	today := regime.DayOf(time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC))
	for place, want := range map[regime.Visitor]Kind{
		{}: Restriction, {Country: "DE"}: Portability, {Country: "US", Subdivision: "CA", Certain: true}: Disclosure, {Country: "US"}: Disclosure,
	} {
		if !slices.Contains(r.Offered(table.For(place, "", regime.Cautious, today)), want) {
			t.Errorf("%+v: %s is not offered", place, want)
		}
	}
}
