package banner

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/catalogue"
	"github.com/volenti-consent/volenti/server/notice"
)

var update = flag.Bool("update", false, "write the golden files anew")

func known(t testing.TB) *catalogue.Catalogue {
	t.Helper()
	c, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// pageRules is what a page is given.
type pageRules struct {
	Verdicts [][]string `json:"verdicts"`
	Own      []string   `json:"own"`
	Home     string     `json:"home"`
	Known    []string   `json:"known"`
	Unknown  int        `json:"unknown"`
}

func rulesOfPage(t testing.TB, n *notice.Notice) (pageRules, []byte) {
	t.Helper()
	text := strings.TrimSuffix(strings.TrimPrefix(rulesModule(n, known(t)), "export const rules = "), "\n")
	var r pageRules
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return r, []byte(text)
}

// The golden file holds the rules of the notices whose verdicts
// server/notice/testdata/rules.json lists; the unit test of gate/rules.ts judges
// by them.
func TestRulesOfTheListedNotices(t *testing.T) {
	const golden = "test/unit/rules.golden.json"
	file, err := os.ReadFile("../server/notice/testdata/rules.json")
	if err != nil {
		t.Fatal(err)
	}
	var table struct{ Notices map[string]*notice.Notice }
	if err := json.Unmarshal(file, &table); err != nil {
		t.Fatal(err)
	}
	all := map[string]json.RawMessage{}
	for name, n := range table.Notices {
		_, all[name] = rulesOfPage(t, n)
	}
	got, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(golden, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is of other rules; go test ./banner -run ListedNotices -update, and then the unit tests", golden)
	}
}

// judge finds the verdict on what a pattern stands for, as gate/rules.ts does.
func (r pageRules) judge(p catalogue.Pattern) []string {
	found, verdict := catalogue.Pattern{}, r.Unknown
	for i, text := range r.Known {
		for _, pattern := range strings.Fields(text) {
			rule, err := catalogue.ParsePattern(pattern)
			if err == nil && rule.Match(p.Host, p.Path) && (found.Host == "" || catalogue.Compare(rule, found) < 0) {
				found, verdict = rule, i
			}
		}
	}
	return r.Verdicts[verdict]
}

// A script carries a part of the catalogue. What it says must be true, and what
// it does not say must be held.
func TestAPartOfTheCatalogueIsNoLaxerThanTheWhole(t *testing.T) {
	n := shop("en")
	r, _ := rulesOfPage(t, n)
	said := 0
	for _, whole := range rulesOf(n, known(t)) {
		got := r.judge(whole.Pattern)
		if slices.Equal(got, r.Verdicts[r.Unknown]) {
			continue
		}
		said++
		category := append(slices.Clone(got), "")[0]
		if category != whole.category {
			t.Errorf("%v is %q, want %q or what is unknown", whole.Pattern, got, whole.category)
		}
	}
	if said < 40 {
		t.Errorf("%d patterns are judged by the script itself", said)
	}
}

// Whatever else does not fit: what the notice's own vendors load first is judged
// as theirs, and what a page can't do without is never held.
func TestTheFirstRulesAreThoseThatMatter(t *testing.T) {
	r, _ := rulesOfPage(t, shop("en"))
	for host, want := range map[string]string{
		"www.google-analytics.com": "analytics ga4", "connect.facebook.net": "marketing meta", "www.clarity.ms": "analytics clarity", "www.youtube.com": "preferences youtube",
		"js.stripe.com": "", "cdn.jsdelivr.net": "", "cdnjs.cloudflare.com": "", "www.paypal.com": "", "unknown.example": "marketing",
	} {
		if got := strings.Join(r.judge(catalogue.Pattern{Host: host, Path: "/"}), " "); got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
	for _, key := range indispensable {
		if v := known(t).Vendor(key); v == nil || v.Category != notice.Necessary {
			t.Errorf("%s: the catalogue has no such vendor that is necessary", key)
		}
	}
}

// Where unknown hosts are allowed, those must be named that are not.
func TestWhereUnknownIsAllowedTheKnownAreHeld(t *testing.T) {
	n := shop("en")
	n.Blocking.Unknown = "allow"
	r, _ := rulesOfPage(t, n)
	if len(r.Verdicts[r.Unknown]) != 0 {
		t.Errorf("unknown is %q", r.Verdicts[r.Unknown])
	}
	for host, want := range map[string]string{"connect.facebook.net": "marketing meta", "unknown.example": "", "js.stripe.com": ""} {
		if got := strings.Join(r.judge(catalogue.Pattern{Host: host, Path: "/"}), " "); got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
	if len(r.Known) == 0 || len(strings.Join(r.Known, " ")) < allowBudget*3/4 {
		t.Errorf("only these are known: %q", r.Known)
	}
}
