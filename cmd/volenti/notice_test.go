package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestLintNoticesForPrograms(t *testing.T) {
	var answer struct {
		File   string
		Failed bool
		Issues []struct{ Path, Severity, What, Remedy string }
	}
	lint := func(want int, args ...string) {
		t.Helper()
		out, exit := volenti(t, append([]string{"notice", "lint", "--json", "--quick"}, args...)...)
		if err := json.Unmarshal([]byte(out), &answer); err != nil || exit != want {
			t.Fatalf("exit %d, want %d: %v\n%s", exit, want, err, out)
		}
	}
	if lint(0, "testdata/shop.toml"); answer.Failed || answer.File != "testdata/shop.toml" {
		t.Errorf("%+v", answer)
	}
	text, err := os.ReadFile("testdata/shop.toml")
	if err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(t.TempDir(), "bad.toml")
	if err := os.WriteFile(bad, []byte(strings.Replace(string(text), `site = "shop"`, `site = "Not A Key"`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if lint(3, bad); !answer.Failed || len(answer.Issues) == 0 || answer.Issues[0].Path != "site" || answer.Issues[0].Remedy == "" {
		t.Errorf("%+v", answer)
	}
}

func TestPreviewNotices(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "preview")
	preview := func(want int, args ...string) string {
		t.Helper()
		out, exit := volenti(t, append([]string{"notice", "preview", "testdata/shop.toml", "-o", folder}, args...)...)
		if exit != want {
			t.Fatalf("%v: exit %d, want %d\n%s", args, exit, want, out)
		}
		return out
	}
	preview(0)
	preview(0, "--region", "DE", "--region", "US-TX", "--language", "de")
	// What is served names no other server, and what it fetches is in the page.
	// The shop is Austrian, so its own law counts in Texas, too.
	fetched := regexp.MustCompile(`/b/shop/[0-9a-f]{16}\.js\?0`)
	for name, want := range map[string]string{
		"opt-in.en": "Reject", "opt-in.de": "ablehnen", "opt-out.en": "opt-out", "notice.de": "notice", "DE.de": "GDPR", "US-TX.de": "GDPR",
	} {
		page, err := os.ReadFile(filepath.Join(folder, name+".html"))
		if err != nil {
			t.Error(err)
			continue
		}
		text := string(page)
		if !strings.Contains(text, want) || len(fetched.FindAllString(text, -1)) < 2 || !strings.Contains(text, `default-src 'none'`) {
			t.Errorf("%s: %d bytes, %q is in it: %v", name, len(text), want, strings.Contains(text, want))
		}
		if found := regexp.MustCompile(`(?i)(?:src|href)="?https?://[^" ]*`).FindString(text); found != "" {
			t.Errorf("%s fetches %s", name, found)
		}
	}
	models := regexp.MustCompile(`\\?"m\\?":\\?"([-ino]+)`)
	page, _ := os.ReadFile(filepath.Join(folder, "DE.de.html"))
	if m := models.FindStringSubmatch(strings.ReplaceAll(string(page), `\u0022`, `"`)); m == nil || strings.Trim(m[1], "-i") != "" {
		t.Errorf("in Germany the models are %q", m)
	}
	preview(2, "--region", "Atlantis")
	preview(2, "--language", "fr")
}
