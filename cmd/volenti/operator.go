package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/server/store"
)

// byCommand acts in the audit log: somebody with a shell on the machine.
const byCommand = "cli"

func operatorCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "operator", Short: "People and programs that work in the console"}
	cmd.AddCommand(operatorListCommand(), operatorAddCommand(), operatorLinkCommand(), operatorDisableCommand(), operatorTokenCommand(), operatorRotateCommand())
	return cmd
}

// addressFlag is where the console is, for links that are printed.
func addressFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("public-url", "http://localhost:8080", "address of the console, as the operator reaches it")
}

func noteCommand(ctx context.Context, db *store.DB, at time.Time, key, what, object, detail string) error {
	return db.AddAct(ctx, operator.Act{At: at, Operator: byCommand, Site: key, What: what, Object: object, Detail: detail})
}

// operatorOut is an operator as --json writes it.
type operatorOut struct {
	Email    string        `json:"email"`
	Name     string        `json:"name"`
	Role     operator.Role `json:"role"`
	AllSites bool          `json:"all_sites"`
	Sites    []string      `json:"sites"` // where not all
	State    string        `json:"state"` // "active", "invited" or "disabled"
}

func operatorListCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List operators", Args: cobra.NoArgs}
	data, asJSON := dataFlag(cmd), jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return withDatabase(cmd.Context(), *data, func(db *store.DB) error {
			all, err := db.Operators(cmd.Context())
			if err != nil {
				return err
			}
			list := make([]operatorOut, len(all))
			for i, o := range all {
				ready, err := canSignIn(cmd.Context(), db, o.ID)
				if err != nil {
					return err
				}
				state := "invited"
				switch {
				case o.Disabled:
					state = "disabled"
				case ready:
					state = "active"
				}
				list[i] = operatorOut{o.Email, o.Name, o.Role, o.AllSites, append([]string{}, o.Sites...), state}
			}
			if *asJSON {
				return writeJSON(cmd.OutOrStdout(), list)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ADDRESS\tNAME\tROLE\tSITES\tSTATE")
			for _, o := range list {
				where := strings.Join(o.Sites, ",")
				if o.AllSites {
					where = "all"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", o.Email, o.Name, o.Role, where, o.State)
			}
			return w.Flush()
		})
	}
	return cmd
}

func operatorAddCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "add ADDRESS",
		Short:   "Invite an operator: prints the one-time link to hand over",
		Example: `  volenti operator add ada@example.com --name "Ada" --role legal --site shop`,
		Args:    cobra.ExactArgs(1),
	}
	data, base := dataFlag(cmd), addressFlag(cmd)
	name := cmd.Flags().String("name", "", "as colleagues know them (default: the address)")
	role := cmd.Flags().String("role", "", "owner, legal, marketing or auditor")
	sites := cmd.Flags().StringSlice("site", nil, "site the role holds on; may be repeated")
	everywhere := cmd.Flags().Bool("all-sites", false, "the role holds on all sites, and on the server itself")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		now := time.Now()
		o := operator.Operator{ID: operator.NewID(), Name: *name, Email: strings.ToLower(args[0]), Role: operator.Role(*role), AllSites: *everywhere, Sites: *sites, CreatedAt: now}
		if o.Name == "" {
			o.Name = o.Email
		}
		if a, err := mail.ParseAddress(o.Email); err != nil || a.Address != o.Email {
			return usage(fmt.Errorf("%q is no e-mail address such as ada@example.com", args[0]))
		}
		if !slices.Contains(operator.Roles(), o.Role) {
			return usage(fmt.Errorf("--role %q: write owner, legal, marketing or auditor", *role))
		}
		if o.AllSites == (len(o.Sites) > 0) {
			return usage(errors.New("say either --site KEY or --all-sites"))
		}
		return withDatabase(cmd.Context(), *data, func(db *store.DB) error {
			err := db.AddOperator(cmd.Context(), o)
			if errors.Is(err, operator.ErrTaken) || errors.Is(err, site.ErrUnknown) {
				return usage(err)
			} else if err != nil {
				return err
			}
			if err := noteCommand(cmd.Context(), db, now, "", "operator.invite", o.Email, string(o.Role)); err != nil {
				return err
			}
			return printLink(cmd.Context(), cmd.OutOrStdout(), db, *base, operator.LinkInvite, o.ID, now)
		})
	}
	return cmd
}

