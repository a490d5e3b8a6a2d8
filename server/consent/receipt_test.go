package consent

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
)

var update = flag.Bool("update", false, "write the golden files anew")

func receiptOf(t testing.TB, e *Entry) []byte {
	t.Helper()
	b, err := EncodeReceipt(e)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// earlyToken is what the first golden receipts answered: before each site had a key
// of its own.
func earlyToken(q Question) string {
	text := q.Served.text()
	return text + "." + base64.RawURLEncoding.EncodeToString(tokenMAC(make([]byte, 32), text))
}

// luckOfEarlier is the luck of records of before ids began with their minute: 128 random
// bits in hexadecimal.
func luckOfEarlier(b []byte, place uint32) luck {
	l := luckOf(b, place)
	l.id, l.subject = hex.EncodeToString(b[:16]), hex.EncodeToString(b[16:32])
	return l
}

// golden receipts hold the format of the wire still: everything handed out so
// far must be read by whatever comes later.
func goldenEntries(t *testing.T) map[string]*Entry {
	entries := goldenWith(t, luckOfEarlier)
	for name, e := range goldenWith(t, luckOf) {
		entries["base32/"+name] = e
	}
	return entries
}

func goldenWith(t *testing.T, luckOf func([]byte, uint32) luck) map[string]*Entry {
	sealedAt := func(t testing.TB, d Draft, previous *Entry, now time.Time) (*Entry, Core, Personal) {
		return sealedWith(t, d, previous, now, luckOf)
	}
	entries := map[string]*Entry{}
	add := func(name string, index int64, e *Entry) {
		e.Index = index
		entries[name] = e
	}
	q, _ := question(t, inEurope)
	token := earlyToken(q)
	save := decisionFor(token, "f81d4fae7dec11d0a76500a0c91e6bf6")
	first, _, _ := sealedAt(t, draftOf(t, save, q), nil, noon)
	add("save", 0, first)

	accept := save
	accept.Action, accept.Surface = AcceptAll, OnBanner
	accept.Categories, accept.Vendors = map[string]bool{"preferences": true, "analytics": true, "marketing": true}, nil
	e, _, _ := sealedAt(t, draftOf(t, accept, q), nil, noon)
	add("accept-all", 7, e)

	withdraw := save
	withdraw.Action = Withdraw
	withdraw.Categories, withdraw.Vendors = map[string]bool{"preferences": false, "analytics": false, "marketing": false}, nil
	e, _, _ = sealedAt(t, draftOf(t, withdraw, q), first, noon)
	add("withdraw", 123456, e)

	q, _ = question(t, inCalifornia)
	token = earlyToken(q)
	q.Served.Region, q.Served.Source, q.Served.Law, q.GPCHeader = "US-CA", "header", "us-ca-ccpa", true
	signal := decisionFor(token, "s")
	signal.Action, signal.Surface, signal.GPC, signal.Vendors = Signal, OnSignal, true, nil
	signal.Categories = map[string]bool{"analytics": false, "marketing": false}
	e, _, _ = sealedAt(t, draftOf(t, signal, q), nil, noon)
	add("signal", 1, e)

	q.Models, q.Served.Region, q.Served.Source = byNotice, "", "none"
	read := Decision{ID: "n", Token: token, Action: Acknowledge, Surface: OnBanner, At: noon.UnixMilli()}
	e, _, _ = sealedAt(t, draftOf(t, read, q), nil, noon)
	add("acknowledge", 2, e)

	less, err := Minimise(first)
	if err != nil {
		t.Fatal(err)
	}
	add("minimised", 3, less)
	return entries
}

func TestGoldenReceipts(t *testing.T) {
	key := newTestKey(7)
	jwks, err := key.keys().JWKS()
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "jwks.json", jwks)
	keys, err := ParsePublicKeys(jwks)
	if err != nil {
		t.Fatal(err)
	}
	for name, e := range goldenEntries(t) {
		receipt := receiptOf(t, e)
		compare(t, name+".json", receipt)
		again, err := canonical.Transform(receipt)
		if err != nil || !bytes.Equal(again, receipt) {
			t.Errorf("%s: not canonical: %v", name, err)
		}
		report, err := Verify(receipt, keys)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if report.Reformatted || report.Index != e.Index || (report.Personal == nil) != (path.Base(name) == "minimised") {
			t.Errorf("%s: %+v", name, report)
		}
	}
}

