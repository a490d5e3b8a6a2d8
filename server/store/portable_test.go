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
// in no statement and no migration of ours. Sources: "PostgreSQL Compatibility" and
// "Known Limitations" of CockroachDB (triggers: none for statements, none INSTEAD OF, no
// REFERENCING, no CREATE OR REPLACE, and TG_ARGV counts from one; no deferrable
// constraints; no LISTEN; advisory locks do nothing); "SQL Support and Workarounds" of
// Citus (no rules, no multi-level partitions, FOR UPDATE of one shard only, no unique key
// without the distribution column); "PostgreSQL compatibility" of YugabyteDB (LISTEN and
// advisory locks only lately). Sequences are in all of them, but as one hot spot, with holes.
var refused = map[string]*regexp.Regexp{
	"a sequence":               regexp.MustCompile(`(?i)\b(SERIAL|BIGSERIAL|SMALLSERIAL|CREATE SEQUENCE|nextval|setval|currval|GENERATED (ALWAYS|BY DEFAULT) AS IDENTITY|AUTOINCREMENT)\b`),
	"an advisory lock":         regexp.MustCompile(`(?i)\bpg_(try_)?advisory_`),
	"a lock of a table":        regexp.MustCompile(`(?i)^\s*LOCK (TABLE )?\w|;\s*LOCK (TABLE )?\w`),
	"a channel":                regexp.MustCompile(`(?i)^\s*(UN)?LISTEN\b|\bNOTIFY \w|\bpg_notify\b`),
	"a deferred constraint":    regexp.MustCompile(`(?i)\bDEFERRABLE\b|\bSET CONSTRAINTS\b`),
	"a trigger of statements":  regexp.MustCompile(`(?i)FOR EACH STATEMENT|\bREFERENCING\b|INSTEAD OF|BEFORE TRUNCATE`),
	"columns of a trigger":     regexp.MustCompile(`(?i)\bUPDATE OF\b`),
	"arguments of a trigger":   regexp.MustCompile(`(?i)\bTG_(ARGV|NARGS)\b`),
	"a replaced function":      regexp.MustCompile(`(?i)CREATE OR REPLACE (TRIGGER|FUNCTION|RULE)`),
	"a rule":                   regexp.MustCompile(`(?i)CREATE RULE\b`),
	"an extension":             regexp.MustCompile(`(?i)CREATE EXTENSION\b`),
	"a temporary table":        regexp.MustCompile(`(?i)CREATE (TEMP|TEMPORARY|UNLOGGED)\b`),
	"a savepoint":              regexp.MustCompile(`(?i)\bSAVEPOINT\b`),
	"SERIALIZABLE by accident": regexp.MustCompile(`(?i)ISOLATION LEVEL SERIALIZABLE`),
	"an exclusion":             regexp.MustCompile(`(?i)\bEXCLUDE USING\b`),
	"a physical place":         regexp.MustCompile(`(?i)\bctid\b|\bxmin\b|\btableoid\b|\bTABLESPACE\b`),
	"inheritance":              regexp.MustCompile(`(?i)\bINHERITS\b|\bPARTITION OF\b`),
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
		for what, pattern := range refused {
			if found := pattern.FindString(text); found != "" {
				t.Errorf("%s: %s: %s", place, what, found)
			}
		}
	}
	for what, text := range map[string]string{
		"a sequence": "id BIGSERIAL", "an advisory lock": "SELECT pg_advisory_xact_lock(1)", "a deferred constraint": "DEFERRABLE INITIALLY DEFERRED",
		"a channel": "LISTEN x", "columns of a trigger": "BEFORE UPDATE OF a ON b", "a lock of a table": "LOCK TABLE x",
	} {
		if !refused[what].MatchString(text) {
			t.Errorf("%s is not seen", what)
		}
	}
}

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
