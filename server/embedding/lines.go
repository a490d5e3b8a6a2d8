// Package embedding writes the lines that put the banner into a website: the
// same ones for the command line, the console and the documentation.
package embedding

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/web/integrations"
)

//go:embed platforms/*.txt
var texts embed.FS

// Platforms are where the lines go, each a text of platforms/; "gtm" is the
// template for Tag Manager.
func Platforms() []string {
	return []string{"html", "next", "astro", "wordpress", "shopify", "rails", "django", "gtm"}
}

// ErrOrder wraps what is wrong with an Order; it says what to do.
var ErrOrder = errors.New("these lines can't be made")

// An Order says which lines are wanted.
type Order struct {
	Server   string // where visitors reach this server: "https://consent.example.com"
	Platform string
	Language string // of the page; "" is the browser's, of a pinned script the notice's first
	Pinned   bool   // name one script by its digest, for the browser to check
	Stub     bool   // let nothing wait for the banner
}

// Check completes o, or says with ErrOrder what is wrong with it.
func (o *Order) Check() error {
	if !slices.Contains(Platforms(), o.Platform) {
		return fmt.Errorf("%w: platform %q is not one of %s", ErrOrder, o.Platform, strings.Join(Platforms(), ", "))
	}
	u, err := url.Parse(o.Server)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return fmt.Errorf("%w: say where visitors reach this server: https://consent.example.com", ErrOrder)
	}
	o.Server = strings.TrimRight(u.String(), "/")
	if o.Platform == "gtm" && (o.Pinned || o.Stub) {
		return fmt.Errorf("%w: Tag Manager loads the script itself: leave out pinning and the inline script", ErrOrder)
	}
	return nil
}

// A Maker makes lines. It is safe for concurrent use.
type Maker struct {
	// Pin makes the script that a pinned line names; Stub is the inline script.
	Pin  func(p *notice.Publication, language string) ([]byte, error)
	Stub func(n *notice.Notice) []byte
	// Keep keeps a pinned script, so that the server answers it from now on.
	Keep func(ctx context.Context, artifacts []consent.Artifact) error
}

// Lines are what goes into the website, and notes beside them: what a
// Content-Security-Policy needs, what the lines weigh.
func (m *Maker) Lines(ctx context.Context, p *notice.Publication, o Order) (lines string, notes []string, err error) {
	if err := o.Check(); err != nil {
		return "", nil, err
	}
	n, err := notice.Decode(p.NoticeBytes)
	if err != nil {
		return "", nil, err
	}
	if o.Language != "" && !slices.Contains(n.Languages, o.Language) {
		return "", nil, fmt.Errorf("%w: the notice does not speak %q; it speaks %s", ErrOrder, o.Language, strings.Join(n.Languages, " "))
	}
	if o.Platform == "gtm" {
		return integrations.TagManager(o.Server), nil, nil
	}
	tags, notes, err := m.tags(ctx, p, n, o)
	if err != nil {
		return "", nil, err
	}
	language := o.Language
	if language == "" {
		language = n.Languages[0]
	}
	text, err := template.ParseFS(texts, "platforms/"+o.Platform+".txt")
	if err != nil {
		return "", nil, err
	}
	var b strings.Builder
	err = text.Execute(&b, map[string]string{
		"Server": o.Server, "Site": p.Site, "Language": language,
		"Choices": o.Server + "/privacy/" + p.Site + "/choices", "Cookies": o.Server + "/privacy/" + p.Site + "/cookies",
		"Declaration": o.Server + "/b/" + p.Site + "/declaration.js",
		"Head":        join(tags, "", tag.html), "JSX": join(tags, "        ", tag.jsx),
		"Astro": join(tags, "    ", tag.astro), "Rails": join(tags, "", tag.rails),
	})
	return b.String(), notes, err
}

// tags are the script elements of the head, in order.
func (m *Maker) tags(ctx context.Context, p *notice.Publication, n *notice.Notice, o Order) (tags []tag, notes []string, err error) {
	main := tag{src: o.Server + "/b/" + p.Site + ".js", async: o.Stub}
	if o.Language != "" && !o.Pinned {
		main.src += "?lang=" + url.QueryEscape(o.Language)
	}
	if o.Stub {
		stub := m.Stub(n)
		tags = append(tags, tag{text: string(stub)})
		notes = append(notes, fmt.Sprintf("inline script: %d bytes; Content-Security-Policy: script-src %s", len(stub), sha256Source(stub)))
	}
	if o.Pinned {
		script, modules, err := m.pin(ctx, p, n, o)
		if err != nil {
			return nil, nil, err
		}
		digest := canonical.Sum(script)
		main.src = o.Server + "/b/" + p.Site + "/pinned/" + string(digest) + ".js"
		main.integrity = sha384(script)
		tags = append([]tag{{text: modules, kind: "importmap"}}, tags...)
		notes = append(notes,
			fmt.Sprintf("import map: Content-Security-Policy: script-src %s", sha256Source([]byte(modules))),
			"print these lines anew after each publication; until then pages show the notice they name")
	}
	return append(tags, main), notes, nil
}

// pin makes the pinned script and keeps it. modules is an import map by which
// browsers check what the script fetches.
func (m *Maker) pin(ctx context.Context, p *notice.Publication, n *notice.Notice, o Order) (script []byte, modules string, err error) {
	language := o.Language
	if language == "" {
		language = n.Languages[0]
	}
	if script, err = m.Pin(p, language); err != nil {
		return nil, "", err
	}
	if err := m.Keep(ctx, []consent.Artifact{{Digest: canonical.Sum(script), Kind: "pinned", Bytes: script}}); err != nil {
		return nil, "", err
	}
	integrity := map[string]string{}
	for _, s := range p.Scripts {
		if s.Language != language || s.Kind == notice.KindAsk || s.Kind == notice.KindKept || s.Kind == notice.KindGuarded {
			continue
		}
		address := o.Server + "/b/" + p.Site + "/" + s.Digest.Short() + ".js"
		integrity[address] = sha384(s.Source)
		if s.Kind == notice.KindGate {
			delete(integrity, address)
			for try := range 8 { // each try has an address of its own (gate/core.ts)
				integrity[address+"?"+strconv.Itoa(try)] = sha384(s.Source)
			}
		}
	}
	var b bytes.Buffer
	b.WriteString(`{"integrity":{`)
	for i, address := range slices.Sorted(maps.Keys(integrity)) {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(address)
		if err != nil {
			return nil, "", err
		}
		fmt.Fprintf(&b, "%s:%q", name, integrity[address])
	}
	b.WriteString("}}")
	return script, b.String(), nil
}

func sha384(b []byte) string {
	sum := sha512.Sum384(b)
	return "sha384-" + base64.StdEncoding.EncodeToString(sum[:])
}

func sha256Source(b []byte) string {
	sum := sha256.Sum256(b)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
