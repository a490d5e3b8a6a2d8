package telemetry

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/protobuf/encoding/protowire"
)

// An exporter posts spans as OTLP in protobuf. The official one links gRPC too, six
// megabytes that nobody here speaks; these are the fields of opentelemetry-proto 1.11
// that our spans have, and a test reads them with the official types.
type exporter struct {
	to     string
	header http.Header
	client *http.Client
	log    *slog.Logger
	failed bool // the last batch was not taken: it is said once
}

func newExporter(o Options) (*exporter, error) {
	to, err := target(o.Endpoint)
	if err != nil {
		return nil, err
	}
	h, err := headers(o.Headers)
	if err != nil {
		return nil, err
	}
	h.Set("Content-Type", "application/x-protobuf")
	return &exporter{to: to, header: h, client: &http.Client{Timeout: 10 * time.Second}, log: o.Log}, nil
}

// ExportSpans is part of sdk.SpanExporter; calls come one at a time. What is not taken is
// lost: traces are no evidence.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := e.post(ctx, request(spans))
	if err != nil && !e.failed {
		e.log.WarnContext(ctx, "the collector does not take traces; they are dropped", "error", err)
	}
	e.failed = err != nil
	return nil
}

// Shutdown is part of sdk.SpanExporter.
func (e *exporter) Shutdown(context.Context) error {
	e.client.CloseIdleConnections()
	return nil
}

func (e *exporter) post(ctx context.Context, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.to, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header = e.header.Clone()
	resp, err := e.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("it answers %s", resp.Status)
	}
	return nil
}

// message appends a field that is a message.
func message(b []byte, field protowire.Number, content []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), content)
}

func text(b []byte, field protowire.Number, s string) []byte {
	return message(b, field, []byte(s))
}

func number(b []byte, field protowire.Number, n uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), n)
}

func nanoseconds(b []byte, field protowire.Number, t time.Time) []byte {
	var unix [8]byte
	binary.LittleEndian.PutUint64(unix[:], uint64(t.UnixNano()))
	return protowire.AppendFixed64(protowire.AppendTag(b, field, protowire.Fixed64Type), binary.LittleEndian.Uint64(unix[:]))
}

// request is an ExportTraceServiceRequest of spans of one resource.
func request(spans []sdk.ReadOnlySpan) []byte {
	if len(spans) == 0 {
		return nil
	}
	var scope, resource, all []byte
	scope = message(scope, 1, text(nil, 1, spans[0].InstrumentationScope().Name)) // ScopeSpans.scope
	for _, s := range spans {
		scope = message(scope, 2, span(s)) // ScopeSpans.spans
	}
	for _, kv := range spans[0].Resource().Attributes() {
		resource = message(resource, 1, attributeOf(kv)) // Resource.attributes
	}
	all = message(all, 1, resource) // ResourceSpans.resource
	all = message(all, 2, scope)    // ResourceSpans.scope_spans
	return message(nil, 1, all)     // ExportTraceServiceRequest.resource_spans
}

func span(s sdk.ReadOnlySpan) (b []byte) {
	id, trace, parent := s.SpanContext().SpanID(), s.SpanContext().TraceID(), s.Parent().SpanID()
	b = message(b, 1, trace[:])
	b = message(b, 2, id[:])
	if s.Parent().HasSpanID() {
		b = message(b, 4, parent[:])
	}
	b = text(b, 5, s.Name())
	b = number(b, 6, uint64(s.SpanKind())) // the two enumerations agree: internal 1, server 2
	b = nanoseconds(b, 7, s.StartTime())
	b = nanoseconds(b, 8, s.EndTime())
	for _, kv := range s.Attributes() {
		b = message(b, 9, attributeOf(kv))
	}
	if s.Status().Code == codes.Error {
		b = message(b, 15, number(nil, 3, 2)) // Status.code: STATUS_CODE_ERROR
	}
	return b
}

// attributeOf is a KeyValue; ours are texts and whole numbers.
func attributeOf(kv attribute.KeyValue) []byte {
	value := text(nil, 1, kv.Value.AsString())
	if kv.Value.Type() == attribute.INT64 {
		value = number(nil, 3, uint64(kv.Value.AsInt64()))
	}
	return message(text(nil, 1, string(kv.Key)), 2, value)
}
