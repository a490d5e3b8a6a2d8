package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// digests are the sum of those of rows, in whatever order they come.
type digests struct {
	rows   int64
	digest [4]uint64
}

func (s *digests) add(row [sha256.Size]byte) {
	s.rows++
	for i := range s.digest {
		s.digest[i] += binary.BigEndian.Uint64(row[8*i:])
	}
}

// blockRange is where block is of a table by its key. The first one holds what is less
// than nothing, too, and the last one, where last is set, all that comes after.
func blockRange(key string, block, size int64, last bool) string {
	where := "TRUE"
	if block > 0 {
		where += fmt.Sprintf(" AND %s >= %d", key, block*size)
	}
	if !last {
		where += fmt.Sprintf(" AND %s < %d", key, (block+1)*size)
	}
	return where
}

// blocks compares those blocks of the watched tables that are full, and of which nobody
// knows that they are the same. last says that nobody writes any more: then the end that
// is not full is compared, too, and what is not the same is an error.
func (m *Move) blocks(ctx context.Context, tx *sql.Tx, last bool) error {
	for _, t := range watchedTables {
		full := m.tops[t.name] / m.block
		if t.name == "record_facet" && m.scan {
			if err := m.allFacets(ctx, tx, full, last); err != nil {
				return err
			}
		}
		end := full
		if last {
			end++
		}
		for block := range end {
			if _, same := m.same[t.name][block]; same {
				continue
			}
			if block%100 == 0 {
				m.tell("compare "+t.name, block*m.block, m.tops[t.name])
			}
			where := blockRange(t.key, block, m.block, block == full)
			query := `SELECT * FROM ` + t.name + ` WHERE ` + where
			if t.name == "record_facet" {
				from, to, err := m.times(ctx, tx, where)
				if err != nil {
					return err
				}
				query = facetRows("f.*", from, to, where)
			}
			here, there := digests{}, digests{}
			if err := addDigests(ctx, m.From.read, query, here.add); err != nil {
				return err
			}
			if err := m.digestsThere(ctx, tx, t.name, query, there.add); err != nil {
				return err
			}
			if here == there {
				m.same[t.name][block] = here.rows
				continue
			}
			if last {
				return fmt.Errorf("%s, %d rows and not %d where %s: %w", t.name, there.rows, here.rows, where, ErrMoveDiffers)
			}
			m.doubt(t.name, block)
		}
	}
	return nil
}

// facetRows are rows of the search, or what they are searched by, whose records were received
// from … to, by the facets of their sites: of other sites' rows watchers tell.
func facetRows(what string, from, to int64, where string) string {
	return fmt.Sprintf(`SELECT %s FROM facet c CROSS JOIN record_facet f WHERE f.facet = c.id AND c.site IN (SELECT site FROM record WHERE %s) AND f.received_at >= %d AND f.received_at <= %d AND `, what, where, from, to) +
		strings.ReplaceAll(where, "position", "f.position")
}

// times are when the records of a block were received, in either database.
func (m *Move) times(ctx context.Context, tx *sql.Tx, where string) (from, to int64, err error) {
	from, to = never, 0
	for _, in := range []querier{m.From.read, tx} {
		a, b, err := timesIn(ctx, in, where)
		if err != nil {
			return 0, 0, err
		}
		from, to = min(from, a), max(to, b)
	}
	return from, to, nil
}

func timesIn(ctx context.Context, in querier, where string) (from, to int64, err error) {
	rows, err := in.QueryContext(ctx, fmt.Sprintf(`SELECT COALESCE(MIN(received_at), %d), COALESCE(MAX(received_at), -1) FROM record WHERE `, int64(never))+where)
	_, err = collect(rows, err, func(row scanner) (_ struct{}, err error) { return struct{}{}, row.Scan(&from, &to) })
	return from, to, err
}

// allFacets compares the whole table at once: by position nothing finds its rows.
func (m *Move) allFacets(ctx context.Context, tx *sql.Tx, full int64, last bool) error {
	sums := [2]map[int64]*digests{{}, {}}
	for i, all := range sums {
		add := func(row [sha256.Size]byte, values []any) {
			position, _ := values[2].(int64)
			block := max(0, position/m.block)
			if all[block] == nil {
				all[block] = &digests{}
			}
			all[block].add(row)
		}
		var err error
		query := `SELECT facet, received_at, position FROM record_facet`
		if i == 0 {
			err = addRows(ctx, m.From.read, query, add)
		} else {
			err = m.rowsThere(ctx, tx, "record_facet", query, add)
		}
		if err != nil {
			return err
		}
	}
	m.scan, m.strange = false, map[int64]bool{}
	empty := &digests{}
	of := func(all map[int64]*digests, block int64) digests {
		if s := all[block]; s != nil {
			return *s
		}
		return *empty
	}
	if last { // all there are
		for _, all := range sums {
			for block := range all {
				full = max(full, block+1)
			}
		}
	}
	for block := range full {
		here, there := of(sums[0], block), of(sums[1], block)
		if here == there {
			if block < m.tops["record_facet"]/m.block {
				m.same["record_facet"][block] = here.rows
			}
			continue
		}
		if last {
			return fmt.Errorf("record_facet, %d rows and not %d of block %d: %w", there.rows, here.rows, block, ErrMoveDiffers)
		}
		m.doubt("record_facet", block)
		m.strange[block] = true
	}
	return nil
}

