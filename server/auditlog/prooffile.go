package auditlog

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// ErrProof: a text that is no proof file.
var ErrProof = errors.New("this is not a proof of inclusion (c2sp.org/tlog-proof@v1)")

const proofHeader = "c2sp.org/tlog-proof@v1\n"

// mostHashes is more than the deepest tree needs: 2^63 leaves.
const mostHashes = 63

// A Proof shows offline that a leaf is in a log that signed a checkpoint
// (c2sp.org/tlog-proof).
type Proof struct {
	Extra      []byte // whatever its maker put there; nothing vouches for it
	Index      int64
	Hashes     tlog.RecordProof // from the leaf's sibling to the root's child
	Checkpoint []byte           // the signed note
}

// Encode writes the proof file.
func (p Proof) Encode() []byte {
	var b bytes.Buffer
	b.WriteString(proofHeader)
	if len(p.Extra) > 0 {
		fmt.Fprintf(&b, "extra %s\n", base64.StdEncoding.EncodeToString(p.Extra))
	}
	fmt.Fprintf(&b, "index %d\n", p.Index)
	for _, h := range p.Hashes {
		fmt.Fprintf(&b, "%s\n", h)
	}
	b.WriteByte('\n')
	b.Write(p.Checkpoint)
	return b.Bytes()
}

// ParseProof reads a proof file; it proves nothing before Verify.
func ParseProof(text []byte) (p Proof, err error) {
	rest, ok := strings.CutPrefix(string(text), proofHeader)
	if !ok || len(text) > 2*mostNote {
		return p, fmt.Errorf("first line: %w", ErrProof)
	}
	head, checkpoint, ok := strings.Cut(rest, "\n\n")
	if !ok {
		return p, fmt.Errorf("no checkpoint in it: %w", ErrProof)
	}
	lines := strings.Split(head, "\n")
	if extra, ok := strings.CutPrefix(lines[0], "extra "); ok {
		if p.Extra, err = base64.StdEncoding.DecodeString(extra); err != nil {
			return p, fmt.Errorf("extra: %w", ErrProof)
		}
		lines = lines[1:]
	}
	if len(lines) == 0 || len(lines) > 1+mostHashes {
		return p, fmt.Errorf("%d lines before the checkpoint: %w", len(lines), ErrProof)
	}
	index, ok := strings.CutPrefix(lines[0], "index ")
	p.Index, err = strconv.ParseInt(index, 10, 64)
	if !ok || err != nil || p.Index < 0 || strconv.FormatInt(p.Index, 10) != index {
		return p, fmt.Errorf("index: %w", ErrProof)
	}
	for _, line := range lines[1:] {
		h, err := ParseHash(line)
		if err != nil {
			return p, fmt.Errorf("hash %.60q: %w", line, ErrProof)
		}
		p.Hashes = append(p.Hashes, h)
	}
	p.Checkpoint = []byte(checkpoint)
	return p, nil
}

// Verify makes sure that the leaf is in the log at the checkpoint, which the log has
// signed, and says which of the witnesses have cosigned that.
func (p Proof) Verify(leaf [LeafSize]byte, log note.Verifier, witnesses ...note.Verifier) (Checkpoint, []note.Signature, error) {
	c, cosigned, err := OpenCheckpoint(p.Checkpoint, log, witnesses...)
	if err != nil {
		return Checkpoint{}, nil, err
	}
	if err := CheckInclusion(p.Hashes, c.Head, p.Index, leaf); err != nil {
		return Checkpoint{}, nil, err
	}
	return c, cosigned, nil
}
