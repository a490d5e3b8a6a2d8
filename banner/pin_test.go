package banner

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/evanw/esbuild/pkg/api"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/notice"
)

// published is n as a publication, as far as a pinned script is made of it.
func published(t *testing.T, n *notice.Notice) *notice.Publication {
	t.Helper()
	encoded, err := n.Encode()
	if err != nil {
		t.Fatal(err)
	}
	p := &notice.Publication{Site: n.Site, Notice: canonical.Sum(encoded), NoticeBytes: encoded,
		Wordings: map[string]canonical.Digest{}, WordingBytes: map[canonical.Digest][]byte{}}
	for _, l := range n.Languages {
		b, err := canonical.Encode(n.WordingFor(l))
		if err != nil {
			t.Fatal(err)
		}
		p.Wordings[l] = canonical.Sum(b)
		p.WordingBytes[canonical.Sum(b)] = b
	}
	for _, s := range compile(t, n) {
		p.Scripts = append(p.Scripts, notice.PublishedScript{Script: s})
	}
	return p
}

func TestAPinnedScriptHoldsTheFirstLayersAsPublished(t *testing.T) {
	p := published(t, shop("en", "de"))
	script, err := Compiler{}.Pin(p, "de")
	if err != nil {
		t.Fatal(err)
	}
	pin, err := notice.ParsePin(script)
	if err != nil || pin.Language != "de" || pin.Notice != p.Notice || pin.Wording != p.Wordings["de"] {
		t.Fatalf("%+v %v", pin, err)
	}
	for _, s := range p.Scripts {
		is := s.Kind == notice.KindAsk && s.Language == "de"
		if bytes.Contains(script, s.Source) != is || (is && pin.Scripts[s.Surface] != s.Digest) {
			t.Errorf("%s %s in %s: held %v, want %v", s.Kind, s.Surface, s.Language, !is, is)
		}
	}
	if r := api.Transform(string(script), api.TransformOptions{}); len(r.Errors) > 0 {
		t.Error(problems(r.Errors))
	}
	own := bytes.NewBuffer(script).String()
	for _, s := range p.Scripts {
		own = strings.ReplaceAll(own, string(s.Source), "")
	}
	for _, at := range forbidden.FindAllStringIndex(own, -1) {
		t.Errorf("forbidden: %s", own[max(0, at[0]-30):min(len(own), at[1]+30)])
	}
	again, err := Compiler{}.Pin(p, "de")
	if err != nil || !bytes.Equal(again, script) {
		t.Error("made twice, it is another: a page that names it would not find it")
	}
	if _, err := (Compiler{}).Pin(p, "fr"); !errors.Is(err, ErrNoSuchLanguage) {
		t.Errorf("a language it has no words for: %v", err)
	}
	p.Scripts = p.Scripts[:2]
	if _, err := (Compiler{}).Pin(p, "de"); err == nil || !strings.Contains(err.Error(), "publish the notice again") {
		t.Errorf("a publication without first layers: %v", err)
	}
}

// The three first layers are alike, so together they weigh little more than one.
func TestAPinnedScriptWeighsLittleMoreThanTheOneItReplaces(t *testing.T) {
	p := published(t, shop("en"))
	script, err := Compiler{}.Pin(p, "en")
	if err != nil {
		t.Fatal(err)
	}
	one := 0
	for _, s := range p.Scripts {
		if s.Kind == notice.KindAsk {
			one = max(one, compressed(t, s.Source))
		}
	}
	size := compressed(t, script)
	t.Logf("pinned: %d bytes; one first layer: %d", size, one)
	if size > one+6000 {
		t.Errorf("the pinned script is %d bytes, one first layer %d", size, one)
	}
}

func TestTheStubDeniesWhatTheNoticeHasToDoWith(t *testing.T) {
	n := shop("en")
	text := string(Stub(n))
	for _, want := range []string{`ad_storage:"denied"`, `ad_user_data:"denied"`, `ad_personalization:"denied"`, `analytics_storage:"denied"`, `security_storage:"granted"`, "wait_for_update:500"} {
		if !strings.Contains(text, want) {
			t.Errorf("the stub has no %s: %s", want, text)
		}
	}
	if len(text) > 400 || forbidden.MatchString(text) || strings.Contains(text, "\n") {
		t.Errorf("the stub is %d bytes: %s", len(text), text)
	}
	n.Google.Mode = "off"
	if text := string(Stub(n)); strings.Contains(text, "dataLayer") || !strings.Contains(text, "window.volenti") {
		t.Errorf("without Consent Mode: %s", text)
	}
}
