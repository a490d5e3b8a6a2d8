package consent

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func handedOver() Handover {
	return Handover{Site: "shop", Receipt: strings.Repeat("0f", 16), To: "https://outlet.example:8443", Choices: "11_0.-1_",
		Given: noon.Add(-time.Hour).Truncate(time.Second), Minted: noon.Truncate(time.Second)}
}

func TestAHandoverSaysWhatWasMinted(t *testing.T) {
	tokens := NewTokens(keyOf(2), keyOf(1))
	want := handedOver()
	token := NewTokens(keyOf(1)).MintHandover(want)
	if strings.Trim(token, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~") != "" {
		t.Errorf("%q needs escaping in an address", token)
	}
	got, err := tokens.VerifyHandover(token, "shop", want.To, noon)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Given.Equal(want.Given) || !got.Minted.Equal(want.Minted) || got.Site != want.Site || got.Receipt != want.Receipt || got.To != want.To || got.Choices != want.Choices {
		t.Errorf("got %+v", got)
	}
}

func TestWhatIsNoHandover(t *testing.T) {
	tokens := NewTokens(keyOf(1))
	mint := func(change func(*Handover)) string {
		h := handedOver()
		change(&h)
		return tokens.MintHandover(h)
	}
	good := mint(func(*Handover) {})
	swap := func(i int, with string) string {
		part := strings.Split(good, ".")
		part[i] = with
		return strings.Join(part, ".")
	}
	for name, tt := range map[string]struct {
		token, site, origin string
		after               time.Duration
		ok                  bool
	}{
		"itself":             {good, "shop", "https://outlet.example:8443", 0, true},
		"just in time":       {good, "shop", "https://outlet.example:8443", HandoverLife - time.Second, true},
		"too late":           {good, "shop", "https://outlet.example:8443", HandoverLife + time.Second, false},
		"of another clock":   {good, "shop", "https://outlet.example:8443", -4 * time.Minute, true},
		"of tomorrow":        {good, "shop", "https://outlet.example:8443", -24 * time.Hour, false},
		"another site":       {good, "blog", "https://outlet.example:8443", 0, false},
		"another origin":     {good, "shop", "https://www.shop.example", 0, false},
		"another port":       {good, "shop", "https://outlet.example", 0, false},
		"another receipt":    {swap(2, strings.Repeat("1f", 16)), "shop", "https://outlet.example:8443", 0, false},
		"other choices":      {swap(6, "1111~-1_"), "shop", "https://outlet.example:8443", 0, false},
		"another time":       {swap(5, "9999999999"), "shop", "https://outlet.example:8443", 0, false},
		"no mac":             {swap(7, ""), "shop", "https://outlet.example:8443", 0, false},
		"another key":        {NewTokens(keyOf(3)).MintHandover(handedOver()), "shop", "https://outlet.example:8443", 0, false},
		"a served token":     {tokens.Mint(servedAt(noon)), "shop", "https://outlet.example:8443", 0, false},
		"choices of nothing": {mint(func(h *Handover) { h.Choices = "" }), "shop", "https://outlet.example:8443", 0, false},
		"a path":             {mint(func(h *Handover) { h.To = "https://outlet.example/x" }), "shop", "https://outlet.example/x", 0, false},
		"nothing":            {"", "shop", "https://outlet.example:8443", 0, false},
		"long":               {strings.Repeat(good, 9), "shop", "https://outlet.example:8443", 0, false},
	} {
		if _, err := tokens.VerifyHandover(tt.token, tt.site, tt.origin, noon.Add(tt.after)); (err == nil) != tt.ok || err != nil && !errors.Is(err, ErrHandover) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := tokens.Verify(good, "shop", noon); !errors.Is(err, ErrToken) {
		t.Errorf("as a served token: %v", err)
	}
}

func FuzzVerifyHandover(f *testing.F) {
	tokens := NewTokens(keyOf(1))
	f.Add(tokens.MintHandover(handedOver()))
	f.Add("h1.......")
	f.Fuzz(func(t *testing.T, token string) {
		h, err := tokens.VerifyHandover(token, "shop", handedOver().To, noon)
		if err == nil && tokens.MintHandover(h) != token {
			t.Fatalf("%q has two spellings", token)
		}
	})
}

// What is taken over is dated as it was made, lasts no longer, keeps its subject,
// and verifies.
func TestAShareIsNoNewConsent(t *testing.T) {
	q, token := question(t, inEurope)
	q.Notice.Validity, q.Reask, q.Age = 6, 12, 16
	first := decisionFor(token, "a")
	first.OfAge = 16
	made, before, _ := sealedAt(t, draftOf(t, first, q), nil, noon)
	later := noon.AddDate(0, 3, 0)
	second := first
	second.ID, second.Action, second.Surface, second.Handover, second.OfAge = "mine", Share, OnShare, testTokens().MintHandover(handedOver()), 0
	if _, err := Prepare(second, q); !errors.Is(err, ErrHandover) {
		t.Errorf("without the record that is taken over: %v", err)
	}
	q.Shared = made
	draft := draftOf(t, second, q)
	e, core, person := sealedAt(t, draft, made, later)
	if core.GivenAt != before.GivenAt || core.ValidUntil != before.ValidUntil || core.RefusalsUntil != before.RefusalsUntil || core.ReceivedAt != later.UnixMilli() {
		t.Errorf("given %d, ends %d, rests %d", core.GivenAt, core.ValidUntil, core.RefusalsUntil)
	}
	if core.Previous != made.ReceiptID || person.Subject != made.Subject || core.Basis != Explicit || core.Age != (Age{Asked: 16, Confirmed: true}) {
		t.Errorf("core %+v, subject %s", core, person.Subject)
	}
	if e.DecisionID != handoverID(second.Handover) || e.DecisionID == "mine" {
		t.Errorf("recorded as %s", e.DecisionID)
	}
	receipt, err := EncodeReceipt(e)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(receipt, newTestKey(7).keys()); err != nil {
		t.Error(err)
	}
	erased := *made
	erased.Personal = nil
	if _, _, err := seal(draft, &erased, later, &luck{}, newTestKey(7)); !errors.Is(err, ErrHandover) {
		t.Errorf("of an erased record: %v", err)
	}

	// The page may send it again; who brings the same hand-over otherwise gets nothing.
	r := recorderOn(t, newMemory(), RecorderOptions{})
	if _, err := r.Record(t.Context(), draftOf(t, first, Question{Served: q.Served, Experience: q.Experience, Notice: q.Notice, Policies: q.Policies, LawTable: q.LawTable, Models: q.Models, Age: 16})); err != nil {
		t.Fatal(err)
	}
	one := r.store.(*memory).entries[0]
	q.Shared = one
	kept, err := r.Record(t.Context(), draftOf(t, second, q))
	if err != nil {
		t.Fatal(err)
	}
	again, err := r.Record(t.Context(), draftOf(t, second, q))
	if err != nil || !again.Repeat || again.Core.ID != kept.Core.ID {
		t.Errorf("again: %+v, %v", again.Core, err)
	}
	second.ID = "of another browser"
	if _, err := r.Record(t.Context(), draftOf(t, second, q)); !errors.Is(err, ErrClash) {
		t.Errorf("by another browser: %v", err)
	}
}

func TestAShareIsItsHandoverAlone(t *testing.T) {
	for text, ok := range map[string]bool{
		`"action":"share","surface":"share","handover":"h1.x"`:                                               true,
		`"action":"share","surface":"share"`:                                                                 false,
		`"action":"share","surface":"banner","handover":"h1.x"`:                                              false,
		`"action":"save","surface":"share","handover":"h1.x"`:                                                false,
		`"action":"save","surface":"banner","handover":"h1.x"`:                                               false,
		`"action":"share","surface":"share","handover":"h1.x","of_age":16`:                                   false,
		`"action":"share","surface":"share","handover":"h1.x","previous":"0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"`: false,
		`"action":"share","surface":"share","handover":""`:                                                   false,
		`"action":"share","surface":"share","handover":["h1.x"]`:                                             false,
		`"action":"share","surface":"share","handover":"` + strings.Repeat("x", maxHandover+1) + `"`:         false,
	} {
		if _, err := Decode([]byte(`{"id":"a1","token":"1.x","categories":{"analytics":true},"at":1795286400000,` + text + `}`)); (err == nil) != ok {
			t.Errorf("%.90s: %v", text, err)
		}
	}
}
