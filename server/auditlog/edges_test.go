package auditlog

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const emptyRoot = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" // SHA-256 of nothing (RFC 6962, 2.1)

// failing is a random source, and a store of nodes, that is broken.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error)                { return 0, f.err }
func (f failing) ReadHashes([]int64) ([]tlog.Hash, error) { return nil, f.err }

var errBroken = errors.New("broken")

// A checkpoint is read by its three lines, whoever signed it; lines behind them are the
// log's own.
func TestWhatACheckpointSays(t *testing.T) {
	other := base64.StdEncoding.EncodeToString(make([]byte, 32))
	signed := func(body string) []byte { return []byte(body + "\n— x AAAAAA==\n") }
	for name, body := range map[string]string{
		"the empty log":         "o\n0\n" + emptyRoot + "\n",
		"one leaf":              "o\n1\n" + other + "\n",
		"a line of the log's":   "o\n1\n" + other + "\nmore\n",
		"several lines of that": "o\n1\n" + other + "\nmore\nand\nmore\n",
	} {
		text := signed(body)
		c, err := ParseCheckpoint(text)
		if err != nil || c.Origin != "o" || !bytes.Equal(c.Note, text) || !strings.HasPrefix(body, c.Body()) {
			t.Errorf("%s: %+v %v", name, c, err)
		}
		if clear(text); len(c.Note) == 0 || c.Note[0] != 'o' {
			t.Errorf("%s: the note is not its own", name)
		}
	}
	for name, bad := range map[string]struct{ body, says string }{
		"two lines":             {"o\n1\n", "three lines"},
		"no origin":             {"\n1\n" + other + "\n", "three lines"},
		"an empty fourth line":  {"o\n1\n" + other + "\n\n", "three lines"},
		"an empty line further": {"o\n1\n" + other + "\nmore\n\nmore\n", "three lines"},
		"fewer than none":       {"o\n-1\n" + other + "\n", `"-1"`},
		"an odd number":         {"o\n01\n" + other + "\n", `"01"`},
		"no number":             {"o\nx\n" + other + "\n", `"x"`},
		"no root":               {"o\n1\nroot\n", `"root"`},
		"a root of no leaves":   {"o\n0\n" + other + "\n", "no leaves"},
	} {
		if c, err := ParseCheckpoint(signed(bad.body)); !errors.Is(err, ErrCheckpoint) || c.Origin != "" || !strings.Contains(err.Error(), bad.says) {
			t.Errorf("%s: %+v %v", name, c, err)
		}
	}
	for _, text := range []string{"", "o\n1\n" + other + "\n", "o\n1\n" + other + "\n\n— x AAAAAA==", "\n\n— x AAAAAA==\n"} {
		if _, err := ParseCheckpoint([]byte(text)); !errors.Is(err, ErrCheckpoint) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for text, ok := range map[string]bool{emptyRoot: true, emptyRoot + "\n": false, emptyRoot[:40] + "\n" + emptyRoot[40:]: false, emptyRoot[4:]: false, "?": false, "": false} {
		if _, err := ParseHash(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A note of 64 KiB is read, and no longer one; by all who read notes.
func TestTheLongestNote(t *testing.T) {
	k := logKey(t, "shop.example/log")
	sign := func(size int) []byte {
		t.Helper()
		body := "shop.example/log\n0\n" + emptyRoot + "\n"
		short, err := note.Sign(&note.Note{Text: body + "x\n"}, k.signer)
		if err != nil {
			t.Fatal(err)
		}
		text, err := note.Sign(&note.Note{Text: body + strings.Repeat("x", 1+size-len(short)) + "\n"}, k.signer)
		if err != nil || len(text) != size {
			t.Fatal(len(text), err)
		}
		return text
	}
	for size, ok := range map[int]bool{mostNote: true, mostNote + 1: false} {
		text := sign(size)
		c, _, err := OpenCheckpoint(text, k.Verifier())
		if (err == nil) != ok || ok && !bytes.Equal(c.Note, text) {
			t.Errorf("%d bytes opened: %v", size, err)
		}
		if clear(text[:9]); ok && c.Note[0] != 's' {
			t.Error("the note is not its own")
		}
		text = sign(size)
		if _, err := ParseCheckpoint(text); (err == nil) != ok {
			t.Errorf("%d bytes parsed: %v", size, err)
		}
		if all := Signatures(text); (len(all) == 1) != ok {
			t.Errorf("%d bytes: signatures %v", size, all)
		}
	}
	for size, ok := range map[int]bool{2 * mostNote: true, 2*mostNote + 1: false} {
		head := proofHeader + "index 0\n\n"
		if _, err := ParseProof([]byte(head + strings.Repeat("A", size-len(head)))); (err == nil) != ok {
			t.Errorf("a proof of %d bytes: %v", size, err)
		}
	}
}

// Of a note that has lines of several keys one is opened, and who else signed is told.
func TestSignaturesOfANote(t *testing.T) {
	k, w := logKey(t, "shop.example/log"), witnessOf(t, "witness.example")
	c, _ := signedHead(t, k)
	line, err := w.Cosign(c, noon)
	if err != nil {
		t.Fatal(err)
	}
	text := []byte(string(c.Note) + line + "— short AAAA\n— none ?\n— four AAAAAA==\nno dash AAAAAA==\n")
	own, others := SplitNote(text, k.Verifier())
	if !bytes.Equal(own, c.Note) || len(others) != 2 || others[KeyName(w)] != line || others["four+00000000"] != "— four AAAAAA==\n" {
		t.Errorf("own %q, others %q", own, others)
	}
	if own, others := SplitNote([]byte("no note"), k.Verifier()); string(own) != "no note" || others != nil {
		t.Errorf("own %q, others %q", own, others)
	}
	var names []string
	for _, s := range Signatures(text) {
		names = append(names, s.Name)
	}
	if got := strings.Join(names, " "); got != "shop.example/log witness.example four" {
		t.Errorf("signatures of %s", got)
	}
	if s := Signatures(text)[1]; s.Hash != w.KeyHash() {
		t.Errorf("hash %x", s.Hash)
	}
	if all := Signatures([]byte("\n\n— x AAAAAA==\n")); len(all) != 1 {
		t.Errorf("of an empty body: %v", all)
	}
	for _, text := range []string{"", "x\n", "x\n\n— x AAAAAA=="} {
		if all := Signatures([]byte(text)); all != nil {
			t.Errorf("%q: %v", text, all)
		}
	}
}

// A log and a witness may have one name; their keys tell them apart.
func TestSignersOfOneName(t *testing.T) {
	k := logKey(t, "shop.example/log")
	other, err := NewLogKey("shop.example/log", strings.NewReader(strings.Repeat("other", 9)))
	if err != nil {
		t.Fatal(err)
	}
	c, _ := signedHead(t, k)
	theirs, err := other.Sign(c.Head, noon)
	if err != nil {
		t.Fatal(err)
	}
	text := append(bytes.Clone(c.Note), bytes.TrimPrefix(theirs.Note, []byte(c.Body()+"\n"))...)
	if _, signed, err := OpenCheckpoint(text, k.Verifier(), other.Verifier()); err != nil || len(signed) != 1 || signed[0].Hash != other.Verifier().KeyHash() {
		t.Errorf("cosigned by %v: %v", signed, err)
	}
	if _, _, err := OpenCheckpoint(theirs.Note, k.Verifier(), other.Verifier()); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("the log itself did not sign: %v", err)
	}
}

// A witness's word has the time in it, which is one that there can be.
func TestWhenAWitnessSigned(t *testing.T) {
	k, w := logKey(t, "shop.example/log"), witnessOf(t, "witness.example")
	c, _ := signedHead(t, k)
	for _, at := range []time.Time{noon, time.Unix(0, 0), time.Unix(-9, 0), time.Unix(1, 0)} {
		line, err := w.Cosign(c, at)
		if err != nil {
			t.Fatal(err)
		}
		_, signed, err := OpenCheckpoint(append(bytes.Clone(c.Note), line...), k.Verifier(), w)
		if err != nil || len(signed) != 1 {
			t.Fatal(signed, err)
		}
		if got, ok := CosignedAt(signed[0]); !ok || got.Unix() != max(at.Unix(), 0) {
			t.Errorf("signed at %v, it says %v", at, got)
		}
	}
	if _, err := w.Cosign(Checkpoint{Note: []byte("x")}, noon); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("no note was signed: %v", err)
	}
	body := c.Body()
	says := func(seconds uint64) []byte {
		return append(binary.BigEndian.AppendUint64(nil, seconds), ed25519.Sign(w.key, cosigned(seconds, body))...)
	}
	if !w.Verify([]byte(body), says(math.MaxInt64)) || w.Verify([]byte(body), says(math.MaxInt64+1)) {
		t.Error("the last second there is")
	}
	if s := says(1); w.Verify([]byte(body), s[:len(s)-1]) || w.Verify([]byte(body), append(s, 0)) || w.Verify([]byte(body), nil) || w.Verify([]byte("x"), s) {
		t.Error("a signature of another length, or of something else")
	}
	for _, text := range []string{"?", "", base64.StdEncoding.EncodeToString(make([]byte, cosignatureSize+3)), base64.StdEncoding.EncodeToString(make([]byte, cosignatureSize+5))} {
		if at, ok := CosignedAt(note.Signature{Base64: text}); ok || !at.IsZero() {
			t.Errorf("%q says %v", text, at)
		}
	}
}

// Keys are taken in one spelling, with a name that a log can have.
func TestKeysAreCheckedInFull(t *testing.T) {
	k, w := logKey(t, "shop.example/log"), witnessOf(t, "witness.example")
	if v, err := NewVerifier(k.VerifierKey()); err != nil || v.Name() != k.Origin() || v.KeyHash() != k.Verifier().KeyHash() {
		t.Errorf("the log's key: %v", err)
	}
	if v, err := NewVerifier(w.VerifierKey()); err != nil || v.Name() != "witness.example" || v.KeyHash() != w.KeyHash() {
		t.Errorf("the witness's key: %v", err)
	}
	of := func(name string, algorithm byte, key []byte) string { return formatKey(name, algorithm, key) }
	for vkey, says := range map[string]string{
		of("a", algorithmCosignature, make([]byte, 31)): "key of a",
		of("a", algorithmCosignature, []byte{1}):        "key of a",
		of("a", 9, make([]byte, 32)):                    "key of a",
		of("a", algorithmCosignature, nil):              `"a+`,
		of("a b", algorithmEd25519, make([]byte, 32)):   `"a b+`,
		"a+00000000+?":    `"a+`,
		"a+0000000+BAE=":  `"a+`,
		"a+zzzzzzzz+BAE=": "checksum",
		"a+00000000+BAE=": "checksum",
	} {
		if v, err := NewVerifier(vkey); v != nil || err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", vkey, err)
		}
	}
	if again, err := ParseWitnessKey(w.Secret()); err != nil || again.VerifierKey() != w.VerifierKey() {
		t.Errorf("the witness's secret: %v", err)
	}
	secret := func(name, text string) string { return secretPrefix + name + "+00000000+" + text }
	seed := base64.StdEncoding.EncodeToString(append([]byte{algorithmCosignature}, make([]byte, 32)...))
	for _, bad := range []string{"", w.Secret()[1:], secret("a", "?"), secret("a b", seed), secret("a", seed), secret("a", seed[:40]),
		secret("a", base64.StdEncoding.EncodeToString(append([]byte{9}, make([]byte, 32)...)))} {
		if k, err := ParseWitnessKey(bad); k != nil || err == nil {
			t.Errorf("%q is a key", bad)
		}
	}
	for _, bad := range []string{"x", secret("a", "?"), secret("a", seed), secret("a", "AQ==")} {
		if text, err := publicHalf(bad); text != "" || err == nil {
			t.Errorf("%q has a public half", bad)
		}
	}
	if _, err := NewWitnessKey("a b", zeros{}); !errors.Is(err, ErrOrigin) {
		t.Errorf("a name with a space: %v", err)
	}
	if _, err := NewWitnessKey("a", failing{errBroken}); !errors.Is(err, errBroken) {
		t.Errorf("no randomness: %v", err)
	}
	if _, err := NewLogKey("a", failing{io.ErrUnexpectedEOF}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("no randomness: %v", err)
	}
	if _, err := NewLogKey("a b", zeros{}); !errors.Is(err, ErrOrigin) {
		t.Errorf("a name with a space: %v", err)
	}
	address, _, err := note.GenerateKey(zeros{}, "https://a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseLogKey(address); !errors.Is(err, ErrOrigin) {
		t.Errorf("an address is no name: %v", err)
	}
	if _, err := ParseLogKey("x"); err == nil {
		t.Error("no key is a key")
	}
	for name, ok := range map[string]bool{strings.Repeat("a", 200): true, strings.Repeat("a", 201): false, "a\x01": false, "a\u00a0b": false, "a\xff": false, "a+b": false, "a/": false, "": false, "a/b": true} {
		if err := CheckOrigin(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// An entry is encoded once; what stands for it is its halves and their salts.
func TestEntries(t *testing.T) {
	if _, err := NewEntry(Act, "shop", "1", make(chan int), nil); err == nil {
		t.Error("what has no bytes was entered")
	}
	if _, err := NewEntry(Act, "shop", "1", 1, make(chan int)); err == nil {
		t.Error("what has no bytes was entered")
	}
	e, err := NewEntry(Act, "shop", "1", map[string]int{"b": 1, "a": 2}, "who")
	if err != nil || string(e.Core) != `{"a":2,"b":1}` || string(e.Personal) != `"who"` || e.Kind != Act || e.Site != "shop" || e.Object != "1" ||
		e.SaltCore == ([SaltSize]byte{}) || e.SaltPersonal == ([SaltSize]byte{}) || e.SaltCore == e.SaltPersonal {
		t.Fatalf("%+v %v", e, err)
	}
	whole := e.Leaf()
	if want := Act.Leaf(Commit(e.SaltCore, e.Core), Commit(e.SaltPersonal, e.Personal)); whole != want {
		t.Error("its leaf is another")
	}
	without := e
	without.Removed, without.Personal, without.SaltPersonal = Commit(e.SaltPersonal, e.Personal), nil, [SaltSize]byte{}
	if without.Leaf() != whole {
		t.Error("without its personal half its leaf is another")
	}
	if e, err := NewEntry(Standing, "shop", "1", 1, nil); err != nil || e.Personal != nil {
		t.Errorf("a personal half of nothing: %q %v", e.Personal, err)
	}
	if got := VersionLeaf(e.SaltCore, e.SaltPersonal, e.Core); got != PolicyVersion.Leaf(Commit(e.SaltCore, e.Core), Commit(e.SaltPersonal, nil)) || got == whole {
		t.Error("the leaf of a version is another")
	}
}

// A finding says what, where and why, on one line.
func TestFindings(t *testing.T) {
	for want, f := range map[string]Finding{
		"node 33 at leaf 0 was altered":         {Altered, "node 33", 0, nil},
		"publication 7 at leaf 12 was lost: no": {Lost, "publication 7", 12, errors.New("no")},
		"a session was forged: no":              {Forged, "a session", NoLeaf, errors.New("no")},
	} {
		if got := f.Error(); got != want || !errors.Is(f, f.Err) && f.Err != nil {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if err := (Finding{Err: errBroken}); !errors.Is(err, errBroken) {
		t.Error("why is lost")
	}
}

// What stands at a leaf says when it happened, or on which day.
func TestWhatIsPlacedSaysWhen(t *testing.T) {
	ms := noon.UnixMilli()
	for text, want := range map[string]Placed{
		`{"at":1795262400000,"what":"notice.publish","day":"2020-01-01"}`: {At: noon, Day: "2026-11-21", What: "notice.publish"},
		`{"published_at":1795262400000}`:                                  {At: noon, Day: "2026-11-21"},
		`{"at":1}`:                                                        {At: time.UnixMilli(1), Day: "1970-01-01"},
		`{"day":"2026-11-22"}`:                                            {Day: "2026-11-22"},
		`not JSON`:                                                        {Day: "kept", What: "kept"},
	} {
		p := Placed{Day: "kept", What: "kept"}
		if p.Said([]byte(text)); !p.At.Equal(want.At) || p.Day != want.Day || p.What != want.What || !p.At.IsZero() && p.At.Location() != time.UTC {
			t.Errorf("%s (%d): %+v", text, ms, p)
		}
	}
}

// Proofs are of leaves and heads that there can be, and of stores that answer.
func TestProofsOfWhatThereIsNot(t *testing.T) {
	store := nodes{}
	heads := build(t, store, []int{1, 4})
	one, five := heads[1], heads[2]
	if _, err := ProveInclusion(store, five, -1); !errors.Is(err, ErrNotInLog) {
		t.Errorf("leaf -1: %v", err)
	}
	if _, err := ProveInclusion(failing{errBroken}, five, 0); !errors.Is(err, errBroken) {
		t.Errorf("a broken store: %v", err)
	}
	if _, err := ProveConsistency(failing{errBroken}, one, five); !errors.Is(err, errBroken) {
		t.Errorf("a broken store: %v", err)
	}
	for _, old := range []Head{{Size: -1}, {Size: 6}} {
		if _, err := ProveConsistency(store, old, five); !errors.Is(err, errOrderOfHeads) {
			t.Errorf("from %d to 5: %v", old.Size, err)
		}
	}
	if p, err := ProveConsistency(store, Empty(), five); p != nil || err != nil {
		t.Errorf("from nothing: %v %v", p, err)
	}
	for name, c := range map[string]struct {
		proof    tlog.TreeProof
		old, new Head
		ok       bool
	}{
		"nothing to nothing":    {nil, Empty(), Empty(), true},
		"nothing to one":        {nil, Empty(), one, true},
		"another nothing":       {nil, Head{Root: one.Root}, one, false},
		"nothing with a proof":  {tlog.TreeProof{one.Root}, Empty(), one, false},
		"nothing to below that": {nil, Empty(), Head{Size: -1}, false},
		"one to itself":         {nil, one, one, true},
	} {
		if err := CheckConsistency(c.proof, c.old, c.new); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrConsistency) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A proof file has an index, and no more hashes than the deepest tree needs.
func TestProofFilesInFull(t *testing.T) {
	hashes := func(n int) string { return strings.Repeat(emptyRoot+"\n", n) }
	for text, ok := range map[string]bool{
		proofHeader + "index 0\n\nnote":                          true,
		proofHeader + "extra AAAA\nindex 7\n\nnote":              true,
		proofHeader + "extra AA==\nindex 7\n\nnote":              true,
		proofHeader + "index 0\n" + hashes(mostHashes) + "\nx":   true,
		proofHeader + "index 0\n" + hashes(mostHashes+1) + "\nx": false,
		proofHeader + "extra AAAA\n\nnote":                       false,
		proofHeader + "extra ?\nindex 0\n\nnote":                 false,
		proofHeader + "\n\nnote":                                 false,
		proofHeader + "index 0\n":                                false,
		proofHeader + "index -1\n\nx":                            false,
		proofHeader + "index 01\n\nx":                            false,
		proofHeader + "index x\n\nx":                             false,
		proofHeader + "0\n\nx":                                   false,
		proofHeader + "index 0\nx\n\nx":                          false,
		"index 0\n\nx":                                           false,
	} {
		p, err := ParseProof([]byte(text))
		if (err == nil) != ok || err != nil && !errors.Is(err, ErrProof) {
			t.Errorf("%.60q: %v", text, err)
		}
		if ok && string(p.Encode()) != text {
			t.Errorf("%.60q is written as %.60q", text, p.Encode())
		}
	}
	k := logKey(t, "shop.example/log")
	c, hash := signedHead(t, k)
	if _, _, err := (Proof{Index: 3, Hashes: hash, Checkpoint: c.Note}).Verify(leafNumber(2), k.Verifier()); !errors.Is(err, ErrInclusion) {
		t.Errorf("another leaf's place: %v", err)
	}
	if _, _, err := (Proof{Index: 2, Hashes: hash, Checkpoint: c.Note[1:]}).Verify(leafNumber(2), k.Verifier()); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("another log's: %v", err)
	}
}

// What is built on a leaf that is in doubt is in doubt, and is not told of.
func TestAReplayInDoubt(t *testing.T) {
	for bad := range 5 {
		r := &Replay{Node: func(int64) (tlog.Hash, bool) { return tlog.Hash{}, false }}
		told := 0
		r.Wrong = func(int64, bool) { told++ }
		if root, known := r.Root(); !known || root != Empty().Root || r.Size() != 0 {
			t.Fatal("the empty log")
		}
		for i, leaf := range leavesTo(5) {
			r.Add(LeafHash(leaf), i != bad)
			if _, known := r.Root(); known != (i < bad) {
				t.Errorf("leaf %d is in doubt: after %d the root is known: %v", bad, i+1, known)
			}
		}
		// Of the nodes 2 (leaves 0, 1), 5 (2, 3) and 6 (all four) those are told of that do not rest on it.
		if want := map[int]int{0: 1, 1: 1, 2: 1, 3: 1, 4: 3}[bad]; told != want {
			t.Errorf("leaf %d is in doubt: told of %d nodes, want %d", bad, told, want)
		}
	}
}

// An edge is only as good as the nodes it is read from.
func TestEdgesOfBrokenStores(t *testing.T) {
	store := nodes{}
	head := build(t, store, []int{5})[1]
	if _, err := LoadEdge(failing{errBroken}, head); !errors.Is(err, errBroken) {
		t.Errorf("a broken store: %v", err)
	}
	short := tlog.HashReaderFunc(func(x []int64) ([]tlog.Hash, error) { return make([]tlog.Hash, len(x)-1), nil })
	if _, err := LoadEdge(short, head); err == nil {
		t.Error("a node too few")
	}
	hollow := Edge{size: 5, nodes: map[int64]tlog.Hash{}}
	if h, err := hollow.Head(); !errors.Is(err, ErrDamaged) || h != (Head{}) {
		t.Errorf("an edge without nodes: %v %v", h, err)
	}
	if next, h, stored, err := hollow.Append(leavesTo(1)); !errors.Is(err, ErrDamaged) || next.size != 0 || h != (Head{}) || stored != nil {
		t.Errorf("appended to an edge without nodes: %v", err)
	}
	if _, h, _, err := hollow.Append(nil); !errors.Is(err, ErrDamaged) || h != (Head{}) {
		t.Errorf("the root of an edge without nodes: %v", err)
	}
}
