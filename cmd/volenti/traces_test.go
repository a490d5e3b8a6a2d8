package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"syscall"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// A server that is told to sends what it does to a collector, by route; who asked and
// for what is not in it.
func TestTracesOfAServer(t *testing.T) {
	var mu sync.Mutex
	names, all := map[string]int{}, bytes.Buffer{}
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var data tracepb.TracesData
		if err == nil {
			err = proto.Unmarshal(body, &data)
		}
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		all.Write(body)
		for _, rs := range data.ResourceSpans {
			for _, ss := range rs.ScopeSpans {
				for _, s := range ss.Spans {
					names[s.Name]++
				}
			}
		}
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	p := start(t, publish(t), "--traces-percent", "100", "--geo-trusted-proxies", "127.0.0.1/32", "--geo-address-header", "x-forwarded-for")
	v := p.open(http.Header{"User-Agent": {"canary-agent/7"}, "X-Forwarded-For": {"203.0.113.77"}, "Cookie": {"other=canarycookie"}})
	status, receipt, err := v.decide("canary-decision-1")
	if err != nil || status != 201 {
		t.Fatal(status, err, string(receipt))
	}
	id, _, err := place(receipt)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/v1/sites/shop/receipts/" + id, "/v1/sites/canarysite/receipts/" + id, "/canarypath?canary=query"} {
		if _, _, err := v.get(path); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.stop(syscall.SIGTERM); err != nil { // sends what waits
		t.Error(err)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{"GET /b/:file", "POST /v1/sites/:site/decisions", "GET /v1/sites/:site/receipts/:id", "record.batch", "log.checkpoint"} {
		if names[want] == 0 {
			t.Errorf("no %s in %v", want, names)
		}
	}
	for _, never := range []string{"canary", "203.0.113.77", id, "shop", v.token} {
		if bytes.Contains(all.Bytes(), []byte(never)) {
			t.Errorf("%q was sent to the collector", never)
		}
	}
}

func TestWhereTracesGo(t *testing.T) {
	for _, c := range []struct {
		env   map[string]string
		flags []string
		to    string
		share float64
	}{
		{nil, nil, "", 0.1},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/"}, nil, "http://c:4318/v1/traces", 0.1},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://d/x"}, nil, "http://d/x", 0.1},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, []string{"--traces-endpoint", "http://e:1", "--traces-percent", "50"}, "http://e:1", 0.5},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_SDK_DISABLED": "true"}, nil, "", 0.1},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25"}, nil, "http://c:4318/v1/traces", 0.25},
	} {
		cfg, err := load(t, "", c.env, c.flags...)
		if err != nil {
			t.Error(c, err)
			continue
		}
		if o := cfg.telemetry(func(name string) string { return c.env[name] }); o.Endpoint != c.to || o.Share != c.share {
			t.Errorf("%v: %+v", c, o)
		}
	}
	if _, err := load(t, "", nil, "--traces-endpoint", "collector"); err == nil {
		t.Error("an address that is none is accepted")
	}
	if _, err := load(t, "", nil, "--traces-percent", "101"); err == nil {
		t.Error("more than all")
	}
}
