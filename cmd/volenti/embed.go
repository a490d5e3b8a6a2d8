package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/volenti-consent/volenti/banner"
	"github.com/volenti-consent/volenti/server/embedding"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/server/store"
)

func embedCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "embed",
		Short: "Print the lines that put the banner into a website",
		Long: `Print the lines that put the banner into a website, ready to be copied.

--pinned prints an address that names one script by its digest, and the digest for
the browser to check it with. Print it anew after each publication: the page goes
on showing the notice it names.
--inline-stub prints a script of the page's own that denies everything and a line
that loads the banner without anything waiting for it. Tags that are not marked
run before the banner is there, so mark all of them.

The lines go to standard output; what a Content-Security-Policy needs, and what
the lines weigh, to standard error.`,
		Example: `  volenti embed --site shop --url https://consent.example.com
  volenti embed --site shop --platform next --pinned
  volenti embed --site shop --platform gtm > template.tpl`,
		Args: cobra.NoArgs,
	}
	data := dataFlag(cmd)
	f := cmd.Flags()
	key, o := "", embedding.Order{}
	f.StringVar(&key, "site", "", "site key")
	f.StringVar(&o.Server, "url", os.Getenv("VOLENTI_PUBLIC_URL"), "address visitors reach this server under (VOLENTI_PUBLIC_URL)")
	f.StringVar(&o.Platform, "platform", "html", "where the lines go: "+strings.Join(embedding.Platforms(), ", "))
	f.StringVar(&o.Language, "lang", "", "language of the page (default: the browser's; of a pinned script, the notice's first)")
	f.BoolVar(&o.Pinned, "pinned", false, "name one script by its digest, for the browser to check")
	f.BoolVar(&o.Stub, "inline-stub", false, "let nothing wait for the banner")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkOrder(key, &o); err != nil {
			return usage(err)
		}
		return withDatabase(cmd.Context(), *data, func(db *store.DB) error {
			p, err := db.Current(cmd.Context(), key)
			if errors.Is(err, notice.ErrUnpublished) || errors.Is(err, site.ErrUnknown) {
				return usage(fmt.Errorf("site %s has no notice; publish one first: volenti notice publish FILE", key))
			}
			if err != nil {
				return err
			}
			lines, notes, err := embedder(db).Lines(cmd.Context(), p, o)
			if errors.Is(err, embedding.ErrOrder) {
				return usage(err)
			}
			if err != nil {
				return err
			}
			fmt.Fprint(cmd.OutOrStdout(), lines)
			for _, note := range notes {
				fmt.Fprintln(cmd.ErrOrStderr(), note)
			}
			return nil
		})
	}
	return cmd
}

// embedder makes the lines of one installation.
func embedder(db *store.DB) *embedding.Maker {
	return &embedding.Maker{Pin: banner.Compiler{}.Pin, Stub: banner.Stub, Keep: db.KeepArtifacts}
}

// checkOrder says what is wrong in the words of the command line.
func checkOrder(key string, o *embedding.Order) error {
	if !site.ValidKey(key) {
		return errors.New("say which site: --site KEY; `volenti site list` shows all")
	}
	if !slices.Contains(embedding.Platforms(), o.Platform) {
		return fmt.Errorf("--platform %s is not one of %s", o.Platform, strings.Join(embedding.Platforms(), ", "))
	}
	if o.Platform == "gtm" && (o.Pinned || o.Stub) {
		return errors.New("Tag Manager loads the script itself: leave out --pinned and --inline-stub") //nolint:staticcheck // a product's name
	}
	if err := o.Check(); err != nil {
		return errors.New("say where visitors reach this server: --url https://consent.example.com")
	}
	return nil
}
