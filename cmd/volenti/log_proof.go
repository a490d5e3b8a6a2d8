package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/store"
)

func logCheckpointCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "checkpoint",
		Short: "Print the newest checkpoint of the log, to be kept elsewhere",
		Long: `Print the newest checkpoint that the log has signed, with the cosignatures of its
witnesses. Whoever keeps it elsewhere can have shown later that nothing under it was
changed: volenti log audit --checkpoint FILE.`,
		Example: `  volenti log checkpoint > checkpoint.txt`,
		Args:    cobra.NoArgs,
	}
	data := dataFlag(cmd)
	size := cmd.Flags().Int64("size", -1, "the checkpoint of so many leaves, instead of the newest")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return withReader(cmd.Context(), *data, func(db *store.DB) error {
			c, err := db.LatestCheckpoint(cmd.Context())
			if *size >= 0 {
				c, err = db.CheckpointOf(cmd.Context(), *size)
			}
			if errors.Is(err, auditlog.ErrNoCheckpoint) {
				return fmt.Errorf("%w; the server signs one a second after the log has grown", err)
			}
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(c.Note)
			return err
		})
	}
	return cmd
}

func logConsistencyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "consistency OLD NEW",
		Short: "Prove that one checkpoint continues another",
		Long: `Prove that the log at one checkpoint is the log at an earlier one with leaves added
and none changed, removed or reordered. OLD and NEW are files with checkpoints, or
sizes of which the log has one. The proof (RFC 6962, 2.1.2) is printed, and verified.`,
		Example: `  volenti log consistency mailed-last-month.txt 48211`,
		Args:    cobra.ExactArgs(2),
	}
	data, asJSON := dataFlag(cmd), jsonFlag(cmd)
	logKeys := cmd.Flags().StringArray("log-key", nil, "public key of the log (name+hash+key, or a file with it); may be repeated")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return withReader(cmd.Context(), *data, func(db *store.DB) error {
			keys, err := logVerifiersOf(db, *data, *logKeys)
			if err != nil {
				return err
			}
			var pair [2]auditlog.Checkpoint
			for i, arg := range args {
				if size, err := strconv.ParseInt(arg, 10, 64); err == nil {
					if pair[i], err = db.CheckpointOf(cmd.Context(), size); err != nil {
						return usage(fmt.Errorf("%s leaves: %w", arg, err))
					}
				} else if pair[i], err = givenCheckpoint(arg, keys); err != nil {
					return err
				}
			}
			old, later := pair[0], pair[1]
			if old.Head.Size > later.Head.Size {
				old, later = later, old
			}
			head, err := db.Head(cmd.Context())
			if err != nil {
				return err
			}
			if later.Head.Size > head.Size {
				return invalid(fmt.Errorf("the log has %d leaves, and a checkpoint is of %d: %w", head.Size, later.Head.Size, auditlog.ErrConsistency))
			}
			proof, err := auditlog.ProveConsistency(db.Hashes(cmd.Context()), old.Head, later.Head)
			if err == nil {
				err = auditlog.CheckConsistency(proof, old.Head, later.Head)
			}
			if err != nil {
				return invalid(err)
			}
			out := consistencyOut{Old: headOf(old.Head), New: headOf(later.Head), Proof: make([]string, len(proof))}
			for i, h := range proof {
				out.Proof[i] = h.String()
			}
			if *asJSON {
				return writeJSON(cmd.OutOrStdout(), out)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "old  %d  %s\nnew  %d  %s\n", out.Old.Size, out.Old.Root, out.New.Size, out.New.Root)
			for _, h := range out.Proof {
				fmt.Fprintln(cmd.OutOrStdout(), h)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "consistent")
			return err
		})
	}
	return cmd
}

// consistencyOut is a proof of consistency as --json writes it. Hashes are base64.
type consistencyOut struct {
	Old   headOut  `json:"old"`
	New   headOut  `json:"new"`
	Proof []string `json:"proof"`
}

type headOut struct {
	Size int64  `json:"size"`
	Root string `json:"root"`
}

func headOf(h auditlog.Head) headOut { return headOut{h.Size, h.Root.String()} }

func logProofCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "proof ID",
		Short: "Print the proof that a receipt is in the log",
		Long: `Print the proof that a receipt is in the log under the newest checkpoint, as a file
of c2sp.org/tlog-proof@v1. ID is that of the receipt, or the number of a leaf.`,
		Example: `  volenti log proof 5f0c9f2f6f8f4f0c9f2f6f8f4f0c9f2f > receipt.tlog-proof`,
		Args:    cobra.ExactArgs(1),
	}
	data := dataFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return withReader(cmd.Context(), *data, func(db *store.DB) error {
			leaf, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || consent.IsReceiptID(args[0]) {
				if leaf, err = db.LeafOf(cmd.Context(), args[0]); errors.Is(err, consent.ErrUnknownReceipt) {
					return usage(fmt.Errorf("%w: %s", err, args[0]))
				} else if err != nil {
					return err
				}
			}
			c, err := db.LatestCheckpoint(cmd.Context())
			if err != nil {
				return err
			}
			hashes, err := auditlog.ProveInclusion(db.Hashes(cmd.Context()), c.Head, leaf)
			if errors.Is(err, auditlog.ErrNotInLog) {
				return fmt.Errorf("%w under the newest checkpoint, of %d leaves; the server signs one a second after the log has grown", err, c.Head.Size)
			}
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(auditlog.Proof{Index: leaf, Hashes: hashes, Checkpoint: c.Note}.Encode())
			return err
		})
	}
	return cmd
}

func logVerifyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Check a checkpoint or a proof offline, with nothing but the log's public key",
		Long: `Check a checkpoint, or a proof of inclusion (c2sp.org/tlog-proof@v1), offline. A proof
is of a receipt (--receipt) or of a leaf (--leaf). With --checkpoint the proof must be
under that one, which somebody kept. Nothing is asked of any server.`,
		Example: `  volenti log verify receipt.tlog-proof --receipt volenti-receipt.json --log-key log.vkey`,
		Args:    cobra.ExactArgs(1),
	}
	logKey := cmd.Flags().String("log-key", "", "public key of the log (name+hash+key, or a file with it)")
	witnesses := cmd.Flags().StringArray("witness", nil, "public key of a witness that must have cosigned; may be repeated")
	receipt := cmd.Flags().String("receipt", "", "file with the receipt that the proof is of")
	leafText := cmd.Flags().String("leaf", "", "the leaf that the proof is of, in base64 or hexadecimal digits")
	under := cmd.Flags().String("checkpoint", "", "file with the checkpoint that the proof must be under")
	_ = cmd.MarkFlagRequired("log-key")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		text, err := os.ReadFile(args[0])
		if err != nil {
			return usage(err)
		}
		v := verification{file: args[0], text: text}
		if v.log, err = verifierOf(*logKey); err != nil {
			return err
		}
		for _, w := range *witnesses {
			key, err := verifierOf(w)
			if err != nil {
				return err
			}
			v.witnesses = append(v.witnesses, key)
		}
		if err := v.leafOf(*receipt, *leafText); err != nil {
			return err
		}
		if *under != "" {
			if v.under, err = os.ReadFile(*under); err != nil {
				return usage(err)
			}
		}
		return v.run(cmd.OutOrStdout())
	}
	return cmd
}
