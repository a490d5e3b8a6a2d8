package regime

import (
	"slices"
	"testing"
)

func ids(rows []*Row) (list []string) {
	for _, r := range rows {
		list = append(list, r.ID)
	}
	return list
}

func TestFor(t *testing.T) {
	in, out, note := OptIn, OptOut, Notice
	tests := []struct {
		name          string
		visitor       Visitor
		establishment string
		posture       Posture
		row           string
		others        []string
		models        Models
		gpc, link     bool
	}{
		{"a visitor where the controller is", Visitor{Country: "DE"}, "DE", Cautious, "eu-gdpr-eprivacy", nil, Models{in, in, in}, false, false},
		{"nothing known", Visitor{}, "", Floor, "default-strict", nil, Models{in, in, in}, true, true},

		{"Texas for certain", Visitor{"US", "TX", true}, "", Cautious, "us-tx-tdpsa", nil, Models{note, out, out}, true, false},
		{"Utah for certain, at the floor", Visitor{"US", "UT", true}, "", Floor, "us-ut-ucpa", nil, Models{note, note, out}, false, false},
		{"Texas by a guess", Visitor{Country: "US", Subdivision: "TX"}, "", Cautious, "us-unknown-state", []string{"us-tx-tdpsa"}, Models{note, in, in}, true, true},
		{"Utah by a guess, at the floor", Visitor{Country: "US", Subdivision: "UT"}, "", Floor, "us-unknown-state", []string{"us-ut-ucpa"}, Models{note, out, out}, true, true},
		{"California by a guess", Visitor{Country: "US", Subdivision: "CA"}, "", Cautious, "us-ca-ccpa", []string{"us-unknown-state"}, Models{note, in, in}, true, true},
		{"no state", Visitor{Country: "US"}, "", Cautious, "us-unknown-state", nil, Models{note, in, in}, true, true},
		{"a state that is none, for certain", Visitor{"US", "ZZ", true}, "", Floor, "us-unknown-state", nil, Models{note, out, out}, true, true},
		{"Puerto Rico by a guess", Visitor{Country: "US", Subdivision: "PR"}, "", Floor, "us-unknown-state", []string{"us-other"}, Models{note, out, out}, true, true},
		{"Ontario by a guess, at the floor", Visitor{Country: "CA", Subdivision: "ON"}, "", Floor, "ca-qc-law25", []string{"ca-pipeda"}, Models{note, in, in}, false, false},
		{"Ontario for certain, at the floor", Visitor{"CA", "ON", true}, "", Floor, "ca-pipeda", nil, Models{note, out, out}, false, false},
		{"a guess in a country of one law", Visitor{Country: "CH", Subdivision: "ZH"}, "", Floor, "ch-revfadp", nil, Models{note, out, out}, false, false},

		{"a German controller, Texas", Visitor{"US", "TX", true}, "DE", Cautious, "eu-gdpr-eprivacy", []string{"us-tx-tdpsa"}, Models{in, in, in}, true, false},
		{"a German controller, California", Visitor{"US", "CA", true}, "DE", Floor, "eu-gdpr-eprivacy", []string{"us-ca-ccpa"}, Models{in, in, in}, true, true},
		{"a Norwegian controller, New Zealand", Visitor{Country: "NZ"}, "NO", Cautious, "eu-gdpr-eprivacy", []string{"nz-privacy-act"}, Models{in, in, in}, false, false},
		{"a German controller, a guess of Texas", Visitor{Country: "US", Subdivision: "TX"}, "DE", Cautious, "eu-gdpr-eprivacy", []string{"us-unknown-state", "us-tx-tdpsa"}, Models{in, in, in}, true, true},
		{"a German controller, Brazil: as strict alone", Visitor{Country: "BR"}, "DE", Cautious, "br-lgpd", []string{"eu-gdpr-eprivacy"}, Models{in, in, in}, false, false},
		{"a German controller, Brazil at the floor", Visitor{Country: "BR"}, "DE", Floor, "eu-gdpr-eprivacy", []string{"br-lgpd"}, Models{in, in, in}, false, false},
		{"a British controller, New Zealand at the floor", Visitor{Country: "NZ"}, "GB", Floor, "uk-gdpr-pecr", []string{"nz-privacy-act"}, Models{out, out, in}, false, false},
		{"a British controller spelt UK", Visitor{Country: "NZ"}, "UK", Floor, "uk-gdpr-pecr", []string{"nz-privacy-act"}, Models{out, out, in}, false, false},
		{"a British controller, Germany: the visitor's is stricter", Visitor{Country: "DE"}, "GB", Floor, "eu-gdpr-eprivacy", []string{"uk-gdpr-pecr"}, Models{in, in, in}, false, false},
		{"neither asks for all: the visitor's own governs", Visitor{Country: "TH"}, "GB", Floor, "th-pdpa", []string{"uk-gdpr-pecr"}, Models{out, in, in}, false, false},

		{"an American controller, Germany", Visitor{Country: "DE"}, "US", Cautious, "eu-gdpr-eprivacy", nil, Models{in, in, in}, false, false},
		{"an American controller, New Zealand", Visitor{Country: "NZ"}, "US", Cautious, "nz-privacy-act", nil, Models{note, out, out}, false, false},
		{"a Swiss controller, New Zealand", Visitor{Country: "NZ"}, "CH", Cautious, "nz-privacy-act", nil, Models{note, out, out}, false, false},
		{"a word that is no posture", Visitor{"US", "CA", true}, "", "lenient", "us-ca-ccpa", nil, Models{note, in, in}, true, true},
	}
	table := load(t)
	for _, test := range tests {
		got := table.For(test.visitor, test.establishment, test.posture, today)
		if got.Row.ID != test.row || !slices.Equal(ids(got.Others), test.others) || got.Models != test.models || got.GPC() != test.gpc || got.Link() != test.link {
			t.Errorf("%s: %s with %v asks %v, GPC %v, link %v\nwant %s with %v, %v, %v, %v",
				test.name, got.Row.ID, ids(got.Others), got.Models, got.GPC(), got.Link(), test.row, test.others, test.models, test.gpc, test.link)
		}
	}
}

