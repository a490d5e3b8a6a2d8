package policyversions

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestAnnouncementsArePublishedAsTheyWillBeShown(t *testing.T) {
	day := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	publish := func(a Announcement) (Version, error) {
		d := draft(t, "# Privacy\n\ntext")
		d.Language, d.Announcement = "en", a
		return (Publisher{Store: &memory{}, Now: func() time.Time { return day }}).Publish(t.Context(), "shop", "privacy", d, day)
	}
	v, err := publish(Announcement{Material: true, Grace: 14 * 24 * time.Hour, Summary: map[string]string{"EN": "  We add\n a video. ", "pt-br": "Vídeo."}})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := publish(Announcement{})
	if err != nil || plain.Digest != v.Digest {
		t.Errorf("what is said about a text is part of its digest: %v", err)
	}
	for wanted, want := range map[string][2]string{
		"en": {"We add a video.", "en"}, "en-GB": {"We add a video.", "en"}, "pt": {"Vídeo.", "pt-BR"}, "de": {"We add a video.", "en"}, "": {"We add a video.", "en"},
	} {
		if text, in := v.SummaryIn(wanted); text != want[0] || in != want[1] {
			t.Errorf("%q: %q in %s", wanted, text, in)
		}
	}
	some := map[string]string{"en": "x"}
	for name, a := range map[string]Announcement{
		"no summary":              {Material: true},
		"not in the text's own":   {Material: true, Summary: map[string]string{"de": "Neu."}},
		"an empty one":            {Material: true, Summary: map[string]string{"en": " - "}},
		"a language there is not": {Material: true, Summary: map[string]string{"en": "x", "english!": "x"}},
		"far too long":            {Material: true, Summary: map[string]string{"en": strings.Repeat("long ", 121)}},
		"a summary of nothing":    {Summary: some},
		"a grace for nothing":     {Grace: time.Hour},
		"a grace that is none":    {Material: true, Summary: some, Grace: -time.Hour},
		"a grace without end":     {Material: true, Summary: some, Grace: MaxGrace + time.Hour},
	} {
		if _, err := publish(a); !errors.Is(err, ErrBadAnnouncement) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAVersionIsNewFromWhenItWasShown(t *testing.T) {
	day := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		published, effective, from time.Time
	}{
		"announced ahead": {day, day.AddDate(0, 1, 0), day.AddDate(0, 1, 0)},
		"of an archive":   {day, day.AddDate(-3, 0, 0), day},
	} {
		v := Version{PublishedAt: tt.published, Effective: tt.effective, Announcement: Announcement{Grace: 48 * time.Hour}}
		if !v.From().Equal(tt.from) || !v.Binds().Equal(tt.from.AddDate(0, 0, 2)) {
			t.Errorf("%s: from %s, binds %s", name, v.From(), v.Binds())
		}
	}
}
