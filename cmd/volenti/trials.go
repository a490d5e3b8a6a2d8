package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/store"
)

func trialsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trials SITE",
		Short: "Compare how the first layers of the current notice are answered",
		Long: `Compare how the first layers of a site's current notice are answered: the notice as
it is, and its trials. What was shown is a count of the server's answers; what was
decided is counted as it is recorded; each record names the script that was shown.
Nobody is followed. Intervals hold the true share in 95 of 100 cases.`,
		Args: cobra.ExactArgs(1),
	}
	data := dataFlag(cmd)
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return withDatabase(cmd.Context(), *data, func(db *store.DB) error {
			publication, err := db.Current(cmd.Context(), args[0])
			if err != nil {
				return fmt.Errorf("site %s: %w", args[0], err)
			}
			if err := db.CountEarlier(cmd.Context()); err != nil {
				return err
			}
			all, err := consent.CompareTrials(cmd.Context(), db, publication, time.Now())
			if err != nil {
				return err
			}
			if *asJSON {
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetIndent("", "  ")
				return e.Encode(all)
			}
			return printTrials(cmd.OutOrStdout(), args[0], publication, all)
		})
	}
	return cmd
}

// printTrials lists what was shown; a surface that nobody met is left out.
func printTrials(w io.Writer, site string, p *notice.Publication, all []consent.Answered) error {
	fmt.Fprintf(w, "site %s, notice %s of %s\n", site, p.Notice.Short(), p.PublishedAt.Format(time.RFC3339))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "LAW\tTRIAL\tPERCENT\tSHOWN\tDECIDED\tACCEPTED\tREJECTED\tSAVED\tREAD")
	rows := 0
	for _, a := range all {
		if a.Shown == 0 && a.Decided.Count == 0 {
			continue
		}
		rows++
		name := a.Trial
		if name == "" {
			name = "(the notice)"
		}
		cells := make([]string, 0, 5)
		for _, p := range []notice.Proportion{a.Decided, a.Accepted, a.Rejected, a.Saved, a.Acknowledged} {
			cells = append(cells, fmt.Sprintf("%d = %.1f %% [%.1f–%.1f]", p.Count, 100*p.Rate, 100*p.Low, 100*p.High))
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%s\n", a.Surface, name, a.Percent, a.Shown, strings.Join(cells, "\t"))
	}
	if rows == 0 {
		fmt.Fprintln(w, "nothing was counted yet: it is while the notice has trials")
		return nil
	}
	return table.Flush()
}
