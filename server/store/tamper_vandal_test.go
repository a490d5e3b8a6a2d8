package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/volenti-consent/volenti/server/auditlog"
)

// A vandal alters a database as whoever owns the machine can.
type vandal struct {
	*world
	tx     *sql.Tx
	tables []string
	rows   map[string]int
}

// A trace is where an alteration must be found: one of these is named.
type trace []string

// row picks one: its columns by name, and the condition that finds it.
func (v *vandal) row(table string) (values map[string]any, rowid int64) {
	v.t.Helper()
	values = map[string]any{}
	rows, err := v.tx.Query(`SELECT rowid AS rowid_, * FROM `+table+` ORDER BY 1 LIMIT 1 OFFSET ?1`, v.random.IntN(v.rows[table]))
	v.must(err)
	defer rows.Close()
	names, err := rows.Columns()
	v.must(err)
	if !rows.Next() {
		v.t.Fatalf("%s is empty", table)
	}
	into := make([]any, len(names))
	for i := range into {
		into[i] = new(any)
	}
	v.must(rows.Scan(into...))
	v.must(rows.Err())
	for i, name := range names {
		values[name] = *(into[i].(*any))
	}
	rowid = values["rowid_"].(int64)
	delete(values, "rowid_")
	return values, rowid
}

func (v *vandal) do(text string, args ...any) {
	v.t.Helper()
	if _, err := v.tx.Exec(text, args...); err != nil {
		v.t.Fatalf("%s: %v", text, err)
	}
}

// traceOf is how a finding can name a row.
func traceOf(table string, row map[string]any) trace {
	s := func(column string) string { return fmt.Sprint(row[column]) }
	leaf := func(column string) string { return "leaf " + s(column) + "\x00" }
	switch table {
	case "log_head":
		return trace{"the head of the log", "leaves ", "the log\x00"}
	case "log_leaf", "log_entry", "record", "restricted_record", "policy_entry":
		return trace{leaf("position"), "row of the log"}
	case "log_accepted":
		return trace{leaf("position"), "that the log was accepted"}
	case "tombstone":
		return trace{leaf("erased"), leaf("position")}
	case "log_node":
		return trace{"node " + s("position") + "\x00", "leaf or its node"}
	case "policy_version", "policy_translation":
		return trace{s("site") + "/" + s("policy") + " version " + s("number") + "\x00", "a version of " + s("site") + "/" + s("policy")}
	case "artifact", "encoded":
		return trace{s("digest"), "artifact", "compressed form"}
	case "publication", "publication_wording", "publication_script", "publication_trial_wording":
		return trace{"publication " + s("seq") + "\x00", "publication/v1 " + s("seq") + "\x00"}
	case "operator_act":
		return trace{"act " + s("seq") + "\x00", "act/v1 " + s("seq") + "\x00"}
	case "checkpoint":
		return trace{"checkpoint " + s("seq") + ",", "checkpoints " + s("seq") + " ", "checkpoint of " + s("size") + " leaves", "under checkpoint " + s("seq") + "\x00", "a checkpoint\x00"}
	case "cosignature":
		return trace{"under checkpoint " + s("checkpoint") + "\x00", "a cosignature"}
	}
	panic(table)
}

// names reports whether a finding says where.
func (tr trace) names(f auditlog.Finding) bool {
	said := f.Of + "\x00"
	if f.Leaf >= 0 {
		said += fmt.Sprintf("leaf %d\x00", f.Leaf)
	}
	var from, to int64
	if n, _ := fmt.Sscanf(f.Of, "leaves %d to %d", &from, &to); n == 2 {
		for i := from; i <= min(to, from+2000); i++ {
			said += fmt.Sprintf("leaf %d\x00", i)
		}
	}
	if n, _ := fmt.Sscanf(f.Of, "checkpoints %d to %d", &from, &to); n == 2 {
		for i := from; i <= min(to, from+2000); i++ {
			said += fmt.Sprintf("checkpoints %d \x00", i)
		}
	}
	return slices.ContainsFunc(tr, func(name string) bool { return strings.Contains(said, name) })
}

