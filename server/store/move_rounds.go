package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// ErrMoveDiffers is returned where the copy is not what was copied.
var ErrMoveDiffers = errors.New("the copy is not the same; nothing was changed: the installation goes on where it is")

// mostRounds is how often what came meanwhile is copied before nobody may write.
const mostRounds = 8

// rowsOfEntry is how many counters and the like a decision writes, roughly.
const rowsOfEntry = 10

// rounds copy what came or changed since, and compare, in one transaction of the target,
// in which nobody else can change what was compared: until little is left, or it does not
// get less. The last one has the source take nothing any more.
func (m *Move) rounds(ctx context.Context, id string) error {
	if _, err := m.To.write.ExecContext(ctx, `ANALYZE`); err != nil { // it was filled just now, and is asked for parts of itself
		return err
	}
	tx, err := m.To.write.BeginTx(ctx, nil)
	if err != nil {
		return m.To.seen(err)
	}
	defer tx.Rollback()
	if err := m.To.dialect.unhurried(ctx, tx); err != nil {
		return err
	}
	if p, shared := m.To.dialect.(postgres); shared {
		tables, err := m.carried()
		if err == nil {
			err = p.hold(ctx, tx, tables)
		}
		if err != nil {
			return err
		}
	}
	before, doubts := int64(0), 0
	for round := 1; ; round++ {
		var since marked
		if err := m.From.inTransaction(ctx, "ask what was written", func(ctx context.Context, source *sql.Tx) (err error) {
			since, err = marks(ctx, source, m.block, m.tables)
			return err
		}); err != nil {
			return err
		}
		if err := m.round(ctx, tx, since, round == 1, false); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		head, err := m.From.Head(ctx)
		if err != nil {
			return err
		}
		rows, err := m.waiting(ctx)
		if err != nil {
			return err
		}
		left := head.Size - m.bound
		work := max(left, rows/rowsOfEntry)
		// What differs is carried over in the next round; what was restricted in the last.
		settled := len(m.doubts) == doubts && len(m.strange) == 0
		last := round == mostRounds || work <= m.few && settled || round > 2 && work > m.few && work > before*3/4
		if m.Round != nil {
			m.Round(round, left, last)
		}
		if last {
			break
		}
		before, doubts = work, len(m.doubts)
	}
	return m.From.transact(ctx, transaction{what: "move", slow: true, do: func(ctx context.Context, source *sql.Tx) error {
		if m.Stopped != nil {
			m.Stopped()
		}
		since, err := marks(ctx, source, m.block, m.tables)
		if err == nil {
			err = m.round(ctx, tx, since, false, true)
		}
		if err == nil {
			_, err = tx.ExecContext(ctx, `UPDATE moving SET state = ?1, note = ?2 WHERE id = 1`, moveComplete, id)
		}
		if err == nil {
			err = tx.Commit()
		}
		if err == nil && m.Check != nil {
			err = m.Check(ctx)
		}
		if err == nil {
			err = unwatch(ctx, source)
		}
		if err != nil {
			return err
		}
		return m.From.seal(ctx, source, id)
	}})
}

// round copies what came since the last one, carries over what was done to what was there,
// and compares what nobody knows to be the same.
func (m *Move) round(ctx context.Context, tx *sql.Tx, since marked, first, last bool) error {
	if !since.whole {
		for table := range m.same {
			m.same[table] = map[int64]int64{}
		}
		m.scan = true
		for block := range m.bound/m.block + 1 {
			m.doubt("record", block)
		}
	}
	for _, w := range since.blocks {
		if w.table == "record_facet" && w.block == everywhere {
			m.scan = true
			continue
		}
		m.doubt(w.table, max(0, w.block))
		if w.table == "record_facet" {
			delete(m.strange, w.block)
		}
	}
	if len(m.strange) > 0 {
		m.scan = true
	}
	was := m.bound
	// What is written after this is seen is for the next round.
	from, err := m.From.read.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer from.Rollback()
	if err := m.come(ctx, from, tx, since, first, last); err != nil {
		return err
	}
	doubts := m.doubts
	m.doubts = map[int64]bool{}
	for block := range doubts {
		if block*m.block >= was {
			continue // it came just now
		}
		if err := m.carry(ctx, from, tx, block); err != nil {
			return err
		}
	}
	if err := m.compareFacets(ctx, from, tx, since.rows["facet"], first || !since.whole); err != nil {
		return err
	}
	// Blocks are read one by one: what has the source's log wait for its readers would have it
	// grow for as long as all are compared.
	if err := from.Rollback(); err != nil {
		return err
	}
	if err := m.blocks(ctx, tx, last); err != nil || !last {
		return err
	}
	return m.compareRest(ctx, tx)
}

