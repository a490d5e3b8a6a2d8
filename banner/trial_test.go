package banner

import (
	"bytes"
	"slices"
	"testing"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/notice"
)

// A trial has first layers of its own, in its look and its words, under the
// notice that everybody is asked under; all else is compiled once.
func TestATrialHasFirstLayersOfItsOwn(t *testing.T) {
	n := shop("en", "de")
	other := n.Look
	other.Accent = "#7a1f5c"
	n.Trials = []notice.Trial{
		{Key: "plum", Percent: 20, Look: other},
		{Key: "short", Percent: 20, Look: n.Look, Wording: map[string]map[string]string{"de": {"accept": "Allem zustimmen"}}},
	}
	made := map[notice.Variant]notice.Script{}
	for _, s := range compile(t, n) {
		made[s.Variant] = s
	}
	if want := n.Variants(); len(made) != len(want) || slices.ContainsFunc(want, func(v notice.Variant) bool { return made[v].Source == nil }) {
		t.Fatalf("%d variants, want %d", len(made), len(want))
	}
	encoded, err := n.Encode()
	if err != nil {
		t.Fatal(err)
	}
	asked := []byte(canonical.Sum(encoded).Short())
	for v, s := range made {
		if !bytes.Contains(s.Source, asked) && v.Kind == notice.KindAsk {
			t.Errorf("%v does not name the notice", v)
		}
		if got, want := bytes.Contains(s.Source, []byte("#7a1f5c")), v.Trial == "plum"; got != want {
			t.Errorf("%v has the trial's colour: %v", v, got)
		}
		if got, want := bytes.Contains(s.Source, []byte("Allem zustimmen")), v.Trial == "short" && v.Language == "de" && v.Surface == notice.AskOptIn; got != want {
			t.Errorf("%v has the trial's words: %v", v, got)
		}
	}
	// Where a trial says nothing else, its script is the notice's own.
	as, is := notice.Variant{Kind: notice.KindAsk, Surface: notice.AskOptIn, Language: "en", Trial: "short"}, notice.Variant{Kind: notice.KindAsk, Surface: notice.AskOptIn, Language: "en"}
	if made[as].Digest != made[is].Digest {
		t.Error("the same first layer was compiled to other bytes")
	}
}
