package consent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRecordAnswersWithAReceiptThatVerifies(t *testing.T) {
	store := newMemory()
	r := recorderOn(t, store, RecorderOptions{})
	got, err := r.Record(t.Context(), draftNamed(t, "one"))
	if err != nil {
		t.Fatal(err)
	}
	report, err := Verify(got.Receipt, newTestKey(7).keys())
	if err != nil || report.ID != got.Core.ID || got.Repeat || got.Core.ReceivedAt != noon.UnixMilli() {
		t.Errorf("%v, %+v", err, got.Core)
	}
	if kept, err := store.Entry(t.Context(), "shop", report.ID); err != nil || !bytes.Equal(receiptOf(t, kept), got.Receipt) {
		t.Errorf("what is kept gives another receipt: %v", err)
	}
}

func TestTheSameDecisionGetsTheSameReceipt(t *testing.T) {
	r := recorderOn(t, newMemory(), RecorderOptions{})
	first, err := r.Record(t.Context(), draftNamed(t, "one"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := r.Record(t.Context(), draftNamed(t, "one"))
	if err != nil || !again.Repeat || !bytes.Equal(again.Receipt, first.Receipt) {
		t.Errorf("%v, repeat %v", err, again.Repeat)
	}
	q, token := question(t, inEurope)
	other := decisionFor(token, "one")
	other.Categories["marketing"] = true
	if _, err := r.Record(t.Context(), draftOf(t, other, q)); !errors.Is(err, ErrClash) {
		t.Errorf("another decision under the same id: %v", err)
	}
}

func TestRecordContinuesTheSubject(t *testing.T) {
	store := newMemory()
	r := recorderOn(t, store, RecorderOptions{})
	first, err := r.Record(t.Context(), draftNamed(t, "one"))
	if err != nil {
		t.Fatal(err)
	}
	next := func(id, previous string) Recorded {
		t.Helper()
		q, token := question(t, inEurope)
		d := decisionFor(token, id)
		d.Previous = previous
		got, err := r.Record(t.Context(), draftOf(t, d, q))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := next("two", first.Core.ID); got.Entry.Subject != first.Entry.Subject || got.Core.Previous != first.Core.ID {
		t.Errorf("not continued: %q, %q", got.Entry.Subject, got.Core.Previous)
	}
	// One that was erased, or never was: the decision counts all the same.
	if got := next("three", "00000000000000000000000000000000"); got.Entry.Subject == first.Entry.Subject || got.Core.Previous != "" {
		t.Errorf("linked to nothing: %q, %q", got.Entry.Subject, got.Core.Previous)
	}
}

// While a transaction is being written, what arrives forms the next one.
func TestConcurrentDecisionsShareTransactions(t *testing.T) {
	store := newMemory()
	started, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	store.before = func([]*Entry) error {
		once.Do(func() { close(started); <-release })
		return nil
	}
	r := recorderOn(t, store, RecorderOptions{Batch: 40, Queue: 100})
	var wg sync.WaitGroup
	record := func(id string) {
		wg.Go(func() {
			if _, err := r.Record(t.Context(), draftNamed(t, id)); err != nil {
				t.Errorf("%s: %v", id, err)
			}
		})
	}
	record("first")
	<-started
	for i := range 100 {
		record(fmt.Sprint(i))
	}
	waitFor(t, func() bool { return r.Waiting() == 100 })
	if _, err := r.Record(t.Context(), draftNamed(t, "one too many")); !errors.Is(err, ErrBusy) {
		t.Errorf("a full queue: %v", err)
	}
	close(release)
	wg.Wait()
	if got := fmt.Sprint(store.batches); got != "[1 40 40 20]" {
		t.Errorf("transactions of %s records", got)
	}
	if store.size() != 101 {
		t.Errorf("%d records kept", store.size())
	}
}

// Whoever is ready to run when a transaction begins comes along: on busy processors
// the writer would else begin one for each.
func TestReadyDecisionsComeAlong(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	store := newMemory()
	r := recorderOn(t, store, RecorderOptions{})
	const decisions = 64
	var wg sync.WaitGroup
	ready, begin := sync.WaitGroup{}, make(chan struct{})
	for i := range decisions {
		draft := draftNamed(t, fmt.Sprint(i))
		ready.Add(1)
		wg.Go(func() {
			ready.Done()
			<-begin
			if _, err := r.Record(t.Context(), draft); err != nil {
				t.Errorf("%d: %v", i, err)
			}
		})
	}
	ready.Wait()
	close(begin)
	wg.Wait()
	// One, but for goroutines that had their share of the processor before they came so far.
	if n := len(store.batches); n > decisions/4 {
		t.Errorf("%d transactions for %d decisions: %v", n, decisions, store.batches)
	}
}

// waitFor yields until another goroutine has got there; the test's own deadline
// is the limit.
func waitFor(t *testing.T, there func() bool) {
	t.Helper()
	for !there() {
		if t.Context().Err() != nil {
			t.Fatal("it never came to it")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestClosedTabsLoseNothing(t *testing.T) {
	store := newMemory()
	release := make(chan struct{})
	store.before = func([]*Entry) error { <-release; return nil }
	r := recorderOn(t, store, RecorderOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := r.Record(ctx, draftNamed(t, "one"))
		gone <- err
	}()
	waitFor(t, func() bool { store.mu.Lock(); defer store.mu.Unlock(); return len(store.batches) == 1 })
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller got %v", err)
	}
	close(release)
	again, err := r.Record(t.Context(), draftNamed(t, "one"))
	if err != nil || !again.Repeat || store.size() != 1 {
		t.Errorf("asked again: %v, repeat %v, %d kept", err, again.Repeat, store.size())
	}
}

func TestCloseFinishesWhatWasAccepted(t *testing.T) {
	store := newMemory()
	started, release := make(chan struct{}, 100), make(chan struct{})
	store.before = func([]*Entry) error { started <- struct{}{}; <-release; return nil }
	r := recorderOn(t, store, RecorderOptions{})
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if _, err := r.Record(t.Context(), draftNamed(t, fmt.Sprint(i))); err != nil {
				t.Errorf("accepted, yet %v", err)
			}
		})
	}
	<-started
	waitFor(t, func() bool { store.mu.Lock(); n := store.batches[0]; store.mu.Unlock(); return r.Waiting()+n == 20 })
	expired, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Close(expired); !errors.Is(err, context.Canceled) {
		t.Errorf("close that may not wait: %v", err)
	}
	if _, err := r.Record(t.Context(), draftNamed(t, "late")); !errors.Is(err, ErrClosed) || !errors.Is(err, ErrUnavailable) {
		t.Errorf("after close: %v", err)
	}
	close(release)
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if store.size() != 20 {
		t.Errorf("%d of 20 kept", store.size())
	}
}

var errConstraint = errors.New("constraint failed")

func TestOneBadEntryFailsAlone(t *testing.T) {
	store := newMemory()
	started, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	store.before = func(entries []*Entry) error {
		once.Do(func() { close(started); <-release })
		for _, e := range entries {
			if e.DecisionID == "bad" {
				return errConstraint
			}
		}
		return nil
	}
	r := recorderOn(t, store, RecorderOptions{})
	var wg sync.WaitGroup
	errs := sync.Map{}
	for i, id := range []string{"first", "a", "b", "bad", "c"} {
		wg.Go(func() {
			_, err := r.Record(t.Context(), draftNamed(t, id))
			errs.Store(id, err)
		})
		if i == 0 {
			<-started
		}
	}
	waitFor(t, func() bool { return r.Waiting() == 4 })
	close(release)
	wg.Wait()
	errs.Range(func(id, err any) bool {
		if id == "bad" {
			if !errors.Is(err.(error), errConstraint) || errors.Is(err.(error), ErrUnavailable) {
				t.Errorf("bad: %v", err)
			}
		} else if err != nil {
			t.Errorf("%s: %v", id, err)
		}
		return true
	})
	if store.size() != 4 {
		t.Errorf("%d kept", store.size())
	}
}

func TestAStoreThatCannotWriteFailsAll(t *testing.T) {
	full := fmt.Errorf("%w: disk full", ErrUnavailable)
	store := newMemory()
	var calls atomic.Int32
	store.before = func([]*Entry) error { calls.Add(1); return full }
	r := recorderOn(t, store, RecorderOptions{})
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			if _, err := r.Record(t.Context(), draftNamed(t, fmt.Sprint(i))); !errors.Is(err, ErrUnavailable) {
				t.Errorf("%v", err)
			}
		})
	}
	wg.Wait()
	if n := int(calls.Load()); n > 10 {
		t.Errorf("the store was bothered %d times for 10 records", n)
	}
	store.mu.Lock()
	store.before = nil
	store.mu.Unlock()
	if got, err := r.Record(t.Context(), draftNamed(t, "0")); err != nil || got.Repeat {
		t.Errorf("after there is space again: %v", err)
	}
}

