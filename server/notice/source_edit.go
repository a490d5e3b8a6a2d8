package notice

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Rewrite is a notice file in TOML that says n, made from one that says something
// else: what both say stays as it stands, with its comments, its order and its
// spelling. Where a file is written so that this can't be done, as with lists of
// tables in one line, it is n.File(), and comments are lost. What it returns is
// always read back as n.
func Rewrite(file string, n *Notice) string {
	want := n.File()
	before, _ := Read([]byte(file), "notice.toml")
	if before == nil {
		return want
	}
	// Elements that change places go first; what follows from something else, as the
	// purposes do from vendors where nobody named them, comes last.
	for range 3 {
		r := &rewriter{file: spansOf(file), was: spansOf(before.File()), want: spansOf(want)}
		edited, ok := r.rewrite()
		if !ok {
			break
		}
		file = edited
		if before, _ = Read([]byte(file), "notice.toml"); before == nil {
			break
		}
		if before.File() == want {
			return file
		}
	}
	return want
}

// A rewriter finds what has to change in file: was and want are what it says now and
// is to say, as File writes them, so that equal texts mean equal things.
type rewriter struct {
	file, was, want *tomlSpans
	edits           []edit
	failed          bool
	added           map[string]bool // blocks and tables of want that are written whole
}

type edit struct {
	from, end int
	text      string
	table     bool // an empty line stands between it and what follows
}

// identities are the keys by which an element is known again.
var identities = map[string][]string{
	"vendors": {"key"}, "stores": {"name", "kind"}, "tags": {"vendor", "template", "id", "src", "kind"},
	"categories": {"key"}, "overrides": {"region", "category"}, "trials": {"key"},
}

// rewrite answers the file with what changed or, where elements are to change
// places, with that alone.
func (r *rewriter) rewrite() (edited string, ok bool) {
	r.added = map[string]bool{}
	pairs := r.align()
	if file, moved := r.reorder(pairs); moved {
		return file, true
	}
	was, want := r.was.values, r.want.values
	toWant, toWas := map[string]string{}, map[string]string{}
	for _, p := range pairs {
		if p.was != "" {
			toWant[p.was] = p.want
		}
		if p.want != "" {
			toWas[p.want] = p.was
		}
	}
	r.replaceInline(pairs)
	for _, p := range pairs { // elements that go
		if p.want == "" && !r.added[p.was] {
			from, end, ok := r.file.chunk(p.was)
			r.failed = r.failed || !ok
			r.edits = append(r.edits, edit{from: from, end: end})
			r.added[p.was] = true
		}
	}
	for _, path := range r.was.order {
		there, ok := renamed(path, toWant)
		if !ok || r.written(path) {
			continue
		}
		if value, said := want[there]; !said {
			r.unset(path)
		} else if value != was[path] {
			r.set(path, value)
		}
	}
	for _, p := range pairs { // elements that come
		if p.was == "" && !r.added[p.want] {
			r.insert(p, toWas)
		}
	}
	for _, path := range r.want.order {
		here, ok := renamed(path, toWas)
		if _, said := was[here]; ok && !said && !r.written(path) {
			r.add(path, here)
		}
	}
	if r.failed {
		return "", false
	}
	return r.apply(), true
}

// written reports whether a path of want or was is part of something that was
// written, or taken away, whole.
func (r *rewriter) written(path string) bool {
	for whole := range around(path) {
		if r.added[whole] {
			return true
		}
	}
	return false
}

// A paired is an element of a list of tables as it was and as it is wanted; "" where
// it is not.
type paired struct{ list, was, want string } // list: path in want

// align pairs elements, those of vendors before what they store.
func (r *rewriter) align() []paired {
	var all []paired
	for _, list := range []string{"categories", "overrides", "vendors", "tags", "trials"} {
		all = append(all, r.alignList(list, list)...)
	}
	for _, p := range slices.Clone(all) {
		if p.list == "vendors" && p.was != "" && p.want != "" {
			all = append(all, r.alignList(p.was+".stores", p.want+".stores")...)
		}
	}
	return all
}

func (r *rewriter) alignList(wasList, wantList string) []paired {
	name := wantList[strings.LastIndexByte(wantList, '.')+1:]
	was, want := r.was.elements(wasList, identities[name]), r.want.elements(wantList, identities[name])
	match, taken := make([]int, len(want)), make([]bool, len(was))
	for i, id := range want {
		match[i] = -1
		for j, other := range was {
			if !taken[j] && id == other {
				match[i], taken[j] = j, true
				break
			}
		}
	}
	var newOnes, gone []int
	for i, j := range match {
		if j < 0 {
			newOnes = append(newOnes, i)
		}
	}
	for j, t := range taken {
		if !t {
			gone = append(gone, j)
		}
	}
	if len(newOnes) == len(gone) { // known by another name now
		for k, i := range newOnes {
			match[i] = gone[k]
		}
		gone = nil
	}
	var all []paired
	for i, j := range match {
		p := paired{list: wantList, want: fmt.Sprintf("%s[%d]", wantList, i)}
		if j >= 0 {
			p.was = fmt.Sprintf("%s[%d]", wasList, j)
		}
		all = append(all, p)
	}
	for _, j := range gone {
		all = append(all, paired{list: wantList, was: fmt.Sprintf("%s[%d]", wasList, j)})
	}
	return all
}

