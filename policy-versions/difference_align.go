package policyversions

import (
	"cmp"
	"slices"
)

// How alike pieces have to be, from 0 to 1.
const (
	alikeHere  = 0.3 // to be one piece that changed, at the same place
	alikeThere = 0.6 // to be one piece that moved
)

// Words that a piece needs so that it can move by itself: "None." stands in many
// places. Beside another that moves, any piece can.
const (
	wordsToMove     = 4 // exactly alike
	wordsToMoveNear = 8
)

// A pair is an old piece and a new one that may be the same.
type pair struct {
	i, j   int
	weight int // words, and how alike they are
	alike  float64
}

// align finds which pieces belong together: first those that make the heaviest
// run in the same order, then, between them, what is equal, then what moved, and
// at last what is alike enough to be the same piece, changed.
func (c *comparison) align() {
	lo, hi, hj := 0, len(c.old.pieces), len(c.new.pieces)
	for lo < min(hi, hj) && c.equal(lo, lo) {
		c.match(lo, lo, false)
		lo++
	}
	for hi > lo && hj > lo && c.equal(hi-1, hj-1) {
		hi, hj = hi-1, hj-1
		c.match(hi, hj, false)
	}
	if lo == hi || lo == hj {
		return
	}
	pairs := c.equals(lo, hi, lo, hj)
	if hi-lo > 1 || hj-lo > 1 {
		pairs = append(pairs, c.similars(lo, hi, lo, hj)...)
	}
	for _, p := range heaviest(pairs, hj) {
		c.match(p.i, p.j, false)
	}
	c.gaps(c.equalsBetween)
	pairs = append(pairs, c.equals(lo, hi, lo, hj)...)
	c.moves(pairs)
	c.gaps(c.similarsBetween)
}

func (c *comparison) equal(i, j int) bool { return c.old.pieces[i].key == c.new.pieces[j].key }

// equals pairs the pieces without partner that are there equally often on both
// sides, the first with the first.
func (c *comparison) equals(i0, i1, j0, j1 int) (pairs []pair) {
	type places struct{ old, new []int }
	at := make(map[int32]*places)
	of := func(key int32) *places {
		if at[key] == nil {
			at[key] = new(places)
		}
		return at[key]
	}
	for i := i0; i < i1; i++ {
		if p := &c.old.pieces[i]; c.old.partner[i] == none {
			of(p.key).old = append(of(p.key).old, i)
		}
	}
	for j := j0; j < j1; j++ {
		if p := &c.new.pieces[j]; c.new.partner[j] == none {
			of(p.key).new = append(of(p.key).new, j)
		}
	}
	for i := i0; i < i1; i++ {
		p := &c.old.pieces[i]
		if l := at[p.key]; l != nil && len(l.old) == len(l.new) && l.old[0] == i {
			for k := range l.old {
				pairs = append(pairs, pair{l.old[k], l.new[k], 100 * (p.words + 1), 1})
			}
		}
	}
	return pairs
}

// heaviest are the pairs that are in the same order on both sides and have the
// greatest weight together.
func heaviest(pairs []pair, size int) (chain []pair) {
	pairs = slices.Clone(pairs)
	slices.SortStableFunc(pairs, func(p, q pair) int { return cmp.Or(p.i-q.i, q.j-p.j) })
	best := make([]int, len(pairs))   // weight of the heaviest chain that ends with the pair
	before := make([]int, len(pairs)) // the pair before it in that chain
	tree := make([]int, size+1)       // Fenwick tree over j: the pair with the heaviest chain, plus 1
	for k, p := range pairs {
		before[k] = none
		for j := p.j; j > 0; j -= j & -j { // those with a smaller j
			if t := tree[j] - 1; t >= 0 && (before[k] == none || best[t] > best[before[k]]) {
				before[k] = t
			}
		}
		best[k] = p.weight
		if before[k] != none {
			best[k] += best[before[k]]
		}
		for j := p.j + 1; j <= size; j += j & -j {
			if t := tree[j] - 1; t < 0 || best[k] > best[t] {
				tree[j] = k + 1
			}
		}
	}
	last := none
	for k := range pairs {
		if last == none || best[k] > best[last] {
			last = k
		}
	}
	for ; last != none; last = before[last] {
		chain = append(chain, pairs[last])
	}
	return chain
}

