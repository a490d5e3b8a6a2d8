package policyversions

import (
	"strings"
	"sync"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// markdown is the dialect of policies: CommonMark with tables, strike-through and
// bare addresses. Importing and rendering read texts with the same parser.
var markdown = sync.OnceValue(func() goldmark.Markdown {
	return goldmark.New(goldmark.WithExtensions(
		extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)),
		extension.Strikethrough,
		extension.NewLinkify(extension.WithLinkifyAllowedProtocols([]string{"http:", "https:", "mailto:"})),
	), goldmark.WithRenderer(newRenderer()))
})

func parse(source []byte) ast.Node {
	return markdown().Parser().Parse(text.NewReader(source), parser.WithContext(parser.NewContext()))
}

// titleOf is the text of the first heading, else of the first line; "" if the
// text has no words.
func titleOf(md string) string {
	source := []byte(md)
	var heading, first string
	_ = ast.Walk(parse(source), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n.(type) {
		case *ast.Heading:
			if heading = plainText(n, source, " "); hasWords(heading) {
				return ast.WalkStop, nil
			}
		case *ast.Paragraph, *ast.TextBlock:
			if line, _, _ := strings.Cut(plainText(n, source, "\n"), "\n"); first == "" && hasWords(line) {
				first = line
			}
		}
		return ast.WalkContinue, nil
	})
	if hasWords(heading) {
		return shorten(heading)
	}
	if first == "" && hasWords(md) {
		first = strings.Join(strings.FieldsFunc(md, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), " ")
	}
	return shorten(first)
}

// longestTitle in characters; a first line can be a whole paragraph.
const longestTitle = 160

// shorten brings a title onto one line of at most longestTitle characters, cut
// between words where it can be.
func shorten(s string) string {
	s = strings.Join(strings.Fields(normalizeCharacters(s, new(tally))), " ")
	r := []rune(s)
	if len(r) <= longestTitle {
		return s
	}
	cut := string(r[:longestTitle-1])
	if i := strings.LastIndexByte(cut, ' '); i > longestTitle/2 {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, " ,;:.") + "…"
}

// plainText is what a reader sees of n, with its line breaks written as brk.
func plainText(n ast.Node, source []byte, brk string) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			b.Write(literal(n.Value(source), n.IsRaw()))
			if n.SoftLineBreak() || n.HardLineBreak() {
				b.WriteString(brk)
			}
		case *ast.String:
			b.Write(literal(n.Value, n.IsRaw() || n.IsCode()))
		case *ast.AutoLink:
			b.Write(n.Label(source))
		case *ast.RawHTML:
			return ast.WalkSkipChildren, nil
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// literal resolves the escapes and entities of a run of text.
func literal(b []byte, raw bool) []byte {
	if raw {
		return b
	}
	return util.UnescapePunctuations(util.ResolveEntityNames(util.ResolveNumericReferences(b)))
}
