package consent

import (
	"bytes"
	"errors"
	"maps"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/regime"
)

// anyCore has any value in any member, also such as no record ever had.
func anyCore(t *rapid.T) Core {
	text := rapid.OneOf(rapid.StringN(0, 4, -1), rapid.SampledFrom([]string{"", "shop", "Läden & Söhne <GmbH>", "\u2028", "\ue000", "𝄞", "a\"b\\", "\x7f"}))
	number := rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{0, 1 << 53, 1<<53 - 1, -1 << 53}))
	if rapid.Bool().Draw(t, "ordinary") {
		text = rapid.SampledFrom([]string{"", "shop", "Läden & Söhne <GmbH>", "analytics", "ads", "Zürich", "日本", "\x7f"})
		number = rapid.Int64Range(0, 1<<53-1)
	}
	choices := rapid.MapOf(text, rapid.SampledFrom([]Choice{Granted, Refused, NotAsked}))
	one := func() string { return text.Draw(t, "text") }
	when := func() int64 { return number.Draw(t, "number") }
	truth := func() bool { return rapid.Bool().Draw(t, "truth") }
	return Core{
		Schema: one(), ID: one(), Site: one(), Controller: notice.Controller{Name: one(), Address: one(), Contact: one(), Establishment: one()},
		GivenAt: when(), ReceivedAt: when(), ValidUntil: when(), RefusalsUntil: when(),
		State: State(one()), Action: Action(one()), Surface: Surface(one()), Basis: Basis(one()),
		Categories: choices.Draw(t, "categories"), Vendors: choices.Draw(t, "vendors"),
		Experience: canonical.Digest(one()), Notice: canonical.Digest(one()),
		Policies: rapid.MapOf(text, rapid.Custom(func(*rapid.T) Policy {
			return Policy{Digest: canonical.Digest(one()), Number: int(when()), Effective: when()}
		})).Draw(t, "policies"),
		Language: one(), Region: one(), RegionSource: one(), Law: one(), LawTable: one(),
		Models:  rapid.MapOf(text, rapid.SampledFrom([]regime.Model{regime.OptIn, regime.OptOut})).Draw(t, "models"),
		Signals: Signals{truth(), truth(), truth(), truth()}, Age: Age{rapid.IntRange(0, 99).Draw(t, "age"), truth()},
		Token: canonical.Digest(one()), TokenFrom: when(), Previous: one(),
	}
}

// Where the short way says that its form is the plain one, it is the canonical one.
func TestTheFormOfACoreIsCanonical(t *testing.T) {
	plain := 0
	rapid.Check(t, func(t *rapid.T) {
		c := anyCore(t)
		var f form
		text, ok := f.of(&c)
		if !ok {
			return
		}
		plain++
		if want, err := canonical.Encode(c); err != nil || !bytes.Equal(text, want) {
			t.Fatalf("\n%s, want\n%s, %v", text, want, err)
		}
	})
	if plain == 0 {
		t.Error("no core was plain")
	}
}

// keptEntry is an entry as a store holds it.
func keptEntry(t *testing.T) *Entry {
	t.Helper()
	store := newMemory()
	r := NewRecorder(store, newTestKey(1), RecorderOptions{})
	if _, err := r.Record(t.Context(), draftNamed(t, "one")); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store.entries[0]
}

