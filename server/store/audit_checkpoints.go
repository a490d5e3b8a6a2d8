package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
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
	ends, err := r.accepted(ctx)
	if err != nil {
		return err
	}
	rows, err := r.tx.QueryContext(context.WithoutCancel(ctx), `SELECT seq, origin, size, root, at, note FROM checkpoint ORDER BY seq`)
	if err != nil {
		return err
	}
	defer rows.Close()
	last, longest := int64(0), int64(0)
	kept := map[auditlog.Head]bool{}
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
		if size < longest && !slices.Contains(ends, last) {
			r.finding(auditlog.Altered, of, auditlog.NoLeaf, fmt.Errorf("the one before it is of %d: %w", longest, auditlog.ErrDamaged))
		}
		last, longest = seq, size
		said, err := auditlog.ParseCheckpoint(text)
		if err != nil || said.Origin != origin || said.Head.Size != size || len(root) != tlog.HashSize || said.Head.Root != tlog.Hash(root) {
			r.finding(auditlog.Altered, of, auditlog.NoLeaf, fmt.Errorf("its note does not say what stands beside it: %w", auditlog.ErrDamaged))
			continue
		}
		kept[said.Head] = true
		if err := r.signed(origin, text); errors.Is(err, errNoKey) {
			r.Unverified++
		} else if err != nil {
			r.finding(auditlog.Forged, of, auditlog.NoLeaf, err)
			continue
		}
		if len(ends) == 0 || seq > slices.Max(ends) {
			r.expect(of, said.Head, true)
		}
	}
	for _, c := range r.Outside { // kept before anybody is shown it
		if !kept[c.Head] && c.Head.Size <= r.Head.Size {
			r.finding(auditlog.Lost, fmt.Sprintf("the checkpoint of %d leaves that was given", c.Head.Size), auditlog.NoLeaf, fmt.Errorf("the database does not hold it any more: %w", auditlog.ErrDamaged))
		}
	}
	return rows.Err()
}

// accepted are the numbers of checkpoints that the log need not continue, nor those
// before, because somebody said so: an act, which the log has an entry of, says the same.
func (r *replay) accepted(ctx context.Context) (ends []int64, err error) {
	rows, err := r.tx.QueryContext(ctx, `SELECT l.position, l.at, l.since, l.pinned, l.why, a.at, a.what, a.object, a.detail,
			(SELECT c.note FROM checkpoint c WHERE c.seq = l.since), (SELECT c.at FROM checkpoint c WHERE c.seq = l.since), (SELECT c.size FROM checkpoint c WHERE c.seq = l.since),
			(SELECT c.at FROM checkpoint c WHERE c.seq = l.since + 1), (SELECT c.size FROM checkpoint c WHERE c.seq = l.since + 1)
		FROM log_accepted l LEFT JOIN log_entry e ON e.position = l.position AND e.kind = ?1
		LEFT JOIN operator_act a ON CAST(a.seq AS TEXT) = e.object ORDER BY l.position`, string(auditlog.Act))
	_, err = collect(rows, err, func(row scanner) (none struct{}, _ error) {
		var l acceptance
		of := "that the log was accepted"
		if err := row.Scan(&l.position, &l.at, &l.since, &l.pinned, &l.why, &l.actAt, &l.what, &l.object, &l.detail, &l.note, &l.before, &l.shorter, &l.after, &l.size); err != nil {
			r.finding(auditlog.Altered, of, auditlog.NoLeaf, errMisshapen)
			return none, nil //nolint:nilerr // it is a finding
		}
		if !l.what.Valid {
			r.finding(auditlog.Inserted, of, l.position, fmt.Errorf("no act says so: %w", auditlog.ErrDamaged))
			return none, nil
		}
		if err := r.signedIn(l.pinned); !l.holds() || err != nil && !errors.Is(err, errNoKey) {
			r.finding(auditlog.Altered, of, l.position, fmt.Errorf("it is not what the act says: %w", auditlog.ErrDamaged))
			return none, nil
		}
		ends = append(ends, l.since)
		return none, nil
	})
	if err != nil {
		return nil, err
	}
	rows, err = r.tx.QueryContext(ctx, `SELECT e.position FROM operator_act a JOIN log_entry e ON e.kind = ?1 AND e.object = CAST(a.seq AS TEXT)
		WHERE a.what = 'log.accept' AND NOT EXISTS (SELECT 1 FROM log_accepted l WHERE l.position = e.position)`, string(auditlog.Act))
	_, err = collect(rows, err, func(row scanner) (none struct{}, _ error) {
		var position int64
		err := row.Scan(&position)
		r.finding(auditlog.Lost, "that the log was accepted", position, fmt.Errorf("an act says so: %w", auditlog.ErrDamaged))
		return none, err
	})
	return ends, err
}

