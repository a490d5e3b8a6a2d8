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
		Long: `Put a backup in the place of the database of a data folder. What was erased after the
backup was made is erased in it before anybody can read it: by the database that is
replaced, where it can still be read, and by lists of volenti erasure export. Where
there is neither, the restore is refused.

The server must be stopped. The database that is replaced stays in the folder, under
another name; remove it when you need it no more, since no erasure reaches it.

A restored database does not continue the log as it was signed: volenti serve refuses
it until volenti log accept has said so in the log.`,
		Example: `  volenti restore /var/backups/volenti-monday.db --erasures erasures.ndjson`,
		Args:    cobra.ExactArgs(1),
	}
	data := dataFlag(cmd)
	lists := cmd.Flags().StringArray("erasures", nil, "list of volenti erasure export; may be repeated")
	none := cmd.Flags().Bool("nothing-erased", false, "nothing was erased since the backup was made: go on without the old database and without a list")
	phrase := passphraseFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		if data.shared() {
			return usage(errors.New("PostgreSQL is restored by its own means (see docs/scale.md): then erase again with volenti erasure reapply, and run volenti log accept"))
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
		r := restoration{data: data.data, from: args[0], out: cmd.OutOrStdout(), erased: erased, known: len(*lists) > 0 || *none}
		if err := r.readOld(ctx); err != nil {
			return err
		}
		if err := r.keys(cmd.InOrStdin(), b.Keys, *phrase); err != nil {
			return err
		}
		return r.replace(ctx, b)
	}
	return cmd
}

// A restoration is one under way.
type restoration struct {
	data, from string
	out        io.Writer
	erased     []consent.ErasedLeaf
	known      bool // what was erased since is known, or said to be nothing
	old        bool // there is a database to replace
}

func (r *restoration) database() string { return filepath.Join(r.data, "volenti.db") }

// readOld takes over what was erased in the database that is replaced.
func (r *restoration) readOld(ctx context.Context) error {
	if _, err := os.Stat(r.database()); errors.Is(err, os.ErrNotExist) {
		if !r.known {
			return usage(errors.New("there is no database to be replaced, so nothing says what was erased since the backup: name a list of volenti erasure export with --erasures, or say --nothing-erased"))
		}
		return nil
	} else if err != nil {
		return err
	}
	r.old = true
	idle, err := store.Idle(ctx, r.database())
	if err == nil && !idle {
		return usage(fmt.Errorf("%s is in use: stop the server first", r.database()))
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

// keys puts the keys of a backup where there are none.
func (r *restoration) keys(in io.Reader, sealed []byte, phrase string) error {
	_, err := os.Stat(keysFolder(r.data))
	switch {
	case err == nil:
		return nil // those that are there stay
	case !errors.Is(err, os.ErrNotExist):
		return err
	case sealed == nil:
		fmt.Fprintln(r.out, "the backup has no keys and the folder has none: put the old ones into", keysFolder(r.data), "or new ones are made at the next start")
		return nil
	}
	pass, err := readPassphrase(in, phrase)
	if err != nil {
		return err
	}
	packed, err := openKeys(sealed, pass)
	if err != nil {
		return err
	}
	return unpackFolder(packed, keysFolder(r.data))
}

// replace makes the new database beside the old one and exchanges them.
func (r *restoration) replace(ctx context.Context, b store.Backup) (err error) {
	making := filepath.Join(r.data, "restoring")
	if err := os.Mkdir(making, 0o700); err != nil {
		return usage(fmt.Errorf("%w; an earlier restore may have broken off: remove %s then", err, making))
	}
	defer func() { err = errors.Join(err, os.RemoveAll(making)) }()
	path := filepath.Join(making, "volenti.db")
	if err := copyFile(path, r.from); err != nil {
		return err
	}
	if err := store.Unpack(ctx, path); err != nil {
		return err
	}
	// What was signed since the backup is for the next start to hold against it.
	db, err := openUnchecked(ctx, home{data: making})
	if err != nil {
		return err
	}
	again, err := db.Reapply(ctx, r.erased)
	if err == nil {
		err = noteCommand(ctx, db, time.Now(), "", "database.restore", b.At.Format(time.RFC3339), fmt.Sprintf("%d leaves, %d records erased again", b.Head.Size, again))
	}
	if err == nil {
		err = db.Scrub(ctx)
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	if r.old {
		aside := r.database() + ".replaced"
		if _, err := os.Stat(aside); err == nil {
			return usage(fmt.Errorf("%s is there from an earlier restore: move it away or remove it", aside))
		}
		if err := os.Rename(r.database(), aside); err != nil {
			return err
		}
		fmt.Fprintf(r.out, "the database that was there is now %s; no erasure reaches it: remove it when you need it no more\n", aside)
	}
	if err := os.Rename(path, r.database()); err != nil {
		return err
	}
	// As the witness it was it could now contradict what it has cosigned since.
	if err := consent.ForgetWitnessKey(consent.KeyFolder(keysFolder(r.data))); err != nil {
		return err
	}
	_, err = fmt.Fprintf(r.out, "restored the backup of %s: %d leaves; %d records were erased again\nnext: volenti log audit, then volenti log accept --why \"…\"\n",
		b.At.Format("2006-01-02 15:04 UTC"), b.Head.Size, again)
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
