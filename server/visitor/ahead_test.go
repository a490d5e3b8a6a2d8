package visitor_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/notice"
)

// failingNotices is a store that fails when c does.
type failingNotices struct {
	notice.Store
	c *counting
}

func (f failingNotices) ScriptByShort(ctx context.Context, site, short string) (notice.Script, error) {
	if err := f.c.err(); err != nil {
		return notice.Script{}, err
	}
	return f.Store.ScriptByShort(ctx, site, short)
}

// readAhead runs it until done says so.
func (w *world) readAhead(done func() bool) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan struct{})
	go func() { w.directory.ReadAhead(ctx, 0); close(ended) }()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Error("it was not read ahead")
			break
		}
	}
	cancel()
	<-ended
}

// variants is how many scripts a site has, in all its languages.
func (w *world) variants(site string) int {
	w.t.Helper()
	live, err := w.directory.Live(site)
	if err != nil {
		w.t.Fatal(err)
	}
	return len(live.Notice.Variants())
}

// A store that fails right after the start, or right after a publication, keeps nobody
// from what all sites serve: in any language, from anywhere, decided or not, with the
// modules that the scripts fetch.
func TestWhatNobodyAskedForIsServedWithoutTheStore(t *testing.T) {
	w := newWorld(t)
	w.compressed = true
	w.publish("Accept all", "ga4:analytics")
	w.another("blog", "https://blog.example")
	_, decided := w.decide("a", w.boot().T, all(true), nil)
	c := w.counted(0)
	w.script.Archive.Notices = failingNotices{w.db, c}
	there := func() bool {
		_, pieces := w.directory.Held()
		return pieces >= w.variants("shop")+w.variants("blog")
	}
	w.readAhead(there)
	check := func(when string) {
		c.fail.Store(true)
		defer c.fail.Store(false)
		w.now = w.now.Add(time.Hour) // another slot
		for _, region := range []string{"DE", "US-CA", "US-OK", ""} {
			w.region = region
			for _, header := range [][]string{{}, {"Accept-Language", "de"}, {"Cookie", decided}, {"Accept-Language", "de", "Cookie", decided}} {
				for _, path := range []string{"/b/shop.js", "/b/blog.js"} {
					if code := w.status(path, append([]string{"Accept-Encoding", "br"}, header...)...); code != http.StatusOK {
						t.Errorf("%s: %s %v from %q: %d", when, path, header, region, code)
					}
				}
			}
		}
		publication, err := w.db.Current(t.Context(), "shop")
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range publication.Scripts {
			if code := w.status("/b/shop/"+s.Digest.Short()+".js", "Accept-Encoding", "br"); code != http.StatusOK {
				t.Errorf("%s: %v: %d", when, s.Variant, code)
			}
		}
	}
	check("after the start")
	_, before := w.directory.Held()
	w.publish("Accept everything", "ga4:analytics", "meta:marketing")
	if err := w.directory.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	live, err := w.directory.Live("shop")
	if err != nil {
		t.Fatal(err)
	}
	w.readAhead(func() bool {
		_, pieces := w.directory.Held()
		return live.Names() >= w.variants("shop") && pieces > before
	})
	check("after a publication")
}

// What is read ahead leaves room, and nothing of what was wanted makes room for it.
func TestReadingAheadLeavesRoom(t *testing.T) {
	w := newWorld(t)
	w.compressed = true
	w.publish("Accept all", "ga4:analytics")
	const room = 40_000
	c := w.counted(room)
	for _, coding := range []string{"gzip", "zstd"} {
		if code := w.status("/b/shop.js", "Accept-Encoding", coding); code != http.StatusOK {
			t.Fatal(code)
		}
	}
	w.readAhead(func() bool { bytes, _ := w.directory.Held(); return bytes > room*3/4 })
	if bytes, _ := w.directory.Held(); bytes > room {
		t.Errorf("%d bytes", bytes)
	}
	c.fail.Store(true)
	w.now = w.now.Add(time.Hour)
	for _, coding := range []string{"br", "gzip", "zstd"} {
		if code := w.status("/b/shop.js", "Accept-Encoding", coding); code != http.StatusOK {
			t.Errorf("%s: %d", coding, code)
		}
	}
}

// A store that fails is asked again, and what it could not give then is read.
func TestReadingAheadWaitsForTheStore(t *testing.T) {
	w := newWorld(t)
	w.compressed = true
	w.publish("Accept all", "ga4:analytics")
	c := w.counted(0)
	c.fail.Store(true)
	w.readAhead(func() bool {
		if c.names.Load() > 0 {
			c.fail.Store(false)
		}
		_, pieces := w.directory.Held()
		return pieces >= w.variants("shop")
	})
}
