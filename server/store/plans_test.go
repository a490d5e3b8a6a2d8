package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mattn/go-sqlite3"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/consent"
)

// queries are the texts of the queries that a database was asked.
type queries struct {
	mu    sync.Mutex
	texts []string // guarded by mu
}

func (a *queries) note(query string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if query = strings.TrimSpace(query); strings.HasPrefix(query, "SELECT") && !slices.Contains(a.texts, query) {
		a.texts = append(a.texts, query)
	}
}

// take are those since it was called last.
func (a *queries) take() (texts []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	texts, a.texts = a.texts, nil
	return texts
}

func (a *queries) wrap(c connector) connector { return listeningConnector{c, a} }

type listeningConnector struct {
	connector
	a *queries
}

func (c listeningConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return listeningConn{conn.(*sqlite3.SQLiteConn), c.a}, nil
}

type listeningConn struct {
	*sqlite3.SQLiteConn
	a *queries
}

func (c listeningConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	c.a.note(query)
	return c.SQLiteConn.PrepareContext(ctx, query)
}

func (c listeningConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.a.note(query)
	return c.SQLiteConn.QueryContext(ctx, query, args)
}

var (
	// largeTables hold a row for each record, or more.
	largeTables = regexp.MustCompile(`\b(record|kept_record|log_leaf|log_node|record_facet|restricted_record|tombstone|log_entry)\b`)
	// readsAll is a step of a plan that reads all of one of them, under whatever name, or
	// all that a site has in it.
	readsAll  = regexp.MustCompile(`^SCAN (\w+)|^SEARCH (\w+) .*\(site=\?\)$`)
	parameter = regexp.MustCompile(`\?\d+`)
	// calledSo is what a query calls a table by.
	calledSo = regexp.MustCompile(`\b(?:FROM|JOIN) (\w+)(?: (?:AS )?(\w+))?`)
)

// planOf is what the engine would do for a query, and what of it is no work of an index.
func planOf(t *testing.T, db *DB, query string) (plan, wrong []string) {
	t.Helper()
	rows, err := db.read.Query(`EXPLAIN QUERY PLAN ` + parameter.ReplaceAllString(query, "1"))
	plan, err = collect(rows, err, func(row scanner) (text string, err error) {
		var a, b, c int
		return text, row.Scan(&a, &b, &c, &text)
	})
	if err != nil || len(plan) == 0 {
		t.Fatalf("%s: %v", query, err)
	}
	tables := map[string]string{}
	for _, called := range calledSo.FindAllStringSubmatch(query, -1) {
		tables[called[1]], tables[called[2]] = called[1], called[1]
	}
	for _, step := range plan {
		large := false
		if read := readsAll.FindStringSubmatch(step); read != nil {
			name := read[1] + read[2]
			large = largeTables.MatchString(name) || largeTables.MatchString(tables[name])
		}
		if large || strings.Contains(step, "TEMP B-TREE") || strings.Contains(step, "AUTOMATIC") {
			wrong = append(wrong, step)
		}
	}
	return plan, wrong
}

// What a visitor, a page or the console asks for is found by an index at any size: a
// receipt by its id, a visitor's, those of a time, those of a choice, and the log. The
// queries are those that are asked, whatever they are.
func TestNothingThatIsAskedReadsAllRecords(t *testing.T) {
	a := &queries{}
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "volenti.db"), Options{wrap: a.wrap})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	withSites(t, db, "shop")
	if err := db.AddPublication(t.Context(), publication(t, "shop", "x", noon)); err != nil {
		t.Fatal(err)
	}
	check := func(name, about string) {
		t.Helper()
		found := false
		for _, query := range a.take() {
			if !largeTables.MatchString(query) {
				continue
			}
			found = found || strings.Contains(query, about)
			if plan, wrong := planOf(t, db, query); len(wrong) > 0 {
				t.Errorf("%s: %s\n%q of %q", name, query, wrong, plan)
			}
		}
		if !found && about != "" {
			t.Errorf("%s: nothing was asked about %s", name, about)
		}
	}
	check("what is prepared", "i.id = ?1")
	entries := entriesOf(t, draft(t, "shop", "a", ""), draft(t, "shop", "b", ""))
	id, subject := entries[0].ReceiptID, entries[0].Subject
	search := func(s consent.Search) func(context.Context) error {
		return func(ctx context.Context) error {
			s.Site, s.Limit = "shop", 5
			found, err := db.SearchRecords(ctx, s)
			if err == nil && len(found) == 0 {
				err = errors.New("nothing is found")
			}
			return err
		}
	}
	list := func(q auditlog.PlacedQuery) func(context.Context) error {
		return func(ctx context.Context) error {
			q.Most = 5
			_, _, err := db.LogList(ctx, q)
			return err
		}
	}
	for _, step := range []struct {
		name, about string
		do          func(ctx context.Context) error
	}{
		{"records", "", func(ctx context.Context) error { return db.AppendRecords(ctx, entries) }},
		{"a receipt", "", func(ctx context.Context) error { _, err := db.Entry(ctx, "shop", id); return err }},
		{"a visitor's", "r.subject", func(ctx context.Context) error {
			_, err := db.EntriesOfSubject(ctx, "shop", subject, 5)
			return err
		}},
		{"those of a time", "r.received_at <", func(ctx context.Context) error {
			_, err := db.EntriesBetween(ctx, "shop", 1, 4, nil, 5)
			return err
		}},
		{"the newest", "DESC", search(consent.Search{})},
		{"those of a region", "record_facet", search(consent.Search{Region: entries[0].Summary.Region})},
		{"leaves", "log_leaf", func(ctx context.Context) error { _, err := db.Leaves(ctx, 0, 2); return err }},
		{"an entry of the log", "log_entry", func(ctx context.Context) error {
			_, _, err := db.LogEntry(ctx, auditlog.Publication, "1")
			return err
		}},
		{"a leaf", "log_leaf", func(ctx context.Context) error { _, err := db.LogLeaf(ctx, 1); return err }},
		{"a list of the log", "log_entry", list(auditlog.PlacedQuery{})},
		{"a site's", "log_entry", list(auditlog.PlacedQuery{Site: "shop"})},
		{"those of a kind", "log_entry", list(auditlog.PlacedQuery{Kind: auditlog.Publication})},
		{"what is beside a receipt", "subject", func(ctx context.Context) error { _, err := db.Beside(ctx, "shop", id); return err }},
		{"a restriction", "record", func(ctx context.Context) error {
			_, err := db.Restrict(ctx, "shop", []string{id}, consent.GroundContested, noon)
			return err
		}},
	} { // about "": what was prepared
		if err := step.do(t.Context()); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
		check(step.name, step.about)
	}
	for _, all := range []string{`SELECT id FROM record r WHERE core > 'x'`, `SELECT COUNT(*) FROM kept_record`, `SELECT 1 FROM log_entry e ORDER BY core`,
		`SELECT id FROM record r WHERE r.site = 'shop' AND core > 'x'`} {
		if plan, wrong := planOf(t, db, all); len(wrong) == 0 {
			t.Errorf("a query that reads all records looks like %q", plan)
		}
	}
}
