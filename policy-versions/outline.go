package policyversions

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/yuin/goldmark/ast"
)

// outline gives the headings of doc their levels and ids. The highest level in the
// text becomes 2, under the page's own h1; levels never go down by more than one at
// a time, so that a screen reader's list of headings has no holes. Headings without
// text are removed.
func outline(doc ast.Node, source []byte) []Heading {
	var nodes []*ast.Heading
	var empty []ast.Node
	top := 6
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		h, ok := n.(*ast.Heading)
		if !ok || !entering {
			return ast.WalkContinue, nil
		}
		if strings.TrimSpace(plainText(h, source, " ")) == "" {
			empty = append(empty, h)
			return ast.WalkSkipChildren, nil
		}
		nodes, top = append(nodes, h), min(top, h.Level)
		return ast.WalkSkipChildren, nil
	})
	for _, n := range empty {
		n.Parent().RemoveChild(n.Parent(), n)
	}
	var headings []Heading
	used := make(map[string]int) // by id; the last number given to what follows it, or 1
	last := 1
	for _, h := range nodes {
		last = min(h.Level-top+2, last+1, 6)
		h.Level = last
		text := strings.Join(strings.Fields(plainText(h, source, " ")), " ")
		base := slug(text)
		id := base
		for used[id] > 0 {
			used[base]++
			id = base + "-" + strconv.Itoa(used[base])
		}
		used[id] = 1
		h.SetAttributeString("id", []byte(id))
		headings = append(headings, Heading{last, id, text})
	}
	return headings
}

// slug is a heading's id: "s-", which keeps ids of texts apart from those of our
// pages, and the letters and digits of any script, joined by hyphens.
func slug(text string) string {
	const longest = 60
	var b strings.Builder
	n := 0
	for _, word := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	}) {
		if n += len([]rune(word)) + 1; n > longest && b.Len() > 0 {
			break
		}
		b.WriteByte('-')
		b.WriteString(word)
	}
	if b.Len() == 0 {
		return "s-section"
	}
	return "s" + b.String()
}
