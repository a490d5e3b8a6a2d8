package store

import (
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/volenti-consent/volenti/server/auditlog"
)

// Evidence is what an audit answers for, by table: the columns that say which row it
// is. Every column of these counts, but for those of notEvidence.
var evidence = map[string]string{
	"log_head": "id", "log_leaf": "position", "log_node": "position", "log_entry": "position", "tombstone": "erased",
	"record": "position", "restricted_record": "position", "policy_entry": "position",
	"policy_version": "site, policy, number", "policy_translation": "site, policy, number, language",
	"artifact": "digest", "encoded": "digest, encoding",
	"publication": "seq", "publication_wording": "seq, language", "publication_script": "seq, position", "publication_trial_wording": "seq, trial, language",
	"operator_act": "seq", "checkpoint": "seq", "cosignature": "checkpoint, witness", "log_accepted": "position",
}

// notEvidence are columns of these tables that nothing is proven by; docs/log.md gives
// the reason for each.
var notEvidence = map[string]string{
	"record.decision": "the page's own id of a decision: that a repeat gets the same receipt", "restricted_record.decision": "as record.decision",
	"record.request": "what tells a repeat from a clash", "restricted_record.request": "as record.request",
	"restricted_record.ground": "the state of a restriction, which is lifted and changed", "restricted_record.since": "as ground", "restricted_record.released": "as ground",
	"policy_version.format":       "what the file was that a text was made of; text and file are named by the entry",
	"policy_translation.format":   "as policy_version.format",
	"publication_script.position": "in which order the scripts stand; an order that differs is found, a number that keeps it is none",
	"checkpoint.at":               "the log's own word for when it signed; a witness's stands in the cosignature",
}

// elsewhere are the tables that are not evidence.
var elsewhere = map[string]string{
	"site":    "settings, which may be changed; that they were is an act",
	"showing": "a counter", "statistic": "a counter", "facet": "an index of records, made anew from them", "record_facet": "as facet", "uncounted": "how far that has come",
	"policy_work": "drafts", "notice_work": "drafts",
	"operator": "who may sign in", "operator_site": "as operator", "operator_key": "as operator", "operator_passkey": "as operator", "operator_session": "as operator",
	"operator_link": "as operator", "operator_spent": "as operator", "operator_token": "as operator",
	"pin": "where copies of checkpoints are; the copies are the evidence", "witnessed": "other logs: the evidence is theirs",
	"throttle": "counters", "retention": "settings", "retention_law": "settings", "retention_removal": "a summary of what tombstones say, each in the log",
	"request": "requests of persons, with steps of their own; what was done to records is in the log", "request_receipt": "as request", "request_step": "as request",
	"request_text": "as request", "request_file": "as request", "request_settings": "settings", "request_mail": "post to be sent",
	"webhook": "settings", "webhook_delivery": "post to be sent", "webhook_watch": "how far that has come",
	"spent_pass": "what counts once", "opt_out_run": "opt-outs on their way, for minutes", "opt_out_result": "as opt_out_run", "replaced_elsewhere": "which cookies are behind",
	"sealed_key": "keys, each sealed; an altered one opens nothing", "sealed_key_state": "how far they have been changed",
	"lease": "which node does what one alone is to do", "moving": "where the installation has moved",
	"log_older": "how far the log was behind when it began", "schema_migration": "the shape of the database",
}

// A tampering is a kind of alteration.
type tampering struct {
	name   string
	weight int
	alter  func(*vandal) (what string, at trace)
}

var tamperings = []tampering{
	{"byte changed", 6, (*vandal).byteChanged}, {"row deleted", 3, (*vandal).rowDeleted}, {"rows swapped", 2, (*vandal).rowsSwapped},
	{"row inserted", 2, (*vandal).rowInserted}, {"tail truncated", 1, (*vandal).truncated}, {"rewritten and signed", 1, (*vandal).rewritten},
}

