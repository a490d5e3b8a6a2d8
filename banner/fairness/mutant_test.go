package fairness

import (
	"encoding/json"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/volenti-consent/volenti/banner"
	"github.com/volenti-consent/volenti/server/notice"
)

// A mutant is the banner made unfair in one way: New is added to a source, or put
// in the place of Old, which must be there once. The browser test
// (banner/test/browser/fairness.test.mjs) reads the same file; a browser shows
// those that are Seen in it without much waiting.
type mutant struct {
	File, Old, New string
	Rule           int
	Seen           bool
}

func readMutants(t *testing.T) map[string]mutant {
	t.Helper()
	b, err := os.ReadFile("testdata/mutants.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]mutant
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// mutated are the sources with a mutant's change.
func mutated(t *testing.T, m mutant) fs.FS {
	t.Helper()
	whole := fstest.MapFS{}
	root := os.DirFS("../src")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(root, name)
		whole[name] = &fstest.MapFile{Data: b}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	f := whole[m.File]
	if f == nil {
		t.Fatalf("there is no %s", m.File)
	}
	switch text := string(f.Data); {
	case m.Old == "":
		f.Data = []byte(text + m.New)
	case strings.Count(text, m.Old) != 1:
		t.Fatalf("%s holds %q %d times, want once", m.File, m.Old, strings.Count(text, m.Old))
	default:
		f.Data = []byte(strings.Replace(text, m.Old, m.New, 1))
	}
	return whole
}

func TestUnfairBannersAreRefused(t *testing.T) {
	for name, m := range readMutants(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			issues := inspect(t, shop("en"), banner.Compiler{Sources: mutated(t, m)}, notice.AskOptIn)
			want := ruleOf(m.Rule).String()
			if !slices.ContainsFunc(issues, func(i notice.Issue) bool { return i.Rule == want && i.Severity == notice.SeverityError }) {
				t.Errorf("want %q, got:", want)
				for _, i := range issues {
					t.Errorf("%s\n\t%s", i, i.Rule)
				}
			}
		})
	}
}
