package fairness

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// docs/fairness.md lists the rules that are applied, and no others.
func TestTheRulesAreDocumented(t *testing.T) {
	b, err := os.ReadFile("../../docs/fairness.md")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for i, r := range Rules {
		if r.Number != 0 {
			want = append(want, fmt.Sprintf("| %d | %s | %s |", r.Number, r.Says, r.Source))
		}
		if i > 0 && r.Number <= Rules[i-1].Number {
			t.Errorf("rule %d stands behind rule %d", r.Number, Rules[i-1].Number)
		}
	}
	var got []string
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| rule") && !strings.HasPrefix(line, "| ---") {
			got = append(got, line)
		}
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the table is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
