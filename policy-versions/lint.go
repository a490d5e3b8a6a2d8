package policyversions

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
	"golang.org/x/text/language"
)

// An Issue is something in a text that its readers, or a regulator, will stumble over.
type Issue struct {
	Rule    string `json:"rule"`              // "empty-section"
	Serious bool   `json:"serious"`           // to be mended before it is published; else to be thought about
	Line    int    `json:"line"`              // of the Markdown, from 1
	Section string `json:"section,omitempty"` // the heading it is under
	What    string `json:"what"`
	Remedy  string `json:"remedy"`
}

func (i Issue) String() string {
	kind := "warning"
	if i.Serious {
		kind = "error"
	}
	return fmt.Sprintf("%d: %s: %s; %s (%s)", i.Line, kind, i.What, i.Remedy, i.Rule)
}

// longParagraph in words. What is longer is not concise (GDPR Art. 12(1)); a
// printed page has 400.
const longParagraph = 250

// Lint looks for what goes wrong in policies. It judges form, and what every policy
// has to say; whether a text is right, lawyers say.
func Lint(t Text) []Issue {
	if err := checkShape(t.Markdown); err != nil {
		return []Issue{{Rule: "shape", Serious: true, Line: 1, What: "the text can't be shown: " + err.Error(), Remedy: "mend it and look again"}}
	}
	l := &linter{source: []byte(t.Markdown), ids: map[string]bool{}}
	doc := parse(l.source)
	for _, h := range outline(parse(l.source), l.source) {
		l.ids[h.ID] = true
	}
	l.walk(doc)
	l.leave(0)
	l.placeholders()
	l.wholeText(t)
	return l.issues
}

type linter struct {
	source  []byte
	ids     map[string]bool // of headings
	issues  []Issue
	section string
	open    []section // outermost first
	titles  int       // headings of the first level
}

// A section is open until a heading of its level or above comes.
type section struct {
	level, line int
	name        string
	filled      bool
}

func (l *linter) add(rule string, serious bool, line int, what, remedy string) {
	l.issues = append(l.issues, Issue{rule, serious, line, l.section, what, remedy})
}

func (l *linter) walk(doc ast.Node) {
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			l.heading(n)
		case *ast.Paragraph, *ast.TextBlock:
			l.fill()
			l.paragraph(n)
		case *ast.FencedCodeBlock, *ast.CodeBlock, *ast.HTMLBlock:
			l.fill()
		case *ast.Link:
			l.link(n)
		default:
			if n.Kind().String() == "Table" {
				l.fill()
			}
		}
		return ast.WalkContinue, nil
	})
}

func (l *linter) fill() {
	for i := range l.open {
		l.open[i].filled = true
	}
}

func (l *linter) heading(h *ast.Heading) {
	text := strings.Join(strings.Fields(plainText(h, l.source, " ")), " ")
	line := l.line(h)
	last := 0
	if len(l.open) > 0 {
		last = l.open[len(l.open)-1].level
	}
	l.leave(h.Level)
	l.section = text
	switch {
	case text == "":
		l.add("empty-heading", true, line, "a heading says nothing", "write its words or take it out")
	case last > 0 && h.Level > last+1:
		l.add("heading-order", false, line, fmt.Sprintf("%q is a heading of level %d below one of level %d", text, h.Level, last),
			fmt.Sprintf("make it one of level %d: screen readers list headings by level", last+1))
	}
	if h.Level == 1 {
		if l.titles++; l.titles == 2 {
			l.add("two-titles", false, line, fmt.Sprintf("%q is a second heading of the first level", text), "keep one, the title; begin sections with ##")
		}
	}
	l.open = append(l.open, section{h.Level, line, text, false})
}

// leave closes the sections that a heading of that level ends.
func (l *linter) leave(level int) {
	for n := len(l.open) - 1; n >= 0 && (l.open[n].level >= level || level == 0); n-- {
		s := l.open[n]
		l.open = l.open[:n]
		if !s.filled && s.name != "" {
			l.section = s.name
			l.add("empty-section", true, s.line, fmt.Sprintf("the section %q says nothing", s.name), "write what belongs there or take the heading out")
		}
	}
	l.fillParents()
}

// fillParents: a section that has sections says something by them.
func (l *linter) fillParents() {
	for i := range l.open {
		l.open[i].filled = true
	}
}

func (l *linter) paragraph(n ast.Node) {
	text := plainText(n, l.source, " ")
	if count := words(text); count > longParagraph {
		l.add("long-paragraph", false, l.line(n), fmt.Sprintf("a paragraph of %d words", count), "part it, or make a list of it: policies have to be concise and easy to read (GDPR Art. 12(1))")
	}
	only, ok := n.FirstChild().(*ast.Emphasis)
	if ok && only.Level == 2 && only.NextSibling() == nil && n.Parent().Kind() == ast.KindDocument {
		if count := words(text); count > 0 && count <= 10 && !strings.HasSuffix(strings.TrimSpace(text), ".") {
			l.add("bold-heading", false, l.line(n), fmt.Sprintf("%q is bold where it should be a heading", strings.TrimSpace(text)), "write ## before it and take the ** away: then it is in the contents, and can be linked to")
		}
	}
}

