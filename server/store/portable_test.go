package store

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// What CockroachDB, YugabyteDB and Citus do not have, or do in another way, and so is
// in no statement and no migration of ours, each with a text that it must be seen in.
// Sources, by letter:
//
//   - C: CockroachDB, "PostgreSQL Compatibility", "Known Limitations", "Triggers"
//   - Y: YugabyteDB, "PostgreSQL compatibility", "Explicit locking"
//   - T: Citus, "SQL Support and Workarounds"
var refused = map[string]struct {
	pattern *regexp.Regexp
	seen    string
}{
	// In all of them, but as one hot spot, with holes.
	"a sequence": {regexp.MustCompile(`(?i)\b(SERIAL|BIGSERIAL|SMALLSERIAL|CREATE SEQUENCE|nextval|setval|currval|GENERATED (ALWAYS|BY DEFAULT) AS IDENTITY|AUTOINCREMENT)\b`), "id BIGSERIAL"},
	// C: they do nothing. Y: only lately.
	"an advisory lock": {regexp.MustCompile(`(?i)\bpg_(try_)?advisory_`), "SELECT pg_advisory_xact_lock(1)"},
	// C: no LOCK. T: of local tables only.
	"a lock of a table": {regexp.MustCompile(`(?i)^\s*LOCK (TABLE )?\w|;\s*LOCK (TABLE )?\w`), "LOCK TABLE x"},
	// C: none. Y: only lately.
	"a channel": {regexp.MustCompile(`(?i)^\s*(UN)?LISTEN\b|\bNOTIFY \w|\bpg_notify\b`), "LISTEN x"},
	// C: none.
	"a deferred constraint": {regexp.MustCompile(`(?i)\bDEFERRABLE\b|\bSET CONSTRAINTS\b`), "DEFERRABLE INITIALLY DEFERRED"},
	// C: triggers of rows only, without columns, and TG_ARGV counts from one.
	"a trigger of statements": {regexp.MustCompile(`(?i)FOR EACH STATEMENT|\bREFERENCING\b|INSTEAD OF|BEFORE TRUNCATE`), "FOR EACH STATEMENT"},
	"columns of a trigger":    {regexp.MustCompile(`(?i)\bUPDATE OF\b`), "BEFORE UPDATE OF a ON b"},
	"arguments of a trigger":  {regexp.MustCompile(`(?i)\bTG_(ARGV|NARGS)\b`), "TG_ARGV[0]"},
	"a replaced function":     {regexp.MustCompile(`(?i)CREATE OR REPLACE (TRIGGER|FUNCTION|RULE)`), "CREATE OR REPLACE TRIGGER x"},
	// C, T: none.
	"a rule": {regexp.MustCompile(`(?i)CREATE RULE\b`), "CREATE RULE x"},
	// C: none but named ones; Y, T: what whoever runs it has installed.
	"an extension": {regexp.MustCompile(`(?i)CREATE EXTENSION\b`), "CREATE EXTENSION pgcrypto"},
	// C: behind a setting. T: on one node.
	"a temporary table": {regexp.MustCompile(`(?i)CREATE (LOCAL |GLOBAL )?(TEMP|TEMPORARY|UNLOGGED)\b`), "CREATE TEMP TABLE x"},
	// C: with other rules in a transaction that is tried again.
	"a savepoint": {regexp.MustCompile(`(?i)\bSAVEPOINT\b`), "SAVEPOINT a"},
	// Slower in all of them; the lock of the head orders writers already.
	"SERIALIZABLE by accident": {regexp.MustCompile(`(?i)ISOLATION LEVEL SERIALIZABLE`), "ISOLATION LEVEL SERIALIZABLE"},
	// C, Y: none.
	"an exclusion": {regexp.MustCompile(`(?i)\bEXCLUDE USING\b`), "EXCLUDE USING gist"},
	// C, Y: rows have no such place. Y: no tablespaces of files.
	"a physical place": {regexp.MustCompile(`(?i)\bctid\b|\bxmin\b|\btableoid\b|\bTABLESPACE\b`), "WHERE ctid = x"},
	// C: none. T: no multi-level partitions.
	"inheritance": {regexp.MustCompile(`(?i)\bINHERITS\b|\bPARTITION OF\b`), "PARTITION OF x"},
	// Y: only with wait queues. T: FOR UPDATE of one shard only.
	"a lock that is passed by": {regexp.MustCompile(`(?i)\bSKIP LOCKED\b|\bNOWAIT\b`), "FOR UPDATE SKIP LOCKED"},
	// C: takes no lock where it is not SERIALIZABLE, unless told so.
	"a shared lock": {regexp.MustCompile(`(?i)\bFOR (KEY )?SHARE\b|\bFOR NO KEY\b`), "FOR SHARE"},
	// C: none. T: of some tables only.
	"MERGE": {regexp.MustCompile(`(?i)\bMERGE INTO\b`), "MERGE INTO x"},
	// T: not over shards. C: no search or cycle.
	"a recursive question": {regexp.MustCompile(`(?i)\bWITH RECURSIVE\b`), "WITH RECURSIVE x"},
	// T: GROUPING SETS not over shards; C: none.
	"grouping sets": {regexp.MustCompile(`(?i)\b(GROUPING SETS|ROLLUP|CUBE) ?\(`), "GROUP BY ROLLUP (a)"},
	// C, Y: a change of type rewrites the table beside it, or is refused in a transaction.
	"a changed type": {regexp.MustCompile(`(?i)\bALTER COLUMN \w+ (SET DATA )?TYPE\b`), "ALTER COLUMN a TYPE BIGINT"},
	// C: without BRIN, and others under other names. Y: the same.
	"a kind of index": {regexp.MustCompile(`(?i)\bUSING (brin|gist|spgist|hash|gin)\b`), "USING brin (a)"},
	// C, Y: other than PostgreSQL's, or none; a migration is one transaction.
	"an index beside": {regexp.MustCompile(`(?i)\bCREATE (UNIQUE )?INDEX CONCURRENTLY\b`), "CREATE INDEX CONCURRENTLY x"},
	// C: not in a transaction that goes on; Y: not beside others.
	"TRUNCATE": {regexp.MustCompile(`(?i)(^|;)\s*TRUNCATE\b`), "TRUNCATE x"},
	// C: none. Y: none of them spans nodes.
	"two phases": {regexp.MustCompile(`(?i)\bPREPARE TRANSACTION\b|\bCOMMIT PREPARED\b`), "PREPARE TRANSACTION 'a'"},
	// C: no SCROLL, no WITH HOLD.
	"a cursor that goes back": {regexp.MustCompile(`(?i)\bDECLARE \S+ SCROLL\b|\bWITH HOLD\b`), "DECLARE a SCROLL CURSOR FOR"},
	// C: parts of it only, and no dynamic statements.
	"a block of code": {regexp.MustCompile(`(?i)(^|;)\s*DO \$|\bEXECUTE '|\bEXECUTE format`), "DO $$ BEGIN"},
	// C, Y: refreshed in another way. T: of one node.
	"a view that is kept": {regexp.MustCompile(`(?i)\bMATERIALIZED VIEW\b`), "CREATE MATERIALIZED VIEW x"},
	// C: large objects and XML are none.
	"a large object": {regexp.MustCompile(`(?i)\blo_(create|import|open|put)\b|\bxmlelement\b`), "SELECT lo_create(0)"},
}