// The dreaded case: it was written, and the answer says it was not.
func TestAStoreThatFailsAfterWriting(t *testing.T) {
	for name, failure := range map[string]error{"unavailable": ErrUnavailable, "anything": io.ErrUnexpectedEOF} {
		t.Run(name, func(t *testing.T) {
			store := newMemory()
			fail := true
			store.after = func([]*Entry) error {
				if fail {
					fail = false
					return failure
				}
				return nil
			}
			r := recorderOn(t, store, RecorderOptions{})
			if _, err := r.Record(t.Context(), draftNamed(t, "one")); !errors.Is(err, failure) {
				t.Fatalf("%v", err)
			}
			kept := store.entries[0]
			got, err := r.Record(t.Context(), draftNamed(t, "one"))
			if err != nil || !got.Repeat || !bytes.Equal(got.Receipt, receiptOf(t, kept)) || store.size() != 1 {
				t.Errorf("sent again: %v, repeat %v, %d kept", err, got.Repeat, store.size())
			}
		})
	}
}

// In a batch, those that were written in spite of the error get their receipts.
func TestABatchThatFailsAfterWriting(t *testing.T) {
	store := newMemory()
	started, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	store.before = func([]*Entry) error { once.Do(func() { close(started); <-release }); return nil }
	store.after = func(entries []*Entry) error {
		if len(entries) > 1 {
			return io.ErrUnexpectedEOF
		}
		return nil
	}
	r := recorderOn(t, store, RecorderOptions{})
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			got, err := r.Record(t.Context(), draftNamed(t, fmt.Sprint(i)))
			if err != nil {
				t.Errorf("%d: %v", i, err)
				return
			}
			if _, err := Verify(got.Receipt, newTestKey(7).keys()); err != nil {
				t.Errorf("%d: %v", i, err)
			}
		})
		if i == 0 {
			<-started
		}
	}
	waitFor(t, func() bool { return r.Waiting() == 5 })
	close(release)
	wg.Wait()
	if store.size() != 6 {
		t.Errorf("%d kept", store.size())
	}
}

