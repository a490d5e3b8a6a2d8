package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/store"
)

func policyHistoryCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "history", Short: "Earlier versions from an archive"}
	cmd.AddCommand(historyImportCommand())
	return cmd
}

func historyImportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import PATH",
		Short: "Import a folder of dated files, or the git history of one, as versions",
		Long: `Import what was in force before it came here. PATH is a folder of files with a day
in their names (2019-04-01.md, privacy-20200229.html), or with --git FILE a
repository in which FILE changed: each commit that changed it is a version, of the
author's day. Days begin in the site's time zone. A folder that "volenti policy
export" wrote comes back whole: with translations, the language of each text, and
what visitors were told of a change.

All documents are read before any is published: one that is missing in the middle
can't be put there later. A text that says what the one before it says is passed
over. An import that was broken off goes on where it was, and one that is repeated
does nothing.`,
		Example: `  volenti policy history import ./privacy-policies --site shop --policy privacy --dry-run
  volenti policy history import ./terms-archive --git "Shop/Privacy Policy.md" --site shop`,
		Args: cobra.ExactArgs(1),
	}
	flags, asJSON := addPolicyFlags(cmd), jsonFlag(cmd)
	language := cmd.Flags().String("language", "en", "language of the texts (BCP 47)")
	file := cmd.Flags().String("git", "", "file within the repository PATH whose history it is")
	dryRun := cmd.Flags().Bool("dry-run", false, "say what would be done, and do nothing")
	_ = cmd.MarkFlagRequired("site")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		past, passed, err := readPast(cmd, args[0], *file)
		if err != nil {
			return err
		}
		return withDatabase(cmd.Context(), *flags.data, func(db *store.DB) error {
			h := history{db: db, flags: flags, language: *language, dryRun: *dryRun}
			if err := h.run(cmd, past); err != nil {
				return err
			}
			return h.report(cmd.OutOrStdout(), passed, *asJSON)
		})
	}
	return cmd
}

func readPast(cmd *cobra.Command, path, file string) (past []policyversions.Past, passed []string, err error) {
	if folder := os.DirFS(path); file != "" {
		past, err = gitPast(cmd, path, file)
	} else if policyversions.IsExport(folder) {
		past, err = policyversions.Exported(folder)
	} else {
		past, passed, err = policyversions.Dated(folder)
	}
	if err != nil {
		return nil, nil, usage(fmt.Errorf("%s: %w", path, err))
	}
	return past, passed, nil
}

// A history is an import on its way.
type history struct {
	db       *store.DB
	flags    policyFlags
	language string
	dryRun   bool
	zone     *time.Location // of the site
	rows     []historyRow
}

// A historyRow says what became of one document.
type historyRow struct {
	Name    string                  `json:"name"`
	Day     string                  `json:"day"`
	Fate    policyversions.Fate     `json:"outcome"`
	Number  int                     `json:"number,omitempty"` // of the version it became
	Title   string                  `json:"title"`
	Digest  canonical.Digest        `json:"digest"`
	Format  string                  `json:"format"`
	Notes   []string                `json:"notes,omitempty"` // of the archive, about the text
	Changes []policyversions.Change `json:"changes"`
}

func (h *history) run(cmd *cobra.Command, past []policyversions.Past) error {
	ctx := cmd.Context()
	s, err := siteOf(ctx, h.db, *h.flags.site)
	if err != nil {
		return err
	}
	h.zone = s.Location()
	kept, err := h.db.Versions(ctx, s.Key, *h.flags.policy)
	if err != nil && !errors.Is(err, policyversions.ErrUnknownPolicy) {
		return err
	}
	reading := newProgress(cmd.ErrOrStderr(), "reading", len(past))
	steps, err := policyversions.Plan(past, kept, h.language, s.Location(), reading.step)
	reading.end()
	if errors.Is(err, policyversions.ErrBadLanguage) {
		return usage(err)
	}
	if err != nil {
		return invalid(fmt.Errorf("nothing was published; mend or move away:\n%w", err))
	}
	publishing := newProgress(cmd.ErrOrStderr(), "publishing", len(steps))
	defer publishing.end()
	for _, step := range steps {
		row := historyRow{Name: step.Name, Day: step.Day, Fate: step.Fate, Title: step.Draft.Title, Digest: step.Digest,
			Format: step.Draft.Format, Notes: step.Draft.Provenance, Changes: step.Draft.Changes}
		if step.Fate == policyversions.Publishes && !h.dryRun {
			if row.Number, err = h.publish(ctx, step); err != nil {
				return published(fmt.Errorf("%s: %w; what came before it is published: the same command goes on from here", step.Name, err))
			}
		}
		h.rows = append(h.rows, row)
		publishing.step()
	}
	return nil
}

func (h *history) publish(ctx context.Context, step policyversions.Step) (int, error) {
	v, err := policyversions.Publisher{Store: h.db, Zone: h.zone}.PublishTexts(ctx, *h.flags.site, *h.flags.policy, byCommand, step.Effective, step.Draft, step.Translations...)
	if err != nil {
		return 0, err
	}
	return v.Number, noteCommand(ctx, h.db, v.PublishedAt, v.Site, "policy.publish", fmt.Sprintf("%s %d", v.Policy, v.Number), "")
}

func (h *history) report(out io.Writer, passed []string, asJSON bool) error {
	count := map[policyversions.Fate]int{}
	for _, r := range h.rows {
		count[r.Fate]++
	}
	if asJSON {
		if passed == nil {
			passed = []string{}
		}
		err := writeJSON(out, struct {
			DryRun bool         `json:"dry_run"`
			Texts  []historyRow `json:"texts"`
			Passed []string     `json:"passed"` // files without a day in their names
		}{h.dryRun, h.rows, passed})
		return errors.Join(err, h.tooLate(count))
	}
	says := map[policyversions.Fate]string{policyversions.SameText: "says what the one before it says; passed over", policyversions.IsThere: "is there already", policyversions.TooLate: "a version of a later day is there; not published"}
	for _, r := range h.rows {
		said := says[r.Fate]
		switch {
		case said != "":
		case h.dryRun:
			said = "would be published"
		default:
			said = fmt.Sprintf("version %d", r.Number)
		}
		fmt.Fprintf(out, "%s  %s: %s\n", r.Day, filepath.Base(r.Name), said)
		if r.Fate != policyversions.Publishes {
			continue
		}
		for _, n := range r.Notes {
			n, _, _ = strings.Cut(n, "\n")
			fmt.Fprintf(out, "            set aside: %s\n", n)
		}
		for _, c := range r.Changes {
			fmt.Fprintf(out, "            %s (%d)\n", c.What, c.Count)
		}
	}
	for _, name := range passed {
		fmt.Fprintf(out, "            %s: no day in its name; left alone\n", name)
	}
	verb := "published"
	if h.dryRun {
		verb = "to publish"
	}
	fmt.Fprintf(out, "%d %s, %d said nothing new, %d there already, %d came too late\n", count[policyversions.Publishes], verb,
		count[policyversions.SameText], count[policyversions.IsThere], count[policyversions.TooLate])
	return h.tooLate(count)
}

func (h *history) tooLate(count map[policyversions.Fate]int) error {
	if count[policyversions.TooLate] == 0 {
		return nil
	}
	return invalid(fmt.Errorf("%d texts lie before a version that is there, and versions are numbered in the order of their days: import a history before what follows it", count[policyversions.TooLate]))
}
