package visitor_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/server/visitor"
)

// A counting store is the real one; it counts what is asked of it, and can fail or
// keep whoever asks for content waiting.
type counting struct {
	notice.Shelf
	visitor.VersionStore
	site.Store
	fail                                atomic.Bool
	wait                                chan struct{} // closed: nobody waits
	asked                               chan struct{} // one for each that waits
	contents, outlines, names, versions atomic.Int64
}

func (c *counting) err() error {
	if c.fail.Load() {
		return fmt.Errorf("the disk: %w", consent.ErrUnavailable)
	}
	return nil
}

func (c *counting) Published(ctx context.Context, since int64) (map[string]int64, error) {
	if err := c.err(); err != nil {
		return nil, err
	}
	return c.Shelf.Published(ctx, since)
}

func (c *counting) Outline(ctx context.Context, seq int64) (*notice.Publication, error) {
	c.outlines.Add(1)
	if err := c.err(); err != nil {
		return nil, err
	}
	return c.Shelf.Outline(ctx, seq)
}

func (c *counting) ScriptAt(ctx context.Context, seq int64, v notice.Variant) (canonical.Digest, error) {
	c.names.Add(1)
	if err := c.err(); err != nil {
		return "", err
	}
	return c.Shelf.ScriptAt(ctx, seq, v)
}