// An acceptance is a row of log_accepted with the act that says the same, the newest
// checkpoint it speaks of and the first one after.
type acceptance struct {
	position, at, since  int64
	pinned, note         []byte
	why                  string
	actAt                sql.NullInt64
	what, object, detail sql.NullString
	before, shorter      sql.NullInt64 // time and size of the newest checkpoint of before
	after, size          sql.NullInt64 // of the first one after
}

// holds makes sure that it says what the act says, and stands where it says it does.
func (l acceptance) holds() bool {
	names := func(text []byte) bool {
		c, err := auditlog.ParseCheckpoint(text)
		return err == nil && l.object.String == fmt.Sprintf("%s %d %s", c.Origin, c.Head.Size, c.Head.Root)
	}
	pinned := len(l.pinned) == 0
	if !pinned {
		c, err := auditlog.ParseCheckpoint(l.pinned)
		pinned = err == nil && strings.HasPrefix(l.object.String, c.Origin+" ")
	}
	return l.what.String == "log.accept" && l.actAt.Int64 == l.at && l.detail.String == l.why && pinned &&
		(names(l.pinned) || names(l.note) || l.object.String == "no earlier checkpoint") &&
		(l.since == 0 || l.before.Valid && (l.before.Int64 < l.at || l.before.Int64 == l.at && l.shorter.Int64 <= l.position)) && (!l.after.Valid || l.after.Int64 >= l.at && l.size.Int64 > l.position)
}

var errNoKey = errors.New("the key of the log was not given")

// signedIn is signed for a note of which nothing is known, or for none.
func (r *replay) signedIn(text []byte) error {
	c, err := auditlog.ParseCheckpoint(text)
	if len(text) == 0 || err != nil {
		return nil //nolint:nilerr // that it is none is told elsewhere
	}
	return r.signed(c.Origin, text)
}

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
			if err := cosignedBy(v, witness, text, line); err != nil {
				r.finding(auditlog.Forged, of, auditlog.NoLeaf, err)
				break
			}
		}
	}
	return rows.Err()
}

// cosignedBy verifies one line under a note; v is nil where its key was not given. The
// line itself names the witness.
func cosignedBy(v note.Verifier, witness string, text []byte, line string) error {
	rest, ok := strings.CutPrefix(line, "— ")
	name, signature, _ := strings.Cut(strings.TrimSuffix(rest, "\n"), " ")
	b, err := base64.StdEncoding.Strict().DecodeString(signature)
	if !ok || err != nil || len(b) < 4 || !strings.HasSuffix(line, "\n") || fmt.Sprintf("%s+%08x", name, binary.BigEndian.Uint32(b)) != witness {
		return fmt.Errorf("it is no line of that witness: %w", auditlog.ErrCheckpoint)
	}
	if v == nil {
		return nil
	}
	body, _, ok := strings.Cut(string(text), "\n\n")
	if !ok {
		return auditlog.ErrCheckpoint
	}
	_, err = note.Open([]byte(body+"\n\n"+line), note.VerifierList(v))
	return err
}
