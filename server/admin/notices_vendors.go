package admin

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/web/console"
)

// vendorForms are the vendors of a notice, each with an empty row for one thing
// more that it stores.
func vendorForms(n *notice.Notice) []console.VendorForm {
	var all []console.VendorForm
	for i, v := range n.Vendors {
		at := fmt.Sprintf("vendors[%d]", i)
		form := console.VendorForm{At: i, Name: v.Name, Fields: []console.Field{
			{Name: at + ".key", Label: "Key", Kind: "text", Value: v.Key, Hint: "Stands in markup: data-service"},
			{Name: at + ".name", Label: "Name", Kind: "text", Value: v.Name},
			{Name: at + ".category", Label: "Purpose", Kind: "select", Value: v.Category, Options: categoryChoices(n, v.Category)},
			{Name: at + ".country", Label: "Country the data goes to", Kind: "text", Value: v.Country, Hint: "Two letters: US"},
			{Name: at + ".policy_url", Label: "Its privacy policy", Kind: "text", Value: v.PolicyURL},
			{Name: at + ".hosts", Label: "What it loads from", Kind: "lines", Value: strings.Join(v.Hosts, "\n"), Hint: "Hosts, one a line, beside those that are known"},
		}}
		for j, e := range append(slices.Clone(v.Entries), notice.Stored{Kind: "cookie"}) {
			stored := fmt.Sprintf("%s.stores[%d]", at, j)
			row := []console.Field{
				{Name: stored + ".name", Label: "Stored item", Kind: "text", Value: e.Name},
				{Name: stored + ".kind", Label: "Kind", Kind: "select", Value: e.Kind, Options: choices(e.Kind, notice.Options("kind")...)},
				{Name: stored + ".duration", Label: "Kept for", Kind: "text", Value: e.Duration},
			}
			for _, language := range n.Languages {
				row = append(row, console.Field{Name: stored + ".purpose." + language, Label: "What for, in " + languageName(language), Kind: "text",
					Value: e.Purpose[language], Language: language, Direction: direction(language)})
			}
			form.Entries = append(form.Entries, row)
		}
		all = append(all, form)
	}
	return all
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

// setVendors puts the form into n, and says what was done in a few words.
func setVendors(d *Desk, n *notice.Notice) string {
	text := func(name string) string { return strings.Join(strings.Fields(d.FormValue(name)), " ") }
	for i := range n.Vendors {
		at := fmt.Sprintf("vendors[%d]", i)
		if _, there := d.Request().PostForm[at+".key"]; !there {
			continue
		}
		v := &n.Vendors[i]
		v.Key, v.Name, v.Category, v.Country, v.PolicyURL, v.Hosts = text(at+".key"), text(at+".name"), text(at+".category"), text(at+".country"), text(at+".policy_url"), words(d, at+".hosts")
		var entries []notice.Stored
		for j := range len(v.Entries) + 1 {
			stored := fmt.Sprintf("%s.stores[%d]", at, j)
			e := notice.Stored{}
			if j < len(v.Entries) {
				e = v.Entries[j]
			}
			e.Name, e.Kind, e.Duration, e.Purpose = text(stored+".name"), text(stored+".kind"), text(stored+".duration"), map[string]string{}
			for _, language := range n.Languages {
				if said := text(stored + ".purpose." + language); said != "" {
					e.Purpose[language] = said
				}
			}
			if e.Name != "" { // an item whose name is taken away is taken away
				entries = append(entries, e)
			}
		}
		v.Entries = entries
	}
	did := "vendors"
	do, at, _ := strings.Cut(d.FormValue("do"), "-")
	switch i, _ := strconv.Atoi(at); {
	case do == "add" && text("add") != "":
		v := notice.KnownVendor(text("add"))
		n.Vendors = append(n.Vendors, v)
		did = "vendor " + v.Key + " added"
		if !slices.ContainsFunc(n.Categories, func(c notice.Category) bool { return c.Key == v.Category }) {
			n.Categories = append(n.Categories, notice.Category{Key: v.Category, Like: v.Category})
		}
	case do == "remove" && i < len(n.Vendors):
		key := n.Vendors[i].Key
		n.Vendors = slices.Delete(n.Vendors, i, i+1)
		n.Tags = slices.DeleteFunc(n.Tags, func(t notice.Tag) bool { return t.Vendor == key })
		did = "vendor " + key + " removed"
	}
	return did
}
