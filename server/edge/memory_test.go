// The race detector makes these tests ten times slower and has nothing to find:
// all of a page runs in one goroutine.
//go:build !race

package edge

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

// heap is what is in use after all that can be freed is free.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A tally counts what is written to it, and keeps none of it.
type tally struct {
	header http.Header
	bytes  int64
	body   io.Writer // gets it too; or nil
}

func (w *tally) Header() http.Header { return w.header }
func (w *tally) WriteHeader(int)     {}
func (w *tally) Flush()              {}
func (w *tally) Write(p []byte) (int, error) {
	w.bytes += int64(len(p))
	if w.body != nil {
		return w.body.Write(p)
	}
	return len(p), nil
}

// A page goes through the middleware in constant memory, however long it is,
// and as it was sent: bare or in a coding, which is read and written again.
func TestMemoryDoesNotGrowWithThePage(t *testing.T) {
	const most = 16 << 20 // above what is in use before the page
	begin, part := []byte("<!doctype html><title>Lamps</title><body>"), lampPage(64<<10)
	for strings.Count(string(part), liveTag) < 4 { // tags to hold
		part = append(part, liveTag...)
	}
	part = append(part, strings.Repeat("<p>A lamp of brass and glass.</p> "+strings.Repeat("lamps ", 5000), 8)...)
	p := shopPage(t, Nothing{})
	held := int64(len(rewrite(p, string(begin)+string(part), 0)) - len(begin))
	if held == int64(len(part)) {
		t.Fatal("nothing in the page is held: the test shows nothing")
	}
	for name, size := range map[string]int{"": 256 << 20, "gzip": 64 << 20, "br": 32 << 20, "zstd": 32 << 20} {
		t.Run("coding "+name, func(t *testing.T) {
			var (
				parts = size / len(part)
				c     = codings[name]
				sent  = int64(len(begin)) + int64(parts)*held
				out   = &tally{header: http.Header{}}
				read  = &tally{} // out, decoded
				d     *decoder
			)
			if c != nil {
				d = newDecoder(c, read)
				out.body = d
			}
			start := heap()
			New(Options{Decide: func(*http.Request) Decision { return Decision{Rules: p.judge, Categories: p.marked} }})(
				http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "text/html; charset=utf-8")
					var to io.Writer = w
					if c != nil {
						w.Header().Set("Content-Encoding", name)
						packed := c.encode(w)
						defer packed.Close()
						to = packed
					}
					if _, err := to.Write(begin); err != nil {
						t.Error(err)
						return
					}
					for i := range parts {
						if _, err := to.Write(part); err != nil {
							t.Errorf("after %d bytes: %v", i*len(part), err)
							return
						}
						if i%(parts/8) > 0 {
							continue
						}
						if now := heap(); now > start+most {
							t.Errorf("after %d MB the heap has grown by %d KB", i*len(part)>>20, (now-start)>>10)
						}
					}
				})).ServeHTTP(out, httptest.NewRequest(http.MethodGet, "https://www.shop.example/lamps/index.html", nil))
			got := out.bytes
			if d != nil {
				if err := d.Close(); err != nil {
					t.Error(err)
				}
				got = read.bytes
			}
			if got != sent {
				t.Errorf("%d bytes came out, want %d", got, sent)
			}
		})
	}
}

// Nor does it grow with what has no end: a tag, a comment, the text of a script
// that nobody closes.
func TestMemoryDoesNotGrowWithWhatNeverEnds(t *testing.T) {
	const limit, most = 64 << 10, 1 << 20
	for _, begin := range []string{
		"", "<p>", "<", "<p ", "<p a", `<p a="`, "</p ", "<!", "<!--", "<!doctype ", "<?", "<svg><![CDATA[", "<![CDATA[",
		"<script>", "<script><!--<script>", `<script src="https://tracker.example/t.js">`, "<style>", "<title>", "<textarea>", "<noscript>", "<iframe>", "<xmp>", "<plaintext>", "<template>",
	} {
		start := heap()
		w := newWriter(io.Discard, shopPage(t, Nothing{}), nil)
		w.max = limit
		_, _ = io.WriteString(w, begin)
		for _, text := range []string{"lamps ", "=", "a\n"} {
			chunk := bytes.Repeat([]byte(text), limit/len(text))
			for range 32 {
				_, _ = w.Write(chunk)
			}
			if now := heap(); now > start+most {
				t.Errorf("%q and 2 MB of %q: the heap has grown by %d KB", begin, text, (now-start)>>10)
			}
		}
		_ = w.Close()
	}
}
