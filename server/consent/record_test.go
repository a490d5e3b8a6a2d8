package consent

import (
	"bytes"
	"errors"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/regime"
)

func TestPrepareFindsEverythingThatIsWrong(t *testing.T) {
	tests := map[string]struct {
		models map[string]regime.Model
		change func(*Decision)
		paths  []string
	}{
		"unknown category":   {inEurope, func(d *Decision) { d.Categories["spying"] = true }, []string{"categories.spying"}},
		"necessary":          {inEurope, func(d *Decision) { d.Categories["necessary"] = true }, []string{"categories.necessary"}},
		"necessary by kind":  {inEurope, func(d *Decision) { d.Categories["security"] = false }, []string{"categories.security"}},
		"unknown vendors":    {inEurope, func(d *Decision) { d.Vendors = map[string]bool{"x": true, "pay": true} }, []string{"vendors.pay", "vendors.x"}},
		"all at once":        {inEurope, func(d *Decision) { d.Categories["x"], d.Vendors["y"] = true, true }, []string{"categories.x", "vendors.y"}},
		"nothing":            {inEurope, func(d *Decision) { d.Categories, d.Vendors = nil, nil }, []string{"categories"}},
		"reading in Europe":  {inEurope, func(d *Decision) { d.Action, d.Categories, d.Vendors = Acknowledge, nil, nil }, []string{"action"}},
		"reading where some": {inConn, func(d *Decision) { d.Action, d.Categories, d.Vendors = Acknowledge, nil, nil }, []string{"action"}},
		"reading, no law":    {nil, func(d *Decision) { d.Action, d.Categories, d.Vendors = Acknowledge, nil, nil }, []string{"action"}},
		"signal that is off": {inCalifornia, func(d *Decision) { d.Action, d.Surface = Signal, OnSignal }, []string{"action"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			q, token := question(t, test.models)
			d := decisionFor(token, "a")
			test.change(&d)
			_, err := Prepare(d, q)
			if got := problemPaths(t, err); !slices.Equal(got, test.paths) {
				t.Errorf("problems at %q, want %q", got, test.paths)
			}
		})
	}
}

func TestPrepareRefusesAQuestionThatContradictsItself(t *testing.T) {
	for name, change := range map[string]func(*Question){
		"no notice":           func(q *Question) { q.Notice = nil },
		"notice of another":   func(q *Question) { q.Notice.Site = "other" },
		"experience of other": func(q *Question) { q.Experience.Site = "other" },
		"policy missing":      func(q *Question) { q.Policies = nil },
		"policy too many":     func(q *Question) { q.Policies["cookies"] = Policy{} },
		"another version":     func(q *Question) { q.Policies = map[string]Policy{"privacy": {Digest: digestOf("later")}} },
	} {
		q, token := question(t, inEurope)
		change(&q)
		if _, err := Prepare(decisionFor(token, "a"), q); err == nil {
			t.Errorf("%s: recorded", name)
		} else if _, blamed := errors.AsType[*Invalid](err); blamed {
			t.Errorf("%s: the visitor is blamed: %v", name, err)
		}
	}
}

func choices(preferences, analytics, marketing Choice) map[string]Choice {
	return map[string]Choice{"preferences": preferences, "analytics": analytics, "marketing": marketing}
}

func TestEveryCategoryAndVendorIsAccountedFor(t *testing.T) {
	tests := map[string]struct {
		categories, vendors map[string]bool
		wantCategories      map[string]Choice
		ga4, meta, ads      Choice
		state               State
	}{
		"all":             {map[string]bool{"preferences": true, "analytics": true, "marketing": true}, nil, choices(Granted, Granted, Granted), Granted, Granted, Granted, Given},
		"none":            {map[string]bool{"preferences": false, "analytics": false, "marketing": false}, nil, choices(Refused, Refused, Refused), Refused, Refused, Refused, AllRefused},
		"some":            {map[string]bool{"preferences": true, "analytics": false, "marketing": false}, nil, choices(Granted, Refused, Refused), Refused, Refused, Refused, Partial},
		"one asked":       {map[string]bool{"analytics": true}, nil, choices(NotAsked, Granted, NotAsked), Granted, NotAsked, NotAsked, Given},
		"vendor apart":    {map[string]bool{"marketing": true}, map[string]bool{"ads": false}, choices(NotAsked, NotAsked, Granted), NotAsked, Granted, Refused, Partial},
		"vendor alone":    {nil, map[string]bool{"meta": true}, choices(NotAsked, NotAsked, NotAsked), NotAsked, Granted, NotAsked, Given},
		"vendor against":  {map[string]bool{"marketing": false}, map[string]bool{"meta": true}, choices(NotAsked, NotAsked, Refused), NotAsked, Granted, Refused, Partial},
		"vendor refusing": {nil, map[string]bool{"meta": false}, choices(NotAsked, NotAsked, NotAsked), NotAsked, Refused, NotAsked, AllRefused},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			q, token := question(t, inEurope)
			d := decisionFor(token, "a")
			d.Categories, d.Vendors = test.categories, test.vendors
			core := draftOf(t, d, q).core
			if !maps.Equal(core.Categories, test.wantCategories) {
				t.Errorf("categories %v", core.Categories)
			}
			if want := map[string]Choice{"ga4": test.ga4, "meta": test.meta, "ads": test.ads}; !maps.Equal(core.Vendors, want) {
				t.Errorf("vendors %v, want %v", core.Vendors, want)
			}
			if core.State != test.state {
				t.Errorf("state %s, want %s", core.State, test.state)
			}
		})
	}
}

