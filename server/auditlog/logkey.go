package auditlog

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
)

// A LogKey signs checkpoints: Ed25519, in the form of c2sp.org/signed-note. The
// log's origin is its name, so one can't be changed without the other.
type LogKey struct {
	secret string
	public string
	signer note.Signer
	check  note.Verifier
}

// ErrOrigin: a name that no log can have.
var ErrOrigin = errors.New("an origin is a host and a path without a scheme, such as consent.example.com/log, without spaces or a plus")

// CheckOrigin says whether a log can be named so.
func CheckOrigin(origin string) error {
	if origin == "" || len(origin) > 200 || !utf8.ValidString(origin) || strings.ContainsFunc(origin, func(r rune) bool {
		return r == '+' || unicode.IsSpace(r) || unicode.IsControl(r)
	}) || strings.Contains(origin, "://") || strings.HasSuffix(origin, "/") {
		return fmt.Errorf("%q: %w", origin, ErrOrigin)
	}
	return nil
}

// NewLogKey makes the key of a log that is called origin.
func NewLogKey(origin string, random io.Reader) (*LogKey, error) {
	if err := CheckOrigin(origin); err != nil {
		return nil, err
	}
	secret, _, err := note.GenerateKey(random, origin)
	if err != nil {
		return nil, fmt.Errorf("make the key of the log: %w", err)
	}
	return ParseLogKey(secret)
}

// ParseLogKey reads what Secret wrote.
func ParseLogKey(secret string) (*LogKey, error) {
	signer, err := note.NewSigner(secret)
	if err != nil {
		return nil, fmt.Errorf("key of the log: %w", err)
	}
	if err := CheckOrigin(signer.Name()); err != nil {
		return nil, fmt.Errorf("key of the log: %w", err)
	}
	public, err := publicHalf(secret)
	if err != nil {
		return nil, fmt.Errorf("key of the log: %w", err)
	}
	check, err := note.NewVerifier(public)
	if err != nil {
		return nil, fmt.Errorf("key of the log: %w", err)
	}
	return &LogKey{secret: secret, public: public, signer: signer, check: check}, nil
}

// Origin names the log.
func (k *LogKey) Origin() string { return k.signer.Name() }

// VerifierKey is the public half as vkey: what to give to whoever shall verify.
func (k *LogKey) VerifierKey() string { return k.public }

// Verifier verifies what k signs.
func (k *LogKey) Verifier() note.Verifier { return k.check }

// Secret is what is kept of the key, in the form of x/mod/sumdb/note.
func (k *LogKey) Secret() string { return k.secret }

// Sign makes a checkpoint. The caller sees to it that head continues all that k has
// signed before.
func (k *LogKey) Sign(head Head, at time.Time) (Checkpoint, error) {
	c := Checkpoint{Origin: k.Origin(), Head: head, At: at}
	signed, err := note.Sign(&note.Note{Text: c.Body()}, k.signer)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("sign checkpoint of %d leaves: %w", head.Size, err)
	}
	c.Note = signed
	return c, nil
}
