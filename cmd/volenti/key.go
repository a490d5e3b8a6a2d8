package main

import (
	"crypto/rand"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"

	"github.com/spf13/cobra"

	"github.com/volenti-consent/volenti/server/consent"
)

func keyCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "key", Short: "Signing keys of receipts"}
	list := &cobra.Command{Use: "list", Short: "List the keys", Args: cobra.NoArgs}
	listed, asJSON := dataFlag(list), jsonFlag(list)
	list.RunE = func(cmd *cobra.Command, _ []string) error {
		ring, err := consent.OpenKeyring(keysFolder(*listed), rand.Reader)
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
			mark := "retired, verifies only"
			if id == ring.Current() {
				mark = "signs"
			}
			fmt.Fprintln(cmd.OutOrStdout(), id, mark)
		}
		return nil
	}
	rotate := &cobra.Command{Use: "rotate", Short: "Make a new signing key; old receipts still verify", Args: cobra.NoArgs}
	rotated := dataFlag(rotate)
	rotate.RunE = func(cmd *cobra.Command, _ []string) error {
		ring, err := consent.OpenKeyring(keysFolder(*rotated), rand.Reader)
		if err != nil {
			return err
		}
		if err := ring.Rotate(rand.Reader); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "new key %s; restart the server to sign with it\n", ring.Current())
		return nil
	}
	cmd.AddCommand(list, rotate)
	return cmd
}

// keyOut is a signing key as --json writes it.
type keyOut struct {
	ID    string `json:"id"`
	Signs bool   `json:"signs"` // the others verify only
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "volenti", version())
			return err
		},
	}
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}
