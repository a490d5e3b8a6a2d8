package notice

import (
	"errors"
	"fmt"
	"strings"

	"github.com/BurntSushi/toml"
)

func (s *source) readTOML(text string) {
	var root map[string]any
	if _, err := toml.Decode(text, &root); err != nil {
		var syntax toml.ParseError
		if errors.As(err, &syntax) {
			what := syntax.Message
			if what == "" {
				what = strings.TrimPrefix(syntax.Error(), "toml: ")
			}
			s.fail("", syntax.Position.Line, "the file is not TOML: "+what, "mend this line; what follows could not be read")
			return
		}
		s.fail("", 0, "the file is not TOML: "+err.Error(), "mend it")
		return
	}
	s.root = plain(root).(map[string]any)
	(&tomlLines{text: text, line: 1, source: s, tables: map[string]int{}}).file()
}

// plain brings what the TOML library returns into the values of a source.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for key, value := range v {
			m[key] = plain(value)
		}
		return m
	case []map[string]any:
		list := make([]any, len(v))
		for i, value := range v {
			list[i] = plain(value)
		}
		return list
	case []any:
		list := make([]any, len(v))
		for i, value := range v {
			list[i] = plain(value)
		}
		return list
	case string, int64, float64, bool:
		return v
	default: // dates and times
		return fmt.Sprintf("%v", v)
	}
}

// tomlLines finds the line of every key and element of a text that is known to
// be TOML: the library says it of mistakes in syntax only. It reads structure,
// not values. On a text that is not TOML it ends too, with some lines wrong.
type tomlLines struct {
	text   string
	at     int
	line   int
	source *source
	tables map[string]int // by path of an array of tables: how many there were so far
	spans  *tomlSpans     // where everything stands; nil if nobody asks
}

func (t *tomlLines) file() {
	table := ""
	for t.space(true); t.at < len(t.text); t.space(true) {
		switch {
		case strings.HasPrefix(t.text[t.at:], "[["):
			from := t.at
			t.at += 2
			table = t.header(true)
			t.skip(2)
			t.spans.block(table, true, from)
		case t.text[t.at] == '[':
			from := t.at
			t.at++
			table = t.header(false)
			t.skip(1)
			t.spans.block(table, false, from)
		default:
			t.pair(table)
		}
	}
}

// peek is the next byte, 0 at the end.
func (t *tomlLines) peek() byte {
	if t.at < len(t.text) {
		return t.text[t.at]
	}
	return 0
}

func (t *tomlLines) skip(n int) { t.at = min(len(t.text), t.at+n) }

// space skips blanks, and with lines also line ends and comments.
func (t *tomlLines) space(lines bool) {
	for t.at < len(t.text) {
		switch b := t.text[t.at]; {
		case b == ' ' || b == '\t' || b == '\r':
		case b == '\n' && lines:
			t.line++
		case b == '#' && lines:
			for t.at+1 < len(t.text) && t.text[t.at+1] != '\n' {
				t.at++
			}
		default:
			return
		}
		t.at++
	}
}

// key reads a dotted key.
func (t *tomlLines) key() (parts []string) {
	for {
		t.space(false)
		switch b := t.peek(); b {
		case '"', '\'':
			from := t.at
			t.str()
			part := t.text[from:t.at]
			var quoted struct{ K string }
			if _, err := toml.Decode("K = "+part, &quoted); err == nil {
				part = quoted.K
			}
			parts = append(parts, part)
		default:
			from := t.at
			for t.at < len(t.text) && !strings.ContainsRune(" \t\r\n.=]#\"'", rune(t.text[t.at])) {
				t.at++
			}
			parts = append(parts, t.text[from:t.at])
		}
		t.space(false)
		if t.peek() != '.' {
			return parts
		}
		t.at++
	}
}

// header reads the name of a table and answers its path. A name of a header
// means the newest element where it is an array of tables.
func (t *tomlLines) header(array bool) string {
	parts := t.key()
	path := ""
	for i, part := range parts {
		path = member(path, part)
		t.source.mark(path, t.line)
		if array && i == len(parts)-1 {
			t.tables[path]++
		}
		if n := t.tables[path]; n > 0 {
			path = fmt.Sprintf("%s[%d]", path, n-1)
			t.source.mark(path, t.line)
		}
	}
	return path
}

// pair reads a key and its value.
func (t *tomlLines) pair(path string) {
	before := t.at
	for _, part := range t.key() {
		path = member(path, part)
		t.source.mark(path, t.line)
	}
	if t.peek() == '=' {
		t.at++
	}
	t.space(false)
	from := t.at
	at := t.spans.pair(path, before, from)
	t.value(path)
	t.spans.ends(at, strings.TrimRight(t.text[:t.at], " \t\r"))
	if t.at == before { // not TOML: go on in any case
		t.at++
	}
}

func (t *tomlLines) value(path string) {
	t.space(false)
	switch t.peek() {
	case '"', '\'':
		t.str()
	case '[':
		t.at++
		for i := 0; ; i++ {
			t.space(true)
			if b := t.peek(); b == ']' || b == 0 {
				break
			}
			before, element := t.at, fmt.Sprintf("%s[%d]", path, i)
			t.source.mark(element, t.line)
			t.value(element)
			t.separator(before)
		}
		t.skip(1)
	case '{':
		t.at++
		for {
			t.space(true)
			if b := t.peek(); b == '}' || b == 0 {
				break
			}
			before := t.at
			t.pair(path)
			t.separator(before)
		}
		t.skip(1)
	default:
		for t.at < len(t.text) && !strings.ContainsRune(",]}#\n", rune(t.text[t.at])) {
			t.at++
		}
	}
}

// separator skips a comma, and makes sure that something was read.
func (t *tomlLines) separator(before int) {
	t.space(true)
	if t.peek() == ',' || t.at == before {
		t.skip(1)
	}
}

// str skips a string of any of the four kinds.
func (t *tomlLines) str() {
	quote := t.text[t.at]
	end := string(quote)
	if triple := strings.Repeat(end, 3); strings.HasPrefix(t.text[t.at:], triple) {
		end = triple
	}
	for t.at += len(end); t.at < len(t.text); t.at++ {
		switch {
		case strings.HasPrefix(t.text[t.at:], end):
			t.at += len(end)
			for len(end) == 3 && t.peek() == quote { // up to two quotes may stand before the closing ones
				t.at++
			}
			return
		case t.text[t.at] == '\n':
			t.line++
		case t.text[t.at] == '\\' && quote == '"' && t.at+1 < len(t.text):
			t.at++
			if t.text[t.at] == '\n' {
				t.line++
			}
		}
	}
}
