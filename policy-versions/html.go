package policyversions

import (
	"fmt"
	"strings"
	"sync"
	"unicode"

	"github.com/JohannesKaufmann/html-to-markdown/v2/converter"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/base"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/commonmark"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/strikethrough"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/table"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// leftOut are the elements that are no part of a text: what runs, what is loaded
// from elsewhere, what one fills in, and the ways to other pages.
var leftOut = map[atom.Atom]bool{
	atom.Script: true, atom.Style: true, atom.Nav: true, atom.Noscript: true, atom.Template: true,
	atom.Iframe: true, atom.Object: true, atom.Embed: true, atom.Applet: true, atom.Frameset: true,
	atom.Svg: true, atom.Math: true, atom.Canvas: true, atom.Audio: true, atom.Video: true,
	atom.Button: true, atom.Input: true, atom.Select: true, atom.Textarea: true, atom.Dialog: true,
}

var toMarkdown = sync.OnceValue(func() *converter.Converter {
	return converter.NewConverter(converter.WithPlugins(
		base.NewBasePlugin(),
		commonmark.NewCommonmarkPlugin(
			commonmark.WithBulletListMarker("-"),
			commonmark.WithHorizontalRule("***"),
			commonmark.WithListEndComment(false),
			commonmark.WithLinkEmptyHrefBehavior(commonmark.LinkBehaviorSkip),
		),
		strikethrough.NewStrikethroughPlugin(),
		table.NewTablePlugin(table.WithHeaderPromotion(true), table.WithSkipEmptyRows(true), table.WithNewlineBehavior(table.NewlineBehaviorPreserve)),
	))
})

// fromHTML writes a page as Markdown: its one <main>, if it marks one, else its
// body. A page without a heading gets its <title> as one.
func fromHTML(page string, t *tally) (string, error) {
	doc, err := parseHTML(page)
	if err != nil {
		return "", err
	}
	title := ""
	if n := find(doc, atom.Title); len(n) > 0 {
		title = strings.Join(strings.Fields(textOf(n[0])), " ")
	}
	prune(doc, t)
	root := doc
	if mains := find(doc, atom.Main); len(mains) == 1 {
		root = mains[0]
		if outside := words(bodyText(doc)) - words(textOf(root)); outside > 0 {
			t.add(droppedOutside, outside)
		}
	}
	headed := false
	for _, h := range []atom.Atom{atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6} {
		headed = headed || len(find(root, h)) > 0
	}
	md, err := writeMarkdown(root)
	if err != nil {
		return "", err
	}
	if !headed && hasWords(title) && hasWords(md) {
		t.add(addedTitle, 1)
		md = "# " + escapeSpecial(title, new(tally)) + "\n\n" + md
	}
	return md, nil
}

// fromFragment writes a piece of HTML found within Markdown as Markdown.
func fromFragment(fragment string, t *tally) (string, error) {
	doc, err := parseHTML(fragment)
	if err != nil {
		return "", err
	}
	t.add(droppedComments, strings.Count(fragment, "<!--"))
	prune(doc, t)
	return writeMarkdown(doc)
}

func parseHTML(s string) (*html.Node, error) {
	doc, err := html.Parse(strings.NewReader(s))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTooDeep, err) // the parser's one error, from 512 levels on
	}
	const most = 200 // what comes after recurses; real pages reach 40
	depth := 0
	for n := doc; n != nil; {
		switch {
		case n.FirstChild != nil:
			if n, depth = n.FirstChild, depth+1; depth > most {
				return nil, ErrTooDeep
			}
		default:
			for n != nil && n.NextSibling == nil {
				n, depth = n.Parent, depth-1
			}
			if n != nil {
				n = n.NextSibling
			}
		}
	}
	return doc, nil
}

func writeMarkdown(n *html.Node) (string, error) {
	md, err := toMarkdown().ConvertNode(n)
	if err != nil {
		return "", fmt.Errorf("write the HTML as Markdown: %w", err)
	}
	return string(md), nil
}

// prune takes the elements of leftOut off the tree, puts the description of
// pictures in their place, and unlinks what a policy may not link to.
func prune(n *html.Node, t *tally) {
	for c := n.FirstChild; c != nil; {
		next := c.NextSibling
		switch {
		case c.Type != html.ElementNode:
		case leftOut[c.DataAtom]:
			t.add(fmt.Sprintf(leftOutElement, c.Data), 1)
			n.RemoveChild(c)
		case c.DataAtom == atom.Img:
			t.add(describedPictures, 1)
			n.InsertBefore(&html.Node{Type: html.TextNode, Data: attr(c, "alt")}, c)
			n.RemoveChild(c)
		default:
			if href := strings.TrimSpace(attr(c, "href")); c.DataAtom == atom.A && href != "" {
				if _, ok := checkHref(href); !ok {
					t.add(unlinked, 1)
					c.Attr = nil
				}
			}
			prune(c, t)
		}
		c = next
	}
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func find(n *html.Node, a atom.Atom) (found []*html.Node) {
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && d.DataAtom == a {
			found = append(found, d)
		}
	}
	return found
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
			b.WriteByte(' ')
		}
	}
	return b.String()
}

func bodyText(doc *html.Node) string {
	if b := find(doc, atom.Body); len(b) > 0 {
		return textOf(b[0])
	}
	return ""
}

func words(s string) int {
	return len(strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }))
}
