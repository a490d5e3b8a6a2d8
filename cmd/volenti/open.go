package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/store"
	"github.com/volenti-consent/volenti/server/transparency"
)

// A home is where an installation lives: in a folder with a database and keys, or in a
// PostgreSQL database that holds both; then the folder is for what a node alone has seen.
type home struct {
	data string

	dsn     string // "" unless PostgreSQL
	dsnFile string // file with dsn
	secret  string // file with the secret under which the keys in that database are sealed
}

// An installation is a home, opened: the database and the keys.
type installation struct {
	home
	db      *store.DB
	keys    consent.KeyStore
	keyring *consent.Keyring
	secrets consent.Secrets
	console consent.ConsoleSecrets
	state   string // of the keys, before they were read
	now     func() time.Time

	followers []func(*installation) error // told when keys were changed
}

// open makes what is missing on the first start.
func open(ctx context.Context, p home) (_ *installation, err error) {
	if err := os.MkdirAll(p.data, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w; name one that can be written with --data", err)
	}
	in := &installation{home: p, now: time.Now}
	if in.db, err = openDatabase(ctx, p); err != nil {
		return nil, err
	}
	if err := in.openKeys(); err != nil {
		return nil, errors.Join(err, in.db.Close())
	}
	return in, nil
}

func (in *installation) openKeys() (err error) {
	if in.keys, err = in.keyStore(in.db); err != nil {
		return err
	}
	in.state, _ = in.keys.KeyState() // before they are read: what changes meanwhile is read again
	if in.keyring, err = consent.OpenKeyring(in.keys, rand.Reader); err != nil {
		return fmt.Errorf("signing keys: %w", err)
	}
	return in.readSecrets()
}

func (in *installation) readSecrets() (err error) {
	if in.secrets, err = consent.OpenSecrets(in.keys, rand.Reader); err != nil {
		return fmt.Errorf("secrets: %w", err)
	}
	if in.console, err = consent.OpenConsoleSecrets(in.keys, rand.Reader); err != nil {
		return fmt.Errorf("secrets of the console: %w", err)
	}
	return nil
}

func (in *installation) close() error { return in.db.Close() }

func keysFolder(data string) string { return filepath.Join(data, "keys") }

// keyStore is where the keys of the place stand.
func (p home) keyStore(db *store.DB) (consent.KeyStore, error) {
	if !p.shared() {
		return consent.KeyFolder(keysFolder(p.data)), nil
	}
	secret, err := p.keySecret()
	if err != nil {
		return nil, err
	}
	return consent.NewSealedKeys(db, secret), nil
}

// shared reports whether several nodes may share it.
func (p home) shared() bool { return p.dsn != "" || p.dsnFile != "" }

// connection is the connection string, "" for SQLite.
func (p home) connection() (string, error) {
	if p.dsnFile == "" {
		return p.dsn, nil
	}
	text, err := readSecret(p.dsnFile)
	if err == nil && text == "" {
		err = fmt.Errorf("%s is empty", p.dsnFile)
	}
	if err != nil {
		return "", usage(fmt.Errorf("store.dsn_file: %w", err))
	}
	return text, nil
}

// check refuses what contradicts itself or is missing.
func (p home) check() error {
	if p.dsn != "" && p.dsnFile != "" {
		return errors.New("store.dsn and store.dsn_file are both said; take one out")
	}
	if !p.shared() {
		if p.secret != "" {
			return errors.New("keys.secret_file counts only with store.dsn: on SQLite the keys lie in a folder; take it out")
		}
		return nil
	}
	if _, err := p.connection(); err != nil {
		return err
	}
	_, err := p.keySecret()
	return err
}

// secretVariable holds the secret itself, for platforms that hand secrets over so.
const secretVariable = "VOLENTI_KEYS_SECRET" //nolint:gosec // its name

// keySecret is the secret under which the keys of a shared database are sealed.
func (p home) keySecret() (*consent.KeySecret, error) {
	text, err := readSecret(p.secret)
	if err != nil {
		return nil, usage(fmt.Errorf("keys.secret_file: %w", err))
	}
	if text == "" {
		text = os.Getenv(secretVariable)
	}
	if text == "" {
		return nil, usage(errors.New("store.dsn needs a secret, under which the keys in that database are sealed, and there is none: make one with volenti key secret, and give every node the file with keys.secret_file"))
	}
	secret, err := consent.ParseKeySecret(text)
	if err != nil {
		return nil, usage(fmt.Errorf("%w, and give every node the file with keys.secret_file", err))
	}
	return secret, nil
}

