package policyversions

import "slices"

// mostTraits of a piece are looked at; what a long paragraph begins with tells it
// from others.
const mostTraits = 4096

// traitsOf are the words of a piece and its pairs of neighbouring words, sorted.
// The pairs tell sentences apart that share what all sentences share; and in
// scripts without blanks, where a character is a word to us, they are the words.
func (c *comparison) traitsOf(p *piece) []int32 {
	if p.traits != nil {
		return p.traits
	}
	p.traits = make([]int32, 0, min(2*len(p.tokens), mostTraits))
	last := int32(none)
	for _, t := range p.tokens {
		if len(p.traits) > mostTraits-2 {
			break
		}
		if !t.word {
			continue
		}
		p.traits = append(p.traits, mix(none, t.id))
		if last != none {
			p.traits = append(p.traits, mix(last, t.id))
		}
		last = t.id
	}
	slices.Sort(p.traits)
	return p.traits
}

// mix is a hash of two words. That two pairs share one makes pieces seem a little
// more alike than they are, and no more than that.
func mix(a, b int32) int32 {
	h := uint64(uint32(a))*0x9E3779B97F4A7C15 ^ uint64(uint32(b))*0xC2B2AE3D27D4EB4F
	h ^= h >> 29
	h *= 0xBF58476D1CE4E5B9
	return int32(h >> 33)
}

// alike is how many of their traits two pieces share, from 0 to 1 (Dice's
// coefficient).
func (c *comparison) alike(i, j int) float64 {
	a, b := c.traitsOf(&c.old.pieces[i]), c.traitsOf(&c.new.pieces[j])
	total := len(a) + len(b)
	c.script.budget -= total
	if total == 0 || c.script.budget <= 0 {
		return 0
	}
	common := 0
	for x, y := 0, 0; x < len(a) && y < len(b); {
		switch {
		case a[x] < b[y]:
			x++
		case a[x] > b[y]:
			y++
		default:
			common++
			x, y = x+1, y+1
		}
	}
	return 2 * float64(common) / float64(total)
}

// similars pairs old pieces with the new ones that share most of their rare traits.
func (c *comparison) similars(i0, i1, j0, j1 int) (pairs []pair) {
	const rare, most = 6, 3 // pieces that share a trait; partners that are looked at
	exact := make(map[int32]bool, j1-j0)
	for j := j0; j < j1; j++ {
		exact[c.new.pieces[j].key] = true
	}
	with := make(map[int32][]int32) // new pieces by trait
	for j := j0; j < j1; j++ {
		last := int32(none)
		for k, t := range c.traitsOf(&c.new.pieces[j]) {
			if k > 0 && t == last {
				continue
			}
			last = t
			if l := with[t]; len(l) <= rare {
				with[t] = append(l, int32(j))
			}
		}
	}
	shared := make([]int32, j1) // rare traits shared with the old piece at hand
	for i := i0; i < i1; i++ {
		p := &c.old.pieces[i]
		if exact[p.key] {
			continue
		}
		var touched []int32
		for _, t := range c.traitsOf(p) {
			l := with[t]
			if len(l) > rare {
				continue
			}
			for _, j := range l {
				if shared[j] == 0 {
					touched = append(touched, j)
				}
				shared[j]++
			}
		}
		slices.SortStableFunc(touched, func(x, y int32) int { return int(shared[y] - shared[x]) })
		for k, j := range touched {
			if shared[j] = 0; k >= most {
				continue
			}
			q := &c.new.pieces[j]
			if alike := c.alike(i, int(j)); alike >= alikeHere {
				pairs = append(pairs, pair{i, int(j), int(90 * alike * float64(min(p.words, q.words)+1)), alike})
			}
		}
	}
	return pairs
}