// elements are the identities of a list's elements, in order.
func (s *tomlSpans) elements(list string, keys []string) []string {
	var all []string
	for i := 0; s.of(fmt.Sprintf("%s[%d]", list, i)) >= 0; i++ {
		id := ""
		for _, key := range keys {
			id += s.values[fmt.Sprintf("%s[%d].%s", list, i, key)] + "\x00"
		}
		all = append(all, id)
	}
	return all
}

// reorder puts the elements of the first list whose order is another into it, each
// as it stands.
func (r *rewriter) reorder(pairs []paired) (file string, moved bool) {
	byList := map[string][]string{}
	for _, p := range pairs {
		if p.was != "" && p.want != "" {
			byList[p.list] = append(byList[p.list], p.was)
		}
	}
	for _, p := range pairs {
		wanted := byList[p.list]
		as := slices.Clone(wanted)
		slices.SortFunc(as, func(a, b string) int { return cmp.Or(len(a)-len(b), cmp.Compare(a, b)) })
		if slices.Equal(as, wanted) {
			continue
		}
		for i, slot := range as {
			from, end, ok := r.file.chunk(slot)
			theirs, until, also := r.file.chunk(wanted[i])
			if !ok || !also {
				return "", false
			}
			r.edits = append(r.edits, edit{from: from, end: end, text: apart(r.file.text[theirs:until])})
		}
		return r.apply(), true
	}
	return "", false
}

// apart is a chunk that others may follow.
func apart(chunk string) string { return strings.TrimRight(chunk, "\n") + "\n\n" }

// renamed is a path with its elements as the other side counts them; ok is false of
// one in an element that the other side has not.
func renamed(path string, names map[string]string) (other string, ok bool) {
	for element := range around(path) {
		if name, known := names[element]; known {
			return name + path[len(element):], name != ""
		}
	}
	return path, true
}

// replaceInline writes lists whole that the file has in one value and that change.
func (r *rewriter) replaceInline(pairs []paired) {
	for _, list := range []string{"categories", "overrides", "vendors", "tags", "trials"} {
		span := r.file.find(list)
		if span == nil || r.want.of(list+"[0]") < 0 || span.within >= 0 || r.sectionOf(r.was, list) == r.sectionOf(r.want, list) {
			continue
		}
		r.remove(span)
		r.edits = append(r.edits, edit{len(r.file.text), len(r.file.text), "\n" + r.sectionOf(r.want, list), true})
		for _, p := range pairs {
			if p.list == list {
				r.added[p.was], r.added[p.want] = true, true
			}
		}
		delete(r.added, "")
		r.added[list] = true
	}
}

// sectionOf is all blocks of a list.
func (r *rewriter) sectionOf(s *tomlSpans, list string) string {
	var b strings.Builder
	for _, block := range s.blocks {
		if beneath(block.path, list) {
			b.WriteString(s.text[block.lead:block.end])
		}
	}
	return b.String()
}

// set gives a value that was said another.
func (r *rewriter) set(path, value string) {
	span := r.file.find(path)
	if span == nil { // it followed from something else
		r.add(path, path)
		return
	}
	r.edits = append(r.edits, edit{from: span.from, end: span.end, text: value})
}

// unset takes away what was said.
func (r *rewriter) unset(path string) {
	if span := r.file.find(path); span != nil {
		r.remove(span)
	}
}

// remove takes a key with its value away: its lines or, in an inline table, its part
// of the line.
func (r *rewriter) remove(span *tomlSpan) {
	text := r.file.text
	if span.within < 0 {
		r.edits = append(r.edits, edit{from: strings.LastIndexByte(text[:span.key], '\n') + 1, end: r.file.lineEnd(span.end)})
		return
	}
	from, end := span.key, span.end
	rest := strings.TrimLeft(text[end:], " \t")
	if after, ok := strings.CutPrefix(rest, ","); ok {
		end = len(text) - len(strings.TrimLeft(after, " \t"))
	} else if before := strings.TrimRight(text[:from], " \t"); strings.HasSuffix(before, ",") {
		from = len(before) - 1
	}
	r.edits = append(r.edits, edit{from: from, end: end})
}

