package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/site"
)

// askFor is how many transactions ask which decisions are kept already, once one was.
const askFor = 64

// errTaken: the insert of a record found its decision there, or its receipt id.
var errTaken = errors.New("its receipt id is taken")

// AppendRecords keeps entries and their leaves in one transaction. Decisions that are
// there already are the exception, and their insert tells: only then, and for some
// transactions after it, since pages that send again come in crowds, is it asked first.
func (db *DB) AppendRecords(ctx context.Context, entries []*consent.Entry) error {
	db.appending.Lock()
	defer db.appending.Unlock()
	if db.asking == 0 {
		err := db.appendRecords(ctx, entries, false)
		if !errors.Is(err, errTaken) {
			return err
		}
		db.asking = askFor
	}
	db.asking--
	return db.appendRecords(ctx, entries, true)
}

func (db *DB) appendRecords(ctx context.Context, entries []*consent.Entry, ask bool) error {
	var artifacts []consent.Artifact
	for _, e := range entries {
		artifacts = append(artifacts, db.missing(e.Artifacts)...)
	}
	var (
		outcomes = make([]outcome, len(entries))
		edge     auditlog.Edge
		head     auditlog.Head
	)
	var first placedLeaf
	err := db.transact(ctx, transaction{what: "append records", landed: first.landed, do: func(ctx context.Context, tx *sql.Tx) (err error) {
		if edge, head, err = db.edgeIn(ctx, tx); err != nil {
			return err
		}
		if err := keepArtifacts(ctx, tx, artifacts); err != nil {
			return err
		}
		before, err := db.decided(ctx, tx, entries, ask)
		if err != nil {
			return err
		}
		var (
			leaves      = make([][auditlog.LeafSize]byte, 0, len(entries))
			leafRows    = seriesOf(&db.append.leaf, 2, len(entries))
			recordRows  = seriesOf(&db.append.record, 15, len(entries))
			in, scripts = newIncrements(), map[canonical.Digest]canonical.Digest{}
		)
		for i, e := range entries {
			if outcomes[i] = before[i]; outcomes[i].stored != nil {
				continue // a repeat or a clash: counted before, or not kept
			}
			position := head.Size + int64(len(leaves))
			outcomes[i].position = position
			at := any(position)
			leafRows.add(at, e.Leaf)
			recordRows.add(at, e.Site, e.ReceiptID, e.DecisionID, string(e.Request), e.Previous,
				optional(e.Subject), e.ReceivedAt, e.KeyID, e.Signature, e.SaltCore, e.SaltPerson, e.CommitPers, e.Personal, e.Core)
			leaves = append(leaves, [auditlog.LeafSize]byte(e.Leaf))
			summary, err := db.summaryOf(ctx, tx, e, scripts)
			if err != nil {
				return fmt.Errorf("decision %q of site %s: %w", e.DecisionID, e.Site, err)
			}
			in.add(e, summary, position)
		}
		if len(leaves) == 0 {
			return nil
		}
		first = placedLeaf{head.Size, leaves[0]}
		all := db.count(writes{leafRows, recordRows}, in)
		size := head.Size
		var nodes []auditlog.StoredHash
		if edge, head, nodes, err = edge.Append(leaves); err != nil {
			return err
		}
		err = db.dialect.run(ctx, tx, db.grow(all, size, head, nodes))
		if db.dialect.noParent(err) {
			return site.ErrUnknown
		}
		return err
	}})
	if err != nil {
		// The commit itself may have failed after it reached the disk: what is
		// remembered of the log is compared with its head next time.
		return err
	}
	db.edge, db.head = edge, head
	db.remember(artifacts)
	for i, e := range entries {
		o := outcomes[i]
		if o.stored != nil && slices.Contains(entries[:i], o.stored) { // as it was kept just now
			same := *o.stored
			o.position, o.stored = same.Index, &same
		}
		e.Index, e.Stored, e.Repeat, e.Clash = o.position, nil, false, false
		if o.stored != nil {
			if e.Clash = o.stored.Request != e.Request; !e.Clash {
				e.Repeat, e.Stored = true, o.stored
			}
		}
	}
	return nil
}

// An outcome is what became of one entry: the leaf it got, or the entry that was
// there before.
type outcome struct {
	position int64
	stored   *consent.Entry
}

