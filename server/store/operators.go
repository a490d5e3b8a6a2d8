package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/site"
)

var _ operator.Store = (*DB)(nil)

const operatorColumns = `id, name, email, role, all_sites, disabled, created_at`

func scanOperator(row scanner) (o operator.Operator, err error) {
	var all, disabled, created int64
	err = row.Scan(&o.ID, &o.Name, &o.Email, (*string)(&o.Role), &all, &disabled, &created)
	o.AllSites, o.Disabled, o.CreatedAt = all != 0, disabled != 0, timeOf(created)
	return o, err
}

// AddOperator keeps an operator.
func (db *DB) AddOperator(ctx context.Context, o operator.Operator) error {
	return db.inTransaction(ctx, "add operator", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO operator (`+operatorColumns+`) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)`,
			o.ID, o.Name, o.Email, string(o.Role), oneIf(o.AllSites), oneIf(o.Disabled), milliseconds(o.CreatedAt))
		if db.dialect.duplicate(err) {
			return operator.ErrTaken
		}
		if err != nil {
			return err
		}
		return db.putSites(ctx, tx, o)
	})
}

// ChangeOperator keeps all of an operator but when they joined.
func (db *DB) ChangeOperator(ctx context.Context, o operator.Operator) error {
	return db.inTransaction(ctx, "change operator", func(ctx context.Context, tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `UPDATE operator SET name = ?2, email = ?3, role = ?4, all_sites = ?5, disabled = ?6 WHERE id = ?1`,
			o.ID, o.Name, o.Email, string(o.Role), oneIf(o.AllSites), oneIf(o.Disabled))
		if db.dialect.duplicate(err) {
			return operator.ErrTaken
		}
		if err := changedOne(result, err, operator.ErrUnknown); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM operator_site WHERE operator = ?1`, o.ID); err != nil {
			return err
		}
		if err := db.putSites(ctx, tx, o); err != nil {
			return err
		}
		var owners int
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM operator WHERE role = ?1 AND all_sites = 1 AND disabled = 0`,
			string(operator.Owner)).Scan(&owners); err != nil {
			return err
		}
		if owners == 0 {
			return operator.ErrLastOwner
		}
		return nil
	})
}

func (db *DB) putSites(ctx context.Context, tx *sql.Tx, o operator.Operator) error {
	if o.AllSites {
		return nil
	}
	for _, key := range o.Sites {
		_, err := tx.ExecContext(ctx, `INSERT INTO operator_site (operator, site) VALUES (?1, ?2)`, o.ID, key)
		if db.dialect.noParent(err) {
			return site.ErrUnknown
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Operator finds an operator by id.
func (db *DB) Operator(ctx context.Context, id string) (operator.Operator, error) {
	return db.operator(ctx, `WHERE id = ?1`, id)
}

// OperatorOf finds an operator by address.
func (db *DB) OperatorOf(ctx context.Context, email string) (operator.Operator, error) {
	return db.operator(ctx, `WHERE email = ?1`, email)
}

func (db *DB) operator(ctx context.Context, where, by string) (operator.Operator, error) {
	o, err := scanOperator(db.read.QueryRowContext(ctx, `SELECT `+operatorColumns+` FROM operator `+where, by))
	if err := db.found(err, "read operator"); err != nil {
		return operator.Operator{}, err
	}
	rows, err := db.read.QueryContext(ctx, `SELECT site FROM operator_site WHERE operator = ?1 ORDER BY site`, o.ID)
	o.Sites, err = collect(rows, err, func(row scanner) (key string, err error) { return key, row.Scan(&key) })
	if err != nil {
		return operator.Operator{}, fmt.Errorf("read operator: %w", db.seen(err))
	}
	return o, nil
}

// Operators are all, by name.
func (db *DB) Operators(ctx context.Context) ([]operator.Operator, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT `+operatorColumns+` FROM operator ORDER BY name, id`)
	all, err := collect(rows, err, scanOperator)
	if err != nil {
		return nil, fmt.Errorf("read operators: %w", db.seen(err))
	}
	rows, err = db.read.QueryContext(ctx, `SELECT operator, site FROM operator_site ORDER BY site`)
	_, err = collect(rows, err, func(row scanner) (_ struct{}, err error) {
		var id, key string
		err = row.Scan(&id, &key)
		if i := slices.IndexFunc(all, func(o operator.Operator) bool { return o.ID == id }); err == nil && i >= 0 {
			all[i].Sites = append(all[i].Sites, key)
		}
		return struct{}{}, err
	})
	if err != nil {
		return nil, fmt.Errorf("read operators: %w", db.seen(err))
	}
	return all, nil
}

// found turns "no row" into ErrUnknown and says what was being done else.
func (db *DB) found(err error, what string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return operator.ErrUnknown
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, db.seen(err))
	}
	return nil
}

// changedOne is none if a statement did not meet a row.
func changedOne(result sql.Result, err, none error) error {
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		return none
	}
	return err
}

// execute runs one statement that changes something.
func (db *DB) execute(ctx context.Context, what string, none error, text string, args ...any) error {
	return db.inTransaction(ctx, what, func(ctx context.Context, tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, text, args...)
		if none == nil {
			return err
		}
		return changedOne(result, err, none)
	})
}

// timeOrNone and millisecondsOrNone carry a time that may not have come yet.
func timeOrNone(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return timeOf(ms)
}

func millisecondsOrNone(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return milliseconds(t)
}