func TestBasis(t *testing.T) {
	all := map[string]bool{"preferences": true, "analytics": true, "marketing": true}
	none := map[string]bool{"preferences": false, "analytics": false, "marketing": false}
	tests := []struct {
		name       string
		models     map[string]regime.Model
		action     Action
		categories map[string]bool
		vendors    map[string]bool
		want       Basis
		consented  []string
	}{
		{"accept in Europe", inEurope, AcceptAll, all, nil, Explicit, []string{"preferences", "analytics", "marketing"}},
		{"reject in Europe", inEurope, RejectAll, none, nil, Explicit, nil},
		{"unknown law", nil, AcceptAll, all, nil, Explicit, []string{"preferences", "analytics", "marketing"}},
		{"accept in California", inCalifornia, AcceptAll, all, nil, Implied, nil},
		{"save in California", inCalifornia, Save, all, nil, Implied, nil},
		{"opt out in California", inCalifornia, Save, none, nil, Explicit, nil},
		{"withdraw in California", inCalifornia, Withdraw, none, nil, Explicit, nil},
		{"read in California", inCalifornia, Acknowledge, nil, nil, Implied, nil},
		{"read a notice", byNotice, Acknowledge, nil, nil, Implied, nil},
		{"signal", inCalifornia, Signal, none, nil, Implied, nil},
		{"signal in Europe", inEurope, Signal, none, nil, Implied, nil},
		{"accept where one is opt-in", inConn, AcceptAll, all, nil, Explicit, []string{"marketing"}},
		{"save the opt-out ones only", inConn, Save, map[string]bool{"analytics": true, "marketing": false}, nil, Implied, nil},
		{"one vendor that is opt-in", inConn, Save, nil, map[string]bool{"meta": true}, Explicit, nil},
		{"one vendor that is not", inConn, Save, nil, map[string]bool{"ga4": true}, Implied, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			q, token := question(t, test.models)
			q.GPCHeader = true
			d := decisionFor(token, "a")
			d.Action, d.Categories, d.Vendors = test.action, test.categories, test.vendors
			core := draftOf(t, d, q).core
			if core.Basis != test.want {
				t.Errorf("%s, want %s", core.Basis, test.want)
			}
			for _, key := range []string{"preferences", "analytics", "marketing", "necessary", "unheard"} {
				if got, want := core.Consented(key), slices.Contains(test.consented, key); got != want {
					t.Errorf("consented to %s: %v, want %v", key, got, want)
				}
			}
		})
	}
}

func sealedAt(t testing.TB, d Draft, previous *Entry, now time.Time) (*Entry, Core, Personal) {
	t.Helper()
	return sealedWith(t, d, previous, now, luckOf)
}

func sealedWith(t testing.TB, d Draft, previous *Entry, now time.Time, luckOf func([]byte, uint32) luck) (*Entry, Core, Personal) {
	t.Helper()
	random := make([]byte, luckSize)
	if _, err := rand.NewChaCha8([32]byte([]byte(d.request[:32]))).Read(random); err != nil { // its own for each decision
		t.Fatal(err)
	}
	luck := luckOf(random, minuteOf(now))
	e, said, err := seal(d, previous, now, &luck, newTestKey(7))
	if err != nil {
		t.Fatal(err)
	}
	core, err1 := ParseCore(e.Core)
	personal, err2 := ParsePersonal(e.Personal)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if !reflect.DeepEqual(core, *said) {
		t.Errorf("encoded %+v, and said %+v", core, *said)
	}
	if err := core.check(&personal); err != nil {
		t.Errorf("we sealed what we would not believe: %v", err)
	}
	return e, core, personal
}

