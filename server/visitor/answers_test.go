package visitor_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/geo"
	"github.com/volenti-consent/volenti/server/visitor"
)

// fresh is the answer of a server that has kept none.
func (w *world) fresh(r *http.Request) *httptest.ResponseRecorder {
	script := &visitor.Script{Directory: w.script.Directory, Laws: w.script.Laws, Cookies: w.script.Cookies,
		Tokens: w.script.Tokens, Archive: w.script.Archive, Now: w.script.Now, Locate: w.script.Locate}
	e := echo.New()
	e.HTTPErrorHandler = w.echo.HTTPErrorHandler
	e.GET("/b/:file", script.Get)
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, r)
	return rec
}

// Whatever visitors come in whatever order, each gets what he would get alone.
func TestAKeptAnswerIsTheOneThatWouldBeMade(t *testing.T) {
	w := newWorld(t)
	w.compressed = true
	w.publish("Accept all", "ga4:analytics", "meta:marketing")
	_, decided := w.decide("a", w.boot().T, all(true), nil)
	random := rand.New(rand.NewPCG(20261121, 7))
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	published := 0
	kept, different := map[string]bool{}, map[string]bool{}
	for i := range 3000 {
		switch random.IntN(200) {
		case 0:
			w.now = w.now.Add(time.Duration(random.IntN(400)) * time.Second)
		case 1:
			published++
			w.publish("Accept all", fmt.Sprintf("v%d:analytics", published))
		}
		w.region = pick("DE", "DE", "US-CA", "US-OK", "FR", "")
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://consent.shop.example/b/shop.js"+pick("", "", "", "?lang=de"), nil)
		for _, h := range [][2]string{
			{"Accept-Language", pick("", "de", "en-GB,en;q=0.9", "fr;q=0.1, de", strings.Repeat("x", 300))},
			{"Accept-Encoding", pick("", "br", "gzip", "gzip, br;q=0", "zstd")},
			{"Sec-GPC", pick("", "", "1", "2")},
			{"DNT", pick("", "1")},
			{"Cookie", pick("", "", "session=1", decided, "volenti=forged", "volenti-optout=1")},
		} {
			if h[1] != "" {
				r.Header.Set(h[0], h[1])
			}
		}
		want := w.fresh(r)
		if tag := want.Header().Get("ETag"); tag != "" && random.IntN(4) == 0 {
			r.Header.Set("If-None-Match", tag)
			want = w.fresh(r)
		}
		got := httptest.NewRecorder()
		w.echo.ServeHTTP(got, r)
		if got.Code != want.Code || got.Body.String() != want.Body.String() || !slices.Equal(headerLines(got.Header()), headerLines(want.Header())) {
			t.Fatalf("request %d, %v in %q:\ngot  %d %v, %d bytes\nwant %d %v, %d bytes", i, r.Header, w.region,
				got.Code, got.Header(), got.Body.Len(), want.Code, want.Header(), want.Body.Len())
		}
		different[got.Body.String()] = true
		kept[got.Header().Get("ETag")] = true
	}
	if len(different) < 50 || len(kept) < 20 {
		t.Errorf("only %d different answers: the test shows little", len(different))
	}
}

func headerLines(h http.Header) (all []string) {
	for name, values := range h {
		all = append(all, name+": "+strings.Join(values, ", "))
	}
	slices.Sort(all)
	return all
}

// discard is a connection that keeps its header, as net/http's does between requests.
type discard struct {
	header http.Header
	status int
	bytes  int
}

func (d *discard) Header() http.Header { return d.header }
func (d *discard) WriteHeader(s int)   { d.status = s }
func (d *discard) Write(b []byte) (int, error) {
	d.bytes += len(b)
	return len(b), nil
}

func plainRequest() *http.Request {
	r := httptest.NewRequest(http.MethodGet, "https://consent.shop.example/b/shop.js", nil)
	r.Header.Set("Accept-Language", "de-DE,de;q=0.9,en;q=0.8")
	r.Header.Set("Accept-Encoding", "gzip, deflate, br, zstd")
	r.Header.Set("Cookie", "session=0123456789abcdef; theme=dark")
	return r
}

func TestTheCommonAnswerAllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("under the race detector pools forget what they hold; make test runs it without")
	}
	w := newWorld(t)
	w.compressed = true
	w.publish("Accept all", "ga4:analytics")
	w.script.Locate = func(*http.Request) (geo.Region, geo.Source) { return geo.Region{Country: "DE"}, geo.FromDatabase } // geo's own allocations are counted there
	bare := echo.New()
	bare.GET("/b/:file", func(c echo.Context) error { return nil })
	d, r := &discard{header: http.Header{}}, plainRequest()
	count := func(e *echo.Echo) float64 {
		return testing.AllocsPerRun(200, func() { e.ServeHTTP(d, r) })
	}
	if ours, theirs := count(w.echo), count(bare); ours > theirs || d.status != http.StatusOK || d.bytes < 200*3000 {
		t.Errorf("%v allocations, %v by an empty handler; status %d, %d bytes", ours, theirs, d.status, d.bytes)
	}
	again := plainRequest()
	again.Header.Set("If-None-Match", d.header.Get("ETag"))
	r = again
	if n := count(w.echo); n > 0 || d.status != http.StatusNotModified {
		t.Errorf("%v allocations for the same again, status %d", n, d.status)
	}
}

// Somebody who has decided gets an answer of his own; what it takes does not grow unseen.
func TestAnAnswerToTheDecidedAllocatesLittle(t *testing.T) {
	if raceDetector {
		t.Skip("under the race detector pools forget what they hold; make test runs it without")
	}
	w := newWorld(t)
	w.compressed = true
	w.publish("Accept all", "ga4:analytics")
	_, decided := w.decide("a", w.boot().T, all(true), nil)
	d, r := &discard{header: http.Header{}}, plainRequest()
	r.Header.Add("Cookie", decided)
	w.echo.ServeHTTP(d, r)
	if n := testing.AllocsPerRun(200, func() { w.echo.ServeHTTP(d, r) }); n > mostForTheDecided || d.status != http.StatusOK {
		t.Errorf("%v allocations, status %d", n, d.status)
	}
}

// mostForTheDecided are mostly those of reading a signed cookie, signing a token and
// matching languages; there are 68.
const mostForTheDecided = 80

// Long headers count for what they take.
func TestStrangersCannotFillTheMemoryWithFew(t *testing.T) {
	w := newWorld(t)
	w.publish("Accept all", "ga4:analytics")
	r := plainRequest()
	for i := range 200 {
		r.Header.Set("Accept-Language", strings.Repeat(string(rune('a'+i%26)), 60_000+i))
		w.echo.ServeHTTP(&discard{header: http.Header{}}, r)
	}
	if n := w.script.KeptAnswers(); n == 0 || n > 2<<20/60_000 {
		t.Errorf("%d kept", n)
	}
}

// What answers have in common is there once.
func TestAnswersShareTheScript(t *testing.T) {
	w := newWorld(t)
	w.compressed = true
	w.publish("Accept all", "ga4:analytics")
	r := plainRequest()
	counted := func() int { n, _ := w.script.AnswerBytes(); return n }
	w.region = "DE"
	w.echo.ServeHTTP(&discard{header: http.Header{}}, r)
	one := counted()
	for _, region := range []string{"FR", "IT", "ES", "PT", "NL", "BE", "AT", "PL", "DK", "SE"} {
		w.region = region
		w.echo.ServeHTTP(&discard{header: http.Header{}}, r)
	}
	if eleven := counted(); one < 3000 || eleven-one > 10*2000 || w.script.KeptAnswers() != 11 {
		t.Errorf("one answer takes %d bytes, eleven with the same script %d; %d are kept", one, eleven, w.script.KeptAnswers())
	}
}

// Strangers who make up languages fill one slot, and no more than that.
func TestStrangersCannotFillTheMemory(t *testing.T) {
	w := newWorld(t)
	w.publish("Accept all", "ga4:analytics")
	r := plainRequest()
	for i := range 40000 {
		r.Header.Set("Accept-Language", "x-"+string(rune('a'+i%26))+strings.Repeat("b", i/26%40)+strings.Repeat("c", i/1040))
		rec := &discard{header: http.Header{}}
		w.echo.ServeHTTP(rec, r)
		if rec.status != http.StatusOK {
			t.Fatalf("request %d: %d", i, rec.status)
		}
	}
	if n := w.script.KeptAnswers(); n == 0 || n > 1<<14 {
		t.Errorf("%d kept", n)
	}
	if counted, most := w.script.AnswerBytes(); counted > most || counted < most/2 {
		t.Errorf("%d bytes are counted, of %d", counted, most)
	}
	w.now = w.now.Add(5 * time.Minute)
	w.echo.ServeHTTP(&discard{header: http.Header{}}, r)
	if n := w.script.KeptAnswers(); n != 1 {
		t.Errorf("%d kept of a slot that is over", n)
	}
}
