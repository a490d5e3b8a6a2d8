package main

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

// What the manual says of faults is what a test of that name holds.
func TestFaultsInTheManualAreTested(t *testing.T) {
	manual, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	root := os.DirFS("../..")
	for _, folder := range []string{"cmd", "server"} {
		err := fs.WalkDir(root, folder, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := fs.ReadFile(root, path)
			tests.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	names := regexp.MustCompile("`(Test[A-Za-z]+)`").FindAllSubmatch(manual, -1)
	if len(names) < 15 {
		t.Errorf("the manual names %d tests", len(names))
	}
	for _, name := range names {
		if !strings.Contains(tests.String(), "func "+string(name[1])+"(t *testing.T)") {
			t.Errorf("there is no %s", name[1])
		}
	}
}
