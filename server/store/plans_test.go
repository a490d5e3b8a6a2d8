package store

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// growsWithRecords are the tables that hold a row for each record, or more.
var growsWithRecords = regexp.MustCompile(`^SCAN (r|l|e|record|log_leaf|log_node|record_facet|restricted_record|tombstone|log_entry)\b`)

// What a visitor, a page or the console asks for is found by an index at any size: a
// receipt by its id, a visitor's, those of a time, those of a choice, and the log.
func TestNothingThatIsAskedReadsAllRecords(t *testing.T) {
	db := openedSQLite(t, filepath.Join(t.TempDir(), "volenti.db"))
	const of = `SELECT ` + entryColumns + ` FROM record r JOIN log_leaf l ON l.position = r.position WHERE `
	for name, query := range map[string]string{
		"a receipt":                  of + `r.id = 'a' AND r.site = 'b'`,
		"a decision":                 of + `r.site = 'a' AND r.decision = 'b'`,
		"whether one is there":       strings.NewReplacer("?1", "'a'", "?2", "'b'").Replace(selectTaken),
		"a visitor's":                of + `r.subject = 'a' AND r.site = 'b' ORDER BY r.position DESC LIMIT 5`,
		"those of a time":            of + `r.site = 'a' AND (r.received_at, r.position) > (1, 2) AND r.received_at < 4 ORDER BY r.received_at, r.position LIMIT 5`,
		"the newest":                 of + `r.site = 'a' AND (r.received_at, r.position) < (1, 2) AND r.received_at >= 0 ORDER BY r.received_at DESC, r.position DESC LIMIT 5`,
		"places of a choice":         `SELECT received_at, position FROM record_facet WHERE facet = 1 AND (received_at, position) < (2, 3) AND received_at >= 0 ORDER BY received_at DESC, position DESC LIMIT 5`,
		"one of these":               of + `r.position = 1 AND r.site = 'a'`,
		"a leaf":                     `SELECT leaf FROM log_leaf WHERE position >= 1 AND position < 9 ORDER BY position`,
		"a node":                     strings.ReplaceAll(selectNode, "?1", "1"),
		"an entry of the log":        `SELECT ` + logEntryColumns + ` FROM log_entry e LEFT JOIN log_leaf l ON l.position = e.position WHERE e.kind = 'a' AND e.object = 'b'`,
		"whether one was restricted": `SELECT position FROM restricted_record WHERE site = 'a' AND decision = 'b'`,
	} {
		rows, err := db.read.Query(`EXPLAIN QUERY PLAN ` + query)
		plan, err := collect(rows, err, func(row scanner) (text string, err error) {
			var a, b, c int
			return text, row.Scan(&a, &b, &c, &text)
		})
		if err != nil || len(plan) == 0 {
			t.Errorf("%s: %v", name, err)
		}
		for _, step := range plan {
			if growsWithRecords.MatchString(step) || strings.Contains(step, "TEMP B-TREE") || strings.Contains(step, "AUTOMATIC") {
				t.Errorf("%s: %q", name, plan)
			}
		}
	}
	rows, err := db.read.Query(`EXPLAIN QUERY PLAN SELECT id FROM record r WHERE core > 'x'`)
	plan, err := collect(rows, err, func(row scanner) (text string, err error) {
		var a, b, c int
		return text, row.Scan(&a, &b, &c, &text)
	})
	if err != nil || len(plan) != 1 || !growsWithRecords.MatchString(plan[0]) {
		t.Errorf("a query that reads all records looks like %q, %v", plan, err)
	}
}
