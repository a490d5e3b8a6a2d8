package notice

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

func (s *source) readYAML(text []byte) {
	file, err := parseYAML(text)
	if err != nil {
		line, what := 0, err.Error()
		var syntax yaml.Error
		if errors.As(err, &syntax) {
			what = syntax.GetMessage()
			if token := syntax.GetToken(); token != nil {
				line = token.Position.Line
			}
		}
		s.fail("", line, "the file is not YAML: "+what, "mend this line; what follows could not be read")
		return
	}
	var body ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if body != nil {
			s.fail("", lineOf(doc.Body), "the file holds more than one document", "write one notice a file")
			return
		}
		body = doc.Body
	}
	switch v := s.yamlValue("", body).(type) {
	case map[string]any:
		s.root = v
	case nil: // an empty file; what is missing will be said
	default:
		s.fail("", lineOf(body), "the file is not a table of keys and values", `begin with a line such as "site: shop"`)
	}
}

// parseYAML turns a panic of the library into an error: its parser is large,
// and files come from people.
func parseYAML(text []byte) (file *ast.File, err error) {
	defer func() {
		if p := recover(); p != nil {
			file, err = nil, fmt.Errorf("the parser gave up: %v", p)
		}
	}()
	return parser.ParseBytes(text, 0)
}

func lineOf(node ast.Node) int {
	if node == nil || node.GetToken() == nil || node.GetToken().Position == nil {
		return 0
	}
	return node.GetToken().Position.Line
}

// yamlValue reads a node, with the lines of all beneath it. Anchors, aliases
// and merge keys are refused: what a notice says must stand where it is read.
func (s *source) yamlValue(path string, node ast.Node) any {
	switch v := node.(type) {
	case nil, *ast.NullNode:
		return nil
	case *ast.StringNode:
		return v.Value
	case *ast.LiteralNode:
		return v.Value.Value
	case *ast.IntegerNode:
		switch n := v.Value.(type) {
		case int64:
			return n
		case uint64:
			return int64(min(n, 1<<62))
		}
	case *ast.FloatNode:
		return v.Value
	case *ast.BoolNode:
		return v.Value
	case *ast.SequenceNode:
		list := make([]any, len(v.Values))
		for i, element := range v.Values {
			at := fmt.Sprintf("%s[%d]", path, i)
			s.mark(at, lineOf(element))
			list[i] = s.yamlValue(at, element)
			if m, ok := element.(*ast.MappingNode); ok && len(m.Values) > 0 {
				s.lines[at] = lineOf(m.Values[0].Key)
			}
		}
		return list
	case *ast.MappingValueNode:
		return s.yamlTable(path, []*ast.MappingValueNode{v})
	case *ast.MappingNode:
		return s.yamlTable(path, v.Values)
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode, *ast.TagNode:
		s.fail(path, lineOf(node), "anchors, aliases, merge keys and tags are not read here", "write the value out")
		return nil
	}
	s.fail(path, lineOf(node), "is no value of a notice", "write a text, a number, true, false, a list or a table")
	return nil
}

// yamlTable reads a table. The parser has refused keys that stand there twice.
func (s *source) yamlTable(path string, pairs []*ast.MappingValueNode) map[string]any {
	table := make(map[string]any, len(pairs))
	for _, pair := range pairs {
		key, ok := yamlKey(pair.Key)
		at := member(path, key)
		line := lineOf(pair.Key)
		if !ok {
			s.fail(path, line, "anchors, aliases, merge keys and tags are not read here", "write a plain key")
			continue
		}
		s.mark(at, line)
		table[key] = s.yamlValue(at, pair.Value)
	}
	return table
}

// yamlKey is a key as text: "no" and "42" are keys as they stand.
func yamlKey(key ast.MapKeyNode) (string, bool) {
	switch v := key.(type) {
	case *ast.StringNode:
		return v.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
		return strings.TrimSpace(key.GetToken().Value), true
	}
	return "", false
}
