package limit

import "sync"

// A table remembers, of each key, when its allowance is full again (the theoretical
// arrival time of the generic cell rate algorithm, ITU-T I.371). That one number is
// the whole token bucket; and when it has passed, the entry says no more than none
// would, so its place is free. There is nothing to clean up.
type table struct {
	shards [shards]shard
	most   int // slots of a shard
}

const (
	shards = 64
	first  = 64 // slots of a shard at the start
	reach  = 16 // slots that a key may stand in: four cache lines
)

type slot struct {
	key  uint64 // 0: never used
	full int64  // nanoseconds of the limiter's time
}

type shard struct {
	mu    sync.Mutex
	slots []slot   // a power of two, and reach-1 beyond it
	_     [32]byte // a shard is a cache line
}

// newTable makes a table for so many keys. At most half of its slots are used then, so
// that a key finds a place within reach: 32 bytes a key.
func newTable(keys int) *table {
	t := &table{most: first}
	for t.most*shards < 2*keys {
		t.most *= 2
	}
	return t
}

// take lets one request pass, or says how long it is to wait. Each one costs each
// nanoseconds of an allowance of size.
func (t *table) take(key uint64, now, each, size int64) (wait int64) {
	s := &t.shards[key>>58]
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.find(key, now, t.most)
	full := now
	if at.key == key && at.full > now {
		full = at.full
	}
	if wait = full + each - size - now; wait > 0 {
		return wait
	}
	at.key, at.full = key, full+each
	return 0
}

// find is the place of a key: its own, or else one that is free, or else, where there
// is none, in a bigger shard, and in the end that of whoever needs it least.
func (s *shard) find(key uint64, now int64, most int) *slot {
	for {
		if s.slots == nil {
			s.slots = make([]slot, first+reach-1)
		}
		size := len(s.slots) - (reach - 1)
		begin := int(key>>1) & (size - 1)
		window := s.slots[begin : begin+reach]
		least := &window[0]
		for i := range window {
			at := &window[i]
			if at.key == key {
				return at
			}
			if at.full < least.full {
				least = at
			}
			if at.key == 0 { // a key is never beyond a slot that was never used
				break
			}
		}
		if least.full <= now || size >= most {
			return least
		}
		s.grow(2*size, now)
	}
}

// grow moves what still counts into a shard of that size. Where that is too narrow,
// which is rare, the fullest allowance is forgotten.
func (s *shard) grow(size int, now int64) {
	old := s.slots
	s.slots = make([]slot, size+reach-1)
	for _, was := range old {
		if was.full > now {
			*s.find(was.key, now, size) = was
		}
	}
}

func (t *table) live(now int64) (n int) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		for _, at := range s.slots {
			if at.full > now {
				n++
			}
		}
		s.mu.Unlock()
	}
	return n
}