// come copies what is new, as it is in a transaction of the source. What says that records
// are gone comes before records do.
func (m *Move) come(ctx context.Context, from, tx *sql.Tx, since marked, first, last bool) error {
	var size int64
	var root []byte
	if err := from.QueryRowContext(ctx, `SELECT size, root FROM log_head WHERE id = 1`).Scan(&size, &root); err != nil {
		return err
	}
	was := m.bound
	entered, buried := m.tops["log_entry"], m.tops["tombstone"] // the first round copies all of them
	for _, t := range []struct {
		table, column string
		from, to      int64
	}{
		{"log_leaf", "position", was, size},
		{"log_node", "position", tlog.StoredHashCount(was), tlog.StoredHashCount(size)},
		{"log_entry", "position", entered, size},
	} {
		_, err := copyRows(ctx, from, tx, t.table, `WHERE `+t.column+` >= ?1 AND `+t.column+` < ?2 ORDER BY `+t.column, t.from, t.to)
		if err != nil {
			return err
		}
		m.tell(t.table, t.to, t.to)
		m.tops[t.table] = t.to
	}
	if _, err := tx.ExecContext(ctx, `UPDATE log_head SET size = ?1, root = ?2 WHERE id = 1`, size, root); err != nil {
		return err
	}
	if err := m.tombstones(ctx, from, tx, buried, size); err != nil {
		return err
	}
	for _, table := range []string{"checkpoint", "operator_act"} {
		if _, err := copyRows(ctx, from, tx, table, `WHERE seq >= ?1 ORDER BY seq`, m.tops[table]); err != nil {
			return err
		}
		var top int64
		if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(seq) + 1, 0) FROM `+table).Scan(&top); err != nil { //nolint:gosec // one of ours
			return err
		}
		m.tops[table] = top
	}
	if err := m.keyed(ctx, from, tx, since.rows, first || !since.whole, first); err != nil {
		return err
	}
	if last {
		n, err := copyRows(ctx, from, tx, "restricted_record", ``)
		if err != nil {
			return err
		}
		m.tell("restricted_record", n, n)
	}
	for next := was; next < size; {
		last, err := m.records(ctx, from, tx, next, size)
		if err != nil {
			return err
		}
		if last < 0 {
			break
		}
		next = last + 1
		m.tell("record", next, size)
	}
	m.bound, m.tops["tombstone"], m.tops["record"], m.tops["record_facet"] = size, size, size, size
	return nil
}

// tombstones copies those that were put at positions from … to: of something that was
// erased half before, one is there.
func (m *Move) tombstones(ctx context.Context, source, tx *sql.Tx, from, to int64) error {
	rows, err := source.QueryContext(ctx, `SELECT erased, how, position FROM tombstone WHERE position >= ?1 AND position < ?2 ORDER BY position, erased`, from, to)
	if err != nil {
		return err
	}
	defer rows.Close()
	var values []any
	put := func() error {
		if len(values) == 0 {
			return nil
		}
		text := `INSERT INTO tombstone (erased, how, position) VALUES `
		for i := 0; i < len(values); i += 3 {
			if i > 0 {
				text += ", "
			}
			text += fmt.Sprintf("(?%d, ?%d, ?%d)", i+1, i+2, i+3)
		}
		_, err := tx.ExecContext(ctx, text+` ON CONFLICT (erased) DO UPDATE SET how = excluded.how, position = excluded.position`, values...)
		values = values[:0]
		return err
	}
	for rows.Next() {
		var erased, position int64
		var how string
		if err := rows.Scan(&erased, &how, &position); err != nil {
			return err
		}
		if values = append(values, erased, how, position); len(values) == 300 {
			if err := put(); err != nil {
				return err
			}
		}
	}
	return errors.Join(rows.Err(), put())
}

// carried are all tables that a move carries over.
func (m *Move) carried() (all []string, err error) {
	all, err = m.To.tables()
	return slices.DeleteFunc(all, func(t string) bool { return slices.Contains(moveNever, t) }), err
}

// carry does to a block of records what was done to it meanwhile: some were shredded, lost
// their personal half, were restricted, or are no longer.
func (m *Move) carry(ctx context.Context, from, tx *sql.Tx, block int64) error {
	where := blockRange("position", block, m.block, false) + fmt.Sprintf(" AND position < %d", m.bound)
	// What is restricted is there in the last round.
	for _, gone := range []string{`SELECT t.erased FROM tombstone t WHERE t.how = 'shredded'`, `SELECT r.position FROM restricted_record r`} {
		if err := m.remove(ctx, tx, `DELETE FROM record WHERE `+where+` AND position IN (`+gone+`)`); err != nil {
			return err
		}
	}
	type lost struct {
		position int64
		commit   []byte
	}
	query := `SELECT position, commit_pers FROM record WHERE ` + where + ` AND personal IS NULL AND EXISTS (SELECT 1 FROM tombstone t WHERE t.erased = record.position)` //nolint:gosec // numbers
	rows, err := from.QueryContext(ctx, query)
	all, err := collect(rows, err, func(row scanner) (l lost, err error) { return l, row.Scan(&l.position, &l.commit) })
	if err != nil {
		return err
	}
	for _, l := range all {
		// Its tombstone may have come after those that were copied: it comes in the next round then.
		if err := m.remove(ctx, tx, `UPDATE record SET subject = NULL, salt_person = NULL, personal = NULL, commit_pers = ?2 WHERE position = ?1 AND personal IS NOT NULL
			AND EXISTS (SELECT 1 FROM tombstone t WHERE t.erased = ?1)`, l.position, l.commit); err != nil {
			return err
		}
	}
	return m.returned(ctx, from, tx, where)
}

// remove does so, and keeps in mind that something stands on the disk that should not.
func (m *Move) remove(ctx context.Context, tx *sql.Tx, text string, args ...any) error {
	result, err := tx.ExecContext(ctx, text, args...)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	m.removed = m.removed || n > 0
	return err
}

// returned copies records and what they are searched by that are there and not here: they
// were restricted when the others were copied, or their rows of the search came later.
func (m *Move) returned(ctx context.Context, from, tx *sql.Tx, where string) error {
	has, err := keysOf(ctx, tx, `record WHERE `+where, "position")
	if err != nil {
		return err
	}
	wants, err := keysOf(ctx, from, `record WHERE `+where, "position")
	if err != nil {
		return err
	}
	for position := range wants {
		if has[position] {
			continue
		}
		if _, err := copyRows(ctx, from, tx, "record", `WHERE position = ?1`, position); err != nil {
			return err
		}
	}
	begin, until, err := timesIn(ctx, from, where)
	if err != nil {
		return err
	}
	if err := m.copyFacets(ctx, from, tx, begin, until, where); err != nil {
		return err
	}
	query := facetRows("f.*", begin, until, where)
	if has, err = keysOf(ctx, tx, `(`+query+`) AS f`, "position"); err != nil {
		return err
	}
	if wants, err = keysOf(ctx, from, `(`+query+`) AS f`, "position"); err != nil {
		return err
	}
	for position := range wants {
		if has[position] {
			continue
		}
		if _, err := copyQuery(ctx, from, tx, "record_facet", query+` AND f.position = ?1`, position); err != nil {
			return err
		}
	}
	return nil
}
