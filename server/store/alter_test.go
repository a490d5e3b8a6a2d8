package store

import (
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	zeros   = regexp.MustCompile(`zeroblob\((\d+)\)`)
	asBytes = regexp.MustCompile(`CAST\((.+?) AS BLOB\)`)
	inBytes = regexp.MustCompile(`replace\((core|bytes),`)
)

// alter does behind the program's back what text says, in the words of the engine.
func alter(t testing.TB, db *DB, text string, args ...any) (sql.Result, error) {
	t.Helper()
	if db.dialect.migrations() == "postgres" {
		text = inBytes.ReplaceAllString(text, `replace(convert_from($1, 'UTF8'),`)
		text = asBytes.ReplaceAllString(text, `convert_to($1, 'UTF8')`)
		text = zeros.ReplaceAllString(text, `decode(repeat('00', $1), 'hex')`)
	}
	return db.write.ExecContext(t.Context(), text, args...)
}

func mustAlter(t testing.TB, db *DB, text string, args ...any) {
	t.Helper()
	if _, err := alter(t, db, text, args...); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

// refuses makes sure that the schema refuses a statement, and does not just fail to
// understand it.
func refuses(t testing.TB, db *DB, text string, args ...any) {
	t.Helper()
	_, err := alter(t, db, text, args...)
	if err == nil {
		t.Errorf("done: %s", text)
		return
	}
	if code, ok := codeOf(err); ok && code != "P0001" && !strings.HasPrefix(code, "23") {
		t.Errorf("%s: %v", text, err)
	}
}

// withoutTriggers removes triggers by name, or all of them, and where all the checks
// of references too.
func withoutTriggers(t testing.TB, db *DB, names ...string) {
	t.Helper()
	postgres := db.dialect.migrations() == "postgres"
	query := `SELECT name, '' FROM sqlite_master WHERE type = 'trigger'`
	if postgres {
		query = `SELECT t.tgname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal`
	}
	rows, err := db.write.QueryContext(t.Context(), query)
	all, err := collect(rows, err, func(row scanner) (pair [2]string, err error) {
		err = row.Scan(&pair[0], &pair[1])
		return pair, err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		if len(names) > 0 && !slices.Contains(names, one[0]) {
			continue
		}
		text := `DROP TRIGGER ` + one[0]
		if postgres {
			text += ` ON ` + one[1]
		}
		mustAlter(t, db, text)
	}
	switch {
	case len(names) > 0:
	case !postgres:
		mustAlter(t, db, `PRAGMA foreign_keys = OFF`)
	default:
		rows, err := db.write.QueryContext(t.Context(), `SELECT k.conname, c.relname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid WHERE k.contype = 'f'`)
		keys, err := collect(rows, err, func(row scanner) (text string, err error) {
			var name, table string
			err = row.Scan(&name, &table)
			return fmt.Sprintf(`ALTER TABLE %s DROP CONSTRAINT %s`, table, name), err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range keys {
			mustAlter(t, db, text)
		}
	}
}
