package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
)

const shredded = string(consent.Shredded)

// A recordRow is a row of recordColumns behind its position.
type recordRow struct {
	site, id, decision, request, previous, keyID  string
	subject                                       sql.NullString
	received                                      int64
	signature, core, saltCore, salt, removed, own sql.RawBytes
}

func newRecordRow() *recordRow { return &recordRow{} }

func (r *recordRow) targets() []any {
	return []any{&r.site, &r.id, &r.decision, &r.request, &r.previous, &r.subject, &r.received, &r.keyID, &r.signature,
		&r.saltCore, &r.salt, &r.removed, &r.own, &r.core}
}

// put copies the row into e, and what does not outlive the row into b.
func (r *recordRow) put(e *consent.Entry, b []byte) []byte {
	*e = consent.Entry{Site: r.site, ReceiptID: r.id, Previous: r.previous, Subject: r.subject.String, ReceivedAt: r.received, KeyID: r.keyID}
	for _, part := range [...]struct {
		into *[]byte
		from sql.RawBytes
	}{{&e.Signature, r.signature}, {&e.SaltCore, r.saltCore}, {&e.SaltPerson, r.salt}, {&e.CommitPers, r.removed}, {&e.Personal, r.own}, {&e.Core, r.core}} {
		if part.from != nil {
			start := len(b)
			b = append(b, part.from...)
			*part.into = b[start:len(b):len(b)]
		}
	}
	return b
}

// batchSize is how many records go to a verifier at once.
const batchSize = 256

// A batch is records on their way to a verifier. Its bytes are used again.
type batch struct {
	entries []consent.Entry
	leaves  [][auditlog.LeafSize]byte
	bytes   []byte
}

// A crew verifies records, on all processors.
type crew struct {
	keys   consent.PublicKeys
	work   chan *batch
	free   chan *batch
	under  *batch // being filled
	last   int64  // time of receipt of the one before
	refs   *references
	ctx    context.Context
	hands  sync.WaitGroup
	mu     sync.Mutex
	fine   int64   // guarded by mu
	faults []fault // guarded by mu
}

// A fault is a record that does not verify.
type fault struct {
	index         int64
	of            string
	err           error
	row, computed [auditlog.LeafSize]byte
}

// mostFaults bounds what is remembered of a database in which nothing holds.
const mostFaults = 10_000

func (r *replay) hire(ctx context.Context) *crew {
	n := workers()
	c := &crew{keys: r.Receipts, work: make(chan *batch, n), free: make(chan *batch, 2*n+1), refs: r.refs, ctx: ctx}
	for range 2*n + 1 {
		c.free <- &batch{}
	}
	for range n {
		c.hands.Go(func() {
			a := consent.Auditor{Keys: c.keys}
			known := map[canonical.Digest]bool{}
			for b := range c.work {
				c.verify(&a, b, known)
				c.free <- b
			}
		})
	}
	c.under = <-c.free
	return c
}

// end waits for the last, and gathers what was found.
func (c *crew) end(r *replay) error {
	c.hand()
	close(c.work)
	c.hands.Wait()
	r.Records = c.fine
	for _, f := range c.faults {
		what := auditlog.Altered
		if errors.Is(f.err, consent.ErrSignature) || errors.Is(f.err, consent.ErrUnknownKey) {
			if !errors.Is(f.err, consent.ErrLeaf) && !errors.Is(f.err, consent.ErrContents) {
				what = auditlog.Forged
			}
		}
		if f.row != f.computed {
			r.strays = append(r.strays, stray{f.index, f.of, f.row, f.computed})
		}
		r.finding(what, f.of, f.index, f.err)
	}
	return nil
}

func (c *crew) hand() {
	if len(c.under.entries) > 0 {
		c.work <- c.under
		c.under = <-c.free
		c.under.entries, c.under.leaves, c.under.bytes = c.under.entries[:0], c.under.leaves[:0], c.under.bytes[:0]
	}
}

func (c *crew) verify(a *consent.Auditor, b *batch, known map[canonical.Digest]bool) {
	if c.ctx.Err() != nil {
		return // nobody waits for what comes out
	}
	fine := int64(0)
	for i := range b.entries {
		e := &b.entries[i]
		core, err := a.Verify(e)
		if err == nil {
			fine++
			if len(known) > mostKnown {
				clear(known)
			}
			c.refs.ofRecord(e, core, known)
			continue
		}
		f := fault{index: e.Index, of: "receipt " + e.ReceiptID, err: err, row: [auditlog.LeafSize]byte(e.Leaf)}
		if f.computed, err = consent.LeafOf(e); err != nil {
			f.computed = f.row
		}
		c.mu.Lock()
		if len(c.faults) < mostFaults {
			c.faults = append(c.faults, f)
		}
		c.mu.Unlock()
	}
	c.mu.Lock()
	c.fine += fine
	c.mu.Unlock()
}

// clockTolerance is how far, in milliseconds, the clocks of two processes that
// append to one log may be apart before it is a finding.
const clockTolerance = 5 * 60 * 1000

// record takes in the record at a leaf.
func (r *replay) record(_ context.Context, c *crew, l *leaf, row *recordRow) error {
	l.of = "receipt " + row.id
	l.halved = row.own == nil
	if l.halved {
		r.Minimised++
	}
	var e consent.Entry
	c.under.bytes = row.put(&e, c.under.bytes)
	e.Index = l.index
	if !l.there || !l.hashed || auditlog.LeafHash(l.bytes) != l.node {
		// Which of them was altered the record tells.
		l.opened = true
		if computed, err := consent.LeafOf(&e); err == nil {
			l.computed, l.whole = computed, true
		}
	}
	leaf := l.bytes
	if l.whole && (!l.there || auditlog.LeafHash(l.computed) == l.node) {
		leaf = l.computed
	}
	c.under.leaves = append(c.under.leaves, leaf)
	e.Leaf = leaf[:]
	c.under.entries = append(c.under.entries, e)
	if e.ReceivedAt < c.last-clockTolerance {
		r.finding(auditlog.Backdated, l.of, l.index, fmt.Errorf("by %d ms before the one that it follows", c.last-e.ReceivedAt))
	}
	c.last = e.ReceivedAt
	if len(c.under.entries) == batchSize {
		c.hand()
	}
	return nil
}

// A stray stands for another leaf than the one it stands at.
type stray struct {
	index         int64
	of            string
	row, computed [auditlog.LeafSize]byte
}

// exchanged tells of strays that stand at one another's leaves.
func (r *replay) exchanged() {
	at := map[[auditlog.LeafSize]byte]stray{}
	for _, s := range r.strays {
		at[s.row] = s
	}
	for _, s := range r.strays {
		home, ok := at[s.computed]
		if !ok || home.index == s.index {
			continue
		}
		for i := range r.Findings {
			if f := &r.Findings[i]; f.Leaf == s.index && f.Of == s.of && f.What == auditlog.Altered {
				f.What, f.Err = auditlog.Exchanged, fmt.Errorf("it is what was entered at leaf %d: %w", home.index, auditlog.ErrDamaged)
			}
		}
	}
}
