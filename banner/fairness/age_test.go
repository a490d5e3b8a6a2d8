package fairness

import (
	"fmt"
	"slices"
	"testing"

	"github.com/volenti-consent/volenti/banner"
	"github.com/volenti-consent/volenti/server/notice"
)

// The banner is as fair where it asks how old visitors are: in every look, in
// languages long and short, with the domains of a shared decision as well.
func TestTheQuestionOfAgeIsFair(t *testing.T) {
	for i, position := range []string{"bottom", "bottom-start", "bottom-end", "top", "center", "inline"} {
		for _, modal := range []bool{false, true} {
			language := []string{"en", "de", "el", "ar", "ja", "fi"}[i]
			t.Run(fmt.Sprint(position, " ", modal, " ", language), func(t *testing.T) {
				t.Parallel()
				n := shop(language)
				n.Look.Position, n.Look.Modal = position, modal
				n.Age.Minimum, n.Share.Domains = 16, i%2 == 0
				n.Origins = append(n.Origins, "https://outlet.example")
				for _, issue := range inspect(t, n, banner.Compiler{}, notice.AskOptIn) {
					t.Errorf("%s\n\t%s", issue, issue.Rule)
				}
			})
		}
	}
}

func TestAnUnfairQuestionOfAgeIsRefused(t *testing.T) {
	for name, m := range map[string]mutant{
		"ticked before":           {File: "ui/age.ts", Old: "    type: 'checkbox',\n", New: "    type: 'checkbox',\n    checked: true,\n", Rule: 24},
		"wanted for a refusal":    {File: "ui/ask.ts", Old: "VOLENTI.age && choice === '1' &&", New: "VOLENTI.age &&", Rule: 9},
		"wanted, and never heard": {File: "ui/age.ts", Old: "gate.ofAge = input.checked;", New: "", Rule: 9},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := shop("en")
			n.Age.Minimum = 16
			issues := inspect(t, n, banner.Compiler{Sources: mutated(t, m)}, notice.AskOptIn)
			if !slices.ContainsFunc(issues, func(i notice.Issue) bool { return i.Rule == ruleOf(m.Rule).String() }) {
				t.Errorf("want %q, got %v", ruleOf(m.Rule), issues)
			}
		})
	}
}