func TestGivenAtIsClamped(t *testing.T) {
	q, token := question(t, inEurope)
	from := q.Served.From()
	for name, test := range map[string]struct{ at, now, want time.Time }{
		"as the page says":   {noon.Add(-time.Minute), noon, noon.Add(-time.Minute)},
		"back-dated":         {time.UnixMilli(978_307_200_000), noon, from},
		"before we served":   {from.Add(-time.Millisecond), noon, from},
		"post-dated":         {noon.Add(time.Hour), noon, noon},
		"in the year 287396": {time.UnixMilli(maxTime), noon, noon},
		"1970":               {time.UnixMilli(0), noon, from},
		// The node that records has a clock behind that of the node that served.
		"clocks apart": {from.Add(time.Minute), from.Add(-time.Minute), from.Add(-time.Minute)},
	} {
		d := decisionFor(token, "a")
		d.At = test.at.UnixMilli()
		_, core, _ := sealedAt(t, draftOf(t, d, q), nil, test.now)
		if core.GivenAt != test.want.UnixMilli() || core.ReceivedAt != test.now.UnixMilli() || core.TokenFrom != from.UnixMilli() {
			t.Errorf("%s: given %v, received %v, want given %v", name, time.UnixMilli(core.GivenAt), time.UnixMilli(core.ReceivedAt), test.want)
		}
	}
}

func TestValidityIsInCalendarMonths(t *testing.T) {
	for _, test := range []struct {
		from   string
		months int
		want   string
	}{
		{"2026-11-21T12:03:04.567Z", 6, "2027-05-21T12:03:04.567Z"},
		{"2026-08-31T00:00:00Z", 6, "2027-02-28T00:00:00Z"},
		{"2027-08-31T23:59:59.999Z", 6, "2028-02-29T23:59:59.999Z"},
		{"2028-02-29T10:00:00Z", 12, "2029-02-28T10:00:00Z"},
		{"2026-12-31T10:00:00Z", 13, "2028-01-31T10:00:00Z"},
		{"2026-03-29T02:30:00+02:00", 1, "2026-04-29T00:30:00Z"}, // no daylight saving in UTC
		{"9998-12-31T00:00:00Z", 2, "9999-02-28T00:00:00Z"},
	} {
		from, err := time.Parse(time.RFC3339, test.from)
		if err != nil {
			t.Fatal(err)
		}
		if got := addMonths(from, test.months).Format(time.RFC3339Nano); got != test.want {
			t.Errorf("%s and %d months: %s, want %s", test.from, test.months, got, test.want)
		}
	}
	for months, want := range map[int]string{-1: "2027-05-21", 0: "2027-05-21", 1: "2026-12-21", 13: "2027-12-21", 14: "2027-05-21"} {
		q, token := question(t, inEurope)
		q.Notice.Validity = months
		_, core, _ := sealedAt(t, draftOf(t, decisionFor(token, "a"), q), nil, noon)
		if got := time.UnixMilli(core.ValidUntil).UTC().Format(time.DateOnly); got != want {
			t.Errorf("validity of %d months ends %s, want %s", months, got, want)
		}
	}
}

func TestARecordContinuesItsSubject(t *testing.T) {
	first, core, personal := sealedAt(t, draftNamed(t, "one"), nil, noon)
	if core.Previous != "" || first.Previous != "" || first.Subject != personal.Subject {
		t.Errorf("the first: previous %q, subject %q and %q", core.Previous, first.Subject, personal.Subject)
	}
	second, core, again := sealedAt(t, draftNamed(t, "two"), first, noon)
	if core.Previous != first.ReceiptID || second.Previous != first.ReceiptID || again.Subject != personal.Subject || second.Subject != personal.Subject {
		t.Errorf("the second: previous %q, subject %q, want %q", core.Previous, again.Subject, personal.Subject)
	}
	less, err := Minimise(first)
	if err != nil {
		t.Fatal(err)
	}
	third, core, _ := sealedAt(t, draftNamed(t, "three"), less, noon)
	if core.Previous != "" || third.Previous != "" {
		t.Error("a record whose personal part was removed is linked again")
	}
}

