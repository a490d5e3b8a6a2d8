package notice

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/canonical"
)

// tryout is the documentation's shop with one trial.
func tryout(t *testing.T, change func(*Trial)) *Notice {
	n := shop(t)
	trial := Trial{Key: "plum", Percent: 30, Look: n.Look, Wording: map[string]map[string]string{"de": {"title": "Ihre Daten"}}}
	if change != nil {
		change(&trial)
	}
	n.Trials = []Trial{trial}
	return n
}

func TestATrialMayDifferInHowItAsksOnly(t *testing.T) {
	say := func(key, text string) func(*Trial) {
		return func(t *Trial) { t.Wording = map[string]map[string]string{"de": {key: text}} }
	}
	for name, tt := range map[string]struct {
		change     func(*Trial)
		path, what string // of the issue; "" if there is none
	}{
		"words":                {nil, "", ""},
		"a colour":             {func(t *Trial) { t.Wording = nil; t.Look.Accent = "#000000" }, "", ""},
		"nothing":              {func(t *Trial) { t.Wording = nil }, "trials[0]", "is the notice as it is"},
		"the way back":         {func(t *Trial) { t.Look.Reopen = "none" }, "trials[0].look.reopen", "not part of the first layer"},
		"the name of the way":  {say("reopen", "Cookies"), "trials[0].wording.de.reopen", "may differ by chance"},
		"a purpose":            {say("marketing", "Gutes"), "trials[0].wording.de.marketing", "may differ by chance"},
		"no purposes":          {say("ask_opt_in", "Dürfen wir? Jederzeit änderbar unter „{reopen}“."), "trials[0].wording.de.ask_opt_in", "{purposes} is missing"},
		"a long refusal":       {say("reject", "Alles, was nicht unbedingt erforderlich ist, ablehnen"), "trials[0].wording.de.reject", "much longer"},
		"implied consent":      {say("title", "Durch die Nutzung stimmen Sie zu"), "trials[0].wording.de.title", "going on is consent"},
		"an unknown text":      {say("titel", "Ihre Daten"), "trials[0].wording.de.titel", "not a text of the banner"},
		"a language too many":  {func(t *Trial) { t.Wording = map[string]map[string]string{"ga": {"title": "Do phríobháideacht"}} }, "trials[0].wording.ga", "not a language"},
		"nobody":               {func(t *Trial) { t.Percent = 0 }, "trials[0].percent", "out of range"},
		"a colour that is not": {func(t *Trial) { t.Look.Accent = "red" }, "trials[0].look.accent", "not a color"},
	} {
		t.Run(name, func(t *testing.T) {
			issues := slices.DeleteFunc(Lint(tryout(t, tt.change)), func(i Issue) bool { return i.Severity != SeverityError })
			if tt.path == "" {
				if len(issues) > 0 {
					t.Errorf("refused: %v", issues)
				}
				return
			}
			if !slices.ContainsFunc(issues, func(i Issue) bool { return i.Path == tt.path && strings.Contains(i.What, tt.what) }) {
				t.Errorf("want %s … %s, got %v", tt.path, tt.what, issues)
			}
		})
	}
}

// Every number has its trial, as many as percent says, and the rest none.
func TestDraw(t *testing.T) {
	n := &Notice{Trials: []Trial{{Key: "a", Percent: 10}, {Key: "b", Percent: 25}}}
	got := map[string]int{}
	for i := range 100 {
		got[n.Draw(i)]++
	}
	if want := map[string]int{"a": 10, "b": 25, "": 65}; !maps.Equal(got, want) {
		t.Errorf("drew %v, want %v", got, want)
	}
	chance := rand.New(rand.NewPCG(1, 2))
	clear(got)
	for range 100_000 {
		got[n.Draw(chance.IntN(100))]++
	}
	// Four standard deviations of a binomial with p = 0.25 are 548.
	if b := got["b"]; b < 25_000-548 || b > 25_000+548 {
		t.Errorf("b was drawn %d times of 100000, want about 25000", b)
	}
	if got := (&Notice{}).Draw(0); got != "" {
		t.Errorf("without trials: %q", got)
	}
}

func TestPublishATrial(t *testing.T) {
	p, _ := publisher()
	n := tryout(t, nil)
	publication, err := p.Publish(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	plain, tried := Variant{Kind: KindAsk, Surface: AskOptIn, Language: "de"}, Variant{Kind: KindAsk, Surface: AskOptIn, Language: "de", Trial: "plum"}
	if publication.WordingOf(plain) == publication.WordingOf(tried) {
		t.Error("a trial of other words has the same wording")
	}
	said, err := canonical.Encode(n.Tried("plum").WordingFor("de"))
	if err != nil {
		t.Fatal(err)
	}
	if string(publication.WordingBytes[publication.WordingOf(tried)]) != string(said) {
		t.Error("the trial's wording is not kept")
	}
	en := tried
	en.Language = "en"
	if publication.WordingOf(en) != publication.Wordings["en"] {
		t.Error("where a trial says nothing else, its wording is not the notice's")
	}
	count := 0
	for _, s := range publication.Scripts {
		if s.Trial == "plum" {
			count++
		}
	}
	if count != 2*3 {
		t.Errorf("%d scripts of the trial, want three surfaces in two languages", count)
	}
}