// gaps calls do for every stretch between pieces in place that has pieces without
// partner on both sides.
func (c *comparison) gaps(do func(i0, i1, j0, j1 int)) {
	for i, j := 0, 0; i < len(c.old.pieces) || j < len(c.new.pieces); i, j = i+1, j+1 {
		i0, j0 := i, j
		for i < len(c.old.pieces) && !c.old.inPlace(i) {
			i++
		}
		for j < len(c.new.pieces) && !c.new.inPlace(j) {
			j++
		}
		if i > i0 && j > j0 {
			do(i0, i, j0, j)
		}
	}
}

// equalsBetween pairs what is equal, in order, however often it is there.
func (c *comparison) equalsBetween(i0, i1, j0, j1 int) {
	gone, put := c.script.compare(keys(c.old.pieces[i0:i1]), keys(c.new.pieces[j0:j1]))
	for _, r := range runsOf(gone, put) {
		for k := 0; r.same && k < r.aHi-r.aLo; k++ {
			c.match(i0+r.aLo+k, j0+r.bLo+k, false)
		}
	}
}

func keys(pieces []piece) []int32 {
	list := make([]int32, len(pieces))
	for i := range pieces {
		list[i] = pieces[i].key
	}
	return list
}

// moves pairs what is left of pairs across places, the heaviest first, with what
// stands beside it.
func (c *comparison) moves(pairs []pair) {
	slices.SortStableFunc(pairs, func(p, q pair) int { return cmp.Or(q.weight-p.weight, p.i-q.i, p.j-q.j) })
	for _, p := range pairs {
		if !c.free(p.i, p.j) || p.alike < alikeThere {
			continue
		}
		words := min(c.old.pieces[p.i].words, c.new.pieces[p.j].words)
		if p.alike < 1 && words < wordsToMoveNear || words < wordsToMove && !c.pairMoves(p.i, p.j) {
			continue
		}
		c.match(p.i, p.j, true)
		for _, step := range []int{-1, 1} {
			for i, j := p.i+step, p.j+step; i >= 0 && i < len(c.old.pieces) && j >= 0 && j < len(c.new.pieces) && c.free(i, j); i, j = i+step, j+step {
				if !c.equal(i, j) && c.alike(i, j) < alikeThere {
					break
				}
				c.match(i, j, true)
			}
		}
	}
}

// pairMoves is true for two short pieces that are the same beside each other on
// both sides: a heading, and the line below it.
func (c *comparison) pairMoves(i, j int) bool {
	for _, step := range []int{-1, 1} {
		k, l := i+step, j+step
		if k >= 0 && k < len(c.old.pieces) && l >= 0 && l < len(c.new.pieces) && c.free(k, l) && c.equal(k, l) &&
			min(c.old.pieces[i].words, c.old.pieces[k].words) > 0 {
			return true
		}
	}
	return false
}

func (c *comparison) free(i, j int) bool { return c.old.partner[i] == none && c.new.partner[j] == none }

// similarsBetween pairs what is alike within a gap, in order. It looks a few pieces
// ahead.
func (c *comparison) similarsBetween(i0, i1, j0, j1 int) {
	const ahead = 6
	single := i1-i0 == 1 && j1-j0 == 1
	for i, j := i0, j0; i < i1 && j < j1; i++ {
		if c.old.partner[i] != none {
			continue
		}
		for k, seen := j, 0; k < j1 && seen < ahead; k++ {
			if c.new.partner[k] != none {
				continue
			}
			seen++
			if c.alike(i, k) >= alikeHere || single && c.sameSort(i, k) {
				c.match(i, k, false)
				j = k + 1
				break
			}
		}
	}
}

// sameSort is true for two headings of a level: one that stands alone between what
// stayed was renamed, whatever its words.
func (c *comparison) sameSort(i, j int) bool {
	l := c.old.pieces[i].level
	return l > 0 && l == c.new.pieces[j].level
}
