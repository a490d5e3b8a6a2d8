package policyversions

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/canonical"
)

// memory keeps versions as Store asks, in memory.
type memory struct {
	WorkStore // none
	mu        sync.Mutex
	versions  []Version // oldest first
	fail      error
}

var _ Store = (*memory)(nil)

func (m *memory) AddVersion(_ context.Context, v Version) (Version, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return Version{}, m.fail
	}
	v.Number = 1
	for _, have := range m.versions {
		if have.Site != v.Site || have.Policy != v.Policy {
			continue
		}
		if have.Effective.After(v.Effective) {
			return Version{}, ErrBackdated
		}
		if v.Number = have.Number + 1; have.Digest == v.Digest && m.newest(v.Site, v.Policy).Number == have.Number {
			return Version{}, ErrSameText
		}
	}
	m.versions = append(m.versions, v)
	return v, nil
}

func (m *memory) AddVersionOf(ctx context.Context, v Version, _ Work) (Version, error) {
	return m.AddVersion(ctx, v)
}

func (m *memory) newest(site, policy string) (newest Version) {
	for _, v := range m.versions {
		if v.Site == site && v.Policy == policy {
			newest = v
		}
	}
	return newest
}

func (m *memory) Versions(_ context.Context, site, policy string) ([]Version, error) {
	var found []Version
	for _, v := range m.versions {
		if v.Site == site && v.Policy == policy {
			v.Canonical, v.Original = nil, nil
			found = append(found, v)
		}
	}
	if len(found) == 0 {
		return nil, ErrUnknownPolicy
	}
	slices.Reverse(found)
	return found, nil
}

func (m *memory) Version(_ context.Context, site, policy string, number int) (Version, error) {
	for _, v := range m.versions {
		if v.Site == site && v.Policy == policy && v.Number == number {
			return v, nil
		}
	}
	return Version{}, ErrUnknownVersion
}

func (m *memory) InForce(ctx context.Context, site, policy string, at time.Time) (Version, error) {
	all, err := m.Versions(ctx, site, policy)
	if err != nil {
		return Version{}, err
	}
	for _, v := range all {
		if !v.Effective.After(at) {
			return m.Version(ctx, site, policy, v.Number)
		}
	}
	return Version{}, ErrUnknownVersion
}

var day = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func draft(t *testing.T, text string) Draft {
	t.Helper()
	d := mustImport(t, text, "p.md")
	d.Language = "en"
	return d
}

func TestPublish(t *testing.T) {
	store := &memory{}
	vienna := time.FixedZone("", 3600)
	p := Publisher{Store: store, Now: func() time.Time { return day.Add(123456 * time.Nanosecond).In(vienna) }}
	d := draft(t, "# Privacy\r\n\r\nWe keep nothing.")
	d.Language = "EN-us"
	v, err := p.Publish(t.Context(), "shop", "privacy", d, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	const canon = `{"language":"en-US","schema":"policy/v1","text":"# Privacy\n\nWe keep nothing.\n","title":"Privacy"}`
	if string(v.Canonical) != canon {
		t.Errorf("canonical bytes\n%s, want\n%s", v.Canonical, canon)
	}
	if v.Digest != "d8ef83aa4edc0c3847d46a377a0b3a44e96b2eafdadafe67c57fb0388c965ddb" {
		t.Errorf("digest %s", v.Digest)
	}
	if !bytes.Equal(v.Original, []byte("# Privacy\r\n\r\nWe keep nothing.")) || v.Format != "markdown" {
		t.Errorf("original %q as %q", v.Original, v.Format)
	}
	if v.Number != 1 || v.Title != "Privacy" || v.Language != "en-US" || v.Site != "shop" || v.Policy != "privacy" {
		t.Errorf("version %+v", v)
	}
	if v.PublishedAt != day || v.Effective != day {
		t.Errorf("published %v, effective %v; want UTC milliseconds", v.PublishedAt, v.Effective)
	}
	text, err := v.Text()
	if err != nil || text != (Text{"Privacy", "en-US", "# Privacy\n\nWe keep nothing.\n"}) {
		t.Errorf("text %+v, %v", text, err)
	}
	if _, err := p.Publish(t.Context(), "shop", "privacy", d, day.Add(time.Hour)); !errors.Is(err, ErrSameText) {
		t.Errorf("the same text again: %v", err)
	}
	if _, err := p.Publish(t.Context(), "shop", "privacy", draft(t, "Other"), day.AddDate(-1, 0, 0)); !errors.Is(err, ErrBackdated) {
		t.Errorf("an earlier day: %v", err)
	}
	other, err := p.Publish(t.Context(), "blog", "privacy", d, day.AddDate(0, 1, 0))
	if err != nil || other.Digest != v.Digest || other.Number != 1 {
		t.Errorf("the same words of another site, on another day, have the digest %s and number %d: %v", other.Digest, other.Number, err)
	}
}

func TestPublishRefuses(t *testing.T) {
	good := draft(t, "# Privacy\n\ntext")
	with := func(change func(*Draft)) Draft {
		d := good
		change(&d)
		return d
	}
	tests := []struct {
		name, policy string
		draft        Draft
		want         error
	}{
		{"key", "Privacy Policy", good, ErrBadKey},
		{"no key", "", good, ErrBadKey},
		{"path", "../x", good, ErrBadKey},
		{"no language", "privacy", with(func(d *Draft) { d.Language = "" }), ErrBadLanguage},
		{"language", "privacy", with(func(d *Draft) { d.Language = "english please" }), ErrBadLanguage},
		{"undetermined", "privacy", with(func(d *Draft) { d.Language = "und" }), ErrBadLanguage},
		{"no title", "privacy", with(func(d *Draft) { d.Title = " – " }), ErrBadDraft},
		{"no words", "privacy", with(func(d *Draft) { d.Markdown = "***\n" }), ErrBadDraft},
		{"not imported", "privacy", with(func(d *Draft) { d.Markdown = "• a\r\n" }), ErrBadDraft},
		{"html", "privacy", with(func(d *Draft) { d.Markdown = "<script>x</script> a\n" }), ErrBadDraft},
		{"no original", "privacy", with(func(d *Draft) { d.Original = nil }), ErrBadDraft},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			store := &memory{}
			if _, err := (Publisher{Store: store}).Publish(t.Context(), "shop", tt.policy, tt.draft, day); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			if len(store.versions) != 0 {
				t.Error("something was kept")
			}
		})
	}
	broken := errors.New("disk full")
	if _, err := (Publisher{Store: &memory{fail: broken}}).Publish(t.Context(), "shop", "privacy", good, day); !errors.Is(err, broken) {
		t.Errorf("store's error: %v", err)
	}
}