// Whatever is altered is found, and named. VOLENTI_TAMPER says how often it is tried,
// VOLENTI_TAMPER_SEED with which luck.
func TestEveryTamperingIsFoundAndNamed(t *testing.T) {
	times, seed := 400, uint64(1)
	if testing.Short() { // as under the race detector: one thing is done after the other
		times = 40
	}
	if n, err := strconv.Atoi(os.Getenv("VOLENTI_TAMPER")); err == nil {
		times = n
	}
	if n, err := strconv.ParseUint(os.Getenv("VOLENTI_TAMPER_SEED"), 10, 64); err == nil {
		seed = n
	}
	folder := t.TempDir()
	w := newWorld(t, filepath.Join(folder, "volenti.db"), seed)
	var backup string
	for i := 0; i < 240 || !whole(w); i++ {
		w.live()
		if i == 120 {
			w.sign()
			w.close()
			backup = w.path + ".backup"
			b, err := os.ReadFile(w.path)
			w.must(err)
			w.must(os.WriteFile(backup, b, 0o600))
			w.open()
		}
	}
	w.decide()
	w.sign()
	w.stands()
	tables := unguarded(t, w)
	tried := map[string]int{}
	for i := 0; i < times; {
		v := &vandal{world: w, tables: slices.Sorted(maps.Keys(evidence)), rows: tables}
		v.random = rand.New(rand.NewPCG(seed, uint64(i)<<20|uint64(tried["none"])))
		how := drawn(v.random)
		if v.alteredOnce(how) {
			tried[how.name]++
			i++
		} else {
			tried["none"]++
		}
		if t.Failed() && i > 1000 {
			break
		}
	}
	t.Logf("%v", tried)
	w.stands() // rolled back each time: nothing is left of it
	w.close()
	older := &world{t: t, random: w.random, path: backup, now: w.now, key: w.key, witness: w.witness, signed: w.signed}
	older.open()
	defer older.close()
	a, err := older.db.AuditAll(t.Context(), older.auditing())
	w.must(err)
	if len(a.Findings) == 0 || !slices.ContainsFunc(a.Findings, func(f auditlog.Finding) bool { return f.What == auditlog.Truncated }) {
		t.Errorf("an older copy: %v", a.Findings)
	}
}

func drawn(random *rand.Rand) tampering {
	sum := 0
	for _, how := range tamperings {
		sum += how.weight
	}
	n := random.IntN(sum)
	for _, how := range tamperings {
		if n -= how.weight; n < 0 {
			return how
		}
	}
	panic("no weight")
}

// alteredOnce alters, audits and takes it back; false if there was nothing to alter.
func (v *vandal) alteredOnce(how tampering) bool {
	v.t.Helper()
	tx, err := v.db.write.BeginTx(v.t.Context(), nil)
	v.must(err)
	defer tx.Rollback()
	v.tx = tx
	what, at := how.alter(v)
	if what == "" {
		return false
	}
	a, err := auditIn(v.t.Context(), tx, v.auditing())
	if err != nil {
		v.t.Errorf("%s: %s: %v", how.name, what, err)
		return true
	}
	if len(a.Findings) == 0 {
		v.t.Errorf("not found: %s", what)
	} else if !slices.ContainsFunc(a.Findings, at.names) {
		v.t.Errorf("not named: %s; found %v, not %q", what, a.Findings, at)
	}
	return true
}

// whole reports whether every table of evidence has rows.
func whole(w *world) bool {
	for table := range evidence {
		var n int
		w.must(w.db.read.QueryRow(`SELECT COUNT(*) FROM ` + table).Scan(&n))
		if n < 2 && table != "log_accepted" && table != "log_head" {
			return false
		}
	}
	return len(w.signed) > 3 && w.accepted > 0
}

// unguarded takes triggers and foreign keys away, and counts rows. Every table is
// evidence or is named as none.
func unguarded(t *testing.T, w *world) map[string]int {
	t.Helper()
	rows, err := w.db.write.Query(`SELECT name FROM sqlite_master WHERE type = 'trigger'`)
	names, err := collect(rows, err, func(row scanner) (name string, err error) { return name, row.Scan(&name) })
	w.must(err)
	for _, name := range names {
		_, err := w.db.write.Exec(`DROP TRIGGER ` + name)
		w.must(err)
	}
	_, err = w.db.write.Exec(`PRAGMA foreign_keys = OFF`)
	w.must(err)
	rows, err = w.db.write.Query(`SELECT name FROM sqlite_master WHERE type = 'table'`)
	tables, err := collect(rows, err, func(row scanner) (name string, err error) { return name, row.Scan(&name) })
	w.must(err)
	counts := map[string]int{}
	for _, table := range tables {
		if _, ok := evidence[table]; ok {
			var n int
			w.must(w.db.write.QueryRow(`SELECT COUNT(*) FROM ` + table).Scan(&n))
			counts[table] = n
		} else if _, ok := elsewhere[table]; !ok {
			t.Errorf("is %s evidence? Say so, here and in docs/log.md", table)
		}
	}
	return counts
}
