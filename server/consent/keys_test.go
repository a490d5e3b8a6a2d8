package consent

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func openKeys(t *testing.T, folder string, n byte) *Keyring {
	t.Helper()
	k, err := OpenKeyring(KeyFolder(folder), seeded(n))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func keyPath(folder, kid string) string { return filepath.Join(folder, privateName(kid)) }

// anotherKey is the id of a key that is put into a folder beside the one there is.
func anotherKey(t *testing.T, folder string) string {
	t.Helper()
	key, err := newSigningKey(seeded(2))
	if err != nil {
		t.Fatal(err)
	}
	if err := writePrivate(KeyFolder(folder), key); err != nil {
		t.Fatal(err)
	}
	return Thumbprint(key.Public().(ed25519.PublicKey))
}

func files(t *testing.T, folder string) map[string]os.FileMode {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	modes := map[string]os.FileMode{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		modes[e.Name()] = info.Mode().Perm()
	}
	return modes
}

func TestTheFirstStartMakesAKey(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "keys")
	k := openKeys(t, folder, 1)
	kid, _ := k.Sign([32]byte{})
	modes := files(t, folder)
	if len(modes) != 2 || modes["receipt-"+kid+".pem"] != 0o600 || modes[".lock"] != 0o600 {
		t.Errorf("files %v", modes)
	}
	if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder %v, %v", info.Mode(), err)
	}
	// Another start reads that one and asks for no randomness.
	again, err := OpenKeyring(KeyFolder(folder), strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	if other, _ := again.Sign([32]byte{}); other != kid {
		t.Errorf("another key: %s", other)
	}
	if _, err := OpenKeyring(KeyFolder(t.TempDir()), strings.NewReader("too short")); err == nil {
		t.Error("a key of too little randomness")
	}
}

func TestRotationKeepsOldReceiptsValid(t *testing.T) {
	folder := t.TempDir()
	k := openKeys(t, folder, 1)
	var leaves [][32]byte
	type signed struct {
		kid string
		sig []byte
	}
	var all []signed
	random := seeded(9)
	for range 4 {
		leaf := [32]byte{byte(len(all))}
		kid, sig := k.Sign(leaf)
		leaves, all = append(leaves, leaf), append(all, signed{kid, sig})
		if err := k.Rotate(random); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(keyPath(folder, kid)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the private key that was replaced: %v", err)
		}
	}
	for name, ring := range map[string]*Keyring{"the running one": k, "one that starts now": openKeys(t, folder, 2)} {
		public := ring.Public()
		if len(public) != 5 {
			t.Errorf("%s knows %d keys", name, len(public))
		}
		for i, s := range all {
			if !ed25519.Verify(public[s.kid], signedText(leaves[i]), s.sig) {
				t.Errorf("%s: what key %d signed does not verify", name, i)
			}
		}
	}
	private := 0
	for name, mode := range files(t, folder) {
		if strings.HasSuffix(name, publicSuffix) {
			if mode != 0o644 {
				t.Errorf("%s: mode %v", name, mode)
			}
		} else if strings.HasSuffix(name, privateSuffix) {
			private++
		}
	}
	if private != 1 {
		t.Errorf("%d private keys are left", private)
	}
}

