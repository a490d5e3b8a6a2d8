package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/server/retention"
	"github.com/volenti-consent/volenti/server/store"
)

func retentionCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "retention", Short: "How long records are kept, and what went because its time was over"}
	cmd.AddCommand(retentionShowCommand(), retentionSetCommand(), retentionRunCommand(), retentionLogCommand())
	return cmd
}

// retentionOut are a site's settings as --json writes them.
type retentionOut struct {
	Records    int              `json:"records"` // months
	Laws       map[string]int   `json:"laws"`
	Statistics int              `json:"statistics"`
	Erasure    retention.Policy `json:"erasure"`
}

func retentionShowCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "show SITE", Short: "Say how long a site keeps what it keeps", Args: cobra.ExactArgs(1)}
	data, asJSON := dataFlag(cmd), jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return withDatabase(cmd.Context(), *data, func(db *store.DB) error {
			if _, err := db.Site(cmd.Context(), args[0]); err != nil {
				return usage(err)
			}
			s, err := db.Retention(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if *asJSON {
				return writeJSON(cmd.OutOrStdout(), retentionOut(s))
			}
			return showRetention(cmd.OutOrStdout(), s)
		})
	}
	return cmd
}

func showRetention(out io.Writer, s retention.Settings) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "records\t%d months after they ceased to count\n", s.Records)
	for law, months := range s.Laws {
		fmt.Fprintf(w, "records under %s\t%d months\n", law, months)
	}
	if s.Statistics == 0 {
		fmt.Fprintln(w, "statistics\tstay: they name nobody")
	} else {
		fmt.Fprintf(w, "statistics\t%d months\n", s.Statistics)
	}
	fmt.Fprintf(w, "requests for erasure\t%s\n", map[retention.Policy]string{
		retention.ByNeed:      "minimise what still proves a consent, shred all else",
		retention.ShredAll:    "shred everything",
		retention.MinimiseAll: "minimise everything",
	}[s.Erasure])
	return w.Flush()
}

func retentionSetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "set SITE",
		Short:   "Change how long a site keeps what it keeps; what is not named stays",
		Example: `  volenti retention set shop --records 24 --law us-ca-ccpa=48 --erasure shred`,
		Args:    cobra.ExactArgs(1),
	}
	data := dataFlag(cmd)
	records := cmd.Flags().Int("records", 0, "months that a record is kept after it ceased to count")
	laws := cmd.Flags().StringArray("law", nil, "ROW=MONTHS for records made under a row of the law table; ROW= takes it back; may be repeated")
	statistics := cmd.Flags().Int("statistics", 0, "months that counters are kept; 0: for good")
	erasure := cmd.Flags().String("erasure", "", "how requests for erasure are answered: by-need, shred or minimise")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		table, err := regime.Load()
		if err != nil {
			return err
		}
		return withDatabase(cmd.Context(), *data, func(db *store.DB) error {
			ctx := cmd.Context()
			if _, err := db.Site(ctx, args[0]); err != nil {
				return usage(err)
			}
			s, err := db.Retention(ctx, args[0])
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("records") {
				s.Records = *records
			}
			if cmd.Flags().Changed("statistics") {
				s.Statistics = *statistics
			}
			if *erasure != "" {
				s.Erasure = retention.Policy(*erasure)
			}
			for _, text := range *laws {
				law, months, ok := strings.Cut(text, "=")
				n, wrong := strconv.Atoi(months)
				switch {
				case ok && months == "":
					delete(s.Laws, law)
				case !ok || wrong != nil:
					return usage(fmt.Errorf("--law %q: write it as us-ca-ccpa=48", text))
				default:
					s.Laws[law] = n
				}
			}
			known := func(law string) bool { _, ok := table.Row(law); return ok }
			if err := s.Validate(known); err != nil {
				return usage(err)
			}
			if err := db.SetRetention(ctx, args[0], s); err != nil {
				return err
			}
			if err := noteCommand(ctx, db, time.Now(), args[0], "retention.change", args[0], s.Summary()); err != nil {
				return err
			}
			return showRetention(cmd.OutOrStdout(), s)
		})
	}
	return cmd
}

// removalOut is a removal as --json writes it.
type removalOut struct {
	At         time.Time      `json:"at"`
	Site       string         `json:"site,omitempty"`
	Kind       retention.Kind `json:"kind"`
	Law        string         `json:"law,omitempty"`
	Months     int            `json:"months"`
	Count      int            `json:"count"`
	Tombstones []int64        `json:"tombstones,omitempty"` // leaves of the log
}

func writeRemovals(out io.Writer, all []retention.Removal, asJSON bool) error {
	list := make([]removalOut, len(all))
	for i, r := range all {
		list[i] = removalOut{r.At, r.Site, r.Kind, r.Law, r.Months, r.Count, r.Tombstones}
	}
	if asJSON {
		return writeJSON(out, list)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "WHEN\tSITE\tWHAT\tCOUNT\tWHY")
	for _, r := range list {
		why := fmt.Sprintf("%d months after it ended", r.Months)
		if r.Law != "" {
			why += ", under " + r.Law
		}
		if r.Kind == retention.Sessions {
			why = "ended, or a week old"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\n", r.At.Format("2006-01-02 15:04"), r.Site, r.Kind, r.Count, why)
	}
	return w.Flush()
}

func retentionRunCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Remove what is over; the server does it once a day",
		Long: `Remove what is over, in batches that let decisions pass. With --dry-run it lists what
would go and why, and does nothing.`,
		Example: `  volenti retention run --dry-run`,
		Args:    cobra.NoArgs,
	}
	data, asJSON := dataFlag(cmd), jsonFlag(cmd)
	sites := cmd.Flags().StringArray("site", nil, "only this site; may be repeated")
	dry := cmd.Flags().Bool("dry-run", false, "only list what would go")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return withDatabase(cmd.Context(), *data, func(db *store.DB) error {
			ctx := cmd.Context()
			job := &retention.Job{Store: db, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
			if !*dry {
				due, err := job.Run(ctx, true, *sites...)
				if err != nil {
					return err
				}
				total := 0
				for _, r := range due {
					total += r.Count
				}
				bar := newProgress(cmd.ErrOrStderr(), "removed", total)
				defer bar.end()
				job.Step = func(n int) {
					for range n {
						bar.step()
					}
				}
			}
			all, err := job.Run(ctx, *dry, *sites...)
			if err != nil {
				return err
			}
			if len(all) == 0 && !*asJSON {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "nothing is over")
				return err
			}
			return writeRemovals(cmd.OutOrStdout(), all, *asJSON)
		})
	}
	return cmd
}

func retentionLogCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "log", Short: "List what was removed, when and why", Args: cobra.NoArgs}
	data, asJSON := dataFlag(cmd), jsonFlag(cmd)
	key := cmd.Flags().String("site", "", "only this site")
	most := cmd.Flags().Int("most", 1000, "how many lines, the newest first")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return withDatabase(cmd.Context(), *data, func(db *store.DB) error {
			all, err := db.Removals(cmd.Context(), *key, *most)
			if err != nil {
				return err
			}
			return writeRemovals(cmd.OutOrStdout(), all, *asJSON)
		})
	}
	return cmd
}

// keepRetention runs the job beside the server. The first run waits until those who
// came to a server that has just started are served.
func keepRetention(ctx context.Context, in *installation, log *slog.Logger) {
	(&retention.Job{Store: in.db, Now: in.now, Log: log}).Keep(ctx, 2*time.Minute)
}
