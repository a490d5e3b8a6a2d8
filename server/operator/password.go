package operator

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// Cost is what one password hash takes (RFC 9106): memory in KiB, passes, lanes.
type Cost struct {
	Memory  uint32
	Time    uint32
	Threads uint8
}

// DefaultCost is the second recommended choice of RFC 9106 § 4 with one lane: a
// tenth of a second or two on a small server.
var DefaultCost = Cost{Memory: 64 << 10, Time: 3, Threads: 1}

const (
	mostMemory = 64 << 10 // KiB; two hashes at once take 128 MiB
	atOnce     = 2
	saltSize   = 16
	hashSize   = 32
	// ASVS 5.0, 6.2.1 and 6.2.9; NIST SP 800-63B § 3.1.1.2 asks for at least 64.
	shortest = 12
	longest  = 128
)

// Passwords hashes and checks passwords, two at a time. It is safe for concurrent
// use.
type Passwords struct {
	cost  Cost
	slots chan struct{}
	dummy string // checked where there is none, so that it takes as long
}

// NewPasswords makes one that hashes at a cost; what was hashed at another is
// checked all the same.
func NewPasswords(cost Cost) *Passwords {
	p := &Passwords{cost: cost, slots: make(chan struct{}, atOnce)}
	p.dummy = p.encode(make([]byte, saltSize), make([]byte, hashSize))
	return p
}

// Hash makes what is stored of a password, in PHC form.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt)
	sum, err := p.derive(ctx, password, salt, p.cost, hashSize)
	if err != nil {
		return "", err
	}
	return p.encode(salt, sum), nil
}

// Check reports whether a password is the one that phc was made of. With phc ""
// it takes as long and says no.
func (p *Passwords) Check(ctx context.Context, phc, password string) (bool, error) {
	none := phc == ""
	if none {
		phc = p.dummy
	}
	cost, salt, sum, err := decodePHC(phc)
	if err != nil {
		return false, err
	}
	got, err := p.derive(ctx, password, salt, cost, uint32(len(sum)))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, sum) == 1 && !none, nil
}

func (p *Passwords) derive(ctx context.Context, password string, salt []byte, cost Cost, size uint32) ([]byte, error) {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("check a password: %w", ctx.Err())
	}
	return argon2.IDKey([]byte(norm.NFC.String(password)), salt, cost.Time, cost.Memory, cost.Threads, size), nil
}

func (p *Passwords) encode(salt, sum []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.cost.Memory, p.cost.Time, p.cost.Threads, b64.EncodeToString(salt), b64.EncodeToString(sum))
}

func decodePHC(phc string) (cost Cost, salt, sum []byte, err error) {
	parts := strings.Split(phc, "$")
	bad := fmt.Errorf("a stored password is not in the form of argon2id: give its operator a new link (volenti operator link ADDRESS)")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return cost, nil, nil, bad
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &cost.Memory, &cost.Time, &cost.Threads); err != nil {
		return cost, nil, nil, bad
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	sum, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(sum) < 16 || len(salt) < 8 || cost.Memory > mostMemory || cost.Time < 1 || cost.Time > 20 || cost.Threads < 1 {
		return cost, nil, nil, bad
	}
	return cost, salt, sum, nil
}

// common are passwords of twelve characters and more that are tried first.
//
//go:embed common.txt
var common string

// WeakPassword says how to mend a password, or "": its length, what everybody
// tries first, and what stands on its owner's card. Which characters it is made of
// is nobody's business (NIST SP 800-63B § 3.1.1.2).
func WeakPassword(password string, o Operator) string {
	password = norm.NFC.String(password)
	plain := strings.ToLower(password)
	switch n := utf8.RuneCountInString(password); {
	case n < shortest:
		return fmt.Sprintf("Make it longer: %d characters at least. Four words that have nothing to do with each other are good", shortest)
	case n > longest:
		return fmt.Sprintf("Make it shorter: %d characters at most", longest)
	case !utf8.ValidString(password):
		return "Use characters that can be typed"
	case repeats(plain):
		return "Don't repeat the same few characters"
	}
	for line := range strings.Lines(common) {
		if strings.TrimSpace(line) == plain {
			return "This is among the first that are tried: choose another"
		}
	}
	// What is left beside one's own name is what has to be guessed.
	left := plain
	local, _, _ := strings.Cut(o.Email, "@")
	for _, own := range append([]string{o.Email, local, "volenti"}, strings.Fields(strings.ToLower(o.Name))...) {
		if utf8.RuneCountInString(own) >= 4 {
			left = strings.ReplaceAll(left, own, "")
		}
	}
	if left != plain && utf8.RuneCountInString(left) < shortest-4 {
		return "Leave your name and address out of it: they are tried first"
	}
	return ""
}

// repeats reports whether s is one short text again and again, or counts on.
func repeats(s string) bool {
	r := []rune(s)
	for period := 1; period <= 4; period++ {
		same := true
		for i := period; i < len(r) && same; i++ {
			same = r[i] == r[i-period]
		}
		if same {
			return true
		}
	}
	up, down := true, true
	for i := 1; i < len(r); i++ {
		up, down = up && r[i] == r[i-1]+1, down && r[i] == r[i-1]-1
	}
	return up || down
}
