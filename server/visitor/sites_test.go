package visitor_test

import (
	"fmt"
	"testing"

	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/site"
)

// another adds a site beside the shop, with a notice for one origin.
func (w *world) another(key, origin string) {
	w.t.Helper()
	if err := w.db.AddSite(w.t.Context(), site.Site{Key: key, Name: "The " + key, CreatedAt: w.now}); err != nil {
		w.t.Fatal(err)
	}
	n, issues := notice.Parse([]byte(fmt.Sprintf(`
site = %q
languages = ["en"]
origins = [%q]
categories = ["necessary", "preferences", "analytics", "marketing"]
[controller]
name = "%[1]s Ltd"
address = "1 Street, Town"
contact = "privacy@%[1]s.example"
establishment = "US"
[[vendor]]
key = "ga4"
name = "ga4"
category = "analytics"
country = "US"
`, key, origin)), "notice.toml")
	if notice.Failed(issues) {
		w.t.Fatalf("the notice: %v", issues)
	}
	p := publisher(w)
	if _, err := p.Publish(w.t.Context(), n); err != nil {
		w.t.Fatal(err)
	}
	if err := w.directory.Refresh(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func TestSitesAreListedByName(t *testing.T) {
	w := newWorld(t)
	w.publish("Accept all")
	w.another("blog", "https://blog.example")
	var names string
	for _, live := range w.directory.All() {
		names += live.Site.Name + "; "
	}
	if names != "Shop; The blog; " {
		t.Errorf("listed: %s", names)
	}
}
