package notice

import (
	"slices"
	"testing"
)

func TestDifferences(t *testing.T) {
	before, _ := Read([]byte(everything), "notice.toml")
	after, _ := Read([]byte(everything), "notice.toml")
	if got := Differences(before, after); len(got) != 0 {
		t.Fatalf("the same: %v", got)
	}
	after.Look.Accent = "#ffffff"
	after.Vendors[0].Name = "Chat Desk"
	after.Vendors[0].Entries[0].Duration = "1 day"
	after.Vendors = append(after.Vendors, Vendor{Key: "new", Name: "New", Category: "analytics"})
	delete(after.Wording["en"], "title")
	after.Share.Domains = false
	want := []Differing{
		{"look.accent", "#0b5d3b", "#ffffff"},
		{"share.domains", "true", ""},
		{"vendors", "chat, ga4", "chat, ga4, new"},
		{"vendors[chat].entries[chat (cookie)].duration", "1 year", "1 day"},
		{"vendors[chat].name", "Chat", "Chat Desk"},
		{"vendors[new].category", "", "analytics"},
		{"vendors[new].key", "", "new"},
		{"vendors[new].name", "", "New"},
		{"wording.en.title", "Cookies <b>&amp;</b> {vendors}", ""},
	}
	if got := Differences(before, after); !slices.Equal(got, want) {
		t.Errorf("\n got %v\nwant %v", got, want)
	}
	if got := Differences(nil, after); len(got) < 40 || got[0].Before != "" {
		t.Errorf("from nothing: %v", got)
	}
}

func TestKnownVendors(t *testing.T) {
	if v := KnownVendor("hotjar"); v.Category != Analytics || len(v.Entries) == 0 {
		t.Errorf("one with a template: %+v", v)
	}
	if v := KnownVendor("nobody-knows"); v.Category != Marketing || v.Name != "" {
		t.Errorf("one that nobody knows: %+v", v)
	}
	all := KnownVendors()
	seen := map[string]bool{}
	for _, v := range all {
		if seen[v.Key] || v.Name == "" {
			t.Errorf("%+v is there twice, or has no name", v)
		}
		seen[v.Key] = true
	}
	if len(all) < 100 || !seen["meta"] {
		t.Errorf("%d are known", len(all))
	}
}
