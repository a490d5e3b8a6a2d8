package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/server/store"
)

func operatorTokenCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "token", Short: "Tokens of programs that publish or read"}
	cmd.AddCommand(tokenAddCommand(), tokenListCommand(), tokenEndCommand())
	return cmd
}

func rightNames() string {
	var names []string
	for _, r := range operator.TokenRights() {
		names = append(names, string(r))
	}
	return strings.Join(names, ", ")
}

func tokenAddCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "add NAME",
		Short:   "Make a token; it is printed once",
		Long:    "Make a token for a program. It is printed once; only its digest is kept.\nRights: " + rightNames() + ".",
		Example: `  volenti operator token add "publish from CI" --site shop --right policies:publish`,
		Args:    cobra.ExactArgs(1),
	}
	data := dataFlag(cmd)
	key := cmd.Flags().String("site", "", "the site it is for")
	rights := cmd.Flags().StringSlice("right", nil, "what it may do; may be repeated")
	lasts := cmd.Flags().Int("days", 90, "days until it ends, at most 366")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		now, secret := time.Now(), operator.NewTokenSecret()
		t := operator.Token{ID: operator.NewID()[:12], Digest: operator.Digest(secret), Name: args[0], Site: *key, By: byCommand, CreatedAt: now, EndsAt: now.AddDate(0, 0, *lasts)}
		for _, r := range *rights {
			if !slices.Contains(operator.TokenRights(), operator.Right(r)) {
				return usage(fmt.Errorf("--right %q: write one of %s", r, rightNames()))
			}
			t.Rights = append(t.Rights, operator.Right(r))
		}
		if len(t.Rights) == 0 || t.Site == "" || *lasts < 1 || *lasts > 366 {
			return usage(errors.New("say --site KEY, --right RIGHT and --days from 1 to 366"))
		}
		return withDatabase(cmd.Context(), *data, func(db *store.DB) error {
			if err := db.AddToken(cmd.Context(), t); errors.Is(err, site.ErrUnknown) {
				return usage(fmt.Errorf("%w: %s; `volenti site list` shows all", err, t.Site))
			} else if err != nil {
				return err
			}
			if err := noteCommand(cmd.Context(), db, now, t.Site, "token.add", t.ID, t.Name+": "+strings.Join(*rights, ", ")); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), secret)
			fmt.Fprintf(cmd.ErrOrStderr(), "token %s ends on %s; it is shown this once\n", t.ID, t.EndsAt.Format(time.DateOnly))
			return nil
		})
	}
	return cmd
}

// tokenOut is a token as --json writes it: never its secret, nor its digest.
type tokenOut struct {
	ID        string           `json:"id"`
	Name      string           `json:"name"`
	Site      string           `json:"site"`
	Rights    []operator.Right `json:"rights"`
	CreatedAt time.Time        `json:"created_at"`
	EndsAt    time.Time        `json:"ends_at"`
}

func tokenListCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List tokens, without their secrets", Args: cobra.NoArgs}
	data, asJSON := dataFlag(cmd), jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return withDatabase(cmd.Context(), *data, func(db *store.DB) error {
			all, err := db.Tokens(cmd.Context())
			if err != nil {
				return err
			}
			if *asJSON {
				list := make([]tokenOut, len(all))
				for i, t := range all {
					list[i] = tokenOut{t.ID, t.Name, t.Site, t.Rights, t.CreatedAt, t.EndsAt}
				}
				return writeJSON(cmd.OutOrStdout(), list)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tNAME\tSITE\tRIGHTS\tENDS")
			for _, t := range all {
				words := make([]string, len(t.Rights))
				for i, r := range t.Rights {
					words[i] = string(r)
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", t.ID, t.Name, t.Site, strings.Join(words, ","), t.EndsAt.Format(time.DateOnly))
			}
			return w.Flush()
		})
	}
	return cmd
}

func tokenEndCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "end ID", Short: "End a token", Args: cobra.ExactArgs(1)}
	data := dataFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return withDatabase(cmd.Context(), *data, func(db *store.DB) error {
			all, err := db.Tokens(cmd.Context())
			if err != nil {
				return err
			}
			i := slices.IndexFunc(all, func(t operator.Token) bool { return t.ID == args[0] })
			if i < 0 {
				return usage(fmt.Errorf("there is no token %s; `volenti operator token list` shows all", args[0]))
			}
			if err := db.DropToken(cmd.Context(), args[0]); err != nil {
				return err
			}
			if err := noteCommand(cmd.Context(), db, time.Now(), all[i].Site, "token.end", args[0], all[i].Name); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "token %s opens nothing any more\n", args[0])
			return err
		})
	}
	return cmd
}
