package policyversions

import "math"

// workBudget bounds the steps of one comparison; a step takes some nanoseconds.
const workBudget = 12 << 20

// A script finds a short edit script between two sequences: Myers' O(ND) algorithm
// in linear space, with the bounds that GNU diff and git put on it. Where the
// shortest script costs too much a longer one is taken, and where the budget is
// spent all that is left counts as changed.
type script struct {
	budget   int
	forth    []int32 // by diagonal: how far forward paths reach
	back     []int32 // by diagonal: how far backward paths reach
	zero     int     // index of diagonal 0
	a, b     []int32
	deepest  int // cost at which a split takes what it has
	inA, inB []bool
}

// compare says which elements of a are not in b and the other way round; the others
// pair up in order.
func (s *script) compare(a, b []int32) (gone, put []bool) {
	gone, put = make([]bool, len(a)), make([]bool, len(b))
	lo := 0
	for lo < min(len(a), len(b)) && a[lo] == b[lo] {
		lo++
	}
	ha, hb := len(a), len(b)
	for ha > lo && hb > lo && a[ha-1] == b[hb-1] {
		ha, hb = ha-1, hb-1
	}
	// What only one side has is changed anyway, and needs no search.
	var atA, atB []int
	s.a, atA = shared(a, lo, ha, b[lo:hb], gone)
	s.b, atB = shared(b, lo, hb, a[lo:ha], put)
	s.inA, s.inB = make([]bool, len(s.a)), make([]bool, len(s.b))
	total := len(s.a) + len(s.b)
	s.deepest = max(16, min(1024, workBudget/2/(total+1)))
	if width := total + 3; len(s.forth) < width {
		s.forth, s.back = make([]int32, width), make([]int32, width)
	}
	s.zero = len(s.b) + 1
	s.search(0, len(s.a), 0, len(s.b))
	for k, at := range atA {
		gone[at] = s.inA[k]
	}
	for k, at := range atB {
		put[at] = s.inB[k]
	}
	return gone, put
}

// shared are the elements of list[lo:hi] that are among others, with their places.
// The rest are marked.
func shared(list []int32, lo, hi int, others []int32, marked []bool) (some []int32, at []int) {
	there := make(map[int32]bool, len(others))
	for _, o := range others {
		there[o] = true
	}
	for i := lo; i < hi; i++ {
		if there[list[i]] {
			some, at = append(some, list[i]), append(at, i)
		} else {
			marked[i] = true
		}
	}
	return some, at
}

// search marks what differs between a[a0:a1] and b[b0:b1].
func (s *script) search(a0, a1, b0, b1 int) {
	for {
		for a0 < a1 && b0 < b1 && s.a[a0] == s.b[b0] {
			a0, b0 = a0+1, b0+1
		}
		for a0 < a1 && b0 < b1 && s.a[a1-1] == s.b[b1-1] {
			a1, b1 = a1-1, b1-1
		}
		if a0 == a1 || b0 == b1 || s.budget <= 0 {
			break
		}
		am, bm := s.split(a0, a1, b0, b1)
		if am == a0 && bm == b0 || am == a1 && bm == b1 {
			break
		}
		s.search(a0, am, b0, bm)
		a0, b0 = am, bm
	}
	for i := a0; i < a1; i++ {
		s.inA[i] = true
	}
	for i := b0; i < b1; i++ {
		s.inB[i] = true
	}
}

// split finds a point on a short path from one corner to the other, by walking
// from both until the walks meet. Diagonals are numbered i-j.
func (s *script) split(a0, a1, b0, b1 int) (int, int) {
	low, high := a0-b1, a1-b0
	fmid, bmid := a0-b0, a1-b1
	odd := (fmid-bmid)&1 != 0
	fmin, fmax, bmin, bmax := fmid, fmid, bmid, bmid
	f, b, z := s.forth, s.back, s.zero
	f[z+fmid], b[z+bmid] = int32(a0), int32(a1)
	for cost := 1; ; cost++ {
		if fmin > low {
			fmin--
			f[z+fmin-1] = -1
		} else {
			fmin++
		}
		if fmax < high {
			fmax++
			f[z+fmax+1] = -1
		} else {
			fmax--
		}
		for d := fmax; d >= fmin; d -= 2 {
			i := int(f[z+d+1])
			if f[z+d-1] >= f[z+d+1] {
				i = int(f[z+d-1]) + 1
			}
			from := i
			j := i - d
			for i < a1 && j < b1 && s.a[i] == s.b[j] {
				i, j = i+1, j+1
			}
			s.budget -= 1 + i - from
			f[z+d] = int32(i)
			if odd && bmin <= d && d <= bmax && int(b[z+d]) <= i {
				return i, j
			}
		}
		if bmin > low {
			bmin--
			b[z+bmin-1] = math.MaxInt32
		} else {
			bmin++
		}
		if bmax < high {
			bmax++
			b[z+bmax+1] = math.MaxInt32
		} else {
			bmax--
		}
		for d := bmax; d >= bmin; d -= 2 {
			i := int(b[z+d-1])
			if b[z+d-1] >= b[z+d+1] {
				i = int(b[z+d+1]) - 1
			}
			from := i
			j := i - d
			for i > a0 && j > b0 && s.a[i-1] == s.b[j-1] {
				i, j = i-1, j-1
			}
			s.budget -= 1 + from - i
			b[z+d] = int32(i)
			if !odd && fmin <= d && d <= fmax && i <= int(f[z+d]) {
				return i, j
			}
		}
		if cost >= s.deepest || s.budget <= 0 {
			return s.furthest(a0, a1, b0, b1, fmin, fmax, bmin, bmax)
		}
	}
}

// furthest is the point that got furthest from its corner, of all walks.
func (s *script) furthest(a0, a1, b0, b1, fmin, fmax, bmin, bmax int) (int, int) {
	bestF, fi, bestB, bi := -1, a0, math.MaxInt, a1
	for d := fmax; d >= fmin; d -= 2 {
		i := min(int(s.forth[s.zero+d]), a1)
		if i-d > b1 {
			i = b1 + d
		}
		if i+i-d > bestF {
			bestF, fi = i+i-d, i
		}
	}
	for d := bmax; d >= bmin; d -= 2 {
		i := max(int(s.back[s.zero+d]), a0)
		if i-d < b0 {
			i = b0 + d
		}
		if i+i-d < bestB {
			bestB, bi = i+i-d, i
		}
	}
	if a1+b1-bestB < bestF-(a0+b0) {
		return fi, bestF - fi
	}
	return bi, bestB - bi
}
