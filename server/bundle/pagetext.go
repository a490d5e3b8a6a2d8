package bundle

import (
	"bytes"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// pageText is what a page of the server says, element by element. What it says of a
// control is what stands on it.
func pageText(page []byte) layer {
	l := layer{Title: "The page"}
	var text strings.Builder
	what, body := "text", false
	flush := func() {
		if s := strings.Join(strings.Fields(text.String()), " "); s != "" && body {
			l.Lines = append(l.Lines, line{what, s})
		}
		text.Reset()
	}
	for z := html.NewTokenizer(bytes.NewReader(page)); ; {
		switch z.Next() {
		case html.ErrorToken:
			flush()
			return l
		case html.TextToken:
			text.Write(z.Text())
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			raw := z.Raw()
			name, _ := z.TagName()
			tag := atom.Lookup(name)
			if tag == atom.Body {
				flush()
				body = raw[1] != '/'
			}
			if kind, block := blocks[tag]; block {
				flush()
				what = "text"
				if raw[1] != '/' {
					what = kind
				}
			}
		}
	}
}

// blocks are the elements that begin something new, and what that is.
var blocks = map[atom.Atom]string{
	atom.H1: "title", atom.H2: "title", atom.H3: "title", atom.H4: "title", atom.P: "text", atom.Li: "text", atom.Button: "button", atom.Label: "switch",
	atom.Legend: "title", atom.Summary: "text", atom.Dt: "text", atom.Dd: "text", atom.Th: "text", atom.Td: "text", atom.Div: "text", atom.Section: "text",
	atom.Address: "text", atom.Details: "text", atom.Fieldset: "text", atom.Form: "text", atom.Nav: "text", atom.Header: "text", atom.Footer: "text",
	atom.Main: "text", atom.Ul: "text", atom.Ol: "text", atom.Dl: "text", atom.Table: "text", atom.Tr: "text", atom.Br: "text",
}
