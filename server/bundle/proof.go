package bundle

import (
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/volenti-consent/volenti/server/auditlog"
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

// logVerifier reads the log's public key from a vkey file: one line.
func logVerifier(b []byte) (note.Verifier, error) {
	return auditlog.NewVerifier(strings.TrimSuffix(string(b), "\n"))
}
