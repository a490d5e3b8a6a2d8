package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func manCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "man FOLDER",
		Short:   "Write the manual pages of all commands into a folder",
		Example: "  volenti man /usr/local/share/man/man1",
		Args:    cobra.ExactArgs(1),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := os.MkdirAll(args[0], 0o755); err != nil { //nolint:gosec // manuals are for everybody
			return usage(err)
		}
		all := root()
		all.DisableAutoGenTag = true // it says who wrote the page, and when
		header := &doc.GenManHeader{Title: "VOLENTI", Section: "1", Source: "volenti " + version(), Manual: "Volenti"}
		if err := doc.GenManTree(all, header, args[0]); err != nil {
			return fmt.Errorf("manual pages: %w", err)
		}
		pages, err := filepath.Glob(filepath.Join(args[0], "volenti*.1"))
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: %d pages\n", args[0], len(pages))
		return nil
	}
	return cmd
}
