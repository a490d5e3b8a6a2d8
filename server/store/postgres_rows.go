package store

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"
)

// Types of values, by their numbers in PostgreSQL's catalog (pg_type.dat).
const (
	oidBool    = 16
	oidBytea   = 17
	oidInt8    = 20
	oidInt2    = 21
	oidInt4    = 23
	oidText    = 25
	oidUnknown = 705
	oidVarchar = 1043
)

// parameters are the values of one statement as they go over the wire.
type parameters struct {
	values    [][]byte
	types     []uint32
	formats   []int16 // 0: text, 1: binary
	signature string  // of the types
}

// parametersOf says which type each value has: what a server makes of "?1 = 0" by
// itself is a number of 32 bits.
func parametersOf(args []driver.NamedValue) (p parameters, err error) {
	n := len(args)
	p = parameters{make([][]byte, n), make([]uint32, n), make([]int16, n), ""}
	signature := make([]byte, n)
	for i, a := range args {
		switch v := a.Value.(type) {
		case nil:
			signature[i] = 0
		case int64:
			p.values[i], p.types[i], p.formats[i], signature[i] = binary.BigEndian.AppendUint64(nil, uint64(v)), oidInt8, 1, 1
		case string:
			p.values[i], p.types[i], signature[i] = []byte(v), oidText, 2
		case []byte:
			if v == nil {
				signature[i] = 0
				continue
			}
			p.values[i], p.types[i], p.formats[i], signature[i] = v, oidBytea, 1, 3
		default:
			return p, fmt.Errorf("parameter %d is of type %T, which no column has", a.Ordinal, a.Value)
		}
	}
	p.signature = "\x00" + string(signature)
	return p, nil
}

// formatsOf asks for binary where it is plain how to read it.
func formatsOf(fields []pgconn.FieldDescription) []int16 {
	formats := make([]int16, len(fields))
	for i, f := range fields {
		switch f.DataTypeOID {
		case oidBytea, oidInt8, oidInt4, oidInt2, oidText, oidVarchar, oidBool:
			formats[i] = 1
		}
	}
	return formats
}

func valueOf(oid uint32, b []byte) (driver.Value, error) {
	if b == nil {
		return nil, nil
	}
	switch oid {
	case oidBytea:
		return b, nil
	case oidInt8, oidInt4, oidInt2:
		switch len(b) {
		case 8:
			return int64(binary.BigEndian.Uint64(b)), nil
		case 4:
			return int64(int32(binary.BigEndian.Uint32(b))), nil
		case 2:
			return int64(int16(binary.BigEndian.Uint16(b))), nil
		}
		return nil, fmt.Errorf("a number of %d bytes", len(b))
	case oidBool:
		return len(b) == 1 && b[0] == 1, nil
	}
	if oid != oidText && oid != oidVarchar && oid != oidUnknown { // sums are numeric, in text
		if n, err := strconv.ParseInt(string(b), 10, 64); err == nil {
			return n, nil
		}
	}
	return string(b), nil
}

// postgresRows are rows that were read, and more where there is a cursor.
type postgresRows struct {
	fields []pgconn.FieldDescription
	rows   [][][]byte
	next   int
	cursor *cursor
}

func (r *postgresRows) Columns() []string {
	names := make([]string, len(r.fields))
	for i, f := range r.fields {
		names[i] = f.Name
	}
	return names
}

func (r *postgresRows) Next(into []driver.Value) (err error) {
	if r.next == len(r.rows) && r.cursor != nil {
		if r.rows, err = r.cursor.fetch(); err != nil {
			return err
		}
		r.next = 0
	}
	if r.next == len(r.rows) {
		return io.EOF
	}
	for i, b := range r.rows[r.next] {
		if into[i], err = valueOf(r.fields[i].DataTypeOID, b); err != nil {
			return fmt.Errorf("column %s: %w", r.fields[i].Name, err)
		}
	}
	r.next++
	return nil
}

func (r *postgresRows) Close() error {
	if r.cursor != nil {
		r.cursor.close()
	}
	return nil
}

// A cursor reads the rows of a query a few at a time, beside others.
type cursor struct {
	c       *postgresConn
	ctx     context.Context
	number  int
	formats []int16
	done    bool
}

// States of cursors, by their numbers.
const (
	cursorOpen = iota
	cursorLeft // still open on the server, and nobody reads it
)

// fetched is how many rows are asked for at once.
const fetched = 500

func (c *postgresConn) cursor(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, p, err := c.prepared(ctx, query, args)
	if err != nil {
		return nil, err
	}
	k := &cursor{c: c, ctx: ctx, number: len(c.cursors), formats: formatsOf(s.Fields)}
	for i, state := range c.cursors {
		if state == cursorLeft {
			k.number = i
		}
	}
	pipe := c.pg.StartPipeline(ctx)
	if k.number < len(c.cursors) {
		pipe.SendQueryParams(fmt.Sprintf(`CLOSE c%d`, k.number), nil, nil, nil, nil)
	} else {
		c.cursors = append(c.cursors, cursorOpen)
	}
	c.cursors[k.number] = cursorOpen
	pipe.SendQueryParams(fmt.Sprintf(`DECLARE c%d NO SCROLL CURSOR FOR `, k.number)+dollars(query), p.values, p.types, p.formats, nil)
	rows, err := k.ask(pipe)
	if err != nil {
		return nil, err
	}
	return &postgresRows{fields: s.Fields, rows: rows, cursor: k}, nil
}

// ask sends what is in a pipeline, and asks for rows behind it.
func (k *cursor) ask(pipe *pgconn.Pipeline) (rows [][][]byte, err error) {
	pipe.SendQueryParams(fmt.Sprintf(`FETCH %d FROM c%d`, fetched, k.number), nil, nil, nil, k.formats)
	for err = pipe.Sync(); err == nil; {
		var got any
		if got, err = pipe.GetResults(); err != nil {
			break
		}
		r, ok := got.(*pgconn.ResultReader)
		if !ok {
			break // the end of the pipeline
		}
		last := r.Read()
		rows, err = last.Rows, last.Err
	}
	if closed := pipe.Close(); err == nil {
		err = closed
	}
	k.done = len(rows) < fetched
	return rows, err
}

func (k *cursor) fetch() ([][][]byte, error) {
	if k.done {
		return nil, nil
	}
	return k.ask(k.c.pg.StartPipeline(k.ctx))
}

// close leaves the cursor to whoever needs one next, or to the transaction's end.
func (k *cursor) close() {
	if k.number < len(k.c.cursors) {
		k.c.cursors[k.number] = cursorLeft
	}
}
