package main

import (
	"cmp"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/volenti-consent/volenti/server/telemetry"
)

// telemetry is where traces go: by the setting, else by the variables that OpenTelemetry
// names (Environment Variable Specification; OTLP Exporter Configuration).
func (c *Config) telemetry(getenv func(string) string) telemetry.Options {
	o := telemetry.Options{Endpoint: c.TracesEndpoint, Headers: cmp.Or(getenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS"), getenv("OTEL_EXPORTER_OTLP_HEADERS")),
		Service: cmp.Or(getenv("OTEL_SERVICE_NAME"), "volenti"), Version: version(), Share: float64(c.TracesPercent) / 100}
	if o.Endpoint == "" {
		o.Endpoint = getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
	}
	if base := getenv("OTEL_EXPORTER_OTLP_ENDPOINT"); o.Endpoint == "" && base != "" {
		o.Endpoint = strings.TrimRight(base, "/") + "/v1/traces"
	}
	if share, err := strconv.ParseFloat(getenv("OTEL_TRACES_SAMPLER_ARG"), 64); err == nil && strings.Contains(getenv("OTEL_TRACES_SAMPLER"), "traceidratio") {
		o.Share = share
	}
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") || getenv("OTEL_TRACES_EXPORTER") == "none" {
		o.Endpoint = ""
	}
	return o
}

func (c *Config) validateTraces(getenv func(string) string) (wrong []error) {
	if err := c.telemetry(getenv).Check(); err != nil {
		wrong = append(wrong, fmt.Errorf("traces.endpoint: %w", err))
	}
	if c.TracesPercent > 100 {
		wrong = append(wrong, fmt.Errorf("traces.percent = %d is more than all; write for example 10", c.TracesPercent))
	}
	return wrong
}

func newTracer(cfg *Config, getenv func(string) string, log *slog.Logger) (*telemetry.Tracer, error) {
	o := cfg.telemetry(getenv)
	o.Log = log
	return telemetry.New(o)
}
