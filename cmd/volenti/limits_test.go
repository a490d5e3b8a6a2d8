package main

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/limit"
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

// Where 33 ask at once, each is answered, as long as none takes 120 ms; the next is told at
// once that it is too much.
func TestAsManyWaitAsGetAPlace(t *testing.T) {
	before := runtime.GOMAXPROCS(2)
	defer runtime.GOMAXPROCS(before)
	l, err := limits(&Config{LimitNodes: 1}, func() bool { return false }, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		gate   *limit.Gate
		places int
	}{"costly": {l.Costly, 1}, "exports": {l.Exports, 4}} {
		for range test.places {
			if err := test.gate.Enter(t.Context()); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second) // less than anybody waits
		var waiting sync.WaitGroup
		errs := make(chan error, 64)
		for range 33 {
			waiting.Go(func() { errs <- test.gate.Enter(ctx) })
		}
		if err := <-errs; !errors.Is(err, limit.ErrBusy) {
			t.Errorf("%s: the first to be answered was not one too many: %v", name, err)
		}
		test.gate.Leave()
		if err := <-errs; err != nil {
			t.Errorf("%s: one who waited, when a place was given back: %v", name, err)
		}
		cancel()
		waiting.Wait()
		for range 31 {
			if err := <-errs; err == nil || errors.Is(err, limit.ErrBusy) {
				t.Errorf("%s: one who waits on: %v", name, err)
			}
		}
	}
}
