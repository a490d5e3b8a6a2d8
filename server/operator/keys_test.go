package operator

import (
	"context"
	"strings"
	"testing"
	"time"
)

var cheap = Cost{Memory: 64, Time: 1, Threads: 1}

func TestPasswords(t *testing.T) {
	p := NewPasswords(cheap)
	ctx := t.Context()
	phc, err := p.Hash(ctx, "amber lantern, quiet harbour")
	if err != nil || !strings.HasPrefix(phc, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Fatalf("%s, %v", phc, err)
	}
	again, _ := p.Hash(ctx, "amber lantern, quiet harbour")
	if again == phc {
		t.Error("two hashes of a password are the same")
	}
	for password, want := range map[string]bool{"amber lantern, quiet harbour": true, "amber lantern, quiet harbous": false, "": false} {
		if got, err := p.Check(ctx, phc, password); err != nil || got != want {
			t.Errorf("%q: %v, %v", password, got, err)
		}
	}
	// What was hashed at another cost still opens.
	if got, err := NewPasswords(Cost{Memory: 128, Time: 2, Threads: 1}).Check(ctx, phc, "amber lantern, quiet harbour"); err != nil || !got {
		t.Errorf("at another cost: %v, %v", got, err)
	}
	// Every letter counts, the last of the longest too, and which case it has.
	long := strings.Repeat("xyz qrs 9", 14)
	kept, _ := p.Hash(ctx, long)
	for password, want := range map[string]bool{long: true, long[:len(long)-1] + "8": false, long[:len(long)-1]: false, long + "9": false, "X" + long[1:]: false} {
		if got, err := p.Check(ctx, kept, password); err != nil || got != want {
			t.Errorf("%q: %v, %v", password, got, err)
		}
	}
	// Composed or not, it is the same password.
	accents, _ := p.Hash(ctx, "caf\u00e9 caf\u00e9 caf\u00e9")
	if got, err := p.Check(ctx, accents, "cafe\u0301 cafe\u0301 cafe\u0301"); err != nil || !got {
		t.Errorf("composed: %v, %v", got, err)
	}
	if got, err := p.Check(ctx, "", "anything at all"); got || err != nil {
		t.Errorf("without a password: %v, %v", got, err)
	}
	for _, bad := range []string{"x", "$argon2id$v=19$m=64,t=1,p=1$AAAA", "$argon2i$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		strings.Replace(phc, "m=64,", "m=4000000000,", 1), strings.Replace(phc, "t=1", "t=0", 1), strings.Replace(phc, "t=1", "t=100000", 1)} {
		if got, err := p.Check(ctx, bad, "x"); got || err == nil {
			t.Errorf("%s: %v, %v", bad, got, err)
		}
	}
}

// Two hash at once; a third waits, and gives up with its request.
func TestTwoAtOnce(t *testing.T) {
	p := NewPasswords(cheap)
	p.slots <- struct{}{}
	p.slots <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Hash(ctx, "x"); err == nil {
		t.Error("a third did not wait")
	}
	<-p.slots
	if _, err := p.Hash(t.Context(), "x"); err != nil {
		t.Error(err)
	}
}

// The cost of every attempt is what a small server can bear, twice.
func TestDefaultCost(t *testing.T) {
	if DefaultCost.Memory > mostMemory || DefaultCost.Memory < 19<<10 || DefaultCost.Time < 1 || cap(NewPasswords(cheap).slots) != 2 {
		t.Errorf("%+v", DefaultCost)
	}
}

func TestWeakPassword(t *testing.T) {
	o := Operator{Name: "Adelheid Lovelace", Email: "a.lovelace@example.com"}
	for password, good := range map[string]bool{
		"amber lantern, quiet harbour": true, "пароль для всех друзей": true, strings.Repeat("xyz qrs 9", 14): true,
		"short": false, "elevenchars": false, strings.Repeat("a1b2c3 ", 19): false,
		"passwordpassword": false, "PassWord123456": false, "qwertyuiop123": false, "correct horse battery staple": false,
		"aaaaaaaaaaaaaaaa": false, "abababababababab": false, "abcabcabcabcabc": false, "abcdefghijklmnop": false, "ponmlkjihgfedcba": false,
		"lovelace2026": false, "a.lovelace@example.com": false, "adelheidlovelace": false, "volenti12345": false,
		"lovelace would never guess this": true, "\xff\xfe not text at all": false,
	} {
		if what := WeakPassword(password, o); (what == "") != good {
			t.Errorf("%q: %q", password, what)
		}
	}
	for line := range strings.Lines(common) {
		line = strings.TrimSpace(line)
		if len(line) < shortest && line != "" {
			t.Errorf("%q is too short to be on the list", line)
		}
	}
}

// RFC 6238, appendix B: the secret is the ASCII text 12345678901234567890.
func TestCodes(t *testing.T) {
	const secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	for at, code := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		step, ok := CodeStep(secret, code, time.Unix(at, 0))
		if !ok || step != at/30 {
			t.Errorf("%d: step %d, %v", at, step, ok)
		}
		for off, want := range map[int64]bool{-30: true, 30: true, -61: false, 61: false} {
			if at+off < 0 {
				continue
			}
			if _, ok := CodeStep(secret, code, time.Unix(at+off, 0)); ok != want {
				t.Errorf("%d seconds off: %v", off, ok)
			}
		}
	}
	for _, bad := range []string{"", "28708", "2870822", "287083", "abcdef", "２８７０８２"} {
		if _, ok := CodeStep(secret, bad, time.Unix(59, 0)); ok {
			t.Errorf("%q counts", bad)
		}
	}
	if _, ok := CodeStep(secret, " 287 082 ", time.Unix(59, 0)); !ok {
		t.Error("spaces make it another code")
	}
	codes, digests := NewRecoveryCodes()
	if len(codes) != 10 || RecoveryDigest(strings.ToUpper(strings.ReplaceAll(codes[0], "-", ""))) != digests[0] || digests[0] == digests[1] {
		t.Errorf("%v", codes)
	}
}

func TestVault(t *testing.T) {
	old, fresh := make([]byte, 32), append(make([]byte, 31), 1)
	v, err := NewVault(old)
	if err != nil {
		t.Fatal(err)
	}
	sealed := v.Seal("ada", []byte("secret"))
	if strings.Contains(string(sealed), "secret") || string(v.Seal("ada", []byte("secret"))) == string(sealed) {
		t.Error("not sealed")
	}
	later, err := NewVault(fresh, old)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := later.Open("ada", sealed); err != nil || string(got) != "secret" {
		t.Errorf("after a rotation: %q, %v", got, err)
	}
	if _, err := later.Open("eve", sealed); err == nil {
		t.Error("it opens for somebody else")
	}
	sealed[len(sealed)-1] ^= 1
	if _, err := later.Open("ada", sealed); err == nil {
		t.Error("it opens although altered")
	}
	if _, err := NewVault([]byte("short")); err == nil {
		t.Error("a short key")
	}
}

func TestTokenSecrets(t *testing.T) {
	secret := NewTokenSecret()
	if !ValidTokenSecret(secret) || len(secret) != 54 || !strings.HasPrefix(secret, "vt_") {
		t.Errorf("%q", secret)
	}
	for i := range secret {
		altered := []byte(secret)
		altered[i] ^= 1
		if ValidTokenSecret(string(altered)) {
			t.Errorf("a typo at %d is not found", i)
		}
	}
	for _, bad := range []string{"", "vt_", secret[1:], secret + "0", "vt_" + NewSecret()} {
		if ValidTokenSecret(bad) {
			t.Errorf("%q", bad)
		}
	}
}