// An auditor finds what whoever verifies the receipt finds, and what no receipt shows.
func TestAnAuditorFindsWhatVerifyFinds(t *testing.T) {
	e := keptEntry(t)
	a := Auditor{Keys: newTestKey(1).keys()}
	var f form
	core, err := a.Verify(e)
	if err != nil || core.ID != e.ReceiptID {
		t.Fatalf("%+v, %v", core, err)
	}
	if text, plain := f.of(&core); !plain || !bytes.Equal(text, e.Core) {
		t.Fatalf("an ordinary record is not taken the short way:\n%s\n%s", text, e.Core)
	}
	less, err := Minimise(e)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Verify(less); err != nil {
		t.Errorf("minimised: %v", err)
	}
	flip := func(b []byte) []byte { b = bytes.Clone(b); b[len(b)/2] ^= 1; return b }
	for name, x := range map[string]struct {
		change func(*Entry)
		want   error
	}{
		"core":      {func(e *Entry) { e.Core = flip(e.Core) }, ErrLeaf},
		"personal":  {func(e *Entry) { e.Personal = flip(e.Personal) }, ErrLeaf},
		"salt":      {func(e *Entry) { e.SaltCore = flip(e.SaltCore) }, ErrLeaf},
		"leaf":      {func(e *Entry) { e.Leaf = flip(e.Leaf) }, ErrSignature},
		"signature": {func(e *Entry) { e.Signature = flip(e.Signature) }, ErrSignature},
		"short":     {func(e *Entry) { e.Signature = e.Signature[:63] }, ErrSignature},
		"key":       {func(e *Entry) { e.KeyID = newTestKey(2).kid() }, ErrUnknownKey},
		"no key":    {func(e *Entry) { e.KeyID = "" }, ErrColumns},
		"id":        {func(e *Entry) { e.ReceiptID = strings.Repeat("0", 32) }, ErrIDs},
		"no id":     {func(e *Entry) { e.ReceiptID = "x" }, ErrColumns},
		"site":      {func(e *Entry) { e.Site = "blog" }, ErrColumns},
		"previous":  {func(e *Entry) { e.Previous = strings.Repeat("0", 32) }, ErrColumns},
		"received":  {func(e *Entry) { e.ReceivedAt-- }, ErrColumns},
		"subject":   {func(e *Entry) { e.Subject = strings.Repeat("0", 32) }, ErrColumns},
		"no salt":   {func(e *Entry) { e.SaltPerson = nil }, ErrDamaged},
	} {
		altered := *e
		x.change(&altered)
		if _, err := a.Verify(&altered); !errors.Is(err, x.want) {
			t.Errorf("%s: %v, want %v", name, err, x.want)
		}
	}
	for name, change := range map[string]func(*Core){
		"state":    func(c *Core) { c.State = Withdrawn },
		"schema":   func(c *Core) { c.Schema = "consent/v2" },
		"received": func(c *Core) { c.ReceivedAt = c.GivenAt - 1 },
	} {
		if _, err := a.Verify(resealed(t, e, change)); !errors.Is(err, ErrContents) {
			t.Errorf("signed nonsense, %s: %v", name, err)
		}
	}
	for _, text := range []string{
		strings.Replace(string(e.Core), `"action"`, `"Action"`, 1), strings.Replace(string(e.Core), `,"language"`, `, "language"`, 1),
		strings.Replace(string(e.Core), `"language":"de",`, ``, 1), strings.Replace(string(e.Core), `"language"`, `"also":1,"language"`, 1), string(e.Core) + " ",
	} {
		x := *e
		x.Core = []byte(text)
		if _, err := a.Verify(sealedAnew(t, &x)); !errors.Is(err, ErrContents) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// resealed is e with another core, signed as if it had been recorded so.
func resealed(t *testing.T, e *Entry, change func(*Core)) *Entry {
	t.Helper()
	core, err := ParseCore(e.Core)
	if err != nil {
		t.Fatal(err)
	}
	core.Categories = maps.Clone(core.Categories)
	change(&core)
	x := *e
	if x.Core, err = canonical.Encode(core); err != nil {
		t.Fatal(err)
	}
	x.ReceivedAt = core.ReceivedAt
	return sealedAnew(t, &x)
}

func sealedAnew(t *testing.T, e *Entry) *Entry {
	t.Helper()
	leaf, err := LeafOf(e)
	if err != nil {
		t.Fatal(err)
	}
	e.Leaf = leaf[:]
	e.KeyID, e.Signature = newTestKey(1).Sign(leaf)
	return e
}

func BenchmarkAudit(b *testing.B) {
	store := newMemory()
	r := NewRecorder(store, newTestKey(1), RecorderOptions{})
	if _, err := r.Record(b.Context(), draftNamed(b, "one")); err != nil {
		b.Fatal(err)
	}
	if err := r.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	e := store.entries[0]
	a := Auditor{Keys: newTestKey(1).keys()}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Verify(e); err != nil {
			b.Fatal(err)
		}
	}
}
