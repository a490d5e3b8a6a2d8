package policyversions

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"testing/fstest"
	"time"
)

// anExport is what an export of one version with a translation looks like.
func anExport(t *testing.T) fstest.MapFS {
	t.Helper()
	german, english := draft(t, "# Datenschutz\n\nEins."), draft(t, "# Privacy\n\nOne.")
	german.Language, english.Language = "de", "en"
	one, err := german.translation()
	if err != nil {
		t.Fatal(err)
	}
	two, err := english.translation()
	if err != nil {
		t.Fatal(err)
	}
	index := fmt.Sprintf(`[{"site":"shop","number":1,"title":"Datenschutz","language":"de","digest":"%s","effective":"2026-11-30T23:00:00Z","material":true,"summary":{"de":"Neu.","en":"New."},
		"grace_days":14,"format":"markdown","translations":[{"language":"en","title":"Privacy","digest":"%s","format":"markdown"}]}]`, one.Digest, two.Digest)
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	return fstest.MapFS{
		ExportIndex: file(index), "0001_2026-12-01.md": file(string(german.Original)), "markdown/0001_2026-12-01.md": file(german.Markdown),
		"translations/en/0001_2026-12-01.md": file(string(english.Original)), "translations/en/markdown/0001_2026-12-01.md": file(english.Markdown),
		"chain/0001_2026-12-01.json": file("{}"),
	}
}

func TestAnExportIsReadWhole(t *testing.T) {
	folder := anExport(t)
	past, err := Exported(folder)
	if err != nil || !IsExport(folder) || len(past) != 1 {
		t.Fatalf("%+v, %v", past, err)
	}
	p := past[0]
	if p.Day != "2026-12-01" || !p.Told.Effective.Equal(time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC)) || p.Told.Draft.GraceDays != 14 || p.Told.Draft.Summary["en"] != "New." ||
		len(p.Told.Translations) != 1 || p.Told.Translations[0].Title != "Privacy" {
		t.Errorf("%+v", p.Told)
	}
	steps, err := Plan(past, nil, "fr", time.UTC, func() {})
	if err != nil || steps[0].Fate != Publishes || steps[0].Draft.Language != "de" {
		t.Fatalf("%+v, %v", steps, err)
	}
	// What is there with another translation is another version.
	kept := Version{Digest: p.Told.Digest, Effective: p.Told.Effective}
	if steps, err = Plan(past, []Version{kept}, "fr", time.UTC, func() {}); err != nil || steps[0].Fate != Publishes {
		t.Errorf("without its translation: %v, %v", steps[0].Fate, err)
	}
	kept.Translations = []Translation{{Digest: p.Told.digests[0]}}
	if steps, err = Plan(past, []Version{kept}, "fr", time.UTC, func() {}); err != nil || steps[0].Fate != IsThere {
		t.Errorf("once more: %v, %v", steps[0].Fate, err)
	}
	kept.Effective = kept.Effective.AddDate(1, 0, 0)
	kept.Digest = "another"
	if steps, err = Plan(past, []Version{kept}, "fr", time.UTC, func() {}); err != nil || steps[0].Fate != TooLate {
		t.Errorf("before what is there: %v, %v", steps[0].Fate, err)
	}
}

func TestAnExportThatWasChangedIsRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		file, text string // "" takes it away
		want       error
	}{
		"another text":           {"markdown/0001_2026-12-01.md", "# Datenschutz\n\nZwei.\n", ErrAltered},
		"another translation":    {"translations/en/markdown/0001_2026-12-01.md", "# Privacy\n\nTwo.\n", ErrAltered},
		"a document is missing":  {"0001_2026-12-01.md", "", fs.ErrNotExist},
		"a translation missing":  {"translations/en/0001_2026-12-01.md", "", fs.ErrNotExist},
		"a text is missing":      {"markdown/0001_2026-12-01.md", "", fs.ErrNotExist},
		"an index of nothing":    {ExportIndex, "[]", ErrNoHistory},
		"a language that climbs": {ExportIndex, `[{"number":1,"title":"x","language":"../../etc","digest":"x","translations":[{"language":"../../.."}]}]`, ErrBadLanguage},
	} {
		folder := anExport(t)
		if tt.text == "" {
			delete(folder, tt.file)
		} else {
			folder[tt.file] = &fstest.MapFile{Data: []byte(tt.text)}
		}
		if past, err := Exported(folder); !errors.Is(err, tt.want) {
			t.Errorf("%s: %+v, %v", name, past, err)
		}
	}
}
