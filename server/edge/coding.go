package edge

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// A coding is a content coding that can be read and written as a stream.
type coding struct {
	decode func(io.Reader) (io.Reader, error)
	encode func(io.Writer) encoder
	pool   *sync.Pool // of encoders that are closed
}

// An encoder writes a coding. Flush makes all that was written readable.
type encoder interface {
	io.WriteCloser
	Flush() error
	Reset(io.Writer)
}

// codings are those that browsers and servers use today. A page is compressed
// again as its server did, fast rather than small: somebody waits.
var codings = map[string]*coding{
	"gzip": {
		decode: func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		encode: func(w io.Writer) encoder { z, _ := gzip.NewWriterLevel(w, 5); return z },
		pool:   &sync.Pool{},
	},
	"br": {
		decode: func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil },
		encode: func(w io.Writer) encoder {
			// The window of half a megabyte holds a page; the usual one of four would
			// cost 25 MB for every long page that is on its way.
			return brotli.NewWriterOptions(w, brotli.WriterOptions{Quality: 4, LGWin: 19})
		},
		pool: &sync.Pool{},
	},
	"zstd": {
		decode: func(r io.Reader) (io.Reader, error) {
			// In step with what it is given, and with no more memory than browsers
			// allow (RFC 8878 § 3.1.1.1.2, RFC 9659).
			z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20))
			if err != nil {
				return nil, err
			}
			return z.IOReadCloser(), nil
		},
		encode: func(w io.Writer) encoder {
			z, _ := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(1<<20))
			return z
		},
		pool: &sync.Pool{},
	},
}

func (c *coding) encoder(w io.Writer) encoder {
	if e, ok := c.pool.Get().(encoder); ok {
		e.Reset(w)
		return e
	}
	return c.encode(w)
}

// A decoder passes on, decoded, what is written to it.
type decoder struct {
	in  source
	err error
}

func newDecoder(c *coding, out io.Writer) *decoder {
	d := &decoder{}
	d.in.start(func() {
		r, err := c.decode(&d.in)
		if err == nil {
			_, err = io.Copy(struct{ io.Writer }{out}, struct{ io.Reader }{r})
		}
		if closer, ok := r.(io.Closer); ok {
			_ = closer.Close() // nothing is written by it
		}
		d.err = err
	})
	return d
}

func (d *decoder) Write(p []byte) (int, error) {
	d.in.give(p)
	if d.err != nil {
		return 0, fmt.Errorf("edge: decode the page: %w", d.err)
	}
	return len(p), nil
}

// Close ends the stream. One that was cut off is an error.
func (d *decoder) Close() error {
	d.in.end()
	if d.err != nil {
		return fmt.Errorf("edge: decode the page: %w", d.err)
	}
	return nil
}

// readable leaves of a browser's Accept-Encoding what we can read too. What
// servers make of it then, we can pass on in the same coding.
func readable(accept string) string {
	var kept []string
	for part := range strings.SplitSeq(accept, ",") {
		name, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		name = strings.ToLower(strings.TrimSpace(name))
		if codings[name] != nil || name == "identity" {
			kept = append(kept, strings.TrimSpace(part))
		}
	}
	if len(kept) == 0 {
		return "identity"
	}
	return strings.Join(kept, ", ")
}

// codingOf is the coding of an answer; known is false where it can't be read.
func codingOf(header []string) (c *coding, known bool) {
	name := strings.ToLower(strings.TrimSpace(strings.Join(header, ",")))
	switch name {
	case "", "identity":
		return nil, true
	case "x-gzip":
		name = "gzip"
	}
	c = codings[name]
	return c, c != nil
}
