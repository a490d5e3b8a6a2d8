package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/store"
)

// refill moves the backup into an empty PostgreSQL database: erased again before, so
// that the server has never seen what is to go.
func (r *restoration) refill(ctx context.Context) (err error) {
	if !r.known {
		return usage(errors.New("nothing says what was erased since the backup: name a list of volenti erasure export with --erasures, made of the old database if it can still be read, or say --nothing-erased"))
	}
	dsn, err := r.connection()
	if err != nil {
		return err
	}
	to, err := store.OpenPostgres(ctx, dsn, store.Options{Moving: true})
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if err := to.Vacant(ctx); err != nil {
		return usage(err)
	}
	keys, err := r.keyStore(to)
	if err != nil {
		return err
	}
	return r.prepare(ctx, func(making home, again int) (err error) {
		if err := r.keys(ctx, keys, making); err != nil {
			return err
		}
		from, err := store.Open(ctx, making.file(), store.Options{Moving: true})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, from.Close()) }()
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails
		bars := newBars(r.told)
		_, err = (&store.Move{From: from, To: to, Progress: bars.reach}).Run(ctx, hex.EncodeToString(b[:]))
		bars.end()
		if err != nil {
			return err
		}
		return r.done(keys, again)
	})
}

// keys puts keys where there are none: those that were sealed into the backup; those that
// stand in it sealed with the secret of several nodes; or those of the data folder.
func (r *restoration) keys(ctx context.Context, to consent.KeyStore, made home) (err error) {
	there, err := to.KeyNames()
	if err != nil && !errors.Is(err, fs.ErrNotExist) || len(there) > 0 {
		return err // those that are there stay
	}
	if r.backup.Keys != nil {
		pass, err := readPassphrase(r.in, r.phrase)
		if err != nil {
			return err
		}
		packed, err := openKeys(r.backup.Keys, pass)
		if err != nil {
			return err
		}
		folder := keysFolder(made.data)
		if err := unpackFolder(packed, folder); err != nil {
			return err
		}
		_, err = consent.CopyKeys(to, consent.KeyFolder(folder))
		return err
	}
	db, err := openUnchecked(ctx, made)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	sealed, _, err := db.SealedKeys(ctx)
	if err != nil {
		return err
	}
	if len(sealed) > 0 && (r.shared() || r.secret != "" || os.Getenv(secretVariable) != "") {
		secret, err := r.keySecret()
		if err != nil {
			return err
		}
		_, err = consent.CopyKeys(to, consent.NewSealedKeys(db, secret))
		return err
	}
	if folder := consent.KeyFolder(keysFolder(r.data)); r.shared() {
		if names, err := folder.KeyNames(); err == nil && len(names) > 0 {
			_, err = consent.CopyKeys(to, folder)
			return err
		}
	}
	fmt.Fprintln(r.out, "the backup has no keys that can be opened, and there are none: put the old ones into", keysFolder(r.data), "or new ones are made at the next start")
	return nil
}
