package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/site"
)

// Keys are an operator's password and codes.
func (db *DB) Keys(ctx context.Context, id string) (operator.Keys, error) {
	k, err := scanKeys(db.read.QueryRowContext(ctx, keysQuery, id))
	if errors.Is(err, sql.ErrNoRows) {
		return operator.Keys{Operator: id}, nil
	}
	if err != nil {
		return operator.Keys{}, fmt.Errorf("read keys: %w", db.seen(err))
	}
	return k, nil
}

const keysQuery = `SELECT operator, password, totp, step, recovery, changed_at FROM operator_key WHERE operator = ?1`

func scanKeys(row scanner) (k operator.Keys, err error) {
	var changed int64
	var recovery string
	err = row.Scan(&k.Operator, &k.Password, &k.TOTP, &k.Step, &recovery, &changed)
	k.Recovery, k.ChangedAt = strings.Fields(recovery), timeOrNone(changed)
	return k, err
}

// KeepKeys replaces an operator's password and codes.
func (db *DB) KeepKeys(ctx context.Context, k operator.Keys) error {
	return db.inTransaction(ctx, "keep keys", func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM operator_key WHERE operator = ?1`, k.Operator); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO operator_key (operator, password, totp, step, recovery, changed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)`,
			k.Operator, k.Password, k.TOTP, k.Step, strings.Join(k.Recovery, " "), millisecondsOrNone(k.ChangedAt))
		if db.dialect.noParent(err) {
			return operator.ErrUnknown
		}
		return err
	})
}

// SpendCode lets the code of a step count, once, and none before it ever after.
func (db *DB) SpendCode(ctx context.Context, id string, step int64) error {
	return db.execute(ctx, "spend code", operator.ErrSpent, `UPDATE operator_key SET step = ?2 WHERE operator = ?1 AND step < ?2`, id, step)
}

// SpendRecovery takes a recovery code away.
func (db *DB) SpendRecovery(ctx context.Context, id, digest string) error {
	return db.inTransaction(ctx, "spend recovery code", func(ctx context.Context, tx *sql.Tx) error {
		k, err := scanKeys(tx.QueryRowContext(ctx, keysQuery, id))
		if errors.Is(err, sql.ErrNoRows) {
			return operator.ErrSpent
		}
		if err != nil {
			return err
		}
		at := slices.Index(k.Recovery, digest)
		if at < 0 {
			return operator.ErrSpent
		}
		_, err = tx.ExecContext(ctx, `UPDATE operator_key SET recovery = ?2 WHERE operator = ?1`, id, strings.Join(slices.Delete(k.Recovery, at, at+1), " "))
		return err
	})
}

const passkeyColumns = `id, operator, name, credential, created_at, used_at` //nolint:gosec // names

func scanPasskey(row scanner) (p operator.Passkey, err error) {
	var created, used int64
	err = row.Scan(&p.ID, &p.Operator, &p.Name, &p.Credential, &created, &used)
	p.CreatedAt, p.UsedAt = timeOf(created), timeOrNone(used)
	return p, err
}

// AddPasskey keeps a passkey.
func (db *DB) AddPasskey(ctx context.Context, p operator.Passkey) error {
	err := db.execute(ctx, "add passkey", nil, `INSERT INTO operator_passkey (`+passkeyColumns+`) VALUES (?1, ?2, ?3, ?4, ?5, ?6)`,
		p.ID, p.Operator, p.Name, p.Credential, milliseconds(p.CreatedAt), millisecondsOrNone(p.UsedAt))
	if db.dialect.duplicate(err) {
		return operator.ErrTaken
	}
	return err
}

// ChangePasskey keeps a passkey's name, credential and time of use.
func (db *DB) ChangePasskey(ctx context.Context, p operator.Passkey) error {
	return db.execute(ctx, "change passkey", operator.ErrUnknown, `UPDATE operator_passkey SET name = ?3, credential = ?4, used_at = ?5 WHERE id = ?1 AND operator = ?2`,
		p.ID, p.Operator, p.Name, p.Credential, millisecondsOrNone(p.UsedAt))
}

// Passkey finds a passkey.
func (db *DB) Passkey(ctx context.Context, id string) (operator.Passkey, error) {
	p, err := scanPasskey(db.read.QueryRowContext(ctx, `SELECT `+passkeyColumns+` FROM operator_passkey WHERE id = ?1`, id))
	if err := db.found(err, "read passkey"); err != nil {
		return operator.Passkey{}, err
	}
	return p, nil
}