// statements are all strings in the sources of this package, and the migrations.
func sqlTexts(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		tree, err := parser.ParseFile(fset, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				text, err := strconv.Unquote(l.Value)
				if err != nil {
					t.Fatal(err)
				}
				all[fset.Position(l.Pos()).String()] = text
			}
			return true
		})
	}
	migrations, err := (&DB{dialect: postgres{}}).migrations()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range migrations {
		all[m.name] = regexp.MustCompile(`--[^\n]*`).ReplaceAllString(m.text, "")
	}
	return all
}

func TestStatementsAreWhatOthersAccept(t *testing.T) {
	texts := sqlTexts(t)
	if len(texts) < 300 {
		t.Fatalf("only %d texts were found", len(texts))
	}
	for place, text := range texts {
		for what, r := range refused {
			if what == "a lock of a table" && strings.HasPrefix(place, "postgres_lock.go:") {
				continue // which asks first whether the server has it
			}
			if found := r.pattern.FindString(text); found != "" {
				t.Errorf("%s: %s: %s", place, what, found)
			}
		}
		// Updating needs a named target everywhere; the one constraint that others lack names is none.
		if found := conflictUpdate.FindString(text); found != "" {
			t.Errorf("%s: a conflict without its columns: %s", place, found)
		}
	}
	for what, r := range refused {
		if !r.pattern.MatchString(r.seen) {
			t.Errorf("%s is not seen in %q", what, r.seen)
		}
	}
	for _, text := range []string{"ON CONFLICT DO UPDATE SET a = 1", "ON CONFLICT ON CONSTRAINT b DO NOTHING"} {
		if !conflictUpdate.MatchString(text) {
			t.Errorf("not seen: %s", text)
		}
	}
}

// C: no ON CONFLICT ON CONSTRAINT. T: the columns must hold that of the distribution.
var conflictUpdate = regexp.MustCompile(`(?i)\bON CONFLICT (DO UPDATE|ON CONSTRAINT)\b`)

// Both engines have the same tables with the same columns, in the same steps.
func TestEnginesHaveOneSchema(t *testing.T) {
	var steps [2][]migration
	for i, d := range []dialect{sqlite{}, postgres{}} {
		var err error
		if steps[i], err = (&DB{dialect: d}).migrations(); err != nil {
			t.Fatal(err)
		}
	}
	for i := range max(len(steps[0]), len(steps[1])) {
		if i >= len(steps[0]) || i >= len(steps[1]) || steps[0][i].name != steps[1][i].name {
			t.Fatalf("migration %d is not of both engines, by one name", i+1)
		}
	}
	var tables [2][]string
	for i, query := range []string{
		`SELECT m.name || '.' || p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table'`,
		`SELECT c.table_name || '.' || c.column_name FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
			WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE'`,
	} {
		db := opened(t, engines[i].new(t), Options{})
		rows, err := db.read.Query(query)
		if tables[i], err = collect(rows, err, func(row scanner) (name string, err error) { return name, row.Scan(&name) }); err != nil {
			t.Fatal(err)
		}
		slices.Sort(tables[i])
	}
	for _, name := range tables[0] {
		if !slices.Contains(tables[1], name) {
			t.Errorf("PostgreSQL has no %s", name)
		}
	}
	for _, name := range tables[1] {
		if !slices.Contains(tables[0], name) {
			t.Errorf("SQLite has no %s", name)
		}
	}
	if len(tables[0]) < 200 {
		t.Errorf("only %d columns were compared", len(tables[0]))
	}
}
