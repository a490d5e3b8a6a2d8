package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/volenti-consent/volenti/server/auditlog"
)

// checkpoints reads what the log has signed, and what others kept of it, verifies the
// signatures, and has the heads compared when as many leaves were read: any two that
// hold are consistent with one another.
func (r *replay) checkpoints(ctx context.Context) error {
	for i, h := range r.Earlier {
		r.expect(fmt.Sprintf("the head given as number %d, of %d leaves,", i+1, h.Size), h, false)
	}
	for _, c := range r.Outside {
		r.expect(fmt.Sprintf("the checkpoint of %d leaves that was given", c.Head.Size), c.Head, false)
	}
	since, err := r.accepted(ctx)
	if err != nil {
		return err
	}
	rows, err := r.tx.QueryContext(context.WithoutCancel(ctx), `SELECT seq, origin, size, root, at, note FROM checkpoint ORDER BY seq`)
	if err != nil {
		return err
	}
	defer rows.Close()
	last := int64(0)
	for rows.Next() {
		var seq, size, at int64
		var origin string
		var root, text []byte
		if err := rows.Scan(&seq, &origin, &size, &root, &at, &text); err != nil {
			r.finding(auditlog.Altered, "a checkpoint", auditlog.NoLeaf, errMisshapen)
			continue
		}
		of := fmt.Sprintf("checkpoint %d, of %d leaves,", seq, size)
		if seq != last+1 {
			r.finding(auditlog.Lost, fmt.Sprintf("checkpoints %d to %d", last+1, seq-1), auditlog.NoLeaf, auditlog.ErrDamaged)
		}
		last = seq
		said, err := auditlog.ParseCheckpoint(text)
		if err != nil || said.Origin != origin || said.Head.Size != size || len(root) != tlog.HashSize || said.Head.Root != tlog.Hash(root) {
			r.finding(auditlog.Altered, of, auditlog.NoLeaf, fmt.Errorf("its note does not say what stands beside it: %w", auditlog.ErrDamaged))
			continue
		}
		if err := r.signed(origin, text); errors.Is(err, errNoKey) {
			r.Unverified++
		} else if err != nil {
			r.finding(auditlog.Forged, of, auditlog.NoLeaf, err)
			continue
		}
		if seq > since {
			r.expect(of, said.Head, true)
		}
	}
	return rows.Err()
}

// accepted is the number of the last checkpoint that the log need not continue,
// because somebody said so; an entry of the log says that.
func (r *replay) accepted(ctx context.Context) (since int64, err error) {
	err = r.tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(since), 0) FROM log_accepted`).Scan(&since)
	return since, err
}

var errNoKey = errors.New("the key of the log was not given")

// signed verifies the signature of the log under a note.
func (r *replay) signed(origin string, text []byte) error {
	var mine []note.Verifier
	for _, v := range r.Log {
		if v.Name() == origin {
			mine = append(mine, v)
		}
	}
	if len(mine) == 0 {
		return errNoKey
	}
	var err error
	for _, v := range mine {
		if _, _, err = auditlog.OpenCheckpoint(text, v); err == nil {
			return nil
		}
	}
	return err
}

// cosigned verifies the lines of witnesses, as far as their keys were given.
func (r *replay) cosigned(ctx context.Context) error {
	keys := map[string]note.Verifier{}
	for _, v := range r.Log {
		keys[fmt.Sprintf("%s+%08x", v.Name(), v.KeyHash())] = v
	}
	rows, err := r.tx.QueryContext(context.WithoutCancel(ctx), `SELECT s.checkpoint, s.witness, s.first, s.newest, c.note FROM cosignature s LEFT JOIN checkpoint c ON c.seq = s.checkpoint`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var seq int64
		var witness, first, newest string
		var text []byte
		if err := rows.Scan(&seq, &witness, &first, &newest, &text); err != nil {
			r.finding(auditlog.Altered, "a cosignature", auditlog.NoLeaf, errMisshapen)
			continue
		}
		of := fmt.Sprintf("the cosignature of %s under checkpoint %d", witness, seq)
		v, ok := keys[witness]
		if !ok {
			r.Unverified++
		}
		for _, line := range []string{first, newest} {
			if err := cosignedBy(v, text, line); err != nil {
				r.finding(auditlog.Forged, of, auditlog.NoLeaf, err)
				break
			}
		}
	}
	return rows.Err()
}

// cosignedBy verifies one line under a note; v is nil where its key was not given.
func cosignedBy(v note.Verifier, text []byte, line string) error {
	if v == nil {
		if !strings.HasPrefix(line, "— ") || !strings.HasSuffix(line, "\n") || strings.Count(line, "\n") != 1 {
			return fmt.Errorf("it is no line of a signature: %w", auditlog.ErrCheckpoint)
		}
		return nil
	}
	body, _, ok := strings.Cut(string(text), "\n\n")
	if !ok {
		return auditlog.ErrCheckpoint
	}
	_, err := note.Open([]byte(body+"\n\n"+line), note.VerifierList(v))
	return err
}
