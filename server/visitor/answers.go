package visitor

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/geo"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/cork"
	"github.com/volenti-consent/volenti/server/splice"
)

// Whoever has not decided yet, comes from the same region and wishes the same, gets
// the same bytes for as long as the served token is the same: most requests there
// are. Those are made once and kept for the rest of a slot.

// slotLength divides the ten minutes of a token, and every time zone's midnight falls
// on the end of a slot: no law changes within one.
const slotLength = 5 * 60

// mostAnswerBytes bounds a slot. Behind it answers are made as they are asked for, which
// takes some microseconds more: strangers choose what stands in Accept-Language.
const mostAnswerBytes = 2 << 20

// What an asker and an answer take in memory beside what is counted by its length.
const (
	askerSize = 240
	readySize = 800
)

// An asker is all of an undecided visitor's request that changes the answer. Live is
// another one after each publication.
type asker struct {
	live     *Live
	region   geo.Region
	source   geo.Source
	language string // Accept-Language, as it was sent
	coding   string
	gpc, dnt bool
}

// A ready is an answer that is complete: net/http's own form of its header, and its
// body: that of the script, which all answers with the same script and the shelf share,
// and its end. It is shared, and nobody changes it.
type ready struct {
	tag                                                      string
	contentType, policy, vary, cache, etag, encoding, length []string // one element each; none is left out
	script, end                                              []byte
}

// A slot holds the answers of some minutes.
type slot struct {
	number int64 // Unix time divided by slotLength

	mu      sync.RWMutex
	askers  map[asker]*ready   // guarded by mu
	tags    map[string]*ready  // by tag, which is that of the bytes; guarded by mu
	scripts map[*byte]struct{} // that are counted, by their first byte; guarded by mu
	bytes   int                // of all of it; guarded by mu
}

// Answers keeps what was made. The zero value is ready; it is safe for concurrent use.
type Answers struct{ current atomic.Pointer[slot] }

func (a *Answers) slot(now time.Time) *slot {
	number := now.Unix() / slotLength
	s := a.current.Load()
	if s != nil && s.number == number {
		return s
	}
	next := &slot{number: number, askers: map[asker]*ready{}, tags: map[string]*ready{}, scripts: map[*byte]struct{}{}}
	if a.current.CompareAndSwap(s, next) {
		return next
	}
	return a.current.Load()
}

func (s *slot) find(who asker) *ready {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.askers[who]
}

// keep shares an answer with whoever asked for the same in other words.
func (s *slot) keep(who asker, r *ready) {
	s.mu.Lock()
	defer s.mu.Unlock()
	size, script := askerSize+len(who.language), unsafe.SliceData(r.script) //nolint:gosec // as a name only
	same := s.tags[r.tag]
	if same != nil {
		r = same
	} else {
		size += readySize + len(r.end)
		if _, counted := s.scripts[script]; !counted {
			size += len(r.script)
		}
	}
	if s.bytes+size > mostAnswerBytes {
		return
	}
	s.bytes += size
	s.tags[r.tag], s.scripts[script] = r, struct{}{}
	who.language = strings.Clone(who.language) // else the whole header of the request is kept
	s.askers[who] = r
}

// asking is who asks, if the answer could be one that is kept: nothing in the request
// says that this visitor decided something or that the page wants something special.
func (s *Script) asking(r *http.Request, live *Live) (who asker, ok bool) {
	if r.URL.RawQuery != "" || len(live.Notice.Trials) > 0 {
		return asker{}, false
	}
	for _, line := range r.Header["Cookie"] {
		if strings.Contains(line, CookieName) { // the page /opt-out's begins with it too
			return asker{}, false
		}
	}
	who = asker{live: live, gpc: gpcHeader(r), dnt: live.Notice.DNT == "opt-out" && dntHeader(r),
		language: r.Header.Get("Accept-Language"), coding: negotiate(r.Header.Get("Accept-Encoding"))}
	who.region, who.source = s.Locate(r)
	return who, true
}

// made is the complete answer to an undecided visitor.
func made(live *Live, script canonical.Digest, v view, r *http.Request) (*ready, error) {
	coding, prefix, err := live.shelf.coded(r.Context(), script, negotiate(r.Header.Get("Accept-Encoding")))
	if err != nil {
		return nil, err
	}
	tail := v.boot.append(make([]byte, 0, 512))
	beginning, end := splice.Beginning(coding, prefix), splice.AppendEnd(make([]byte, 0, len(tail)+splice.MaxOverhead), coding, prefix, tail)
	tag := v.tag(script, r)
	a := &ready{
		tag: tag, script: beginning, end: end, etag: []string{tag},
		contentType: scriptType, policy: anyOrigin, vary: scriptVary,
		cache: []string{freshness(live.Notice, v.variant.Kind)}, length: []string{strconv.Itoa(len(beginning) + len(end))},
	}
	if coding != splice.Identity {
		a.encoding = []string{coding}
	}
	return a, nil
}

// send answers without allocating anything: the header's values are shared.
func (a *ready) send(c echo.Context) error {
	w := c.Response()
	h := w.Header()
	h["Content-Type"], h["Cross-Origin-Resource-Policy"], h["Vary"] = a.contentType, a.policy, a.vary
	h["Cache-Control"], h["Etag"] = a.cache, a.etag
	if asked := c.Request().Header.Get("If-None-Match"); asked != "" && match(asked, a.tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	if a.encoding != nil {
		h["Content-Encoding"] = a.encoding
	}
	h["Content-Length"] = a.length
	return writeWhole(c, a.script, a.end)
}

// writeWhole sends a body in two pieces whose Content-Length is set.
func writeWhole(c echo.Context, beginning, end []byte) error {
	w := c.Response()
	w.WriteHeader(http.StatusOK)
	n, err := cork.Write(w.Writer, c.Request(), beginning, end)
	w.Size += int64(n)
	return err
}
