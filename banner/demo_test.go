package banner

import (
	"testing"

	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/web/demo"
)

// The demo shop has more of everything than most sites. What it asks by is what
// a newcomer weighs first.
func TestFirstLayerOfTheDemoIsSmall(t *testing.T) {
	n, issues := notice.Parse(demo.Notice([]string{"http://localhost:8080", "http://127.0.0.1:8080"}, notice.Languages()), "demo.toml")
	if notice.Failed(issues) {
		t.Fatal(issues)
	}
	n.Languages = []string{"en"}
	for _, s := range compile(t, n) {
		if s.Kind != notice.KindAsk {
			continue
		}
		size := compressed(t, s.Source) + len(boot)
		t.Logf("%s: %d bytes", s.Surface, size)
		if size > 8000 {
			t.Errorf("%s is %d bytes, want 8000 at most", s.Surface, size)
		}
	}
}
