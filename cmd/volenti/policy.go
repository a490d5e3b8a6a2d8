package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/server/store"
)

func policyCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "policy", Short: "Legal texts and their versions"}
	cmd.AddCommand(policyPublishCommand(), policyListCommand(), policyDiffCommand(), policyLintCommand(), policyHistoryCommand(), policyExportCommand())
	return cmd
}

// policyFlags say which policy a command is about.
type policyFlags struct {
	data         *home
	site, policy *string
}

func addPolicyFlags(cmd *cobra.Command) policyFlags {
	return policyFlags{
		data:   dataFlag(cmd),
		site:   cmd.Flags().String("site", "", "site key"),
		policy: cmd.Flags().String("policy", "privacy", "policy key, such as privacy or cookies"),
	}
}

// jsonFlag is the flag of commands whose output programs read.
func jsonFlag(cmd *cobra.Command) *bool {
	return cmd.Flags().Bool("json", false, "write JSON, for programs")
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// siteOf is the site a command names.
func siteOf(ctx context.Context, db *store.DB, key string) (site.Site, error) {
	s, err := db.Site(ctx, key)
	if errors.Is(err, site.ErrUnknown) {
		return site.Site{}, usage(fmt.Errorf("there is no site %q; add it first: volenti site add %[1]s", key))
	}
	return s, err
}

// published turns what a caller can mend into a usage error.
func published(err error) error {
	for _, theirs := range []error{
		policyversions.ErrUnknownPolicy, policyversions.ErrUnknownVersion, policyversions.ErrBackdated, policyversions.ErrNotApproved,
		policyversions.ErrBadAnnouncement, policyversions.ErrBadKey, policyversions.ErrBadLanguage,
	} {
		if errors.Is(err, theirs) {
			return usage(err)
		}
	}
	return err
}

// readDraft imports a file; "-" is standard input.
func readDraft(in io.Reader, path, language string) (policyversions.Draft, error) {
	var raw []byte
	var err error
	if path == "-" {
		raw, err = io.ReadAll(io.LimitReader(in, policyversions.MaxDocument+1))
	} else {
		raw, err = os.ReadFile(path)
	}
	if err != nil {
		return policyversions.Draft{}, usage(err)
	}
	d, err := policyversions.Import(raw, path)
	if err != nil {
		return d, invalid(fmt.Errorf("%s: %w", path, err))
	}
	d.Language = language
	return d, nil
}

// versionOut is a version as --json writes it; times are RFC 3339.
type versionOut struct {
	Site         string            `json:"site"`
	Policy       string            `json:"policy"`
	Number       int               `json:"number"`
	Title        string            `json:"title"`
	Language     string            `json:"language"`
	Digest       canonical.Digest  `json:"digest"`
	PublishedAt  time.Time         `json:"published_at"`
	Effective    time.Time         `json:"effective"`
	State        string            `json:"state"`
	Material     bool              `json:"material"`
	Summary      map[string]string `json:"summary,omitempty"`
	GraceDays    float64           `json:"grace_days,omitempty"`
	GraceMS      int64             `json:"grace_ms,omitempty"` // where it was none of calendar days
	Format       string            `json:"format"`
	Translations []translationOut  `json:"translations,omitempty"`
	PublishedBy  string            `json:"published_by,omitempty"`
	ApprovedBy   string            `json:"approved_by,omitempty"`
	Entry        canonical.Digest  `json:"entry,omitempty"`
	Previous     canonical.Digest  `json:"previous,omitempty"`
}

type translationOut struct {
	Language string           `json:"language"`
	Title    string           `json:"title"`
	Digest   canonical.Digest `json:"digest"`
	Format   string           `json:"format,omitempty"`
}

func outOf(v policyversions.Version, state policyversions.State) versionOut {
	out := versionOut{
		Site: v.Site, Policy: v.Policy, Number: v.Number, Title: v.Title, Language: v.Language, Digest: v.Digest, PublishedAt: v.PublishedAt,
		Effective: v.Effective, State: string(state), Material: v.Material, Summary: v.Summary, GraceDays: v.Grace.Hours() / 24, Format: v.Format,
		PublishedBy: v.PublishedBy, ApprovedBy: v.ApprovedBy, Entry: v.Entry, Previous: v.Previous,
	}
	if v.GraceDays != 0 {
		out.GraceDays = float64(v.GraceDays)
	} else {
		out.GraceMS = v.Grace.Milliseconds()
	}
	for _, t := range v.Translations {
		out.Translations = append(out.Translations, translationOut{t.Language, t.Title, t.Digest, t.Format})
	}
	return out
}

func policyListCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the versions of a policy", Args: cobra.NoArgs}
	flags, asJSON := addPolicyFlags(cmd), jsonFlag(cmd)
	_ = cmd.MarkFlagRequired("site")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return withDatabase(cmd.Context(), *flags.data, func(db *store.DB) error {
			s, err := siteOf(cmd.Context(), db, *flags.site)
			if err != nil {
				return err
			}
			all, err := db.Versions(cmd.Context(), *flags.site, *flags.policy)
			if err != nil {
				return published(err)
			}
			now := time.Now()
			if *asJSON {
				list := []versionOut{}
				for _, v := range all {
					standing, _ := policyversions.StandingOf(all, v.Number, now)
					list = append(list, outOf(v, standing.State))
				}
				return writeJSON(cmd.OutOrStdout(), list)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "VERSION\tIN FORCE FROM\tSTATE\tDIGEST\tMATERIAL\tTITLE")
			for _, v := range all {
				material := "-"
				if v.Material {
					material = "yes"
				}
				standing, _ := policyversions.StandingOf(all, v.Number, now)
				fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", v.Number, policyversions.DayOf(v.Effective, s.Location()), standing.State, v.Digest.Short(), material, v.Title)
			}
			return w.Flush()
		})
	}
	return cmd
}
