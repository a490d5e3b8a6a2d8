package bundle

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/store"
)

// holds makes sure that a bundle holds, also once it is packed.
func (w *world) holds(f Files) Report {
	w.t.Helper()
	zip, err := Pack(f)
	if err != nil {
		w.t.Fatal(err)
	}
	r := VerifyArchive(zip, Trust{Keys: w.ring.Public(), LogKey: w.maker.LogKey})
	if err := r.Err(); err != nil {
		w.t.Fatalf("a good bundle: %v", err)
	}
	return r
}

const trial = `
[[trial]]
key = "warm"
percent = 50
[trial.look]
accent = "#8a3b12"
[trial.wording.en]
title = "A warm welcome"
`

// What a bundle holds is, byte for byte, what visitors were served: in several
// languages, by several laws, of trials, with signals.
func TestABundleHoldsWhatWasServed(t *testing.T) {
	w := newWorld(t)
	w.policy("# Privacy\n\nThe first text.\n", "# Datenschutz\n\nDer erste Text.\n")
	w.notice(trial)
	for _, visit := range []struct {
		name, region string
		chance       int
		header       []string
		words        string // of the first layer
	}{
		{"English, opt-in", "DE", 99, []string{"Accept-Language", "en"}, "would like to store"},
		{"German, opt-in", "AT", 99, []string{"Accept-Language", "de-AT"}, "möchte"},
		{"Arabic, opt-in", "FR", 99, []string{"Accept-Language", "ar"}, "Shop Ltd"},
		{"English, opt-out, with a signal", "US-CA", 99, []string{"Accept-Language", "en", "Sec-GPC", "1"}, "You can opt out now"},
		{"a trial", "DE", 0, []string{"Accept-Language", "en"}, "A warm welcome"},
	} {
		w.region, w.chance = visit.region, visit.chance
		a := w.ask(visit.header...)
		change := map[string]any{}
		if len(visit.header) > 2 {
			change["gpc"] = true
		}
		id, receipt, _ := w.decide(a, change, visit.header...)
		f := w.files(id)
		w.holds(f)
		if !bytes.Equal(f[nameReceipt], receipt) {
			t.Errorf("%s: the receipt is not the one that was answered", visit.name)
		}
		if !bytes.Equal(f[nameScript], a.script) {
			t.Errorf("%s: the script is not the one that was served", visit.name)
		}
		if string(f[nameToken]) != a.token {
			t.Errorf("%s: the token is %q, was %q", visit.name, f[nameToken], a.token)
		}
		e, err := read(f)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := canonical.Encode(a.boot)
		if got, _ := canonical.Encode(e.boot(string(f[nameToken])).Boot); !bytes.Equal(got, want) {
			t.Errorf("%s: the boot is %s, was %s", visit.name, got, want)
		}
		if !strings.Contains(string(f[nameText]), visit.words) {
			t.Errorf("%s: these are not its words:\n%s", visit.name, f[nameText])
		}
		modules := f.modules()
		if len(modules) < 2 {
			t.Errorf("%s: %d modules, want the gate and the second layer at least", visit.name, len(modules))
		}
		for digest, source := range modules {
			if served := w.get("/b/shop/" + digest.Short() + ".js").Body.Bytes(); !bytes.Equal(served, source) {
				t.Errorf("%s: module %s is not the one that is served", visit.name, digest)
			}
		}
	}
}

func TestABundleIsTheSameEveryTime(t *testing.T) {
	w := newWorld(t)
	w.policy("# Privacy\n\nThe first text.\n", "# Datenschutz\n\nDer erste Text.\n")
	w.notice("")
	id, _, _ := w.decide(w.ask(), nil)
	first, err := w.maker.Bundle(t.Context(), "shop", id)
	if err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(400 * 24 * time.Hour)
	second, err := w.maker.Bundle(t.Context(), "shop", id)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Error("the same receipt made two bundles")
	}
}

