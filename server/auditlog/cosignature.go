package auditlog

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Algorithms of keys of signed notes, as their first byte says them.
const (
	algorithmEd25519     = 1
	algorithmCosignature = 4 // Ed25519 with a time: c2sp.org/tlog-cosignature
)

const cosignatureSize = 8 + ed25519.SignatureSize

var errKey = errors.New("this is not a key such as name+1a2b3c4d+base64")

// NewVerifier reads the public key (vkey) of a log or a witness.
func NewVerifier(vkey string) (note.Verifier, error) {
	name, algorithm, key, err := parseKey(vkey)
	if err != nil {
		return nil, err
	}
	if algorithm != algorithmCosignature {
		v, err := note.NewVerifier(vkey)
		if err != nil {
			return nil, fmt.Errorf("key of %s: %w", name, err)
		}
		return v, nil
	}
	if len(key) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("key of %s: %w", name, errKey)
	}
	return cosignatureVerifier{name: name, key: ed25519.PublicKey(key)}, nil
}

// A WitnessKey signs what a witness has seen of logs. It is never that of a log:
// the message does not name its signer.
type WitnessKey struct {
	cosignatureVerifier
	key ed25519.PrivateKey
}

// NewWitnessKey makes the key of a witness of that name, which is like an origin.
func NewWitnessKey(name string, random io.Reader) (*WitnessKey, error) {
	if err := CheckOrigin(name); err != nil {
		return nil, err
	}
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return nil, fmt.Errorf("make the key of the witness: %w", err)
	}
	return witnessKey(name, seed), nil
}

func witnessKey(name string, seed []byte) *WitnessKey {
	key := ed25519.NewKeyFromSeed(seed)
	return &WitnessKey{cosignatureVerifier{name, key.Public().(ed25519.PublicKey)}, key}
}

// ParseWitnessKey reads what Secret wrote.
func ParseWitnessKey(secret string) (*WitnessKey, error) {
	rest, ok := strings.CutPrefix(secret, secretPrefix)
	name, rest, _ := strings.Cut(rest, "+")
	hash, text, _ := strings.Cut(rest, "+")
	b, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(b) != 1+ed25519.SeedSize || b[0] != algorithmCosignature || CheckOrigin(name) != nil {
		return nil, fmt.Errorf("key of the witness: %w", errKey)
	}
	k := witnessKey(name, b[1:])
	if fmt.Sprintf("%08x", k.KeyHash()) != hash {
		return nil, fmt.Errorf("key of the witness: %w", errKey)
	}
	return k, nil
}

const secretPrefix = "PRIVATE+KEY+"

// Secret is what is kept of the key.
func (k *WitnessKey) Secret() string {
	b := append([]byte{algorithmCosignature}, k.key.Seed()...)
	return fmt.Sprintf("%s%s+%08x+%s", secretPrefix, k.name, k.KeyHash(), base64.StdEncoding.EncodeToString(b))
}

// VerifierKey is the public half as vkey.
func (k *WitnessKey) VerifierKey() string {
	return formatKey(k.name, algorithmCosignature, k.cosignatureVerifier.key)
}

// Cosign says that c is the largest tree of its log that this witness has seen by a
// time. The answer is one signature line.
func (k *WitnessKey) Cosign(c Checkpoint, at time.Time) (line string, err error) {
	body, _, ok := cutNote(c.Note)
	if !ok {
		return "", fmt.Errorf("cosign: %w", ErrCheckpoint)
	}
	seconds := uint64(max(at.Unix(), 0))
	b := binary.BigEndian.AppendUint32(nil, k.KeyHash())
	b = binary.BigEndian.AppendUint64(b, seconds)
	b = append(b, ed25519.Sign(k.key, cosigned(seconds, body))...)
	return fmt.Sprintf("— %s %s\n", k.name, base64.StdEncoding.EncodeToString(b)), nil
}

// cosigned is the message of a cosignature.
func cosigned(seconds uint64, body string) []byte {
	return fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", seconds, body)
}

// cosignatureVerifier makes a note.Verifier of a witness's key.
type cosignatureVerifier struct {
	name string
	key  ed25519.PublicKey
}

func (v cosignatureVerifier) Name() string { return v.name }

