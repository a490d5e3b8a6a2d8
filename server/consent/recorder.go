package consent

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"
)

// Errors of Recorder.Record, beside those of the Store.
var (
	// ErrBusy: as many records wait as the queue holds. Nothing was accepted.
	ErrBusy = errors.New("too many decisions at once")
	// ErrClash: the visitor's id of the decision is taken by another decision.
	ErrClash = errors.New("another decision has this id")
	// ErrClosed: the server is stopping. It is an ErrUnavailable.
	ErrClosed = fmt.Errorf("the server is stopping: %w", ErrUnavailable)
)

// RecorderOptions are what a Recorder may be told. Zero values are right.
type RecorderOptions struct {
	Now     func() time.Time // the clock; time.Now
	Wrong   func() error     // nil, or why that is not to be believed just now: an ErrUnavailable
	Newest  time.Time        // of the records that are kept; none is dated before it
	Random  io.Reader        // of ids and salts; crypto/rand. It is read by one goroutine at a time
	Queue   int              // records that may wait; 4096
	Batch   int              // records that share a transaction; 256
	Timeout time.Duration    // of one transaction; 15 seconds
	// OnBatch is told of each transaction that was tried: how many records, how
	// long it took, and how it failed. Calls come one at a time.
	OnBatch func(records int, took time.Duration, err error)
}

// A Recorder makes records durable. Decisions of many concurrent requests share
// one transaction: while one is being written, those that arrive form the next,
// with those that only wait for a processor when it begins. There is no delay to
// gather them, so a lone decision waits for nobody. The order in which decisions
// are accepted is that of their times and of the log; sealing, which costs most,
// is done by the callers, side by side.
type Recorder struct {
	store   Store
	keys    Signer
	options RecorderOptions
	queue   chan *job
	done    chan struct{}

	mu     sync.Mutex
	closed bool           // guarded by mu
	last   time.Time      // the newest time given; guarded by mu
	places places         // of ids; guarded by mu
	random [luckSize]byte // of the record that is accepted; guarded by mu
}

type job struct {
	received time.Time
	luck     luck

	sealed sync.WaitGroup // done by the caller when what follows is set
	entry  *Entry
	core   *Core
	err    error // the record can't be made

	answer chan error // buffered: the writer never waits for a caller
}

// A Recorded is a record that is on stable storage and in the log.
type Recorded struct {
	Receipt []byte // canonical JSON, the evidence itself
	Core    Core   // what it says
	Entry   *Entry
	Repeat  bool // the same decision had been recorded before; this is that record
}

// NewRecorder starts a Recorder. Close stops it.
func NewRecorder(store Store, keys Signer, o RecorderOptions) *Recorder {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Wrong == nil {
		o.Wrong = func() error { return nil }
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.Queue <= 0 {
		o.Queue = 4096
	}
	if o.Batch <= 0 {
		o.Batch = 256
	}
	if o.Timeout <= 0 {
		o.Timeout = 15 * time.Second
	}
	if o.OnBatch == nil {
		o.OnBatch = func(int, time.Duration, error) {}
	}
	r := &Recorder{store: store, keys: keys, options: o, queue: make(chan *job, o.Queue), done: make(chan struct{}), last: o.Newest}
	go r.write()
	return r
}

// Record keeps the decision of d and returns its receipt once both are durable.
// The same decision, sent again, gets the same receipt. It fails with ErrBusy,
// ErrClash, ErrClock, ErrClosed, ErrUnavailable, or with ctx's error: then the record, if
// it was accepted, is kept all the same, and sending again tells.
func (r *Recorder) Record(ctx context.Context, d Draft) (Recorded, error) {
	if d.core.Schema == "" {
		return Recorded{}, errors.New("record: the draft was not made by Prepare")
	}
	var previous *Entry
	if id := d.decision.Previous; id != "" {
		var err error
		previous, err = r.store.Entry(ctx, d.core.Site, id)
		switch {
		case err == nil:
		case errors.Is(err, ErrUnknownReceipt), errors.Is(err, ErrDamaged):
			previous = nil // erased, or of no use: the visitor is not to suffer for that
		default:
			return Recorded{}, fmt.Errorf("read the replaced record: %w", err)
		}
	}
	if err := d.core.mayFollow(previous); err != nil {
		return Recorded{}, err
	}
	j, err := r.accept()
	if err != nil {
		return Recorded{}, err
	}
	j.err = guard(func() (err error) {
		j.entry, j.core, err = seal(d, previous, j.received, &j.luck, r.keys)
		return err
	})
	j.sealed.Done()
	select {
	case err := <-j.answer:
		if err != nil {
			return Recorded{}, err
		}
	case <-ctx.Done():
		return Recorded{}, fmt.Errorf("record: %w", ctx.Err())
	}
	e, core := j.entry, j.core
	if e.Clash {
		return Recorded{}, ErrClash
	}
	repeat, encode := e.Repeat, encodeReceipt // its leaf was made of its bytes just now
	if repeat {
		encode = EncodeReceipt
		if e = e.Stored; e == nil {
			return Recorded{}, errors.New("record: the store kept the decision before and does not say as what")
		}
		said, err := ParseCore(e.Core)
		if err != nil {
			return Recorded{}, fmt.Errorf("receipt: %w", err)
		}
		core = &said
	}
	receipt, err := encode(e)
	if err != nil {
		return Recorded{}, fmt.Errorf("receipt: %w", err)
	}
	return Recorded{Receipt: receipt, Core: *core, Entry: e, Repeat: repeat}, nil
}

// accept gives a decision its time and its place in the queue, or refuses it; it
// never waits.
func (r *Recorder) accept() (*job, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, ErrClosed
	}
	if _, err := io.ReadFull(r.options.Random, r.random[:]); err != nil {
		return nil, fmt.Errorf("%w: no randomness: %w", ErrUnavailable, err)
	}
	now, err := r.date()
	if err != nil {
		return nil, err
	}
	j := &job{received: now, luck: luckOf(r.random[:], r.places.next(now)), answer: make(chan error, 1)}
	j.sealed.Add(1)
	select {
	case r.queue <- j:
		r.last = now
		return j, nil
	default:
		return nil, ErrBusy
	}
}

