package notice

import (
	"cmp"
	"slices"
	"testing"

	"github.com/volenti-consent/volenti/server/catalogue"
)

func TestSourcesAreOfWhoMayLoad(t *testing.T) {
	known, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	n := asking("necessary analytics marketing pay:necessary counter:analytics meta:marketing")
	n.Origins = []string{"https://www.shop.example", "http://127.0.0.1:8080"}
	n.Blocking.Allow = []string{"cdn.friend.example"}
	n.Vendors[0].Hosts = []string{"pay.example"}
	n.Vendors[1].Hosts = []string{"stats.example/count", "pay.example"}
	r := NewRules(n, known)
	meta := known.Vendor("meta")
	if meta == nil || len(meta.Hosts) == 0 {
		t.Fatal("the catalogue does not know the vendor of this test")
	}
	for _, tt := range []struct {
		may  func(category, vendor string) bool
		want []string
	}{
		{func(string, string) bool { return false }, []string{"shop.example", "127.0.0.1", "cdn.friend.example", "pay.example"}},
		{func(c, v string) bool { return c == "analytics" && v == "counter" }, []string{"shop.example", "127.0.0.1", "cdn.friend.example", "pay.example", "stats.example/count"}},
		{func(_, v string) bool { return v == "meta" }, append([]string{"shop.example", "127.0.0.1", "cdn.friend.example", "pay.example"}, meta.Hosts...)},
	} {
		var got []string
		for _, p := range r.Sources(tt.may) {
			got = append(got, p.String())
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("got %v, want %v", got, tt.want)
		}
		// Whatever is listed, the rules let pass.
		for _, p := range r.Sources(tt.may) {
			v := r.JudgeText("https://"+p.Host+cmp.Or(p.Path, "/"), nil, "www.shop.example")
			if !v.Free() && !tt.may(v.Category, v.Vendor) {
				t.Errorf("%s is listed, and is held: %+v", p, v)
			}
		}
	}
}
