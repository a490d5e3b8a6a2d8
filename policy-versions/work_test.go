package policyversions

import (
	"errors"
	"slices"
	"testing"
	"time"
)

func work() Work {
	return Work{
		Site: "shop", Policy: "privacy", Language: "de", Markdown: "# Datenschutz\n\n• nichts\n",
		Translations: []WorkText{{Language: "pt-br", Title: "Privacidade da loja", Markdown: "# Privacidade\n\nnada"}, {Language: "EN", Markdown: "# Privacy\n\nnothing"}},
		By:           "anna",
	}
}

func TestAWorkBecomesAVersion(t *testing.T) {
	m := &memory{}
	p := Publisher{Store: m, Now: func() time.Time { return day }}
	w := work()
	w.Material, w.Grace, w.Effective = true, 48*time.Hour, day.AddDate(0, 1, 0)
	w.Summary = map[string]string{"de": "Neu.", "pt-BR": "Novo.", "en": "New."}
	v, err := p.PublishWork(t.Context(), w, "anna", "")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(v.Languages(), []string{"de", "en", "pt-BR"}) || v.Title != "Datenschutz" || v.Translations[1].Title != "Privacidade da loja" ||
		v.PublishedBy != "anna" || v.ApprovedBy != "" || v.PublishedAt != day || v.Effective != w.Effective || v.Grace != w.Grace || !v.Material {
		t.Errorf("%+v", v)
	}
	if string(v.Original) != w.Markdown || string(v.Translations[0].Original) != w.Translations[1].Markdown {
		t.Error("the bytes that were written are not kept")
	}
	for wanted, want := range map[string]string{"de": "de", "de-AT": "de", "en": "en", "en-GB": "en", "pt": "pt-BR", "pt-PT": "pt-BR", "fr": "de", "": "de"} {
		if text, err := v.In(wanted); err != nil || text.Language != want {
			t.Errorf("in %q: %s, %v", wanted, text.Language, err)
		}
	}
	v.Translations[0].Canonical = []byte("{}")
	if _, err := v.In("en"); !errors.Is(err, ErrAltered) {
		t.Errorf("an altered translation: %v", err)
	}
	if text, err := v.In("fr"); err != nil || text.Language != "de" {
		t.Errorf("an altered translation keeps the others from being read: %v", err)
	}
}

// The text that binds comes before a translation that is as near.
func TestTheAuthoritativeTextComesFirst(t *testing.T) {
	w := work()
	w.Language, w.Translations = "en-GB", []WorkText{{Language: "en-US", Markdown: "# Privacy\n\nnothing"}}
	v, err := Publisher{Store: &memory{}}.PublishWork(t.Context(), w, "anna", "")
	if err != nil {
		t.Fatal(err)
	}
	for wanted, want := range map[string]string{"en": "en-GB", "en-AU": "en-GB", "en-US": "en-US", "en-GB": "en-GB"} {
		if text, err := v.In(wanted); err != nil || text.Language != want {
			t.Errorf("in %q: %s, %v", wanted, text.Language, err)
		}
	}
}

func TestAWorkThatCantBePublishedSaysWhy(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Work)
		want   error
	}{
		"no text":                  {func(w *Work) { w.Markdown = " " }, ErrBadDraft},
		"no translation's text":    {func(w *Work) { w.Translations[0].Markdown = "***" }, ErrBadDraft},
		"no language":              {func(w *Work) { w.Language = "" }, ErrBadLanguage},
		"no translation's":         {func(w *Work) { w.Translations[1].Language = "English" }, ErrBadLanguage},
		"one language twice":       {func(w *Work) { w.Translations[0].Language = "de" }, ErrBadDraft},
		"two translations alike":   {func(w *Work) { w.Translations[0].Language = "en" }, ErrBadDraft},
		"not a key":                {func(w *Work) { w.Policy = "Privacy" }, ErrBadKey},
		"material without summary": {func(w *Work) { w.Material = true }, ErrBadAnnouncement},
		"a summary in one language of three": {func(w *Work) {
			w.Material, w.Summary = true, map[string]string{"de": "Neu."}
		}, ErrBadAnnouncement},
		"a grace for nothing": {func(w *Work) { w.Grace = time.Hour }, ErrBadAnnouncement},
	} {
		w := work()
		test.change(&w)
		if _, err := (Publisher{Store: &memory{}}).PublishWork(t.Context(), w, "anna", ""); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
		if _, err := w.Submit("anna"); !errors.Is(err, test.want) {
			t.Errorf("%s is submitted: %v, want %v", name, err, test.want)
		}
	}
}

// Whoever writes or submits can't be the one who approves, whatever the site asks for.
func TestApprovalIsByAnother(t *testing.T) {
	submitted, err := work().Submit("ben")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		work           Work
		by, approvedBy string
		want           error
		publishedBy    string
	}{
		"nobody asks":             {work(), "anna", "", nil, "anna"},
		"not submitted":           {work(), "anna", "cleo", ErrNotApproved, ""},
		"by who submitted it":     {submitted, "cleo", "ben", ErrNotApproved, ""},
		"by who wrote it":         {submitted, "cleo", "anna", ErrNotApproved, ""},
		"by another":              {submitted, "ben", "cleo", nil, "ben"},
		"who publishes it, too":   {submitted, "cleo", "cleo", nil, "ben"},
		"of a work taken back":    {submitted.TakeBack("dora"), "dora", "cleo", ErrNotApproved, ""},
		"nobody, where it is not": {submitted, "ben", "", nil, "ben"},
	} {
		v, err := Publisher{Store: &memory{}}.PublishWork(t.Context(), test.work, test.by, test.approvedBy)
		if !errors.Is(err, test.want) || err == nil && (v.PublishedBy != test.publishedBy || v.ApprovedBy != test.approvedBy) {
			t.Errorf("%s: by %q, approved by %q, %v", name, v.PublishedBy, v.ApprovedBy, err)
		}
	}
}
