package console

import "testing"

func TestAnIssueIsMendedAtItsField(t *testing.T) {
	page := &NoticePart{
		Groups: []FieldGroup{{Fields: []Field{{Name: "blocking.allow", Label: "Never held", Kind: "lines"}, {Name: "look.logo", Label: "Logo"}}}},
		Rows: &FieldRows{List: []FieldRow{
			{Groups: []FieldGroup{{Fields: []Field{{Name: "tags[0].src", Label: "Address"}}}}},
			{Groups: []FieldGroup{{}, {Fields: []Field{{Name: "categories[1].label.en", Label: "Name, in English", Language: "en"}, {Name: "categories[1].label.de", Label: "Name, in German", Language: "de"}}}}},
		}},
	}
	for path, want := range map[string][2]string{
		"look.logo": {"Logo", "look.logo"}, "tags[0].src": {"Address", "tags[0].src"}, "blocking.allow[3]": {"Never held", "blocking.allow"},
		"categories[1].label": {"Name", "categories[1].label.en"}, "categories[1].label.de": {"Name, in German", "categories[1].label.de"},
		"tags[0]": {}, "tags": {}, "categories[1]": {}, "tags[1].src": {}, "": {},
	} {
		if label, name := page.FieldOf(path); label != want[0] || name != want[1] {
			t.Errorf("%q: %q, %q, want %q", path, label, name, want)
		}
	}
	page.Wrong = []Mend{{Field: "tags[0].src"}}
	page.Wrong[0].What = "Address is missing"
	page.Arrange()
	page.OpenWrong()
	if rows := page.Rows.List; !rows[0].Open || rows[1].Open || rows[0].Last || !rows[1].Last {
		t.Errorf("%+v", rows)
	}
}