func (l *linter) link(n *ast.Link) {
	to := string(n.Destination)
	text := strings.TrimSpace(plainText(n, l.source, " "))
	line := l.line(n)
	if fragment, within := strings.CutPrefix(to, "#"); within {
		if !l.ids[slug(fragment)] {
			l.add("broken-link", true, line, fmt.Sprintf("the link %q leads to #%s, and no heading is called so", text, fragment), "name the heading by its words, such as #your-rights")
		}
		return
	}
	external, ok := checkHref(to)
	switch {
	case !ok:
		l.add("refused-link", true, line, fmt.Sprintf("the link %q leads to %q, which a policy can't link to", text, shorten(to)), "link to https://…, mailto:… or a heading")
	case !external && !strings.HasPrefix(to, "mailto:"):
		l.add("relative-link", false, line, fmt.Sprintf("the link %q leads to %q, which is somewhere else in the archive than on your website", text, to), "write the whole address, with https://")
	}
}

// line is where a node begins.
func (l *linter) line(n ast.Node) int {
	for at := n; at != nil; at = at.Parent() {
		if at.Type() == ast.TypeBlock && at.Lines() != nil && at.Lines().Len() > 0 {
			start := at.Lines().At(0).Start
			if at != n { // within a paragraph: where its first words are
				for c := n.FirstChild(); c != nil; c = c.FirstChild() {
					if t, ok := c.(*ast.Text); ok {
						start = t.Segment.Start
						break
					}
				}
			}
			return 1 + strings.Count(string(l.source[:start]), "\n")
		}
	}
	return 1
}

// unfilled are the marks of a template that nobody filled in.
var unfilled = regexp.MustCompile(`(?i)\blorem ipsum\b|\bTODO\b|\bFIXME\b|\bTBD\b|\bX{3,}\b|\{\{[^}\n]{1,60}\}\}|<<[^>\n]{1,60}>>|\\?\[(?:insert|enter|your|company|name of|website|date|address|e-?mail|firma|name der|ihre?|datum|adresse|votre|nom de|insérer|su nombre|nombre de)\b[^\]\n]{0,60}\](?:$|[^(\[])`)

func (l *linter) placeholders() {
	l.section = ""
	for n, line := range strings.Split(string(l.source), "\n") {
		if atxHeading.MatchString(line) {
			l.section = strings.TrimLeft(line, "# ")
		}
		if found := unfilled.FindString(line); found != "" {
			l.add("placeholder", true, n+1, fmt.Sprintf("%q was not filled in", strings.Trim(found, `\`)), "write what is meant")
		}
	}
}

var (
	reachable = regexp.MustCompile(`(?i)[\w.+-]+@[\w-]+\.[\w.-]+|mailto:|\+\d[\d ()/.-]{6,}`)
	// companies by their legal form, or the words of Art. 4(7) in some languages.
	named = regexp.MustCompile(`\b(?:GmbH|AG|KG|OHG|e\.\s?U\.|Ltd|Limited|LLC|LLP|PLC|Inc|Corp|S\.?A\.?S?|S\.?r\.?l|S\.?L|B\.?V|N\.?V|Oy|AB|ApS|A/S|AS|Pty|s\.r\.o|a\.s|Sp\. z o\.o|Kft|d\.o\.o|ehf)\b|株式会社|有限公司` +
		`|(?i:\bcontroller\b|responsible for|verantwortlich|responsable du traitement|responsable del tratamiento|titolare del trattamento|verwerkingsverantwoordelijke|responsável pel|administratorem|personuppgiftsansvarig|dataansvarlig|rekisterinpitäjä|υπεύθυνος επεξεργασίας|správc|prevádzkovateľ|operatorul|оператор|管理者|控制者|事業者)`) //nolint:misspell // many languages
)

// wholeText judges what a policy has to say somewhere.
func (l *linter) wholeText(t Text) {
	l.section = ""
	if !reachable.MatchString(t.Markdown) {
		l.add("no-contact", false, 1, "no e-mail address and no telephone number is in the text", "say how the controller is reached (GDPR Art. 13(1)(a))")
	}
	if !named.MatchString(t.Markdown) {
		l.add("no-controller", false, 1, "it is not said who is responsible", "name the controller, with its legal form (GDPR Art. 13(1)(a))")
	}
	if l.titles == 0 && len(l.ids) == 0 && words(t.Markdown) > longParagraph {
		l.add("no-headings", false, 1, "the text has no headings", "begin each part with ## and its name: readers look for what concerns them")
	}
	tag, err := language.Parse(t.Language)
	if err != nil {
		return
	}
	base, _ := tag.Base()
	if seems := seemsToBe(t.Markdown); seems != "" && seems != base.String() {
		l.add("language", false, 1, fmt.Sprintf("the text is published as %s and seems to be %s", t.Language, seems), "name the language it is in: screen readers speak it, and visitors are shown theirs")
	}
}
