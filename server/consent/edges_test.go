package consent

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/regime"
)

// What a decision says is taken up to its limits, and not beyond.
func TestDecodeAtItsLimits(t *testing.T) {
	const base = `"id":"a","token":"1","categories":{"a":true},"action":"save","surface":"settings","at":1`
	swap := func(old, with string) string { return "{" + strings.Replace(base, old, with, 1) + "}" }
	with := func(more string) string { return "{" + base + "," + more + "}" }
	open := func(n int) string {
		keys := make([]string, n)
		for i := range keys {
			keys[i] = fmt.Sprintf("%q", fmt.Sprint("v", i))
		}
		return with(`"open":[` + strings.Join(keys, ",") + `]`)
	}
	long := strings.Repeat("x", 41)
	for name, test := range map[string]struct {
		body  string
		paths []string
	}{
		"the longest token":             {swap(`"token":"1"`, `"token":"`+strings.Repeat("t", maxToken)+`"`), nil},
		"a longer one":                  {swap(`"token":"1"`, `"token":"`+strings.Repeat("t", maxToken+1)+`"`), []string{"token"}},
		"no token":                      {swap(`"token":"1"`, `"token":""`), []string{"token"}},
		"the first moment":              {swap(`"at":1`, `"at":0`), nil},
		"the last moment":               {swap(`"at":1`, `"at":9007199254740991`), nil},
		"one later":                     {swap(`"at":1`, `"at":9007199254740992`), []string{"at"}},
		"no number, and behind it":      {swap(`"at":1`, `"at":[{"b":1,"b":2}],"gpc":1`), []string{"at", "at.b", "gpc"}},
		"an age":                        {with(`"of_age":16`), nil},
		"the least":                     {with(`"of_age":1`), nil},
		"the highest":                   {with(`"of_age":21`), nil},
		"none":                          {with(`"of_age":0`), []string{"of_age"}},
		"too high":                      {with(`"of_age":22`), []string{"of_age"}},
		"a part of a year":              {with(`"of_age":1.5`), []string{"of_age"}},
		"an age in words, and behind":   {with(`"of_age":{"b":1,"b":2},"gpc":1`), []string{"of_age", "of_age.b", "gpc"}},
		"who grants nothing has no age": {swap(`true`, `false`)[:len(swap(`true`, `false`))-1] + `,"of_age":16}`, []string{"of_age"}},
		"nor has a signal":              {`{"id":"a","token":"1","categories":{"a":true},"action":"signal","surface":"signal","at":1,"gpc":true,"of_age":16}`, []string{"of_age"}},
		"an id of all there may be":     {swap(`"id":"a"`, `"id":"aZ09_-`+strings.Repeat("x", 58)+`"`), nil},
		"a key of all there may be":     {swap(`"a":true`, `"aZ09_.-`+strings.Repeat("x", 57)+`":true`), nil},
		"a key that is longer":          {with(`"open":["` + strings.Repeat("x", 65) + `"]`), []string{"open"}},
		"an open vendor":                {with(`"open":["v"]`), nil},
		"one that was decided":          {with(`"vendors":{"v":true},"open":["v"]`), []string{"open"}},
		"twice":                         {with(`"open":["v","v"]`), []string{"open"}},
		"of no name":                    {with(`"open":["__proto__"]`), []string{"open"}},
		"of a name with a meaning":      {with(`"open":["constructor"]`), []string{"open"}},
		"as many as there may be":       {open(maxOpen), nil},
		"one more":                      {open(maxOpen + 1), []string{"open"}},
		"no list, and behind it":        {with(`"open":{"b":1,"b":2},"gpc":1`), []string{"open", "open.b", "gpc"}},
		"lists in it":                   {with(`"open":[["a"],{"b":{"c":[]}}],"gpc":1`), []string{"open", "open", "open.b.c"}},
		"objects in it":                 {with(`"open":[["a"],{"b":1}],"gpc":1`), []string{"open", "open", "gpc"}},
		"a hand-over of a share":        {`{"id":"a","token":"1","categories":{"a":true},"action":"share","surface":"share","at":1,"handover":"` + strings.Repeat("h", maxHandover) + `"}`, nil},
		"a longer hand-over":            {`{"id":"a","token":"1","categories":{"a":true},"action":"share","surface":"share","at":1,"handover":"` + strings.Repeat("h", maxHandover+1) + `"}`, []string{"handover"}},
		"a share of nothing":            {`{"id":"a","token":"1","categories":{"a":true},"action":"share","surface":"share","at":1}`, []string{"handover"}},
		"a share that is a banner's":    {`{"id":"a","token":"1","categories":{"a":true},"action":"share","surface":"banner","at":1,"handover":"h"}`, []string{"handover"}},
		"a banner that is a share's":    {`{"id":"a","token":"1","categories":{"a":true},"action":"save","surface":"share","at":1}`, []string{"handover"}},
		"a share of age":                {`{"id":"a","token":"1","categories":{"a":true},"action":"share","surface":"share","at":1,"handover":"h","of_age":16}`, []string{"handover"}},
		"a share that replaces":         {`{"id":"a","token":"1","categories":{"a":true},"action":"share","surface":"share","at":1,"handover":"h","previous":"` + strings.Repeat("0", 32) + `"}`, []string{"handover"}},
		"a hand-over by hand":           {with(`"handover":"h"`), []string{"handover"}},
		"an opt-out that was carried":   {`{"id":"a","token":"1","categories":{"a":false},"action":"signal","surface":"signal","at":1,"handover":"h"}`, nil},
		"a note that says open":         {`{"id":"a","token":"1","categories":{},"open":["v"],"action":"acknowledge","surface":"banner","at":1}`, []string{"open"}},
		"a note that replaces nothing":  {`{"id":"a","token":"1","categories":{},"action":"noticed","surface":"change","at":1}`, []string{"previous"}},
		"a note on the banner":          {`{"id":"a","token":"1","categories":{},"action":"noticed","surface":"banner","at":1,"previous":"` + strings.Repeat("0", 32) + `"}`, []string{"previous"}},
		"a note that saves":             {`{"id":"a","token":"1","categories":{"a":true},"action":"save","surface":"change","at":1}`, []string{"surface"}},
		"a list, and then three deep":   {with(`"open":["v"],"x":[[[]]],"gpc":1`), []string{"x", "gpc"}},
		"three deep, and behind it":     {with(`"x":[[[]]],"gpc":1`), []string{"x", "gpc"}},
		"four deep":                     {with(`"x":[[[[]]]],"gpc":1`), []string{"x", "x"}},
		"side by side":                  {with(`"x":[[],[],[],[],[]],"y":{"a":{},"b":{},"c":{},"d":{}},"gpc":1`), []string{"x", "y", "gpc"}},
		"a name of forty":               {with(`"` + strings.Repeat("é", 20) + `":1`), []string{fmt.Sprintf("%+q", strings.Repeat("é", 20))}},
		"a longer name":                 {with(`"é` + long + `":1`), []string{fmt.Sprintf("%+q…", "é"+long[:38])}},
	} {
		d, err := Decode([]byte(test.body))
		var got []string
		if err != nil {
			got = problemPaths(t, err)
		}
		if !slices.Equal(got, test.paths) {
			t.Errorf("%s: problems at %q, want %q", name, got, test.paths)
		}
		if bad, ok := errors.AsType[*Invalid](err); ok {
			if !bad.About(test.paths[0]) || bad.About("nothing") || !strings.Contains(bad.Error(), test.paths[0]+": ") || !strings.HasPrefix(bad.Error(), "the decision can't be recorded: ") {
				t.Errorf("%s: it says %q", name, bad)
			}
		}
		if name == "an age" && d.OfAge != 16 || name == "an open vendor" && !slices.Equal(d.Open, []string{"v"}) {
			t.Errorf("%s: %+v", name, d)
		}
	}
	if got := (&Invalid{[]Problem{{"", "no object", ""}, {"a", "b", ""}}}).Error(); got != "the decision can't be recorded: no object; a: b" {
		t.Error(got)
	}
	for _, key := range []string{"__proto__", "constructor", "prototype"} {
		if !reservedKey(key) || reservedKey(key+"s") {
			t.Error(key)
		}
	}
}

