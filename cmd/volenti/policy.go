package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/server/store"
)

func policyCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "policy", Short: "Legal texts and their versions"}
	cmd.AddCommand(policyImportCommand(), policyListCommand())
	return cmd
}

func policyImportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Publish a text (Markdown, HTML, plain or an archived extraction) as the next version",
		Long: `Publish a text as the next version of a policy. The bytes of the file are kept
as they are; the canonical text made of them is hashed, shown and named by
receipts. A version never changes: to correct one, import another.

A material change is told to visitors who decided under an earlier version: once,
in a small note with the summary and a link to the versions. --grace-days says how much
later than new visitors it binds them; it delays neither a stop nor a question.`,
		Example: `  volenti policy import privacy.md --site shop --policy privacy --effective 2026-12-01
  volenti policy import privacy.md --site shop --material --grace-days 14 \
    --summary "en=Orders are kept for five years instead of seven." --summary "de=Bestellungen werden fünf statt sieben Jahre aufbewahrt."`,
		Args: cobra.ExactArgs(1),
	}
	data := dataFlag(cmd)
	siteKey := cmd.Flags().String("site", "", "site key")
	policy := cmd.Flags().String("policy", "privacy", "policy key, such as privacy or cookies")
	language := cmd.Flags().String("language", "en", "language of the text (BCP 47)")
	effective := cmd.Flags().String("effective", "", "day it takes effect, in the site's time zone: 2026-12-01 (default: now)")
	material := cmd.Flags().Bool("material", false, "visitors who know an earlier version are told of the change")
	summaries := cmd.Flags().StringArray("summary", nil, `what changed, for visitors, by language: "en=We keep orders for five years." (repeatable)`)
	summaryFile := cmd.Flags().String("summary-file", "", `the same from a JSON file: {"en": "…", "de": "…"}`)
	grace := cmd.Flags().Int("grace-days", 0, "days by which known visitors are bound later than new ones")
	_ = cmd.MarkFlagRequired("site")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		raw, err := os.ReadFile(args[0])
		if err != nil {
			return usage(err)
		}
		draft, err := policyversions.Import(raw, args[0])
		if err != nil {
			return invalid(err)
		}
		draft.Language = *language
		draft.Material, draft.Grace = *material, time.Duration(*grace)*24*time.Hour
		if draft.Summary, err = summaryOf(*summaries, *summaryFile); err != nil {
			return usage(err)
		}
		return withDatabase(cmd.Context(), *data, func(db *store.DB) error {
			s, err := db.Site(cmd.Context(), *siteKey)
			if errors.Is(err, site.ErrUnknown) {
				return usage(fmt.Errorf("there is no site %s; add it first: volenti site add %[1]s", *siteKey))
			} else if err != nil {
				return err
			}
			from := time.Now()
			if *effective != "" {
				if from, err = time.ParseInLocation(time.DateOnly, *effective, s.Location()); err != nil {
					return usage(fmt.Errorf("--effective %q is not a day such as 2026-12-01", *effective))
				}
			}
			p := policyversions.Publisher{Store: db, Now: time.Now}
			v, err := p.Publish(cmd.Context(), s.Key, *policy, draft, from)
			if errors.Is(err, policyversions.ErrBadAnnouncement) {
				return usage(err)
			} else if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "%s/%s version %d: %q\n  digest     %s\n  in force   %s\n  address    /policies/%[1]s/%[2]s/versions/%[3]d\n",
				v.Site, v.Policy, v.Number, v.Title, v.Digest, v.Effective.In(s.Location()).Format("2 January 2006 15:04 MST"))
			if v.Material {
				fmt.Fprintf(out, "  material   known visitors are told from then on, and bound from %s\n", v.Binds().In(s.Location()).Format("2 January 2006 15:04 MST"))
			}
			for _, change := range draft.Changes {
				fmt.Fprintf(out, "  tidied     %s (%d)\n", change.What, change.Count)
			}
			return nil
		})
	}
	return cmd
}

// summaryOf reads what visitors are told, by language: from the flags, and from a
// file of a JSON object, each language once.
func summaryOf(flags []string, file string) (map[string]string, error) {
	all := map[string]string{}
	if file != "" {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(raw, &all); err != nil {
			return nil, fmt.Errorf(`--summary-file %s: %w; write {"en": "…"}`, file, err)
		}
	}
	for _, text := range flags {
		language, summary, ok := strings.Cut(text, "=")
		if language = strings.TrimSpace(language); !ok || language == "" {
			return nil, fmt.Errorf(`--summary %q: write the language first, such as "en=We keep orders for five years."`, text)
		}
		if _, twice := all[language]; twice {
			return nil, fmt.Errorf("--summary: %s is there twice", language)
		}
		all[language] = summary
	}
	return all, nil
}

func policyListCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the versions of a policy", Args: cobra.NoArgs}
	data := dataFlag(cmd)
	siteKey := cmd.Flags().String("site", "", "site key")
	policy := cmd.Flags().String("policy", "privacy", "policy key")
	_ = cmd.MarkFlagRequired("site")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return withDatabase(cmd.Context(), *data, func(db *store.DB) error {
			all, err := db.Versions(cmd.Context(), *siteKey, *policy)
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "VERSION\tIN FORCE FROM\tDIGEST\tMATERIAL\tTITLE")
			for _, v := range all {
				material := "-"
				if v.Material {
					material = "yes"
				}
				fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\n", v.Number, v.Effective.Format(time.DateOnly), v.Digest.Short(), material, v.Title)
			}
			return w.Flush()
		})
	}
	return cmd
}