func TestASignalGrantsNothing(t *testing.T) {
	q, token := question(t, inCalifornia)
	d := decisionFor(token, "a")
	d.Action, d.Surface, d.GPC = Signal, OnSignal, true
	d.Categories = map[string]bool{"preferences": true, "analytics": true, "marketing": false}
	d.Vendors = map[string]bool{"ads": true}
	draft := draftOf(t, d, q)
	_, core, _ := sealedAt(t, draft, nil, noon)
	if want := choices(NotAsked, NotAsked, Refused); !maps.Equal(core.Categories, want) || core.Vendors["ads"] != NotAsked || core.Vendors["ga4"] != NotAsked {
		t.Errorf("alone: %v, %v", core.Categories, core.Vendors)
	}
	// What somebody granted before stays granted, and only that.
	before := decisionFor(token, "b")
	before.Categories, before.Vendors = map[string]bool{"analytics": true, "preferences": false}, nil
	earlier, _, _ := sealedAt(t, draftOf(t, before, q), nil, noon)
	_, core, _ = sealedAt(t, draft, earlier, noon)
	if want := choices(NotAsked, Granted, Refused); !maps.Equal(core.Categories, want) || core.Vendors["ga4"] != Granted || core.Vendors["ads"] != NotAsked {
		t.Errorf("after a grant: %v, %v", core.Categories, core.Vendors)
	}
	if core.State != SignalApplied || core.Signals != (Signals{GPC: true}) {
		t.Errorf("%s, %+v", core.State, core.Signals)
	}
	// The draft is as it was: it may be recorded again.
	if draft.core.Categories["analytics"] != Granted {
		t.Error("sealing changed the draft")
	}
}

func TestCoreSaysWhatTheServerKnows(t *testing.T) {
	q, token := question(t, inCalifornia)
	q.Served.Region, q.Served.Source, q.GPCHeader = "", "none", true
	d := decisionFor(token, "a")
	d.DNT = true
	e, core, _ := sealedAt(t, draftOf(t, d, q), nil, noon)
	if core.Region != "-" || core.RegionSource != "none" || core.Signals != (Signals{GPCHeader: true, DNT: true}) ||
		core.Token != digestOf(token) || core.Experience != q.Served.Experience || core.Notice != digestOf("notice") ||
		core.Controller != q.Notice.Controller || core.Language != "de" || core.Policies["privacy"].Number != 3 {
		t.Errorf("core %+v", core)
	}
	if !maps.Equal(core.Models, inCalifornia) {
		t.Errorf("models %v", core.Models)
	}
	if !reflect.DeepEqual(e.Artifacts, q.Artifacts) {
		t.Error("the artifacts did not come along")
	}
}

func TestParseCoreTakesOnlyWhatEncodeMade(t *testing.T) {
	e, _, _ := sealedAt(t, draftNamed(t, "one"), nil, noon)
	for name, b := range map[string][]byte{
		"a space":       append([]byte(" "), e.Core...),
		"a member more": append([]byte(`{"a":1,`), e.Core[1:]...),
		"trailing":      append(slices.Clone(e.Core), '1'),
		"nothing":       nil,
		"null":          []byte("null"),
		"empty":         []byte("{}"),
	} {
		if _, err := ParseCore(b); err == nil {
			t.Errorf("%s: read", name)
		}
	}
}

// A record has a model for every category that was asked, the strictest where none is
// known, and none for others.
func TestModelsOfARecord(t *testing.T) {
	whole := map[string]regime.Model{"preferences": regime.OptOut, "analytics": regime.OptOut, "marketing": regime.OptIn}
	for name, test := range map[string]struct{ known, want map[string]regime.Model }{
		"all known":   {whole, whole},
		"none known":  {nil, map[string]regime.Model{"preferences": regime.OptIn, "analytics": regime.OptIn, "marketing": regime.OptIn}},
		"one empty":   {map[string]regime.Model{"preferences": regime.OptOut, "analytics": "", "marketing": regime.OptIn}, map[string]regime.Model{"preferences": regime.OptOut, "analytics": regime.OptIn, "marketing": regime.OptIn}},
		"another one": {map[string]regime.Model{"preferences": regime.OptOut, "sound": regime.OptOut, "marketing": regime.OptIn}, map[string]regime.Model{"preferences": regime.OptOut, "analytics": regime.OptIn, "marketing": regime.OptIn}},
		"one more":    {map[string]regime.Model{"preferences": regime.OptOut, "analytics": regime.OptOut, "marketing": regime.OptIn, "sound": regime.OptOut}, whole},
	} {
		q, token := question(t, test.known)
		if _, core, _ := sealedAt(t, draftOf(t, decisionFor(token, "one"), q), nil, noon); !maps.Equal(core.Models, test.want) {
			t.Errorf("%s: models %v, want %v", name, core.Models, test.want)
		}
	}
}

// A notice without policies has none in its records, which is not the same as null.
func TestARecordWithoutPolicies(t *testing.T) {
	q, token := question(t, inEurope)
	q.Policies, q.Experience.Policies = nil, nil
	e, _, _ := sealedAt(t, draftOf(t, decisionFor(token, "one"), q), nil, noon)
	if !bytes.Contains(e.Core, []byte(`"policies":{}`)) {
		t.Errorf("core %s", e.Core)
	}
}
