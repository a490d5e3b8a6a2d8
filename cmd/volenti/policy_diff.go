package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/server/store"
)

// Exit codes of policy diff are those of diff(1): 0 where nothing differs.
const (
	exitDiffers = 1
	exitTrouble = 2
)

// A compared text is one side of a difference.
type compared struct {
	Name   string           `json:"name"`
	Title  string           `json:"title"`
	Number int              `json:"number,omitempty"`
	Digest canonical.Digest `json:"digest"`
	text   policyversions.Text
}

func policyDiffCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "diff A..B | FILE | FILE FILE",
		Short: "Compare versions or files word by word",
		Long: `Compare two versions of a policy (3..4), a file with the version in force, or two
files. Words that are gone and put in are marked, and sections that moved are told
as moved. It ends with 0 where nothing differs, with 1 where something does, and
with 2 where it could not compare.`,
		Example: `  volenti policy diff 3..4 --site shop --policy privacy
  volenti policy diff privacy.md --site shop
  volenti policy diff privacy-old.docx privacy-new.docx`,
		Args: cobra.RangeArgs(1, 2),
	}
	flags, asJSON := addPolicyFlags(cmd), jsonFlag(cmd)
	language := cmd.Flags().String("language", "", "compare the texts in this language (default: the ones that bind)")
	full := cmd.Flags().Bool("full", false, "show what did not change, too")
	colour := cmd.Flags().String("color", "auto", "always, never, or auto: on a terminal, unless NO_COLOR is set")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		before, after, err := comparedTexts(cmd, flags, *language, args)
		if err != nil {
			return exitError{exitTrouble, err}
		}
		d := policyversions.Compare(before.text, after.text)
		same := before.text == after.text
		out := cmd.OutOrStdout()
		if *asJSON {
			err = writeJSON(out, struct {
				Before compared `json:"before"`
				After  compared `json:"after"`
				Same   bool     `json:"same"`
				policyversions.Difference
			}{before, after, same, d})
		} else if !same {
			err = printDifference(out, before, after, d, *full, colours(*colour, out))
		}
		if err != nil {
			return exitError{exitTrouble, err}
		}
		if !same {
			return exitError{exitDiffers, errReported}
		}
		return nil
	}
	return cmd
}

// comparedTexts reads what the arguments name.
func comparedTexts(cmd *cobra.Command, flags policyFlags, language string, args []string) (before, after compared, err error) {
	if len(args) == 2 {
		if before, err = fileText(cmd, args[0], language); err != nil {
			return before, after, err
		}
		after, err = fileText(cmd, args[1], language)
		return before, after, err
	}
	if *flags.site == "" {
		return before, after, errors.New("name the site with --site, or two files")
	}
	a, b, versions := strings.Cut(args[0], "..")
	from, fromErr := strconv.Atoi(a)
	to, toErr := strconv.Atoi(b)
	versions = versions && fromErr == nil && toErr == nil
	err = withDatabase(cmd.Context(), *flags.data, func(db *store.DB) error {
		s, err := siteOf(cmd.Context(), db, *flags.site)
		if err != nil {
			return err
		}
		if versions {
			if before, err = versionText(cmd.Context(), db, s, *flags.policy, from, language); err == nil {
				after, err = versionText(cmd.Context(), db, s, *flags.policy, to, language)
			}
			return err
		}
		if before, err = versionText(cmd.Context(), db, s, *flags.policy, 0, language); err != nil {
			return err
		}
		after, err = fileText(cmd, args[0], before.text.Language)
		return err
	})
	return before, after, err
}

// versionText is a version's text; that of number 0 is the one in force.
func versionText(ctx context.Context, db *store.DB, s site.Site, policy string, number int, language string) (compared, error) {
	var v policyversions.Version
	var err error
	if number == 0 {
		v, err = db.InForce(ctx, s.Key, policy, time.Now())
	} else {
		v, err = db.Version(ctx, s.Key, policy, number)
	}
	if err != nil {
		which := fmt.Sprint("version ", number)
		if number == 0 {
			which = "the version in force"
		}
		return compared{}, fmt.Errorf("%s of %s/%s: %w; volenti policy list shows all", which, s.Key, policy, err)
	}
	if language == "" {
		language = v.Language
	}
	text, err := v.In(language)
	if err != nil {
		return compared{}, err
	}
	b, err := text.Canonical()
	name := fmt.Sprintf("%s/%s version %d, in force from %s", v.Site, v.Policy, v.Number, policyversions.DayOf(v.Effective, s.Location()))
	return compared{name, text.Title, v.Number, canonical.Sum(b), text}, err
}

func fileText(cmd *cobra.Command, path, language string) (compared, error) {
	if language == "" {
		language = "en" // of both: it is not compared
	}
	d, err := readDraft(cmd.InOrStdin(), path, language)
	if err != nil {
		return compared{}, err
	}
	b, err := d.Canonical()
	return compared{path, d.Title, 0, canonical.Sum(b), d.Text}, err
}

func printDifference(out io.Writer, before, after compared, d policyversions.Difference, full, colour bool) error {
	if err := d.Print(out, policyversions.DifferencePrint{Before: before.Name, After: after.Name, Colour: colour, Full: full}); err != nil {
		return err
	}
	if before.Title != after.Title {
		fmt.Fprintf(out, "title: %q, was %q\n", after.Title, before.Title)
	}
	if before.text.Language != after.text.Language {
		fmt.Fprintf(out, "language: %s, was %s\n", after.text.Language, before.text.Language)
	}
	if d.Same() && before.text.Markdown != after.text.Markdown {
		fmt.Fprintln(out, "no word differs; blanks and line ends do")
	}
	_, err := fmt.Fprintf(out, "%d words put in, %d gone, %d blocks moved\n", d.Inserted, d.Deleted, d.Moved)
	return err
}

// colours says whether to write them (https://no-color.org).
func colours(wanted string, out io.Writer) bool {
	switch wanted {
	case "always":
		return true
	case "auto":
		return isTerminal(out) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	return false
}

func isTerminal(out any) bool {
	f, ok := out.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