// decided checks that entries may be kept, and finds out which decisions come twice or, if
// it is to ask, are kept already.
func (db *DB) decided(ctx context.Context, tx *sql.Tx, entries []*consent.Entry, ask bool) ([]outcome, error) {
	outcomes, taken := make([]outcome, len(entries)), make([]any, len(entries))
	for _, e := range entries {
		leaf, err := consent.LeafOf(e)
		if err == nil && (string(leaf[:]) != string(e.Leaf) || len(e.Signature) == 0 || e.KeyID == "") {
			err = errors.New("the entry is not sealed: its leaf or signature is not that of its bytes")
		}
		if err != nil {
			return nil, fmt.Errorf("decision %q of site %s: %w", e.DecisionID, e.Site, err)
		}
	}
	if ask {
		asked := seriesOf(&db.append.taken, 2, len(entries))
		for _, e := range entries {
			asked.add(e.Site, e.DecisionID)
		}
		var err error
		if taken, err = db.dialect.each(ctx, tx, nil, asked); err != nil {
			return nil, err
		}
	}
	type decision struct{ site, id string }
	earlier := map[decision]*consent.Entry{} // in the same batch
	for i, e := range entries {
		this := decision{e.Site, e.DecisionID}
		if same := earlier[this]; same != nil {
			outcomes[i].stored = same
			continue
		}
		position, ok := taken[i].(int64)
		if !ok {
			earlier[this] = e
			continue
		}
		stored, err := scanEntry(tx.StmtContext(ctx, db.append.decision.Stmt).QueryRowContext(ctx, e.Site, e.DecisionID))
		if errors.Is(err, sql.ErrNoRows) { // nobody may read it: all that is answered is that its id is taken
			stored, err = &consent.Entry{}, nil // has no request, so that it clashes with any
		}
		if err != nil {
			return nil, fmt.Errorf("decision %q of site %s: %w", e.DecisionID, e.Site, err)
		}
		outcomes[i] = outcome{position, stored}
	}
	return outcomes, nil
}

// grow adds the nodes of a batch, and has the head move on from size.
func (db *DB) grow(all writes, size int64, head auditlog.Head, nodes []auditlog.StoredHash) writes {
	nodeRows, grown := seriesOf(&db.append.node, 2, len(nodes)), seriesOf(&db.append.grow, 3, 1)
	for i := range nodes {
		nodeRows.add(nodes[i].Index, nodes[i].Hash[:])
	}
	grown.add(head.Size, head.Root[:], size)
	return append(all, nodeRows, grown)
}

const entryColumns = `r.position, r.site, r.id, r.decision, r.request, r.previous, r.subject, r.received_at, r.key_id, r.signature,
	r.salt_core, r.salt_person, r.commit_pers, r.personal, r.core, l.leaf`

// scanEntry reads an entry and makes sure that it is the one its leaf stands for.
func scanEntry(row scanner) (*consent.Entry, error) {
	var e consent.Entry
	var request string
	var subject sql.NullString
	err := row.Scan(&e.Index, &e.Site, &e.ReceiptID, &e.DecisionID, &request, &e.Previous, &subject, &e.ReceivedAt, &e.KeyID, &e.Signature,
		&e.SaltCore, &e.SaltPerson, &e.CommitPers, &e.Personal, &e.Core, &e.Leaf)
	if err != nil {
		return nil, err
	}
	e.Request, e.Subject = canonical.Digest(request), subject.String
	if err := consent.CheckEntry(&e); err != nil {
		return nil, err
	}
	return &e, nil
}

// Entry finds a record by its receipt id, within a site.
func (db *DB) Entry(ctx context.Context, site, receiptID string) (*consent.Entry, error) {
	e, err := scanEntry(db.find.entry.QueryRowContext(ctx, receiptID, site))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, consent.ErrUnknownReceipt
	}
	if err != nil {
		return nil, fmt.Errorf("read receipt: %w", db.seen(err))
	}
	// An index that is out of order may lead to somebody else's: SQLite takes its word.
	if e.ReceiptID != receiptID {
		return nil, fmt.Errorf("read receipt: the index leads to another one: %w", consent.ErrDamaged)
	}
	return e, nil
}

// EntriesOfSubject is what one browser decided at a site, newest first.
func (db *DB) EntriesOfSubject(ctx context.Context, site, subject string, limit int) ([]*consent.Entry, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT `+entryColumns+` FROM record r JOIN log_leaf l ON l.position = r.position
		WHERE r.subject = ?1 AND r.site = ?2 ORDER BY r.position DESC LIMIT ?3`, subject, site, limit)
	all, err := collect(rows, err, scanEntry)
	if err != nil {
		return nil, fmt.Errorf("read receipts of a subject: %w", db.seen(err))
	}
	return all, nil
}

// EntriesBetween is what a site received in [from, to), Unix milliseconds, in
// that order; after continues behind an entry of an earlier call, nil begins.
func (db *DB) EntriesBetween(ctx context.Context, site string, from, to int64, after *consent.Entry, limit int) ([]*consent.Entry, error) {
	since, position := from, int64(-1)
	if after != nil {
		since, position = after.ReceivedAt, after.Index
	}
	rows, err := db.read.QueryContext(ctx, `SELECT `+entryColumns+` FROM record r JOIN log_leaf l ON l.position = r.position
		WHERE r.site = ?1 AND (r.received_at, r.position) > (?2, ?3) AND r.received_at < ?4
		ORDER BY r.received_at, r.position LIMIT ?5`, site, since, position, to, limit)
	all, err := collect(rows, err, scanEntry)
	if err != nil {
		return nil, fmt.Errorf("read receipts of a site: %w", db.seen(err))
	}
	return all, nil
}

func optional(s string) any {
	if s == "" {
		return nil
	}
	return s
}
