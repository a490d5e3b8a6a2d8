package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
)

// A reference says who names a digest.
type reference struct {
	kind, of string
	leaf     int64
}

// references are the digests that evidence names, each with the first that names it.
// There are a few for each publication, however many records name them.
type references struct {
	mu  sync.Mutex
	all map[canonical.Digest]reference // guarded by mu

	versions map[namedVersion]reference // guarded by mu
	styles   map[string]string          // which page names a style sheet, by the first 16 digits of its digest; guarded by mu
}

func newReferences() *references {
	return &references{all: map[canonical.Digest]reference{}, versions: map[namedVersion]reference{}, styles: map[string]string{}}
}

func (s *references) add(d canonical.Digest, kind, of string, leaf int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.all[d]; !ok || leaf >= 0 && leaf < old.leaf {
		s.all[d] = reference{kind, of, leaf}
	}
}

// style adds the style sheet that a page names.
func (s *references) style(short, of string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.styles[short] = of
}

// ofRecord adds what a record names; known are those that were added already.
func (s *references) ofRecord(e *consent.Entry, core consent.Core, known map[canonical.Digest]bool) {
	add := func(d canonical.Digest, kind string) {
		if !known[d] {
			known[d] = true
			s.add(d, kind, "receipt "+e.ReceiptID, e.Index)
		}
	}
	add(core.Experience, "experience")
	add(core.Notice, "notice")
	for key, p := range core.Policies {
		add(p.Digest, "policy")
		if of := canonical.Digest(core.Site + "/" + key + "/" + strconv.Itoa(p.Number) + "/" + string(p.Digest)); !known[of] {
			known[of] = true
			s.version(namedVersion{site: core.Site, policy: key, number: p.Number, digest: p.Digest}, "receipt "+e.ReceiptID, e.Index)
		}
	}
}

// kinds are those of artifacts. Bytes that are two things are kept as the first.
var kinds = map[string]bool{"experience": true, "law": true, "notice": true, "wording": true, "script": true, "tags": true, "policy": true, "pinned": true, "page": true, "style": true}

// artifacts compares all content with its digest, and compressed forms with theirs.
func (r *replay) artifacts(ctx context.Context) error {
	rows, err := r.tx.QueryContext(context.WithoutCancel(ctx), `SELECT digest, kind, bytes FROM artifact`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var digest, kind string
	var text sql.RawBytes
	for rows.Next() {
		if err := rows.Scan(&digest, &kind, &text); err != nil {
			r.finding(auditlog.Altered, "an artifact", auditlog.NoLeaf, errMisshapen)
			continue
		}
		of := "artifact " + digest
		if canonical.Sum(text) != canonical.Digest(digest) {
			r.finding(auditlog.Altered, of, auditlog.NoLeaf, fmt.Errorf("these are not the bytes of this digest: %w", consent.ErrDamaged))
			continue
		}
		if !kinds[kind] {
			r.finding(auditlog.Altered, of, auditlog.NoLeaf, fmt.Errorf("there is no kind %q: %w", kind, consent.ErrDamaged))
			continue
		}
		r.Artifacts++
		if short := notice.Stylesheet(text); kind == "page" && short != "" {
			r.refs.style(short, of)
		}
		if kind == "experience" {
			var x notice.Experience
			if err := json.Unmarshal(text, &x); err != nil {
				continue // its digest says what is to be said
			}
			for d, kind := range map[canonical.Digest]string{x.Notice: "notice", x.Wording: "wording", x.Script: "script", x.Tags: "tags", x.Law: "law"} {
				r.refs.add(d, kind, of, auditlog.NoLeaf)
			}
			for _, d := range x.Policies {
				r.refs.add(d, "policy", of, auditlog.NoLeaf)
			}
		}
	}
	if err := rows.Err(); err != nil || r.Encoded == nil {
		return err
	}
	return r.forms(ctx)
}

// forms compares compressed forms with their sources: they are what visitors get.
func (r *replay) forms(ctx context.Context) error {
	rows, err := r.tx.QueryContext(context.WithoutCancel(ctx), `SELECT e.digest, e.encoding, e.bytes, a.bytes FROM encoded e LEFT JOIN artifact a ON a.digest = e.digest`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var digest, coding string
		var form, source sql.RawBytes
		if err := rows.Scan(&digest, &coding, &form, &source); err != nil {
			r.finding(auditlog.Altered, "a compressed form", auditlog.NoLeaf, errMisshapen)
			continue
		}
		if err := r.Encoded(coding, form, source); err != nil {
			r.finding(auditlog.Altered, fmt.Sprintf("the %s form of artifact %s", coding, digest), auditlog.NoLeaf, err)
		}
	}
	return rows.Err()
}

// references makes sure that whatever is named by a digest is kept.
func (r *replay) references(ctx context.Context) error {
	kept, err := r.tx.PrepareContext(ctx, `SELECT 1 FROM artifact WHERE digest = ?1`)
	if err != nil {
		return err
	}
	defer kept.Close()
	for digest, named := range r.refs.all {
		var one int
		err := kept.QueryRowContext(ctx, string(digest)).Scan(&one)
		if errors.Is(err, sql.ErrNoRows) {
			r.finding(auditlog.Lost, "artifact "+string(digest), named.leaf, fmt.Errorf("%s names it as its %s: %w", named.of, named.kind, consent.ErrDamaged))
		} else if err != nil {
			return err
		}
	}
	return r.styles(ctx)
}

// styles makes sure that the style sheets of pages are kept.
func (r *replay) styles(ctx context.Context) error {
	for short, of := range r.refs.styles {
		var digest string
		err := r.tx.QueryRowContext(ctx, `SELECT digest FROM artifact WHERE kind = 'style' AND digest >= ?1 AND digest < ?2 LIMIT 1`, short, short+"g").Scan(&digest)
		if errors.Is(err, sql.ErrNoRows) {
			r.finding(auditlog.Lost, "the style sheet "+short, auditlog.NoLeaf, fmt.Errorf("%s names it: %w", of, consent.ErrDamaged))
		} else if err != nil {
			return err
		}
	}
	return nil
}
