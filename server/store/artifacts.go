package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
)

// mostKnown bounds the memory of what is kept; there are a few for each site.
const mostKnown = 10_000

// KeepArtifacts keeps what is not there yet.
func (db *DB) KeepArtifacts(ctx context.Context, artifacts []consent.Artifact) error {
	missing := db.missing(artifacts)
	if len(missing) == 0 {
		return nil
	}
	err := db.inTransaction(ctx, "keep artifacts", func(ctx context.Context, tx *sql.Tx) error {
		return keepArtifacts(ctx, tx, missing)
	})
	if err == nil {
		db.remember(missing)
	}
	return err
}

// Artifact finds content by its digest.
func (db *DB) Artifact(ctx context.Context, d canonical.Digest) (consent.Artifact, error) {
	a := consent.Artifact{Digest: d}
	err := db.read.QueryRowContext(ctx, `SELECT kind, bytes FROM artifact WHERE digest = ?1`, string(d)).Scan(&a.Kind, &a.Bytes)
	if errors.Is(err, sql.ErrNoRows) {
		return consent.Artifact{}, consent.ErrUnknownArtifact
	}
	if err == nil {
		err = checkDigest(d, a.Bytes)
	}
	if err != nil {
		return consent.Artifact{}, fmt.Errorf("read artifact: %w", db.seen(err))
	}
	return a, nil
}

// StyleByShort finds the style sheet of archived pages by the first 16 digits of its
// digest; consent.ErrUnknownArtifact.
func (db *DB) StyleByShort(ctx context.Context, short string) ([]byte, error) {
	var digest canonical.Digest
	var css []byte
	err := db.read.QueryRowContext(ctx, `SELECT digest, bytes FROM artifact WHERE kind = 'style' AND digest >= ?1 AND digest < ?2 LIMIT 1`, short, short+"g").
		Scan((*string)(&digest), &css)
	if errors.Is(err, sql.ErrNoRows) || len(short) != 16 {
		return nil, consent.ErrUnknownArtifact
	}
	if err == nil {
		err = checkDigest(digest, css)
	}
	if err != nil {
		return nil, fmt.Errorf("read style sheet: %w", db.seen(err))
	}
	return css, nil
}

// checkDigest keeps altered content from being handed out as evidence.
func checkDigest(d canonical.Digest, b []byte) error {
	if canonical.Sum(b) != d {
		return fmt.Errorf("artifact %s: %w", d, consent.ErrDamaged)
	}
	return nil
}

// missing are the artifacts that this process has not seen kept. They are never
// deleted, so what was seen once need not be looked for again.
func (db *DB) missing(artifacts []consent.Artifact) (missing []consent.Artifact) {
	db.mu.Lock()
	defer db.mu.Unlock()
	for _, a := range artifacts {
		if _, ok := db.known[a.Digest]; !ok {
			missing = append(missing, a)
		}
	}
	return missing
}

func (db *DB) remember(artifacts []consent.Artifact) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if len(db.known) > mostKnown {
		clear(db.known)
	}
	for _, a := range artifacts {
		db.known[a.Digest] = struct{}{}
	}
}

func keepArtifacts(ctx context.Context, tx *sql.Tx, artifacts []consent.Artifact) error {
	for _, a := range artifacts {
		if canonical.Sum(a.Bytes) != a.Digest {
			return fmt.Errorf("%s %s: these are not the bytes of this digest", a.Kind, a.Digest)
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO artifact (digest, kind, bytes) VALUES (?1, ?2, ?3) ON CONFLICT (digest) DO NOTHING`,
			string(a.Digest), a.Kind, a.Bytes)
		if err != nil {
			return fmt.Errorf("%s %s: %w", a.Kind, a.Digest, err)
		}
	}
	return nil
}