func compare(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", "wire", filepath.FromSlash(name))
	if *update {
		if err := os.WriteFile(file, append(slices.Clone(got), '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.TrimSuffix(want, []byte("\n")), got) {
		t.Errorf("%s is not as it was:\n%s", file, got)
	}
}

func TestReformattedReceiptsVerify(t *testing.T) {
	e, _, _ := sealedAt(t, draftNamed(t, "one"), nil, noon)
	receipt := receiptOf(t, e)
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, receipt, "", "\t"); err != nil {
		t.Fatal(err)
	}
	var loose map[string]any
	if err := json.Unmarshal(receipt, &loose); err != nil {
		t.Fatal(err)
	}
	escaped := jsonOf(t, loose) // Go writes & < > as \u0026 \u003c \u003e
	for name, text := range map[string][]byte{"indented": pretty.Bytes(), "escaped": escaped, "final newline": append(slices.Clone(receipt), '\n')} {
		report, err := Verify(text, newTestKey(7).keys())
		if err != nil || !report.Reformatted {
			t.Errorf("%s: %v, reformatted %v", name, err, report.Reformatted)
		}
	}
	if bytes.Equal(escaped, receipt) || !bytes.Contains(escaped, []byte(`\u0026`)) {
		t.Error("the test escapes nothing")
	}
}

func TestVerifyNamesEveryFailure(t *testing.T) {
	e, _, _ := sealedAt(t, draftNamed(t, "one"), nil, noon)
	e.Index = 41
	receipt := string(receiptOf(t, e))
	other, _, _ := sealedAt(t, draftNamed(t, "two"), nil, noon.Add(60_000_000))
	foreign := *e
	foreign.Signature = other.Signature
	less, err := Minimise(e)
	if err != nil {
		t.Fatal(err)
	}
	keys := newTestKey(7).keys()
	// A record that lies, honestly signed.
	signedLie := func(change func(*Core, *Personal)) []byte {
		core, err1 := ParseCore(e.Core)
		personal, err2 := ParsePersonal(e.Personal)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		change(&core, &personal)
		lie := *e
		if lie.Core, err = canonical.Encode(core); err != nil {
			t.Fatal(err)
		}
		if lie.Personal, err = canonical.Encode(personal); err != nil {
			t.Fatal(err)
		}
		leaf, err := LeafOf(&lie)
		if err != nil {
			t.Fatal(err)
		}
		lie.Leaf = leaf[:]
		_, lie.Signature = newTestKey(7).Sign(leaf)
		return receiptOf(t, &lie)
	}
	with := func(old, new string) []byte {
		if strings.Count(receipt, old) != 1 {
			t.Fatalf("%q stands %d times in the receipt", old, strings.Count(receipt, old))
		}
		return []byte(strings.Replace(receipt, old, new, 1))
	}
	salt := base64url.EncodeToString(e.SaltPerson)
	for name, test := range map[string]struct {
		receipt []byte
		keys    PublicKeys
		want    []error
	}{
		"empty":                  {nil, keys, []error{ErrForm}},
		"not JSON":               {[]byte("receipt"), keys, []error{ErrForm}},
		"a list":                 {[]byte("[]"), keys, []error{ErrForm}},
		"null":                   {[]byte("null"), keys, []error{ErrForm}},
		"twice the same name":    {with(`},"id":`, `},"id":"","id":`), keys, []error{ErrForm}},
		"two receipts":           {[]byte(receipt + receipt), keys, []error{ErrForm}},
		"schema":                 {with("receipt/v1", "receipt/v2"), keys, []error{ErrForm}},
		"a member more":          {with(`{"core":{`, `{"a":1,"core":{`), keys, []error{ErrForm}},
		"another case":           {with(`,"signature"`, `,"Signature"`), keys, []error{ErrForm}},
		"personal gone":          {with(`,"personal":`+string(e.Personal), ""), keys, []error{ErrForm}},
		"salt gone":              {with(`,"personal":"`+salt+`"`, ""), keys, []error{ErrForm}},
		"salt short":             {with(salt, salt[:42]), keys, []error{ErrForm}},
		"salt with stray bits":   {with(salt, salt[:42]+string(salt[42]+1)), keys, []error{ErrForm}},
		"index negative":         {with(`"index":41`, `"index":-1`), keys, []error{ErrForm}},
		"index fraction":         {with(`"index":41`, `"index":41.5`), keys, []error{ErrForm}},
		"both forms":             {[]byte(`{"commitments":{"personal":"` + base64url.EncodeToString(e.Leaf) + `"},` + receipt[1:]), keys, []error{ErrForm}},
		"outer id":               {with(`},"id":"`+e.ReceiptID, `},"id":"`+strings.Repeat("0", 32)), keys, []error{ErrIDs}},
		"core":                   {with(`"state":"partial"`, `"state":"given"`), keys, []error{ErrContents, ErrLeaf}},
		"core, consistently":     {with(`"language":"de"`, `"language":"en"`), keys, []error{ErrLeaf}},
		"personal":               {with(`"subject":"`+e.Subject, `"subject":"`+strings.Repeat("0", 32)), keys, []error{ErrLeaf}},
		"salt of another":        {with(salt, base64url.EncodeToString(e.SaltCore)), keys, []error{ErrLeaf}},
		"signature of another":   {receiptOf(t, &foreign), keys, []error{ErrSignature}},
		"unknown key":            {[]byte(receipt), newTestKey(8).keys(), []error{ErrUnknownKey}},
		"no keys":                {[]byte(receipt), nil, []error{ErrUnknownKey}},
		"key under another name": {[]byte(receipt), PublicKeys{e.KeyID: newTestKey(8).keys()[newTestKey(8).kid()]}, []error{ErrSignature}},
		"commitment altered":     {bytes.Replace(receiptOf(t, less), []byte(`"commitments":{"personal":"`), []byte(`"commitments":{"personal":"A`), 1), keys, []error{ErrForm}},
		"lie: ids":               {signedLie(func(_ *Core, p *Personal) { p.ID = other.Subject }), keys, []error{ErrIDs}},
		"lie: subject":           {signedLie(func(_ *Core, p *Personal) { p.Subject = "somebody@example.com" }), keys, []error{ErrContents}},
		"lie: received first":    {signedLie(func(c *Core, _ *Personal) { c.GivenAt = c.ReceivedAt + 1 }), keys, []error{ErrContents}},
		"lie: before served":     {signedLie(func(c *Core, _ *Personal) { c.GivenAt = c.TokenFrom - 1 }), keys, []error{ErrContents}},
		"lie: never ends":        {signedLie(func(c *Core, _ *Personal) { c.ValidUntil *= 2 }), keys, []error{ErrContents}},
		"lie: ended":             {signedLie(func(c *Core, _ *Personal) { c.ValidUntil = c.ReceivedAt }), keys, []error{ErrContents}},
		"lie: state":             {signedLie(func(c *Core, _ *Personal) { c.State = Given }), keys, []error{ErrContents}},
		"lie: choice":            {signedLie(func(c *Core, _ *Personal) { c.Categories["marketing"] = "perhaps" }), keys, []error{ErrContents}},
		"lie: explicit signal":   {signedLie(func(c *Core, _ *Personal) { c.Action, c.State = Signal, SignalApplied }), keys, []error{ErrContents}},
		"lie: no model":          {signedLie(func(c *Core, _ *Personal) { delete(c.Models, "marketing") }), keys, []error{ErrContents}},
		"lie: digest":            {signedLie(func(c *Core, _ *Personal) { c.Experience = "abc" }), keys, []error{ErrContents}},
		"lie: replaces itself":   {signedLie(func(c *Core, _ *Personal) { c.Previous = c.ID }), keys, []error{ErrContents}},
		"lie: schema":            {signedLie(func(c *Core, _ *Personal) { c.Schema = "consent/v2" }), keys, []error{ErrContents}},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := Verify(test.receipt, test.keys)
			for _, sentinel := range []error{ErrForm, ErrIDs, ErrContents, ErrLeaf, ErrUnknownKey, ErrSignature} {
				if got, want := errors.Is(err, sentinel), slices.Contains(test.want, sentinel); got != want {
					t.Errorf("%v: %v, want %v; all of it: %v", sentinel, got, want, err)
				}
			}
			for _, c := range report.Checks { // each says what it found, and nothing of another
				if c.Name == "signature" && c.Err != nil && !errors.Is(c.Err, ErrSignature) {
					t.Errorf("the signature fails with %v", c.Err)
				}
			}
			var text strings.Builder
			if _, err := report.WriteTo(&text); err != nil || !strings.Contains(text.String(), "FAILED") || strings.Contains(text.String(), "subject") {
				t.Errorf("%v: the report:\n%s", err, text.String())
			}
		})
	}
}

