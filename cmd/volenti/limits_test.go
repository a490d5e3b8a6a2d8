package main

import (
	"context"
	"errors"
	"runtime"
	"testing"
)

// Whatever is computed anew leaves a processor to everything else, where there are two.
func TestCostlyAnswersLeaveAProcessor(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	for processors, places := range map[int]int{1: 1, 2: 1, 4: 3} {
		runtime.GOMAXPROCS(processors)
		l, err := limits(&Config{LimitNodes: 1}, func() bool { return false }, nil)
		if err != nil {
			t.Fatal(err)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		for range places {
			if err := l.Costly.Enter(t.Context()); err != nil {
				t.Errorf("%d processors: %v", processors, err)
			}
		}
		if err := l.Costly.Enter(gone); !errors.Is(err, context.Canceled) {
			t.Errorf("%d processors: one more: %v", processors, err)
		}
	}
}
