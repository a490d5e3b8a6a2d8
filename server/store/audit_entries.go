package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/operator"
)

// A versionEntryRow is a row of versionEntryQuery behind its position.
type versionEntryRow struct {
	site, policy      string
	number            int64
	entry, core, salt sql.RawBytes
}

const versionEntryQuery = `SELECT position, site, policy, number, bytes, salt_core, salt_person FROM policy_entry ORDER BY position`

func newVersionEntryRow() *versionEntryRow { return &versionEntryRow{} }

func (v *versionEntryRow) targets() []any {
	return []any{&v.site, &v.policy, &v.number, &v.entry, &v.core, &v.salt}
}

// versionEntry takes in the entry of a policy version at a leaf. What it says is
// compared with the version in versions.
func (r *replay) versionEntry(l *leaf, v *versionEntryRow) {
	l.of, l.opened = fmt.Sprintf("the entry of %s/%s version %d", v.site, v.policy, v.number), true
	if len(v.core) == auditlog.SaltSize && len(v.salt) == auditlog.SaltSize {
		l.computed, l.whole = auditlog.VersionLeaf([auditlog.SaltSize]byte(v.core), [auditlog.SaltSize]byte(v.salt), v.entry), true
	}
}

// An entryRow is a row of log_entry behind its position.
type entryRow struct {
	kind, site, object      string
	saltCore, salt, removed sql.RawBytes
	core, personal          sql.RawBytes
}

func newEntryRow() *entryRow { return &entryRow{} }

func (e *entryRow) targets() []any {
	return []any{&e.kind, &e.site, &e.object, &e.saltCore, &e.salt, &e.removed, &e.core, &e.personal}
}

// commitments are those to the two halves.
func (e *entryRow) commitments() (core, personal auditlog.Commitment, ok bool) {
	if len(e.saltCore) != auditlog.SaltSize {
		return core, personal, false
	}
	core = auditlog.Commit([auditlog.SaltSize]byte(e.saltCore), e.core)
	switch {
	case e.removed == nil && len(e.salt) == auditlog.SaltSize:
		return core, auditlog.Commit([auditlog.SaltSize]byte(e.salt), e.personal), true
	case e.salt == nil && e.personal == nil && len(e.removed) == len(personal):
		return core, auditlog.Commitment(e.removed), true
	}
	return core, personal, false
}

// entry takes in an entry of another kind at a leaf, and compares it with what it is
// the entry of.
func (r *replay) entry(ctx context.Context, l *leaf, e *entryRow) error {
	kind := auditlog.Kind(e.kind)
	l.of, l.opened, l.halved = "the entry "+e.kind+" "+e.object, true, e.removed != nil
	if core, personal, ok := e.commitments(); ok {
		l.computed, l.whole = kind.Leaf(core, personal), true
	}
	said, err := r.stands(ctx, l, kind, e)
	if err != nil {
		return err
	}
	if said != nil {
		what := auditlog.Altered
		if errors.Is(said, sql.ErrNoRows) {
			what, said = auditlog.Lost, errors.New("its entry is there, and it is not")
		}
		r.finding(what, nounOf(kind)+" "+e.object, l.index, said)
		return nil
	}
	r.Entries[kind]++
	return nil
}

// nounOf is what an entry of a kind is the entry of.
func nounOf(kind auditlog.Kind) string {
	switch kind {
	case auditlog.Publication:
		return "publication"
	case auditlog.Act:
		return "act"
	case auditlog.Tombstone:
		return "the tombstone"
	case auditlog.Standing:
		return "the standing of"
	}
	return string(kind)
}

var errSays = fmt.Errorf("it is not what its entry says: %w", auditlog.ErrDamaged)

