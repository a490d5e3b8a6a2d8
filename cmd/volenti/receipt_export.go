package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/consent/forms"
	"github.com/volenti-consent/volenti/server/store"
)

func receiptExportCommand() *cobra.Command {
	var about strings.Builder
	for _, f := range forms.All() {
		fmt.Fprintf(&about, "  %-13s %s\n", f.Name, f.About)
	}
	cmd := &cobra.Command{
		Use:   "export ID",
		Short: "Write a receipt in the form of a standard",
		Long: `Write the receipt with this id, in one of these forms (docs/receipt-forms.md):

` + about.String() + `
A form that is signed is signed with the key of today; the receipt in it keeps its
own signature. Addresses in it are those of --public-url.`,
		Example: `  volenti receipt export 6db7c210d1cf8e55faebbcf39e1949f9 --form 27560 > receipt.jsonld`,
		Args:    cobra.ExactArgs(1),
	}
	data := dataFlag(cmd)
	form := cmd.Flags().String("form", "receipt", "the form")
	origin := cmd.Flags().String("public-url", os.Getenv("VOLENTI_PUBLIC_URL"), "where visitors reach this server (VOLENTI_PUBLIC_URL)")
	out := cmd.Flags().StringP("out", "o", "", "file to write (default: standard output)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f, err := forms.Of(*form)
		if err != nil {
			return usage(err)
		}
		return withDatabase(cmd.Context(), *data, func(db *store.DB) error {
			keys, err := data.keyStore(db)
			if err != nil {
				return err
			}
			ring, err := consent.OpenKeyring(keys, noRandom{})
			if err != nil {
				return fmt.Errorf("signing keys: %w", err)
			}
			e, err := receiptOf(cmd.Context(), db, args[0])
			if err != nil {
				return err
			}
			s, err := forms.Load(cmd.Context(), db, e, ring.Public(), *origin)
			if err != nil {
				return err
			}
			b, err := f.Write(s, ring)
			if err != nil {
				return err
			}
			if *out == "" {
				_, err = cmd.OutOrStdout().Write(append(b, '\n'))
				return err
			}
			if err := os.WriteFile(*out, append(b, '\n'), 0o600); err != nil {
				return usage(err)
			}
			return nil
		})
	}
	return cmd
}

// receiptOf finds a receipt by its id, whatever site it is of.
func receiptOf(ctx context.Context, db *store.DB, id string) (*consent.Entry, error) {
	sites, err := db.Sites(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range sites {
		e, err := db.Entry(ctx, s.Key, id)
		if errors.Is(err, consent.ErrUnknownReceipt) {
			continue
		}
		return e, err
	}
	return nil, usage(fmt.Errorf("%w: %s; the id has 32 digits, and stands in the receipt", consent.ErrUnknownReceipt, id))
}

// noRandom keeps a command that only reads from making keys.
type noRandom struct{}

func (noRandom) Read([]byte) (int, error) {
	return 0, errors.New("there are no keys here: start the server once, or name another folder with --data")
}