// withKeys is for commands on keys alone.
func withKeys(ctx context.Context, p home, do func(consent.KeyStore) error) error {
	if !p.shared() {
		if err := p.exists(); err != nil {
			return err
		}
		keys, err := p.keyStore(nil)
		if err != nil {
			return err
		}
		return do(keys)
	}
	return withAnyDatabase(ctx, p, func(db *store.DB) error {
		keys, err := p.keyStore(db)
		if err != nil {
			return err
		}
		return do(keys)
	})
}

// exists refuses a folder that is not there: whoever mistypes its name would otherwise
// publish into a new, empty one.
func (p home) exists() error {
	if p.shared() {
		return nil
	}
	if _, err := os.Stat(p.data); err != nil {
		return usage(fmt.Errorf("data folder %s: %w; start the server once, or make it with: mkdir -m 700 %s", p.data, err, p.data))
	}
	return nil
}

// openDatabase refuses a database that does not continue what was signed of its log.
func openDatabase(ctx context.Context, p home) (*store.DB, error) {
	db, err := openUnchecked(ctx, p)
	if err != nil {
		return nil, err
	}
	keys, err := p.keyStore(db)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	key, err := consent.ReadLogKey(keys)
	if err == nil || consent.NoLogKey(err) {
		err = transparency.Check(ctx, db, key, p.pinnedFile())
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// openUnchecked is for commands that look into a database that may have been altered.
func openUnchecked(ctx context.Context, p home) (*store.DB, error) {
	var db *store.DB
	dsn, err := p.connection()
	switch {
	case err != nil:
	case dsn != "":
		db, err = store.OpenPostgres(ctx, dsn, store.Options{})
	default:
		db, err = store.Open(ctx, p.file(), store.Options{})
	}
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	return db, nil
}

// openToRead opens the database as it is: nothing is checked, mended or written.
func (p home) openToRead(ctx context.Context) (*store.DB, error) {
	dsn, err := p.connection()
	switch {
	case err != nil:
		return nil, err
	case dsn != "":
		return store.OpenPostgresToRead(ctx, dsn, store.Options{})
	}
	return store.OpenToRead(ctx, p.file(), store.Options{})
}

// file is the database of a folder.
func (p home) file() string { return filepath.Join(p.data, "volenti.db") }

func (p home) pinnedFile() string { return filepath.Join(p.data, transparency.PinnedFile) }

// dataFlag are the flags of commands that work on an installation.
func dataFlag(cmd *cobra.Command) *home {
	p := &home{data: os.Getenv("VOLENTI_DATA")}
	if p.data == "" {
		p.data = "data"
	}
	cmd.Flags().StringVar(&p.data, "data", p.data, "data folder (VOLENTI_DATA)")
	cmd.Flags().StringVar(&p.dsn, "store-dsn", os.Getenv("VOLENTI_STORE_DSN"), "connection string of PostgreSQL instead (VOLENTI_STORE_DSN)")
	cmd.Flags().StringVar(&p.dsnFile, "store-dsn-file", os.Getenv("VOLENTI_STORE_DSN_FILE"), "file with it (VOLENTI_STORE_DSN_FILE)")
	cmd.Flags().StringVar(&p.secret, "keys-secret-file", os.Getenv("VOLENTI_KEYS_SECRET_FILE"), "secret of the keys there (VOLENTI_KEYS_SECRET_FILE)")
	// A password that stands in the environment is not to be printed as a default.
	cmd.Flags().Lookup("store-dsn").DefValue = ""
	cmd.PreRun = func(cmd *cobra.Command, _ []string) {
		for _, s := range strays(os.Environ()) { // what is meant may be another database
			fmt.Fprintln(cmd.ErrOrStderr(), "volenti:", s)
		}
	}
	return p
}

// withDatabase opens the database for one command.
func withDatabase(ctx context.Context, p home, do func(*store.DB) error) error {
	return p.with(ctx, openDatabase, do)
}

// withAnyDatabase is withDatabase for what openUnchecked opens.
func withAnyDatabase(ctx context.Context, p home, do func(*store.DB) error) error {
	return p.with(ctx, openUnchecked, do)
}

func (p home) with(ctx context.Context, open func(context.Context, home) (*store.DB, error), do func(*store.DB) error) (err error) {
	if err := p.exists(); err != nil {
		return err
	}
	db, err := open(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return do(db)
}
