package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/store"
)

func keyCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "key", Short: "Keys: of receipts, of what visitors and operators are given, and where they stand"}
	cmd.AddCommand(keyListCommand(), keyRotateCommand(), keySecretCommand(), keyImportCommand(), keyResealCommand())
	return cmd
}

func keyListCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the keys of receipts", Args: cobra.NoArgs}
	data, asJSON := dataFlag(cmd), jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return withKeys(cmd.Context(), *data, func(keys consent.KeyStore) error {
			ring, err := consent.OpenKeyring(keys, rand.Reader)
			if err != nil {
				return err
			}
			ids := slices.Sorted(maps.Keys(ring.Public()))
			if *asJSON {
				out := make([]keyOut, len(ids))
				for i, id := range ids {
					out[i] = keyOut{id, id == ring.Current()}
				}
				return writeJSON(cmd.OutOrStdout(), out)
			}
			for _, id := range ids {
				mark := "verifies only"
				if id == ring.Current() {
					mark = "signs"
				}
				fmt.Fprintln(cmd.OutOrStdout(), id, mark)
			}
			return nil
		})
	}
	return cmd
}

// keyKinds are what key rotate makes anew.
var keyKinds = []string{"receipts", "visitors", "console"}

func keyRotateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rotate [receipts|visitors|console]",
		Short: "Make new keys that are used from now on, by all that run; old receipts still verify",
		Long: `Make new keys of one kind: of receipts (if nothing is said), of what visitors are given
(cookies, served tokens, links), or of the console (sessions, second factors).

Servers that run need no restart. They are told of the new key first, and some seconds
later it is used: so no server is ever shown what was made with a key it does not know.

Of the key of receipts that is replaced the public half stays for good. Cookies made with
the keys of visitors before the last ones are not read any more: leave thirteen months
between two rotations, or visitors are asked again.`,
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: keyKinds,
	}
	data := dataFlag(cmd)
	now := cmd.Flags().Bool("now", false, "use it at once: where no server runs")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		kind := keyKinds[0]
		if len(args) > 0 {
			kind = args[0]
		}
		return withKeys(cmd.Context(), *data, func(keys consent.KeyStore) error {
			wait := keysSpread
			if *now {
				wait = 0
			}
			made, err := rotateKeys(cmd.Context(), keys, kind, wait)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: in use\n", made)
			return err
		})
	}
	return cmd
}

// keysSpread is how long a new key is known before it is used: every server looks for
// keys once a second (keysEvery), and may find the database slow.
const keysSpread = 4 * time.Second

// rotateKeys announces new keys, waits until all know them, and has them used. One that
// breaks off in between leaves what is verified with; the next one begins anew.
func rotateKeys(ctx context.Context, keys consent.KeyStore, kind string, wait time.Duration) (made string, err error) {
	var use func() error
	switch kind {
	case "visitors":
		made = "new keys of what visitors are given"
		use = func() error { _, err := consent.RotateSecrets(keys, rand.Reader); return err }
		_, err = consent.AnnounceSecrets(keys, rand.Reader)
	case "console":
		made = "new keys of the console"
		use = func() error { _, err := consent.RotateConsoleSecrets(keys, rand.Reader); return err }
		_, err = consent.AnnounceConsoleSecrets(keys, rand.Reader)
	default:
		var ring *consent.Keyring
		if ring, err = consent.OpenKeyring(keys, noRandom{}); err != nil {
			return "", err
		}
		before := ring.Public()
		use, err = ring.Announce(rand.Reader)
		for id := range ring.Public() {
			if before[id] == nil {
				made = "new key " + id
			}
		}
	}
	if err != nil {
		return "", err
	}
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		return "", ctx.Err()
	}
	return made, use()
}

func keySecretCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "secret",
		Short: "Make the secret that every node is given with keys.secret_file",
		Long: `Print a new secret. On PostgreSQL the keys stand in the database, sealed under it: every
node gets the same file, and whoever has the database alone can sign nothing. Keep a copy
where the backups of the database are not. Without it the keys are lost: receipts verify
still, but nothing can be signed, and the log has to begin anew.

To replace it, put a new one in the first line of the file, above the old one, on every
node; run volenti key reseal; then take the old line out.`,
		Example: `  (umask 077; volenti key secret > /etc/volenti/keys.secret)`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := consent.NewKeySecret(rand.Reader)
			if err == nil {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), text)
			}
			return err
		},
	}
}

func keyImportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "import FOLDER",
		Short:   "Put the keys of a folder into a database that has none",
		Example: `  volenti key import /var/lib/volenti/keys --store-dsn-file /etc/volenti/dsn --keys-secret-file /etc/volenti/keys.secret`,
		Args:    cobra.ExactArgs(1),
	}
	data := dataFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		from := consent.KeyFolder(args[0])
		if _, err := consent.ReadPublicKeys(from); err != nil {
			return usage(err)
		}
		return withKeys(cmd.Context(), *data, func(keys consent.KeyStore) error {
			n, err := consent.CopyKeys(keys, from)
			if errors.Is(err, consent.ErrKeysThere) {
				return usage(err)
			}
			if err == nil {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d keys imported; what is in %s opens nothing it did not open before: keep it where backups of keys are, or remove it\n", n, args[0])
			}
			return err
		})
	}
	return cmd
}

func keyResealCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "reseal", Short: "Seal the keys in the database under the first secret of keys.secret_file", Args: cobra.NoArgs}
	data := dataFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		secret, err := data.keySecret()
		if err != nil {
			return err
		}
		return withAnyDatabase(cmd.Context(), *data, func(db *store.DB) error {
			n, err := consent.Reseal(cmd.Context(), db, secret)
			if err == nil {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d keys sealed under secret %s\n", n, secret.ID())
			}
			return err
		})
	}
	return cmd
}

// keyOut is a signing key as --json writes it.
type keyOut struct {
	ID    string `json:"id"`
	Signs bool   `json:"signs"` // the others verify only
}
