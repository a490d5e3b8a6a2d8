package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"pgregory.net/rapid"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/server/store"
)

// Whatever is published comes back from an export, into another database, as it was:
// texts, documents, translations, days, and what visitors were told.
func TestAnExportComesBackWhole(t *testing.T) {
	ctx, folder := t.Context(), t.TempDir()
	var dbs [2]*store.DB
	for i := range dbs {
		db, err := openDatabase(ctx, home{data: filepath.Join(folder, fmt.Sprint(i))})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
		dbs[i] = db
	}
	cmd := &cobra.Command{}
	cmd.SetContext(ctx)
	cmd.SetErr(io.Discard)
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		if round++; round > 25 {
			return // each waits for the disk several times
		}
		key, policy := fmt.Sprintf("site%d", round), "privacy"
		flags := policyFlags{site: &key, policy: &policy}
		s := site.Site{Key: key, Name: key, TimeZone: rapid.SampledFrom([]string{"Europe/Vienna", "America/New_York", "UTC"}).Draw(rt, "zone"), CreatedAt: time.Now()}
		for _, db := range dbs {
			if err := db.AddSite(ctx, s); err != nil {
				rt.Fatal(err)
			}
		}
		effective := time.Date(2020, 1, 1, 0, 0, 0, 0, s.Location())
		for n := range rapid.IntRange(1, 4).Draw(rt, "versions") {
			effective = effective.AddDate(0, 0, rapid.IntRange(0, 400).Draw(rt, "days later")).Add(time.Duration(rapid.IntRange(0, 1000).Draw(rt, "ms")) * time.Millisecond)
			texts := rapid.Permutation([]string{"en", "de", "fr", "pt-BR", "ar"}).Draw(rt, "languages")[:rapid.IntRange(1, 3).Draw(rt, "texts")]
			var drafts []policyversions.Draft
			for _, language := range texts {
				drafts = append(drafts, drawnDraft(rt, n, language))
			}
			if rapid.Bool().Draw(rt, "material") {
				drafts[0].Material, drafts[0].Summary = true, map[string]string{}
				for _, language := range texts {
					drafts[0].Summary[language] = rapid.StringMatching(`[A-Z][a-zäß ]{3,20}\.`).Draw(rt, "summary")
				}
				if drafts[0].GraceDays = rapid.IntRange(0, 30).Draw(rt, "grace"); drafts[0].GraceDays == 0 {
					drafts[0].Grace = time.Duration(rapid.IntRange(0, 5000).Draw(rt, "grace ms")) * time.Millisecond
				}
			}
			p := policyversions.Publisher{Store: dbs[0], Zone: s.Location()}
			if _, err := p.PublishTexts(ctx, key, policy, byCommand, effective, drafts[0], drafts[1:]...); err != nil {
				rt.Fatal(err)
			}
		}
		to := filepath.Join(folder, key)
		sent := writtenExport(rt, cmd, dbs[0], flags, to)
		past, passed, err := readPast(cmd, to, "")
		if err != nil || len(passed) > 0 {
			rt.Fatalf("%v, %v", err, passed)
		}
		for range 2 { // the second time there is nothing to do
			h := history{db: dbs[1], flags: flags, language: "en"}
			if err := h.run(cmd, past); err != nil {
				rt.Fatal(err)
			}
		}
		if came := writtenExport(rt, cmd, dbs[1], flags, to+"-again"); came != sent {
			rt.Fatalf("what came back:\n%s\nwhat was sent:\n%s", came, sent)
		}
	})
}

func drawnDraft(rt *rapid.T, n int, language string) policyversions.Draft {
	word := rapid.StringMatching(`[a-zäöüß]{2,9}`)
	text := fmt.Sprintf("# %s %s\n\n%s %s &amp; %d.\n\n* %s\n* %s\n", strings.ToUpper(language), word.Draw(rt, "title"), word.Draw(rt, "word"), word.Draw(rt, "word"), n, word.Draw(rt, "item"), word.Draw(rt, "item"))
	name := "p.md"
	if rapid.Bool().Draw(rt, "html") {
		name, text = "p.html", "<!doctype html><h1>"+word.Draw(rt, "title")+"</h1><p>"+word.Draw(rt, "word")+fmt.Sprint(n)+"<script>x()</script>"
	}
	d, err := policyversions.Import([]byte(text), name)
	if err != nil {
		rt.Fatal(err)
	}
	if d.Language = language; rapid.Bool().Draw(rt, "own title") {
		d.Title = "Own " + word.Draw(rt, "title")
	}
	return d
}

// writtenExport writes an export, and returns all that is in it but what tells the
// two databases apart: when it was published, and the chain.
func writtenExport(rt *rapid.T, cmd *cobra.Command, db *store.DB, flags policyFlags, to string) string {
	files, err := exported(cmd.Context(), db, flags)
	if err != nil {
		rt.Fatal(err)
	}
	if err := writeExport(to, files); err != nil {
		rt.Fatal(err)
	}
	var all strings.Builder
	err = filepath.WalkDir(to, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.Contains(path, "/chain/") {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if name := strings.TrimPrefix(path, to); e.Name() != policyversions.ExportIndex {
			fmt.Fprintf(&all, "%s %q\n", name, b)
			return nil
		}
		var versions []map[string]any
		if err := json.Unmarshal(b, &versions); err != nil {
			return err
		}
		for _, v := range versions {
			for _, own := range []string{"published_at", "entry", "previous"} {
				delete(v, own)
			}
		}
		b, err = json.MarshalIndent(versions, "", " ")
		fmt.Fprintf(&all, "%s\n", b)
		return err
	})
	if err != nil {
		rt.Fatal(err)
	}
	return all.String()
}
