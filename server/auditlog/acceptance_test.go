package auditlog

import (
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// An acceptance settles the checkpoint that was known when it was made, and those before
// it; nothing of another log, nothing longer, no other log of that length, and nothing
// that came later.
func TestAnAcceptanceSettlesWhatWasKnown(t *testing.T) {
	known := Head{Size: 5, Root: tlog.Hash{5}}
	a := Acceptance{Origin: "here", Before: known, At: noon}
	first := Acceptance{At: noon} // nothing was known
	before, after := noon.Add(-time.Millisecond), noon.Add(time.Millisecond)
	for name, c := range map[string]struct {
		a      Acceptance
		origin string
		head   Head
		kept   time.Time
		want   bool
	}{
		"what was known":                     {a, "here", known, before, true},
		"a shorter one":                      {a, "here", Head{Size: 4, Root: tlog.Hash{4}}, before, true},
		"of an empty log":                    {a, "here", Head{}, before, true},
		"as long, with another root":         {a, "here", Head{Size: 5, Root: tlog.Hash{6}}, before, false},
		"longer, with the same root":         {a, "here", Head{Size: 6, Root: known.Root}, before, false},
		"longer":                             {a, "here", Head{Size: 6, Root: tlog.Hash{6}}, before, false},
		"what was known, of another log":     {a, "there", known, before, false},
		"a shorter one, of another log":      {a, "there", Head{Size: 4}, before, false},
		"of no log":                          {a, "", known, before, false},
		"kept at that moment":                {a, "here", known, noon, false},
		"kept later":                         {a, "here", known, after, false},
		"a shorter one, kept later":          {a, "here", Head{Size: 4}, after, false},
		"nothing was known":                  {first, "here", known, before, false},
		"nothing was known, of an empty one": {first, "here", Head{}, before, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.a.Settles(c.origin, c.head, c.kept); got != c.want {
				t.Errorf("%v", got)
			}
		})
	}
}
