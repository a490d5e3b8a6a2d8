package fairness

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tdewolff/parse/v2"
	"github.com/tdewolff/parse/v2/css"
)

// A declaration is one property of a rule, as it is written.
type declaration struct {
	name, value string
	important   bool
}

// A rule is a style rule with all conditions it stands under.
type rule struct {
	selectors    selectors
	declarations []declaration
	conditions   []condition // all must hold
	order        int
}

// A condition is the prelude of @media, @container or @supports.
type condition struct{ kind, text string }

// parseSheet reads a style sheet (CSS Syntax Level 3), for conditions as deep as
// they are nested. What it can't read is an error: what can't be read can't be
// judged.
func parseSheet(text string) ([]rule, error) {
	r := &sheetReader{lexer: css.NewLexer(parse.NewInputString(text))}
	if err := r.rules(nil, false); err != nil {
		return nil, fmt.Errorf("style sheet: %w", err)
	}
	return r.all, nil
}

type sheetReader struct {
	lexer *css.Lexer
	all   []rule
}

// next is the next token; false at the end.
func (r *sheetReader) next() (css.TokenType, []byte, bool) {
	for {
		kind, data := r.lexer.Next()
		if kind == css.CommentToken || kind == css.CDOToken || kind == css.CDCToken {
			continue
		}
		return kind, data, kind != css.ErrorToken
	}
}

// until reads tokens up to one of the given kinds outside brackets.
func (r *sheetReader) until(ends ...css.TokenType) (string, css.TokenType, error) {
	var b strings.Builder
	depth := 0
	for {
		kind, data, ok := r.next()
		if !ok {
			if err := r.lexer.Err(); !errors.Is(err, io.EOF) {
				return "", kind, err
			}
			return strings.TrimSpace(b.String()), css.ErrorToken, nil
		}
		if depth == 0 && slices.Contains(ends, kind) {
			return strings.TrimSpace(b.String()), kind, nil
		}
		switch kind {
		case css.FunctionToken, css.LeftParenthesisToken, css.LeftBracketToken:
			depth++
		case css.RightParenthesisToken, css.RightBracketToken:
			depth--
		case css.WhitespaceToken:
			data = []byte(" ")
		case css.BadStringToken, css.BadURLToken:
			return "", kind, fmt.Errorf("%q is not understood", data)
		}
		b.Write(data)
	}
}

// looks are the at-rules whose rules say how something looks, where they apply.
var looks = []string{"media", "container", "supports"}

// aside are those that never say how big, bright or early a control is, but as
// values of properties that are judged.
var aside = []string{"keyframes", "-webkit-keyframes", "font-face", "property", "counter-style", "charset"}

// rules reads rules up to the closing brace, or to the end of the sheet.
func (r *sheetReader) rules(within []condition, nested bool) error {
	for {
		prelude, end, err := r.until(css.LeftBraceToken, css.RightBraceToken, css.SemicolonToken)
		if err != nil {
			return err
		}
		name, rest, _ := strings.Cut(strings.TrimPrefix(prelude, "@"), " ")
		if i := strings.IndexByte(name, '('); i >= 0 { // @media(…
			name, rest = name[:i], name[i:]+" "+rest
		}
		name = strings.ToLower(name)
		at := strings.HasPrefix(prelude, "@")
		switch {
		case end == css.ErrorToken || end == css.RightBraceToken:
			if nested != (end == css.RightBraceToken) || prelude != "" {
				return fmt.Errorf("%q stands where a rule should", prelude)
			}
			return nil
		case end == css.SemicolonToken:
			if prelude != "" && (!at || !slices.Contains(aside, name)) {
				return fmt.Errorf("%q is not understood", prelude)
			}
		case at && slices.Contains(aside, name):
			if err := r.skip(); err != nil {
				return err
			}
		case at && slices.Contains(looks, name):
			inner := append(slices.Clone(within), condition{name, strings.TrimSpace(rest)})
			if err := r.rules(inner, true); err != nil {
				return err
			}
		case at:
			return fmt.Errorf("@%s is not understood", name)
		default:
			if err := r.rule(prelude, within); err != nil {
				return err
			}
		}
	}
}

// skip reads past a block.
func (r *sheetReader) skip() error {
	for depth := 1; depth > 0; {
		kind, _, ok := r.next()
		switch {
		case !ok:
			return errors.New("a brace is not closed")
		case kind == css.LeftBraceToken:
			depth++
		case kind == css.RightBraceToken:
			depth--
		}
	}
	return nil
}

func (r *sheetReader) rule(prelude string, within []condition) error {
	list, err := parseSelectors(prelude)
	if err != nil {
		return err
	}
	one := rule{selectors: list, conditions: within, order: len(r.all)}
	for {
		text, end, err := r.until(css.SemicolonToken, css.RightBraceToken, css.LeftBraceToken)
		if err != nil {
			return err
		}
		if end == css.LeftBraceToken || end == css.ErrorToken {
			return fmt.Errorf("within %s, %q is not understood", prelude, text)
		}
		if text != "" {
			name, value, ok := strings.Cut(text, ":")
			if !ok {
				return fmt.Errorf("within %s, %q is not understood", prelude, text)
			}
			one.declarations = append(one.declarations, declared(strings.TrimSpace(name), strings.TrimSpace(value)))
		}
		if end == css.RightBraceToken {
			r.all = append(r.all, one)
			return nil
		}
	}
}

func declared(name, value string) declaration {
	d := declaration{name: name, value: value}
	if !strings.HasPrefix(name, "--") {
		d.name = strings.ToLower(name)
	}
	if i := strings.LastIndex(value, "!"); i >= 0 && strings.EqualFold(strings.TrimSpace(value[i+1:]), "important") {
		d.value, d.important = strings.TrimSpace(value[:i]), true
	}
	return d
}
