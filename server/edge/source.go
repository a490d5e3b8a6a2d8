package edge

import (
	"io"
	"iter"
)

// A source lets what reads its input be written to. The reader runs in a
// coroutine: when it wants more than there is, it goes back to the caller of
// give. So nothing runs at the same time, and when give returns, everything
// that was given is dealt with.
type source struct {
	chunk, rest []byte // what give was given, and what of it was not read yet
	given       int    // bytes read so far
	ended       bool
	idle        func() // called whenever all is read and more is wanted; or nil
	resume      func() (struct{}, bool)
	stop        func()
	wait        func(struct{}) bool
}

func (s *source) start(run func()) {
	s.resume, s.stop = iter.Pull(func(yield func(struct{}) bool) {
		s.wait = yield
		run()
	})
}

// give hands p to the reader, and returns when it is used up or not wanted.
func (s *source) give(p []byte) {
	s.chunk, s.rest = p, p
	s.resume()
	s.chunk, s.rest = nil, nil
}

// end tells the reader that there is no more, and waits for its end.
func (s *source) end() {
	s.ended = true
	s.resume()
	s.stop()
}

// more waits for input; false means that there is none left.
func (s *source) more() bool {
	for len(s.rest) == 0 {
		if s.idle != nil {
			s.idle()
		}
		if s.ended || !s.wait(struct{}{}) {
			return false
		}
	}
	return true
}

// Read implements io.Reader for the coroutine.
func (s *source) Read(p []byte) (int, error) {
	if !s.more() {
		return 0, io.EOF
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	s.given += n
	return n, nil
}
