package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// The collector's rule: the heap may grow to usualHeap, or by a quarter of what was live
// when it was collected last, whichever is more. Go's own rule, by as much as is live,
// collects a small heap oftener than it needs and lets one that holds a thousand sites
// grow to twice of them. Whoever sets GOGC or GOMEMLIMIT gets what he set.
const usualHeap = 30 << 20

// growth is the GOGC by which a heap of so many live bytes follows the rule.
func growth(live uint64) int {
	const least, most = 25, 1000
	if live >= usualHeap {
		return least
	}
	return int(min(max((usualHeap-live)*100/max(live, 1), least), most))
}

// tendHeap keeps to the rule from now on.
func tendHeap() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	percent := 0
	var tend func(*heapMark)
	tend = func(m *heapMark) {
		metrics.Read(live)
		if next := growth(live[0].Value.Uint64()); next != percent {
			percent = next
			debug.SetGCPercent(next) // stops the world for some microseconds; does not collect
		}
		runtime.SetFinalizer(m, tend) // after the next collection, too
	}
	tend(&heapMark{})
}

// A heapMark is garbage that each collection finds.
type heapMark struct{ _ [32]byte }

// afterStart returns to the system what only the start needed: memory, and the pages of
// the program and its tables that nothing touches any more. What is touched again comes
// back from the system's cache of the file.
func afterStart() {
	debug.FreeOSMemory()
	forgetProgram()
}