// A crash between any two steps of Rotate leaves a folder that opens, with one
// key that signs and all public keys.
func TestRotationThatWasCutShort(t *testing.T) {
	make1 := func(t *testing.T) (folder, kid string, key ed25519.PublicKey) {
		folder = t.TempDir()
		k := openKeys(t, folder, 1)
		kid, _ = k.Sign([32]byte{})
		return folder, kid, k.Public()[kid]
	}
	t.Run("after the public half was written", func(t *testing.T) {
		folder, kid, key := make1(t)
		if err := writePublic(KeyFolder(folder), kid, key); err != nil {
			t.Fatal(err)
		}
		if got, _ := openKeys(t, folder, 2).Sign([32]byte{}); got != kid {
			t.Errorf("signs with %s, want %s", got, kid)
		}
	})
	t.Run("after the new key was written", func(t *testing.T) {
		folder, kid, key := make1(t)
		if err := writePublic(KeyFolder(folder), kid, key); err != nil {
			t.Fatal(err)
		}
		second := anotherKey(t, folder)
		k := openKeys(t, folder, 3)
		if got, _ := k.Sign([32]byte{}); got != second {
			t.Errorf("signs with %s, want the new one", got)
		}
		if _, known := k.Public()[kid]; !known || len(k.Public()) != 2 {
			t.Errorf("keys %v", k.Public())
		}
		if _, err := os.Stat(keyPath(folder, kid)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the old private key: %v", err)
		}
	})
}

