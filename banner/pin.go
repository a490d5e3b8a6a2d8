package banner

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/notice"
)

// kindPinned is what src/entry/pinned.ts is compiled as: what a pinned script does
// before it is told anything. It is made when a page is to name it, not at
// publication.
const kindPinned notice.Kind = "pinned"

// ErrNoSuchLanguage is returned by Pin.
var ErrNoSuchLanguage = errors.New("the notice does not speak this language")

// Pin makes the script of a page that names it by digest and checks it: a line
// that says what it is made of (notice.Pin), what holds everything until the boot
// is there, and the first layers of the publication in one language, byte for byte
// as they were published.
func (c Compiler) Pin(p *notice.Publication, language string) ([]byte, error) {
	n, err := notice.Decode(p.NoticeBytes)
	if err != nil {
		return nil, err
	}
	digest, ok := p.Wordings[language]
	if !ok {
		return nil, fmt.Errorf("%w: %q; it speaks %v", ErrNoSuchLanguage, language, n.Languages)
	}
	var wording notice.Wording
	if err := json.Unmarshal(p.WordingBytes[digest], &wording); err != nil {
		return nil, fmt.Errorf("wording in %s: %w", language, err)
	}
	pin := notice.Pin{Site: p.Site, Language: language, Notice: p.Notice, Wording: digest, Scripts: map[notice.Surface]canonical.Digest{}}
	var layers bytes.Buffer
	for _, s := range p.Scripts {
		if s.Kind == notice.KindAsk && s.Language == language && s.Trial == "" {
			pin.Scripts[s.Surface] = s.Digest
			fmt.Fprintf(&layers, "%s:%s,", literal(s.Surface), s.Source)
		}
	}
	if len(pin.Scripts) != 3 {
		return nil, fmt.Errorf("the publication has %d first layers in %s, want 3; publish the notice again", len(pin.Scripts), language)
	}
	line, err := pin.Line()
	if err != nil {
		return nil, err
	}
	head, err := c.pinned(n, language, wording)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(line, "%s({%s});\n", head, bytes.TrimSuffix(layers.Bytes(), []byte(","))), nil
}

// pinned compiles what comes before the first layers.
func (c Compiler) pinned(n *notice.Notice, language string, wording notice.Wording) ([]byte, error) {
	sources := c.Sources
	if sources == nil {
		var err error
		if sources, err = fs.Sub(embedded, "src"); err != nil {
			return nil, fmt.Errorf("banner sources: %w", err)
		}
	}
	f, err := factsOf(n)
	if err != nil {
		return nil, err
	}
	for _, key := range notice.WordingKeys() { // a publication of an earlier version has no words that came later
		if wording[key] == "" {
			wording[key] = n.WordingFor(language)[key]
		}
	}
	words, err := f.wordsOf(language, wording)
	if err != nil {
		return nil, fmt.Errorf("wording of %s: %w", language, err)
	}
	return bundle(sources, kindPinned, virtual{
		"volenti:notice":   f.module(language, words),
		"volenti:wording":  words.module(""),
		"volenti:adapters": adaptersModule(n, notice.KindAsk),
		"volenti:rules":    f.rules,
	}, f.constants(language, "", parts{}))
}

// Stub is the inline script of a page that loads the banner without waiting for
// it: Google's tags are told that everything is denied, where the notice has to do
// with them, and calls of window.volenti are kept. It ends without a line break,
// so that the digest a Content-Security-Policy needs is that of these bytes.
func Stub(n *notice.Notice) []byte {
	const queue = "window.volenti=window.volenti||[];"
	if n.Google.Mode != "basic" && n.Google.Mode != "advanced" {
		return []byte(queue)
	}
	type pair struct{ name, state string }
	var b bytes.Buffer
	b.WriteString(queue + `window.dataLayer=window.dataLayer||[];(function(){dataLayer.push(arguments)})("consent","default",{`)
	for _, t := range consentTypes {
		p := pair{t.name, "denied"}
		if t.letter == 0 {
			p.state = "granted"
		}
		fmt.Fprintf(&b, "%s:%s,", p.name, literal(p.state))
	}
	fmt.Fprintf(&b, "wait_for_update:%d})", n.Google.WaitForUpdate)
	return b.Bytes()
}
