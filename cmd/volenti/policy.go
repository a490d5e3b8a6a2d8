package main

import (
	"errors"
	"fmt"
	"os"
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
receipts. A version never changes: to correct one, import another.`,
		Example: `  volenti policy import privacy.md --site shop --policy privacy --effective 2026-12-01`,
		Args:    cobra.ExactArgs(1),
	}
	data := dataFlag(cmd)
	siteKey := cmd.Flags().String("site", "", "site key")
	policy := cmd.Flags().String("policy", "privacy", "policy key, such as privacy or cookies")
	language := cmd.Flags().String("language", "en", "language of the text (BCP 47)")
	effective := cmd.Flags().String("effective", "", "day it takes effect, in the site's time zone: 2026-12-01 (default: now)")
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
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "%s/%s version %d: %q\n  digest     %s\n  in force   %s\n  address    /policies/%[1]s/%[2]s/versions/%[3]d\n",
				v.Site, v.Policy, v.Number, v.Title, v.Digest, v.Effective.In(s.Location()).Format("2 January 2006 15:04 MST"))
			for _, change := range draft.Changes {
				fmt.Fprintf(out, "  tidied     %s (%d)\n", change.What, change.Count)
			}
			return nil
		})
	}
	return cmd
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
			fmt.Fprintln(w, "VERSION\tIN FORCE FROM\tDIGEST\tTITLE")
			for _, v := range all {
				fmt.Fprintf(w, "%d\t%s\t%s\t%s\n", v.Number, v.Effective.Format(time.DateOnly), v.Digest.Short(), v.Title)
			}
			return w.Flush()
		})
	}
	return cmd
}
