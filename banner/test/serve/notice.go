package main

import "github.com/volenti-consent/volenti/server/notice"

// testNotice has what the pages need: a vendor of each category, things stored
// in all ways, and Consent Mode.
func testNotice() *notice.Notice {
	stored := func(kind string, names ...string) []notice.Stored {
		var all []notice.Stored
		for _, name := range names {
			all = append(all, notice.Stored{Name: name, Kind: kind, Duration: "1 year", Purpose: map[string]string{"en": "For tests."}})
		}
		return all
	}
	vendor := func(key, name, category string, entries ...[]notice.Stored) notice.Vendor {
		v := notice.Vendor{Key: key, Name: name, Category: category, Country: "US", PolicyURL: "https://vendor.example/privacy"}
		for _, e := range entries {
			v.Entries = append(v.Entries, e...)
		}
		return v
	}
	counter := vendor("counter", "Test Counter", "analytics", stored("cookie", "_count", "_count_*"), stored("session", "count-visit"))
	counter.Hosts = []string{"127.0.0.1/count"}
	return &notice.Notice{
		Schema: notice.Schema, Site: "shop", Languages: []string{"en"}, Origins: []string{"http://localhost"},
		Policies:   []string{"privacy"},
		Controller: notice.Controller{Name: "Test Shop", Address: "1 High Street", Contact: "privacy@shop.example", Establishment: "IE"},
		Validity:   6, Posture: "cautious", DNT: "ignore",
		Google: notice.Google{Mode: "basic", WaitForUpdate: 500, AdsDataRedaction: true},
		Look:   notice.Look{Accent: "#0a5bd3", Position: "bottom", Theme: "light", Reopen: "start", Radius: 8},
		// Pages are on localhost, so what they load from 127.0.0.1 is a stranger's.
		Blocking: notice.Blocking{Mode: "script", Unknown: "hold", Allow: []string{"127.0.0.1/free"}},
		Categories: []notice.Category{
			{Key: "necessary", Like: "necessary"}, {Key: "preferences", Like: "preferences"},
			{Key: "analytics", Like: "analytics"}, {Key: "marketing", Like: "marketing"},
		},
		Vendors: []notice.Vendor{
			vendor("video", "Test Video", "preferences", stored("local", "video-*")),
			counter,
			vendor("ads", "Test Ads", "marketing", stored("cookie", "_ads", "_shared"), stored("local", "ads")),
			vendor("social", "YouTube (Test)", "marketing", stored("cookie", "_shared")),
		},
	}
}