// Ages are asked of whoever grants something, where somebody asks.
func TestWhoMayGrant(t *testing.T) {
	for name, test := range map[string]struct {
		asked, said int
		grants      bool
		action      Action
		ok          bool
	}{
		"nobody asks":             {0, 0, true, Save, true},
		"nobody asks, he says":    {0, 16, true, Save, false},
		"old enough":              {16, 16, true, Save, true},
		"older":                   {16, 18, true, Save, true},
		"too young":               {16, 15, true, Save, false},
		"says nothing":            {16, 0, true, Save, false},
		"says nothing, refuses":   {16, 0, false, Save, true},
		"a signal keeps a grant":  {16, 0, true, Signal, true},
		"a signal, nobody's asks": {0, 0, false, Signal, true},
	} {
		q, token := question(t, inEurope)
		q.Age = test.asked
		d := decisionFor(token, "a")
		d.Action, d.OfAge, d.GPC = test.action, test.said, true
		if d.Categories, d.Vendors = map[string]bool{"analytics": test.grants}, nil; test.action == Signal {
			d.Surface = OnSignal
		}
		draft, err := Prepare(d, q)
		if (err == nil) != test.ok {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if want := (Age{Asked: test.asked, Confirmed: test.asked != 0 && test.said >= test.asked}); err == nil && draft.core.Age != want {
			t.Errorf("%s: age %+v, want %+v", name, draft.core.Age, want)
		}
		if bad, is := errors.AsType[*Invalid](err); err != nil && (!is || !bad.About("of_age")) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := (Core{Age: Age{Asked: 16}}).ConfirmedAge() + (Core{}).ConfirmedAge(); got != 0 {
		t.Errorf("nobody said so: %d", got)
	}
	if got := (Core{Age: Age{Asked: 16, Confirmed: true}}).ConfirmedAge(); got != 16 {
		t.Errorf("said: %d", got)
	}
}

// A signal keeps what was granted by somebody who was old enough for what is asked now.
func TestASignalKeepsGrantsByAge(t *testing.T) {
	for name, test := range map[string]struct {
		asked, confirmed int
		want             Choice
		confirms         bool
	}{
		"nobody asks":     {0, 0, Granted, false},
		"old enough":      {16, 16, Granted, true},
		"not old enough":  {18, 16, NotAsked, false},
		"nobody asked":    {16, 0, NotAsked, false},
		"nobody asks now": {0, 16, Granted, false},
	} {
		before := Core{Age: Age{test.confirmed, test.confirmed != 0}, Categories: choices(Refused, Granted, Granted), Vendors: map[string]Choice{"ga4": Granted}}
		now := Core{Age: Age{Asked: test.asked}, Categories: choices(Granted, Granted, Refused), Vendors: map[string]Choice{"ga4": Granted, "meta": Granted}}
		now.keepGrants(before)
		if now.Categories["analytics"] != test.want || now.Vendors["ga4"] != test.want || now.Age.Confirmed != test.confirms ||
			now.Categories["preferences"] != NotAsked || now.Categories["marketing"] != Refused || now.Vendors["meta"] != NotAsked {
			t.Errorf("%s: %+v", name, now)
		}
	}
}

// What is carried here is recorded under its own name, whatever the page calls it.
func TestWhatIsCarriedHasOneName(t *testing.T) {
	q, token := question(t, inCalifornia)
	q.OptOut = true
	d := decisionFor(token, "mine")
	d.Action, d.Surface, d.Handover = Signal, OnSignal, "the pass"
	d.Categories, d.Vendors = map[string]bool{"marketing": false}, nil
	draft := draftOf(t, d, q)
	if got := carriedID("the pass"); draft.decision.ID != got || len(got) != len("opt-out-")+32 || got == carriedID("another") || strings.Trim(got, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		t.Errorf("recorded as %s", draft.decision.ID)
	}
	other := d
	other.ID = "other"
	if again := draftOf(t, other, q); again.decision.ID != draft.decision.ID || again.request == draft.request {
		t.Error("another page's is not told from it")
	}
	if !draft.core.Signals.OptOut || draft.core.State != SignalApplied {
		t.Errorf("%+v", draft.core)
	}
	q.OptOut = false
	if _, err := Prepare(d, q); err == nil {
		t.Error("without anybody vouching for it")
	}
	if got := handoverID("h1.a.b.MAC"); got != "share-MAC" {
		t.Error(got)
	}
}

// Any of the signals is one; consent is what somebody did himself, where he was asked.
func TestSignalsAndConsent(t *testing.T) {
	if (Signals{}).Any() {
		t.Error("none is one")
	}
	for _, s := range []Signals{{GPC: true}, {GPCHeader: true}, {DNT: true}, {OptOut: true}} {
		if !s.Any() {
			t.Errorf("%+v is none", s)
		}
	}
	for _, test := range []struct {
		choice Choice
		action Action
		model  regime.Model
		want   bool
	}{
		{Granted, Save, regime.OptIn, true}, {Granted, Save, "", true}, {Refused, Save, regime.OptIn, false}, {Granted, Save, regime.OptOut, false},
		{Granted, Signal, regime.OptIn, false}, {Granted, Acknowledge, regime.OptIn, false}, {Granted, Noticed, regime.OptIn, false},
	} {
		c := Core{Action: test.action, Categories: map[string]Choice{"a": test.choice}, Models: map[string]regime.Model{"a": test.model}}
		if c.Consented("a") != test.want || c.Consented("b") {
			t.Errorf("%+v", test)
		}
	}
}

// A hand-over has each of its parts in the one form there is.
func TestHandoversInFull(t *testing.T) {
	good := strings.Split("h1|shop|"+strings.Repeat("0f", 16)+"|aHR0cHM6Ly9hLmV4YW1wbGU|0|1|1~", "|")
	if h, ok := parseHandover(strings.Join(good, ".")); !ok || h.Given.Unix() != 0 || h.Minted.Unix() != 1 || h.Site != "shop" || h.To != "https://a.example" || h.Choices != "1." {
		t.Fatalf("%+v %v", h, ok)
	}
	for i, all := range map[int][]string{
		0: {"", "h2", "1"}, 1: {"", "Shop", "a b"}, 2: {"", strings.Repeat("0F", 16)}, 3: {"", "?", "aHR0cHM6Ly9hLmV4YW1wbGV", "Og", "aHR0cDov", "ZmlsZTovLy9h"},
		4: {"-1", "x", "", "01x"}, 5: {"-1", "x", ""}, 6: {"", "1", "1.", "2~", "1~2"},
	} {
		for _, bad := range all {
			part := slices.Clone(good)
			part[i] = bad
			if h, ok := parseHandover(strings.Join(part, ".")); ok || h != (Handover{}) {
				t.Errorf("%d %q: %+v", i, bad, h)
			}
		}
	}
	for _, bad := range []string{"", strings.Join(good[:6], "."), strings.Join(good, ".") + ".1"} {
		if _, ok := parseHandover(bad); ok {
			t.Errorf("%q", bad)
		}
	}
	tokens, h := testTokens(), handedOver()
	token := tokens.MintHandover(h)
	for _, bad := range []string{token + "A", token[:len(token)-1], token[:len(token)-2] + "\n" + token[len(token)-2:], token[:strings.LastIndexByte(token, '.')] + ".?", ".", token + "AA",
		token[:strings.LastIndexByte(token, '.')] + "." + strings.Repeat("A", 4*macSize)} {
		if _, err := tokens.VerifyHandover(bad, "shop", h.To, noon); !errors.Is(err, ErrHandover) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for after, ok := range map[time.Duration]bool{HandoverLife: true, HandoverLife + 1: false, -tokenSkew: true, -tokenSkew - 1: false} {
		if _, err := tokens.VerifyHandover(token, "shop", h.To, h.Minted.Add(after)); (err == nil) != ok {
			t.Errorf("after %v: %v", after, err)
		}
	}
	// Of the site that it names, and of the site that it is read for.
	blog := h
	blog.Site = "blog"
	if _, err := tokens.VerifyHandover(tokens.MintHandover(blog), "shop", h.To, noon); !errors.Is(err, ErrHandover) {
		t.Errorf("of another site: %v", err)
	}
	// As before sites had keys of their own: what is genuine may be of another.
	text := tokens.MintHandover(blog)
	text = text[:strings.LastIndexByte(text, '.')]
	if _, err := tokens.VerifyHandover(text+"."+base64.RawURLEncoding.EncodeToString(tokenMAC(make([]byte, 32), text)), "shop", h.To, noon); !errors.Is(err, ErrHandover) {
		t.Errorf("of another site, by the common key: %v", err)
	}
	if _, err := NewTokens(keyOf(9), make([]byte, 32)).VerifyHandover(token, "shop", h.To, noon); err != nil {
		t.Errorf("by an earlier key: %v", err)
	}
}

// Erasures say in full what they are.
func TestErasuresInFull(t *testing.T) {
	leaves := []int64{9, 2, 5}
	made := NewTombstone("shop", leaves, Minimised, ReasonChild, time.Date(2026, 11, 22, 1, 0, 0, 0, time.FixedZone("", 2*3600)))
	if !slices.Equal(made.Leaves, []int64{2, 5, 9}) || !slices.Equal(leaves, []int64{9, 2, 5}) || made.Day != "2026-11-21" || made.Schema != TombstoneSchema {
		t.Fatalf("%+v, of %v", made, leaves)
	}
	core, err := canonical.Encode(made)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := ParseTombstone(core); err != nil || !slices.Equal(again.Leaves, made.Leaves) || again.How != Minimised || again.Reason != ReasonChild || again.Site != "shop" {
		t.Errorf("%+v %v", again, err)
	}
	for _, bad := range []string{`{}`, strings.Replace(string(core), "minimised", "burnt", 1), strings.Replace(string(core), "child", "boredom", 1)} {
		if _, err := ParseTombstone([]byte(bad)); err == nil {
			t.Errorf("%s is read", bad)
		}
	}
	good := ErasedLeaf{Leaf: 0, Hash: strings.Repeat("a", 64), Site: "shop", How: Shredded, Reason: ReasonRequested, Day: "2026-11-21"}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*ErasedLeaf){
		"no leaf":   func(e *ErasedLeaf) { e.Leaf = -1 },
		"a hash":    func(e *ErasedLeaf) { e.Hash += "a" },
		"no hash":   func(e *ErasedLeaf) { e.Hash = "" },
		"no day":    func(e *ErasedLeaf) { e.Day = "2026-02-30" },
		"no way":    func(e *ErasedLeaf) { e.How = "" },
		"no reason": func(e *ErasedLeaf) { e.Reason = "" },
	} {
		bad := good
		if change(&bad); bad.Check() == nil {
			t.Errorf("%s: it is fine", name)
		}
	}
	for _, r := range []Reason{ReasonRequested, ReasonRetention, ReasonChild, ReasonOperator} {
		if err := r.Check(); err != nil {
			t.Error(err)
		}
	}
	for _, g := range []Ground{GroundContested, GroundUnlawful, GroundClaims, GroundObjection, GroundDeletion} {
		if err := g.Check(); err != nil {
			t.Error(err)
		}
	}
	if Ground("whim").Check() == nil || Reason("whim").Check() == nil || Erasure("whim").Check() == nil {
		t.Error("a whim is a ground")
	}
}

// Retention asks of a record how long it counted, by grants or refusals.
func TestCandidates(t *testing.T) {
	for text, want := range map[string]Candidate{
		`{"valid_until":10,"law":"x"}`: {Index: 3, ReceivedAt: 10, Until: 10, Law: "x"},
		`{"valid_until":11,"refusals_until":20,"categories":{"a":"granted","b":"refused"}}`:  {Index: 3, ReceivedAt: 10, Until: 20, Grants: true},
		`{"valid_until":11,"categories":{"a":"refused"},"vendors":{"v":"granted"}}`:          {Index: 3, ReceivedAt: 10, Until: 11, Grants: true},
		`{"valid_until":11,"categories":{"a":"refused"},"vendors":{"v":"not_asked"},"x":""}`: {Index: 3, ReceivedAt: 10, Until: 11},
	} {
		if got, err := CandidateOf(3, 10, []byte(text)); err != nil || got != want {
			t.Errorf("%s: %+v %v", text, got, err)
		}
	}
	for _, text := range []string{`{"valid_until":9}`, `{}`, `{`, `{"valid_until":"11"}`} {
		if got, err := CandidateOf(3, 10, []byte(text)); !errors.Is(err, ErrDamaged) || got != (Candidate{}) {
			t.Errorf("%s: %+v %v", text, got, err)
		}
	}
}

// The quick form of a core is the canonical one, or says that it is not.
func TestThePlainFormKnowsItsLimits(t *testing.T) {
	_, core, _ := sealedAt(t, draftNamed(t, "a"), nil, noon)
	for name, test := range map[string]struct {
		change func(*Core)
		plain  bool
	}{
		"itself":             {func(*Core) {}, true},
		"no map":             {func(c *Core) { c.Vendors = nil }, false},
		"an empty one":       {func(c *Core) { c.Vendors = map[string]Choice{} }, true},
		"the last below":     {func(c *Core) { c.Controller.Name = "\ud7ff" }, true},
		"the first above":    {func(c *Core) { c.Controller.Name = "\ue000" }, false},
		"a control":          {func(c *Core) { c.Controller.Name = "\x1f" }, false},
		"a space":            {func(c *Core) { c.Controller.Name = " " }, true},
		"a quote":            {func(c *Core) { c.Controller.Name = `"` }, false},
		"a backslash":        {func(c *Core) { c.Controller.Name = `\` }, false},
		"the last number":    {func(c *Core) { c.GivenAt = 1<<53 - 1 }, true},
		"one more":           {func(c *Core) { c.GivenAt = 1 << 53 }, false},
		"the first":          {func(c *Core) { c.GivenAt = -1<<53 + 1 }, true},
		"one less":           {func(c *Core) { c.GivenAt = -1 << 53 }, false},
		"with an age":        {func(c *Core) { c.Age = Age{16, true} }, true},
		"with an opt-out":    {func(c *Core) { c.Signals.OptOut = true }, true},
		"with refusals":      {func(c *Core) { c.RefusalsUntil = 1 }, true},
		"replaces something": {func(c *Core) { c.Previous = strings.Repeat("0", 32) }, true},
		"odd, then plain":    {func(c *Core) { c.GivenAt, c.ReceivedAt = 1<<53, 1 }, false},
	} {
		c := core
		test.change(&c)
		var f form
		text, plain := f.of(&c)
		if plain != test.plain {
			t.Errorf("%s: plain %v", name, plain)
		}
		if want, err := canonical.Encode(c); plain && (err != nil || string(want) != string(text)) {
			t.Errorf("%s: %s, want %s (%v)", name, text, want, err)
		}
	}
}

// What is taken over lasts as long as what was made; what it prolongs, it was.
func TestHowLongWhatIsInPartLasts(t *testing.T) {
	at := func(months int) int64 { return addMonths(noon, months).UnixMilli() }
	for name, test := range map[string]struct {
		given, before    Core
		ends, refusals   int64
		months, restsFor int
	}{
		"a grant taken over":            {Core{Action: Share, Categories: choices(Granted, Granted, Granted)}, Core{GivenAt: 7, ValidUntil: 100, RefusalsUntil: 200}, 100, 0, 6, 6},
		"a refusal":                     {Core{Action: Share, Categories: choices(Refused, Refused, Refused)}, Core{GivenAt: 7, ValidUntil: 100, RefusalsUntil: 200}, 200, 0, 6, 6},
		"a refusal that ends before":    {Core{Action: Share, Categories: choices(Refused, Refused, Refused)}, Core{GivenAt: 7, ValidUntil: 100}, 100, 0, 6, 6},
		"both":                          {Core{Action: Share, Categories: choices(Granted, Refused, NotAsked)}, Core{GivenAt: 7, ValidUntil: 100, RefusalsUntil: 200}, 100, 200, 6, 6},
		"both, and equally long":        {Core{Action: Share, Categories: choices(Granted, Refused, NotAsked)}, Core{GivenAt: 7, ValidUntil: 100, RefusalsUntil: 100}, 100, 0, 6, 6},
		"a grant by the way":            {Core{Action: Share, Categories: choices(Granted, NotAsked, NotAsked)}, Core{GivenAt: 7, ValidUntil: 100, RefusalsUntil: 200}, 100, 0, 6, 6},
		"all anew":                      {Core{Action: Save, Surface: OnSettings, Categories: choices(Granted, Refused, NotAsked)}, Core{ValidUntil: at(1), Categories: choices(Granted, Refused, NotAsked)}, at(6), at(12), 6, 12},
		"one category, kept":            {Core{Action: Save, Surface: OnCentre, Categories: choices(Granted, Granted, NotAsked)}, Core{ValidUntil: at(1), Categories: choices(Granted, NotAsked, NotAsked)}, at(1), 0, 6, 6},
		"one vendor, kept":              {Core{Action: Save, Surface: OnPlaceholder, Vendors: map[string]Choice{"a": Granted, "b": Refused}}, Core{ValidUntil: at(1), Vendors: map[string]Choice{"a": Granted}}, at(1), at(6), 6, 6},
		"another vendor":                {Core{Action: Save, Surface: OnPlaceholder, Vendors: map[string]Choice{"a": Granted}}, Core{ValidUntil: at(1), Vendors: map[string]Choice{"a": Refused, "b": Granted}}, at(6), 0, 6, 6},
		"kept, but over at this moment": {Core{Action: Save, Surface: OnAPI, Categories: choices(Granted, NotAsked, NotAsked)}, Core{ValidUntil: at(0), Categories: choices(Granted, NotAsked, NotAsked)}, at(6), 0, 6, 6},
		"kept, for one moment more":     {Core{Action: Save, Surface: OnBanner, Categories: choices(Granted, NotAsked, NotAsked)}, Core{ValidUntil: at(0) + 1, Categories: choices(Granted, NotAsked, NotAsked)}, at(0) + 1, 0, 6, 6},
	} {
		c := test.given
		c.GivenAt = 9
		c.hold(noon, test.months, test.restsFor, test.before)
		given := int64(9)
		if c.Action == Share {
			given = 7
		}
		if c.ValidUntil != test.ends || c.RefusalsUntil != test.refusals || c.GivenAt != given {
			t.Errorf("%s: ends %d, refusals %d, given %d; want %d, %d", name, c.ValidUntil, c.RefusalsUntil, c.GivenAt, test.ends, test.refusals)
		}
	}
}

// What was shown is named by what it was about, and follows a decision that we know.
func TestNotesInFull(t *testing.T) {
	policies := map[string]Policy{"privacy": {Number: 3}, "cookies": {Number: 1}}
	d := Decision{ID: "x", Action: Noticed, Surface: OnChange, Previous: strings.Repeat("0", 32)}
	a := noticedAs(d, policies)
	other := d
	other.Previous = strings.Repeat("1", 32)
	if b := noticedAs(other, policies); a.ID == b.ID || len(a.ID) != len("noticed-")+32 || a.Previous != d.Previous || a.Action != Noticed || a.Surface != OnChange {
		t.Errorf("%+v, of another decision %+v", a, b)
	}
	if b := noticedAs(d, map[string]Policy{"privacy": {Number: 4}, "cookies": {Number: 1}}); a.ID == b.ID {
		t.Error("another version has the same name")
	}
	c := &Core{Action: Noticed, Policies: policies}
	core := func(p map[string]Policy) *Entry {
		_, made, _ := sealedAt(t, draftNamed(t, "a"), nil, noon)
		made.Policies = p
		b, err := canonical.Encode(made)
		if err != nil {
			t.Fatal(err)
		}
		return &Entry{Core: b, Personal: []byte("{}")}
	}
	for name, test := range map[string]struct {
		previous *Entry
		ok       bool
	}{
		"an earlier version":     {core(map[string]Policy{"privacy": {Number: 2}}), true},
		"the same":               {core(map[string]Policy{"privacy": {Number: 3}, "cookies": {Number: 1}}), false},
		"another policy":         {core(map[string]Policy{"terms": {Number: 1}}), false},
		"a later one":            {core(map[string]Policy{"privacy": {Number: 4}}), false},
		"nobody":                 {nil, false},
		"nobody any more":        {&Entry{Core: core(map[string]Policy{"privacy": {Number: 2}}).Core}, false},
		"what can't be read":     {&Entry{Core: []byte("{"), Personal: []byte("{}")}, false},
		"what can't be a record": {&Entry{Core: []byte("{}"), Personal: []byte("{}")}, false},
	} {
		if err := c.mayFollow(test.previous); (err == nil) != test.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := c.mayFollow(&Entry{Core: []byte("{"), Personal: []byte("{}")}); !errors.Is(err, ErrDamaged) {
		t.Errorf("what can't be read: %v", err)
	}
	if err := (&Core{Action: Save}).mayFollow(nil); err != nil {
		t.Errorf("a choice follows nothing: %v", err)
	}
}
