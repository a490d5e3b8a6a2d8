package notice

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// A source is a notice file as read, whatever it was written in: values of
// map[string]any, []any, string, int64, float64, bool and nil, and the line of
// each by its path.
type source struct {
	root   map[string]any
	lines  map[string]int
	issues []Issue // what kept it, or part of it, from being read
}

func (s *source) fail(path string, line int, what, remedy string) {
	s.issues = append(s.issues, Issue{Path: path, Line: line, Severity: SeverityError, What: what, Remedy: remedy})
}

// mark keeps the line of a path; the first one counts.
func (s *source) mark(path string, line int) {
	if _, ok := s.lines[path]; !ok && line > 0 {
		s.lines[path] = line
	}
}

// line is where a path stands, or else the nearest thing around it; 0 if unknown.
func (s *source) line(path string) int {
	for path != "" {
		if line, ok := s.lines[path]; ok {
			return line
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return 0
}

// Limits for the sake of the parsers: they recurse, and take time by the square
// of what a table, a dotted key or a line holds. Notices nest four levels and
// have some lines for each declaration.
const (
	maxDepth = 64
	maxLines = 20_000
	maxLine  = 64 << 10
)

// readSource reads a file by its name's extension or, where that says nothing,
// by its looks.
func readSource(file []byte, name string) *source {
	s := &source{root: map[string]any{}, lines: map[string]int{}}
	file = bytes.TrimPrefix(file, []byte("\xef\xbb\xbf"))
	switch {
	case len(file) > maxFile:
		s.fail("", 0, fmt.Sprintf("the file has %d bytes", len(file)), fmt.Sprintf("write at most %d", maxFile))
		return s
	case !utf8.Valid(file):
		s.fail("", badLine(file), "the file is not UTF-8", "save it as UTF-8")
		return s
	case deep(file):
		s.fail("", 0, "the file nests too deep", "write it as docs/notice-file.md shows; nothing there nests more than four levels")
		return s
	case long(file):
		s.fail("", 0, "the file is too long for a notice", fmt.Sprintf("write at most %d lines, none of more than %d bytes", maxLines, maxLine))
		return s
	}
	file = bytes.ReplaceAll(file, []byte("\r\n"), []byte("\n")) // the YAML library counts some of these twice
	switch format(file, name) {
	case "toml":
		s.readTOML(string(file))
	default:
		s.readYAML(file)
	}
	return s
}

// format is "toml" or "yaml"; JSON is YAML.
func format(file []byte, name string) string {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".toml":
		return "toml"
	case ".yaml", ".yml", ".json":
		return "yaml"
	}
	for line := range strings.Lines(string(file)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		equals, colon := strings.IndexByte(line, '='), strings.IndexByte(line, ':')
		if strings.HasPrefix(line, "[") || equals > 0 && (colon < 0 || equals < colon) {
			return "toml"
		}
		return "yaml"
	}
	return "toml"
}

func badLine(file []byte) int {
	line := 1
	for len(file) > 0 {
		r, size := utf8.DecodeRune(file)
		if r == utf8.RuneError && size == 1 {
			break
		}
		if r == '\n' {
			line++
		}
		file = file[size:]
	}
	return line
}

// long reports whether a file has too many lines, or a line too long.
func long(file []byte) bool {
	lines := 0
	for line := range bytes.Lines(file) {
		if lines++; len(line) > maxLine || lines > maxLines {
			return true
		}
	}
	return false
}

// deep reports whether the brackets of a file, the dots of a key, or the
// indicators that begin a line in YAML, nest more than maxDepth. Those within
// texts count too: no text has that many. Comments don't: dots divide them.
func deep(file []byte) bool {
	depth, dots, leading, beginning, comment := 0, 0, 0, true, false
	for _, b := range file {
		comment = b != '\n' && (comment || beginning && b == '#')
		if comment {
			continue
		}
		switch b {
		case '.':
			dots++
		case '[', '{', ']', '}', ',', '=', '\n':
			dots = 0
		}
		switch b {
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(0, depth-1)
		}
		switch {
		case b == '\n':
			leading, beginning = 0, true
		case beginning && (b == '-' || b == '?' || b == ':' || b == '&' || b == '!'):
			leading++
		case b != ' ' && b != '\t':
			beginning = false
		}
		if depth > maxDepth || dots > maxDepth || leading > maxDepth {
			return true
		}
	}
	return false
}
