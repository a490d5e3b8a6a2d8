package main

import (
	"context"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/volenti-consent/volenti/server/store"
)

// completeKeys lets shells complete --site and --policy from the data folder.
func completeKeys(cmd *cobra.Command, f policyFlags) {
	_ = cmd.RegisterFlagCompletionFunc("site", completeSites(f.data))
	_ = cmd.RegisterFlagCompletionFunc("policy", func(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return known(cmd.Context(), *f.data, func(ctx context.Context, db *store.DB) ([]string, error) { return db.Policies(ctx, *f.site) })
	})
}

func completeSites(data *string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return known(cmd.Context(), *data, func(ctx context.Context, db *store.DB) (keys []string, err error) {
			sites, err := db.Sites(ctx)
			for _, s := range sites {
				keys = append(keys, cobra.CompletionWithDesc(s.Key, s.Name))
			}
			return keys, err
		})
	}
}

// known asks the database. A key that is typed says nothing of what went wrong:
// where there is no database, there are no completions.
func known(ctx context.Context, data string, ask func(context.Context, *store.DB) ([]string, error)) (keys []string, _ cobra.ShellCompDirective) {
	if ctx == nil {
		ctx = context.Background()
	}
	if found, err := filepath.Glob(filepath.Join(data, "volenti.db")); err != nil || len(found) == 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	err := withDatabase(ctx, data, func(db *store.DB) (err error) {
		keys, err = ask(ctx, db)
		return err
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return keys, cobra.ShellCompDirectiveNoFileComp
}
