package admin

import (
	"fmt"
	"slices"

	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/web/console"
)

// vendorRows are the vendors of a notice, each with an empty form for one thing more
// that it stores.
func vendorRows(n *notice.Notice) *console.FieldRows {
	rows := &console.FieldRows{One: "vendor", Many: "vendors", Ordered: true, AddChoices: knownVendors(n),
		About: "Somebody whose tags your pages load, and what each stores on the device. Visitors see them in this order.",
		Empty: "A vendor is somebody whose tags your pages load, or you yourself where you store something.",
		Add:   console.Field{Name: "add", Label: "Add a vendor", Kind: "text", Hint: "Choose one that is known, or write a key of your own."}}
	for i, v := range n.Vendors {
		at := fmt.Sprintf("vendors[%d]", i)
		row := console.FieldRow{At: i, Name: v.Name, Sub: v.Category + ", " + counted(int64(len(v.Entries)), "stored item", "stored items"), Groups: []console.FieldGroup{{Fields: []console.Field{
			textField(at+".key", "Key", v.Key, "Stands in markup: data-service. Its tags follow a change."),
			textField(at+".name", "Name", v.Name, "As visitors know it, with the company: YouTube (Google Ireland Limited)"),
			{Name: at + ".category", Label: "Purpose", Kind: "select", Value: v.Category, Options: categoryChoices(n, v.Category), Hint: "What visitors allow it for."},
			textField(at+".country", "Country the data goes to", v.Country, "Two letters: US"),
			textField(at+".policy_url", "Its privacy policy", v.PolicyURL, "https address"),
			textField(at+".opt_out_url", "Where visitors have removed what it holds", v.OptOutURL, "https address, if it has such a page"),
			linesField(at+".hosts", "What it loads from", v.Hosts, "Hosts, one a line, beside those that are known"),
			textField(at+".api", "How it is told what was decided", v.API, "Empty: as our catalogue says; “none”: not at all"),
			tickField(at+".reload", "The page is loaded anew when it is withdrawn", v.Reload, "For tags that can't be unloaded."),
		}}}}
		for j, e := range append(slices.Clone(v.Entries), notice.Stored{Kind: "cookie"}) {
			stored := fmt.Sprintf("%s.stores[%d]", at, j)
			group := console.FieldGroup{Legend: e.Name, Code: true, Fields: []console.Field{
				textField(stored+".name", "Stored item", e.Name, "Exact, or the beginning and *: _ga_*. Empty takes it away."),
				closed(stored+".kind", "Kind", e.Kind, "kind", "Where it is kept."),
				textField(stored+".duration", "Kept for", e.Duration, "session, persistent, or 13 months, 2 years, 1 day"),
			}}
			if j == len(v.Entries) {
				group.Legend, group.Code = "One more stored item", false
			}
			group.Fields = append(group.Fields, languageFields(n, stored+".purpose", "What for", e.Purpose, "One sentence")...)
			group.Fields = append(group.Fields, tickField(stored+".http_only", "Only servers see it", e.HTTPOnly, "HttpOnly: we delete it from the server, on domains it shares with the page."),
				tickField(stored+".foreign", "Kept on the vendor's own domain", e.Foreign, "Only the vendor can delete it."))
			row.Groups = append(row.Groups, group)
		}
		rows.List = append(rows.List, row)
	}
	return rows
}

func categoryChoices(n *notice.Notice, selected string) []console.Pick {
	keys := []string{notice.Necessary, notice.Preferences, notice.Analytics, notice.Marketing}
	for _, c := range n.Categories {
		if !slices.Contains(keys, c.Key) {
			keys = append(keys, c.Key)
		}
	}
	return choices(selected, keys...)
}

// mostKnown of the catalogue are offered by name; all of them can be typed.
const mostKnown = 400

// knownVendors are those that can be added with what is known of them.
func knownVendors(n *notice.Notice) []console.Pick {
	var all []console.Pick
	seen := map[string]bool{}
	for _, v := range n.Vendors {
		seen[v.Key] = true
	}
	for _, v := range notice.KnownVendors() {
		if !seen[v.Key] && len(all) < mostKnown {
			all = append(all, console.Pick{Key: v.Key, Name: v.Name})
		}
	}
	return all
}

// setVendors puts the form into n.
func setVendors(d *Desk, n *notice.Notice) string {
	for i := range n.Vendors {
		v, at := &n.Vendors[i], fmt.Sprintf("vendors[%d]", i)
		if !came(d, at+".key") {
			continue
		}
		before := v.Key
		v.Key, v.Name, v.Category, v.Country = one(d, at+".key", v.Key), one(d, at+".name", v.Name), one(d, at+".category", v.Category), one(d, at+".country", v.Country)
		v.PolicyURL, v.OptOutURL, v.API = one(d, at+".policy_url", v.PolicyURL), one(d, at+".opt_out_url", v.OptOutURL), one(d, at+".api", v.API)
		v.Hosts, v.Reload = words(d, at+".hosts", v.Hosts), ticked(d, at+".reload")
		for j := range n.Tags {
			if n.Tags[j].Vendor == before {
				n.Tags[j].Vendor = v.Key
			}
		}
		var entries []notice.Stored
		for j := range len(v.Entries) + 1 {
			stored, e := fmt.Sprintf("%s.stores[%d]", at, j), notice.Stored{}
			if j < len(v.Entries) {
				e = v.Entries[j]
			}
			e.Name, e.Kind, e.Duration = one(d, stored+".name", e.Name), one(d, stored+".kind", e.Kind), one(d, stored+".duration", e.Duration)
			e.Purpose = setByLanguage(d, n, stored+".purpose", e.Purpose)
			if came(d, stored+".name") {
				e.HTTPOnly, e.Foreign = ticked(d, stored+".http_only"), ticked(d, stored+".foreign")
			}
			if e.Name != "" { // an item whose name is taken away is taken away
				entries = append(entries, e)
			}
		}
		v.Entries = entries
	}
	do, at := did(d)
	switch {
	case do == "add":
		key := one(d, "add", "")
		if key == "" {
			return ""
		}
		v := notice.KnownVendor(key)
		addVendor(n, v)
		return "vendor " + v.Key + " added"
	case do == "remove" && at >= 0 && at < len(n.Vendors):
		key := n.Vendors[at].Key
		n.Vendors = slices.Delete(n.Vendors, at, at+1)
		n.Tags = slices.DeleteFunc(n.Tags, func(t notice.Tag) bool { return t.Vendor == key })
		return "vendor " + key + " removed"
	}
	all, what := arranged(d, n.Vendors)
	n.Vendors = all
	if what != "" {
		return "vendor " + what
	}
	return "vendors"
}