// bent is a value with one bit or character changed; nil stays nil.
func (v *vandal) bent(value any) any {
	switch x := value.(type) {
	case int64:
		return x ^ 1<<v.random.IntN(20)
	case []byte:
		b := slices.Clone(x)
		if len(b) == 0 {
			return []byte{1}
		}
		b[v.random.IntN(len(b))] ^= 1 << v.random.IntN(8)
		return b
	case string:
		if x == "" {
			return "x"
		}
		b := []byte(x)
		b[v.random.IntN(len(b))] ^= 1 << v.random.IntN(4) // another character, mostly a printable one
		return string(b)
	}
	return value
}

// byteChanged changes a byte of a column.
func (v *vandal) byteChanged() (what string, at trace) {
	for {
		table := v.tables[v.random.IntN(len(v.tables))]
		row, id := v.row(table)
		columns := slices.Sorted(maps.Keys(row))
		column := columns[v.random.IntN(len(columns))]
		if _, not := notEvidence[table+"."+column]; not || row[column] == nil {
			continue
		}
		value := v.bent(row[column])
		at := traceOf(table, row)
		changed := maps.Clone(row)
		changed[column] = value
		at = append(at, traceOf(table, changed)...)
		if _, err := v.tx.Exec(`UPDATE OR ROLLBACK `+table+` SET `+column+` = ?1 WHERE rowid = ?2`, value, id); err != nil {
			return "", nil // there is such a row already: another alteration
		}
		return fmt.Sprintf("%s.%s of row %d: %.80q → %.80q", table, column, id, row[column], value), at
	}
}

// rowDeleted deletes a row.
func (v *vandal) rowDeleted() (string, trace) {
	table := v.tables[v.random.IntN(len(v.tables))]
	if table == "cosignature" || table == "encoded" {
		return "", nil // the word of somebody else, and what is made anew: its loss takes nothing away
	}
	row, id := v.row(table)
	v.do(`DELETE FROM `+table+` WHERE rowid = ?1`, id)
	return fmt.Sprintf("row %d of %s deleted", id, table), traceOf(table, row)
}

// rowsSwapped exchanges what two rows say.
func (v *vandal) rowsSwapped() (string, trace) {
	table := v.tables[v.random.IntN(len(v.tables))]
	one, a := v.row(table)
	two, b := v.row(table)
	keys := strings.Split(evidence[table], ", ")
	differ := false
	set := func(id int64, from map[string]any) {
		for _, column := range slices.Sorted(maps.Keys(from)) {
			if slices.Contains(keys, column) {
				continue
			}
			_, not := notEvidence[table+"."+column]
			differ = differ || !not && fmt.Sprint(one[column]) != fmt.Sprint(two[column])
			if _, err := v.tx.Exec(`UPDATE `+table+` SET `+column+` = ?1 WHERE rowid = ?2`, from[column], id); err != nil && !strings.Contains(err.Error(), "UNIQUE") {
				v.t.Fatal(err)
			}
		}
	}
	// Unique columns are out of the way first.
	for _, column := range map[string][]string{"record": {"id", "decision"}, "restricted_record": {"id", "decision"}, "log_entry": {"object"}, "policy_entry": {"digest"}, "checkpoint": {"size"}}[table] {
		v.do(`UPDATE `+table+` SET `+column+` = -1 - rowid WHERE rowid IN (?1, ?2)`, a, b)
	}
	set(a, two)
	set(b, one)
	if a == b || !differ {
		return "", nil
	}
	return fmt.Sprintf("rows %d and %d of %s exchanged", a, b, table), append(traceOf(table, one), traceOf(table, two)...)
}

