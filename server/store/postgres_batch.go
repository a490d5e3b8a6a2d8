package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// A batched is statements that go to the server in one go.
type batched struct {
	list     []sent
	affected []int64 // rows, by statement
	first    []any   // the first column of the first row, where there is one
}

// A sent is a statement with its parameters; of several rows, transposed.
type sent struct {
	text string
	rows [][]any
}

// several has nothing to say: run and each send all that there is in one go.
func (postgres) several(string, int) string { return "" }

// run does writes in one round trip; a series of rows that are inserted as one statement
// over arrays.
func (postgres) run(ctx context.Context, tx *sql.Tx, list writes) error {
	b := &batched{}
	var of []*statement
	for _, s := range list {
		rows := slices.Collect(slices.Chunk(s.args, s.columns))
		if len(rows) > 0 && manyOf(s.text) != "" {
			b.list, of = append(b.list, sent{s.text, rows}), append(of, s.statement)
			continue
		}
		for i := range rows {
			b.list, of = append(b.list, sent{s.text, rows[i : i+1]}), append(of, s.statement)
		}
	}
	if _, err := tx.ExecContext(ctx, "", b); err != nil {
		return err
	}
	for i, s := range of {
		if s.none != nil && b.affected[i] != int64(len(b.list[i].rows)) {
			return s.none
		}
	}
	return nil
}

// each asks in one round trip.
func (postgres) each(ctx context.Context, tx *sql.Tx, pool *sql.DB, s series) (_ []any, err error) {
	if len(s.args) == 0 {
		return nil, nil
	}
	b := &batched{}
	for row := range slices.Chunk(s.args, s.columns) {
		b.list = append(b.list, sent{s.text, [][]any{row}})
	}
	if tx != nil {
		_, err = tx.ExecContext(ctx, "", b)
	} else {
		_, err = pool.ExecContext(ctx, "", b)
	}
	return b.first, err
}

var oneRow = regexp.MustCompile(`VALUES \((\?\d+(?:, \?\d+)*)\)`)

// manyOf is a statement that inserts one row of nothing but parameters, as one that
// inserts those of arrays, with %s for the arrays; "" for other statements.
func manyOf(text string) string {
	at := oneRow.FindStringIndex(text)
	if at == nil {
		return ""
	}
	return strings.ReplaceAll(text[:at[0]], "%", "%%") + "SELECT * FROM unnest(%s)" + strings.ReplaceAll(text[at[1]:], "%", "%%")
}

// arrays are types with those of their arrays, and their names (pg_type.dat).
var arrays = map[uint32]struct {
	oid  uint32
	name string
}{oidInt8: {1016, "bigint"}, oidText: {1009, "text"}, oidBytea: {1001, "bytea"}}

// many prepares a statement over arrays and encodes them.
func (c *postgresConn) many(ctx context.Context, one sent) (*pgconn.StatementDescription, parameters, error) {
	// What the server takes the parameters of one row for is what their columns are.
	single, err := c.statement(ctx, one.text, parameters{types: make([]uint32, len(one.rows[0])), signature: "\x00many"})
	if err != nil {
		return nil, parameters{}, err
	}
	n := len(single.ParamOIDs)
	p := parameters{values: make([][]byte, n), types: make([]uint32, n), formats: make([]int16, n), signature: "\x00arrays"}
	marks := make([]string, n)
	for i, oid := range single.ParamOIDs {
		array, ok := arrays[oid]
		if !ok {
			return nil, p, fmt.Errorf("there is no array for parameter %d of %s", i+1, one.text)
		}
		marks[i] = fmt.Sprintf("$%d::%s[]", i+1, array.name)
		p.types[i], p.formats[i] = array.oid, 1
		if p.values[i], err = arrayOf(oid, one.rows, i); err != nil {
			return nil, p, err
		}
	}
	s, err := c.statement(ctx, fmt.Sprintf(manyOf(one.text), strings.Join(marks, ", ")), p)
	return s, p, err
}

// arrayOf encodes one column of rows as array_send does: dimensions, whether there is a
// NULL, the type; length and first index; and each element behind its length.
func arrayOf(oid uint32, rows [][]any, column int) ([]byte, error) {
	b := make([]byte, 0, 20+len(rows)*40)
	for _, n := range []uint32{1, 1, oid, uint32(len(rows)), 1} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	for _, row := range rows {
		v, err := driver.DefaultParameterConverter.ConvertValue(row[column])
		if err != nil {
			return nil, err
		}
		switch v := v.(type) {
		case nil:
			b = binary.BigEndian.AppendUint32(b, 1<<32-1)
		case int64:
			b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(b, 8), uint64(v))
		case string:
			b = append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
		case []byte:
			if v == nil {
				b = binary.BigEndian.AppendUint32(b, 1<<32-1)
				continue
			}
			b = append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
		default:
			return nil, fmt.Errorf("a value of type %T, which no column has", v)
		}
	}
	return b, nil
}

// single prepares a statement with one row of parameters.
func (c *postgresConn) single(ctx context.Context, one sent) (*pgconn.StatementDescription, parameters, error) {
	args := make([]driver.NamedValue, len(one.rows[0]))
	for i, v := range one.rows[0] {
		value, err := driver.DefaultParameterConverter.ConvertValue(v)
		if err != nil {
			return nil, parameters{}, err
		}
		args[i] = driver.NamedValue{Ordinal: i + 1, Value: value}
	}
	p, err := parametersOf(args)
	if err != nil {
		return nil, p, err
	}
	s, err := c.statement(ctx, one.text, p)
	return s, p, err
}

func (c *postgresConn) run(ctx context.Context, b *batched) error {
	type prepared struct {
		s *pgconn.StatementDescription
		p parameters
	}
	all := make([]prepared, len(b.list))
	for i, one := range b.list {
		prepare := c.single
		if len(one.rows) > 1 {
			prepare = c.many
		}
		s, p, err := prepare(ctx, one)
		if err != nil {
			return c.stale(err)
		}
		all[i] = prepared{s, p}
	}
	pipe := c.pg.StartPipeline(ctx)
	for _, one := range all {
		pipe.SendQueryPrepared(one.s.Name, one.p.values, one.p.formats, formatsOf(one.s.Fields))
	}
	err := pipe.Sync()
	b.affected, b.first = b.affected[:0], b.first[:0]
	for i := 0; err == nil && i < len(all); i++ {
		var got any
		if got, err = pipe.GetResults(); err != nil {
			break
		}
		r, ok := got.(*pgconn.ResultReader)
		if !ok {
			err = fmt.Errorf("statement %d of %d was not answered", i+1, len(all))
			break
		}
		result := r.Read()
		var first any
		if err = result.Err; err == nil && len(result.Rows) > 0 {
			first, err = valueOf(all[i].s.Fields[0].DataTypeOID, result.Rows[0][0])
		}
		b.affected, b.first = append(b.affected, result.CommandTag.RowsAffected()), append(b.first, first)
	}
	if closed := pipe.Close(); err == nil {
		err = closed
	}
	return c.stale(err)
}
