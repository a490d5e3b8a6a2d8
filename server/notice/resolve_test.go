package notice

import "testing"

// The same table stands in banner/test/unit/decide.test.mjs: page and server
// must never judge differently.
func TestWhatMayLoadFollowsDecisionLawAndSignal(t *testing.T) {
	n := &Notice{
		Categories: []Category{{Key: "necessary", Like: Necessary}, {Key: "preferences", Like: Preferences},
			{Key: "analytics", Like: Analytics}, {Key: "marketing", Like: Marketing}, {Key: "social", Like: Marketing}},
		Vendors: []Vendor{{Key: "shop", Category: "necessary"}, {Key: "video", Category: "preferences"},
			{Key: "counter", Category: "analytics"}, {Key: "ads", Category: "marketing"}},
	}
	said := func(c Choices) *Standing { return &Standing{Choices: c} }
	implied := func(c Choices) *Standing { return &Standing{Choices: c, Implied: true} }
	underSignal := func(c Choices) *Standing { return &Standing{Choices: c, Signal: true} }
	for _, tt := range []struct {
		models  string
		signal  bool
		decided *Standing
		want    Choices
		why     string
	}{
		{"-iiii", false, nil, "10000.1000", "opt-in: off until asked"},
		{"-oooo", false, nil, "11111.1111", "opt-out: on until objected"},
		{"-nnnn", false, nil, "11111.1111", "notice: on"},
		{"-----", false, nil, "11111.1111", "no law: on"},
		{"-ioon", false, nil, "10111.1011", "by category"},
		{"-????", false, nil, "10000.1000", "a model that can't be read is opt-in"},
		{"-", false, nil, "10000.1000", "one that is missing too"},
		{"", false, nil, "10000.1000", "what is necessary needs no model"},
		{"-oooo", true, nil, "11100.1110", "a signal turns off all that is like marketing"},
		{"-nnnn", true, nil, "11100.1110", "under a notice too"},
		{"-----", true, nil, "11100.1110", "and where there is no law"},
		{"-iiii", false, said("11010.----"), "11010.1101", "a decision counts"},
		{"-iiii", false, said("1111-.----"), "11110.1111", "not asked is off under opt-in"},
		{"-oooo", false, said("1110-.----"), "11101.1110", "and on under opt-out"},
		{"-oooo", false, said("10000.----"), "10000.1000", "a refusal counts everywhere"},
		{"-----", false, said("10000.----"), "10000.1000", "also where there is no law"},
		{"-iiii", false, said("00000.0---"), "10000.1000", "what is necessary can't be refused"},
		{"-iiii", false, said("11111.---0"), "11111.1110", "a vendor may be refused alone"},
		{"-iiii", false, said("10000.---1"), "10000.1001", "or granted alone"},
		{"-iiii", false, implied("11111.----"), "10000.1000", "an implied grant is none under opt-in"},
		{"-iiii", false, implied("10000.---1"), "10000.1000", "for a vendor neither"},
		{"-oooo", false, implied("11111.----"), "11111.1111", "it is one under opt-out"},
		{"-iiii", true, said("11111.----"), "11100.1110", "a signal outranks a grant given without it"},
		{"-iiii", true, said("11111.---1"), "11100.1110", "a vendor's too"},
		{"-iiii", true, underSignal("11111.----"), "11111.1111", "not one given under it"},
		{"-oooo", true, underSignal("1----.----"), "11100.1110", "and silence under it is no grant"},
		{"-oooo", false, said("1_111.----"), "10111.1011", "what is open is off, whatever the law"},
		{"-oooo", false, said("11111.---_"), "11111.1110", "a vendor that is open too"},
		{"-iiii", false, said("11_11.--_1"), "11011.1101", "and under opt-in"},
		{"-iiii", false, said("11111.---"), "10000.1000", "choices of another notice are none"},
		{"-iiii", false, said(""), "10000.1000", "nor are none at all"},
		{"-iiii", false, said("11111.1110"), "11111.1110", "the long form says the same"},
	} {
		if got := n.Resolve(tt.models, tt.decided, tt.signal); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.why, got, tt.want)
		}
	}
}

func TestAVendorWithoutItsCategoryNeverLoads(t *testing.T) {
	n := &Notice{Vendors: []Vendor{{Key: "lost", Category: "gone"}}}
	if got := n.Resolve("", &Standing{Choices: ".1"}, false); got != ".0" {
		t.Errorf("%q", got)
	}
}