func TestTextNoticesAlteration(t *testing.T) {
	v, err := (Publisher{Store: &memory{}}).Publish(t.Context(), "shop", "privacy", draft(t, "# Privacy\n\ntext"), day)
	if err != nil {
		t.Fatal(err)
	}
	v.Canonical = bytes.Replace(v.Canonical, []byte("text\\n"), []byte("next\\n"), 1)
	if _, err := v.Text(); !errors.Is(err, ErrAltered) {
		t.Errorf("altered bytes: %v", err)
	}
	for _, bytes := range []string{`{"schema":"policy/v2","text":"x"}`, `{"schema":"policy/v1","title":1}`, `{"schema":"policy/v1","more":""}`, ``} {
		v.Canonical = []byte(bytes)
		v.Digest = canonical.Sum(v.Canonical)
		if _, err := v.Text(); err == nil {
			t.Errorf("%q was read as a policy text", bytes)
		}
	}
}

func TestStandingOf(t *testing.T) {
	at := func(days int) time.Time { return day.AddDate(0, 0, days) }
	// Version 3 took the place of version 2 before that was in force.
	versions := []Version{{Number: 4, Effective: at(30)}, {Number: 3, Effective: at(10)}, {Number: 2, Effective: at(10)}, {Number: 1, Effective: at(0)}}
	tests := []struct {
		number int
		at     time.Time
		want   Standing
	}{
		{1, at(0).Add(-time.Millisecond), Standing{Scheduled, at(0), at(10), 2}},
		{1, at(0), Standing{InForce, at(0), at(10), 2}},
		{1, at(10).Add(-time.Millisecond), Standing{InForce, at(0), at(10), 2}},
		{1, at(10), Standing{Superseded, at(0), at(10), 2}},
		{2, at(0), Standing{Replaced, time.Time{}, at(10), 3}},
		{2, at(20), Standing{Replaced, time.Time{}, at(10), 3}},
		{3, at(9), Standing{Scheduled, at(10), at(30), 4}},
		{3, at(10), Standing{InForce, at(10), at(30), 4}},
		{4, at(29), Standing{Scheduled, at(30), time.Time{}, 0}},
		{4, at(9999), Standing{InForce, at(30), time.Time{}, 0}},
	}
	for _, tt := range tests {
		if got, ok := StandingOf(versions, tt.number, tt.at); !ok || got != tt.want {
			t.Errorf("version %d at %v: %+v, want %+v", tt.number, tt.at, got, tt.want)
		}
	}
	if _, ok := StandingOf(versions, 5, day); ok {
		t.Error("a version that is not there has a standing")
	}
}

func TestStarter(t *testing.T) {
	c := Controller{Name: "1. Example & Sons *Ltd*", Address: "1 Example Street\n\n Cork ", Contact: "privacy@shop.example"}
	for _, kind := range []string{"privacy", "cookies"} {
		for _, lang := range []string{"en", "de"} {
			t.Run(kind+"."+lang, func(t *testing.T) {
				d, err := Starter(kind, lang, c)
				if err != nil {
					t.Fatal(err)
				}
				again(t, d)
				if strings.Contains(d.Markdown, "{{") {
					t.Errorf("a placeholder is left: %s", d.Markdown)
				}
				v, err := (Publisher{Store: &memory{}}).Publish(t.Context(), "shop", kind, d, day)
				if err != nil {
					t.Fatal(err)
				}
				text, err := v.Text()
				if err != nil {
					t.Fatal(err)
				}
				r, err := Render(text)
				if err != nil {
					t.Fatal(err)
				}
				shown := visible(t, r.HTML)
				for _, want := range []string{"1. Example & Sons *Ltd*", "1 Example Street\nCork", "privacy@shop.example"} {
					if !strings.Contains(shown, want) {
						t.Errorf("%q is not shown in %s", want, shown)
					}
				}
				if len(r.Headings) < 4 || strings.Contains(r.HTML, "<ol") {
					t.Errorf("%d headings in %s", len(r.Headings), r.HTML)
				}
			})
		}
	}
	if _, err := Starter("privacy", "xx", c); !errors.Is(err, ErrNoStarter) {
		t.Errorf("no such language: %v", err)
	}
	if _, err := Starter("../privacy", "en", c); !errors.Is(err, ErrNoStarter) {
		t.Errorf("no such kind: %v", err)
	}
	if _, err := Starter("privacy", "en", Controller{Name: "x"}); !errors.Is(err, ErrBadDraft) {
		t.Errorf("no address: %v", err)
	}
}
