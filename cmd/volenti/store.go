package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/splice"
	"github.com/volenti-consent/volenti/server/store"
	"github.com/volenti-consent/volenti/server/transparency"
)

func storeCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "store", Short: "Where everything is kept"}
	cmd.AddCommand(storeMigrateCommand())
	return cmd
}

func storeMigrateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Move a running installation from its file to PostgreSQL",
		Long: `Move the installation of a data folder to an empty PostgreSQL database, while it serves.
First it is audited; then it is copied and compared, row by row, beside the server, in
rounds: each takes what came during the one before. When little is left decisions are
refused for a moment (503 with Retry-After: pages keep them and try again): that little is
copied, and what was written meanwhile is compared once more. Last the old one is sealed:
it stays, and takes nothing any more.

It can be broken off, and run again. Until it has ended the new database serves nobody,
and where something is found that is not the same, nothing has changed.

The keys of the folder are put into the new database, sealed under the secret of
--keys-secret-file (volenti key secret). Afterwards start the server with store.dsn_file
and keys.secret_file instead of the folder.`,
		Example: `  volenti store migrate --data /var/lib/volenti --to-file /etc/volenti/dsn --keys-secret-file /etc/volenti/keys.secret`,
		Args:    cobra.NoArgs,
	}
	data := dataFlag(cmd)
	to := cmd.Flags().String("to", "", "connection string of the new database")
	toFile := cmd.Flags().String("to-file", "", "file with it, so that its password is in no list of processes")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if data.shared() {
			return usage(errors.New("store.dsn names where it is now: an installation is moved from a data folder; leave store.dsn out"))
		}
		target := home{data: data.data, dsn: *to, dsnFile: *toFile, secret: data.secret}
		if !target.shared() {
			return usage(errors.New("say where to with --to or --to-file"))
		}
		if err := target.check(); err != nil {
			return usage(err)
		}
		if err := data.exists(); err != nil {
			return err
		}
		return migrate(cmd.Context(), *data, target, cmd.OutOrStdout(), cmd.ErrOrStderr())
	}
	return cmd
}

func migrate(ctx context.Context, from, target home, out, told io.Writer) (err error) {
	source, err := store.Open(ctx, from.file(), store.Options{Moving: true})
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	dsn, err := target.connection()
	if err != nil {
		return err
	}
	db, err := store.OpenPostgres(ctx, dsn, store.Options{Moving: true})
	if err != nil {
		return fmt.Errorf("new database: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	keys, err := target.keyStore(db)
	if err != nil {
		return err
	}
	if _, err := consent.CopyKeys(keys, consent.KeyFolder(keysFolder(from.data))); err != nil && !errors.Is(err, consent.ErrKeysThere) {
		return fmt.Errorf("keys: %w", err)
	}
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	began, stopped := time.Now(), time.Time{}
	bars := newBars(told)
	m := &store.Move{From: source, To: db,
		Progress: bars.reach,
		Sound: func(ctx context.Context) error {
			fmt.Fprintln(told, "what is there is audited first")
			return sound(ctx, source, from, bars, told)
		},
		Round: func(round int, left int64, last bool) {
			if last && left > store.FewLeaves {
				fmt.Fprintf(told, "the server records as fast as it is copied: %d entries are left after round %d, and decisions are refused for as long as those take\n", left, round)
			} else {
				fmt.Fprintf(told, "round %d is copied and compared; %d entries came meanwhile\n", round, left)
			}
		},
		Stopped: func() {
			stopped = time.Now()
			fmt.Fprintln(told, "decisions are refused from now on; pages keep them")
		},
		Check: func(context.Context) error {
			// A key may have been rotated since they were copied; now nothing is signed any more.
			if err := consent.MirrorKeys(keys, consent.KeyFolder(keysFolder(from.data))); err != nil {
				return fmt.Errorf("keys: %w", err)
			}
			return nil
		},
	}
	rows, err := m.Run(ctx, hex.EncodeToString(b[:]))
	bars.end()
	if errors.Is(err, store.ErrMoveTarget) || errors.Is(err, store.ErrMoved) {
		return usage(err)
	}
	if err != nil {
		return err
	}
	refused := time.Duration(0)
	if !stopped.IsZero() {
		refused = time.Since(stopped)
	}
	_, err = fmt.Fprintf(out, "moved: %d records, %d leaves, in %s; decisions were refused for %s\n%s is sealed and kept; no erasure reaches it: remove it, and the keys beside it, when you need them no more\n",
		rows["record"], rows["log_leaf"], time.Since(began).Round(time.Millisecond), refused.Round(time.Millisecond), from.file())
	return err
}

// errUnsound: a move would carry on what was altered.
var errUnsound = errors.New("what is there does not hold, and nothing was moved: restore a backup that holds (volenti log audit says of one whether it does)")

// sound audits an installation that is to be moved.
func sound(ctx context.Context, db *store.DB, from home, b *bars, told io.Writer) (err error) {
	keys := consent.KeyFolder(keysFolder(from.data))
	o := store.Auditing{Encoded: splice.Verify, Progress: func(done, total int64) { b.reach("audit", done, total) }}
	if o.Receipts, err = consent.ReadPublicKeys(keys); err != nil {
		return err
	}
	if o.Log, err = logVerifiers(keys, nil); err != nil {
		return err
	}
	if c, err := transparency.ReadPinned(from.pinnedFile()); err == nil {
		o.Outside = append(o.Outside, c)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	a, err := db.AuditAll(ctx, o)
	if err != nil {
		return err
	}
	for _, f := range a.Findings {
		fmt.Fprintln(told, "FOUND", f.Error())
	}
	if len(a.Findings) > 0 {
		return invalid(errUnsound)
	}
	return nil
}
