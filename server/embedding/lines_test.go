package embedding

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
)

func TestLines(t *testing.T) {
	n := &notice.Notice{Schema: notice.Schema, Site: "shop", Languages: []string{"en", "de"}}
	b, err := n.Encode()
	if err != nil {
		t.Fatal(err)
	}
	p := &notice.Publication{Site: "shop", NoticeBytes: b}
	kept := 0
	m := &Maker{
		Pin:  func(_ *notice.Publication, language string) ([]byte, error) { return []byte("pinned " + language), nil },
		Stub: func(*notice.Notice) []byte { return []byte("stub()") },
		Keep: func(_ context.Context, artifacts []consent.Artifact) error { kept += len(artifacts); return nil },
	}
	for _, platform := range Platforms() {
		lines, _, err := m.Lines(t.Context(), p, Order{Server: "https://consent.shop.example/", Platform: platform})
		if err != nil || !strings.Contains(lines, "https://consent.shop.example") || strings.Contains(lines, "example//") || strings.Contains(lines, "{{.") {
			t.Errorf("%s: %v\n%s", platform, err, lines)
		}
	}
	if kept != 0 {
		t.Error("looking at lines kept something")
	}
	pinned, notes, err := m.Lines(t.Context(), p, Order{Server: "https://c.example", Platform: "html", Language: "de", Pinned: true, Stub: true})
	if err != nil || kept != 1 || len(notes) != 3 || !strings.Contains(pinned, `integrity="sha384-`) || !strings.Contains(pinned, "stub()") || strings.Index(pinned, "importmap") > strings.Index(pinned, "stub()") {
		t.Errorf("%v, kept %d, notes %q\n%s", err, kept, notes, pinned)
	}
	for name, o := range map[string]Order{
		"platform": {Server: "https://c.example", Platform: "jsp"},
		"server":   {Server: "javascript:alert(1)", Platform: "html"},
		"query":    {Server: "https://c.example?x", Platform: "html"},
		"user":     {Server: "https://a:b@c.example", Platform: "html"},
		"language": {Server: "https://c.example", Platform: "html", Language: "fr"},
		"gtm":      {Server: "https://c.example", Platform: "gtm", Pinned: true},
	} {
		if _, _, err := m.Lines(t.Context(), p, o); !errors.Is(err, ErrOrder) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
