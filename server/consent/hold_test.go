package consent

import (
	"maps"
	"slices"
	"testing"
	"time"
)

// How long a decision counts: the notice's months for what was granted, at least
// the law's for what was refused.
func TestARefusalRestsAsLongAsTheLawSays(t *testing.T) {
	all, none := map[string]bool{"preferences": true, "analytics": true, "marketing": true}, map[string]bool{"preferences": false, "analytics": false, "marketing": false}
	some := map[string]bool{"preferences": true, "analytics": false, "marketing": false}
	for _, tt := range []struct {
		name            string
		validity, reask int
		action          Action
		categories      map[string]bool
		ends, rests     string // rests: where later than ends
	}{
		{"yes in the Union", 6, 6, AcceptAll, all, "2027-05-21", ""},
		{"no in the Union", 6, 6, RejectAll, none, "2027-05-21", ""},
		{"some in the Union", 6, 6, Save, some, "2027-05-21", ""},
		{"yes in California", 6, 12, AcceptAll, all, "2027-05-21", ""},
		{"no in California", 6, 12, RejectAll, none, "2027-11-21", ""},
		{"some in California", 6, 12, Save, some, "2027-05-21", "2027-11-21"},
		{"withdrawal in California", 6, 12, Withdraw, none, "2027-11-21", ""},
		{"no in Colorado", 6, 24, RejectAll, none, "2028-11-21", ""},
		{"no, and the site asks rarely", 12, 6, RejectAll, none, "2027-11-21", ""},
		{"no, and the site asks often", 1, 6, RejectAll, none, "2027-05-21", ""},
		{"some, and the site asks often", 1, 6, Save, some, "2026-12-21", "2027-05-21"},
		{"no, and the law names no figure", 3, 0, RejectAll, none, "2027-02-21", ""},
		{"yes, for the longest", 13, 24, AcceptAll, all, "2027-12-21", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q, token := question(t, inEurope)
			q.Notice.Validity, q.Reask = tt.validity, tt.reask
			d := decisionFor(token, "a")
			d.Action, d.Categories, d.Vendors = tt.action, tt.categories, nil
			e, core, _ := sealedAt(t, draftOf(t, d, q), nil, noon)
			day := func(ms int64) string {
				if ms == 0 {
					return ""
				}
				return time.UnixMilli(ms).UTC().Format(time.DateOnly)
			}
			if got := [2]string{day(core.ValidUntil), day(core.RefusalsUntil)}; got != [2]string{tt.ends, tt.rests} {
				t.Errorf("ends %s, rests %s; want %s, %s", got[0], got[1], tt.ends, tt.rests)
			}
			receipt, err := EncodeReceipt(e)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Verify(receipt, newTestKey(7).keys()); err != nil {
				t.Error(err)
			}
		})
	}
}

// What is granted besides is not prolonged by a placeholder, a question about one
// new vendor, or a signal.
func TestADecisionInPartProlongsNothing(t *testing.T) {
	q, token := question(t, inEurope)
	before := decisionFor(token, "a")
	before.Categories, before.Vendors = map[string]bool{"preferences": true, "analytics": true, "marketing": false}, nil
	first, old, _ := sealedAt(t, draftOf(t, before, q), nil, noon)
	later := noon.AddDate(0, 2, 0)
	months := func(core Core) [2]int64 { return [2]int64{core.ValidUntil, core.RefusalsUntil} }
	fresh, rest := addMonths(later, 6).UnixMilli(), addMonths(later, 6).UnixMilli()
	for _, tt := range []struct {
		name       string
		action     Action
		surface    Surface
		categories map[string]bool
		vendors    map[string]bool
		want       [2]int64
	}{
		{"everything, in the settings", Save, OnSettings, before.Categories, nil, [2]int64{fresh, 0}},
		{"a placeholder", Save, OnPlaceholder, before.Categories, map[string]bool{"meta": true}, [2]int64{old.ValidUntil, rest}},
		{"what is new", Save, OnBanner, before.Categories, map[string]bool{"ads": false}, [2]int64{old.ValidUntil, rest}},
		{"a signal", Signal, OnSignal, before.Categories, nil, [2]int64{old.ValidUntil, rest}},
		{"what was never granted", Save, OnPlaceholder, map[string]bool{"marketing": true}, nil, [2]int64{fresh, 0}},
		{"no more", Save, OnAPI, map[string]bool{"preferences": false, "analytics": false}, nil, [2]int64{rest, 0}},
	} {
		d := before
		d.ID, d.Action, d.Surface, d.Categories, d.Vendors, d.GPC = "b", tt.action, tt.surface, tt.categories, tt.vendors, tt.action == Signal
		draft := draftOf(t, d, q)
		if _, core, _ := sealedAt(t, draft, first, later); months(core) != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, months(core), tt.want)
		}
		if _, core, _ := sealedAt(t, draft, first, noon.AddDate(0, 7, 0)); core.ValidUntil <= noon.AddDate(0, 7, 0).UnixMilli() {
			t.Errorf("%s, after the former one has ended: it ends before it begins", tt.name)
		}
	}
}

// A note about a changed policy may be read anywhere, and chooses nothing.
func TestAChangeIsOnlyRead(t *testing.T) {
	q, token := question(t, inEurope)
	d := decisionFor(token, "a")
	d.Action, d.Surface, d.Categories, d.Vendors = Acknowledge, OnChange, map[string]bool{}, map[string]bool{}
	_, core, _ := sealedAt(t, draftOf(t, d, q), nil, noon)
	if core.State != Acknowledged || core.Basis != Implied || core.Policies["privacy"].Number != 3 || !maps.Equal(core.Categories, choices(NotAsked, NotAsked, NotAsked)) {
		t.Errorf("%+v", core)
	}
	for text, ok := range map[string]bool{
		`{"id":"a","token":"1.x","categories":{},"action":"acknowledge","surface":"change","at":1}`:                true,
		`{"id":"a","token":"1.x","categories":{"ads":true},"action":"acknowledge","surface":"change","at":1}`:      false,
		`{"id":"a","token":"1.x","categories":{"ads":true},"action":"save","surface":"change","at":1}`:             false,
		`{"id":"a","token":"1.x","categories":{},"action":"acknowledge","surface":"change","open":["ads"],"at":1}`: false,
	} {
		if _, err := Decode([]byte(text)); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// A vendor that joined a granted category and was not asked about is recorded so.
func TestAnOpenVendorIsNotGranted(t *testing.T) {
	q, token := question(t, inEurope)
	d := decisionFor(token, "a")
	d.Surface, d.Categories, d.Vendors, d.Open = OnPlaceholder, map[string]bool{"analytics": true, "marketing": true}, nil, []string{"ads"}
	core := draftOf(t, d, q).core
	if want := map[string]Choice{"ga4": Granted, "meta": Granted, "ads": NotAsked}; !maps.Equal(core.Vendors, want) {
		t.Errorf("vendors %v", core.Vendors)
	}
	d.Open = []string{"pay", "x"}
	if _, err := Prepare(d, q); !slices.Equal(problemPaths(t, err), []string{"open", "open"}) {
		t.Errorf("unknown vendors: %v", err)
	}
	for text, ok := range map[string]bool{
		`,"open":["ads","meta"]`: true, `,"open":[]`: true, `,"open":["ads","ads"]`: false, `,"open":"ads"`: false, `,"open":[1]`: false,
		`,"open":["__proto__"]`: false, `,"open":[["ads"]]`: false, `,"open":["ads"],"vendors":{"ads":true}`: false, `,"open":null`: false,
	} {
		if _, err := Decode(decisionText(text)); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}
