package metrics

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	b, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestWhatIsCountedIsShown(t *testing.T) {
	waiting, known := 3.0, true
	m := New("v1", Gauge{"records_waiting", "Records that wait.", func() (float64, bool) { return waiting, known }})
	m.Route("GET", "/b/:file")
	m.Answered("GET", "/b/:file", 200, 3*time.Millisecond)
	m.Answered("GET", "/b/:file", 304, time.Millisecond)
	m.Answered("GET", "/made/up/by/somebody", 404, time.Second)
	m.Answered("GET", "/b/:file", 999, time.Millisecond) // no server of ours: counted all the same
	m.Batch(7, 4*time.Millisecond, nil)
	m.Batch(1, time.Second, errors.New("disk full"))
	m.Refused("rate")
	text := scrape(t, m)
	for _, line := range []string{
		`volenti_http_requests_total{code="2xx",method="GET",route="/b/:file"} 1`,
		`volenti_http_requests_total{code="3xx",method="GET",route="/b/:file"} 1`,
		`volenti_http_requests_total{code="4xx",method="",route="unmatched"} 1`,
		`volenti_http_requests_total{code="5xx",method="GET",route="/b/:file"} 1`,
		`volenti_http_request_seconds_bucket{method="GET",route="/b/:file",le="0.005"} 3`,
		`volenti_record_batches_total{outcome="kept"} 1`,
		`volenti_record_batches_total{outcome="failed"} 1`,
		`volenti_record_batch_records_sum 7`,
		`volenti_refused_total{reason="rate"} 1`,
		`volenti_refused_total{reason="busy"} 0`,
		`volenti_records_waiting 3`,
		`volenti_build_info{version="v1"} 1`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
	if strings.Contains(text, "made") {
		t.Error("a stranger made up a route")
	}
	known = false
	if strings.Contains(scrape(t, m), "volenti_records_waiting") {
		t.Error("a gauge that can't be told is shown")
	}
}

func TestCountingARequestAllocatesNothing(t *testing.T) {
	m := New("v1")
	m.Route("GET", "/b/:file")
	if n := testing.AllocsPerRun(100, func() { m.Answered("GET", "/b/:file", 200, time.Millisecond) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	var none *Metrics
	none.Route("GET", "/")
	none.Answered("GET", "/", 200, 0)
	none.Batch(1, 0, nil)
	none.Refused("rate")
}
