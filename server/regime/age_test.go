package regime

import "testing"

// How old somebody has to be is the most that any row asks which applies to him.
func TestAgeFor(t *testing.T) {
	table, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	day, err := ParseDay("2026-11-21")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		visitor       Visitor
		establishment string
		want          int
	}{
		{Visitor{Country: "DE"}, "", 16},
		{Visitor{Country: "AT"}, "", 14},
		{Visitor{Country: "AT"}, "DE", 14}, // one law, and its member states' ages are for their own children
		{Visitor{Country: "US", Subdivision: "CO", Certain: true}, "", 18},
		{Visitor{Country: "US", Subdivision: "TX", Certain: true}, "", 13},
		{Visitor{Country: "US", Subdivision: "TX"}, "", 18}, // a guess: as in the United States somewhere
		{Visitor{Country: "US", Subdivision: "TX", Certain: true}, "DE", 16},
		{Visitor{Country: "US", Subdivision: "TX", Certain: true}, "AT", 14},
		{Visitor{Country: "US", Subdivision: "TX", Certain: true}, "BR", 13}, // whose law does not follow it
		{Visitor{}, "", 18},
		{Visitor{Country: "XX"}, "AT", 18},
	} {
		if got := table.AgeFor(tt.visitor, tt.establishment, day); got != tt.want {
			t.Errorf("%+v, controller in %q: %d, want %d", tt.visitor, tt.establishment, got, tt.want)
		}
	}
}
