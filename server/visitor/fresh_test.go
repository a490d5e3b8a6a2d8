package visitor_test

import (
	"net/http"
	"strings"
	"testing"
)

// A browser must ask again for the one script that holds nothing back by
// itself; a cached one would let unmarked tags run after a withdrawal.
func TestOnlyTheScriptOfWhoAllowedEverythingIsAskedForAgain(t *testing.T) {
	for name, test := range map[string]struct {
		mode    string
		choices map[string]bool
		want    string
	}{
		"everything allowed":               {"script", all(true), "private, no-cache"},
		"something refused":                {"script", map[string]bool{"preferences": true, "analytics": true, "marketing": false}, "private, max-age=300"},
		"nothing is held that is unmarked": {"off", all(true), "private, max-age=300"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.more = "\n[blocking]\nmode = \"" + test.mode + "\"\n"
			w.publish("Accept all", "ga4:analytics")
			_, cookie := w.decide("a", w.boot().T, test.choices, nil)
			rec := w.get("/b/shop.js", "Cookie", cookie)
			if got := rec.Header().Get("Cache-Control"); !strings.HasPrefix(got, test.want) {
				t.Errorf("Cache-Control %q, want %q", got, test.want)
			}
			again := w.get("/b/shop.js", "Cookie", cookie, "If-None-Match", rec.Header().Get("ETag"))
			if again.Code != http.StatusNotModified {
				t.Errorf("asked again: %d, want 304: the answer is as small as it can be", again.Code)
			}
		})
	}
}
