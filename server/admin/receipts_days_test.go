package admin

import (
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/site"
)

// The days of a search are the site's, also where a night has no midnight.
func TestASearchTakesTheSitesDays(t *testing.T) {
	for _, tt := range []struct{ zone, day, from, to string }{
		{"Europe/Vienna", "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},  // 23 hours
		{"Asia/Beirut", "2024-03-31", "2024-03-30T22:00:00Z", "2024-03-31T21:00:00Z"},    // begins at one
		{"America/Havana", "2024-11-03", "2024-11-03T04:00:00Z", "2024-11-04T05:00:00Z"}, // midnight comes twice
		{"UTC", "2028-02-29", "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z"},
	} {
		d := &Desk{Site: site.Site{Key: shop, TimeZone: tt.zone}}
		s, wrong := d.searchOf(func(name string) string { return map[string]string{"from": tt.day, "to": tt.day}[name] })
		at := func(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }
		if len(wrong) > 0 || at(s.From) != tt.from || at(s.To) != tt.to {
			t.Errorf("%s in %s: from %s to %s, want %s to %s: %v", tt.day, tt.zone, at(s.From), at(s.To), tt.from, tt.to, wrong)
		}
	}
	d := &Desk{Site: site.Site{Key: shop}}
	for _, days := range []map[string]string{{"from": "2026-11-31"}, {"to": "x"}, {"from": "2026-11-20", "to": "2026-11-10"}} {
		if _, wrong := d.searchOf(func(name string) string { return days[name] }); len(wrong) != 1 {
			t.Errorf("%v: %v", days, wrong)
		}
	}
}