// insert writes an element that is new, behind the one before it.
func (r *rewriter) insert(p paired, toWas map[string]string) {
	r.added[p.want] = true
	from, end, ok := r.want.chunk(p.want)
	if !ok {
		r.failed = true
		return
	}
	text := "\n" + strings.Trim(r.want.text[from:end], "\n") + "\n"
	var at int
	i := strings.LastIndexByte(p.want, '[')
	list, number := p.want[:i], 0
	_, _ = fmt.Sscanf(p.want[i:], "[%d]", &number)
	for number--; number >= 0; number-- {
		if before := toWas[fmt.Sprintf("%s[%d]", list, number)]; before != "" {
			_, at, ok = r.file.chunk(before)
			r.failed = r.failed || !ok
			r.edits = append(r.edits, edit{at, at, text, true})
			return
		}
	}
	parent, nested := "", false
	if j := strings.LastIndexByte(list, '.'); j >= 0 {
		parent, nested = toWas[list[:j]], true
	}
	switch {
	case nested: // the first that a vendor stores
		block := r.file.of(parent)
		if block < 0 {
			r.failed = true
			return
		}
		at = r.file.blocks[block].end
	default:
		at = len(r.file.text)
		for _, b := range r.file.blocks { // before those that are there already
			if b.array && strings.HasPrefix(b.path, list+"[") && r.keeps(b.path, toWas) {
				at = b.lead
				text = strings.TrimLeft(text, "\n") + "\n"
				break
			}
		}
	}
	r.edits = append(r.edits, edit{at, at, text, true})
}

// keeps reports whether an element of the file stays.
func (r *rewriter) keeps(path string, toWas map[string]string) bool {
	for _, was := range toWas {
		if was == path {
			return true
		}
	}
	return false
}

// add says something that was not said: path is where want says it, here where the
// file is to.
func (r *rewriter) add(path, here string) {
	span := r.want.find(path)
	if there := r.file.find(here); there != nil { // said, and what is usual
		r.edits = append(r.edits, edit{from: there.from, end: there.end, text: r.want.text[span.from:span.end]})
		return
	}
	table, key := split(here)
	if whole := r.file.find(table); whole != nil && span.within >= 0 { // into an inline table
		inner := strings.TrimRight(r.file.text[whole.from:whole.end-1], " \t")
		comma := ", "
		if strings.HasSuffix(inner, "{") || strings.HasSuffix(inner, ",") {
			comma = " "
		}
		r.edits = append(r.edits, edit{from: whole.from + len(inner), end: whole.end - 1, text: comma + key + " = " + r.want.text[span.from:span.end] + " "})
		return
	}
	if span.within >= 0 && r.file.of(table) < 0 { // the whole inline table
		outer := r.want.all[span.within]
		r.added[outer.path] = true
		span, table = &outer, parentOf(table)
		path = outer.path
	}
	line := strings.TrimRight(r.want.text[span.key:span.end], "\n") + "\n"
	if block := r.file.of(table); block >= 0 {
		r.line(block, line)
		return
	}
	wanted := r.want.of(parentOf(path))
	if wanted <= 0 || r.want.blocks[wanted].array {
		r.failed = true
		return
	}
	b := r.want.blocks[wanted]
	r.added[b.path] = true
	at := len(r.file.text)
	if parent := parentOf(table); strings.HasSuffix(parent, "]") { // of an element: [trial.look]
		_, end, ok := r.file.chunk(parent)
		r.failed = r.failed || !ok
		at = end
	}
	r.edits = append(r.edits, edit{at, at, "\n" + strings.Trim(r.want.text[b.lead:b.end], "\n") + "\n", true})
}

// line writes a line behind the last of a block.
func (r *rewriter) line(block int, line string) {
	b := r.file.blocks[block]
	at := 0
	if block > 0 {
		at = r.file.lineEnd(b.header)
	}
	if n := len(b.spans); n > 0 {
		at = r.file.lineEnd(r.file.all[b.spans[n-1]].end)
	}
	if at > 0 && r.file.text[at-1] != '\n' {
		line = "\n" + line
	}
	r.edits = append(r.edits, edit{from: at, end: at, text: line})
}

func split(path string) (table, key string) {
	i := strings.LastIndexByte(path, '.')
	if i < 0 {
		return "", path
	}
	return path[:i], path[i+1:]
}

func parentOf(path string) string {
	table, _ := split(path)
	return table
}

// apply makes all edits. Those that meet are none that were meant.
func (r *rewriter) apply() string {
	slices.SortStableFunc(r.edits, func(a, b edit) int { return cmp.Or(a.from-b.from, (a.end-a.from)-(b.end-b.from)) })
	var b strings.Builder
	at, last := 0, "\n\n" // what b ends with
	write := func(text string) {
		if b.WriteString(text); text != "" {
			last = (last + text)[max(0, len(last)+len(text)-2):]
		}
	}
	for _, e := range r.edits {
		if e.from < at {
			continue // the check of what was made finds it
		}
		write(r.file.text[at:e.from])
		if at = e.end; last == "\n\n" { // one empty line between tables is enough
			e.text = strings.TrimLeft(e.text, "\n")
			for e.text == "" && e.end > e.from && strings.HasPrefix(r.file.text[at:], "\n") {
				at++
			}
		}
		if write(e.text); e.table && at < len(r.file.text) && r.file.text[at] != '\n' && last != "\n\n" {
			write("\n")
		}
	}
	return b.String() + r.file.text[at:]
}
