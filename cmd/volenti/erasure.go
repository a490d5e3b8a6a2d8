package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/store"
)

func erasureCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "erasure", Short: "Erase and restrict records, and carry erasures over to copies"}
	cmd.AddCommand(erasureRunCommand(), erasureExportCommand(), erasureReapplyCommand(), restrictCommand(), unrestrictCommand(), restrictionsCommand())
	return cmd
}

func erasureRunCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run RECEIPT...",
		Short: "Erase the records of receipts of a site",
		Long: `Erase records. Without --how each goes as the site's settings say (volenti retention
set); --how minimised removes who decided and keeps what was decided, shredded removes
both. An entry of the log says how many, and why. Nothing brings it back.`,
		Example: `  volenti erasure run --site shop --reason child 0123456789abcdef0123456789abcdef`,
		Args:    cobra.MinimumNArgs(1),
	}
	data := dataFlag(cmd)
	key := cmd.Flags().String("site", "", "site of the records")
	how := cmd.Flags().String("how", "", "minimised or shredded (default: as the site's settings say)")
	reason := cmd.Flags().String("reason", string(consent.ReasonRequested), "requested, child or operator")
	_ = cmd.MarkFlagRequired("site")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		why, way := consent.Reason(*reason), consent.Erasure(*how)
		if why == consent.ReasonChild || why != consent.ReasonRequested && way == "" {
			if way == consent.Minimised && why == consent.ReasonChild {
				return usage(errors.New("of a child nothing is kept: leave --how out"))
			}
			way = consent.Shredded
		}
		if err := why.Check(); err != nil || why == consent.ReasonRetention {
			return usage(fmt.Errorf("--reason %q: write requested, child or operator", *reason))
		}
		if way != "" {
			if err := way.Check(); err != nil {
				return usage(fmt.Errorf("--how %q: %w", *how, err))
			}
		}
		return withDatabase(cmd.Context(), *data, func(db *store.DB) error {
			ctx, now := cmd.Context(), time.Now().UTC()
			if _, err := db.Site(ctx, *key); err != nil {
				return usage(err)
			}
			var shredded, minimised consent.Erased
			var err error
			switch way {
			case "":
				shredded, minimised, err = db.EraseOfVisitor(ctx, *key, args, now)
			case consent.Minimised:
				minimised, err = db.EraseRecords(ctx, *key, args, way, why, now)
			default:
				shredded, err = db.EraseRecords(ctx, *key, args, way, why, now)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%d shredded, %d minimised, %d not there\n", len(shredded.Leaves), len(minimised.Leaves), len(shredded.Unknown)+len(minimised.Unknown))
			if err != nil {
				return err
			}
			return scrubbed(cmd, db)
		})
	}
	return cmd
}

// scrubbed empties the write-ahead log, or says that the server will.
func scrubbed(cmd *cobra.Command, db *store.DB) error {
	err := db.Scrub(cmd.Context())
	if errors.Is(err, consent.ErrReaders) {
		fmt.Fprintln(cmd.ErrOrStderr(), err.Error()+"; run volenti erasure run again, or leave it to the server")
		return nil
	}
	return err
}

func erasureReapplyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reapply FILE...",
		Short: "Erase again, in a database brought back by other means, what was erased since",
		Long: `Erase again what lists of volenti erasure export name, in a database that was brought
back by other means than volenti restore: PostgreSQL from an archive, or a replica of
Litestream. A leaf that is another one there, or none yet, is not touched. Stop the
servers first, so that nobody reads what is to go.`,
		Example: `  volenti erasure reapply erasures.ndjson`,
		Args:    cobra.MinimumNArgs(1),
	}
	data := dataFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		erased, err := readErasures(args)
		if err != nil {
			return err
		}
		db, err := openUnchecked(cmd.Context(), *data) // it does not continue the log as it was signed
		if err != nil {
			return err
		}
		again, err := db.Reapply(cmd.Context(), erased)
		if err == nil {
			err = noteCommand(cmd.Context(), db, time.Now(), "", "erasure.reapply", strings.Join(args, " "), fmt.Sprintf("%d records erased again", again))
		}
		if err == nil {
			err = db.Scrub(cmd.Context())
		}
		if err := errors.Join(err, db.Close()); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%d records were erased again\n", again)
		return nil
	}
	return cmd
}

func erasureExportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write which leaves of the log were erased, to be erased in backups too",
		Long: `Write one line of JSON for each leaf of the log whose record was erased. It names
nobody. Keep the newest list apart from the backups: volenti restore --erasures erases
in a backup what was erased after it was made.`,
		Example: `  volenti erasure export -o /var/backups/erasures.ndjson`,
		Args:    cobra.NoArgs,
	}
	data := dataFlag(cmd)
	path := cmd.Flags().StringP("output", "o", "-", "file to write; - is standard output")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return withDatabase(cmd.Context(), *data, func(db *store.DB) (err error) {
			out := cmd.OutOrStdout()
			if *path != "-" {
				making := *path + ".making"
				file, err := os.OpenFile(making, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
				if err != nil {
					return usage(err)
				}
				if err := errors.Join(writeErasures(cmd, db, file), file.Sync(), file.Close()); err != nil {
					return err
				}
				return os.Rename(making, *path)
			}
			return writeErasures(cmd, db, out)
		})
	}
	return cmd
}

func writeErasures(cmd *cobra.Command, db *store.DB, out io.Writer) error {
	w := bufio.NewWriter(out)
	lines := json.NewEncoder(w)
	if err := db.Erasures(cmd.Context(), func(e consent.ErasedLeaf) error { return lines.Encode(e) }); err != nil {
		return err
	}
	return w.Flush()
}

func restrictCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restrict RECEIPT...",
		Short: "Hide records from everybody but erasure and audits",
		Example: `  volenti erasure restrict --site shop --ground contested 0123456789abcdef0123456789abcdef
  volenti erasure unrestrict --site shop 17 --why "examined: it is accurate"`,
		Args: cobra.MinimumNArgs(1),
	}
	data := dataFlag(cmd)
	key := cmd.Flags().String("site", "", "site of the records")
	ground := cmd.Flags().String("ground", "", "contested, unlawful, claims, objection or deletion")
	_ = cmd.MarkFlagRequired("site")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := consent.Ground(*ground).Check(); err != nil {
			return usage(fmt.Errorf("--ground %q: %w", *ground, err))
		}
		return withDatabase(cmd.Context(), *data, func(db *store.DB) error {
			now := time.Now().UTC()
			if _, err := db.Site(cmd.Context(), *key); err != nil {
				return usage(err)
			}
			leaves, err := db.Restrict(cmd.Context(), *key, args, consent.Ground(*ground), now)
			if err != nil {
				return err
			}
			if err := noteCommand(cmd.Context(), db, now, *key, "record.restrict", fmt.Sprintf("%d records", len(leaves)), *ground); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d restricted: leaves %v\n", len(leaves), leaves)
			return err
		})
	}
	return cmd
}

func unrestrictCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "unrestrict LEAF...",
		Short: "Let records be read again; an act that the audit log keeps",
		Args:  cobra.MinimumNArgs(1),
	}
	data := dataFlag(cmd)
	key := cmd.Flags().String("site", "", "site of the records")
	why := cmd.Flags().String("why", "", "why, in one line; nothing personal")
	_ = cmd.MarkFlagRequired("site")
	_ = cmd.MarkFlagRequired("why")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		leaves := make([]int64, len(args))
		for i, text := range args {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return usage(fmt.Errorf("%q is no leaf: volenti erasure restrictions lists them", text))
			}
			leaves[i] = n
		}
		return withDatabase(cmd.Context(), *data, func(db *store.DB) error {
			lifted, err := db.Unrestrict(cmd.Context(), *key, leaves, operator.Act{At: time.Now().UTC(), Operator: byCommand, Detail: *why})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d restrictions lifted\n", len(lifted))
			return err
		})
	}
	return cmd
}

// restrictionOut is a restriction as --json writes it.
type restrictionOut struct {
	Leaf   int64          `json:"leaf"`
	Ground consent.Ground `json:"ground"`
	Since  time.Time      `json:"since"`
}

func restrictionsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "restrictions", Short: "List the restricted records of a site, by leaf", Args: cobra.NoArgs}
	data, asJSON := dataFlag(cmd), jsonFlag(cmd)
	key := cmd.Flags().String("site", "", "site of the records")
	_ = cmd.MarkFlagRequired("site")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return withDatabase(cmd.Context(), *data, func(db *store.DB) error {
			all, err := db.Restrictions(cmd.Context(), *key)
			if err != nil {
				return err
			}
			list := make([]restrictionOut, len(all))
			for i, r := range all {
				list[i] = restrictionOut{r.Index, r.Ground, r.Since}
			}
			if *asJSON {
				return writeJSON(cmd.OutOrStdout(), list)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "LEAF\tGROUND\tSINCE")
			for _, r := range list {
				fmt.Fprintf(w, "%d\t%s\t%s\n", r.Leaf, r.Ground, r.Since.Format(time.DateOnly))
			}
			return w.Flush()
		})
	}
	return cmd
}
