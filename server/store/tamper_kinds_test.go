package store

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/operator"
)

// What happened has a word of its own, and the finding that says it is of the thing
// that it happened to.
func TestFindingsSayWhatHappened(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "volenti.db"), 5)
	for range 12 {
		w.n++
		w.now = w.now.Add(time.Second)
		w.decide()
	}
	w.must(w.db.AddPublication(t.Context(), publication(t, "shop", "p", w.now)))
	w.must(w.db.AddAct(t.Context(), operator.Act{At: w.now, Operator: "anna", Site: "shop", What: "notice.publish"}))
	w.sign()
	w.stands()
	unguarded(t, w)
	v := &vandal{world: w}
	for _, x := range []struct {
		what  auditlog.Alteration
		of    string // "" is the receipt at leaf 3
		leaf  int64
		alter func()
	}{
		{auditlog.Altered, "", 3, func() { v.do(`UPDATE record SET salt_core = salt_person WHERE position = 3`) }},
		{auditlog.Altered, "", 3, func() { v.do(`UPDATE record SET site = 'nowhere' WHERE position = 3`) }},
		{auditlog.Forged, "", 3, func() {
			v.do(`UPDATE record SET signature = (SELECT signature FROM record WHERE position = 4) WHERE position = 3`)
		}},
		{auditlog.Exchanged, "", 4, func() {
			v.do(`UPDATE record SET position = -1 WHERE position = 3`)
			v.do(`UPDATE record SET position = 3 WHERE position = 4`)
			v.do(`UPDATE record SET position = 4 WHERE position = -1`)
		}},
		{auditlog.Lost, "what stands for the leaf", 3, func() { v.do(`DELETE FROM record WHERE position = 3`) }},
		{auditlog.Lost, "the personal half of ", 3, func() {
			v.do(`UPDATE record SET personal = NULL, salt_person = NULL, subject = NULL, commit_pers = ?1 WHERE position = 3`, v.commitment(3))
		}},
		{auditlog.Altered, "the leaf", 3, func() { v.do(`UPDATE log_leaf SET leaf = zeroblob(32) WHERE position = 3`) }},
		{auditlog.Lost, "the leaf", 3, func() { v.do(`DELETE FROM log_leaf WHERE position = 3`) }},
		{auditlog.Lost, "leaves 3 to 5", 3, func() {
			v.do(`DELETE FROM record WHERE position BETWEEN 3 AND 5`)
			v.do(`DELETE FROM log_leaf WHERE position BETWEEN 3 AND 5`)
		}},
		{auditlog.Altered, "node 4", 3, func() { v.do(`UPDATE log_node SET hash = zeroblob(32) WHERE position = 4`) }},
		{auditlog.Altered, "node 6", auditlog.NoLeaf, func() { v.do(`UPDATE log_node SET hash = zeroblob(32) WHERE position = 6`) }},
		{auditlog.Lost, "node 6", auditlog.NoLeaf, func() { v.do(`DELETE FROM log_node WHERE position = 6`) }},
		{auditlog.Altered, "the head of the log", auditlog.NoLeaf, func() { v.do(`UPDATE log_head SET root = zeroblob(32)`) }},
		{auditlog.Inserted, "act 9", auditlog.NoLeaf, func() {
			v.do(`INSERT INTO operator_act (seq, at, operator, site, what, object, detail) VALUES (9, 1, 'anna', '', 'x', '', '')`)
		}},
		{auditlog.Lost, "act 1", 13, func() { v.do(`DELETE FROM operator_act`) }},
		{auditlog.Altered, "publication 1", 12, func() { v.do(`UPDATE publication_wording SET language = 'fr' WHERE language = 'de'`) }},
		{auditlog.Inserted, "the word that leaf 3 was erased", 3, func() { v.do(`INSERT INTO tombstone (erased, how, position) VALUES (3, 'minimised', 13)`) }},
		{auditlog.Lost, "artifact ", 0, func() {
			v.do(`DELETE FROM encoded`)
			v.do(`DELETE FROM artifact WHERE kind = 'experience'`)
		}},
		{auditlog.Truncated, "the log", auditlog.NoLeaf, func() { v.cut(9) }},
		{auditlog.Rewritten, "the checkpoint of 14 leaves that was given", auditlog.NoLeaf, func() { v.rewritten() }},
		{auditlog.Backdated, "", 3, func() { v.do(`UPDATE record SET received_at = received_at - 3600000 WHERE position = 3`) }},
	} {
		tx, err := w.db.write.BeginTx(t.Context(), nil)
		w.must(err)
		v.tx = tx
		of := x.of
		var id string
		w.must(tx.QueryRow(`SELECT id FROM record WHERE position = 3`).Scan(&id))
		if of == "" {
			of = "receipt " + id
		}
		if of == "the personal half of " {
			of += "receipt " + id
		}
		x.alter()
		a, err := auditIn(t.Context(), tx, w.auditing())
		w.must(err)
		if !slices.ContainsFunc(a.Findings, func(f auditlog.Finding) bool {
			return f.What == x.what && (f.Of == of || of == "artifact " && len(f.Of) == len(of)+64) && f.Leaf == x.leaf
		}) {
			t.Errorf("%s, %s at leaf %d: found %v", x.what, of, x.leaf, a.Findings)
		}
		w.must(tx.Rollback())
	}
	w.stands()
	w.close()
}

// commitment is that to the personal half of a record.
func (v *vandal) commitment(position int64) []byte {
	v.t.Helper()
	var salt, personal []byte
	v.must(v.tx.QueryRow(`SELECT salt_person, personal FROM record WHERE position = ?1`, position).Scan(&salt, &personal))
	c := auditlog.Commit([auditlog.SaltSize]byte(salt), personal)
	return c[:]
}