// Passkeys are an operator's, oldest first.
func (db *DB) Passkeys(ctx context.Context, id string) ([]operator.Passkey, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT `+passkeyColumns+` FROM operator_passkey WHERE operator = ?1 ORDER BY created_at, id`, id)
	all, err := collect(rows, err, scanPasskey)
	if err != nil {
		return nil, fmt.Errorf("read passkeys: %w", db.seen(err))
	}
	return all, nil
}

// DropPasskey removes an operator's passkey.
func (db *DB) DropPasskey(ctx context.Context, owner, id string) error {
	return db.execute(ctx, "drop passkey", operator.ErrUnknown, `DELETE FROM operator_passkey WHERE operator = ?1 AND id = ?2`, owner, id)
}

// Forget takes all ways in of an operator away.
func (db *DB) Forget(ctx context.Context, id string) error {
	return db.inTransaction(ctx, "forget ways in", func(ctx context.Context, tx *sql.Tx) error {
		for _, text := range []string{
			`DELETE FROM operator_key WHERE operator = ?1`, `DELETE FROM operator_passkey WHERE operator = ?1`,
			`DELETE FROM operator_session WHERE operator = ?1`, `DELETE FROM operator_link WHERE operator = ?1`,
		} {
			if _, err := tx.ExecContext(ctx, text, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// AddLink keeps a link and voids earlier ones of its kind and operator.
func (db *DB) AddLink(ctx context.Context, l operator.Link) error {
	return db.inTransaction(ctx, "add link", func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM operator_link WHERE operator = ?1 AND kind = ?2`, l.Operator, l.Kind); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO operator_link (digest, kind, operator, made_by, ends_at) VALUES (?1, ?2, ?3, ?4, ?5)`,
			l.Digest, l.Kind, l.Operator, l.By, milliseconds(l.EndsAt))
		return err
	})
}

const linkQuery = `SELECT digest, kind, operator, made_by, ends_at FROM operator_link WHERE digest = ?1 AND ends_at > ?2`

func scanLink(row scanner) (l operator.Link, err error) {
	var ends int64
	err = row.Scan(&l.Digest, &l.Kind, &l.Operator, &l.By, &ends)
	l.EndsAt = timeOf(ends)
	if errors.Is(err, sql.ErrNoRows) {
		err = operator.ErrLink
	}
	return l, err
}

// Link finds a link that opens.
func (db *DB) Link(ctx context.Context, digest string, at time.Time) (operator.Link, error) {
	l, err := scanLink(db.read.QueryRowContext(ctx, linkQuery, digest, milliseconds(at)))
	if err != nil {
		return operator.Link{}, fmt.Errorf("read link: %w", db.seen(err))
	}
	return l, nil
}

// UseLink finds a link that opens and uses it up.
func (db *DB) UseLink(ctx context.Context, digest string, at time.Time) (l operator.Link, err error) {
	err = db.inTransaction(ctx, "use link", func(ctx context.Context, tx *sql.Tx) (err error) {
		if l, err = scanLink(tx.QueryRowContext(ctx, linkQuery, digest, milliseconds(at))); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM operator_link WHERE digest = ?1`, digest)
		return err
	})
	if err != nil {
		return operator.Link{}, err
	}
	return l, nil
}

// Spend lets something count once.
func (db *DB) Spend(ctx context.Context, digest string, now, until time.Time) error {
	return db.inTransaction(ctx, "spend", func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM operator_spent WHERE ends_at <= ?1`, milliseconds(now)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO operator_spent (digest, ends_at) VALUES (?1, ?2)`, digest, milliseconds(until))
		if db.dialect.duplicate(err) {
			return operator.ErrSpent
		}
		return err
	})
}

const tokenColumns = `id, digest, name, site, rights, made_by, created_at, ends_at` //nolint:gosec // names

func scanToken(row scanner) (t operator.Token, err error) {
	var created, ends int64
	var rights string
	err = row.Scan(&t.ID, &t.Digest, &t.Name, &t.Site, &rights, &t.By, &created, &ends)
	for right := range strings.FieldsSeq(rights) {
		t.Rights = append(t.Rights, operator.Right(right))
	}
	t.CreatedAt, t.EndsAt = timeOf(created), timeOf(ends)
	return t, err
}

// AddToken keeps a token.
func (db *DB) AddToken(ctx context.Context, t operator.Token) error {
	rights := make([]string, len(t.Rights))
	for i, right := range t.Rights {
		rights[i] = string(right)
	}
	err := db.execute(ctx, "add token", nil, `INSERT INTO operator_token (`+tokenColumns+`) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)`,
		t.ID, t.Digest, t.Name, t.Site, strings.Join(rights, " "), t.By, milliseconds(t.CreatedAt), milliseconds(t.EndsAt))
	if db.dialect.noParent(err) {
		return site.ErrUnknown
	}
	return err
}

// Token finds a token by its digest.
func (db *DB) Token(ctx context.Context, digest string) (operator.Token, error) {
	t, err := scanToken(db.read.QueryRowContext(ctx, `SELECT `+tokenColumns+` FROM operator_token WHERE digest = ?1`, digest))
	if err := db.found(err, "read token"); err != nil {
		return operator.Token{}, err
	}
	return t, nil
}

// Tokens are all, newest first.
func (db *DB) Tokens(ctx context.Context) ([]operator.Token, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT `+tokenColumns+` FROM operator_token ORDER BY created_at DESC, id`)
	all, err := collect(rows, err, scanToken)
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w", db.seen(err))
	}
	return all, nil
}

// DropToken ends a token.
func (db *DB) DropToken(ctx context.Context, id string) error {
	return db.execute(ctx, "drop token", operator.ErrUnknown, `DELETE FROM operator_token WHERE id = ?1`, id)
}