func TestKeysOthersCanReadAreRefused(t *testing.T) {
	folder := t.TempDir()
	kid, _ := openKeys(t, folder, 1).Sign([32]byte{})
	if _, err := OpenSecrets(KeyFolder(folder), seeded(2)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{keyPath(folder, kid), filepath.Join(folder, secretsFile)} {
		for _, mode := range []os.FileMode{0o644, 0o640, 0o604, 0o660} {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			_, err1 := OpenKeyring(KeyFolder(folder), seeded(3))
			_, err2 := OpenSecrets(KeyFolder(folder), seeded(3))
			err := errors.Join(err1, err2)
			if !errors.Is(err, ErrExposed) || !strings.Contains(err.Error(), "chmod 600 "+path) {
				t.Errorf("mode %v: %v", mode, err)
			}
		}
		if err := os.Chmod(path, 0o400); err != nil {
			t.Fatal(err)
		}
	}
	openKeys(t, folder, 3)
}

func TestBrokenFoldersOfKeysAreRefused(t *testing.T) {
	first := newTestKey(1)
	public := func(key any) []byte {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	}
	kid := first.kid()
	for name, contents := range map[string]map[string][]byte{
		"not PEM":             {"receipt-" + kid + ".pem": []byte("key")},
		"empty":               {"receipt-" + kid + ".pem": nil},
		"cut short":           {"receipt-" + kid + ".pem": []byte("-----BEGIN PRIVATE KEY-----\nMC4C")},
		"public only":         {"receipt-" + kid + ".pub.pem": public(first.Public())},
		"public of another":   {"receipt-" + kid + ".pub.pem": public(newTestKey(2).Public())},
		"public not Ed25519":  {"receipt-" + kid + ".pub.pem": public(&rsa.PublicKey{N: first.bigN(), E: 3})},
		"public that is none": {"receipt-" + kid + ".pub.pem": []byte("x")},
	} {
		folder := t.TempDir()
		for file, b := range contents {
			if err := os.WriteFile(filepath.Join(folder, file), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := OpenKeyring(KeyFolder(folder), seeded(1)); err == nil || !strings.Contains(err.Error(), folder) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The key under another key's name, and two keys of which nobody knows which.
	folder := t.TempDir()
	openKeys(t, folder, 1)
	second := anotherKey(t, folder)
	if _, err := OpenKeyring(KeyFolder(folder), seeded(1)); err == nil || !strings.Contains(err.Error(), "several keys") {
		t.Errorf("two keys: %v", err)
	}
	if err := os.Rename(keyPath(folder, second), keyPath(folder, kid)); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKeyring(KeyFolder(folder), seeded(1)); err == nil || !strings.Contains(err.Error(), "another key than its name says") {
		t.Errorf("wrong name: %v", err)
	}
}

func TestTwoServersStartingAtOnceAgree(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "keys")
	var wg sync.WaitGroup
	kids, secrets := sync.Map{}, sync.Map{}
	for i := range 8 {
		wg.Go(func() {
			k, err := OpenKeyring(KeyFolder(folder), seeded(byte(i)))
			if err != nil {
				t.Error(err)
				return
			}
			kid, _ := k.Sign([32]byte{})
			kids.Store(kid, true)
			s, err := OpenSecrets(KeyFolder(folder), seeded(byte(i)))
			if err != nil {
				t.Error(err)
				return
			}
			secrets.Store(string(s.Token[0])+string(s.Cookie[0]), true)
		})
	}
	wg.Wait()
	for name, m := range map[string]*sync.Map{"signing keys": &kids, "secrets": &secrets} {
		n := 0
		m.Range(func(any, any) bool { n++; return true })
		if n != 1 {
			t.Errorf("%d %s", n, name)
		}
	}
}

func TestSecrets(t *testing.T) {
	folder := t.TempDir()
	first, err := OpenSecrets(KeyFolder(folder), seeded(1))
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Token) != 1 || len(first.Token[0]) != 32 || len(first.Cookie) != 1 || len(first.Cookie[0]) != 64 || bytes.Contains(first.Cookie[0], first.Token[0]) {
		t.Fatalf("%+v", first)
	}
	if files(t, folder)[secretsFile] != 0o600 {
		t.Errorf("mode %v", files(t, folder)[secretsFile])
	}
	again, err := OpenSecrets(KeyFolder(folder), strings.NewReader(""))
	if err != nil || !bytes.Equal(again.Token[0], first.Token[0]) || !bytes.Equal(again.Cookie[0], first.Cookie[0]) {
		t.Errorf("read again: %v", err)
	}
	token := NewTokens(first.Token...).Mint(servedAt(noon))
	for i := range 3 {
		next, err := RotateSecrets(KeyFolder(folder), seeded(byte(2+i)))
		if err != nil || len(next.Token) != 2 || len(next.Cookie) != 2 {
			t.Fatalf("%v, %d and %d kept", err, len(next.Token), len(next.Cookie))
		}
		_, err = NewTokens(next.Token...).Verify(token, "shop", noon)
		if wantValid := i == 0; (err == nil) != wantValid {
			t.Errorf("after %d rotations: %v", i+1, err)
		}
	}
	for name, text := range map[string]string{
		"empty": "", "null": "null", "other schema": `{"schema":"secrets/v2"}`, "no keys": `{"schema":"secrets/v1","token":[],"cookie":[]}`,
		"short keys": `{"schema":"secrets/v1","token":["AAAA"],"cookie":["AAAA"]}`,
	} {
		if err := os.WriteFile(filepath.Join(folder, secretsFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenSecrets(KeyFolder(folder), seeded(1)); err == nil || !strings.Contains(err.Error(), secretsFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The example of RFC 8037 appendix A.
func TestThumbprintOfRFC8037(t *testing.T) {
	x, err := base64url.DecodeString("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
	if err != nil {
		t.Fatal(err)
	}
	if got := Thumbprint(x); got != "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" {
		t.Errorf("thumbprint %s", got)
	}
}

func TestKeyIDs(t *testing.T) {
	id := newTestKey(7).kid()
	for text, want := range map[string]bool{id: true, "-_" + id[2:]: true, id[1:]: false, id + "A": false, "": false,
		"." + id[1:]: false, "=" + id[1:]: false, "é" + id[2:]: false, id[:42] + "\n": false} {
		if isKeyID(text) != want {
			t.Errorf("isKeyID(%q) = %v", text, !want)
		}
	}
}

func TestPublicKeysThereAndBack(t *testing.T) {
	keys := PublicKeys{}
	for i := range byte(3) {
		k := newTestKey(i)
		keys[k.kid()] = k.keys()[k.kid()]
	}
	b, err := keys.JWKS()
	if err != nil {
		t.Fatal(err)
	}
	same := func(got PublicKeys) bool {
		if len(got) != len(keys) {
			return false
		}
		for kid, k := range keys {
			if !k.Equal(got[kid]) {
				return false
			}
		}
		return true
	}
	if got, err := ParsePublicKeys(b); err != nil || !same(got) {
		t.Errorf("%v, %v", got, err)
	}
	// Other people's documents have other keys and members too.
	var loose map[string]any
	if err := json.Unmarshal(b, &loose); err != nil {
		t.Fatal(err)
	}
	list := loose["keys"].([]any)
	list[0].(map[string]any)["kid"] = "a name of its own"
	list[1].(map[string]any)["alg"] = "EdDSA"
	loose["keys"] = append(list, map[string]any{"kty": "EC", "crv": "P-256", "x": "", "y": ""})
	if got, err := ParsePublicKeys(jsonOf(t, loose)); err != nil || !same(got) {
		t.Errorf("%v, %v", got, err)
	}
	if empty, err := (PublicKeys{}).JWKS(); err != nil || string(empty) != `{"keys":[]}` {
		t.Errorf("no keys: %s, %v", empty, err)
	}
}

func TestParsePublicKeysRefuses(t *testing.T) {
	der, err := x509.MarshalPKCS8PrivateKey(newTestKey(1).PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		text string
		want error
	}{
		"empty":       {"", ErrNoKeys},
		"no keys":     {`{"keys":[]}`, ErrNoKeys},
		"a receipt":   {`{"schema":"receipt/v1"}`, ErrNoKeys},
		"private JWK": {`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"","d":"AAAA"}]}`, ErrPrivateKey},
		"private PEM": {string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), ErrPrivateKey},
		"broken PEM":  {"-----BEGIN PUBLIC KEY-----\n", errNotEd25519},
		"short x":     {`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAA"}]}`, nil},
		"loose x":     {`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp"}]}`, nil},
	} {
		if keys, err := ParsePublicKeys([]byte(test.text)); err == nil || (test.want != nil && !errors.Is(err, test.want)) {
			t.Errorf("%s: %v, %v", name, keys, err)
		}
	}
}

func TestPEMOfOneKey(t *testing.T) {
	folder := t.TempDir()
	k := newTestKey(1)
	if err := writePublic(KeyFolder(folder), k.kid(), k.keys()[k.kid()]); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(folder, "receipt-"+k.kid()+".pub.pem"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ParsePublicKeys(b)
	if err != nil || !keys[k.kid()].Equal(k.keys()[k.kid()]) {
		t.Errorf("%v, %v", keys, err)
	}
}

// Signing goes on while keys are replaced.
func TestRotationUnderLoad(t *testing.T) {
	k := openKeys(t, t.TempDir(), 1)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 0))
			for {
				select {
				case <-stop:
					return
				default:
				}
				leaf := [32]byte{byte(random.Int())}
				kid, sig := k.Sign(leaf)
				if !ed25519.Verify(k.Public()[kid], signedText(leaf), sig) {
					t.Error("a fresh signature does not verify")
					return
				}
			}
		})
	}
	random := seeded(5)
	for range 3 {
		if err := k.Rotate(random); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
}

// What is announced verifies with every process before it signs with any.
func TestAnnouncedKeysAreKnownBeforeTheySign(t *testing.T) {
	folder := t.TempDir()
	one, two := openKeys(t, folder, 1), openKeys(t, folder, 2)
	before := one.Current()
	use, err := one.Announce(seeded(3))
	if err != nil {
		t.Fatal(err)
	}
	if err := two.Refresh(); err != nil {
		t.Fatal(err)
	}
	if one.Current() != before || two.Current() != before || len(two.Public()) != 2 {
		t.Errorf("signing with %s and %s, the other knows %d", one.Current(), two.Current(), len(two.Public()))
	}
	if err := use(); err != nil || one.Current() == before || two.Public()[one.Current()] == nil {
		t.Errorf("in use %v, known %v: %v", one.Current() != before, two.Public()[one.Current()] != nil, err)
	}
}