// The page without script has bundles too: what it showed is a page of the server.
func TestABundleOfTheChoicesPage(t *testing.T) {
	w := newWorld(t)
	w.policy("# Privacy\n\nThe first text.\n", "# Datenschutz\n\nDer erste Text.\n")
	w.notice("")
	f := w.files(w.choose())
	w.holds(f)
	if f[nameScript] != nil || len(f.modules()) != 0 {
		t.Error("no script asked, and one is in the bundle")
	}
	css := notice.Stylesheet(f[namePage])
	if css == "" || !bytes.Equal(f[nameStyle], w.get("/assets/"+css+"/volenti.css").Body.Bytes()) {
		t.Error("the style sheet is not the one that the page was shown with")
	}
	if !bytes.Contains(f[nameReplay], []byte("Shop Ltd")) || !bytes.Contains(f[nameText], []byte("[button]")) {
		t.Errorf("the page's words:\n%s", f[nameText])
	}
	// The program that comes after has another style sheet; the page keeps its own.
	w.style = func(string) []byte { return nil }
	w.get("/privacy/shop/choices?lang=de")
	if later := w.files(f.id(t)); !bytes.Equal(later[nameStyle], f[nameStyle]) {
		t.Error("the style sheet went with the program that had it")
	}
	w.maker.Records = unstyled{w.db}
	without := w.files(f.id(t))
	w.holds(without)
	if without[nameStyle] != nil || !bytes.Contains(without[nameReplay], []byte("not kept any more")) {
		t.Error("a page without its style sheet does not say so")
	}
}

// unstyled are the records of somebody who kept no style sheets.
type unstyled struct{ *store.DB }

func (unstyled) StyleByShort(context.Context, string) ([]byte, error) {
	return nil, consent.ErrUnknownArtifact
}

func (f Files) id(t *testing.T) string {
	t.Helper()
	e, err := read(f)
	if err != nil {
		t.Fatal(err)
	}
	return e.core.ID
}

// A note about a changed policy that was shown is a record, and has a bundle: with
// what it told, and the chain of versions that shows it.
func TestABundleOfANote(t *testing.T) {
	w := newWorld(t)
	w.policy("# Privacy\n\nThe first text.\n", "# Datenschutz\n\nDer erste Text.\n")
	w.notice("")
	id, _, cookie := w.decide(w.ask("Accept-Language", "de"), nil)
	w.now = w.now.Add(24 * time.Hour)
	w.policy("# Privacy\n\nThe second text.\n", "# Datenschutz\n\nDer zweite Text.\n",
		policyversions.Announcement{Material: true, Summary: map[string]string{"en": "We share more.", "de": "Wir geben mehr weiter."}, Grace: 14 * 24 * time.Hour})
	w.now = w.now.Add(time.Hour)
	later := w.ask("Accept-Language", "de", "Cookie", cookie)
	noted, _, _ := w.decide(later, map[string]any{"action": "noticed", "surface": "change", "categories": map[string]bool{}, "previous": id})
	f := w.files(noted)
	w.holds(f)
	told := w.get("/v1/sites/shop/changes?lang=de").Body.Bytes()
	if told, _ := canonical.Transform(told); !bytes.Equal(f[nameChanges], told) {
		t.Errorf("the note told\n%s, and the bundle says\n%s", told, f[nameChanges])
	}
	for _, name := range []string{"policies/privacy/1/entry.json", "policies/privacy/2/entry.json", "policies/privacy/2/summary.json", "policies/privacy/2/de.text.json", "policies/privacy/2/original.md"} {
		if f[name] == nil {
			t.Errorf("%s is not in the bundle", name)
		}
	}
	if f["policies/privacy/1/text.json"] != nil {
		t.Error("the text of another version is in the bundle")
	}
	if boot := string(f[nameBoot]); !strings.Contains(boot, `"h":`+jsonNumber(later.boot["h"])) {
		t.Errorf("h was %v: %s", later.boot["h"], boot)
	}
	if !strings.Contains(string(f[nameText]), "Wir geben mehr weiter.") {
		t.Errorf("the note's words:\n%s", f[nameText])
	}
	// What came later is not in the bundle of what was before.
	if first := w.files(id); bytes.Contains(first[nameReadme], []byte(noted)) || first["policies/privacy/2/entry.json"] != nil {
		t.Error("a later record or version is in an earlier bundle")
	}
}

func jsonNumber(v any) string {
	b, _ := canonical.Encode(v)
	return string(b)
}
