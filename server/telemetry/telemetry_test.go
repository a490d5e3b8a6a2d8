package telemetry

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// A collector takes what is posted to it, and reads it with the official types:
// TracesData has the fields of ExportTraceServiceRequest.
type collector struct {
	*httptest.Server
	mu    sync.Mutex
	spans []*tracepb.Span     // guarded by mu
	about map[string]string   // of the resource; guarded by mu
	raw   bytes.Buffer        // guarded by mu
	heads []map[string]string // guarded by mu
}

func collect(t *testing.T) *collector {
	c := &collector{about: map[string]string{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var data tracepb.TracesData
		if err == nil {
			err = proto.UnmarshalOptions{DiscardUnknown: false}.Unmarshal(body, &data)
		}
		if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
			t.Errorf("%s %s: %v", r.URL.Path, r.Header, err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.raw.Write(body)
		c.heads = append(c.heads, map[string]string{"x-key": r.Header.Get("X-Key")})
		for _, rs := range data.ResourceSpans {
			for _, kv := range rs.Resource.Attributes {
				c.about[kv.Key] = kv.Value.GetStringValue()
			}
			for _, ss := range rs.ScopeSpans {
				if ss.Scope.Name == "" || len(ss.ProtoReflect().GetUnknown()) > 0 {
					t.Error("no scope")
				}
				c.spans = append(c.spans, ss.Spans...)
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) named(name string) *tracepb.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if s.Name == name {
			return s
		}
	}
	return nil
}

func TestSpansArriveAndSayNothingOfAnybody(t *testing.T) {
	c := collect(t)
	tracer, err := New(Options{Endpoint: c.URL, Headers: "x-key=a%20secret", Service: "volenti", Version: "1.2.3", Share: 1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/v1/sites/canary-site/receipts/canaryreceipt?canary=query", nil)
	r.RemoteAddr = "203.0.113.77:4444"
	r.Header.Set("User-Agent", "canary-agent/7")
	r.Header.Set("Cookie", "volenti=canarycookie")
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	r.Header.Set("Tracestate", "canary=state")
	r.Header.Set("Baggage", "canary=baggage")
	tracer.Request(r)("/v1/sites/:site/receipts/:id", 503)
	odd := httptest.NewRequest(http.MethodGet, "/", nil)
	odd.Method = "CANARY"
	tracer.Request(odd)("", 404)
	tracer.Request(odd)("/fails", 500)
	tracer.Request(odd)("/refuses", 499)
	tracer.Done("record.batch", 7, 3*time.Second, errors.New("canary in an error"))
	if err := tracer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	one := c.named("GET /v1/sites/:site/receipts/:id")
	if one == nil || one.Kind != tracepb.Span_SPAN_KIND_SERVER || one.Status.GetCode() != tracepb.Status_STATUS_CODE_ERROR ||
		string(one.TraceId) != "\x0a\xf7\x65\x19\x16\xcd\x43\xdd\x84\x48\xeb\x21\x1c\x80\x31\x9c" || len(one.SpanId) != 8 || string(one.ParentSpanId) != "\xb7\xad\x6b\x71\x69\x20\x33\x31" {
		t.Fatalf("%+v", one)
	}
	attributes := map[string]string{}
	for _, kv := range one.Attributes {
		attributes[kv.Key] = kv.Value.String()
	}
	if len(attributes) != 3 || !strings.Contains(attributes["http.response.status_code"], "503") || !strings.Contains(attributes["http.route"], ":id") {
		t.Errorf("%v", attributes)
	}
	batch := c.named("record.batch")
	if batch == nil || batch.EndTimeUnixNano-batch.StartTimeUnixNano != uint64(3*time.Second) || batch.Attributes[0].Value.GetIntValue() != 7 || batch.Status.GetCode() != tracepb.Status_STATUS_CODE_ERROR {
		t.Errorf("%+v", batch)
	}
	if c.named("_OTHER unmatched") == nil {
		t.Error("a method that a stranger made up")
	}
	if c.named("_OTHER /fails").Status.GetCode() != tracepb.Status_STATUS_CODE_ERROR || c.named("_OTHER /refuses").Status.GetCode() == tracepb.Status_STATUS_CODE_ERROR {
		t.Error("what is an error")
	}
	if c.about["service.name"] != "volenti" || c.about["service.version"] != "1.2.3" || c.heads[0]["x-key"] != "a secret" {
		t.Errorf("%v %v", c.about, c.heads)
	}
	for _, never := range []string{"canary", "CANARY", "203.0.113"} {
		if bytes.Contains(c.raw.Bytes(), []byte(never)) {
			t.Errorf("%s was sent", never)
		}
	}
}

// Calls of ours to others are told by what they are for and whether they worked; whom they
// went to is not.
func TestCallsAreTold(t *testing.T) {
	c := collect(t)
	tracer, err := New(Options{Endpoint: c.URL, Service: "volenti", Share: 1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, _ := strconv.Atoi(r.URL.Path[1:])
		w.WriteHeader(status)
	}))
	for name, path := range map[string]string{"taken": "/204", "moved": "/399", "refused": "/400"} {
		resp, err := (&http.Client{Transport: tracer.Calls(name, nil)}).Get(other.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	other.Close()
	if _, err := (&http.Client{Transport: tracer.Calls("away", http.DefaultTransport)}).Get(other.URL); err == nil {
		t.Fatal("nobody is there, and somebody answered")
	}
	if err := tracer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, failed := range map[string]bool{"taken": false, "moved": false, "refused": true, "away": true} {
		if s := c.named(name); s == nil || (s.Status.GetCode() == tracepb.Status_STATUS_CODE_ERROR) != failed {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if address := strings.TrimPrefix(other.URL, "http://"); bytes.Contains(c.raw.Bytes(), []byte(address)) {
		t.Errorf("%s was sent", address)
	}
}

// A collector that takes nothing is complained of once, until it takes something again.
func TestACollectorThatRefuses(t *testing.T) {
	status := http.StatusServiceUnavailable
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	defer refuses.Close()
	var lines bytes.Buffer
	e, err := newExporter(Options{Endpoint: refuses.URL, Log: slog.New(slog.NewTextHandler(&lines, nil))})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct{ status, said int }{{503, 1}, {503, 1}, {302, 1}, {200, 1}, {199 + 5, 1}, {300, 2}} {
		status = want.status
		_ = e.ExportSpans(t.Context(), nil)
		if n := strings.Count(lines.String(), "does not take traces"); n != want.said {
			t.Errorf("batch %d: said %d times, want %d\n%s", i, n, want.said, &lines)
		}
	}
	if to, err := target("https://collector.example"); err != nil || to != "https://collector.example/v1/traces" {
		t.Error(to, err)
	}
}

func TestWithoutACollectorNothingIsFollowed(t *testing.T) {
	tracer, err := New(Options{})
	if tracer != nil || err != nil {
		t.Fatal(tracer, err)
	}
	if n := testing.AllocsPerRun(100, func() { tracer.Done("record.batch", 1, time.Second, nil) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if tracer.Calls("webhook", http.DefaultTransport) != http.DefaultTransport || tracer.Close(t.Context()) != nil {
		t.Error("it does something")
	}
	for _, wrong := range []Options{{Endpoint: "collector:4318"}, {Endpoint: "http://"}, {Endpoint: "http://c", Headers: "novalue"}} {
		if wrong.Check() == nil {
			t.Errorf("%+v is accepted", wrong)
		}
	}
}
