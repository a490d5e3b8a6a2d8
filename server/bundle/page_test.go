package bundle

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/web/verify"
)

// The page and the program judge by the same rules: what a record consists of, which
// checks there are, how much is read.
func TestThePageKnowsTheSame(t *testing.T) {
	script := verify.Script()
	find := func(pattern string) string {
		t.Helper()
		found := regexp.MustCompile(pattern).FindStringSubmatch(script)
		if found == nil {
			t.Fatalf("there is no %s in the page's script", pattern)
		}
		return found[1]
	}
	var members []string
	for field := range reflect.TypeFor[consent.Core]().Fields() {
		name, how, _ := strings.Cut(field.Tag.Get("json"), ",")
		if how != "" {
			name = "[" + name + "]"
		}
		members = append(members, name)
	}
	// "schema" and "id" are asked for beside the list.
	known := strings.Fields(find(`coreNames =\s*'([^']*)'`))
	slices.Sort(members)
	slices.Sort(known)
	if !slices.Equal(members, known) {
		t.Errorf("a record's members are %v, and the page knows %v", members, known)
	}
	var checks []string
	for _, found := range regexp.MustCompile(`(?m)^  '?([a-z ]+?)'?: '`).FindAllStringSubmatch(find(`(?s)const about = \{(.*?)\n\};`), -1) {
		checks = append(checks, found[1])
	}
	want := slices.Sorted(maps.Keys(checked))
	if slices.Sort(checks); !slices.Equal(checks, want) {
		t.Errorf("the page has the checks %v, want %v", checks, want)
	}
	for pattern, want := range map[string]int{`maxArchive = (\d+) << 20`: MaxArchive >> 20, `maxFile = (\d+) << 20`: MaxFile >> 20, `maxTotal = (\d+) << 20`: MaxTotal >> 20, `maxFiles = (\d+);`: MaxFiles} {
		if got := find(pattern); got != itoa(want) {
			t.Errorf("%s is %s, want %d", pattern, got, want)
		}
	}
	if !strings.Contains(script, strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(fileName.String(), "^"), "$"), "/", `\/`)) {
		t.Error("the page takes other names of files than the program")
	}
}

// The page asks nothing of anybody, and what stands in it is all it may run.
func TestThePageIsByItself(t *testing.T) {
	page := string(verify.Page())
	if !strings.Contains(page, `content="`+verify.Policy()+`"`) || !strings.HasPrefix(verify.Policy(), "default-src 'none'; script-src 'sha256-") {
		t.Error("the page does not forbid itself what it does not need")
	}
	for _, never := range []string{"innerHTML", "fetch(", "eval(", "import(", "src=", "{{", "XMLHttpRequest", "unsafe-"} {
		if strings.Contains(page, never) {
			t.Errorf("%s stands in the page", never)
		}
	}
	if n := strings.Count(page, "<script>"); n != 1 {
		t.Errorf("%d scripts, want 1", n)
	}
}
