package fairness

import "fmt"

// A Rule is one design rule of regulators that a banner is held to.
type Rule struct {
	Number int    // as in docs/fairness.md
	Says   string // what must be so
	Source string // who says it
}

// Rules are those that the inspection applies, by number. Numbers are those of
// the list in docs/fairness.md, which has others that are tested elsewhere.
var Rules = []Rule{
	{0, "the banner can be judged", "what can't be judged is not published"},
	{3, "nothing is stored, and nobody told apart, before a choice", "ePrivacy Directive Art. 5(3)"},
	{4, "scrolling, clicking the page, Escape and waiting are not consent", "EDPB Guidelines 05/2020, 84–86; CJEU C-673/17"},
	{5, "closing is not consent", "CNIL recommendation 2020-092; 11 CCR 7004(a)(4)"},
	{9, "accept and reject stand on the same layer", "EDPB Cookie Banner Taskforce 2023, 6–8; CNIL 2020-092; 11 CCR 7004(a)(2)"},
	{10, "accept and reject are the same kind of control", "EDPB Cookie Banner Taskforce 2023, 12–16"},
	{11, "reject is at least 80 % as large as accept", "EDPB Cookie Banner Taskforce 2023, 17–19"},
	{12, "reject has letters as large and as heavy as accept", "IAB TCF Policies App. B; CNIL 2020-092"},
	{13, "the text of each button has a contrast of 5:1", "IAB TCF Policies App. B; WCAG 2.2, 1.4.3"},
	{14, "neither button is filled, framed or lit to stand out", "EDPB Guidelines 03/2022, 4.3; Cookie Banner Taskforce 2023, 17–19"},
	{15, "both are seen without scrolling, also at 320 × 640", "EDPB Cookie Banner Taskforce 2023, 12–16"},
	{16, "reject stands beside accept, aligned, and is not a link", "EDPB Cookie Banner Taskforce 2023, 12–16; CNIL notices of 12 December 2024"},
	{17, "there are no more ways to accept than to reject", "CNIL notices of 12 December 2024"},
	{18, "the labels say what the buttons do, without shame or double negation", "CNIL notices of 12 December 2024; Colorado 4 CCR 904-3, 7.09"},
	{19, "no text takes going on for consent", "GDPR Rec. 32; EDPB Guidelines 05/2020, 86"},
	{20, "purposes and the number of third parties come before the buttons, with a link to the policy", "CNIL 2020-092; CJEU C-673/17; IAB TCF Policies App. B"},
	{21, "it is said that consent can be withdrawn, and where", "GDPR Art. 7(3)"},
	{22, "the page can be used without an answer, unless the notice says otherwise", "EDPB Guidelines 05/2020, 39–41"},
	{23, "the banner says its language", "WCAG 2.2, 3.1.2"},
	{24, "nothing optional is ticked before the visitor does", "CJEU C-673/17; GDPR Rec. 32"},
	{25, "every purpose and vendor has a switch of its own", "GDPR Rec. 43; EDPB Guidelines 05/2020, 42–44"},
	{26, "exactly what is ticked is what is decided", "GDPR Art. 4(11)"},
	{27, "what is necessary is shown, and locked", "EDPB Cookie Banner Taskforce 2023, 24–25"},
	{28, "name, provider, purpose and lifetime of all that is stored can be read", "CJEU C-673/17, 75–81"},
	{29, "saving takes one click more than accepting, and the second layer has reject too", "EDPB Cookie Banner Taskforce 2023, 6–8"},
	{30, "closing the second layer changes nothing", "EDPB Guidelines 05/2020, 84–86"},
	{32, "reject refuses everything with one click, and the banner goes", "EDPB Guidelines 03/2022, 4.4; 11 CCR 7004(a)(2)(A)"},
}

func ruleOf(number int) Rule {
	for _, r := range Rules {
		if r.Number == number {
			return r
		}
	}
	panic(fmt.Sprintf("there is no rule %d", number)) // a mistake in this package
}

// String names a rule as issues cite it.
func (r Rule) String() string {
	if r.Number == 0 {
		return r.Source
	}
	return fmt.Sprintf("fairness rule %d: %s (%s)", r.Number, r.Says, r.Source)
}
