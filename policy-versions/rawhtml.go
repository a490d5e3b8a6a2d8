package policyversions

import (
	"fmt"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// An edit replaces source[from:to].
type edit struct {
	from, to int
	with     string
}

// replaceHTML rewrites the HTML within Markdown, so that the text that is bound
// has none: blocks become Markdown, links become Markdown links, <br> a line break,
// and of all other tags, old <a name> targets among them, the text within stays.
// It touches exactly what a CommonMark parser takes for HTML, so "<" in a sentence,
// in code and in <https://…> is left alone.
func replaceHTML(md string, t *tally) (string, error) {
	if !strings.Contains(md, "<") {
		return md, checkShape(md)
	}
	if err := checkShape(md); err != nil {
		return "", err
	}
	r := htmlReplacer{source: md, tally: t, closed: make(map[int]bool)}
	err := ast.Walk(parse([]byte(md)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.HTMLBlock:
			return ast.WalkSkipChildren, r.block(n)
		case *ast.RawHTML:
			r.inline(n)
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return "", err
	}
	return r.apply(), nil
}

type htmlReplacer struct {
	*tally
	source string
	edits  []edit
	until  int          // inline HTML before this offset is part of an edit already
	closed map[int]bool // offsets of end tags that became the end of a link
}

func (r *htmlReplacer) apply() string {
	slices.SortStableFunc(r.edits, func(a, b edit) int { return a.from - b.from })
	var b strings.Builder
	at := 0
	for _, e := range r.edits {
		if e.from < at {
			continue
		}
		b.WriteString(r.source[at:e.from])
		b.WriteString(e.with)
		at = e.to
	}
	b.WriteString(r.source[at:])
	return b.String()
}

// block writes an HTML block as Markdown in the place of its first line and
// empties its other lines.
func (r *htmlReplacer) block(n *ast.HTMLBlock) error {
	lines := n.Lines().Sliced(0, n.Lines().Len())
	if n.HasClosure() {
		lines = append(lines, n.ClosureLine)
	}
	if len(lines) == 0 {
		return nil
	}
	var raw strings.Builder
	for _, l := range lines {
		raw.Write(l.Value([]byte(r.source)))
	}
	md, err := fromFragment(raw.String(), r.tally)
	if err != nil {
		return err
	}
	r.add(droppedTags, countTags(raw.String()))
	// What stands before the first line, a list's marker or a quotation's ">", is
	// repeated before each line that follows.
	start := strings.LastIndexByte(r.source[:lines[0].Start], '\n') + 1
	margin := strings.Map(func(c rune) rune {
		if c == '>' || c == '\t' {
			return c
		}
		return ' '
	}, r.source[start:lines[0].Start])
	md = strings.ReplaceAll(strings.Trim(md, "\n"), "\n", "\n"+margin)
	for i, l := range lines {
		with := "\n"
		if i == 0 {
			with = md + "\n" + margin + "\n"
		}
		r.edits = append(r.edits, edit{l.Start, l.Stop, with})
	}
	return nil
}

// inline rewrites one tag or comment within a line.
func (r *htmlReplacer) inline(n *ast.RawHTML) {
	first, last := n.Segments.At(0), n.Segments.At(n.Segments.Len()-1)
	from, to := first.Start, last.Stop
	if from < r.until || r.closed[from] {
		return
	}
	z := html.NewTokenizer(strings.NewReader(r.source[from:to]))
	kind := z.Next()
	tok := z.Token()
	with := ""
	switch {
	case kind == html.CommentToken:
		r.add(droppedComments, 1)
	case kind == html.StartTagToken && leftOut[tok.DataAtom] && r.closing(n, tok.DataAtom) != nil:
		end := r.closing(n, tok.DataAtom)
		to = end.Segments.At(end.Segments.Len() - 1).Stop
		r.add(fmt.Sprintf(leftOutElement, tok.Data), 1)
		r.until = to
	case tok.DataAtom == atom.Br:
		with = r.lineBreak(n, to)
		r.add(madeBreaks, 1)
	case kind == html.StartTagToken && tok.DataAtom == atom.A && r.link(n, tok):
		return
	default:
		r.add(droppedTags, 1)
		if isBlockTag(tok.DataAtom) {
			with = " "
		}
	}
	r.edits = append(r.edits, edit{from, to, with})
}

// lineBreak is a Markdown line break where one can stand, else a blank.
func (r *htmlReplacer) lineBreak(n ast.Node, after int) string {
	if n.Parent().Kind() != ast.KindParagraph && n.Parent().Kind() != ast.KindTextBlock {
		return " "
	}
	rest := strings.TrimLeft(r.source[after:], " \t")
	if line, next, more := strings.Cut(rest, "\n"); line == "" {
		if next, _, _ = strings.Cut(next, "\n"); !more || strings.TrimSpace(next) == "" {
			return ""
		}
		return `\`
	}
	return "\\\n"
}

// closing is the end tag, among the siblings after n, of the element n starts.
func (r *htmlReplacer) closing(n *ast.RawHTML, a atom.Atom) *ast.RawHTML {
	for s := n.NextSibling(); s != nil; s = s.NextSibling() {
		raw, ok := s.(*ast.RawHTML)
		if !ok {
			continue
		}
		name, end := strings.CutPrefix(r.source[raw.Segments.At(0).Start:raw.Segments.At(0).Stop], "</")
		if name, _, _ = strings.Cut(name, ">"); end && strings.EqualFold(strings.TrimSpace(name), a.String()) {
			return raw
		}
	}
	return nil
}

// link writes <a href="…">text</a> as [text](…), if it leads where a policy's
// links may lead.
func (r *htmlReplacer) link(n *ast.RawHTML, tok html.Token) bool {
	end := r.closing(n, atom.A)
	if end == nil {
		return false
	}
	href := ""
	for _, a := range tok.Attr {
		if a.Key == "href" {
			href = strings.TrimSpace(a.Val)
		}
	}
	from, to := n.Segments.At(0), end.Segments.At(0)
	inner := r.source[from.Stop:to.Start]
	if _, ok := checkHref(href); !ok || strings.ContainsAny(href, "<> \t\n\\()[];`") || !hasWords(inner) || strings.ContainsAny(inner, "[]") {
		return false
	}
	r.add(madeLinks, 1)
	r.closed[to.Start] = true
	r.edits = append(r.edits,
		edit{from.Start, n.Segments.At(n.Segments.Len() - 1).Stop, "["},
		edit{to.Start, end.Segments.At(end.Segments.Len() - 1).Stop, "](" + href + ")"})
	return true
}

func isBlockTag(a atom.Atom) bool {
	switch a {
	case atom.P, atom.Div, atom.Li, atom.Ul, atom.Ol, atom.Td, atom.Th, atom.Tr, atom.Table, atom.Hr,
		atom.Section, atom.Article, atom.Main, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Dd, atom.Dt:
		return true
	}
	return false
}

func countTags(fragment string) (n int) {
	z := html.NewTokenizer(strings.NewReader(fragment))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return n
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			n++
		}
	}
}
