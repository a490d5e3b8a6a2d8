package consent

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/regime"
)

// signed is a token of any text, under a genuine key.
func signed(text string) string {
	return text + "." + base64.RawURLEncoding.EncodeToString(tokenMAC(testTokens().current.Load().of("shop")[0], text))
}

// That a key of ours has signed it is not enough: a token has one form.
func TestServedTokensInFull(t *testing.T) {
	tokens, served := testTokens(), servedAt(noon)
	part := strings.Split(served.text(), ".")
	verify := func(token string) error { _, err := tokens.Verify(token, "shop", noon); return err }
	if err := verify(signed(strings.Join(part, "."))); err != nil {
		t.Fatal(err)
	}
	for i, all := range map[int][]string{0: {"2", ""}, 1: {"", "Shop", "blog"}, 2: {"", "?", "AAAA", part[2] + "AAAA"}, 3: {"", "EU", "a b"},
		4: {"", "de", "DE-", "DE-LONG"}, 5: {"", "x", "dd"}, 6: {"", "01", "-1", "x", "9999999999999"}} {
		for _, bad := range all {
			altered := append([]string(nil), part...)
			altered[i] = bad
			if err := verify(signed(strings.Join(altered, "."))); !errors.Is(err, ErrToken) {
				t.Errorf("%d %q: %v", i, bad, err)
			}
		}
	}
	good := tokens.Mint(served)
	for _, bad := range []string{"", "x", ".", good + "A", good[:len(good)-1], strings.Repeat("x", maxToken) + "." + good, good[:len(good)-2] + "\n" + good[len(good)-2:],
		signed(strings.Join(part[:6], ".")), signed(strings.Join(part, ".") + ".x"), signed(strings.Repeat("x", maxToken))} {
		if err := verify(bad); !errors.Is(err, ErrToken) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if s, err := tokens.Verify(tokens.Mint(Served{Site: "shop", Experience: "no digest", Law: "x"}), "shop", noon); !errors.Is(err, ErrToken) {
		t.Errorf("of no experience: %+v %v", s, err)
	}
	if !served.Says(good) || served.Says(good[1:]) || served.Says("x") || served.Says("") {
		t.Error("what it says")
	}
	again, ok := tokens.Again(served, canonical.Sum([]byte(good)))
	if _, other := tokens.Again(served, canonical.Sum([]byte("x"))); !ok || again != good || other {
		t.Error("made again")
	}
}

// A record says nothing that can't be, whoever signed it.
func TestContentsThatCannotBe(t *testing.T) {
	e, _, _ := sealedAt(t, draftNamed(t, "a"), nil, noon)
	good, err := ParseCore(e.Core)
	if err != nil {
		t.Fatal(err)
	}
	person := &Personal{PersonalSchema, good.ID, strings.Repeat("0f", 16)}
	if err := good.check(person); err != nil {
		t.Fatal(err)
	}
	month := func(n int) int64 { return time.UnixMilli(good.ReceivedAt).AddDate(0, n, 0).UnixMilli() }
	all := func(c *Core, choice Choice) {
		c.Categories, c.Vendors = map[string]Choice{"analytics": choice}, map[string]Choice{}
		c.State = stateOf(c)
	}
	share := func(c *Core) { c.Action, c.Surface, c.Previous = Share, OnShare, strings.Repeat("1", 32) }
	for name, test := range map[string]struct {
		change func(*Core)
		ok     bool
	}{
		"a share":                       {share, true},
		"given before its token":        {func(c *Core) { share(c); c.GivenAt = 1 }, true},
		"as a choice":                   {func(c *Core) { c.GivenAt = 1 }, false},
		"given with its token":          {func(c *Core) { c.GivenAt = c.TokenFrom }, true},
		"given when received":           {func(c *Core) { c.GivenAt = c.ReceivedAt }, true},
		"given later":                   {func(c *Core) { c.GivenAt = c.ReceivedAt + 1 }, false},
		"a clock that was set back":     {func(c *Core) { c.TokenFrom, c.GivenAt = c.ReceivedAt+9, c.ReceivedAt }, true},
		"a share of nothing":            {func(c *Core) { share(c); c.Previous = "" }, false},
		"a share on the banner":         {func(c *Core) { share(c); c.Surface = OnBanner }, false},
		"a choice on a share":           {func(c *Core) { c.Surface = OnShare }, false},
		"ends as it begins":             {func(c *Core) { c.ValidUntil = c.ReceivedAt }, false},
		"ends at once":                  {func(c *Core) { c.ValidUntil = c.ReceivedAt + 1 }, true},
		"14 months":                     {func(c *Core) { c.ValidUntil = month(14) }, true},
		"more":                          {func(c *Core) { c.ValidUntil = month(14) + 1 }, false},
		"a refusal of 37 months":        {func(c *Core) { all(c, Refused); c.ValidUntil = month(37) }, true},
		"more of it":                    {func(c *Core) { all(c, Refused); c.ValidUntil = month(37) + 1 }, false},
		"refusals rest":                 {func(c *Core) { c.RefusalsUntil = month(37) }, true},
		"longer":                        {func(c *Core) { c.RefusalsUntil = month(37) + 1 }, false},
		"no longer than grants":         {func(c *Core) { c.RefusalsUntil = c.ValidUntil }, false},
		"a little longer":               {func(c *Core) { c.RefusalsUntil = c.ValidUntil + 1 }, true},
		"of nothing refused":            {func(c *Core) { all(c, Granted); c.RefusalsUntil = month(12) }, false},
		"no basis":                      {func(c *Core) { c.Basis = "" }, false},
		"implied":                       {func(c *Core) { c.Basis = Implied }, true},
		"explicit, by a signal":         {func(c *Core) { c.Action, c.Surface, c.State = Signal, OnSignal, SignalApplied }, false},
		"implied, by a signal":          {func(c *Core) { c.Action, c.Surface, c.State, c.Basis = Signal, OnSignal, SignalApplied, Implied }, true},
		"replaces something":            {func(c *Core) { c.Previous = strings.Repeat("1", 32) }, true},
		"replaces itself":               {func(c *Core) { c.Previous = c.ID }, false},
		"replaces what is none":         {func(c *Core) { c.Previous = "x" }, false},
		"an age":                        {func(c *Core) { c.Age = Age{1, true} }, true},
		"the highest":                   {func(c *Core) { c.Age = Age{maxAge, true} }, true},
		"one more":                      {func(c *Core) { c.Age = Age{maxAge + 1, true} }, false},
		"one below none":                {func(c *Core) { c.Age = Age{-1, true} }, false},
		"confirmed, and not asked":      {func(c *Core) { c.Age = Age{0, true} }, false},
		"asked, not confirmed, granted": {func(c *Core) { c.Age = Age{16, false} }, false},
		"asked, not confirmed, refused": {func(c *Core) { c.Age = Age{16, false}; all(c, Refused) }, true},
		"another state":                 {func(c *Core) { c.State = Given }, false},
		"another schema":                {func(c *Core) { c.Schema = "consent/v2" }, false},
		"no choice":                     {func(c *Core) { c.Vendors["meta"] = "perhaps" }, false},
		"no model":                      {func(c *Core) { delete(c.Models, "analytics") }, false},
		"a model more":                  {func(c *Core) { c.Models["x"] = regime.OptIn }, true},
		"no digest of the notice":       {func(c *Core) { c.Notice = "" }, false},
		"no digest of the token":        {func(c *Core) { c.Token = "x" }, false},
		"no digest of the experience":   {func(c *Core) { c.Experience = "x" }, false},
		"no digest of the policy":       {func(c *Core) { c.Policies["privacy"] = Policy{Digest: "x"} }, false},
		"no policy":                     {func(c *Core) { c.Policies = map[string]Policy{} }, true},
	} {
		c, err := ParseCore(e.Core)
		if err != nil {
			t.Fatal(err)
		}
		test.change(&c)
		if err := c.check(person); (err == nil) != test.ok || err != nil && !errors.Is(err, ErrContents) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range []Personal{{"x", good.ID, person.Subject}, {PersonalSchema, good.ID, "x"}} {
		if err := good.check(&bad); !errors.Is(err, ErrContents) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if err := good.check(nil); err != nil {
		t.Errorf("without the person: %v", err)
	}
}

// A receipt is taken apart as it was put together, and nothing else is.
func TestReceiptsAreReadInFull(t *testing.T) {
	made, core, person := sealedAt(t, draftNamed(t, "a"), nil, noon)
	receipt := receiptOf(t, made)
	e, err := ParseReceipt(receipt)
	if err != nil || e.Site != core.Site || e.Subject != person.Subject || e.ReceivedAt != core.ReceivedAt || e.ReceiptID != made.ReceiptID || !bytes.Equal(e.Core, made.Core) {
		t.Fatalf("%+v %v", e, err)
	}
	small, err := Minimise(made)
	if err != nil {
		t.Fatal(err)
	}
	if e, err := ParseReceipt(receiptOf(t, small)); err != nil || e.Subject != "" || e.Personal != nil || e.Site != core.Site {
		t.Errorf("minimised: %+v %v", e, err)
	}
	if _, err := Minimise(&Entry{}); !errors.Is(err, ErrDamaged) {
		t.Errorf("of nothing: %v", err)
	}
	swap := func(old, with string) []byte {
		if !bytes.Contains(receipt, []byte(old)) {
			t.Fatalf("%s is not there", old)
		}
		return bytes.Replace(receipt, []byte(old), []byte(with), 1)
	}
	text := func(s string) string { return `"` + s + `"` }
	for name, bad := range map[string][]byte{
		"nothing": nil, "a list": []byte("[]"), "half": receipt[:99], "twice": []byte(`{"a":1,"a":1}`),
		"a core of nothing":       swap(string(made.Core), `{}`),
		"a person of nothing":     swap(string(made.Personal), `{}`),
		"a schema that is none":   swap(text(ReceiptSchema), "1"),
		"an id that is none":      swap(`"id":`+text(made.ReceiptID)+`,"key_id"`, `"id":1,"key_id"`),
		"a key that is none":      swap(text(made.KeyID), "1"),
		"a salt that is too long": swap(text(base64url.EncodeToString(made.SaltCore)), text(strings.Repeat("A", 44))),
		"a salt with a break":     swap(text(base64url.EncodeToString(made.SaltCore)), text(strings.Repeat("A", 42)+`\n`)),
		"a salt with bits over":   swap(text(base64url.EncodeToString(made.SaltCore)), text(strings.Repeat("A", 42)+"B")),
	} {
		if e, err := ParseReceipt(bad); e != nil || !errors.Is(err, ErrForm) {
			t.Errorf("%s: %+v %v", name, e, err)
		}
		if _, err := Verify(bad, newTestKey(7).keys()); err == nil {
			t.Errorf("%s verifies", name)
		}
	}
	// Signed by the very key, and still no record.
	for name, alter := range map[string]func(*Entry){
		"a core nobody knows":   func(e *Entry) { e.Core = []byte(`{"x":1}`) },
		"a person nobody knows": func(e *Entry) { e.Personal = []byte(`{"x":1}`) },
	} {
		odd := *made
		alter(&odd)
		if r, err := Verify(receiptOf(t, sealedAnew(t, &odd)), newTestKey(1).keys()); !errors.Is(err, ErrContents) || errors.Is(err, ErrLeaf) || errors.Is(err, ErrSignature) {
			t.Errorf("%s: %+v %v", name, r.Checks, err)
		}
	}
	var shown strings.Builder
	report, err := Verify(receipt, newTestKey(7).keys())
	if err != nil {
		t.Fatal(err)
	}
	report.Core.RefusalsUntil, report.Core.Controller.Name, report.Reformatted = noon.UnixMilli(), "a\x1b[2J", true
	if _, err := report.WriteTo(&shown); err != nil || strings.ContainsRune(shown.String(), '\x1b') {
		t.Errorf("%q %v", shown.String(), err)
	}
	for _, want := range []string{"ok      form", "a\uFFFD[2J", "refusals rest until 2026-11-21 12:03:04.567 UTC", "subject   " + person.Subject, "formatted anew", "vendor    meta: granted",
		"ok      key", "category  analytics: granted (opt-in)", "policy    privacy version 3, in force since", "claimed to be number 0 of the log", "state     partial, explicit (save on settings)",
		"\ngiven     " + shownAs(report.Core.GivenAt) + "\nreceived  " + shownAs(report.Core.ReceivedAt) + "\nends      " + shownAs(report.Core.ValidUntil) + "\n"} {
		if !strings.Contains(shown.String(), want) {
			t.Errorf("%q is missing in %s", want, shown.String())
		}
	}
	report.Personal, report.Core.RefusalsUntil, report.Reformatted = nil, 0, false
	shown.Reset()
	if _, err := report.WriteTo(&shown); err != nil || !strings.Contains(shown.String(), "subject   removed") || strings.Contains(shown.String(), "refusals") || strings.Contains(shown.String(), "formatted") {
		t.Errorf("%s %v", shown.String(), err)
	}
	report, err = Verify(receipt, PublicKeys{})
	shown.Reset()
	if _, wrote := report.WriteTo(&shown); !errors.Is(err, ErrUnknownKey) || wrote != nil || !strings.Contains(shown.String(), "FAILED  key") || strings.Contains(shown.String(), person.Subject) {
		t.Errorf("%v %s", err, shown.String())
	}
}

func shownAs(ms int64) string {
	return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05.000") + " UTC"
}

// An auditor reads what is not plain as well, and names what differs.
func TestAuditorsInFull(t *testing.T) {
	a := Auditor{Keys: newTestKey(7).keys()}
	odd := draftNamed(t, "a")
	odd.core.Controller.Name = `"quoted"`
	made, _, _ := sealedAt(t, odd, nil, noon)
	if _, err := a.Verify(made); err != nil {
		t.Errorf("what is not plain: %v", err)
	}
	for name, test := range map[string]struct {
		change func(*Entry)
		want   error
	}{
		"no JSON":         {func(e *Entry) { e.Core = []byte("{") }, ErrContents},
		"no person":       {func(e *Entry) { e.Personal = []byte("{}") }, ErrContents},
		"another subject": {func(e *Entry) { e.Subject = strings.Repeat("1", 32) }, ErrColumns},
		"no subject":      {func(e *Entry) { e.Subject = "" }, ErrColumns},
		"another site":    {func(e *Entry) { e.Site = "blog" }, ErrColumns},
		"another time":    {func(e *Entry) { e.ReceivedAt++ }, ErrColumns},
		"another before":  {func(e *Entry) { e.Previous = strings.Repeat("1", 32) }, ErrColumns},
		"another id": {func(e *Entry) {
			e.Personal = bytes.Replace(e.Personal, []byte(e.ReceiptID), []byte(strings.Repeat("1", 32)), 1)
		}, ErrIDs},
		"no id":  {func(e *Entry) { e.ReceiptID = "x" }, ErrColumns},
		"no key": {func(e *Entry) { e.KeyID = "x" }, ErrColumns},
		"a leaf": {func(e *Entry) { e.Leaf = make([]byte, 32) }, ErrLeaf},
		"a sign": {func(e *Entry) { e.Signature = make([]byte, 64) }, ErrSignature},
	} {
		e := *made
		test.change(&e)
		if _, err := a.Verify(&e); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What a visitor brings along may be gone or broken: that is not his fault. What the store
// does not say is.
func TestRecorderWithOddStores(t *testing.T) {
	store := newMemory()
	r := recorderOn(t, store, RecorderOptions{})
	first, err := r.Record(t.Context(), draftNamed(t, "one"))
	if err != nil || r.Full() || r.Waiting() != 0 {
		t.Fatal(err, r.Full(), r.Waiting())
	}
	for name, test := range map[string]struct {
		answers error
		ok      bool
	}{"gone": {ErrUnknownReceipt, true}, "broken": {fmt.Errorf("read: %w", ErrDamaged), true}, "away": {ErrUnavailable, false}} {
		odd := recorderOn(t, oddStore{Store: store, fails: test.answers}, RecorderOptions{Random: seeded(99)})
		q, token := question(t, inEurope)
		d := decisionFor(token, "after-"+name)
		d.Previous = first.Entry.ReceiptID
		got, err := odd.Record(t.Context(), draftOf(t, d, q))
		if (err == nil) != test.ok || err == nil && (got.Core.Previous != "" || got.Entry.Subject == first.Entry.Subject) {
			t.Errorf("%s: %+v %v", name, got.Core, err)
		}
	}
	q, token := question(t, inEurope)
	note := decisionFor(token, "note")
	note.Action, note.Surface, note.Categories, note.Vendors, note.Previous = Noticed, OnChange, nil, nil, first.Entry.ReceiptID
	if _, err := r.Record(t.Context(), draftOf(t, note, q)); err == nil {
		t.Error("a note about nothing that changed")
	}
	for name, stored := range map[string]*Entry{"nothing": nil, "no core": {Core: []byte("{")}, "another leaf": {ReceiptID: first.Entry.ReceiptID, KeyID: first.Entry.KeyID, Core: first.Entry.Core,
		Personal: first.Entry.Personal, SaltCore: first.Entry.SaltCore, SaltPerson: first.Entry.SaltPerson, Leaf: make([]byte, 32)}} {
		odd := recorderOn(t, oddStore{Store: store, repeats: true, stored: stored}, RecorderOptions{})
		if got, err := odd.Record(t.Context(), draftNamed(t, "odd")); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	q.Shared, q.Age = first.Entry, 16
	none := decisionFor(token, "none")
	none.Action, none.Surface, none.Handover, none.Categories, none.Vendors = Share, OnShare, "h", map[string]bool{"analytics": false}, nil
	if draft := draftOf(t, none, q); draft.core.Age != (Age{Asked: 16}) {
		t.Errorf("whoever refused confirms nothing: %+v", draft.core.Age)
	}
	q.Age = 0
	shared := decisionFor(token, "shared")
	shared.Action, shared.Surface, shared.Handover = Share, OnShare, "h"
	gone := recorderOn(t, oddStore{Store: store, fails: ErrUnknownReceipt}, RecorderOptions{})
	if _, err := gone.Record(t.Context(), draftOf(t, shared, q)); !errors.Is(err, ErrHandover) {
		t.Errorf("a share of what is gone: %v", err)
	}
	for _, broken := range []*Entry{{ReceiptID: first.Entry.ReceiptID, Personal: []byte("{")}, {ReceiptID: first.Entry.ReceiptID, Personal: first.Entry.Personal, Core: []byte("{")}} {
		odd := recorderOn(t, oddStore{Store: store, entry: broken}, RecorderOptions{})
		if _, err := odd.Record(t.Context(), draftOf(t, shared, q)); !errors.Is(err, ErrDamaged) {
			t.Errorf("what it follows is broken: %v", err)
		}
	}
}

// oddStore answers otherwise than the one it stands before.
type oddStore struct {
	Store
	fails   error
	entry   *Entry
	repeats bool
	stored  *Entry
}

func (s oddStore) Entry(ctx context.Context, site, id string) (*Entry, error) {
	if s.fails != nil || s.entry != nil {
		return s.entry, s.fails
	}
	return s.Store.Entry(ctx, site, id)
}

func (s oddStore) AppendRecords(ctx context.Context, entries []*Entry) error {
	if !s.repeats {
		return s.Store.AppendRecords(ctx, entries)
	}
	for _, e := range entries {
		e.Repeat, e.Stored = true, s.stored
	}
	return nil
}

// The queue is full when it takes no more, and says so before it refuses.
func TestAFullQueueSaysSo(t *testing.T) {
	store, hold, entered := newMemory(), make(chan struct{}), make(chan struct{}, 9)
	store.before = func([]*Entry) error { entered <- struct{}{}; <-hold; return nil }
	r := recorderOn(t, store, RecorderOptions{Queue: 1, Batch: 1})
	done := make(chan error, 2)
	record := func(id string) { _, err := r.Record(t.Context(), draftNamed(t, id)); done <- err }
	go record("one")
	<-entered // it is with the store, and the queue is empty
	if r.Full() || r.Waiting() != 0 {
		t.Error("full with nothing in it")
	}
	go record("two")
	waitFor(t, func() bool { return r.Waiting() == 1 })
	if !r.Full() {
		t.Error("not full")
	}
	if _, err := r.Record(t.Context(), draftNamed(t, "three")); !errors.Is(err, ErrBusy) {
		t.Errorf("it takes one more: %v", err)
	}
	close(hold)
	if err := errors.Join(<-done, <-done); err != nil {
		t.Error(err)
	}
}

// Where the store can't write at all, nobody is tried alone; where it stops, nobody further.
func TestBatchesOfAStoreThatIsAway(t *testing.T) {
	for name, test := range map[string]struct {
		fails []error // of each call, the batch first
		want  []error
		calls int
	}{
		"away":             {[]error{ErrUnavailable}, []error{ErrUnavailable, ErrUnavailable, ErrUnavailable}, 1},
		"one is bad":       {[]error{ErrDamaged, nil, ErrDamaged, nil}, []error{nil, ErrDamaged, nil}, 4},
		"away after one":   {[]error{ErrDamaged, nil, ErrUnavailable}, []error{nil, ErrUnavailable, ErrUnavailable}, 3},
		"nothing is wrong": {[]error{nil}, []error{nil, nil, nil}, 1},
	} {
		store, calls := newMemory(), 0
		store.before = func([]*Entry) error {
			err := test.fails[calls]
			calls++
			return err
		}
		r := &Recorder{store: store, options: RecorderOptions{Timeout: time.Minute, OnBatch: func(int, time.Duration, error) {}}}
		batch := make([]*job, 3)
		for i := range batch {
			e, _, _ := sealedAt(t, draftNamed(t, fmt.Sprint(i)), nil, noon)
			batch[i] = &job{entry: e, answer: make(chan error, 1)}
		}
		r.keep(nil)
		r.keep(batch)
		for i, j := range batch {
			if err := <-j.answer; !errors.Is(err, test.want[i]) || err != nil && test.want[i] == nil {
				t.Errorf("%s: number %d: %v", name, i, err)
			}
		}
		if calls != test.calls {
			t.Errorf("%s: %d calls", name, calls)
		}
	}
}
