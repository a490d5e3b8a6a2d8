package policyversions

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzImport: whatever is imported, nothing panics, importing the text again
// changes nothing, no letter is lost where there is no HTML, and what is shown is
// safe.
func FuzzImport(f *testing.F) {
	files, _ := filepath.Glob("testdata/wild/*")
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(raw), filepath.Base(file))
	}
	payloads, err := os.ReadFile("testdata/xss.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range []string{"p.md", "p.html", "p.txt"} {
		f.Add(string(payloads), name)
		for payload := range strings.SplitSeq(string(payloads), "\n%%\n") {
			f.Add(payload, name)
		}
	}
	f.Fuzz(func(t *testing.T, raw, name string) {
		if len(raw) > 8<<10 {
			return
		}
		d, err := Import([]byte(raw), name)
		if err != nil {
			if !errors.Is(err, ErrEmpty) && !errors.Is(err, ErrEncoding) && !errors.Is(err, ErrTooDeep) && !errors.Is(err, ErrTooLarge) && !errors.Is(err, ErrTooMuchMarkup) {
				t.Fatalf("%q: %v", raw, err)
			}
			return
		}
		again(t, d)
		if d.Format != "html" && !strings.Contains(raw, "<") && len(d.Provenance) == 0 && letters(d.Markdown) != letters(raw) {
			t.Fatalf("letters of %q became those of %q", raw, d.Markdown)
		}
		d.Language = "en"
		if _, err := d.Canonical(); err != nil {
			t.Fatal(err)
		}
		r, err := Render(d.Text)
		if err != nil {
			t.Fatal(err)
		}
		assertSafe(t, r.HTML)
		stray, err := Render(Text{Markdown: raw})
		if err != nil && !errors.Is(err, ErrTooDeep) && !errors.Is(err, ErrTooMuchMarkup) {
			t.Fatal(err)
		}
		assertSafe(t, stray.HTML)
	})
}