// stands compares an entry with what it is the entry of: said is what is wrong with that.
func (r *replay) stands(ctx context.Context, l *leaf, kind auditlog.Kind, e *entryRow) (said, err error) {
	if kind == auditlog.Publication || kind == auditlog.Act {
		before := r.order[kind]
		if seq, err := strconv.ParseInt(e.object, 10, 64); err != nil || seq != before+1 {
			return fmt.Errorf("its entry follows that of number %d: %w", before, auditlog.ErrDamaged), nil
		}
	}
	switch kind {
	case auditlog.Publication:
		return r.publication(ctx, e)
	case auditlog.Act:
		return r.act(ctx, e)
	case auditlog.Tombstone:
		return r.tombstone(ctx, l, e)
	case auditlog.Standing:
		var s consent.Standing
		if err := canonical.Decode(e.core, &s); err != nil {
			return err, nil
		}
		if s.Schema != consent.StandingSchema || s.Site != e.site || e.object != s.Site+" "+s.Day {
			return errSays, nil
		}
		r.refs.ofStanding(s, l.index)
		return nil, nil
	}
	return fmt.Errorf("no entry is of the kind %q: %w", e.kind, auditlog.ErrDamaged), nil
}

func (r *replay) publication(ctx context.Context, e *entryRow) (said, err error) {
	seq, err := strconv.ParseInt(e.object, 10, 64)
	if err != nil {
		return errSays, nil
	}
	r.order[auditlog.Publication] = seq
	p, err := publicationIn(ctx, r.tx, seq)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return err, nil
	case unreadable(err):
		return errMisshapen, nil
	case err != nil:
		return nil, err
	}
	core, err := canonical.Encode(p.Entry(r.before[p.Site]))
	if err != nil {
		return err, nil
	}
	r.before[p.Site] = canonical.Sum(e.core)
	of := "publication " + e.object
	r.refs.add(p.Notice, "notice", of, auditlog.NoLeaf)
	for _, d := range p.Wordings {
		r.refs.add(d, "wording", of, auditlog.NoLeaf)
	}
	for _, trial := range p.TrialWordings {
		for _, d := range trial {
			r.refs.add(d, "wording", of, auditlog.NoLeaf)
		}
	}
	for _, s := range p.Scripts {
		r.refs.add(s.Digest, "script", of, auditlog.NoLeaf)
	}
	if !bytes.Equal(core, e.core) || p.Site != e.site {
		return errSays, nil
	}
	return nil, nil
}

func (r *replay) act(ctx context.Context, e *entryRow) (said, err error) {
	seq, err := strconv.ParseInt(e.object, 10, 64)
	if err != nil {
		return errSays, nil
	}
	r.order[auditlog.Act] = seq
	a, err := scanAct(r.tx.QueryRowContext(ctx, `SELECT `+actColumns+` FROM operator_act WHERE seq = ?1`, seq))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return err, nil
	case unreadable(err):
		return errMisshapen, nil
	case err != nil:
		return nil, err
	}
	core, personal := a.Entry()
	if e.removed != nil {
		personal = operator.ActPersonal{}
	}
	for _, half := range []struct {
		says any
		kept []byte
		gone bool
	}{{core, e.core, false}, {personal, e.personal, e.removed != nil}} {
		if half.gone {
			continue
		}
		if b, err := canonical.Encode(half.says); err != nil || !bytes.Equal(b, half.kept) {
			return errSays, nil //nolint:nilerr // what can't be encoded was not entered
		}
	}
	if a.Site != e.site {
		return errSays, nil
	}
	return nil, nil
}

// A tombstoneRow is a row of tombstone behind the leaf it is of.
type tombstoneRow struct {
	how      string
	position int64
}

func (t *tombstoneRow) targets() []any { return []any{&t.how, &t.position} }

