package auditlog

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// zeros is a random source that everybody knows.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func logKey(t testing.TB, origin string) *LogKey {
	t.Helper()
	k, err := NewLogKey(origin, zeros{})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func witnessOf(t testing.TB, name string) *WitnessKey {
	t.Helper()
	k, err := NewWitnessKey(name, zeros{})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// signedHead is a checkpoint of five leaves, and one leaf's proof.
func signedHead(t testing.TB, k *LogKey) (Checkpoint, tlog.RecordProof) {
	t.Helper()
	store := nodes{}
	head := build(t, store, []int{5})[1]
	c, err := k.Sign(head, noon)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ProveInclusion(store, head, 2)
	if err != nil {
		t.Fatal(err)
	}
	return c, p
}

// Others know keys and checkpoints by these very bytes.
func TestCheckpointFormat(t *testing.T) {
	k := logKey(t, "shop.example/log")
	// The key hash is SHA-256("shop.example/log" ‖ "\n" ‖ 0x01 ‖ key)[:4]; the public key
	// of 32 zero bytes is that of RFC 8032's algorithm for that seed.
	public := ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey)
	sum := sha256.Sum256(append([]byte("shop.example/log\n\x01"), public...))
	want := fmt.Sprintf("shop.example/log+%x+%s", sum[:4], base64.StdEncoding.EncodeToString(append([]byte{1}, public...)))
	if got := k.VerifierKey(); got != want {
		t.Errorf("vkey %s, want %s", got, want)
	}
	c, _ := signedHead(t, k)
	n, err := note.Open(c.Note, note.VerifierList(k.Verifier()))
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(n.Text, "\n"); len(lines) != 4 || lines[0] != "shop.example/log" || lines[1] != "5" || lines[2] != c.Head.Root.String() || lines[3] != "" {
		t.Errorf("signed: %q", n.Text)
	}
	again, err := ParseLogKey(k.Secret())
	if err != nil || again.VerifierKey() != k.VerifierKey() {
		t.Errorf("read back: %v", err)
	}
}

func TestCosignatureFormat(t *testing.T) {
	c, _ := signedHead(t, logKey(t, "shop.example/log"))
	k := witnessOf(t, "witness.example")
	line, err := k.Cosign(c, noon)
	if err != nil {
		t.Fatal(err)
	}
	text, ok := strings.CutPrefix(line, "— witness.example ")
	b, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(text, "\n"))
	if !ok || err != nil || len(b) != 4+8+64 {
		t.Fatalf("line %q: %v", line, err)
	}
	// c2sp.org/tlog-cosignature, word by word.
	public := ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey)
	sum := sha256.Sum256(append([]byte("witness.example\n\x04"), public...))
	if !bytes.Equal(b[:4], sum[:4]) || binary.BigEndian.Uint64(b[4:]) != uint64(noon.Unix()) {
		t.Errorf("key id and time: %x", b[:12])
	}
	message := fmt.Sprintf("cosignature/v1\ntime %d\nshop.example/log\n5\n%s\n", noon.Unix(), c.Head.Root)
	if !ed25519.Verify(public, []byte(message), b[12:]) {
		t.Error("the signature is over something else")
	}
	if k.VerifierKey() != fmt.Sprintf("witness.example+%x+%s", sum[:4], base64.StdEncoding.EncodeToString(append([]byte{4}, public...))) {
		t.Errorf("vkey %s", k.VerifierKey())
	}
	again, err := ParseWitnessKey(k.Secret())
	if err != nil || again.VerifierKey() != k.VerifierKey() {
		t.Errorf("read back: %v", err)
	}
	v, err := NewVerifier(k.VerifierKey())
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(append(bytes.Clone(c.Note), line...), note.VerifierList(v))
	if err != nil || len(n.Sigs) != 1 {
		t.Fatal(err)
	}
	if at, ok := CosignedAt(n.Sigs[0]); !ok || !at.Equal(noon) {
		t.Errorf("at %v", at)
	}
}

