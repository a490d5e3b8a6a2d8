package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/store"
)

func restoreCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup in the place of the database, and erase again what was erased since",
		Long: `Put a backup in the place of the database of a data folder, or with --store-dsn into a
PostgreSQL database that is empty. A backup of either engine goes into either. What was
erased after the backup was made is erased in it before anybody can read it: by the
database that is replaced, where it can still be read, and by lists of volenti erasure
export. Where there is neither, the restore is refused.

The server must be stopped. The database that is replaced stays in the folder, under
another name; remove it when you need it no more, since no erasure reaches it. Into
PostgreSQL it goes by way of the data folder, which needs room for it, and every row
is compared.

The keys are those that are there. Where there are none they are those in the backup,
sealed with a passphrase, or with the secret of --keys-secret-file.

A restored database does not continue the log as it was signed: volenti serve refuses
it until volenti log accept has said so in the log.`,
		Example: `  volenti restore /var/backups/volenti-monday.db --erasures erasures.ndjson
  volenti restore /var/backups/volenti-monday.db --erasures erasures.ndjson --store-dsn-file /etc/volenti/dsn --keys-secret-file /etc/volenti/keys.secret`,
		Args: cobra.ExactArgs(1),
	}
	data := dataFlag(cmd)
	lists := cmd.Flags().StringArray("erasures", nil, "list of volenti erasure export; may be repeated")
	none := cmd.Flags().Bool("nothing-erased", false, "nothing was erased since the backup was made: go on without the old database and without a list")
	phrase := passphraseFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		if err := data.check(); data.shared() && err != nil {
			return usage(err)
		}
		b, err := store.ReadBackup(ctx, args[0])
		switch {
		case errors.Is(err, store.ErrNoBackup), errors.Is(err, os.ErrNotExist):
			return usage(err)
		case err != nil:
			return invalid(err)
		}
		erased, err := readErasures(*lists)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(data.data, 0o700); err != nil {
			return err
		}
		r := restoration{home: *data, from: args[0], backup: b, in: cmd.InOrStdin(), phrase: *phrase,
			out: cmd.OutOrStdout(), told: cmd.ErrOrStderr(), erased: erased, known: len(*lists) > 0 || *none}
		if data.shared() {
			return r.refill(ctx)
		}
		if err := r.readOld(ctx); err != nil {
			return err
		}
		return r.replace(ctx)
	}
	return cmd
}

// A restoration is one under way.
type restoration struct {
	home
	from      string // the file
	backup    store.Backup
	in        io.Reader
	phrase    string // file with the passphrase of the keys
	out, told io.Writer
	erased    []consent.ErasedLeaf
	known     bool // what was erased since is known, or said to be nothing
	old       bool // there is a database to replace
}

// readOld takes over what was erased in the database that is replaced.
func (r *restoration) readOld(ctx context.Context) error {
	if _, err := os.Stat(r.file()); errors.Is(err, os.ErrNotExist) {
		if !r.known {
			return usage(errors.New("there is no database to be replaced, so nothing says what was erased since the backup: name a list of volenti erasure export with --erasures, or say --nothing-erased"))
		}
		return nil
	} else if err != nil {
		return err
	}
	r.old = true
	idle, err := store.Idle(ctx, r.file())
	if err == nil && !idle {
		return usage(fmt.Errorf("%s is in use: stop the server first", r.file()))
	}
	var db *store.DB
	if err == nil {
		db, err = openUnchecked(ctx, home{data: r.data})
	}
	if err == nil {
		err = db.Erasures(ctx, func(e consent.ErasedLeaf) error { r.erased = append(r.erased, e); return nil })
		err = errors.Join(err, db.Close())
	}
	if err != nil && !r.known {
		return fmt.Errorf("the database that is replaced can't say what was erased since the backup: %w; name a list of volenti erasure export with --erasures, or say --nothing-erased", err)
	}
	if err != nil {
		fmt.Fprintln(r.out, "the database that is replaced can't be read; what it says of erasures is left out:", err)
	}
	return nil
}

// prepare makes an ordinary database of the backup, in which is erased again what was
// erased since, and calls use with it: it is in a folder that goes afterwards.
func (r *restoration) prepare(ctx context.Context, use func(making home, again int) error) (err error) {
	making := home{data: filepath.Join(r.data, "restoring")}
	if err := os.Mkdir(making.data, 0o700); err != nil {
		return usage(fmt.Errorf("%w; an earlier restore may have broken off: remove %s then", err, making.data))
	}
	defer func() { err = errors.Join(err, os.RemoveAll(making.data)) }()
	if err := copyFile(making.file(), r.from); err != nil {
		return err
	}
	if err := store.Unpack(ctx, making.file()); err != nil {
		return err
	}
	// What was signed since the backup is for the next start to hold against it.
	db, err := openUnchecked(ctx, making)
	if err != nil {
		return err
	}
	again, err := db.Reapply(ctx, r.erased)
	if err == nil {
		err = noteCommand(ctx, db, time.Now(), "", "database.restore", r.backup.At.Format(time.RFC3339), fmt.Sprintf("%d leaves, %d records erased again", r.backup.Head.Size, again))
	}
	if err == nil {
		err = db.Scrub(ctx)
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	return use(making, again)
}

// replace makes the new database beside the old one and exchanges them.
func (r *restoration) replace(ctx context.Context) error {
	keys := consent.KeyFolder(keysFolder(r.data))
	return r.prepare(ctx, func(making home, again int) error {
		if err := r.keys(ctx, keys, making); err != nil {
			return err
		}
		if r.old {
			aside := r.file() + ".replaced"
			if _, err := os.Stat(aside); err == nil {
				return usage(fmt.Errorf("%s is there from an earlier restore: move it away or remove it", aside))
			}
			if err := os.Rename(r.file(), aside); err != nil {
				return err
			}
			fmt.Fprintf(r.out, "the database that was there is now %s; no erasure reaches it: remove it when you need it no more\n", aside)
		}
		if err := os.Rename(making.file(), r.file()); err != nil {
			return err
		}
		return r.done(keys, again)
	})
}

// done ends a restoration.
func (r *restoration) done(keys consent.KeyStore, again int) error {
	// As the witness it was it could now contradict what it has cosigned since.
	if err := consent.ForgetWitnessKey(keys); err != nil {
		return err
	}
	_, err := fmt.Fprintf(r.out, "restored the backup of %s: %d leaves; %d records were erased again\nnext: volenti log audit, then volenti log accept --why \"…\"\n",
		r.backup.At.Format("2006-01-02 15:04 UTC"), r.backup.Head.Size, again)
	return err
}

func copyFile(to, from string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

// readErasures reads lists of volenti erasure export.
func readErasures(paths []string) (all []consent.ErasedLeaf, _ error) {
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, usage(err)
		}
		lines := bufio.NewScanner(bytes.NewReader(text))
		for n := 1; lines.Scan(); n++ {
			if len(bytes.TrimSpace(lines.Bytes())) == 0 {
				continue
			}
			var e consent.ErasedLeaf
			err := json.Unmarshal(lines.Bytes(), &e)
			if err = errors.Join(err, e.Check()); err != nil {
				return nil, invalid(fmt.Errorf("%s:%d: not a line of volenti erasure export: %w", path, n, err))
			}
			all = append(all, e)
		}
		if err := lines.Err(); err != nil {
			return nil, invalid(fmt.Errorf("%s: %w", path, err))
		}
	}
	return all, nil
}
