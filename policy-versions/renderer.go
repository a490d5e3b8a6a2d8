package policyversions

import (
	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"
	nethtml "golang.org/x/net/html"
)

// newRenderer is goldmark's HTML renderer, with our own for the nodes through
// which a text could reach outside the page.
func newRenderer() renderer.Renderer {
	return renderer.NewRenderer(renderer.WithNodeRenderers(
		util.Prioritized(html.NewRenderer(), 1000),
		util.Prioritized(guarded{}, 100),
	))
}

// guarded renders links, pictures, HTML and tables.
type guarded struct{}

// RegisterFuncs implements renderer.NodeRenderer.
func (guarded) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(ast.KindLink, func(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		// As goldmark writes it, entities resolved and percent-encoded; checked as the browser gets it.
		writeLink(w, string(util.URLEscape(n.(*ast.Link).Destination, true)), entering)
		return ast.WalkContinue, nil
	})
	reg.Register(ast.KindAutoLink, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		link := n.(*ast.AutoLink)
		href := string(util.URLEscape(link.URL(source), false))
		if link.AutoLinkType == ast.AutoLinkEmail && checkMail(href) {
			href = "mailto:" + href
		}
		writeLink(w, href, true)
		_, _ = w.WriteString(nethtml.EscapeString(string(link.Label(source))))
		writeLink(w, href, false)
		return ast.WalkContinue, nil
	})
	// A picture would be fetched from wherever the text says, and tell that place
	// who reads the policy. Its description, rendered by its children, stands for it.
	reg.Register(ast.KindImage, func(util.BufWriter, []byte, ast.Node, bool) (ast.WalkStatus, error) {
		return ast.WalkContinue, nil
	})
	reg.Register(ast.KindRawHTML, func(util.BufWriter, []byte, ast.Node, bool) (ast.WalkStatus, error) {
		return ast.WalkSkipChildren, nil
	})
	reg.Register(ast.KindHTMLBlock, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			block := n.(*ast.HTMLBlock)
			raw := block.Lines().Value(source)
			if block.HasClosure() {
				raw = append(raw, block.ClosureLine.Value(source)...)
			}
			if text := textOnly(string(raw)); text != "" {
				_, _ = w.WriteString("<p>" + text + "</p>\n")
			}
		}
		return ast.WalkContinue, nil
	})
	reg.Register(extast.KindTable, func(w util.BufWriter, _ []byte, _ ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			// Wide tables scroll by themselves, by keyboard too, and the page does not.
			_, _ = w.WriteString("<div class=\"table-scroll\" tabindex=\"0\"><table>\n")
		} else {
			_, _ = w.WriteString("</table></div>\n")
		}
		return ast.WalkContinue, nil
	})
}

func checkMail(address string) bool {
	_, ok := checkHref("mailto:" + address)
	return ok
}

// writeLink writes one of a link's tags, or nothing where the link is refused: its
// text then stands alone.
func writeLink(w util.BufWriter, href string, entering bool) {
	external, ok := checkHref(href)
	switch {
	case !ok:
	case !entering:
		_, _ = w.WriteString("</a>")
	default:
		_, _ = w.WriteString(`<a href="` + nethtml.EscapeString(href) + `"`)
		if external {
			_, _ = w.WriteString(` rel="nofollow noopener noreferrer"`)
		}
		_ = w.WriteByte('>')
	}
}
