package regime

import (
	"testing"
	"time"
)

var words = []Model{OptIn, OptOut, Notice, None, "", "off", "OPT-OUT"}

func TestStricter(t *testing.T) {
	order := map[Model]int{OptIn: 3, OptOut: 2, Notice: 1, None: 0, "": 3, "off": 3, "OPT-OUT": 3}
	names := []Model{None, Notice, OptOut, OptIn}
	for _, a := range words {
		for _, b := range words {
			want := names[max(order[a], order[b])]
			if got := Stricter(a, b); got != want {
				t.Errorf("Stricter(%q, %q) = %q, want %q", a, b, got, want)
			}
		}
	}
}

func TestModelsOf(t *testing.T) {
	m := Models{Preferences: Notice, Analytics: OptOut, Marketing: None}
	for like, want := range map[string]Model{
		"necessary": None, "preferences": Notice, "analytics": OptOut, "marketing": None, "": OptIn, "social": OptIn, "Analytics": OptIn,
	} {
		if got := m.Of(like); got != want {
			t.Errorf("Of(%q) = %q, want %q", like, got, want)
		}
	}
	for _, like := range []string{"preferences", "analytics", "marketing"} {
		if got := (Models{}).Of(like); got != OptIn {
			t.Errorf("the zero Models ask %q of %s, want opt-in", got, like)
		}
	}
	if got := (Models{}).Stricter(m); got != (Models{OptIn, OptIn, OptIn}) {
		t.Errorf("the zero Models are laxer than something: %v", got)
	}
}

func TestDay(t *testing.T) {
	for text, next := range map[string]string{
		"2026-11-30": "2026-12-01", "2026-12-31": "2027-01-01", "2028-02-28": "2028-02-29",
		"2028-02-29": "2028-03-01", "2027-02-28": "2027-03-01", "2100-02-28": "2100-03-01",
	} {
		d, err := ParseDay(text)
		if err != nil {
			t.Fatal(err)
		}
		if d.String() != text || d.Next().String() != next || d >= d.Next() {
			t.Errorf("%s: String %s, Next %s, want %s", text, d, d.Next(), next)
		}
	}
	for _, text := range []string{"", "always", "2027-02-29", "2026-13-01", "2026-1-1", "2026-12-01T00:00:00Z", "20261201", " 2026-12-01"} {
		if d, err := ParseDay(text); err == nil {
			t.Errorf("ParseDay(%q) = %v, want an error", text, d)
		}
	}
	for _, d := range []Day{0, Always, 20261201} {
		text, err := d.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back Day
		if err := back.UnmarshalText(text); err != nil || back != d {
			t.Errorf("%q is read back as %v, %v", text, back, err)
		}
	}
	var d Day
	if err := d.UnmarshalText([]byte("soon")); err == nil {
		t.Error(`"soon" was read as a day`)
	}
	santiago := time.FixedZone("", -3*3600)
	turn := time.Date(2026, 12, 1, 1, 0, 0, 0, time.UTC)
	if DayOf(turn) != 20261201 || DayOf(turn.In(santiago)) != 20261130 {
		t.Errorf("DayOf = %v, in Santiago %v", DayOf(turn), DayOf(turn.In(santiago)))
	}
	if !Day(0).Time().IsZero() || !Always.Time().IsZero() || Always.Next() != Always || Day(0).Next() != 0 {
		t.Error("no day and always have no time and no next day")
	}
}

func TestSpan(t *testing.T) {
	for text, want := range map[string]Span{
		"": {}, "1 month": {1, Months}, "45 days": {45, Days}, "20 business days": {20, BusinessDays}, "72 hours": {72, Hours}, "4 weeks": {4, Weeks},
	} {
		var s Span
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%q is read as %v, %v", text, s, err)
		}
		if back, _ := want.MarshalText(); string(back) != text {
			t.Errorf("%v is written as %q, want %q", want, back, text)
		}
	}
	for _, text := range []string{"45", "45 day", "1 months", "0 days", "-1 days", "45  days", "45 years", "days", "+45 days", "045 days"} {
		var s Span
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was read as %v", text, s)
		}
	}
}
