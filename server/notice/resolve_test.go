package notice

import (
	"encoding/json"
	"os"
	"testing"
)

// testdata/resolve.json is what the page is tested by too
// (banner/test/unit/decide.test.mjs): both must never judge differently.
func TestWhatMayLoadFollowsDecisionLawAndSignal(t *testing.T) {
	var table struct {
		Categories, Vendors [][2]string
		Cases               []struct {
			Why, Models string
			Signal      bool
			Choices     *Choices
			Implied     bool
			UnderSignal bool `json:"under_signal"`
			Want        Choices
		}
		Foreign []Choices
	}
	b, err := os.ReadFile("testdata/resolve.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &table); err != nil {
		t.Fatal(err)
	}
	n := &Notice{}
	for _, c := range table.Categories {
		n.Categories = append(n.Categories, Category{Key: c[0], Like: c[1]})
	}
	for _, v := range table.Vendors {
		n.Vendors = append(n.Vendors, Vendor{Key: v[0], Category: v[1]})
	}
	undecided := 0
	for _, tt := range table.Cases {
		if tt.Choices != nil {
			decided := &Standing{Choices: *tt.Choices, Implied: tt.Implied, Signal: tt.UnderSignal}
			if got := n.Resolve(tt.Models, decided, tt.Signal); got != tt.Want {
				t.Errorf("%s: %s, want %s", tt.Why, got, tt.Want)
			}
			continue
		}
		undecided++
		if got := n.Resolve(tt.Models, nil, tt.Signal); got != tt.Want {
			t.Errorf("%s: %s, want %s", tt.Why, got, tt.Want)
		}
		for _, choices := range table.Foreign {
			if got := n.Resolve(tt.Models, &Standing{Choices: choices}, tt.Signal); got != tt.Want {
				t.Errorf("%s, with the choices %q of another notice: %s, want %s", tt.Why, choices, got, tt.Want)
			}
		}
	}
	if undecided == 0 || len(table.Cases) < 40 || len(table.Foreign) == 0 {
		t.Errorf("%d cases, %d without a decision, %d foreign: the table is not whole", len(table.Cases), undecided, len(table.Foreign))
	}
}

func TestAVendorWithoutItsCategoryNeverLoads(t *testing.T) {
	n := &Notice{Vendors: []Vendor{{Key: "lost", Category: "gone"}}}
	if got := n.Resolve("", &Standing{Choices: ".1"}, false); got != ".0" {
		t.Errorf("%q", got)
	}
}