func TestOpenCheckpointTakesOnlyTheLogs(t *testing.T) {
	k, witness := logKey(t, "shop.example/log"), witnessOf(t, "witness.example")
	c, _ := signedHead(t, k)
	line, err := witness.Cosign(c, noon)
	if err != nil {
		t.Fatal(err)
	}
	whole := append(bytes.Clone(c.Note), line...)
	got, by, err := OpenCheckpoint(whole, k.Verifier(), witness)
	if err != nil || got.Head != c.Head || got.Origin != c.Origin || len(by) != 1 || by[0].Name != "witness.example" {
		t.Fatalf("%+v, %v, %v", got, by, err)
	}
	own, others := SplitNote(whole, k.Verifier())
	if !bytes.Equal(own, c.Note) || len(others) != 1 || others[KeyName(witness)] != line {
		t.Errorf("parted: %q and %q", own, others)
	}
	other := logKey(t, "blog.example/log")
	for i := range whole {
		b := bytes.Clone(whole)
		b[i] ^= 2
		if got, by, err := OpenCheckpoint(b, k.Verifier(), witness); err == nil && (got.Head != c.Head || got.Origin != c.Origin || len(by) > 1) {
			t.Errorf("byte %d changed: %+v", i, got)
		}
	}
	sign := func(text string) []byte {
		t.Helper()
		signer, err := note.NewSigner(k.Secret())
		if err != nil {
			t.Fatal(err)
		}
		b, err := note.Sign(&note.Note{Text: text}, signer)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	root := c.Head.Root.String()
	if got, _, err := OpenCheckpoint(sign("shop.example/log\n5\n"+root+"\nextension\n"), k.Verifier()); err != nil || got.Head != c.Head {
		t.Errorf("with a line behind: %v", err)
	}
	for name, text := range map[string][]byte{
		"another log's key":       c.Note,
		"another log's name":      sign("blog.example/log\n5\n" + root + "\n"),
		"no root":                 sign("shop.example/log\n5\n"),
		"a size with a zero":      sign("shop.example/log\n05\n" + root + "\n"),
		"a negative size":         sign("shop.example/log\n-5\n" + root + "\n"),
		"a size that overflows":   sign("shop.example/log\n99999999999999999999\n" + root + "\n"),
		"a short root":            sign("shop.example/log\n5\nAAAA\n"),
		"a root in another base":  sign("shop.example/log\n5\n" + strings.Repeat("0", 64) + "\n"),
		"an odd end of a root":    sign("shop.example/log\n5\n" + root[:42] + "B=\n"), // bits that say nothing
		"an empty log and a root": sign("shop.example/log\n0\n" + root + "\n"),
		"no signature":            []byte(c.Body() + "\n"),
		"nothing":                 nil,
		"too long":                append(bytes.Clone(whole), bytes.Repeat([]byte(line), 2000)...),
	} {
		key := k
		if name == "another log's key" {
			key = other
		}
		if got, _, err := OpenCheckpoint(text, key.Verifier()); !errors.Is(err, ErrCheckpoint) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	// A witness's signature alone is not the log's.
	if _, _, err := OpenCheckpoint(append([]byte(c.Body()+"\n"), line...), k.Verifier(), witness); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("cosigned alone: %v", err)
	}
}

func TestKeysThatAreNone(t *testing.T) {
	good := witnessOf(t, "witness.example").VerifierKey()
	for name, key := range map[string]string{
		"empty": "", "name": "x", "hash": strings.Replace(good, "+", "+0", 1), "other name": "w" + good, "short": good[:len(good)-8],
		"kind": formatKey("x.example", 9, make([]byte, 32)), "short key": formatKey("x.example", 4, make([]byte, 31)), "space": "a b" + good,
	} {
		if _, err := NewVerifier(key); err == nil {
			t.Errorf("%s: %q is taken for a key", name, key)
		}
	}
	for _, secret := range []string{"", "PRIVATE+KEY+", logKey(t, "a").Secret(), strings.Replace(witnessOf(t, "b").Secret(), "b+", "c+", 1)} {
		if _, err := ParseWitnessKey(secret); err == nil {
			t.Errorf("%q is taken for a witness's key", secret)
		}
	}
	if _, err := ParseLogKey(witnessOf(t, "b").Secret()); err == nil {
		t.Error("a witness's key is taken for a log's")
	}
	for _, origin := range []string{"", "a b", "a+b", "https://a.example/log", "a/", "a\n", "a\u00a0b", strings.Repeat("a", 201), "\xff"} {
		if _, err := NewLogKey(origin, zeros{}); !errors.Is(err, ErrOrigin) {
			t.Errorf("%q is taken for an origin", origin)
		}
	}
}

func TestProofFile(t *testing.T) {
	k := logKey(t, "shop.example/log")
	c, hashes := signedHead(t, k)
	for _, extra := range [][]byte{nil, []byte("where it came from")} {
		text := Proof{Extra: extra, Index: 2, Hashes: hashes, Checkpoint: c.Note}.Encode()
		p, err := ParseProof(text)
		if err != nil || !bytes.Equal(p.Extra, extra) || p.Index != 2 || len(p.Hashes) != len(hashes) {
			t.Fatalf("%+v, %v\n%s", p, err, text)
		}
		if got, _, err := p.Verify(leafNumber(2), k.Verifier()); err != nil || got.Head != c.Head {
			t.Errorf("%v", err)
		}
		if !bytes.Equal(p.Encode(), text) {
			t.Errorf("written again:\n%s", p.Encode())
		}
	}
	text := string(Proof{Index: 2, Hashes: hashes, Checkpoint: c.Note}.Encode())
	for name, change := range map[string][2]string{
		"version":        {"@v1", "@v2"},
		"index":          {"index 2", "index 02"},
		"negative":       {"index 2", "index -2"},
		"no index":       {"index 2\n", ""},
		"extra, no data": {"index 2", "extra !\nindex 2"},
		"a short hash":   {hashes[0].String(), "AAAA"},
		"two extras":     {"index 2", "extra AA==\nextra AA==\nindex 2"},
		"no checkpoint":  {"\n\n", "\n"},
	} {
		bad := strings.Replace(text, change[0], change[1], 1)
		if name == "no checkpoint" {
			bad = text[:strings.Index(text, "\n\n")+1]
		}
		if _, err := ParseProof([]byte(bad)); !errors.Is(err, ErrProof) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p, err := ParseProof([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		p.Index = int64(i)
		if _, _, err := p.Verify(leafNumber(2), k.Verifier()); (err == nil) != (i == 2) {
			t.Errorf("index %d: %v", i, err)
		}
	}
}

func FuzzParseProof(f *testing.F) {
	k := logKey(f, "shop.example/log")
	c, hashes := signedHead(f, k)
	f.Add(Proof{Index: 2, Hashes: hashes, Checkpoint: c.Note}.Encode())
	f.Add(Proof{Extra: []byte("x"), Index: 0, Checkpoint: c.Note}.Encode())
	f.Add([]byte("c2sp.org/tlog-proof@v1\nindex 0\n\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParseProof(text)
		if err != nil {
			return
		}
		if again, err := ParseProof(p.Encode()); err != nil || again.Index != p.Index || len(again.Hashes) != len(p.Hashes) {
			t.Fatalf("what was read can't be written: %v", err)
		}
		if got, _, err := p.Verify(leafNumber(2), k.Verifier()); err == nil && (got.Head != c.Head || p.Index != 2) {
			t.Fatalf("a forged proof: %+v", p)
		}
	})
}