func (c *counting) Content(ctx context.Context, d canonical.Digest, coding string) ([]byte, error) {
	c.contents.Add(1)
	if c.wait != nil {
		c.asked <- struct{}{}
		<-c.wait
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	return c.Shelf.Content(ctx, d, coding)
}

func (c *counting) Versions(ctx context.Context, siteKey, policy string) ([]policyversions.Version, error) {
	c.versions.Add(1)
	return c.VersionStore.Versions(ctx, siteKey, policy)
}

// counted puts a counting store behind a world's directory, which starts cold.
func (w *world) counted(room int) *counting {
	w.t.Helper()
	c := &counting{Shelf: w.db, VersionStore: w.db, Store: w.db}
	w.directory.Notices, w.directory.Versions, w.directory.Room = c, c, room
	w.cold()
	return c
}

// cold forgets what the directory and the script know.
func (w *world) cold() {
	w.t.Helper()
	fresh := &visitor.Directory{Sites: w.directory.Sites, Notices: w.directory.Notices, Versions: w.directory.Versions, Now: w.directory.Now, Log: w.directory.Log, Room: w.directory.Room}
	w.directory, w.script.Directory, w.decisions.Directory = fresh, fresh, fresh
	w.now = w.now.Add(time.Hour) // another slot
	if err := fresh.Refresh(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) status(path string, header ...string) int {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, "https://consent.shop.example"+path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.echo.HTTPErrorHandler = func(err error, c echo.Context) {
		code := http.StatusInternalServerError
		if errors.Is(err, consent.ErrUnavailable) {
			code = http.StatusServiceUnavailable
		}
		_ = c.NoContent(code)
	}
	w.echo.ServeHTTP(rec, r)
	return rec.Code
}

// While the store fails, whatever somebody has asked for before is answered, to visitors
// who have decided too; what nobody has asked for is not, and is as soon as it can be.
func TestTheScriptIsServedWithoutTheStore(t *testing.T) {
	w := newWorld(t)
	w.compressed = true
	w.publish("Accept all", "ga4:analytics")
	c := w.counted(0)
	_, decided := w.decide("a", w.boot().T, all(true), nil)
	warm := [][]string{{"Accept-Encoding", "br"}, {"Accept-Encoding", "br", "Cookie", decided}, {"Accept-Encoding", "br", "Accept-Language", "de"}}
	for _, header := range warm {
		if code := w.status("/b/shop.js", header...); code != http.StatusOK {
			t.Fatalf("%v: %d", header, code)
		}
	}
	publication, err := w.db.Current(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(publication.Scripts, func(s notice.PublishedScript) bool { return s.Kind == notice.KindSettings })
	settings := publication.Scripts[at].Digest.Short()
	c.fail.Store(true)
	w.now = w.now.Add(7 * time.Minute) // of another slot, so made anew
	for range 3 {
		if err := w.directory.Refresh(t.Context()); !errors.Is(err, consent.ErrUnavailable) {
			t.Fatalf("refreshed by a store that fails: %v", err)
		}
		for _, header := range warm {
			if code := w.status("/b/shop.js", header...); code != http.StatusOK {
				t.Errorf("%v without the store: %d", header, code)
			}
		}
		if code := w.status("/b/shop.js", "Accept-Encoding", "zstd"); code != http.StatusServiceUnavailable {
			t.Errorf("what nobody has asked for: %d", code)
		}
		if code := w.status("/b/shop/"+settings+".js", "Accept-Encoding", "br"); code != http.StatusServiceUnavailable {
			t.Errorf("a script nobody has asked for: %d", code)
		}
	}
	c.fail.Store(false)
	if code := w.status("/b/shop.js", "Accept-Encoding", "zstd"); code != http.StatusOK {
		t.Errorf("as soon as it can be: %d", code)
	}
}

// Whoever wants what is being read waits for one reading; nobody else waits.
func TestAColdScriptIsReadOnce(t *testing.T) {
	w := newWorld(t)
	w.compressed = true
	w.publish("Accept all", "ga4:analytics")
	c := w.counted(0)
	if code := w.status("/b/shop.js", "Accept-Encoding", "br"); code != http.StatusOK {
		t.Fatal(code)
	}
	c.wait, c.asked = make(chan struct{}), make(chan struct{}, 100)
	c.contents.Store(0)
	var waiting sync.WaitGroup
	for i := range 20 {
		waiting.Go(func() {
			r := httptest.NewRequest(http.MethodGet, "https://consent.shop.example/b/shop.js", nil)
			r.Header.Set("Accept-Encoding", "zstd")
			r.Header.Set("X-Number", fmt.Sprint(i))
			rec := httptest.NewRecorder()
			w.echo.ServeHTTP(rec, r)
			if rec.Code != http.StatusOK {
				t.Errorf("request %d: %d", i, rec.Code)
			}
		})
	}
	<-c.asked
	for range 100 { // warm, while the store is slow
		if code := w.status("/b/shop.js", "Accept-Encoding", "br"); code != http.StatusOK {
			t.Fatalf("warm: %d", code)
		}
	}
	close(c.wait)
	waiting.Wait()
	if n := c.contents.Load(); n != 1 {
		t.Errorf("read %d times", n)
	}
}

// What is held is bounded by bytes; what is dropped is read again, and is the same.
func TestWhatIsHeldIsBounded(t *testing.T) {
	w := newWorld(t)
	w.compressed = true
	w.publish("Accept all", "ga4:analytics")
	const room = 40_000
	c := w.counted(room)
	lengths := map[string]int{}
	for round := range 3 {
		for _, coding := range []string{"br", "gzip", "zstd", "identity"} {
			w.now = w.now.Add(5 * time.Minute) // so that no answer is kept
			rec := w.get("/b/shop.js", "Accept-Encoding", coding)
			if rec.Code != http.StatusOK || round > 0 && rec.Body.Len() != lengths[coding] {
				t.Fatalf("%s: %d, %d bytes", coding, rec.Code, rec.Body.Len())
			}
			lengths[coding] = rec.Body.Len()
			if bytes, pieces := w.directory.Held(); bytes > room || pieces == 0 {
				t.Fatalf("%d bytes in %d pieces are held", bytes, pieces)
			}
		}
	}
	if n := c.contents.Load(); n <= 4 {
		t.Errorf("read %d times: nothing was dropped, so the test shows nothing", n)
	}
}

// Of what nobody asks for neither bytes nor names are held.
func TestNothingIsReadBeforeItIsWanted(t *testing.T) {
	w := newWorld(t)
	w.compressed = true
	w.publish("Accept all", "ga4:analytics")
	w.another("blog", "https://blog.example")
	c := w.counted(0)
	if _, pieces := w.directory.Held(); pieces != 0 || c.contents.Load() != 0 || c.names.Load() != 0 {
		t.Errorf("%d pieces are held before anybody asks", pieces)
	}
	if code := w.status("/b/shop.js", "Accept-Encoding", "br"); code != http.StatusOK {
		t.Fatal(code)
	}
	live, err := w.directory.Live("shop")
	if err != nil {
		t.Fatal(err)
	}
	if _, pieces := w.directory.Held(); pieces != 1 || live.Names() != 1 {
		t.Errorf("%d pieces are held and %d names known after one visit", pieces, live.Names())
	}
}

// Nothing is loaded again where nothing has changed; what has changed is, and only that.
func TestOnlyWhatChangedIsLoaded(t *testing.T) {
	w := newWorld(t)
	w.publish("Accept all", "ga4:analytics")
	w.another("blog", "https://blog.example")
	c := w.counted(0)
	steady := func(what string, outlines, versions int64) {
		t.Helper()
		c.outlines.Store(0)
		c.versions.Store(0)
		for range 3 {
			if err := w.directory.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if o, v := c.outlines.Load(), c.versions.Load(); o != outlines || v != versions {
			t.Errorf("%s: %d publications and %d policies were read, want %d and %d", what, o, v, outlines, versions)
		}
	}
	live := func() *visitor.Live {
		t.Helper()
		l, err := w.directory.Live("shop")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	steady("nothing has changed", 0, 0)
	before, blog := live(), w.directory.All()[1]

	w.policy("# Privacy\n\nThe second text.\n")
	steady("a new version", 0, 1)
	if after := live(); after == before || after.Policies["privacy"].Number != 2 {
		t.Errorf("the version in force is %d", after.Policies["privacy"].Number)
	}

	draft, err := policyversions.Import([]byte("# Privacy\n\nThe third text.\n"), "privacy.md")
	if err != nil {
		t.Fatal(err)
	}
	draft.Language = "en"
	p := policyversions.Publisher{Store: w.db, Now: func() time.Time { return w.now }}
	if _, err := p.Publish(t.Context(), "shop", "privacy", draft, w.now.Add(48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	steady("a version to come", 0, 1)
	if live().Policies["privacy"].Number != 2 {
		t.Error("a version is in force before its day")
	}
	w.now = w.now.Add(72 * time.Hour)
	steady("its day", 0, 1)
	if n := live().Policies["privacy"].Number; n != 3 {
		t.Errorf("on its day, version %d is in force", n)
	}

	if w.directory.All()[1] != blog {
		t.Error("a site was loaded again although nothing of it had changed")
	}
	w.another("forum", "https://forum.example")
	if len(w.directory.All()) != 3 {
		t.Error("a new site is not served")
	}
}

// Experiences are bounded too, and counted rightly while publications replace one
// another; a site that had to forget some is served on, and its decisions are taken.
func TestExperiencesAreBounded(t *testing.T) {
	w := newWorld(t)
	w.publish("Accept all", "ga4:analytics")
	regions := []string{"DE", "US-CA", "BR", "FR", "JP", "CH", "GB", ""}
	count := func(what string, surplus int) {
		t.Helper()
		if counted, there := w.directory.Described(); counted != there+surplus || there == 0 {
			t.Errorf("%s: %d experiences are counted, %d are there", what, counted, there)
		}
	}
	visit := func() {
		t.Helper()
		for _, region := range regions {
			w.region = region
			w.boot()
		}
	}
	visit()
	count("some regions", 0)
	_, many := w.directory.Described()
	for i := range 3 {
		w.publish(fmt.Sprint("Accept ", i), "ga4:analytics")
		visit()
		count("published again", 0)
	}
	w.region = "DE"
	token := w.boot().T
	w.directory.FillDescribed()
	w.now = w.now.Add(5 * time.Minute)
	w.publish("Accept now", "ga4:analytics")
	visit()
	count("too many elsewhere", visitor.MostDescribed)
	if _, there := w.directory.Described(); there != 1 || many < 3 {
		t.Errorf("%d are held where one may be; there were %d before", there, many)
	}
	w.region = "DE"
	if receipt, _ := w.decide("a", token, all(true), nil); receipt["id"] == nil {
		t.Errorf("a decision under what was forgotten: %v", receipt)
	}
}