// rowInserted puts a row beside the others that is like one of them but for its key.
func (v *vandal) rowInserted() (string, trace) {
	table := v.tables[v.random.IntN(len(v.tables))]
	row, _ := v.row(table)
	switch table {
	case "log_accepted":
		row["position"] = v.random.Int64N(v.leafCount())
	case "log_head", "log_leaf", "log_node", "log_entry", "policy_entry":
		return "", nil // every place is taken; what stands beyond the last one is drawn below
	case "record", "restricted_record":
		row["position"] = v.random.Int64N(v.leafCount() + 3)
		row["id"], row["decision"] = strings.Repeat("f", 32), "forged"
	case "tombstone":
		row["erased"] = v.random.Int64N(v.leafCount())
	case "policy_version":
		row["number"] = row["number"].(int64) + 100
	case "policy_translation":
		row["language"] = "xx"
	case "publication":
		row["seq"] = row["seq"].(int64) + 100
	case "publication_wording", "publication_trial_wording":
		row["language"] = "xx"
	case "publication_script":
		row["position"] = row["position"].(int64) + 100
	case "operator_act":
		row["seq"] = row["seq"].(int64) + 1000
	case "artifact":
		row["digest"] = strings.Repeat("0", 64)
	case "encoded":
		row["encoding"] = "zstd"
	case "checkpoint":
		row["seq"] = row["seq"].(int64) + 1000
		row["size"] = row["size"].(int64) + 1
	case "cosignature":
		row["witness"] = v.witness.Name() + "+00000000"
		return "", nil // of somebody whose key was not given: nobody can tell
	}
	columns := slices.Sorted(maps.Keys(row))
	marks, values := make([]string, len(columns)), make([]any, len(columns))
	for i, column := range columns {
		marks[i], values[i] = fmt.Sprintf("?%d", i+1), row[column]
	}
	if _, err := v.tx.Exec(`INSERT INTO `+table+` (`+strings.Join(columns, ", ")+`) VALUES (`+strings.Join(marks, ", ")+`)`, values...); err != nil {
		return "", nil // that place is taken
	}
	at := traceOf(table, row)
	if table == "record" || table == "restricted_record" {
		at = append(at, "row of the log")
	}
	return fmt.Sprintf("a row inserted into %s: %.300q", table, row), at
}

func (v *vandal) leafCount() (n int64) {
	v.must(v.tx.QueryRow(`SELECT size FROM log_head`).Scan(&n))
	return n
}

// truncated cuts the log off, and whatever came later with it: what is left is
// consistent in itself.
func (v *vandal) truncated() (string, trace) {
	size := v.leafCount()
	to := v.random.Int64N(size)
	v.cut(to)
	return fmt.Sprintf("cut off after %d of %d leaves", to, size), trace{"the log\x00"}
}

// cut leaves the first leaves, and what belongs to them.
func (v *vandal) cut(to int64) {
	v.t.Helper()
	for _, kind := range []struct {
		kind  auditlog.Kind
		table string
	}{{auditlog.Act, "operator_act"}, {auditlog.Publication, "publication"}} {
		in := `(SELECT CAST(object AS INTEGER) FROM log_entry WHERE kind = '` + string(kind.kind) + `' AND position >= ?1)`
		v.do(`DELETE FROM `+kind.table+` WHERE seq IN `+in, to)
		if kind.table == "publication" {
			for _, part := range []string{"wording", "script", "trial_wording"} {
				v.do(`DELETE FROM publication_`+part+` WHERE seq IN `+in, to)
			}
		}
	}
	for _, table := range []string{"policy_version", "policy_translation"} {
		v.do(`DELETE FROM `+table+` WHERE EXISTS (SELECT 1 FROM policy_entry e WHERE e.site = `+table+`.site AND e.policy = `+table+`.policy AND e.number = `+table+`.number AND e.position >= ?1)`, to)
	}
	for _, table := range []string{"record", "restricted_record", "policy_entry", "log_entry", "log_leaf", "tombstone", "log_accepted"} {
		v.do(`DELETE FROM `+table+` WHERE position >= ?1`, to)
	}
	v.do(`DELETE FROM cosignature WHERE checkpoint IN (SELECT seq FROM checkpoint WHERE size > ?1)`, to)
	v.do(`DELETE FROM checkpoint WHERE size > ?1`, to)
	v.regrow()
}

