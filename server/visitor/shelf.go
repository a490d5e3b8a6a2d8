package visitor

import (
	"container/list"
	"context"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/splice"
)

// A Shelf holds the scripts and wordings that visitors ask for: each once, whichever
// sites and publications name it, and as many as fit. What is not there is read from
// the store, once for all who wait for it; nobody else waits.
type Shelf struct {
	store notice.Shelf
	room  int // bytes

	reading   singleflight.Group
	described atomic.Int64 // experiences that all Lives know together

	mu       sync.Mutex
	all      map[piece]*list.Element    // of *held; guarded by mu
	order    list.List                  // the one that was asked for last comes first; guarded by mu
	bytes    int                        // of all that is held; guarded by mu
	matchers map[string]*notice.Matcher // by languages; guarded by mu
}

// usualRoom holds the scripts of some hundred sites in the languages their visitors read.
const usualRoom = 5 << 20

// mostDescribed bounds the experiences in memory, of some one and a half kilobytes each, but for
// one a site: a site that describes another when there are so many forgets its others.
const mostDescribed = 512

// readWithin is how long a visitor waits for what must be read first.
const readWithin = 5 * time.Second

type piece struct {
	digest canonical.Digest
	coding string
}

type held struct {
	piece
	bytes []byte // nil: it is not kept in that coding
}

// size is what a piece takes in memory, with what it takes to find it.
func (h *held) size() int { return len(h.bytes) + 350 }

func newShelf(store notice.Shelf, room int) *Shelf {
	if room <= 0 {
		room = usualRoom
	}
	return &Shelf{store: store, room: room, all: map[piece]*list.Element{}, matchers: map[string]*notice.Matcher{}}
}

// content is what is kept under a digest in a coding; nil where it is not kept so.
func (s *Shelf) content(ctx context.Context, digest canonical.Digest, coding string) ([]byte, error) {
	p := piece{digest, coding}
	if b, ok := s.find(p); ok {
		return b, nil
	}
	return once(ctx, s, coding+" "+string(digest), func(ctx context.Context) ([]byte, error) {
		if b, ok := s.find(p); ok { // somebody else has just read it
			return b, nil
		}
		b, err := s.store.Content(ctx, digest, coding)
		if err == nil {
			s.put(&held{p, b})
		}
		return b, err
	})
}

// coded is a script in a coding, or as it is where it is not kept in that.
func (s *Shelf) coded(ctx context.Context, digest canonical.Digest, coding string) (string, []byte, error) {
	b, err := s.content(ctx, digest, coding)
	if b == nil && err == nil && coding != splice.Identity {
		coding = splice.Identity
		b, err = s.content(ctx, digest, coding)
	}
	if b == nil && err == nil {
		err = notice.ErrUnpublished
	}
	return coding, b, err
}

func (s *Shelf) scriptAt(ctx context.Context, seq int64, v notice.Variant) (canonical.Digest, error) {
	key := strings.Join([]string{strconv.FormatInt(seq, 10), string(v.Kind), string(v.Surface), v.Language, v.Trial}, "\n")
	return once(ctx, s, key, func(ctx context.Context) (canonical.Digest, error) { return s.store.ScriptAt(ctx, seq, v) })
}

// once reads for all who want the same at a time. It goes on when the first of them
// has gone.
func once[T any](ctx context.Context, s *Shelf, key string, read func(ctx context.Context) (T, error)) (T, error) {
	v, err, _ := s.reading.Do(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readWithin)
		defer cancel()
		return read(ctx)
	})
	return v.(T), err
}

func (s *Shelf) find(p piece) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.all[p]
	if e == nil {
		return nil, false
	}
	s.order.MoveToFront(e)
	return e.Value.(*held).bytes, true
}

func (s *Shelf) put(h *held) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all[h.piece] != nil {
		return
	}
	s.all[h.piece] = s.order.PushFront(h)
	s.bytes += h.size()
	for s.bytes > s.room && s.order.Len() > 1 {
		last := s.order.Remove(s.order.Back()).(*held)
		delete(s.all, last.piece)
		s.bytes -= last.size()
	}
}

// matcher is that of a notice's languages. It has some tens of kilobytes, and most sites
// have the same.
func (s *Shelf) matcher(n *notice.Notice) *notice.Matcher {
	key := strings.Join(n.Languages, " ")
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.matchers[key]
	if m == nil {
		m = notice.NewMatcher(n)
		s.matchers[key] = m
	}
	return m
}
