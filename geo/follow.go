package geo

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// A Follower is an operator's database that is replaced while the server runs:
// whatever file lies at its path, once it is whole, answers lookups. The former
// one answers until then, and for good if the new one is no database. Readers
// are never closed, so a lookup under way keeps its file; the garbage collector
// frees it afterwards.
type Follower struct {
	path    string
	failed  func(error)
	current atomic.Pointer[Database]

	mu    sync.Mutex
	tried os.FileInfo // the file last tried, good or not; nil if there was none. Guarded by mu.
}

var _ Lookuper = (*Follower)(nil)

// Follow opens the database at path, which must be a good one. failed is told
// each time a later file is refused, from the goroutine of Reload; it may be nil.
func Follow(path string, failed func(error)) (*Follower, error) {
	f := &Follower{path: path, failed: failed}
	if f.failed == nil {
		f.failed = func(error) {}
	}
	if _, err := f.reload(); err != nil {
		return nil, err
	}
	return f, nil
}

// Lookup is the region of addr in the file that is current.
func (f *Follower) Lookup(addr netip.Addr) Region { return f.current.Load().Lookup(addr) }

// Info describes the file that is current.
func (f *Follower) Info() Info { return f.current.Load().Info() }

// errUnsettled says that the file changed while it was read.
var errUnsettled = errors.New("the file is being written")

// Reload takes up the file at the path if it is another one than was last tried
// (by identity, size or time of change), and reports whether it did. A file that
// is refused is reported once and not tried again until it changes.
func (f *Follower) Reload() (taken bool) {
	taken, err := f.reload()
	if err != nil && !errors.Is(err, errUnsettled) {
		f.failed(err)
	}
	return taken
}

func (f *Follower) reload() (taken bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before, err := os.Stat(f.path)
	if err != nil {
		if f.tried == nil && f.current.Load() != nil {
			return false, nil // reported already
		}
		f.tried = nil
		return false, err
	}
	if f.tried != nil && sameFile(f.tried, before) {
		return false, nil
	}
	d, err := Open(f.path)
	after, statErr := os.Stat(f.path)
	if statErr != nil || !sameFile(before, after) {
		if f.current.Load() != nil {
			return false, errUnsettled // the next Reload sees the file again
		}
		return false, errors.Join(errUnsettled, err)
	}
	f.tried = after
	if err != nil {
		return false, err
	}
	f.current.Store(d)
	return true, nil
}

func sameFile(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// Run reloads every interval until ctx is done.
func (f *Follower) Run(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			f.Reload()
		}
	}
}
