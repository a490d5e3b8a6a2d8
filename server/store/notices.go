package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/site"
)

// AddPublication keeps p whole and makes it the site's current one.
func (db *DB) AddPublication(ctx context.Context, p *notice.Publication) error {
	var seq int64
	err := db.appendEntries(ctx, "add publication of site "+p.Site, func(ctx context.Context, tx *sql.Tx, _ int64) ([]auditlog.Entry, error) {
		if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(seq), 0) + 1 FROM publication`).Scan(&seq); err != nil {
			return nil, err
		}
		if err := insertPublication(ctx, tx, db.dialect, seq, p); err != nil {
			return nil, err
		}
		numbered := *p
		numbered.Seq, numbered.PublishedAt = seq, timeOf(milliseconds(p.PublishedAt))
		e, err := publicationEntry(ctx, tx, &numbered)
		return []auditlog.Entry{e}, err
	})
	if err != nil {
		return err
	}
	p.Seq = seq
	return nil
}

// insertPublication keeps p under a number.
func insertPublication(ctx context.Context, tx *sql.Tx, d dialect, seq int64, p *notice.Publication) error {
	if err := keepArtifacts(ctx, tx, artifactsOf(p)); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO publication (seq, site, notice, published_at) VALUES (?1, ?2, ?3, ?4)`,
		seq, p.Site, string(p.Notice), milliseconds(p.PublishedAt))
	if d.noParent(err) {
		return site.ErrUnknown
	}
	if err != nil {
		return err
	}
	for language, digest := range p.Wordings {
		if _, err := tx.ExecContext(ctx, `INSERT INTO publication_wording (seq, language, digest) VALUES (?1, ?2, ?3)`,
			seq, language, string(digest)); err != nil {
			return fmt.Errorf("wording %s: %w", language, err)
		}
	}
	for trial, wordings := range p.TrialWordings {
		for language, digest := range wordings {
			if _, err := tx.ExecContext(ctx, `INSERT INTO publication_trial_wording (seq, trial, language, digest) VALUES (?1, ?2, ?3, ?4)`,
				seq, trial, language, string(digest)); err != nil {
				return fmt.Errorf("wording %s of trial %s: %w", language, trial, err)
			}
		}
	}
	for i, s := range p.Scripts {
		if err := addScript(ctx, tx, seq, i, s); err != nil {
			return fmt.Errorf("script %v: %w", s.Variant, err)
		}
	}
	return nil
}

func artifactsOf(p *notice.Publication) []consent.Artifact {
	all := []consent.Artifact{{Digest: p.Notice, Kind: "notice", Bytes: p.NoticeBytes}}
	for digest, text := range p.WordingBytes {
		all = append(all, consent.Artifact{Digest: digest, Kind: "wording", Bytes: text})
	}
	for _, s := range p.Scripts {
		all = append(all, consent.Artifact{Digest: s.Digest, Kind: "script", Bytes: s.Source})
	}
	return all
}

