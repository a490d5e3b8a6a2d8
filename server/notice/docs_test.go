package notice

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docs/notice-file.md names every key of the file in the table of its section,
// and no other; and every language.
func TestDocumentation(t *testing.T) {
	b, err := os.ReadFile("../../docs/notice-file.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(b)
	heading := regexp.MustCompile("^## (?:`([a-z]+)`|(.+))$")
	row := regexp.MustCompile("^\\| `([a-z_]+)` \\| (.+) \\| (.+) \\|$")
	found, section := map[string][]string{}, "-"
	for line := range strings.Lines(doc) {
		line = strings.TrimSpace(line)
		if m := heading.FindStringSubmatch(line); m != nil {
			section = m[1]
			if m[2] != "" {
				section = "-"
			}
			if m[2] == "At the top" {
				section = ""
			}
		}
		if m := row.FindStringSubmatch(line); m != nil {
			found[section] = append(found[section], m[1])
		}
	}
	for section, keys := range fileKeys {
		for _, key := range keys {
			if !slices.Contains(found[section], key) {
				t.Errorf("%q of section %q is not explained", key, section)
			}
		}
	}
	for section, keys := range found {
		for _, key := range keys {
			if !slices.Contains(fileKeys[section], key) {
				t.Errorf("%q of section %q is explained, but not read", key, section)
			}
		}
	}
	_, list, _ := strings.Cut(doc, "## Languages\n\n")
	list, _, _ = strings.Cut(list, "\n")
	if got := strings.Fields(strings.ReplaceAll(list, "`", "")); !slices.Equal(got, Languages()) {
		t.Errorf("the languages are %v", Languages())
	}
}

// The second example of the page, put into the first.
func TestDocumentedOwnCategory(t *testing.T) {
	b, err := os.ReadFile("../../docs/notice-file.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(b), "```toml\n")
	if len(blocks) != 4 {
		t.Fatalf("%d examples, want 3", len(blocks)-1)
	}
	own, _, _ := strings.Cut(blocks[2], "```")
	own = strings.Replace(own, `"necessary",`, `"necessary", "preferences", "analytics", "marketing",`, 1)
	file := regexp.MustCompile(`(?m)^categories = .*$`).ReplaceAllString(string(documented(t)), own)
	n, issues := Parse([]byte(file), "notice.toml")
	if len(issues) > 0 {
		t.Fatalf("%s", report(issues))
	}
	if c, ok := n.category("chat"); !ok || c.Like != Preferences || c.About["de"] == "" {
		t.Errorf("the category is %+v", c)
	}
}

// Values a table gives as defaults are those that are filled in.
func TestDocumentedDefaults(t *testing.T) {
	b, err := os.ReadFile("../../docs/notice-file.md")
	if err != nil {
		t.Fatal(err)
	}
	n, issues := Parse([]byte(least), "notice.toml")
	if n == nil {
		t.Fatalf("%s", report(issues))
	}
	said := func(key string) string {
		m := regexp.MustCompile("(?m)^\\| `" + key + "` \\|.*\\| `\"?([^`\"]*)\"?` \\|$").FindStringSubmatch(string(b))
		if m == nil {
			t.Fatalf("no default of %s is documented", key)
		}
		return m[1]
	}
	for key, value := range map[string]string{
		"validity_months": "6", "posture": n.Posture, "dnt": n.DNT, "mode": n.Google.Mode, "accent": n.Look.Accent,
		"position": n.Look.Position, "theme": n.Look.Theme, "reopen": n.Look.Reopen, "radius": "8", "wait_for_update": "500",
	} {
		if said(key) != value {
			t.Errorf("%s is %q, documented is %q", key, value, said(key))
		}
	}
}
