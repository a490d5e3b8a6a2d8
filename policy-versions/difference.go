package policyversions

// A BlockKind says what became of a block.
type BlockKind string

// The kinds of blocks.
const (
	Same      BlockKind = "same"       // in both texts, at the same place; only blanks and line ends may differ
	Inserted  BlockKind = "inserted"   // in the later text alone
	Deleted   BlockKind = "deleted"    // in the earlier text alone
	Changed   BlockKind = "changed"    // in both, with other words
	MovedFrom BlockKind = "moved-from" // where the earlier text has what the later one has elsewhere
	MovedTo   BlockKind = "moved-to"   // where the later text has it
)

// An Op says which of two texts a span is in.
type Op string

// The ops.
const (
	Kept Op = "kept" // in both
	Put  Op = "put"  // in the later text alone
	Gone Op = "gone" // in the earlier text alone
)

// A Span is a run of characters, of Markdown as it is written.
type Span struct {
	Op   Op     `json:"op"`
	Text string `json:"text"`
}

// A Block is a heading, a paragraph, an entry of a list, a row of a table or a
// block of code, with the blank lines behind it.
type Block struct {
	Kind  BlockKind `json:"kind"`
	Level int       `json:"level,omitempty"` // of a heading, 1–6; else 0
	// Spans are the block's text. All of a MovedFrom block is Gone, all of a MovedTo
	// block is Put: it is what has come to another place.
	Spans []Span `json:"spans"`
	// Changes is of a MovedTo block whose words are not quite those of its partner:
	// the difference between the two. Else it is nil.
	Changes []Span `json:"changes,omitempty"`
	Partner int    `json:"partner"` // of a moved block: index of the other place; else -1
}

// A Difference is what leads from one text to another, in reading order. The Kept
// and Put spans of all blocks, one after another, are the later text, byte by byte;
// the Kept and Gone ones are the earlier text.
type Difference struct {
	Blocks   []Block `json:"blocks"`
	Inserted int     `json:"inserted"` // words; those of moved blocks are not counted
	Deleted  int     `json:"deleted"`  // words; as above
	Moved    int     `json:"moved"`    // blocks
}

// Same reports whether no word differs and nothing moved.
func (d Difference) Same() bool {
	for _, b := range d.Blocks {
		if b.Kind != Same {
			return false
		}
	}
	return true
}

// Compare finds what differs between the words of two texts: blocks first, then
// words within blocks that changed. It takes time in proportion to the texts'
// length, whatever is in them: where looking closer would cost more, it marks more
// than is needed as changed, and is still exact.
//
// Titles and languages are not compared; a title is most often the first heading.
func Compare(before, after Text) Difference {
	c := newComparison(before.Markdown, after.Markdown)
	c.align()
	return c.difference()
}

// A comparison is two texts cut into pieces, and which pieces belong together.
type comparison struct {
	vocabulary vocabulary
	old, new   side
	script     script
}

// A side is one of the two texts.
type side struct {
	pieces  []piece
	partner []int  // of each piece: the index of the other text's, or none
	moved   []bool // of each piece: its partner is at another place
}

const none = -1

func newComparison(before, after string) *comparison {
	c := &comparison{vocabulary: newVocabulary()}
	c.old, c.new = c.vocabulary.side(before), c.vocabulary.side(after)
	c.script.budget = workBudget
	return c
}

func (v *vocabulary) side(text string) side {
	pieces := v.cut(text)
	s := side{pieces, make([]int, len(pieces)), make([]bool, len(pieces))}
	for i := range s.partner {
		s.partner[i] = none
	}
	return s
}

// match says that two pieces belong together.
func (c *comparison) match(i, j int, moved bool) {
	c.old.partner[i], c.new.partner[j] = j, i
	c.old.moved[i], c.new.moved[j] = moved, moved
}

// inPlace is true for pieces that have their partner at the same place.
func (s *side) inPlace(i int) bool { return s.partner[i] != none && !s.moved[i] }

// difference writes down what align found.
func (c *comparison) difference() Difference {
	var d Difference
	oldAt, newAt := make([]int, len(c.old.pieces)), make([]int, len(c.new.pieces)) // index of the block
	for i, j := 0, 0; i < len(oldAt) || j < len(newAt); {
		switch {
		case i < len(oldAt) && !c.old.inPlace(i):
			oldAt[i] = len(d.Blocks)
			d.Blocks = append(d.Blocks, c.gone(i, &d))
			i++
		case j < len(newAt) && !c.new.inPlace(j):
			newAt[j] = len(d.Blocks)
			d.Blocks = append(d.Blocks, c.put(j, &d))
			j++
		default: // pieces in place follow each other in one order on both sides
			d.Blocks = append(d.Blocks, c.kept(i, j, &d))
			i, j = i+1, j+1
		}
	}
	for i, moved := range c.old.moved {
		if moved {
			from, to := oldAt[i], newAt[c.old.partner[i]]
			d.Blocks[from].Partner, d.Blocks[to].Partner = to, from
		}
	}
	return d
}

func (c *comparison) gone(i int, d *Difference) Block {
	p := &c.old.pieces[i]
	b := Block{Kind: Deleted, Level: p.level, Spans: []Span{{Gone, p.text}}, Partner: none}
	if c.old.moved[i] {
		b.Kind = MovedFrom
		return b
	}
	d.Deleted += p.words
	return b
}

func (c *comparison) put(j int, d *Difference) Block {
	p := &c.new.pieces[j]
	b := Block{Kind: Inserted, Level: p.level, Spans: []Span{{Put, p.text}}, Partner: none}
	if !c.new.moved[j] {
		d.Inserted += p.words
		return b
	}
	b.Kind = MovedTo
	d.Moved++
	if old := &c.old.pieces[c.new.partner[j]]; old.key != p.key {
		w := c.words(old, p)
		b.Changes = w.spans
		d.Inserted, d.Deleted = d.Inserted+w.put, d.Deleted+w.gone
	}
	return b
}

func (c *comparison) kept(i, j int, d *Difference) Block {
	old, now := &c.old.pieces[i], &c.new.pieces[j]
	w := c.words(old, now)
	b := Block{Kind: Same, Level: now.level, Spans: w.spans, Partner: none}
	if old.key != now.key {
		b.Kind = Changed
		d.Inserted, d.Deleted = d.Inserted+w.put, d.Deleted+w.gone
	}
	return b
}
