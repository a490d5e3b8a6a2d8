package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/store"
	"github.com/volenti-consent/volenti/server/transparency"
)

// An installation is one data folder, opened: the database and the keys.
type installation struct {
	db      *store.DB
	keyring *consent.Keyring
	secrets consent.Secrets
}

// open makes the folder and its keys on the first start.
func open(ctx context.Context, folder string) (*installation, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w; name one that can be written with --data", err)
	}
	keys := keysFolder(folder)
	keyring, err := consent.OpenKeyring(keys, rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("signing keys: %w", err)
	}
	secrets, err := consent.OpenSecrets(keys, rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("secrets: %w", err)
	}
	db, err := openDatabase(ctx, folder)
	if err != nil {
		return nil, err
	}
	return &installation{db: db, keyring: keyring, secrets: secrets}, nil
}

func (in *installation) close() error { return in.db.Close() }

func keysFolder(data string) string { return filepath.Join(data, "keys") }

// openDatabase refuses a database that does not continue what was signed of its log.
func openDatabase(ctx context.Context, folder string) (*store.DB, error) {
	db, err := openUnchecked(ctx, folder)
	if err != nil {
		return nil, err
	}
	key, err := consent.ReadLogKey(keysFolder(folder))
	if err == nil || consent.NoLogKey(err) {
		err = transparency.Check(ctx, db, key, pinnedFile(folder))
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// openUnchecked is for commands that look into a database that may have been altered.
func openUnchecked(ctx context.Context, folder string) (*store.DB, error) {
	db, err := store.Open(ctx, filepath.Join(folder, "volenti.db"), store.Options{})
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	return db, nil
}

func pinnedFile(data string) string { return filepath.Join(data, transparency.PinnedFile) }

// dataFlag is the flag of commands that work on a data folder.
func dataFlag(cmd *cobra.Command) *string {
	data := os.Getenv("VOLENTI_DATA")
	if data == "" {
		data = "data"
	}
	return cmd.Flags().String("data", data, "data folder (VOLENTI_DATA)")
}

// withDatabase opens the database for one command. The folder must be there:
// whoever mistypes its name would otherwise publish into a new, empty one.
func withDatabase(ctx context.Context, folder string, do func(*store.DB) error) error {
	return withFolder(ctx, folder, openDatabase, do)
}

// withAnyDatabase is withDatabase for what openUnchecked opens.
func withAnyDatabase(ctx context.Context, folder string, do func(*store.DB) error) error {
	return withFolder(ctx, folder, openUnchecked, do)
}

func withFolder(ctx context.Context, folder string, open func(context.Context, string) (*store.DB, error), do func(*store.DB) error) (err error) {
	if _, err := os.Stat(folder); err != nil {
		return usage(fmt.Errorf("data folder %s: %w; start the server once, or make it with: mkdir -m 700 %s", folder, err, folder))
	}
	db, err := open(ctx, folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return do(db)
}
