package auditlog

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Errors of checkpoints.
var (
	// ErrNoCheckpoint: the log has signed none that was asked for.
	ErrNoCheckpoint = errors.New("the log has signed no such checkpoint")
	// ErrCheckpoint: a text that is no checkpoint, or not one of the log it should be of.
	ErrCheckpoint = errors.New("this is not a checkpoint of the log")
	// ErrFork: two heads of one log of which neither continues the other.
	ErrFork = errors.New("the log does not continue what it has signed before")
)

// mostNote is the length of the longest note that is read, in bytes: a head and
// signatures, and nobody needs a hundred of them.
const mostNote = 64 << 10

// A Checkpoint is a head that the log has signed: it can't show anybody another
// tree of that size any more (c2sp.org/tlog-checkpoint).
type Checkpoint struct {
	Origin string // names the log, everywhere and for good
	Head   Head
	At     time.Time // when it was signed; the note does not say that
	Note   []byte    // the signed note, cosignatures of witnesses included
}

// Body is what is signed: three lines.
func (c Checkpoint) Body() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Head.Size, c.Head.Root)
}

// ParseCheckpoint reads what a note says, and believes it: whoever signed it is not
// looked at. At is zero.
func ParseCheckpoint(text []byte) (Checkpoint, error) {
	body, _, ok := cutNote(text)
	if !ok {
		return Checkpoint{}, fmt.Errorf("no signed note: %w", ErrCheckpoint)
	}
	c, err := parseBody(body)
	if err != nil {
		return Checkpoint{}, err
	}
	c.Note = bytes.Clone(text)
	return c, nil
}

// OpenCheckpoint reads a checkpoint that the log signed, and says which of the
// witnesses have cosigned it. A signature that is there and wrong is an error, one of
// a key that is not asked for is none. At is zero.
func OpenCheckpoint(text []byte, log note.Verifier, witnesses ...note.Verifier) (Checkpoint, []note.Signature, error) {
	if len(text) > mostNote {
		return Checkpoint{}, nil, fmt.Errorf("%d bytes: %w", len(text), ErrCheckpoint)
	}
	n, err := note.Open(text, note.VerifierList(append([]note.Verifier{log}, witnesses...)...))
	if err != nil {
		return Checkpoint{}, nil, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	c, err := parseBody(n.Text)
	if err != nil {
		return Checkpoint{}, nil, err
	}
	signed := false
	var cosigned []note.Signature
	for _, s := range n.Sigs {
		if s.Name == log.Name() && s.Hash == log.KeyHash() {
			signed = true
			continue
		}
		cosigned = append(cosigned, s)
	}
	if !signed || c.Origin != log.Name() {
		return Checkpoint{}, nil, fmt.Errorf("of log %s, not signed by the key of %s: %w", c.Origin, log.Name(), ErrCheckpoint)
	}
	c.Note = bytes.Clone(text)
	return c, cosigned, nil
}

// parseBody reads the lines that are signed. Lines behind the third are the log's
// own, and mean nothing to anybody else.
func parseBody(body string) (Checkpoint, error) {
	lines := strings.SplitN(body, "\n", 4)
	if len(lines) < 4 || lines[0] == "" || strings.Contains(lines[3], "\n\n") || strings.HasPrefix(lines[3], "\n") {
		return Checkpoint{}, fmt.Errorf("fewer than three lines: %w", ErrCheckpoint)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return Checkpoint{}, fmt.Errorf("%.20q is not a number of leaves: %w", lines[1], ErrCheckpoint)
	}
	root, err := ParseHash(lines[2])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("root %.60q: %w", lines[2], ErrCheckpoint)
	}
	c := Checkpoint{Origin: lines[0], Head: Head{Size: size, Root: root}}
	if size == 0 && c.Head != Empty() {
		return Checkpoint{}, fmt.Errorf("no leaves, and a root: %w", ErrCheckpoint)
	}
	return c, nil
}

// ParseHash reads a hash in base64, in the one way there is to write it.
func ParseHash(text string) (tlog.Hash, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != tlog.HashSize || strings.ContainsAny(text, "\r\n") {
		return tlog.Hash{}, errors.New("this is not a hash in base64")
	}
	return tlog.Hash(b), nil
}

// cutNote parts a note into what is signed and its signature lines.
func cutNote(text []byte) (body, signatures string, ok bool) {
	if len(text) > mostNote {
		return "", "", false
	}
	i := bytes.LastIndex(text, []byte("\n\n"))
	if i < 0 || !bytes.HasSuffix(text, []byte("\n")) {
		return "", "", false
	}
	return string(text[:i+1]), string(text[i+2:]), true
}