func printLink(ctx context.Context, w io.Writer, db *store.DB, base, kind, of string, now time.Time) error {
	link, err := makeLink(ctx, db, strings.TrimRight(base, "/"), kind, of, now)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\nopens once, until %s\n", link, now.Add(operator.LinkLasts).Format(time.DateTime))
	return err
}

func operatorLinkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "link [ADDRESS]",
		Short: "Print a one-time link: of the first owner, or of an operator who lost the way in",
		Long: `Print a one-time link into the console. Without ADDRESS it makes the first owner
of a server that has none. With ADDRESS it lets that operator set up sign-in
again; when it is used, their passkeys, password and codes are void.`,
		Args: cobra.MaximumNArgs(1),
	}
	data, base := dataFlag(cmd), addressFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		now := time.Now()
		return withDatabase(cmd.Context(), *data, func(db *store.DB) error {
			if len(args) == 0 {
				all, err := db.Operators(cmd.Context())
				if err != nil {
					return err
				}
				if len(all) > 0 {
					return usage(errors.New("this server has operators: say whose link, volenti operator link ADDRESS; `volenti operator list` shows all"))
				}
				return printLink(cmd.Context(), cmd.OutOrStdout(), db, *base, operator.LinkFirst, "", now)
			}
			o, err := operatorOf(cmd.Context(), db, args[0])
			if err != nil {
				return err
			}
			if o.Disabled {
				return usage(fmt.Errorf("%s is disabled: volenti operator disable --undo %s", o.Email, o.Email))
			}
			if err := noteCommand(cmd.Context(), db, now, "", "operator.reset", o.Email, ""); err != nil {
				return err
			}
			return printLink(cmd.Context(), cmd.OutOrStdout(), db, *base, operator.LinkReset, o.ID, now)
		})
	}
	return cmd
}

func operatorOf(ctx context.Context, db *store.DB, address string) (operator.Operator, error) {
	o, err := db.OperatorOf(ctx, strings.ToLower(address))
	if errors.Is(err, operator.ErrUnknown) {
		return o, usage(fmt.Errorf("%w: %s; `volenti operator list` shows all", err, address))
	}
	return o, err
}

func operatorDisableCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "disable ADDRESS", Short: "Let an operator in no more; ends their sessions", Args: cobra.ExactArgs(1)}
	data := dataFlag(cmd)
	undo := cmd.Flags().Bool("undo", false, "let them in again")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return withDatabase(cmd.Context(), *data, func(db *store.DB) error {
			o, err := operatorOf(cmd.Context(), db, args[0])
			if err != nil {
				return err
			}
			o.Disabled = !*undo
			if err := db.ChangeOperator(cmd.Context(), o); errors.Is(err, operator.ErrLastOwner) {
				return usage(err)
			} else if err != nil {
				return err
			}
			if err := db.EndSessions(cmd.Context(), o.ID, ""); err != nil {
				return err
			}
			state := "disabled"
			if *undo {
				state = "enabled"
			}
			if err := noteCommand(cmd.Context(), db, time.Now(), "", "operator.change", o.Email, state); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is %s\n", o.Email, state)
			return err
		})
	}
	return cmd
}

func operatorRotateCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "rotate-keys", Short: "Make new keys of the console's cookies and second factors", Args: cobra.NoArgs,
		Long: "Make new keys of the console's cookies and second factors. Who is signed in stays so;\nthe second rotation from now signs them out. Servers that run use them within a second\nor two, without a restart."}
	data := dataFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return withKeys(cmd.Context(), *data, func(keys consent.KeyStore) error {
			if _, err := rotateKeys(cmd.Context(), keys, "console", 0); err != nil {
				return err
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "new keys, in use")
			return err
		})
	}
	return cmd
}
