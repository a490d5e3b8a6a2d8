package notice

import (
	"iter"
	"strings"
)

// A tomlSpan is a key and its value in a text.
type tomlSpan struct {
	path           string // "vendors[0].name"
	key, from, end int    // where its key begins, its value begins, and its value ends
	within         int    // the span of the inline table or list around it, or -1
}

// A tomlBlock is a table: what follows its header up to the next.
type tomlBlock struct {
	path   string // "" is the top of the file
	array  bool   // an element of a list of tables
	lead   int    // where the comment right above the header begins
	header int    // where the header begins
	end    int    // where the next block's lead begins
	spans  []int  // those of its own lines, in order
}

// tomlSpans says where everything of a text stands. Paths are as a notice has them:
// lists in their plural.
type tomlSpans struct {
	text   string
	all    []tomlSpan
	blocks []tomlBlock
	open   []int // spans whose value is being read

	byPath map[string]int // first of all, and of blocks, by path
	ofPath map[string]int
	values map[string]string // of leaves
	order  []string          // of leaves
}

// spansOf reads a text that is known to be TOML.
func spansOf(text string) *tomlSpans {
	s := &tomlSpans{text: text, blocks: []tomlBlock{{}}}
	(&tomlLines{text: text, line: 1, source: &source{lines: map[string]int{}}, tables: map[string]int{}, spans: s}).file()
	for i := range s.blocks {
		s.blocks[i].end = len(text)
		if i+1 < len(s.blocks) {
			s.blocks[i].end = s.blocks[i+1].lead
		}
	}
	s.index()
	return s
}

func (s *tomlSpans) index() {
	s.byPath, s.ofPath, s.values = map[string]int{}, map[string]int{}, map[string]string{}
	holds := map[int]bool{} // others
	for i, p := range s.all {
		if _, known := s.byPath[p.path]; !known {
			s.byPath[p.path] = i
		}
		holds[p.within] = true
	}
	for i, b := range s.blocks {
		if _, known := s.ofPath[b.path]; !known {
			s.ofPath[b.path] = i
		}
	}
	for i, p := range s.all {
		if !holds[i] {
			s.values[p.path] = s.text[p.from:p.end]
			s.order = append(s.order, p.path)
		}
	}
}

func (s *tomlSpans) block(path string, array bool, header int) {
	if s == nil {
		return
	}
	s.blocks = append(s.blocks, tomlBlock{path: plural(path), array: array, lead: s.lead(header), header: header})
}

// lead is where the comment lines begin that stand right above a header.
func (s *tomlSpans) lead(header int) int {
	lead := header
	for lead > 0 {
		above := s.text[:lead-1]
		from := strings.LastIndexByte(above, '\n') + 1
		if !strings.HasPrefix(strings.TrimSpace(above[from:]), "#") {
			break
		}
		lead = from
	}
	return lead
}

// pair notes a key, and answers what ends is to be told.
func (s *tomlSpans) pair(path string, key, from int) int {
	if s == nil {
		return 0
	}
	at, within := len(s.all), -1
	if n := len(s.open); n > 0 {
		within = s.open[n-1]
	} else {
		block := &s.blocks[len(s.blocks)-1]
		block.spans = append(block.spans, at)
	}
	s.all = append(s.all, tomlSpan{path: plural(path), key: key, from: from, within: within})
	s.open = append(s.open, at)
	return at
}

func (s *tomlSpans) ends(at int, read string) {
	if s == nil {
		return
	}
	s.all[at].end = max(len(read), s.all[at].from)
	s.open = s.open[:len(s.open)-1]
}

// plural brings a path to the name that a notice has for its list.
func plural(path string) string {
	end := strings.IndexAny(path, ".[")
	if end < 0 {
		end = len(path)
	}
	if many, ok := singular[path[:end]]; ok {
		return many + path[end:]
	}
	return path
}

// find is the span of a path; nil if the text says nothing there.
func (s *tomlSpans) find(path string) *tomlSpan {
	if i, ok := s.byPath[path]; ok {
		return &s.all[i]
	}
	return nil
}

// of is the index of the block of a path, or -1.
func (s *tomlSpans) of(path string) int {
	if i, ok := s.ofPath[path]; ok {
		return i
	}
	return -1
}

// chunk is where an element of a list of tables stands with all beneath it; ok is
// false where that is not in one piece.
func (s *tomlSpans) chunk(path string) (from, end int, ok bool) {
	first, last, count := -1, -1, 0
	for i, b := range s.blocks {
		if b.path == path || beneath(b.path, path) {
			if first < 0 {
				first = i
			}
			last = i
			count++
		}
	}
	if first < 0 || last-first+1 != count || s.blocks[first].path != path {
		return 0, 0, false
	}
	return s.blocks[first].lead, s.blocks[last].end, true
}

// beneath reports whether a path is of something in another's.
func beneath(path, other string) bool {
	rest, ok := strings.CutPrefix(path, other)
	return ok && rest != "" && (rest[0] == '.' || rest[0] == '[')
}

// around goes through a path and all it stands in, the nearest first.
func around(path string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for path != "" && yield(path) {
			path = path[:max(0, strings.LastIndexAny(path, ".["))]
		}
	}
}

// lineEnd is behind the line that a position is in.
func (s *tomlSpans) lineEnd(at int) int {
	if i := strings.IndexByte(s.text[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(s.text)
}