// No byte of it can be another one. The only thing outside
// the signature is the leaf's index, which an inclusion proof vouches for.
func TestNoByteOfAReceiptCanBeAltered(t *testing.T) {
	t.Parallel()
	e, _, _ := sealedAt(t, draftNamed(t, "one"), nil, noon)
	e.Index = 123456
	less, err := Minimise(e)
	if err != nil {
		t.Fatal(err)
	}
	keys := newTestKey(7).keys()
	random := rand.New(rand.NewPCG(14, 10_000))
	for _, receipt := range [][]byte{receiptOf(t, e), receiptOf(t, less)} {
		index := bytes.Index(receipt, []byte("123456"))
		for range 5_000 {
			at := random.IntN(len(receipt))
			if at >= index && at < index+6 {
				continue
			}
			b := slices.Clone(receipt)
			if random.IntN(2) == 0 {
				b[at] ^= 1 << random.IntN(8)
			} else {
				b[at] += 1 + byte(random.IntN(255))
			}
			if _, err := Verify(b, keys); err == nil {
				t.Fatalf("byte %d was changed from %q to %q, and it verifies:\n%s", at, receipt[at], b[at], b)
			}
		}
		// An altered index is a claim; everything else of the report stays true.
		b := slices.Clone(receipt)
		b[index]++
		report, err := Verify(b, keys)
		if err != nil || report.Index != 223456 || !bytes.Equal(report.Leaf[:], e.Leaf) {
			t.Errorf("altered index: %v, %d", err, report.Index)
		}
		var e auditlog.Edge
		_, head, stored, err := e.Append([][auditlog.LeafSize]byte{{}, report.Leaf, {}})
		if err != nil {
			t.Fatal(err)
		}
		nodes := edgeOf(stored)
		proof, err := auditlog.ProveInclusion(nodes, head, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := auditlog.CheckInclusion(proof, head, 1, report.Leaf); err != nil {
			t.Error(err)
		}
		if err := auditlog.CheckInclusion(proof, head, 2, report.Leaf); !errors.Is(err, auditlog.ErrInclusion) {
			t.Errorf("proven at an altered index: %v", err)
		}
	}
}

func TestMinimisedReceipts(t *testing.T) {
	e, _, personal := sealedAt(t, draftNamed(t, "one"), nil, noon)
	less, err := Minimise(e)
	if err != nil {
		t.Fatal(err)
	}
	receipt := receiptOf(t, less)
	if bytes.Contains(receipt, []byte(personal.Subject)) || bytes.Contains(receipt, []byte(base64url.EncodeToString(e.SaltPerson))) {
		t.Errorf("it still holds the subject or its salt:\n%s", receipt)
	}
	report, err := Verify(receipt, newTestKey(7).keys())
	if err != nil || report.Personal != nil || report.Leaf != [32]byte(e.Leaf) {
		t.Errorf("%v, %+v", err, report)
	}
	if again, err := Minimise(less); err != nil || !bytes.Equal(receiptOf(t, again), receipt) {
		t.Errorf("minimised twice: %v", err)
	}
	if e.Personal == nil {
		t.Error("the entry itself was changed")
	}
}

func TestDamagedEntriesAreNotHandedOut(t *testing.T) {
	good, _, _ := sealedAt(t, draftNamed(t, "one"), nil, noon)
	for name, change := range map[string]func(*Entry){
		"core":          func(e *Entry) { e.Core = bytes.Replace(e.Core, []byte("granted"), []byte("refused"), 1) },
		"personal":      func(e *Entry) { e.Personal = []byte("{}") },
		"salt":          func(e *Entry) { e.SaltCore = e.SaltPerson },
		"short salt":    func(e *Entry) { e.SaltCore = e.SaltCore[:31] },
		"no personal":   func(e *Entry) { e.Personal = nil },
		"no salt":       func(e *Entry) { e.SaltPerson = nil },
		"both":          func(e *Entry) { e.CommitPers = e.Leaf },
		"leaf":          func(e *Entry) { e.Leaf = e.SaltCore },
		"no core":       func(e *Entry) { e.Core = nil },
		"key":           func(e *Entry) { e.KeyID = `"` },
		"id":            func(e *Entry) { e.ReceiptID = `","x":"` },
		"not in a log":  func(e *Entry) { e.Index = -1 },
		"commit length": func(e *Entry) { e.Personal, e.SaltPerson, e.CommitPers = nil, nil, []byte("short") },
	} {
		e := *good
		change(&e)
		if _, err := EncodeReceipt(&e); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	e, _, _ := sealedAt(f, draftNamed(f, "one"), nil, noon)
	less, err := Minimise(e)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(receiptOf(f, e))
	f.Add(receiptOf(f, less))
	f.Add([]byte(`{"core":{},"id":"","key_id":"","leaf":{},"personal":{},"salts":{},"schema":"receipt/v1","signature":""}`))
	keys := newTestKey(7).keys()
	f.Fuzz(func(t *testing.T, b []byte) {
		report, err := Verify(b, keys)
		if err == nil && !bytes.Equal(report.Leaf[:], e.Leaf) {
			t.Fatalf("something we did not sign verifies:\n%s", b)
		}
	})
}

// edgeOf serves nodes that were just made.
func edgeOf(stored []auditlog.StoredHash) nodeMap {
	m := nodeMap{}
	for _, s := range stored {
		m[s.Index] = s.Hash
	}
	return m
}
