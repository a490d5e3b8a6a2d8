package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"golang.org/x/mod/sumdb/note"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/consent"
)

// A verification is a file that is to be checked, and what it is held against.
type verification struct {
	file      string
	text      []byte
	log       note.Verifier
	witnesses []note.Verifier
	leaf      *[auditlog.LeafSize]byte
	under     []byte // a checkpoint; nil: none is asked for
}

// leafOf is the leaf of a receipt, whose signature is not what is asked here, or the
// one that was given.
func (v *verification) leafOf(receipt, text string) error {
	if receipt != "" && text != "" {
		return usage(errors.New("say either --receipt or --leaf"))
	}
	if receipt != "" {
		b, err := os.ReadFile(receipt)
		if err != nil {
			return usage(err)
		}
		report, err := consent.Verify(b, nil)
		for _, c := range report.Checks {
			if c.Err != nil && c.Name != "key" {
				return invalid(fmt.Errorf("%s: %w", receipt, c.Err))
			}
		}
		if len(report.Checks) == 0 {
			return invalid(fmt.Errorf("%s: %w", receipt, err))
		}
		v.leaf = &report.Leaf
		return nil
	}
	if text == "" {
		return nil
	}
	b, err := hex.DecodeString(text)
	for _, coding := range []*base64.Encoding{base64.RawURLEncoding, base64.StdEncoding} {
		if err != nil {
			b, err = coding.DecodeString(text)
		}
	}
	if err != nil || len(b) != auditlog.LeafSize {
		return usage(errors.New("--leaf: it is 32 bytes, in base64 or hexadecimal digits"))
	}
	v.leaf = (*[auditlog.LeafSize]byte)(b)
	return nil
}

func (v *verification) run(w io.Writer) error {
	if !bytes.HasPrefix(v.text, []byte("c2sp.org/tlog-proof")) {
		if v.leaf != nil || v.under != nil {
			return usage(fmt.Errorf("%s is no proof: --receipt, --leaf and --checkpoint go with one", v.file))
		}
		c, cosigned, err := auditlog.OpenCheckpoint(v.text, v.log, v.witnesses...)
		return v.say(w, c, cosigned, err, "")
	}
	if v.leaf == nil {
		return usage(errors.New("a proof is of a leaf: name the --receipt or the --leaf"))
	}
	p, err := auditlog.ParseProof(v.text)
	if err != nil {
		return invalid(fmt.Errorf("%s: %w", v.file, err))
	}
	c, cosigned, err := p.Verify(*v.leaf, v.log, v.witnesses...)
	if err == nil && v.under != nil {
		var kept auditlog.Checkpoint
		if kept, _, err = auditlog.OpenCheckpoint(v.under, v.log); err == nil && kept.Head != c.Head {
			err = fmt.Errorf("the proof is under a checkpoint of %d leaves, the one given is of %d: %w; ask for a proof under the newest, and for their consistency", c.Head.Size, kept.Head.Size, auditlog.ErrInclusion)
		}
	}
	return v.say(w, c, cosigned, err, fmt.Sprintf("leaf       %d, which is in the log\n", p.Index))
}

// say tells what was verified. Every witness that was named must have cosigned.
func (v *verification) say(w io.Writer, c auditlog.Checkpoint, cosigned []note.Signature, err error, more string) error {
	if err != nil {
		return invalid(fmt.Errorf("%s: %w", v.file, err))
	}
	for _, key := range v.witnesses {
		if !slices.ContainsFunc(cosigned, func(s note.Signature) bool { return s.Name == key.Name() && s.Hash == key.KeyHash() }) {
			return invalid(fmt.Errorf("%s: %s has not cosigned it", v.file, key.Name()))
		}
	}
	fmt.Fprintf(w, "log        %s\nleaves     %d\nroot       %s\n%s", c.Origin, c.Head.Size, c.Head.Root, more)
	for _, s := range cosigned {
		line := s.Name
		if at, ok := auditlog.CosignedAt(s); ok {
			line += ", " + at.Format("2006-01-02 15:04:05 UTC")
		}
		fmt.Fprintf(w, "cosigned   %s\n", line)
	}
	_, err = fmt.Fprintln(w, "verified")
	return err
}
