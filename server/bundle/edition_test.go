package bundle

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// kept are bundles that were given out, by the edition they were made by. They hold
// for good.
func kept(t testing.TB) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob("testdata/edition-*.zip")
	if err != nil || len(names) < 3 {
		t.Fatalf("%d bundles are kept: %v", len(names), err)
	}
	all := map[string][]byte{}
	for _, name := range names {
		if all[filepath.Base(name)], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// What was given out holds, and what is derived of the same evidence is the same, byte
// for byte. Where this fails because README, replay, words or page were changed, give
// Edition the next number, and keep bundles of that beside those of before.
func TestBundlesThatWereGivenOutHold(t *testing.T) {
	newest := 0
	for name, zip := range kept(t) {
		r := VerifyArchive(zip, Trust{})
		if err := r.Err(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !strings.HasPrefix(name, "edition-"+itoa(r.Edition)+"-") {
			t.Errorf("%s is of edition %d", name, r.Edition)
		}
		newest = max(newest, r.Edition)
	}
	if newest != Edition {
		t.Errorf("no bundle of edition %d is kept, the newest is %d", Edition, newest)
	}
}