// regrow makes nodes and head anew from the leaves.
func (v *vandal) regrow() {
	v.t.Helper()
	rows, err := v.tx.Query(`SELECT leaf FROM log_leaf ORDER BY position`)
	leaves, err := collect(rows, err, func(row scanner) (leaf [auditlog.LeafSize]byte, err error) {
		var b []byte
		err = row.Scan(&b)
		copy(leaf[:], b)
		return leaf, err
	})
	v.must(err)
	_, head, nodes, err := auditlog.Edge{}.Append(leaves)
	v.must(err)
	if len(leaves) == 0 {
		head = auditlog.Empty()
	}
	v.do(`DELETE FROM log_node`)
	for _, n := range nodes {
		v.do(`INSERT INTO log_node (position, hash) VALUES (?1, ?2)`, n.Index, n.Hash[:])
	}
	v.do(`UPDATE log_head SET size = ?1, root = ?2`, head.Size, head.Root[:])
}

// rewritten changes what somebody decided, and signs everything that follows anew, with
// the keys of the server: the record, its leaf, the tree, every checkpoint, and the
// words of a witness that works for it.
func (v *vandal) rewritten() (string, trace) {
	v.t.Helper()
	rows, err := v.tx.Query(`SELECT ` + entryColumns + ` FROM record r JOIN log_leaf l ON l.position = r.position WHERE r.personal IS NOT NULL
		AND r.position < (SELECT MAX(size) FROM checkpoint) ORDER BY r.position`)
	all, err := collect(rows, err, scanEntry)
	v.must(err)
	e := all[v.random.IntN(len(all))]
	core := string(e.Core)
	if strings.Contains(core, `"state":"given"`) {
		core = strings.NewReplacer(`"state":"given"`, `"state":"refused"`, `"analytics":"granted"`, `"analytics":"refused"`).Replace(core)
	} else {
		core = strings.NewReplacer(`"state":"refused"`, `"state":"given"`, `"analytics":"refused"`, `"analytics":"granted"`).Replace(core)
	}
	leaf := auditlog.Leaf(auditlog.Commit([auditlog.SaltSize]byte(e.SaltCore), []byte(core)), auditlog.Commit([auditlog.SaltSize]byte(e.SaltPerson), e.Personal))
	kid, signature := signer{}.Sign(leaf)
	v.do(`UPDATE record SET core = ?1, key_id = ?2, signature = ?3 WHERE position = ?4`, []byte(core), kid, signature, e.Index)
	v.do(`UPDATE log_leaf SET leaf = ?1 WHERE position = ?2`, leaf[:], e.Index)
	v.resigned()
	return fmt.Sprintf("leaf %d rewritten, and everything signed anew", e.Index), trace{"that was given"}
}

// resigned makes the tree and all checkpoints anew.
func (v *vandal) resigned() {
	v.t.Helper()
	v.regrow()
	nodes := readNodes(context.Background(), v.node())
	rows, err := v.tx.Query(`SELECT seq, size FROM checkpoint`)
	all, err := collect(rows, err, func(row scanner) (c [2]int64, err error) { return c, row.Scan(&c[0], &c[1]) })
	v.must(err)
	for _, c := range all {
		edge, err := edgeAt(nodes, c[1])
		v.must(err)
		signed, err := v.key.Sign(edge, v.now)
		v.must(err)
		v.do(`UPDATE checkpoint SET root = ?1, note = ?2 WHERE seq = ?3`, edge.Root[:], signed.Note, c[0])
		line, err := v.witness.Cosign(signed, v.now)
		v.must(err)
		v.do(`UPDATE cosignature SET first = ?1, newest = ?1 WHERE checkpoint = ?2`, line, c[0])
	}
}

func (v *vandal) node() *sql.Stmt {
	s, err := v.tx.Prepare(selectNode)
	v.must(err)
	return s
}

// edgeAt is the head of the first leaves.
func edgeAt(nodes tlog.HashReader, size int64) (auditlog.Head, error) {
	root, err := tlog.TreeHash(size, nodes)
	return auditlog.Head{Size: size, Root: root}, err
}
