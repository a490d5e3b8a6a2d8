package store

import (
	"path/filepath"
	"strings"
	"testing"
)

// Lists of the log read an index each, at any size.
func TestTheLogIsListedByIndexes(t *testing.T) {
	db := openedSQLite(t, filepath.Join(t.TempDir(), "volenti.db"))
	for query, index := range map[string]string{
		`SELECT position FROM record WHERE site = 'a' AND (received_at, position) < (1, 2) ORDER BY received_at DESC, position DESC LIMIT 5`: "record_received",
		`SELECT position, core FROM log_entry WHERE position < 9 AND site = 'a' ORDER BY position DESC LIMIT 5`:                              "log_entry_site",
		`SELECT position, core FROM log_entry WHERE position < 9 AND kind = 'a' ORDER BY position DESC LIMIT 5`:                              "log_entry_kind",
		`SELECT position, core FROM log_entry WHERE position < 9 AND site = 'a' AND kind = 'b' ORDER BY position DESC LIMIT 5`:               "log_entry_site_kind",
	} {
		rows, err := db.read.Query(`EXPLAIN QUERY PLAN ` + query)
		plan, err := collect(rows, err, func(row scanner) (text string, err error) {
			var a, b, c int
			return text, row.Scan(&a, &b, &c, &text)
		})
		if err != nil || len(plan) != 1 || !strings.Contains(plan[0], "USING "+"INDEX "+index+" ") && !strings.Contains(plan[0], "USING COVERING INDEX "+index+" ") {
			t.Errorf("%s: %q, %v", query, plan, err)
		}
	}
}
