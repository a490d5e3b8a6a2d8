package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The commands in the documentation are ones that there are, with their flags and
// as many arguments as they take.
func TestCommandsInTheDocumentation(t *testing.T) {
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	more, err := filepath.Glob("../../docs/operate/*.md")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, more...)
	word := regexp.MustCompile(`"[^"]*"|'[^']*'|[^\s"']+`)
	seen := 0
	for _, file := range append(files, "../../README.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range commandLines(string(text)) {
			seen++
			line, _, _ = strings.Cut(line, " > ")
			line, _, _ = strings.Cut(line, " | ")
			line, _, _ = strings.Cut(line, "  #")
			var args []string
			// "en=a b" and --summary="a b" are one word; so is what is quoted.
			for _, w := range word.FindAllString(strings.ReplaceAll(line, `="`, `= "`), -1)[1:] {
				w = strings.Trim(w, `"'`)
				if n := len(args); n > 0 && strings.HasPrefix(args[n-1], "--") && strings.HasSuffix(args[n-1], "=") {
					args[n-1] += w
					continue
				}
				args = append(args, w)
			}
			all := root()
			all.InitDefaultCompletionCmd()
			cmd, rest, err := all.Find(args)
			if err == nil && !cmd.Runnable() {
				t.Errorf("%s: %s: there is no such command", filepath.Base(file), line)
				continue
			}
			if err == nil {
				err = cmd.ParseFlags(rest)
			}
			if err == nil {
				err = cmd.ValidateArgs(cmd.Flags().Args())
			}
			if err != nil {
				t.Errorf("%s: %s: %v", filepath.Base(file), line, err)
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d commands were found", seen)
	}
}

// commandLines are the calls of volenti in the blocks of code of a page.
func commandLines(page string) (lines []string) {
	code, going := false, ""
	for line := range strings.Lines(page) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "```") {
			code, going = !code, ""
			continue
		}
		if !code {
			continue
		}
		line = going + strings.TrimPrefix(line, "$ ")
		if going = ""; !strings.HasPrefix(line, "volenti ") {
			continue
		}
		if rest, more := strings.CutSuffix(line, `\`); more {
			going = rest
			continue
		}
		lines = append(lines, line)
	}
	return lines
}
