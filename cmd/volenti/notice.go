package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/volenti-consent/volenti/banner"
	"github.com/volenti-consent/volenti/banner/fairness"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/server/store"
)

func noticeCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "notice", Short: "What the banner asks with"}
	cmd.AddCommand(noticeLintCommand(), noticePublishCommand(), noticePreviewCommand())
	return cmd
}

func noticeLintCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lint FILE",
		Short: "Check a notice file (TOML or YAML) and the banner it makes; list every mistake",
		Long: `Check a notice file, and the banner it makes: it is compiled in every language, run,
looked at on several screens, and every button of it pressed. What is unfair is
listed with the number of its rule (docs/fairness.md). Publishing does the same.`,
		Args: cobra.ExactArgs(1),
	}
	quick := cmd.Flags().Bool("quick", false, "check the file only, not the banner it makes")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		file, err := os.ReadFile(args[0])
		if err != nil {
			return usage(err)
		}
		n, issues := notice.Parse(file, args[0])
		if !notice.Failed(issues) && !*quick {
			found, err := lintBanner(cmd.Context(), args[0], n)
			if err != nil {
				return err
			}
			issues = append(issues, found...)
		}
		failed, out := notice.Failed(issues), cmd.OutOrStdout()
		switch {
		case *asJSON:
			if issues == nil {
				issues = []notice.Issue{}
			}
			if err := writeJSON(out, issuesJSON{args[0], failed, issues}); err != nil || !failed {
				return err
			}
			return invalid(errReported)
		default:
			for _, issue := range issues {
				fmt.Fprintf(out, "%s: %s\n", args[0], issue)
			}
		}
		if failed {
			return unfit(args[0])
		}
		fmt.Fprintf(out, "%s: fit to publish for site %s: %d languages, %d categories, %d vendors\n",
			args[0], n.Site, len(n.Languages), len(n.Categories), len(n.Vendors))
		return nil
	}
	return cmd
}

// issuesJSON is what notice lint --json writes.
type issuesJSON struct {
	File   string         `json:"file"`
	Failed bool           `json:"failed"`
	Issues []notice.Issue `json:"issues"`
}

func unfit(path string) error {
	return invalid(fmt.Errorf("%s can't be published; mend what is listed", path))
}

// lintBanner judges the banner that a notice makes, as publishing would.
func lintBanner(ctx context.Context, path string, n *notice.Notice) ([]notice.Issue, error) {
	scripts, err := banner.Compiler{}.Compile(n, n.Wordings())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	issues, err := fairness.Inspector{}.Inspect(ctx, n, n.Wordings(), scripts)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return issues, nil
}

func noticePublishCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "publish FILE",
		Short: "Publish a notice file; it is compiled and never changes again",
		Args:  cobra.ExactArgs(1),
	}
	data := dataFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		n, err := readNotice(cmd.OutOrStdout(), args[0])
		if err != nil {
			return err
		}
		return withDatabase(cmd.Context(), *data, func(db *store.DB) error {
			if _, err := db.Site(cmd.Context(), n.Site); errors.Is(err, site.ErrUnknown) {
				return usage(fmt.Errorf("there is no site %s; add it first: volenti site add %[1]s", n.Site))
			} else if err != nil {
				return err
			}
			p, err := publisher(db).Publish(cmd.Context(), n)
			if errors.Is(err, notice.ErrSameNotice) {
				fmt.Fprintf(cmd.OutOrStdout(), "site %s: this notice is published already; nothing was changed\n", n.Site)
				return nil
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "site %s: published notice %s, %d scripts\n", p.Site, p.Notice, len(p.Scripts))
			return nil
		})
	}
	return cmd
}

func publisher(db *store.DB) *notice.Publisher {
	return &notice.Publisher{Store: db, Compiler: banner.Compiler{}, Fairness: fairness.Inspector{}, Now: time.Now}
}

// readNotice prints every issue of the file and fails if one of them forbids
// publishing it.
func readNotice(out io.Writer, path string) (*notice.Notice, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, usage(err)
	}
	n, issues := notice.Parse(file, path)
	for _, issue := range issues {
		fmt.Fprintf(out, "%s: %s\n", path, issue)
	}
	if notice.Failed(issues) {
		return nil, unfit(path)
	}
	return n, nil
}
