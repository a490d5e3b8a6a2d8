package admin

import (
	"fmt"
	"slices"

	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/web/console"
)

// tagRows are the registered tags, in the order in which they load.
func tagRows(n *notice.Notice) *console.FieldRows {
	rows := &console.FieldRows{One: "tag", Many: "tags", Ordered: true,
		About: "Tags that this server keeps and hands out only to visitors who allowed their vendor, in this order. Tags that stand in your pages need no entry here.",
		Empty: "A registered tag needs no line in your pages: this server loads it when its vendor is allowed. Choose a template, or give an address.",
		Add:   console.Field{Name: "add", Label: "Add a tag", Kind: "select", Hint: "A template needs your account's id only."}}
	rows.Add.Options = []console.Pick{{Key: "", Name: "with an address of its own"}}
	templates := []string{""}
	for _, t := range notice.Templates() {
		rows.Add.Options = append(rows.Add.Options, console.Pick{Key: t.Name, Name: t.Name + ": " + t.Vendor.Name})
		templates = append(templates, t.Name)
	}
	for i, t := range n.Tags {
		at := fmt.Sprintf("tags[%d]", i)
		row := console.FieldRow{At: i, Name: tagName(n, t), Sub: t.Kind}
		vendors := make([]console.Pick, 0, len(n.Vendors)+1)
		for _, v := range n.Vendors {
			vendors = append(vendors, console.Pick{Key: v.Key, Name: v.Name + ", " + v.Category, Here: v.Key == t.Vendor})
		}
		if !slices.ContainsFunc(n.Vendors, func(v notice.Vendor) bool { return v.Key == t.Vendor }) {
			vendors = append(vendors, console.Pick{Key: t.Vendor, Name: t.Vendor, Here: true})
		}
		fields := []console.Field{{Name: at + ".vendor", Label: "Vendor", Kind: "select", Value: t.Vendor, Options: vendors, Hint: "The tag loads when this vendor is allowed, under the vendor's purpose."}}
		if t.Template != "" || t.Kind == "template" {
			fields = append(fields,
				console.Field{Name: at + ".template", Label: "Template", Kind: "select", Value: t.Template, Options: choices(t.Template, templates...), Hint: "The script that is loaded, written by us."},
				textField(at+".id", "Id", t.ID, "As it stands in the account: "+exampleID(t.Template)))
		} else {
			kind := closed(at+".kind", "Kind", t.Kind, "tag", "What the address gives.")
			kind.Options = slices.DeleteFunc(kind.Options, func(p console.Pick) bool { return p.Key == "template" })
			fields = append(fields, kind, textField(at+".src", "Address", t.Src, "Where it is loaded from: https://cdn.example/tag.js"))
		}
		row.Groups = []console.FieldGroup{{Fields: fields}}
		rows.List = append(rows.List, row)
	}
	return rows
}

// tagName is how people know a tag.
func tagName(n *notice.Notice, t notice.Tag) string {
	name := t.Vendor
	for _, v := range n.Vendors {
		if v.Key == t.Vendor {
			name = v.Name
		}
	}
	switch {
	case t.Template != "":
		return t.Template + " " + t.ID
	case name == "":
		return "A tag of nobody"
	}
	return name
}

func exampleID(template string) string {
	for _, t := range notice.Templates() {
		if t.Name == template {
			return t.ID
		}
	}
	return "G-XXXXXXXXXX"
}

func setTags(d *Desk, n *notice.Notice) string {
	for i := range n.Tags {
		t, at := &n.Tags[i], fmt.Sprintf("tags[%d]", i)
		t.Vendor, t.Kind, t.Src = one(d, at+".vendor", t.Vendor), one(d, at+".kind", t.Kind), one(d, at+".src", t.Src)
		t.Template, t.ID = one(d, at+".template", t.Template), one(d, at+".id", t.ID)
	}
	if do, _ := did(d); do == "add" {
		t := notice.Tag{Kind: "script"}
		if len(n.Vendors) > 0 {
			t.Vendor = n.Vendors[len(n.Vendors)-1].Key
		}
		for _, known := range notice.Templates() {
			if known.Name == d.FormValue("add") {
				t = notice.Tag{Kind: "template", Template: known.Name, Vendor: known.Vendor.Key}
				addVendor(n, known.Vendor)
			}
		}
		n.Tags = append(n.Tags, t)
		return "tag added"
	}
	tags, what := arranged(d, n.Tags)
	n.Tags = tags
	if what != "" {
		return "tag " + what
	}
	return "tags"
}

