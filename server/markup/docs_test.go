package markup

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/notice"
)

// What docs/moving.md says of marks is how they are read.
func TestDocsSayHowMarksAreRead(t *testing.T) {
	page, err := os.ReadFile("../../docs/moving.md")
	if err != nil {
		t.Fatal(err)
	}
	n := shop()
	n.Vendors = []notice.Vendor{{Key: "counter", Name: "Test Counter", Category: "analytics"}, {Key: "video", Name: "Video", Category: "preferences"}, {Key: "yt", Name: "YouTube", Category: "marketing"}}
	rows := regexp.MustCompile("(?m)^\\| ([^|]+) \\| `(<[^`]+>)` \\| `(\\w+)` \\|$").FindAllStringSubmatch(string(page), -1)
	named := map[string]bool{"Volenti": true}
	for _, row := range rows {
		mark, ok := readMark(n, elementOf(t, row[2]))
		if !ok || !mark.Held || !mark.Released || mark.Category != row[3] {
			t.Errorf("%s: %+v, want %s", row[2], mark, row[3])
		}
		if mark.Dialect != "Volenti" && mark.Dialect != row[1] {
			t.Errorf("%s is of %s, not %s", row[2], mark.Dialect, row[1])
		}
		named[mark.Dialect] = true
	}
	for _, d := range dialects {
		if !named[d.name] {
			t.Errorf("docs/moving.md has no row of %s", d.name)
		}
	}
	for _, s := range sources {
		if !named[s.dialect] {
			t.Errorf("docs/moving.md has no row of %s", s.dialect)
		}
	}
	for _, state := range []State{Dead, Ungated, Banner} {
		if !strings.Contains(string(page), "`"+string(state)+"`") {
			t.Errorf("docs/moving.md does not say what %s means", state)
		}
	}
	if len(rows) < 14 {
		t.Errorf("%d rows, want one a banner", len(rows))
	}
}
