package notice

import (
	"errors"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/canonical"
)

func TestAPinnedScriptSaysWhatItIsMadeOf(t *testing.T) {
	d := func(s string) canonical.Digest { return canonical.Sum([]byte(s)) }
	p := Pin{Site: "shop", Language: "de", Notice: d("n"), Wording: d("w"),
		Scripts: map[Surface]canonical.Digest{AskOptIn: d("i"), AskOptOut: d("o"), AskNotice: d("a")}}
	line, err := p.Line()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(line), "\n") != 1 || !strings.HasPrefix(string(line), "/*!") {
		t.Errorf("no line of comment: %q", line)
	}
	got, err := ParsePin(append(line, "(boot=>{/* more */\n})"...))
	if err != nil || got.Notice != p.Notice || got.Scripts[AskNotice] != d("a") || got.Language != "de" {
		t.Errorf("%+v %v", got, err)
	}
	delete(p.Scripts, AskOptOut)
	short, err := p.Line()
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "(boot=>{})", string(line[:20]), string(line[1:]), "/*! volenti {} */\n", string(short)} {
		if _, err := ParsePin([]byte(bad)); !errors.Is(err, ErrNoPin) {
			t.Errorf("%.40q: %v", bad, err)
		}
	}
}
