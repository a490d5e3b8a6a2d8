// Package telemetry sends traces to a collector, by OTLP over HTTP, where one is named.
//
// A span says which route was answered how, how long a transaction took, that the log
// was signed: never an address of a request, an id, a site, a network address or an
// agent. What is not named below can't become an attribute.
package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Options say where traces go.
type Options struct {
	Endpoint string // address of the collector, such as http://127.0.0.1:4318; "/v1/traces" is added to an address without a path
	Headers  string // sent with each batch: "name=value,name=value", values percent-encoded (W3C Baggage)
	Service  string // what this server is called
	Version  string
	Share    float64 // of the requests that are followed, from 0 to 1
	Log      *slog.Logger
}

// A Tracer follows what the server does. A nil one follows nothing, and costs a comparison.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	remote   propagation.TraceContext
}

// New makes a Tracer; nil where no collector is named.
func New(o Options) (*Tracer, error) {
	if o.Endpoint == "" {
		return nil, nil
	}
	e, err := newExporter(o)
	if err != nil {
		return nil, err
	}
	about := resource.NewSchemaless(attribute.String("service.name", o.Service), attribute.String("service.version", o.Version))
	// A proxy that follows a request decides for us, else chance does.
	sampler := sdk.ParentBased(sdk.TraceIDRatioBased(o.Share))
	p := sdk.NewTracerProvider(sdk.WithResource(about), sdk.WithSampler(sampler), sdk.WithBatcher(e, sdk.WithBatchTimeout(2*time.Second), sdk.WithMaxQueueSize(4096)))
	return &Tracer{provider: p, tracer: p.Tracer("github.com/volenti-consent/volenti")}, nil
}

// Close sends what waits.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// methods are those a span may be named by: strangers make up others.
var methods = map[string]bool{http.MethodGet: true, http.MethodHead: true, http.MethodPost: true, http.MethodPut: true, http.MethodDelete: true, http.MethodOptions: true, http.MethodPatch: true}

// Request begins a span for a request, a child of the proxy's where it names one. end is
// told the route, as the server knows it, and the status.
func (t *Tracer) Request(r *http.Request) (end func(route string, status int)) {
	ctx := t.remote.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	method := r.Method
	if !methods[method] {
		method = "_OTHER"
	}
	_, span := t.tracer.Start(ctx, method, trace.WithSpanKind(trace.SpanKindServer))
	return func(route string, status int) {
		if route == "" {
			route = "unmatched"
		}
		span.SetName(method + " " + route)
		span.SetAttributes(attribute.String("http.request.method", method), attribute.String("http.route", route), attribute.Int("http.response.status_code", status))
		if status >= 500 {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// Done tells of something that took that long and has just ended: "record.batch",
// "log.checkpoint", "webhook". n is how many things it was about. The text of an error is
// not told: it may name what it failed on.
func (t *Tracer) Done(what string, n int, took time.Duration, err error) {
	if t == nil {
		return
	}
	now := time.Now()
	_, span := t.tracer.Start(context.Background(), what, trace.WithTimestamp(now.Add(-took)), trace.WithAttributes(attribute.Int("volenti.count", n)))
	if err != nil {
		span.SetStatus(codes.Error, "")
	}
	span.End(trace.WithTimestamp(now))
}

// target is where batches are posted (OTLP 1.11, "OTLP/HTTP Request").
func target(endpoint string) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", fmt.Errorf("%q is not the address of a collector such as http://127.0.0.1:4318", endpoint)
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = "/v1/traces"
	}
	return u.String(), nil
}

// Check says what is wrong with where traces are to go.
func (o Options) Check() error {
	if o.Endpoint == "" {
		return nil
	}
	if _, err := target(o.Endpoint); err != nil {
		return err
	}
	_, err := headers(o.Headers)
	return err
}

func headers(text string) (http.Header, error) {
	h := http.Header{}
	for pair := range strings.SplitSeq(text, ",") {
		if pair = strings.TrimSpace(pair); pair == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if !ok || err != nil {
			return nil, fmt.Errorf("%q is not name=value", name)
		}
		h.Set(strings.TrimSpace(name), value)
	}
	return h, nil
}
