package operator

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"time"
)

// Errors of signing in.
var (
	// ErrSpent: a code, a link or an answer that counts once came a second time.
	ErrSpent = errors.New("this was used already")
	// ErrLink: a one-time link that was used, has ended, or never was.
	ErrLink = errors.New("this link does not open anything any more")
	// ErrToken: a token for programs that is not one of ours, or has ended.
	ErrToken = errors.New("this token is not valid")
)

// How a session was begun.
const (
	ByLink     = "link"     // a one-time link; opens only what sets up the other three
	ByPasskey  = "passkey"  // possession and PIN or finger: two factors in one
	ByPassword = "password" // and a code
	ByOIDC     = "oidc"     // the company's own sign-in
)

// Keys are what an operator signs in with beside passkeys. Password and code are
// one way in only together.
type Keys struct {
	Operator  string
	Password  string    // argon2id in PHC form, or ""
	TOTP      []byte    // sealed secret, or nil
	Step      int64     // of the last code that counted; none before it counts any more
	Recovery  []string  // digests of recovery codes that are left
	ChangedAt time.Time // of the password
}

// Open reports whether password and code together are a way in.
func (k Keys) Open() bool { return k.Password != "" && len(k.TOTP) > 0 }

// A Passkey is a credential of WebAuthn.
type Passkey struct {
	ID         string // credential id, base64url
	Operator   string
	Name       string // as the operator calls it: "Laptop"
	Credential []byte // JSON of what verifies it
	CreatedAt  time.Time
	UsedAt     time.Time // zero: never
}

// Kinds of links.
const (
	LinkFirst  = "first"  // makes the first owner
	LinkInvite = "invite" // lets a new operator set up how they sign in
	LinkReset  = "reset"  // the same for one who lost it; what they had is void
)

// A Link is a one-time link into the console. What stands in the address is its
// secret; what is stored is the secret's digest.
type Link struct {
	Digest   string
	Kind     string
	Operator string // "" for LinkFirst
	By       string // operator id, or "cli"
	EndsAt   time.Time
}

// LinkLasts is how long a link opens: it travels by ways we don't know.
const LinkLasts = 24 * time.Hour

// A Token lets a program do some things on one site. Programs show its secret;
// what is stored is the secret's digest.
type Token struct {
	ID        string
	Digest    string
	Name      string // what it is for: "publish from CI"
	Site      string // key
	Rights    []Right
	By        string // operator id, or "cli"
	CreatedAt time.Time
	EndsAt    time.Time
}

// TokenRights are those a token may have: what programs do between people.
func TokenRights() []Right {
	return []Right{ReadStatistics, ReadNotices, WriteNotices, ReadPolicies, WritePolicies, PublishPolicies, ReadReceipts}
}

// NewSecret is 256 random bits as 43 characters of base64url.
func NewSecret() string {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

// NewID is 128 random bits as 32 hexadecimal digits.
func NewID() string {
	var raw [16]byte
	_, _ = rand.Read(raw[:])
	return hex.EncodeToString(raw[:])
}

// Digest is what is stored of a secret. A plain hash is enough: secrets are 256
// random bits, which nobody guesses.
func Digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

const tokenPrefix = "vt_"

// NewTokenSecret is what a program shows: "vt_", 256 random bits, and a checksum,
// so that scanners of leaked secrets know it and a typo is told from a token that
// has ended.
func NewTokenSecret() string {
	secret := tokenPrefix + NewSecret()
	return secret + tokenSum(secret)
}

// ValidTokenSecret reports whether s has the form of a token's secret.
func ValidTokenSecret(s string) bool {
	const length = len(tokenPrefix) + 43 + 8
	return len(s) == length && strings.HasPrefix(s, tokenPrefix) && tokenSum(s[:length-8]) == s[length-8:]
}

func tokenSum(s string) string { return fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(s))) }