// addVendor adds a vendor with what is known of it, and its purpose, unless it is
// there.
func addVendor(n *notice.Notice, v notice.Vendor) {
	if !slices.ContainsFunc(n.Vendors, func(o notice.Vendor) bool { return o.Key == v.Key }) {
		n.Vendors = append(n.Vendors, v)
	}
	if !slices.ContainsFunc(n.Categories, func(c notice.Category) bool { return c.Key == v.Category }) {
		n.Categories = append(n.Categories, notice.Category{Key: v.Category, Like: v.Category})
	}
}

// categoryRows are the purposes, in the order in which they are shown.
func categoryRows(n *notice.Notice) *console.FieldRows {
	rows := &console.FieldRows{One: "purpose", Many: "purposes", Ordered: true,
		About: "What visitors choose about, in the order in which they see it. The four standard ones have their words in every language; say yourself what those of your own are for.",
		Empty: "Without purposes nobody is asked for anything.",
		Add:   console.Field{Name: "add", Label: "Add a purpose", Kind: "text", Hint: "A standard one, or a key of your own such as “maps”: small letters, digits, hyphens."}}
	for _, key := range notice.Options("like") {
		if !slices.ContainsFunc(n.Categories, func(c notice.Category) bool { return c.Key == key }) {
			rows.AddChoices = append(rows.AddChoices, console.Pick{Key: key, Name: key})
		}
	}
	for i, c := range n.Categories {
		at := fmt.Sprintf("categories[%d]", i)
		vendors := 0
		for _, v := range n.Vendors {
			if v.Category == c.Key {
				vendors++
			}
		}
		name := c.Key
		if len(n.Languages) > 0 {
			name = n.LabelOf(c, n.Languages[0])
		}
		row := console.FieldRow{At: i, Name: name, Sub: counted(int64(vendors), "vendor", "vendors")}
		if notice.Standard(c.Key) && c.Like == c.Key {
			row.Groups = []console.FieldGroup{{About: "A standard purpose: its words are ours, and can be changed under Wording."}}
		} else {
			row.Groups = []console.FieldGroup{
				{Fields: []console.Field{
					textField(at+".key", "Key", c.Key, "Stands in markup: data-category. Vendors that have it follow a change."),
					closed(at+".like", "As strict as", c.Like, "like", "Which laws apply to it: those of this standard purpose."),
				}},
				{Legend: "What visitors read", Fields: append(languageFields(n, at+".label", "Name", c.Label, "A word or two"), languageFields(n, at+".about", "What for", c.About, "One sentence: what it does, for whom")...)},
			}
		}
		rows.List = append(rows.List, row)
	}
	return rows
}

func setCategories(d *Desk, n *notice.Notice) string {
	for i := range n.Categories {
		c, at := &n.Categories[i], fmt.Sprintf("categories[%d]", i)
		if !came(d, at+".key") {
			continue
		}
		before := c.Key
		c.Key, c.Like = one(d, at+".key", c.Key), one(d, at+".like", c.Like)
		c.Label, c.About = setByLanguage(d, n, at+".label", c.Label), setByLanguage(d, n, at+".about", c.About)
		for j := range n.Vendors {
			if n.Vendors[j].Category == before {
				n.Vendors[j].Category = c.Key
			}
		}
		for j := range n.Overrides {
			if n.Overrides[j].Category == before {
				n.Overrides[j].Category = c.Key
			}
		}
	}
	if do, _ := did(d); do == "add" {
		key := one(d, "add", "")
		if key == "" {
			return ""
		}
		c := notice.Category{Key: key, Like: notice.Marketing} // the strictest, until somebody says otherwise
		if notice.Standard(key) {
			c.Like = key
		}
		n.Categories = append(n.Categories, c)
		return "purpose " + key + " added"
	}
	all, what := arranged(d, n.Categories)
	n.Categories = all
	if what != "" {
		return "purpose " + what
	}
	return "purposes"
}
