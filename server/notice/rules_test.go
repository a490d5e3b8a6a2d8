package notice

import (
	"encoding/json"
	"net/url"
	"os"
	"slices"
	"testing"

	"github.com/volenti-consent/volenti/server/catalogue"
)

// testdata/rules.json holds notices, as far as rules need them, and what
// addresses as they stand in a page's markup need under them. The tests of the
// banner's script read it too.
func TestRulesJudgeAsTheTableSays(t *testing.T) {
	file, err := os.ReadFile("testdata/rules.json")
	if err != nil {
		t.Fatal(err)
	}
	type verdict struct {
		Reason   Reason `json:"reason"`
		Category string `json:"category"`
		Vendor   string `json:"vendor"`
		Known    string `json:"known"`
	}
	var table struct {
		Notices map[string]*Notice `json:"notices"`
		Cases   []struct {
			What    string  `json:"what"`
			Notice  string  `json:"notice"`
			Page    string  `json:"page"`
			Address string  `json:"address"`
			Verdict verdict `json:"verdict"`
		} `json:"cases"`
	}
	if err := json.Unmarshal(file, &table); err != nil {
		t.Fatal(err)
	}
	known, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[Reason]int{}
	for _, c := range table.Cases {
		page, err := url.Parse(c.Page)
		if err != nil {
			t.Fatal(err)
		}
		v := NewRules(table.Notices[c.Notice], known).JudgeText(c.Address, page, page.Host)
		got := verdict{Reason: v.Reason, Category: v.Category, Vendor: v.Vendor}
		if v.Known != nil {
			got.Known = v.Known.Key
		}
		if got != c.Verdict {
			t.Errorf("%s: %q in %s: %+v, want %+v", c.What, c.Address, c.Page, got, c.Verdict)
		}
		if v.Free() != (c.Verdict.Category == "") {
			t.Errorf("%s: Free is %v", c.What, v.Free())
		}
		seen[v.Reason]++
	}
	for _, reason := range []Reason{ByNotice, FirstParty, ByCatalogue, Unknown} {
		if seen[reason] < 5 {
			t.Errorf("%d cases of %s", seen[reason], reason)
		}
	}
}

func TestJudgeReadsParsedAddressesAnew(t *testing.T) {
	known, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	r := NewRules(&Notice{Categories: []Category{{Key: "ads", Like: "marketing"}}}, known)
	for address, want := range map[string]Reason{
		"https://www.google.com/recaptcha/%2e%2e/maps": ByCatalogue,
		"https://SHOP.example./x":                      FirstParty,
		"https://shop.example:8443/x":                  FirstParty,
		"mailto:a@b.example":                           FirstParty,
		"/relative":                                    Unknown,
		"https://x.example/":                           Unknown,
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		v := r.Judge(u, "shop.example")
		if v.Reason != want {
			t.Errorf("%s: %s, want %s", address, v.Reason, want)
		}
		if v.Reason == Unknown && v.Category != "ads" {
			t.Errorf("%s: category %q, want ads", address, v.Category)
		}
	}
	for _, page := range []string{"shop.example:8443", "SHOP.example.", "shop.example"} {
		if v := r.Judge(&url.URL{Scheme: "https", Host: "cdn.shop.example"}, page); v.Reason != FirstParty {
			t.Errorf("in a page of %s: %s", page, v.Reason)
		}
	}
	for _, page := range []string{"[2001:db8::9]:80", "[2001:db8::9]", "2001:db8::9"} {
		if v := r.Judge(&url.URL{Scheme: "http", Host: "[2001:db8::9]"}, page); v.Reason != FirstParty {
			t.Errorf("in a page of %s: %s", page, v.Reason)
		}
	}
	// Without a page, only the notice's origins are at home.
	if v := r.Judge(&url.URL{Scheme: "https", Host: "shop.example"}, ""); v.Reason != Unknown {
		t.Errorf("in no page: %s", v.Reason)
	}
}

func TestFirstPartyIsWhatCanBeRegistered(t *testing.T) {
	n := &Notice{Origins: []string{"https://www.shop.co.uk", "https://shop.co.uk", "https://shop.github.io", "http://localhost:8080", "http://192.0.2.7", "http://[2001:db8::7]:80", "https://a.b.c.example"}}
	want := []string{"shop.co.uk", "shop.github.io", "localhost", "192.0.2.7", "2001:db8::7", "c.example"}
	if got := n.FirstParty(); !slices.Equal(got, want) {
		t.Errorf("first party is %q, want %q", got, want)
	}
}

func BenchmarkJudge(b *testing.B) {
	known, err := catalogue.Load()
	if err != nil {
		b.Fatal(err)
	}
	r := NewRules(&Notice{}, known)
	base, _ := url.Parse("https://www.shop.example/a/b")
	for b.Loop() {
		r.JudgeText("https://connect.facebook.net/en_US/fbevents.js", base, "www.shop.example")
	}
}
