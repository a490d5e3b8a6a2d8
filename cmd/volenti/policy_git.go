package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
)

// gitPast reads each state of a file in a repository, by the author's day. It
// follows the file where it was renamed.
func gitPast(cmd *cobra.Command, repository, file string) ([]policyversions.Past, error) {
	ctx := cmd.Context()
	log, err := git(ctx, repository, 64<<20, "log", "--follow", "--diff-filter=AMRT", "--no-show-signature", "--no-ext-diff", "--no-color",
		"--name-only", "-z", "--format=%x01%H%x02%aI%x02", "--", file)
	if err != nil {
		return nil, err
	}
	commits, err := parseGitLog(string(log))
	if err != nil {
		return nil, err
	}
	if len(commits) == 0 {
		return nil, fmt.Errorf("no commit has %s: name it from the root of the repository", file)
	}
	slices.Reverse(commits)
	reading := newProgress(cmd.ErrOrStderr(), "reading commits", len(commits))
	defer reading.end()
	var past []policyversions.Past
	for _, c := range commits {
		raw, err := git(ctx, repository, policyversions.MaxDocument+1, "cat-file", "blob", c.hash+":"+c.path)
		if err != nil {
			return nil, err
		}
		past = append(past, policyversions.Past{Name: c.hash[:12] + " " + path.Base(c.path), Day: c.day, Raw: raw})
		reading.step()
	}
	policyversions.SortPast(past)
	return past, nil
}

type commit struct{ hash, day, path string }

var (
	commitHash = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)
	isoDay     = regexp.MustCompile(`^\d{4}-\d\d-\d\dT`)
)

// parseGitLog reads records of "\x01hash\x02date\x02", and the path after it.
func parseGitLog(log string) (commits []commit, err error) {
	for record := range strings.SplitSeq(log, "\x01") {
		parts := strings.SplitN(record, "\x02", 3)
		if len(parts) != 3 {
			continue
		}
		name := strings.Trim(parts[2], "\x00\n")
		if !commitHash.MatchString(parts[0]) || !isoDay.MatchString(parts[1]) || name == "" {
			return nil, fmt.Errorf("git log is not understood: %.80q", record)
		}
		commits = append(commits, commit{parts[0], parts[1][:len("2006-01-02")], name})
	}
	return commits, nil
}

// git runs one command of git in a repository, which may be a stranger's: nothing
// in it names a program to run, and nothing is fetched.
func git(ctx context.Context, repository string, most int64, args ...string) ([]byte, error) {
	fixed := []string{"--no-pager", "--literal-pathspecs", "-C", repository, "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "log.showSignature=false", "-c", "protocol.allow=never"}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := exec.CommandContext(ctx, "git", append(fixed, args...)...) //nolint:gosec // no shell; every argument is fixed, behind --, or begins with a digest
	c.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "GIT_NO_LAZY_FETCH=1", "LC_ALL=C")
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); errors.Is(err, exec.ErrNotFound) {
		return nil, errors.New("git is not installed")
	} else if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(out, most))
	if int64(len(raw)) == most {
		cancel()
		_ = c.Wait()
		return nil, fmt.Errorf("git %s: %w", args[0], policyversions.ErrTooLarge)
	}
	if err := errors.Join(err, c.Wait()); err != nil {
		return nil, fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(said.String()))
	}
	return raw, nil
}