// compareFacets compares what records are searched by, where both have it: one of a record
// that is restricted is there until the last round, and that each row of the search has one
// both engines see to.
func (m *Move) compareFacets(ctx context.Context, from, tx *sql.Tx, rows [][]any, whole bool) error {
	rows = append(m.facets, rows...)
	m.facets = nil
	if whole {
		return m.compareSome(ctx, from, tx, "", nil)
	}
	for ids := range slices.Chunk(rows, keyBatch) {
		where, args := facetTable.some(ids)
		if err := m.compareSome(ctx, from, tx, where, args); err != nil {
			return err
		}
	}
	return nil
}

func (m *Move) compareSome(ctx context.Context, from, tx *sql.Tx, where string, args []any) error {
	here, query := map[rowKey][sha256.Size]byte{}, `SELECT * FROM facet`+where
	err := addRows(ctx, from, query, func(row [sha256.Size]byte, values []any) { here[facetTable.keyOf(values)] = row }, args...)
	if err != nil {
		return err
	}
	var other any
	err = m.rowsThere(ctx, tx, "facet", query, func(row [sha256.Size]byte, values []any) {
		if is, ok := here[facetTable.keyOf(values)]; ok && is != row {
			other = values[0]
		}
	}, args...)
	if err == nil && other != nil {
		err = fmt.Errorf("facet %v: %w", other, ErrMoveDiffers)
	}
	return err
}

// compareRest compares what was copied in the end.
func (m *Move) compareRest(ctx context.Context, tx *sql.Tx) error {
	const query = `SELECT * FROM restricted_record`
	here, there := digests{}, digests{}
	if err := addDigests(ctx, m.From.read, query, here.add); err != nil {
		return err
	}
	if err := m.digestsThere(ctx, tx, "restricted_record", query, there.add); err != nil {
		return err
	}
	if here != there {
		return fmt.Errorf("restricted_record, %d rows and not %d: %w", there.rows, here.rows, ErrMoveDiffers)
	}
	m.rows["restricted_record"] = here.rows
	for _, t := range watchedTables {
		m.rows[t.name] = 0
		for _, n := range m.same[t.name] {
			m.rows[t.name] += n
		}
	}
	return nil
}

// digestsThere is addDigests in the target.
func (m *Move) digestsThere(ctx context.Context, tx *sql.Tx, table, query string, add func([sha256.Size]byte)) error {
	return m.rowsThere(ctx, tx, table, query, func(row [sha256.Size]byte, _ []any) { add(row) })
}

// rowsThere is addRows in the target; under one name it reads the same columns. PostgreSQL's
// answers are held whole in a transaction that writes, so that they are read a few rows at a
// time.
func (m *Move) rowsThere(ctx context.Context, tx *sql.Tx, table, query string, add func([sha256.Size]byte, []any), args ...any) error {
	if _, shared := m.To.dialect.(postgres); !shared || len(args) > 0 { // those are a few
		return addRows(ctx, tx, query, add, args...)
	}
	if _, err := tx.ExecContext(ctx, `DECLARE compared_`+table+` NO SCROLL CURSOR FOR `+query); err != nil {
		return err
	}
	for more := true; more; {
		more = false
		if err := addRows(ctx, tx, `FETCH FORWARD 1000 FROM compared_`+table, func(row [sha256.Size]byte, values []any) {
			more = true
			add(row, values)
		}); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, `CLOSE compared_`+table)
	return err
}

// appendValue writes a value so that no two rows are written the same: its type, its
// length, itself. Text and bytes are one type: engines differ in which they answer.
func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, " nil"...)
	case string:
		return append(fmt.Appendf(b, " bytes %d ", len(v)), v...)
	case []byte:
		return append(fmt.Appendf(b, " bytes %d ", len(v)), v...)
	case int64:
		return strconv.AppendInt(append(b, " int "...), v, 10)
	default:
		return fmt.Appendf(b, " %T %v", v, v)
	}
}

// addDigests calls add with the digest of each row of a query.
func addDigests(ctx context.Context, in querier, query string, add func([sha256.Size]byte)) error {
	return addRows(ctx, in, query, func(row [sha256.Size]byte, _ []any) { add(row) })
}

// addRows calls add with each row, too.
func addRows(ctx context.Context, in querier, query string, add func([sha256.Size]byte, []any), args ...any) error {
	rows, err := in.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	into, row := make([]any, len(columns)), make([]any, len(columns))
	for i := range row {
		into[i] = &row[i]
	}
	text := make([]byte, 0, 4<<10)
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		text = text[:0]
		for i, v := range row {
			text = appendValue(append(text, columns[i]...), v)
		}
		add(sha256.Sum256(text), row)
	}
	return rows.Err()
}

// doubt says that a block is not known to be the same.
func (m *Move) doubt(table string, block int64) {
	delete(m.same[table], block)
	if table == "record_facet" {
		table = "record" // they are carried over with their records
	}
	if table == "record" {
		m.doubts[block] = true
	}
}
