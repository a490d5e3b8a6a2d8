package policyversions

import (
	"slices"
	"strings"
	"testing"
)

const fineText = `# Privacy policy

Shop Ltd is the controller. Write to privacy@shop.example or see [your rights](#your-rights).

## What we keep

### Orders

We keep orders, and the addresses that they are sent to, for seven years, which is what the law asks of us.

## Your rights

You may ask for what we have about you, and see [the authority](https://authority.example/).
`

func rulesOf(issues []Issue) (rules []string) {
	for _, i := range issues {
		rules = append(rules, i.Rule)
	}
	slices.Sort(rules)
	return rules
}

func TestLint(t *testing.T) {
	if issues := Lint(Text{Markdown: fineText, Language: "en"}); len(issues) > 0 {
		t.Fatalf("nothing is wrong with it: %v", issues)
	}
	replace := func(old, now string) string {
		text := strings.Replace(fineText, old, now, 1)
		if text == fineText {
			t.Fatalf("%q is not in the text", old)
		}
		return text
	}
	// A section that has sections says something by them, and the empty ones are told.
	nested := replace("We keep orders, and the addresses that they are sent to, for seven years, which is what the law asks of us.\n\n", "")
	if rules := rulesOf(Lint(Text{Markdown: nested, Language: "en"})); !slices.Equal(rules, []string{"empty-section"}) {
		t.Errorf("it says %v", rules)
	}
	for name, c := range map[string]struct {
		text, rule string
		line       int
		serious    bool
	}{
		"a level left out":   {replace("## What we keep\n\n", ""), "heading-order", 5, false},
		"a second title":     {replace("## Your", "# Your"), "two-titles", 11, false},
		"an empty section":   {replace("## Your rights", "## Recipients\n\n## Your rights"), "empty-section", 11, true},
		"empty at the end":   {fineText + "\n## Changes\n", "empty-section", 15, true},
		"empty, with deeper": {replace("We keep orders, and the addresses that they are sent to, for seven years, which is what the law asks of us.\n\n", ""), "empty-section", 7, true},
		"a link to nowhere":  {replace("#your-rights", "#rights"), "broken-link", 3, true},
		"a script":           {replace("https://authority.example/", "javascript:alert(1)"), "refused-link", 13, true},
		"a path":             {replace("https://authority.example/", "/contact"), "relative-link", 13, false},
		"no contact":         {replace("privacy@shop.example", "us"), "no-contact", 1, false},
		"nobody":             {replace("Shop Ltd is the controller.", "We like data."), "no-controller", 1, false},
		"a template":         {replace("seven years", `\[insert period\]`), "placeholder", 9, true},
		"a template's mark":  {replace("seven years", "{{period}}"), "placeholder", 9, true},
		"a bold line":        {replace("## Your rights\n\n", "**Your rights**\n\n"), "bold-heading", 11, false},
		"a long paragraph":   {replace("We keep orders", strings.Repeat("We keep orders. ", 100)), "long-paragraph", 9, false},
		"another language":   {fineText, "language", 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			language := "en"
			if c.rule == "language" {
				language = "de-AT"
			}
			issues := Lint(Text{Markdown: c.text, Language: language})
			at := slices.IndexFunc(issues, func(i Issue) bool { return i.Rule == c.rule })
			if at < 0 {
				t.Fatalf("it says %v", issues)
			}
			if i := issues[at]; i.Line != c.line || i.Serious != c.serious || i.What == "" || i.Remedy == "" {
				t.Errorf("%+v, want line %d", i, c.line)
			}
		})
	}
}

func TestLintKnowsLanguages(t *testing.T) {
	for want, text := range map[string]string{
		"en": "The data that you give to us are kept by our company and the people who work with it. This is what the law of your country asks of us, and which we have to follow. You may ask for them from us.",
		"de": "Die Daten, die Sie uns geben, werden von der Firma und den Menschen, die mit ihr arbeiten, verwahrt. Das ist nicht nur durch das Gesetz verlangt. Wir geben die Daten nicht für Werbung weiter, und Sie können auf eine Auskunft bestehen.",
		"fr": "Les données que vous nous confiez sont conservées par notre société et par les personnes qui travaillent avec elle. Vous pouvez recevoir une copie dans votre espace, et nous sommes là pour vos droits des ces articles. Les cookies sont posés dans votre navigateur avec votre accord.",
		"ja": "当社は、お客様の個人情報を適切に取り扱い、法令に従って管理いたします。",
		"el": "Συλλέγουμε τα δεδομένα που μας δίνετε και τα φυλάμε για όσο χρειάζεται.",
		"":   "Orders, names, addresses.",
	} {
		if got := seemsToBe(text); got != want {
			t.Errorf("%q seems to be %q, want %q", text, got, want)
		}
	}
}

func TestStartersAreFine(t *testing.T) {
	for _, language := range []string{"en", "de"} {
		for _, kind := range []string{"privacy", "cookies"} {
			d, err := Starter(kind, language, Controller{Name: "Shop GmbH", Address: "Ring 1\n1010 Wien", Contact: "privacy@shop.example"})
			if err != nil {
				t.Fatal(err)
			}
			if issues := Lint(d.Text); len(issues) > 0 {
				t.Errorf("%s in %s: %v", kind, language, issues)
			}
		}
	}
}
