package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/volenti-consent/volenti/server/store"
)

// complete lets shells complete --site and --policy, wherever a command has them,
// from the data folder.
func complete(cmd *cobra.Command) {
	for _, child := range cmd.Commands() {
		complete(child)
	}
	flags := cmd.Flags()
	if flags.Lookup("data") == nil {
		return
	}
	if flags.Lookup("site") != nil {
		_ = cmd.RegisterFlagCompletionFunc("site", known(func(cmd *cobra.Command, db *store.DB) (keys []string, err error) {
			sites, err := db.Sites(cmd.Context())
			for _, s := range sites {
				keys = append(keys, cobra.CompletionWithDesc(s.Key, s.Name))
			}
			return keys, err
		}))
	}
	if flags.Lookup("policy") != nil {
		_ = cmd.RegisterFlagCompletionFunc("policy", known(func(cmd *cobra.Command, db *store.DB) ([]string, error) {
			site, _ := cmd.Flags().GetString("site")
			return db.Policies(cmd.Context(), site)
		}))
	}
}

// known asks the database. Where there is none, there are no completions, and none
// is made.
func known(ask func(*cobra.Command, *store.DB) ([]string, error)) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) (keys []cobra.Completion, _ cobra.ShellCompDirective) {
		data, _ := cmd.Flags().GetString("data")
		if _, err := os.Stat(filepath.Join(data, "volenti.db")); err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		if cmd.Context() == nil {
			cmd.SetContext(context.Background())
		}
		err := withDatabase(cmd.Context(), home{data: data}, func(db *store.DB) (err error) {
			keys, err = ask(cmd, db)
			return err
		})
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return keys, cobra.ShellCompDirectiveNoFileComp
	}
}