func TestPanicsDoNotEndTheRecorder(t *testing.T) {
	store := newMemory()
	panics := true
	store.before = func([]*Entry) error {
		if panics {
			panics = false
			panic("the store fell over")
		}
		return nil
	}
	r := recorderOn(t, store, RecorderOptions{OnBatch: func(int, time.Duration, error) { panic("so did who listens") }})
	if _, err := r.Record(t.Context(), draftNamed(t, "one")); err == nil || !bytes.Contains([]byte(err.Error()), []byte("the store fell over")) {
		t.Errorf("%v", err)
	}
	if _, err := r.Record(t.Context(), draftNamed(t, "one")); err != nil {
		t.Errorf("after a panic: %v", err)
	}
}

func TestATransactionThatTakesTooLongIsGivenUp(t *testing.T) {
	r := recorderOn(t, slowStore{newMemory()}, RecorderOptions{Timeout: time.Millisecond})
	if _, err := r.Record(t.Context(), draftNamed(t, "one")); !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// Without anything said a transaction has fifteen seconds.
func TestATransactionHasTime(t *testing.T) {
	store := deadlineStore{newMemory(), make(chan time.Duration, 1)}
	if _, err := recorderOn(t, store, RecorderOptions{}).Record(t.Context(), draftNamed(t, "one")); err != nil {
		t.Fatal(err)
	}
	if left := <-store.left; left <= 0 || left > 15*time.Second {
		t.Errorf("%v", left)
	}
}

type deadlineStore struct {
	Store
	left chan time.Duration // until it is given up
}

func (s deadlineStore) AppendRecords(ctx context.Context, entries []*Entry) error {
	at, _ := ctx.Deadline()
	s.left <- time.Until(at)
	return s.Store.AppendRecords(ctx, entries)
}

type slowStore struct{ Store }

func (slowStore) AppendRecords(ctx context.Context, _ []*Entry) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestNoRandomnessNoRecord(t *testing.T) {
	store := newMemory()
	r := recorderOn(t, store, RecorderOptions{Random: io.LimitReader(seeded(1), luckSize+5)})
	if _, err := r.Record(t.Context(), draftNamed(t, "one")); err != nil {
		t.Error(err)
	}
	if _, err := r.Record(t.Context(), draftNamed(t, "two")); !errors.Is(err, ErrUnavailable) || store.size() != 1 {
		t.Errorf("%v, %d kept", err, store.size())
	}
}

func TestRecordRefusesADraftNobodyJudged(t *testing.T) {
	store := newMemory()
	r := recorderOn(t, store, RecorderOptions{})
	if _, err := r.Record(t.Context(), Draft{}); err == nil || store.size() != 0 {
		t.Errorf("recorded: %v", err)
	}
}

func BenchmarkSeal(b *testing.B) {
	d := draftNamed(b, "one")
	key := newTestKey(7)
	for b.Loop() {
		if _, _, err := seal(d, nil, noon, &luck{}, key); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeAndPrepare(b *testing.B) {
	q, token := question(b, inEurope)
	body := jsonOf(b, decisionFor(token, "one"))
	for b.Loop() {
		d, err := Decode(body)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Prepare(d, q); err != nil {
			b.Fatal(err)
		}
	}
}