// For every place, establishment and posture: nothing is laxer than any row that
// applies, and a guess is never laxer than not knowing.
func TestForIsNeverLaxer(t *testing.T) {
	table := load(t)
	for _, day := range []Day{today, 20261201, 20270101, 20270513, 20280101} {
		for _, posture := range []Posture{Cautious, Floor} {
			for _, code := range iso(t) {
				guess := Visitor{Country: code[0], Subdivision: code[1]}
				certain := guess
				certain.Certain = true
				plain := table.For(guess, "", posture, day)
				somewhere := table.For(Visitor{Country: code[0]}, "", posture, day)
				if _, differs := table.fallbacks[code[0]]; differs && !plain.Models.covers(somewhere.Models) {
					t.Errorf("a guess of %s asks %v, its country with the state unknown %v", code, plain.Models, somewhere.Models)
				}
				if !plain.Models.covers(table.For(certain, "", posture, day).Models) {
					t.Errorf("a guess of %s is laxer than certainty", code)
				}
				for _, establishment := range []string{"FR", "IS", "GB", "US", "BR", "??"} {
					got := table.For(guess, establishment, posture, day)
					for _, row := range append([]*Row{got.Row, table.Of(code[0], code[1], day)}, got.Others...) {
						if !got.Models.covers(row.Models(posture)) || row.GPC(day) && !got.GPC() || row.Link() && !got.Link() {
							t.Errorf("%s with a controller in %s: %v is laxer than %s", code, establishment, got.Models, row.ID)
						}
					}
					if !got.Models.covers(plain.Models) {
						t.Errorf("%s: a controller in %s makes it laxer", code, establishment)
					}
				}
				if got := table.For(guess, "FR", posture, day).Models; got != (Models{OptIn, OptIn, OptIn}) {
					t.Errorf("a French controller asks %v of %s", got, code)
				}
			}
		}
	}
}

func TestForAllocatesNothing(t *testing.T) {
	table := load(t)
	if n := testing.AllocsPerRun(100, func() { table.For(Visitor{"US", "CA", true}, "US", Cautious, today) }); n != 0 {
		t.Errorf("%v allocations where one row applies", n)
	}
}
