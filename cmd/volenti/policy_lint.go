package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
)

func policyLintCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lint FILE",
		Short: "Look for what readers of a policy will stumble over",
		Long: `Look for links that lead nowhere, empty sections, headings out of order, what a
template left to be filled in, a missing controller or contact, and a text that is
in another language than the one it is published as. Each is told with its place
and remedy. What is to be mended before publishing is an error; the rest is for
you to judge, and fails only with --strict.`,
		Args: cobra.ExactArgs(1),
	}
	asJSON := jsonFlag(cmd)
	language := cmd.Flags().String("language", "en", "language of the text (BCP 47)")
	strict := cmd.Flags().Bool("strict", false, "fail for warnings, too")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		d, err := readDraft(cmd.InOrStdin(), args[0], *language)
		if err != nil {
			return err
		}
		issues := policyversions.Lint(d.Text)
		settleLines(issues, d)
		failed := false
		for _, i := range issues {
			failed = failed || i.Serious || *strict
		}
		out := cmd.OutOrStdout()
		if *asJSON {
			if issues == nil {
				issues = []policyversions.Issue{}
			}
			err = writeJSON(out, struct {
				File   string                 `json:"file"`
				Failed bool                   `json:"failed"`
				Issues []policyversions.Issue `json:"issues"`
			}{args[0], failed, issues})
		} else {
			for _, i := range issues {
				fmt.Fprintf(out, "%s:%s\n", args[0], i)
			}
			if len(issues) == 0 {
				fmt.Fprintf(out, "%s: nothing to mend: %q\n", args[0], d.Title)
			}
		}
		if err != nil {
			return err
		}
		if failed {
			return invalid(errReported)
		}
		return nil
	}
	return cmd
}

// settleLines gives issues the lines of the file they were found in, where those say the
// same: importing may have moved them.
func settleLines(issues []policyversions.Issue, d policyversions.Draft) {
	if d.Format != "markdown" {
		return
	}
	lines := strings.Split(d.Markdown, "\n")
	where := map[string][]int{}
	for n, line := range strings.Split(string(d.Original), "\n") {
		key := strings.TrimSpace(line)
		where[key] = append(where[key], n+1)
	}
	for k := range issues {
		if at := where[strings.TrimSpace(lines[issues[k].Line-1])]; len(at) == 1 && issues[k].Line > 1 {
			issues[k].Line = at[0]
		}
	}
}

// writable refuses to write over what is there.
func writable(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return usage(fmt.Errorf("%s is there already; name another place, or take it away", path))
	}
	return nil
}
