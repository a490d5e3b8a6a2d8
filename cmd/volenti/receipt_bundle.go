package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/bundle"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/transparency"
)

// bundles makes what makes evidence bundles of an installation.
func bundles(in *installation, log *transparency.Log) *bundle.Maker {
	return &bundle.Maker{Records: in.db, Scripts: in.db, Versions: in.db, Prove: log.Proof, LogKey: log.Key.VerifierKey(), Keys: in.keyring.Public,
		Tokens: consent.NewTokens(in.secrets.Token...)}
}

func receiptBundleCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bundle ID",
		Short: "Write all that a receipt stands on into one file, for whoever has to judge it",
		Long: `Write the evidence of a receipt into a zip: the receipt, the policies and the notice
as they were, the banner as it was shown, the row of the law, the keys, the proof
that it is in the log, and a README in plain words. It is checked without this
server: by volenti receipt verify, by the page in it, or by hand.

--checkpoint proves it under a checkpoint of the log that somebody kept, instead of
the newest: that shows that nothing in the bundle is younger than what they hold.
Where it is from before the receipt, the bundle is proven under the newest, and
carries that checkpoint and the proof that the log continues it.`,
		Example: `  volenti receipt bundle 3f2c… --site shop --out evidence.zip
  volenti receipt bundle 3f2c… --site shop --out evidence.zip --checkpoint mailed-last-month.txt`,
		Args: cobra.ExactArgs(1),
	}
	data := dataFlag(cmd)
	site := cmd.Flags().String("site", "", "site key")
	out := cmd.Flags().StringP("out", "o", "", "file to write")
	kept := cmd.Flags().String("checkpoint", "", "file with a checkpoint of the log that somebody kept, to prove the receipt under")
	for _, name := range []string{"site", "out"} {
		_ = cmd.MarkFlagRequired(name)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if err := data.exists(); err != nil {
			return err
		}
		in, err := open(cmd.Context(), *data)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, in.close()) }()
		log, err := logOf(in)
		if err != nil {
			return err
		}
		maker := bundles(in, log)
		if *kept != "" {
			c, err := givenCheckpoint(*kept, []note.Verifier{log.Key.Verifier()})
			if err != nil {
				return err
			}
			maker.Prove = func(ctx context.Context, index int64) ([]byte, error) { return log.ProofUnder(ctx, index, c) }
		}
		zip, err := maker.Bundle(cmd.Context(), *site, args[0])
		if errors.Is(err, auditlog.ErrNotInLog) && *kept != "" { // it is from before the receipt, or before a policy's entry
			maker = bundles(in, log)
			if maker.Earlier, err = os.ReadFile(*kept); err != nil {
				return usage(err)
			}
			maker.Continue = func(ctx context.Context, earlier, later auditlog.Head) (tlog.TreeProof, error) {
				proof, err := auditlog.ProveConsistency(in.db.Hashes(ctx), earlier, later)
				if err == nil {
					err = auditlog.CheckConsistency(proof, earlier, later)
				}
				if errors.Is(err, auditlog.ErrConsistency) {
					return nil, invalid(fmt.Errorf("the log does not continue the checkpoint in %s: %w", *kept, err))
				}
				return proof, err
			}
			zip, err = maker.Bundle(cmd.Context(), *site, args[0])
		}
		if errors.Is(err, consent.ErrUnknownReceipt) {
			return usage(fmt.Errorf("site %s has no receipt %s: it is another site's, was erased, or never was", *site, args[0]))
		}
		if err != nil {
			return err
		}
		if err := os.WriteFile(*out, zip, 0o600); err != nil {
			return usage(err)
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d bytes; check it with: volenti receipt verify %s\n", *out, len(zip), filepath.Base(*out))
		return err
	}
	return cmd
}

// verifyBundle checks an evidence bundle with what came from elsewhere.
func verifyBundle(w io.Writer, name string, zip []byte, keys consent.PublicKeys, logKeyFile, checkpointFile, consistencyFile string) error {
	t := bundle.Trust{Keys: keys}
	if logKeyFile != "" {
		b, err := os.ReadFile(logKeyFile)
		if err != nil {
			return usage(err)
		}
		t.LogKey = string(b)
	}
	if checkpointFile != "" {
		var err error
		if t.Checkpoint, err = os.ReadFile(checkpointFile); err != nil {
			return usage(err)
		}
	}
	if consistencyFile != "" {
		var err error
		if t.Consistency, err = os.ReadFile(consistencyFile); err != nil {
			return usage(err)
		}
		if t.Checkpoint == nil {
			return usage(errors.New("--consistency proves that the log continues a checkpoint: give that with --checkpoint"))
		}
	}
	report := bundle.VerifyArchive(zip, t)
	_, printed := report.WriteTo(w)
	if err := report.Err(); err != nil {
		return invalid(fmt.Errorf("%s does not verify", name))
	}
	return printed
}

// readBounded reads a file of at most the size of a bundle.
func readBounded(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, usage(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, bundle.MaxArchive+1))
	if err != nil {
		return nil, usage(err)
	}
	if len(b) > bundle.MaxArchive {
		return nil, usage(fmt.Errorf("%s is larger than %d MiB: that is no bundle and no receipt", name, bundle.MaxArchive>>20))
	}
	return b, nil
}

// logOf is the log of an installation as a command sees it: it signs what the server
// has not signed yet, under the key that the server made.
func logOf(in *installation) (*transparency.Log, error) {
	key, err := consent.ReadLogKey(in.keys)
	if consent.NoLogKey(err) {
		return nil, usage(errors.New("this log has no key yet: start the server once, which makes it"))
	}
	if err != nil {
		return nil, err
	}
	return transparency.New(transparency.Options{Store: in.db, Key: key, Log: slog.New(slog.DiscardHandler), Now: time.Now, Pinned: in.pinnedFile()}), nil
}