// tombstone compares an entry about erasures with the rows that say what is gone. A
// row can be of a later entry, where what was minimised was shredded in the end.
func (r *replay) tombstone(ctx context.Context, l *leaf, e *entryRow) (said, err error) {
	var t consent.Tombstone
	if err := canonical.Decode(e.core, &t); err != nil {
		return err, nil
	}
	if e.object != strconv.FormatInt(l.index, 10) || t.Schema != consent.TombstoneSchema || t.Site != e.site || t.How.Check() != nil || t.Reason.Check() != nil || !slices.IsSorted(t.Leaves) {
		return errSays, nil
	}
	if r.grave == nil {
		if r.grave, err = r.tx.PrepareContext(ctx, `SELECT how, position FROM tombstone WHERE erased = ?1`); err != nil {
			return nil, err
		}
	}
	for _, leaf := range t.Leaves {
		var row tombstoneRow
		err := r.grave.QueryRowContext(ctx, leaf).Scan(row.targets()...)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return fmt.Errorf("that leaf %d was %s is written nowhere else: %w", leaf, t.How, auditlog.ErrDamaged), nil
		case unreadable(err):
			return errMisshapen, nil
		case err != nil:
			return nil, err
		case row.position == l.index && row.how == string(t.How):
			r.votes++
		case row.position > l.index && t.How == consent.Minimised && row.how == shredded:
		default:
			return fmt.Errorf("leaf %d was %s by it, and is said to be %s by leaf %d: %w", leaf, t.How, row.how, row.position, auditlog.ErrDamaged), nil
		}
	}
	return nil, nil
}

// tombstones makes sure that an entry speaks for each row.
func (r *replay) tombstones(ctx context.Context) error {
	var rows int64
	if err := r.tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM tombstone`).Scan(&rows); err != nil {
		return err
	}
	if rows == r.votes {
		return nil
	}
	// Which one it is, is worth looking for only now.
	all, err := r.tx.QueryContext(ctx, `SELECT t.erased, t.position, e.core FROM tombstone t LEFT JOIN log_entry e ON e.position = t.position AND e.kind = ?1 ORDER BY t.erased`,
		string(auditlog.Tombstone))
	_, err = collect(all, err, func(row scanner) (none struct{}, _ error) {
		var erased, position int64
		var core []byte
		if err := row.Scan(&erased, &position, &core); err != nil {
			r.finding(auditlog.Altered, "a row of tombstones", auditlog.NoLeaf, errMisshapen)
			return none, nil //nolint:nilerr // it is a finding
		}
		var t consent.Tombstone
		if json.Unmarshal(core, &t) != nil || !slices.Contains(t.Leaves, erased) {
			r.finding(auditlog.Inserted, fmt.Sprintf("the word that leaf %d was erased", erased), erased, fmt.Errorf("no entry at leaf %d says so: %w", position, auditlog.ErrDamaged))
		}
		return none, nil
	})
	return err
}

// acts and publications make sure that each has an entry: numbers are given without a
// gap, so that there are as many as the last one says.
func (r *replay) acts(ctx context.Context) error {
	return r.numbered(ctx, auditlog.Act, `operator_act`)
}

func (r *replay) publications(ctx context.Context) error {
	return r.numbered(ctx, auditlog.Publication, `publication`)
}

func (r *replay) numbered(ctx context.Context, kind auditlog.Kind, table string) error {
	query := strings.ReplaceAll(`SELECT t.seq FROM {table} t WHERE NOT EXISTS
		(SELECT 1 FROM log_entry e WHERE e.kind = ?1 AND e.object = CAST(t.seq AS TEXT)) ORDER BY t.seq`, "{table}", table)
	rows, err := r.tx.QueryContext(ctx, query, string(kind))
	_, err = collect(rows, err, func(row scanner) (none struct{}, _ error) {
		var seq any
		if err := row.Scan(&seq); err != nil {
			return none, err
		}
		r.finding(auditlog.Inserted, fmt.Sprintf("%s %v", nounOf(kind), seq), auditlog.NoLeaf, fmt.Errorf("the log has no entry of it: %w", auditlog.ErrDamaged))
		return none, nil
	})
	return err
}

// unreadable: a column holds what the program never writes there. Errors of the
// engine are something else.
func unreadable(err error) bool {
	if err == nil {
		return false
	}
	_, syntax := errors.AsType[*json.SyntaxError](err)
	_, kind := errors.AsType[*json.UnmarshalTypeError](err)
	return syntax || kind || strings.Contains(err.Error(), "sql: Scan error")
}