func (v cosignatureVerifier) KeyHash() uint32 { return keyHash(v.name, algorithmCosignature, v.key) }

func (v cosignatureVerifier) Verify(body, signature []byte) bool {
	if len(signature) != cosignatureSize {
		return false
	}
	seconds := binary.BigEndian.Uint64(signature)
	return seconds <= math.MaxInt64 && ed25519.Verify(v.key, cosigned(seconds, string(body)), signature[8:])
}

// CosignedAt is when a witness says that it cosigned. Only of a signature that was
// verified does that mean anything.
func CosignedAt(s note.Signature) (time.Time, bool) {
	b, err := base64.StdEncoding.DecodeString(s.Base64)
	if err != nil || len(b) != 4+cosignatureSize {
		return time.Time{}, false
	}
	return time.Unix(int64(binary.BigEndian.Uint64(b[4:])), 0).UTC(), true
}

func keyHash(name string, algorithm byte, key []byte) uint32 {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n", name)
	h.Write([]byte{algorithm})
	h.Write(key)
	return binary.BigEndian.Uint32(h.Sum(nil))
}

func formatKey(name string, algorithm byte, key []byte) string {
	return fmt.Sprintf("%s+%08x+%s", name, keyHash(name, algorithm, key), base64.StdEncoding.EncodeToString(append([]byte{algorithm}, key...)))
}

func parseKey(vkey string) (name string, algorithm byte, key []byte, err error) {
	name, rest, _ := strings.Cut(vkey, "+")
	hash, text, _ := strings.Cut(rest, "+")
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) < 2 || len(hash) != 8 || CheckOrigin(name) != nil {
		return "", 0, nil, fmt.Errorf("%.80q: %w", vkey, errKey)
	}
	if sum, err := strconv.ParseUint(hash, 16, 32); err != nil || uint32(sum) != keyHash(name, b[0], b[1:]) {
		return "", 0, nil, fmt.Errorf("%.80q: its checksum is wrong: %w", vkey, errKey)
	}
	return name, b[0], b[1:], nil
}

// publicHalf is the vkey of a secret in the form of x/mod/sumdb/note.
func publicHalf(secret string) (string, error) {
	rest, _ := strings.CutPrefix(secret, secretPrefix)
	name, rest, _ := strings.Cut(rest, "+")
	_, text, _ := strings.Cut(rest, "+")
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) != 1+ed25519.SeedSize || b[0] != algorithmEd25519 {
		return "", errKey
	}
	key := ed25519.NewKeyFromSeed(b[1:]).Public().(ed25519.PublicKey)
	return formatKey(name, algorithmEd25519, key), nil
}

// KeyName is how a key is named in short: name+hash.
func KeyName(v note.Verifier) string { return fmt.Sprintf("%s+%08x", v.Name(), v.KeyHash()) }

// SplitNote parts the signature lines of a note that was verified: the note as one key
// signed it, and the lines of all others by the names of their keys.
func SplitNote(text []byte, key note.Verifier) (own []byte, others map[string]string) {
	body, signatures, ok := cutNote(text)
	if !ok {
		return text, nil
	}
	own, others = []byte(body+"\n"), map[string]string{}
	for line := range strings.Lines(signatures) {
		name, text, _ := strings.Cut(strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "— "), " ")
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(b) < 4 {
			continue
		}
		switch of := fmt.Sprintf("%s+%08x", name, binary.BigEndian.Uint32(b)); of {
		case KeyName(key):
			own = append(own, line...)
		default:
			others[of] = line
		}
	}
	return own, others
}

// Signatures are the signature lines of a note, by whomever; none of them is verified.
func Signatures(text []byte) (all []note.Signature) {
	_, lines, ok := cutNote(text)
	if !ok {
		return nil
	}
	for line := range strings.Lines(lines) {
		rest, ok := strings.CutPrefix(line, "— ")
		name, signature, _ := strings.Cut(strings.TrimSuffix(rest, "\n"), " ")
		b, err := base64.StdEncoding.DecodeString(signature)
		if ok && err == nil && len(b) >= 4 {
			all = append(all, note.Signature{Name: name, Hash: binary.BigEndian.Uint32(b), Base64: signature})
		}
	}
	return all
}
