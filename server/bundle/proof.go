package bundle

import (
	"encoding/json"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
)

// A proofFile is a proof of inclusion and the checkpoint it leads to, read and not
// yet believed.
type proofFile struct {
	auditlog.Proof
	checkpoint auditlog.Checkpoint
}

func parseProof(b []byte) (proofFile, error) {
	if b == nil {
		return proofFile{}, fmt.Errorf("it is missing")
	}
	p, err := auditlog.ParseProof(b)
	if err != nil {
		return proofFile{}, err
	}
	c, err := auditlog.ParseCheckpoint(p.Checkpoint)
	return proofFile{p, c}, err
}

// A continuation is a proof that a log continues an earlier state of itself, as volenti log
// consistency --json prints it too: hashes in base64.
type continuation struct {
	Old   state    `json:"old"`
	New   state    `json:"new"`
	Proof []string `json:"proof"`
}

type state struct {
	Size int64  `json:"size"`
	Root string `json:"root"`
}

func encodeConsistency(earlier, later auditlog.Head, proof tlog.TreeProof) ([]byte, error) {
	all := make([]string, len(proof))
	for i, h := range proof {
		all[i] = h.String()
	}
	return canonical.Encode(continuation{state{earlier.Size, earlier.Root.String()}, state{later.Size, later.Root.String()}, all})
}

// parseConsistency reads the hashes of a proof of consistency.
func parseConsistency(text []byte) (proof tlog.TreeProof, _ error) {
	var said continuation
	if err := json.Unmarshal(text, &said); err != nil {
		return nil, fmt.Errorf("the proof of consistency: %w", err)
	}
	for _, line := range said.Proof {
		h, err := auditlog.ParseHash(line)
		if err != nil {
			return nil, fmt.Errorf("the proof of consistency: %w", err)
		}
		proof = append(proof, h)
	}
	return proof, nil
}

// logVerifier reads the log's public key from a vkey file: one line.
func logVerifier(b []byte) (note.Verifier, error) {
	return auditlog.NewVerifier(strings.TrimSuffix(string(b), "\n"))
}
