package store

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/volenti-consent/volenti/server/consent"
)

func newSecret(t *testing.T) (string, *consent.KeySecret) {
	t.Helper()
	text, err := consent.NewKeySecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := consent.ParseKeySecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return text, s
}

// Two nodes share a database. One rotates; the other goes on, verifies what the first
// one signs, and signs with the new key, without a start.
func TestNodesShareKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "volenti.db")
	one, two := openedSQLite(t, path), openedSQLite(t, path)
	_, secret := newSecret(t)
	a, b := consent.NewSealedKeys(one, secret), consent.NewSealedKeys(two, secret)
	ringA, err := consent.OpenKeyring(a, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ringB, err := consent.OpenKeyring(b, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if ringA.Current() != ringB.Current() {
		t.Fatal("each has a key of its own")
	}
	first := ringA.Current()
	before, err := b.KeyState()
	if err != nil {
		t.Fatal(err)
	}
	use, err := ringA.Announce(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if after, err := b.KeyState(); err != nil || after == before {
		t.Fatalf("the other node is not told: %v", err)
	}
	if err := ringB.Refresh(); err != nil {
		t.Fatal(err)
	}
	if ringA.Current() != first || ringB.Current() != first || len(ringB.Public()) != 2 {
		t.Errorf("announced: they sign with %s and %s, and %d are known", ringA.Current(), ringB.Current(), len(ringB.Public()))
	}
	if err := use(); err != nil {
		t.Fatal(err)
	}
	kid, signature := ringA.Sign([32]byte{7})
	if kid == first || ringB.Public()[kid] == nil || len(signature) != ed25519.SignatureSize {
		t.Error("the node that was not told yet does not know the key")
	}
	if err := ringB.Refresh(); err != nil || ringB.Current() != kid || len(ringB.Public()) != 2 {
		t.Errorf("the other node signs with %s, not %s: %v", ringB.Current(), kid, err)
	}
	names, err := b.KeyNames()
	if want := []string{"receipt-" + first + ".pub.pem", "receipt-" + kid + ".pem"}; err != nil || !slices.Equal(names, slices.Sorted(slices.Values(want))) {
		t.Errorf("kept are %v, want %v: %v", names, want, err)
	}
}

// What reads the database alone finds nothing to sign with, and what writes there can't
// put one key in the place of another.
func TestKeysAreSealedInTheDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "volenti.db")
	db := openedSQLite(t, path)
	text, secret := newSecret(t)
	keys := consent.NewSealedKeys(db, secret)
	if _, err := consent.OpenSecrets(keys, rand.Reader); err != nil {
		t.Fatal(err)
	}
	log, err := consent.OpenLogKey(keys, "shop.example/log", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{path, path + "-wal"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte(log.Secret()[:20])) || bytes.Contains(b, []byte("secrets/v1")) || bytes.Contains(b, []byte(text)) {
			t.Errorf("%s shows keys", file)
		}
	}
	_, other := newSecret(t)
	if _, err := consent.ReadLogKey(consent.NewSealedKeys(db, other)); !errors.Is(err, consent.ErrKeySecret) {
		t.Errorf("under another secret: %v", err)
	}
	rows, _, err := db.SealedKeys(t.Context())
	if err != nil || len(rows) != 2 {
		t.Fatal(rows, err)
	}
	if _, err := db.write.ExecContext(t.Context(), `UPDATE sealed_key SET sealed = ?2 WHERE name = ?1`, rows[0].Name, rows[1].Sealed); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.ReadKey(rows[0].Name); !errors.Is(err, consent.ErrKeySeal) {
		t.Errorf("a key under another name: %v", err)
	}
	if _, err := keys.ReadKey("nothing"); !errors.Is(err, consent.ErrKeySeal) {
		t.Errorf("a name beside it: %v", err)
	}
}

func TestKeysAreSealedUnderAnotherSecret(t *testing.T) {
	db := openedSQLite(t, filepath.Join(t.TempDir(), "volenti.db"))
	oldText, old := newSecret(t)
	nextText, next := newSecret(t)
	made, err := consent.OpenKeyring(consent.NewSealedKeys(db, old), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	both, err := consent.ParseKeySecret("# the new one first\n" + nextText + "\n" + oldText + "\n")
	if err != nil {
		t.Fatal(err)
	}
	for want := range 2 {
		if n, err := consent.Reseal(t.Context(), db, both); err != nil || n != 1-want {
			t.Fatalf("sealed %d anew, %v", n, err)
		}
	}
	if _, err := consent.OpenKeyring(consent.NewSealedKeys(db, old), rand.Reader); !errors.Is(err, consent.ErrKeySecret) {
		t.Errorf("the old secret: %v", err)
	}
	if ring, err := consent.OpenKeyring(consent.NewSealedKeys(db, next), rand.Reader); err != nil || ring.Current() != made.Current() {
		t.Errorf("the new secret: %v", err)
	}
}

func TestAFolderOfKeysIsTakenIn(t *testing.T) {
	db := openedSQLite(t, filepath.Join(t.TempDir(), "volenti.db"))
	folder := consent.KeyFolder(t.TempDir())
	ring, err := consent.OpenKeyring(folder, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := ring.Rotate(rand.Reader); err != nil {
		t.Fatal(err)
	}
	_, secret := newSecret(t)
	keys := consent.NewSealedKeys(db, secret)
	if n, err := consent.CopyKeys(keys, folder); err != nil || n != 2 {
		t.Fatal(n, err)
	}
	if _, err := consent.CopyKeys(keys, folder); !errors.Is(err, consent.ErrKeysThere) {
		t.Errorf("twice: %v", err)
	}
	taken, err := consent.OpenKeyring(keys, rand.Reader)
	if err != nil || taken.Current() != ring.Current() || len(taken.Public()) != 2 {
		t.Errorf("%v, %v", taken, err)
	}
	if _, err := consent.ReadLogKey(keys); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a key that was in no folder: %v", err)
	}
}
