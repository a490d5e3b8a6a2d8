package geo

import "sync/atomic"

const (
	// cacheSlots bounds the cache. A country database has about 260 records, all
	// of which fit; of a city database the records met first are kept.
	cacheSlots = 1 << 14
	cacheTries = 8
)

// A cache keeps decoded records by their place in the file, which identifies a
// record for as long as the file is open. It is an open-addressed table that
// only ever fills, so readers need no lock: a slot goes from nil to its entry
// once. A record that finds no free slot is decoded again each time.
type cache struct {
	slots []atomic.Pointer[cached]
}

type cached struct {
	offset uintptr
	region Region
}

func (c *cache) init() { c.slots = make([]atomic.Pointer[cached], cacheSlots) }

// slot is the try-th place for offset (Fibonacci hashing: records are near one
// another, their high product bits are not).
func (c *cache) slot(offset uintptr, try int) *atomic.Pointer[cached] {
	h := uint64(offset) * 0x9E3779B97F4A7C15 >> 32
	return &c.slots[(h+uint64(try))%cacheSlots]
}

func (c *cache) get(offset uintptr) (Region, bool) {
	for try := range cacheTries {
		entry := c.slot(offset, try).Load()
		if entry == nil {
			return Region{}, false
		}
		if entry.offset == offset {
			return entry.region, true
		}
	}
	return Region{}, false
}

func (c *cache) put(offset uintptr, region Region) {
	var entry *cached
	for try := range cacheTries {
		slot := c.slot(offset, try)
		if there := slot.Load(); there != nil {
			if there.offset == offset {
				return
			}
			continue
		}
		if entry == nil {
			entry = &cached{offset, region}
		}
		if slot.CompareAndSwap(nil, entry) {
			return
		}
		if slot.Load().offset == offset {
			return // another lookup of the same record was quicker
		}
	}
}