func addScript(ctx context.Context, tx *sql.Tx, seq int64, position int, s notice.PublishedScript) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO publication_script (seq, position, kind, surface, language, trial, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)`,
		seq, position, string(s.Kind), string(s.Surface), s.Language, s.Trial, string(s.Digest))
	if err != nil {
		return err
	}
	for encoding, b := range s.Encoded {
		// A newer compressor makes other bytes of the same script.
		_, err := tx.ExecContext(ctx, `INSERT INTO encoded (digest, encoding, bytes) VALUES (?1, ?2, ?3)
			ON CONFLICT (digest, encoding) DO UPDATE SET bytes = excluded.bytes`, string(s.Digest), encoding, b)
		if err != nil {
			return err
		}
	}
	return nil
}

// Current is the newest publication of a site.
func (db *DB) Current(ctx context.Context, site string) (*notice.Publication, error) {
	p := &notice.Publication{Site: site, Wordings: map[string]canonical.Digest{}, WordingBytes: map[canonical.Digest][]byte{}}
	var published int64
	err := db.read.QueryRowContext(ctx, `SELECT p.seq, p.notice, p.published_at, a.bytes FROM publication p
		JOIN artifact a ON a.digest = p.notice WHERE p.site = ?1 ORDER BY p.seq DESC LIMIT 1`, site).
		Scan(&p.Seq, (*string)(&p.Notice), &published, &p.NoticeBytes)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, notice.ErrUnpublished
	}
	p.PublishedAt = timeOf(published)
	// A publication never changes, so its parts need no transaction.
	if err == nil {
		err = checkDigest(p.Notice, p.NoticeBytes)
	}
	if err == nil {
		err = db.readWordings(ctx, p)
	}
	if err == nil {
		err = db.readScripts(ctx, p)
	}
	if err != nil {
		return nil, fmt.Errorf("read publication of site %s: %w", site, db.seen(err))
	}
	return p, nil
}

// Published is the newest publication of each site since one.
func (db *DB) Published(ctx context.Context, since int64) (map[string]int64, error) {
	newest := map[string]int64{}
	rows, err := db.read.QueryContext(ctx, `SELECT site, MAX(seq) FROM publication WHERE seq > ?1 GROUP BY site`, since)
	_, err = collect(rows, err, func(row scanner) (none struct{}, _ error) {
		var site string
		var seq int64
		err := row.Scan(&site, &seq)
		newest[site] = seq
		return none, err
	})
	if err != nil {
		return nil, fmt.Errorf("read publications: %w", db.seen(err))
	}
	return newest, nil
}

// Outline is a publication but for its scripts and the bytes of its wordings.
func (db *DB) Outline(ctx context.Context, seq int64) (*notice.Publication, error) {
	p := &notice.Publication{Seq: seq, Wordings: map[string]canonical.Digest{}}
	var published int64
	err := db.read.QueryRowContext(ctx, `SELECT p.site, p.notice, p.published_at, a.bytes FROM publication p
		JOIN artifact a ON a.digest = p.notice WHERE p.seq = ?1`, seq).Scan(&p.Site, (*string)(&p.Notice), &published, &p.NoticeBytes)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, notice.ErrUnpublished
	}
	p.PublishedAt = timeOf(published)
	if err == nil {
		err = checkDigest(p.Notice, p.NoticeBytes)
	}
	if err == nil {
		rows, failed := db.read.QueryContext(ctx, `SELECT '', language, digest FROM publication_wording WHERE seq = ?1
			UNION ALL SELECT trial, language, digest FROM publication_trial_wording WHERE seq = ?1`, seq)
		_, err = collect(rows, failed, func(row scanner) (none struct{}, _ error) {
			return none, scanWording(row, p)
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read publication %d: %w", seq, db.seen(err))
	}
	return p, nil
}

// ScriptAt names the script of a variant.
func (db *DB) ScriptAt(ctx context.Context, seq int64, v notice.Variant) (d canonical.Digest, err error) {
	err = db.read.QueryRowContext(ctx, `SELECT digest FROM publication_script
		WHERE seq = ?1 AND kind = ?2 AND surface = ?3 AND language = ?4 AND trial = ?5`,
		seq, string(v.Kind), string(v.Surface), v.Language, v.Trial).Scan((*string)(&d))
	if errors.Is(err, sql.ErrNoRows) {
		return "", notice.ErrUnpublished
	}
	if err != nil {
		return "", fmt.Errorf("find script %v of publication %d: %w", v, seq, db.seen(err))
	}
	return d, nil
}

// Content is what is kept under a digest, as it is or in a coding.
func (db *DB) Content(ctx context.Context, d canonical.Digest, coding string) (b []byte, err error) {
	if coding == notice.Plain {
		err = db.read.QueryRowContext(ctx, `SELECT bytes FROM artifact WHERE digest = ?1`, string(d)).Scan(&b)
		if err == nil {
			err = checkDigest(d, b)
		}
	} else {
		err = db.read.QueryRowContext(ctx, `SELECT bytes FROM encoded WHERE digest = ?1 AND encoding = ?2`, string(d), coding).Scan(&b)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", d, db.seen(err))
	}
	return b, nil
}

func (db *DB) readWordings(ctx context.Context, p *notice.Publication) error {
	rows, err := db.read.QueryContext(ctx, `SELECT '', w.language, w.digest, a.bytes FROM publication_wording w
		JOIN artifact a ON a.digest = w.digest WHERE w.seq = ?1
		UNION ALL SELECT w.trial, w.language, w.digest, a.bytes FROM publication_trial_wording w
		JOIN artifact a ON a.digest = w.digest WHERE w.seq = ?1`, p.Seq)
	_, err = collect(rows, err, func(row scanner) (struct{}, error) {
		var trial, language, digest string
		var text []byte
		if err := row.Scan(&trial, &language, &digest, &text); err != nil {
			return struct{}{}, err
		}
		d := canonical.Digest(digest)
		p.WordingBytes[d] = text
		if trial == "" {
			p.Wordings[language] = d
		} else {
			p.AddTrialWording(trial, language, d)
		}
		return struct{}{}, checkDigest(d, text)
	})
	return err
}

func (db *DB) readScripts(ctx context.Context, p *notice.Publication) error {
	rows, err := db.read.QueryContext(ctx, `SELECT s.kind, s.surface, s.language, s.trial, s.digest, a.bytes FROM publication_script s
		JOIN artifact a ON a.digest = s.digest WHERE s.seq = ?1 ORDER BY s.position`, p.Seq)
	p.Scripts, err = collect(rows, err, func(row scanner) (s notice.PublishedScript, err error) {
		if err := row.Scan((*string)(&s.Kind), (*string)(&s.Surface), &s.Language, &s.Trial, (*string)(&s.Digest), &s.Source); err != nil {
			return s, err
		}
		return s, checkDigest(s.Digest, s.Source)
	})
	if err != nil {
		return err
	}
	rows, err = db.read.QueryContext(ctx, `SELECT digest, encoding, bytes FROM encoded
		WHERE digest IN (SELECT digest FROM publication_script WHERE seq = ?1)`, p.Seq)
	forms := map[canonical.Digest]map[string][]byte{}
	_, err = collect(rows, err, func(row scanner) (struct{}, error) {
		var digest, encoding string
		var b []byte
		if err := row.Scan(&digest, &encoding, &b); err != nil {
			return struct{}{}, err
		}
		d := canonical.Digest(digest)
		if forms[d] == nil {
			forms[d] = map[string][]byte{}
		}
		forms[d][encoding] = b
		return struct{}{}, nil
	})
	for i := range p.Scripts {
		p.Scripts[i].Encoded = forms[p.Scripts[i].Digest]
	}
	return err
}

// NoticeByShort finds a notice ever published for a site.
func (db *DB) NoticeByShort(ctx context.Context, site, short string) (*notice.Notice, canonical.Digest, error) {
	if len(short) != 16 {
		return nil, "", notice.ErrUnpublished
	}
	var digest string
	var text []byte
	// The digests that begin with short lie between it and it with a g behind.
	err := db.read.QueryRowContext(ctx, `SELECT p.notice, a.bytes FROM publication p JOIN artifact a ON a.digest = p.notice
		WHERE p.site = ?1 AND p.notice >= ?2 AND p.notice < ?3 LIMIT 1`, site, short, short+"g").Scan(&digest, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, "", notice.ErrUnpublished
	}
	if err == nil {
		err = checkDigest(canonical.Digest(digest), text)
	}
	if err != nil {
		return nil, "", fmt.Errorf("read notice of site %s: %w", site, db.seen(err))
	}
	n, err := notice.Decode(text)
	if err != nil {
		return nil, "", fmt.Errorf("read notice of site %s: %w", site, err)
	}
	return n, canonical.Digest(digest), nil
}

// ScriptByShort finds a script ever published for a site.
func (db *DB) ScriptByShort(ctx context.Context, site, short string) (s notice.Script, err error) {
	if len(short) != 16 {
		return s, notice.ErrUnpublished
	}
	err = db.read.QueryRowContext(ctx, `SELECT s.kind, s.surface, s.language, s.trial, s.digest, a.bytes FROM publication_script s
		JOIN publication p ON p.seq = s.seq JOIN artifact a ON a.digest = s.digest
		WHERE p.site = ?1 AND s.digest >= ?2 AND s.digest < ?3 LIMIT 1`, site, short, short+"g").
		Scan((*string)(&s.Kind), (*string)(&s.Surface), &s.Language, &s.Trial, (*string)(&s.Digest), &s.Source)
	if errors.Is(err, sql.ErrNoRows) {
		return s, notice.ErrUnpublished
	}
	if err == nil {
		err = checkDigest(s.Digest, s.Source)
	}
	if err != nil {
		return s, fmt.Errorf("read script of site %s: %w", site, db.seen(err))
	}
	return s, nil
}
