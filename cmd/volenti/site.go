package main

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/server/store"
)

func siteCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "site", Short: "Websites this server asks for"}
	cmd.AddCommand(siteAddCommand(), siteSetCommand(), siteListCommand())
	return cmd
}

func siteAddCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "add KEY",
		Short:   "Add a website",
		Long:    "Add a website. KEY stands in every address of it: 1 to 40 of a-z, 0-9 and inner hyphens.",
		Example: `  volenti site add shop --name "Shop" --time-zone Europe/Vienna`,
		Args:    cobra.ExactArgs(1),
	}
	data := dataFlag(cmd)
	name := cmd.Flags().String("name", "", "the website's name, as visitors know it (default: KEY)")
	zone := cmd.Flags().String("time-zone", "", "IANA time zone in which the site's days begin (default: UTC)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s := site.Site{Key: args[0], Name: *name, TimeZone: *zone, CreatedAt: time.Now()}
		if s.Name == "" {
			s.Name = s.Key
		}
		if err := s.Validate(); err != nil {
			return usage(err)
		}
		return withDatabase(cmd.Context(), *data, func(db *store.DB) error {
			err := db.AddSite(cmd.Context(), s)
			if errors.Is(err, site.ErrExists) {
				return usage(fmt.Errorf("%w: %s; `volenti site list` shows all", err, s.Key))
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "site %s added; next: volenti notice publish FILE\n", s.Key)
			return nil
		})
	}
	return cmd
}

func siteSetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "set KEY",
		Short: "Change what is said of a website",
		Long: `Change what is said of a website. What is not named stays as it is.

With --second-pair a policy is published only after an operator approved it who
neither wrote nor submitted it: in the console, since a shell is one person. With
--noindex search engines are asked to list nothing of the site's policy archive;
archive.indexed of the server says what they list of the others.`,
		Example: "  volenti site set shop --second-pair\n  volenti site set shop --second-pair=false",
		Args:    cobra.ExactArgs(1),
	}
	data := dataFlag(cmd)
	flags := cmd.Flags()
	name := flags.String("name", "", "the website's name, as visitors know it")
	zone := flags.String("time-zone", "", "IANA time zone in which the site's days begin; what is published already keeps its moments")
	second := flags.Bool("second-pair", false, "another operator approves what is published as a policy")
	noIndex := flags.Bool("noindex", false, "search engines are asked to list no page of the site's policy archive")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !flags.Changed("name") && !flags.Changed("time-zone") && !flags.Changed("second-pair") && !flags.Changed("noindex") {
			return usage(errors.New("say what is to change: --name, --time-zone, --second-pair or --noindex"))
		}
		return withDatabase(cmd.Context(), *data, func(db *store.DB) error {
			s, err := db.Site(cmd.Context(), args[0])
			if errors.Is(err, site.ErrUnknown) {
				return usage(fmt.Errorf("there is no site %s; `volenti site list` shows all", args[0]))
			} else if err != nil {
				return err
			}
			if flags.Changed("name") {
				s.Name = *name
			}
			if flags.Changed("time-zone") {
				s.TimeZone = *zone
			}
			if flags.Changed("second-pair") {
				s.SecondPair = *second
			}
			if flags.Changed("noindex") {
				s.NoIndex = *noIndex
			}
			if err := s.Validate(); err != nil {
				return usage(err)
			}
			if err := db.ChangeSite(cmd.Context(), s); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "site %s: %q, days of %s, %s%s\n", s.Key, s.Name, s.Location(),
				map[bool]string{true: "policies need a second pair of eyes", false: "policies need no second pair of eyes"}[s.SecondPair],
				map[bool]string{true: ", not for search engines"}[s.NoIndex])
			return nil
		})
	}
	return cmd
}

func siteListCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List websites", Args: cobra.NoArgs}
	data, asJSON := dataFlag(cmd), jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return withDatabase(cmd.Context(), *data, func(db *store.DB) error {
			all, err := db.Sites(cmd.Context())
			if err != nil {
				return err
			}
			if *asJSON {
				list := make([]siteOut, len(all))
				for i, s := range all {
					list[i] = siteOut{s.Key, s.Name, s.Location().String(), s.CreatedAt, s.SecondPair, s.NoIndex}
				}
				return writeJSON(cmd.OutOrStdout(), list)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "KEY\tNAME\tTIME ZONE\tSECOND PAIR OF EYES")
			for _, s := range all {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", s.Key, s.Name, s.Location(), map[bool]string{true: "yes", false: "no"}[s.SecondPair])
			}
			return w.Flush()
		})
	}
	return cmd
}

// siteOut is a site as --json writes it.
type siteOut struct {
	Key        string    `json:"key"`
	Name       string    `json:"name"`
	TimeZone   string    `json:"time_zone"`
	CreatedAt  time.Time `json:"created_at"`
	SecondPair bool      `json:"second_pair"`
	NoIndex    bool      `json:"noindex"`
}
