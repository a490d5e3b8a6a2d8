package notice

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/splice"
)

// memory keeps publications as the contract of Store says.
type memory struct {
	all  []*Publication
	fail error
}

func (m *memory) AddPublication(_ context.Context, p *Publication) error {
	if m.fail != nil {
		return m.fail
	}
	p.Seq = int64(len(m.all) + 1)
	m.all = append(m.all, p)
	return nil
}

func (m *memory) Current(_ context.Context, site string) (*Publication, error) {
	for _, p := range slices.Backward(m.all) {
		if p.Site == site {
			return p, nil
		}
	}
	return nil, ErrUnpublished
}

func (m *memory) NoticeByShort(context.Context, string, string) (*Notice, canonical.Digest, error) {
	return nil, "", ErrUnpublished
}

func (m *memory) ScriptByShort(context.Context, string, string) (Script, error) {
	return Script{}, ErrUnpublished
}

// A compiler whose scripts say what they were made of; change spoils them.
type compiler struct {
	version int
	change  func([]Script) []Script
}

func (c compiler) Compile(n *Notice, wordings map[string]Wording) ([]Script, error) {
	if len(wordings) != len(n.Languages) {
		return nil, errors.New("not every language has its wording")
	}
	var scripts []Script
	for _, v := range n.Variants() {
		source := fmt.Appendf(nil, "(boot=>{/*%d %s %s*/%q})", c.version, v.Kind, v.Surface, wordings[v.Language]["title"])
		if v.Kind == KindKept {
			source = fmt.Appendf(nil, "(boot=>{/*%d, the same in all languages*/})", c.version)
		}
		scripts = append(scripts, Script{Variant: v, Digest: canonical.Sum(source), Source: source})
	}
	if c.change != nil {
		scripts = c.change(scripts)
	}
	return scripts, nil
}

var noon = time.Date(2026, 11, 21, 12, 0, 0, 123456789, time.FixedZone("CET", 3600))

func publisher() (*Publisher, *memory) {
	store := &memory{}
	return &Publisher{Store: store, Compiler: compiler{}, Fairness: fair{}, Now: func() time.Time { return noon }}, store
}

func TestPublishKeepsEverything(t *testing.T) {
	n := shop(t)
	p, store := publisher()
	publication, err := p.Publish(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	if len(store.all) != 1 || store.all[0] != publication || publication.Seq != 1 {
		t.Fatal("it is not in the store")
	}
	encoded, err := n.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(publication.NoticeBytes, encoded) || publication.Notice != canonical.Sum(encoded) || publication.Site != "shop" {
		t.Error("the notice's bytes are not its own")
	}
	if want := time.Date(2026, 11, 21, 11, 0, 0, 123e6, time.UTC); publication.PublishedAt != want {
		t.Errorf("published at %v, want %v", publication.PublishedAt, want)
	}
	for _, language := range n.Languages {
		b := publication.WordingBytes[publication.Wordings[language]]
		var w Wording
		if err := json.Unmarshal(b, &w); err != nil {
			t.Fatal(err)
		}
		if canonical.Sum(b) != publication.Wordings[language] || !maps.Equal(w, n.WordingFor(language)) {
			t.Errorf("%s: the wording is not what visitors read", language)
		}
	}
	if len(publication.Scripts) != 2*8 {
		t.Errorf("%d scripts, want eight a language", len(publication.Scripts))
	}
	for _, s := range publication.Scripts {
		for _, coding := range splice.Codings() {
			if err := splice.Verify(coding, s.Encoded[coding], s.Source); err != nil {
				t.Errorf("%v as %s: %v", s.Variant, coding, err)
			}
		}
	}
}

func TestPublishAgain(t *testing.T) {
	p, store := publisher()
	if _, err := p.Publish(t.Context(), shop(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Publish(t.Context(), shop(t)); !errors.Is(err, ErrSameNotice) {
		t.Errorf("the same again: %v, want ErrSameNotice", err)
	}
	p.Compiler = compiler{version: 2}
	if _, err := p.Publish(t.Context(), shop(t)); err != nil {
		t.Errorf("the same with new scripts: %v", err)
	}
	other := shop(t)
	other.Validity = 12
	if _, err := p.Publish(t.Context(), other); err != nil {
		t.Errorf("another notice: %v", err)
	}
	if _, err := p.Publish(t.Context(), shop(t)); err != nil {
		t.Errorf("back to an earlier one: %v", err)
	}
	if len(store.all) != 4 {
		t.Errorf("%d publications, want 4", len(store.all))
	}
}

func TestPublishRefuses(t *testing.T) {
	broken := errors.New("disk full")
	change := func(f func([]Script) []Script) func(*Publisher, *memory, *Notice) {
		return func(p *Publisher, _ *memory, _ *Notice) { p.Compiler = compiler{change: f} }
	}
	tests := []struct {
		name  string
		spoil func(*Publisher, *memory, *Notice)
		want  error
	}{
		{"a missing variant", change(func(s []Script) []Script { return s[1:] }), ErrCompiled},
		{"a variant twice", change(func(s []Script) []Script { return append(s, s[0]) }), ErrCompiled},
		{"a variant too many", change(func(s []Script) []Script {
			extra := s[0]
			extra.Language = "fr"
			return append(s, extra)
		}), ErrCompiled},
		{"an empty script", change(func(s []Script) []Script { s[3].Source = nil; return s }), ErrCompiled},
		{"a script of another digest", change(func(s []Script) []Script { s[3].Source = append(s[3].Source, ' '); return s }), ErrCompiled},
		{"a store that fails", func(_ *Publisher, m *memory, _ *Notice) { m.fail = broken }, broken},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, store := publisher()
			n := shop(t)
			test.spoil(p, store, n)
			if publication, err := p.Publish(t.Context(), n); !errors.Is(err, test.want) || publication != nil {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if len(store.all) > 0 {
				t.Error("something was kept")
			}
		})
	}
	t.Run("a notice with mistakes", func(t *testing.T) {
		p, store := publisher()
		n := shop(t)
		n.Controller.Name, n.Validity = "", 99
		_, err := p.Publish(t.Context(), n)
		var invalid *InvalidError
		if !errors.As(err, &invalid) || len(invalid.Issues) != 2 || len(store.all) > 0 {
			t.Errorf("got %v", err)
		}
	})
	t.Run("nobody waits any more", func(t *testing.T) {
		p, store := publisher()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := p.Publish(ctx, shop(t)); !errors.Is(err, context.Canceled) || len(store.all) > 0 {
			t.Errorf("got %v", err)
		}
	})
}

func TestPublishLeavesItsNoticeAlone(t *testing.T) {
	n := shop(t)
	n.Schema = ""
	n.Wording = nil
	p, _ := publisher()
	publication, err := p.Publish(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	if n.Schema != "" || n.Wording != nil {
		t.Error("the caller's notice was changed")
	}
	if _, err := Decode(publication.NoticeBytes); err != nil {
		t.Errorf("what was published can't be read: %v", err)
	}
}
