package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/volenti-consent/volenti/server/auditlog"
)

// A statement is prepared on a pool. Its text goes along for engines to which many are
// sent at once.
type statement struct {
	*sql.Stmt
	several [len(severalRows)]*sql.Stmt // do it so many times at once; nil where the engine has no use for that
	text    string
	none    error // where it must change a row, and there is none to change
}

// appendStatements are prepared on the connection that writes.
type appendStatements struct {
	head, edge, taken, record, decision, leaf, node, grow statement
	count, facet, recordFacet                             statement
}

// findStatements are what requests ask, prepared on those that read.
type findStatements struct {
	head, node, entry statement
}

const (
	selectHead = `SELECT size, root FROM log_head WHERE id = 1`
	insertLeaf = `INSERT INTO log_leaf (position, leaf) VALUES (?1, ?2)`
	selectNode = `SELECT hash FROM log_node WHERE position = ?1`

	selectTaken = `SELECT position FROM kept_record WHERE site = ?1 AND decision = ?2`
)

// prepare is called once, before the DB is handed out. The statements end with
// their pool.
func (db *DB) prepare(ctx context.Context) error {
	for _, s := range []struct {
		pool *sql.DB
		into *statement
		text string
	}{
		{db.write, &db.append.head, selectHead},
		{db.write, &db.append.edge, selectNode},
		{db.write, &db.append.record, `INSERT INTO record (position, site, id, decision, request, previous, subject, received_at,
			key_id, signature, salt_core, salt_person, commit_pers, personal, core)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) ON CONFLICT DO NOTHING`},
		{db.write, &db.append.decision, `SELECT ` + entryColumns + ` FROM record r JOIN log_leaf l ON l.position = r.position
			WHERE r.site = ?1 AND r.decision = ?2`},
		{db.write, &db.append.leaf, insertLeaf},
		{db.write, &db.append.taken, selectTaken},
		{db.write, &db.append.node, `INSERT INTO log_node (position, hash) VALUES (?1, ?2)`},
		{db.write, &db.append.grow, `UPDATE log_head SET size = ?1, root = ?2 WHERE id = 1 AND size = ?3`},
		{db.write, &db.append.count, upsertCount},
		{db.write, &db.append.facet, insertFacet},
		{db.write, &db.append.recordFacet, insertRecordFacet},
		{db.read, &db.find.head, selectHead},
		{db.read, &db.find.node, selectNode},
		{db.read, &db.find.entry, `SELECT ` + entryColumns + ` FROM record r JOIN log_leaf l ON l.position = r.position
			WHERE r.position = (SELECT i.position FROM record i WHERE i.id = ?1) AND r.site = ?2`}, // r.id is the row's, not the index's
	} {
		if s.pool == nil {
			continue // opened to be read
		}
		stmt, err := s.pool.PrepareContext(ctx, s.text)
		if err != nil {
			return fmt.Errorf("prepare %q: %w", s.text, err)
		}
		s.into.Stmt, s.into.text = stmt, s.text
		for i, times := range severalRows {
			text := db.dialect.several(s.text, times)
			if text == "" {
				continue
			}
			if s.into.several[i], err = s.pool.PrepareContext(ctx, text); err != nil {
				return fmt.Errorf("prepare %q: %w", text, err)
			}
		}
	}
	db.append.record.none = errTaken
	db.append.grow.none = auditlog.ErrDamaged
	return nil
}
