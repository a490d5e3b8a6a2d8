package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

func TestTheHeapGrowsByTheRule(t *testing.T) {
	for live, want := range map[uint64]int{0: 1000, 1 << 20: 1000, 10 << 20: 200, 15 << 20: 100, 20 << 20: 50, 24 << 20: 25, 32 << 20: 25, 4 << 30: 25} {
		if got := growth(live); got != want {
			t.Errorf("%d MiB live: %d, want %d", live>>20, got, want)
		}
	}
}

// The percentage follows what is live, up and down, unless somebody has set one.
func TestTheRuleFollowsTheHeap(t *testing.T) {
	before := debug.SetGCPercent(77)
	defer debug.SetGCPercent(before)
	now := func() (p int) { p = debug.SetGCPercent(77); debug.SetGCPercent(p); return p }
	t.Setenv("GOGC", "77")
	tendHeap()
	if p := now(); p != 77 {
		t.Errorf("GOGC was set, and is %d", p)
	}
	t.Setenv("GOGC", "")
	tendHeap()
	until := func(what string, reached func(int) bool) {
		for range 1000 {
			runtime.GC()
			if reached(now()) {
				return
			}
			runtime.Gosched() // finalizers have a goroutine of their own
		}
		t.Errorf("%s: it stays at %d", what, now())
	}
	until("a small heap", func(p int) bool { return p > 100 })
	much := make([]byte, 200<<20)
	until("a large heap", func(p int) bool { return p == 25 })
	runtime.KeepAlive(much)
	until("a small heap again", func(p int) bool { return p > 100 })
}

const someMaps = `00400000-00403000 r--p 00000000 fe:00 77 /srv/volenti
Size:                 12 kB
Anonymous:             0 kB
VmFlags: rd mr mw me
00403000-019f1000 r-xp 00003000 fe:00 77 /srv/volenti
Anonymous:             0 kB
0326b000-0326e000 r--p 02e6b000 fe:00 77 /srv/volenti
Anonymous:            12 kB
0326e000-03de6000 rw-p 02e6e000 fe:00 77 /srv/volenti
Anonymous:             0 kB
03de6000-03dff000 r--p 00000000 00:00 0
Anonymous:             0 kB
7f7a56265000-7f7a5628b000 r--p 00000000 fe:00 78 /usr/lib/libc.so.6
Anonymous:             0 kB
`

// What was written to is never let go: it would be the file's again.
func TestWhatMayBeForgotten(t *testing.T) {
	got := fmt.Sprintf("%x", unwritten(strings.NewReader(someMaps), "/srv/volenti"))
	if want := "[{400000 403000} {403000 19f1000}]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// The program runs on after its pages were let go.
func TestForgettingTheProgram(t *testing.T) {
	for range 3 {
		forgetProgram()
		if err := fmt.Errorf("%v %v", strings.Repeat("a", 10), os.Args); err == nil {
			t.Error("nothing")
		}
		runtime.GC()
	}
}
