package bundle

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"time"
)

// ReplayPolicy is the Content-Security-Policy of a replay. Its scripts are those that
// stand in it and those it makes of the archived bytes; nothing leaves it.
const ReplayPolicy = "default-src 'none'; script-src 'unsafe-inline' blob: data:; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"

//go:embed pages/replay.html
var replayHTML string

//go:embed pages/outside.js
var replayOutside string

//go:embed pages/inside.js
var replayInside string

var replayPage = template.Must(template.New("replay").Parse(replayHTML))

// A stage is all that the replay's page is told.
type stage struct {
	Script     string            `json:"script,omitempty"`
	Modules    map[string]string `json:"modules,omitempty"` // by digest
	Boot       map[string]any    `json:"boot,omitempty"`
	Signals    map[string]bool   `json:"signals,omitempty"`
	Changes    []change          `json:"changes,omitempty"`
	Categories string            `json:"categories,omitempty"` // '1' for what is necessary, '-' for all else
	Vendors    int               `json:"vendors,omitempty"`
	Site       string            `json:"site"`
	Language   string            `json:"language"`
	Direction  string            `json:"direction"`
	Inline     bool              `json:"inline,omitempty"`
	Page       *string           `json:"page,omitempty"` // where a page of the server asked
	Style      string            `json:"style,omitempty"`
}

// replay is replay/index.html: the archived script, run as it is, in a page that needs
// nothing but itself.
func (e *evidence) replay(f Files) ([]byte, error) {
	c := e.core
	s := stage{Site: c.Site, Language: c.Language, Direction: direction(c.Language)}
	about := fmt.Sprintf("What %s asked with on %s: site %s, language %s, region %s, law %s.", c.Controller.Name,
		time.UnixMilli(c.TokenFrom).UTC().Format("2 January 2006, 15:04 UTC"), c.Site, c.Language, c.Region, e.law.Name)
	limits := "The archived script runs here unchanged; nothing is sent and no choice counts. The website around it was not archived: grey bars stand for it. Images of the website are not shown."
	if e.page(f) {
		page := string(f[namePage])
		s.Page, s.Style = &page, string(f[nameStyle])
		limits = "The archived page of the server stands here unchanged, as it was for somebody who had not decided; its buttons do nothing."
		if s.Style == "" {
			limits += " The style sheet it was shown with is not kept any more, so it is shown without."
		}
	} else {
		s.Script, s.Modules, s.Boot = string(f[nameScript]), map[string]string{}, e.boot(string(f[nameToken])).Boot
		for digest, source := range f.modules() {
			s.Modules[string(digest)] = string(source)
		}
		s.Signals = map[string]bool{"gpc": c.Signals.GPC, "dnt": c.Signals.DNT}
		s.Changes, s.Vendors, s.Inline = e.changes(), len(e.notice.Vendors), e.inline()
		for _, category := range e.notice.Categories {
			letter := "-"
			if category.Like == "necessary" {
				letter = "1"
			}
			s.Categories += letter
		}
	}
	heading := "The banner as it was shown, for receipt " + c.ID
	if e.told() {
		heading = "The note as it was shown, for receipt " + c.ID
	}
	var b bytes.Buffer
	err := replayPage.Execute(&b, map[string]any{
		"Policy": ReplayPolicy, "Short": c.ID[:min(8, len(c.ID))], "Heading": heading, "About": about, "Limits": limits,
		"Layers": !e.page(f) && !e.told(), "Evidence": s,
		"Inside": replayInside, "Outside": template.JS(replayOutside), //nolint:gosec // ours
	})
	if err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	return b.Bytes(), nil
}

// inline reports whether the first layer stood in the page, by the notice or by one
// of its trials: which of them was drawn, the script alone knows.
func (e *evidence) inline() bool {
	if e.notice.Look.Position == "inline" {
		return true
	}
	for _, t := range e.notice.Trials {
		if t.Look.Position == "inline" {
			return true
		}
	}
	return false
}
