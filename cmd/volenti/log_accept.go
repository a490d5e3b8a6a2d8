package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/store"
	"github.com/volenti-consent/volenti/server/transparency"
)

func logAcceptCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "accept",
		Short: "Go on with a database that does not continue its log",
		Long: `Go on with a database that does not continue what was signed of its log, such as a
backup that was restored. An entry of the log says so for good, and the checkpoint
that was signed before is kept as evidence. Proofs handed out since the backup do not
verify against what is signed from here on, and witnesses refuse the log: it has been
forked. With --origin the log begins again under a new name and key, which witnesses
can be told; proofs of before keep the old ones.

Stop the server first.`,
		Args: cobra.NoArgs,
	}
	data := dataFlag(cmd)
	why := cmd.Flags().String("why", "", "what happened, in one line; it is kept for good")
	origin := cmd.Flags().String("origin", "", "new name of the log, such as consent.example.com/log-2")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *why == "" {
			return usage(errors.New(`say what happened, for whoever audits this: --why "restored the backup of 21 November"`))
		}
		return withAnyDatabase(cmd.Context(), *data, func(db *store.DB) error {
			a, err := acceptLog(cmd.Context(), db, *data, *origin, *why)
			if errors.Is(err, transparency.ErrNothing) {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "nothing to accept: the database continues its log")
				return err
			}
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if len(a.Before.Note) > 0 {
				fmt.Fprintf(out, "before: %s, %d leaves, %s\n", a.Before.Origin, a.Before.Head.Size, a.Before.Head.Root)
			}
			fmt.Fprintf(out, "now:    %s, %d leaves, %s\n", a.Now.Origin, a.Now.Head.Size, a.Now.Head.Root)
			if *origin == "" {
				fmt.Fprintln(out, "witnesses of this log refuse it from now on; give it a new name with --origin to be witnessed again")
			}
			return nil
		})
	}
	return cmd
}

// acceptLog goes on with the database of a folder as it is; transparency.ErrNothing
// where it continues its log and shall keep its name.
func acceptLog(ctx context.Context, db *store.DB, p home, origin, why string) (transparency.Accepted, error) {
	var none transparency.Accepted
	keys, err := p.keyStore(db)
	if err != nil {
		return none, err
	}
	key, err := consent.ReadLogKey(keys)
	missing := consent.NoLogKey(err)
	if err != nil && !missing {
		return none, err
	}
	if origin == "" {
		err := transparency.Check(ctx, db, key, p.pinnedFile())
		if err == nil {
			return none, transparency.ErrNothing
		}
		if missing {
			return none, usage(fmt.Errorf("%w\nThe key is lost, so the log needs a new name: --origin", err))
		}
		if key.Origin() != originOf(ctx, db, p, key.Origin()) {
			return none, usage(fmt.Errorf("%w\nkeys/log.key is that of another log, so this one needs a new name: --origin", err))
		}
	} else {
		named := !missing && origin == key.Origin()
		if named && originOf(ctx, db, p, origin) == origin {
			return none, usage(fmt.Errorf("the log is called %s already; a fork that keeps its name is told from the log by nobody", origin))
		}
		if !named { // else an earlier call broke off after it had made the key
			if key, err = consent.RenewLogKey(keys, origin, rand.Reader); err != nil {
				return none, usage(err)
			}
		}
	}
	// What this server has cosigned of others may be rolled back too: as the witness it
	// was, it could now sign what contradicts that.
	if err := consent.ForgetWitnessKey(keys); err != nil {
		return none, err
	}
	return transparency.Accept(ctx, db, key, p.pinnedFile(), byCommand, why, time.Now().UTC().Truncate(time.Millisecond))
}

// originOf is the name that the log was signed under, as far as is known.
func originOf(ctx context.Context, db *store.DB, p home, or string) string {
	if c, err := transparency.ReadPinned(p.pinnedFile()); err == nil {
		return c.Origin
	}
	if c, err := db.LatestCheckpoint(ctx); err == nil {
		return c.Origin
	}
	return or
}