// Waiting is how many records wait for their transaction.
func (r *Recorder) Waiting() int { return len(r.queue) }

// Full reports that the queue takes no more just now: whoever asks first is spared
// the work of a decision that Record would refuse.
func (r *Recorder) Full() bool { return len(r.queue) == cap(r.queue) }

// Close refuses what comes from now on and returns when all that was accepted is
// kept, or with ctx's error; the rest is then still being written. Calling it
// again waits again.
func (r *Recorder) Close(ctx context.Context) error {
	r.mu.Lock()
	if !r.closed {
		r.closed = true
		close(r.queue)
	}
	r.mu.Unlock()
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("records are still being written: %w", ctx.Err())
	}
}

// write is the one goroutine that appends.
func (r *Recorder) write() {
	defer close(r.done)
	for first := range r.queue {
		batch := []*job{first}
		runtime.Gosched() // callers that are ready to run come along
	gather:
		for len(batch) < r.options.Batch {
			select {
			case j, open := <-r.queue:
				if !open {
					break gather
				}
				batch = append(batch, j)
			default:
				break gather
			}
		}
		r.keep(sealed(batch))
	}
}

// sealed waits for the records of a batch. Jobs whose record can't be made are
// answered and left out.
func sealed(batch []*job) []*job {
	made := batch[:0]
	for _, j := range batch {
		if j.sealed.Wait(); j.err != nil {
			j.answer <- j.err
		} else {
			made = append(made, j)
		}
	}
	return made
}

// keep appends the batch and answers its jobs. If the store as a whole can't
// write, all of them fail. If something is wrong with one entry, the others must
// not fail with it, so each is tried alone; those that were kept in spite of the
// error come back as repeats of themselves.
func (r *Recorder) keep(batch []*job) {
	if len(batch) == 0 {
		return
	}
	err := r.append(batch)
	if err == nil || len(batch) == 1 || errors.Is(err, ErrUnavailable) {
		answerAll(batch, err)
		return
	}
	for i, j := range batch {
		err := r.append(batch[i : i+1])
		if errors.Is(err, ErrUnavailable) {
			answerAll(batch[i:], err)
			return
		}
		j.answer <- err
	}
}

func (r *Recorder) append(batch []*job) error {
	entries := make([]*Entry, len(batch))
	for i, j := range batch {
		entries[i] = j.entry
		j.entry.Index, j.entry.Repeat, j.entry.Stored, j.entry.Clash = 0, false, nil, false
	}
	// Nobody's request: a tab that is closed does not stop the evidence.
	ctx, cancel := context.WithTimeout(context.Background(), r.options.Timeout)
	defer cancel()
	start := time.Now()
	err := guard(func() error { return r.store.AppendRecords(ctx, entries) })
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		err = fmt.Errorf("append records: %w", err)
	}
	_ = guard(func() error { r.options.OnBatch(len(entries), time.Since(start), err); return nil })
	return err
}

func answerAll(batch []*job, err error) {
	for _, j := range batch {
		j.answer <- err
	}
}

// guard turns a panic into an error: one record that can't be made must not end
// the goroutine that makes all others.
func guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			stack := make([]byte, 4<<10)
			err = fmt.Errorf("panic: %v\n%s", p, stack[:runtime.Stack(stack, false)])
		}
	}()
	return f()
}
