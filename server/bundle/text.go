package bundle

import (
	"bytes"
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/server/notice"
)

func itoa(n int) string { return strconv.Itoa(n) }

func newestFirst(all []change) {
	slices.SortStableFunc(all, func(a, b change) int { return int(max(-1, min(1, b.From-a.From))) })
}

func (p *policyEvidence) summary(number int) map[string]string { return p.texts[itoa(number)] }

// A line is one text of the banner, and what it was there.
type line struct{ What, Text string }

// A layer is what stood together on the screen.
type layer struct {
	Title string // in English, of this file
	Lines []line
}

// layers are the texts that were shown, in the order they were read in.
func (e *evidence) layers(f Files) []layer {
	switch {
	case e.page(f):
		return []layer{pageText(f[namePage])}
	case e.told():
		return []layer{e.note()}
	}
	return []layer{e.first(), e.second()}
}

// say collects texts that are there.
type said struct {
	words notice.Wording
	lines []line
}

func (s *said) add(what, text string) {
	if text != "" {
		s.lines = append(s.lines, line{what, text})
	}
}

func (s *said) word(what, key string) { s.add(what, s.words[key]) }

func (e *evidence) first() layer {
	s := said{words: e.wording}
	s.word("title", "title")
	s.word("text", map[notice.Surface]string{notice.AskOptIn: "ask_opt_in", notice.AskOptOut: "ask_opt_out", notice.AskNotice: "ask_notice"}[e.surface()])
	if e.notice.Share.Domains {
		s.word("text", "shared")
	}
	if e.signal() {
		s.word("text", "signal")
		s.word("text", "signal_over")
	}
	e.age(&s)
	refuse, agree := "opt_out", "ok"
	if e.surface() == notice.AskOptIn {
		refuse, agree = "reject", "accept"
	}
	s.word("button", refuse)
	s.word("button", agree)
	s.word("button", "settings")
	s.word("link", "policy")
	return layer{"First layer", s.lines}
}

func (e *evidence) age(s *said) {
	if e.core.Age.Asked != 0 {
		s.add("box, not ticked", strings.ReplaceAll(e.wording["of_age"], "{age}", itoa(e.core.Age.Asked)))
	}
}

// second is the layer that opens from the first. Names of countries and durations
// are written here as the notice has them; the banner writes them in its language.
func (e *evidence) second() layer {
	s := said{words: e.wording}
	s.word("title", "settings_title")
	s.word("text", "settings_about")
	if e.notice.Share.Domains {
		s.word("text", "shared")
	}
	for _, c := range e.notice.Categories {
		label, about := e.label(c)
		s.add("category", label)
		if c.Like == notice.Necessary {
			s.word("mark", "always")
		}
		s.add("text", about)
		if e.signal() && c.Like == notice.Marketing {
			s.word("text", "signal_over")
		}
		for _, v := range e.notice.Vendors {
			if v.Category == c.Key {
				e.vendor(&s, v)
			}
		}
	}
	s.word("text", map[string]string{"forward": "dnt_forward", "opt-out": "dnt_opt_out"}[e.notice.DNT])
	if e.notice.DNT == "ignore" {
		s.word("text", "dnt_ignore")
	}
	s.add("controller", strings.Join([]string{e.wording["responsible"], e.notice.Controller.Address, e.notice.Controller.Contact}, "\n"))
	e.age(&s)
	for _, key := range []string{"reject", "accept", "save"} {
		s.word("button", key)
	}
	return layer{"Second layer", s.lines}
}

func (e *evidence) label(c notice.Category) (label, about string) {
	if notice.Standard(c.Key) {
		return e.wording[c.Key], e.wording[c.Key+"_about"]
	}
	return e.notice.Text(c.Label, e.core.Language), e.notice.Text(c.About, e.core.Language)
}

func (e *evidence) vendor(s *said, v notice.Vendor) {
	s.add("vendor", v.Name)
	if v.Country != "" {
		s.add("country", v.Country)
	}
	s.add("its policy", v.PolicyURL)
	for _, stored := range v.Entries {
		s.add("stores", fmt.Sprintf("%s (%s, %s): %s", stored.Name, stored.Kind, stored.Duration, e.notice.Text(stored.Purpose, e.core.Language)))
	}
}

// note is what somebody was told who had decided before.
func (e *evidence) note() layer {
	s := said{words: e.wording}
	for _, c := range e.changes() {
		s.add("title", strings.ReplaceAll(e.wording["changed"], "{title}", c.Title))
		s.add("text", c.Summary)
		s.add("text", strings.ReplaceAll(e.wording["applies"], "{date}", time.UnixMilli(c.Binds).UTC().Format(time.DateOnly)))
		s.word("link", "what_changed")
	}
	s.word("button", "ok")
	return layer{"Note about changed policies", s.lines}
}

// plain is derived/banner.txt.
func (e *evidence) plain(f Files) []byte {
	var b bytes.Buffer
	for _, l := range e.layers(f) {
		fmt.Fprintf(&b, "== %s ==\n\n", l.Title)
		for _, one := range l.Lines {
			fmt.Fprintf(&b, "[%s]\n%s\n\n", one.What, one.Text)
		}
	}
	return b.Bytes()
}

var textPage = template.Must(template.New("text").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'">
<title>The words of the banner</title>
</head>
<body>
<h1>The words of the banner</h1>
{{range .Layers}}<h2>{{.Title}}</h2>
<dl>{{range .Lines}}
<dt>{{.What}}</dt><dd lang="{{$.Language}}" dir="{{$.Direction}}">{{.Text}}</dd>{{end}}
</dl>
{{end}}</body>
</html>
`))

// html is derived/banner.html.
func (e *evidence) html(f Files) ([]byte, error) {
	var b bytes.Buffer
	err := textPage.Execute(&b, map[string]any{"Layers": e.layers(f), "Language": e.core.Language, "Direction": direction(e.core.Language)})
	return b.Bytes(), err
}

func direction(language string) string {
	if notice.RTL(language) {
		return "rtl"
	}
	return "ltr"
}
