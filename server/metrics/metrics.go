// Package metrics counts what whoever runs the server wants to know: how it answers,
// how records are kept, how old things are. It names routes and outcomes, never a
// visitor, a receipt or a site.
package metrics

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// A Gauge is something that is looked up when it is asked for; ok is false where it
// can't be told just now, and then the metric is missing rather than wrong.
type Gauge struct {
	Name string // "records_waiting"
	Help string
	Now  func() (value float64, ok bool)
}

// A Metrics counts. It is safe for concurrent use; a nil one counts nothing.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	batches  *prometheus.CounterVec
	batch    prometheus.Histogram
	commit   prometheus.Histogram
	refused  *prometheus.CounterVec
	routes   map[route]*counters // fixed once serving has begun
	other    *counters
}

type route struct{ method, path string }

// counters are those of one route, looked up once: a request then costs no search
// through labels and no allocation.
type counters struct {
	seconds prometheus.Observer
	codes   [6]prometheus.Counter // by hundreds of the status
}

// New makes the metrics of a program of that version.
func New(version string, gauges ...Gauge) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "volenti_http_requests_total",
			Help: "Requests answered, by route and by the hundreds of their status."}, []string{"method", "route", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "volenti_http_request_seconds",
			Help: "Time from a request's header to the end of its answer.", Buckets: []float64{.0005, .002, .005, .02, .05, .2, 1, 5}}, []string{"method", "route"}),
		batches: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "volenti_record_batches_total",
			Help: "Transactions that keep records, by outcome: kept or failed."}, []string{"outcome"}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "volenti_record_batch_records",
			Help: "Records that shared one transaction.", Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128, 256}}),
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "volenti_record_batch_seconds",
			Help: "Time of one transaction that keeps records, the wait for the disk included.", Buckets: []float64{.001, .002, .005, .01, .02, .05, .1, .5, 2, 15}}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "volenti_refused_total",
			Help: "Refused for being too much: by rate (429), busy (the records' queue) or crowded (costly answers) (503), or connections that gave way."}, []string{"reason"}),
		routes: map[route]*counters{},
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "volenti_build_info", Help: "Always 1.", ConstLabels: prometheus.Labels{"version": version}})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.seconds, m.batches, m.batch, m.commit, m.refused, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), looked(gauges))
	m.other = m.countersOf(route{"", "unmatched"})
	for _, outcome := range []string{"kept", "failed"} {
		m.batches.WithLabelValues(outcome) // a rate of something that never happened is 0, not missing
	}
	for _, reason := range []string{"rate", "busy", "crowded", "connections"} {
		m.refused.WithLabelValues(reason)
	}
	return m
}

func (m *Metrics) countersOf(r route) *counters {
	c := &counters{seconds: m.seconds.WithLabelValues(r.method, r.path)}
	for i := range c.codes {
		c.codes[i] = m.requests.WithLabelValues(r.method, r.path, strconv.Itoa(i)+"xx")
	}
	return c
}

// Route makes a route known. Call it for each before the first request; what is not
// known counts as "unmatched", so that strangers can't make up routes.
func (m *Metrics) Route(method, path string) {
	if m != nil {
		m.routes[route{method, path}] = m.countersOf(route{method, path})
	}
}

// Answered counts a request.
func (m *Metrics) Answered(method, path string, status int, took time.Duration) {
	if m == nil {
		return
	}
	c := m.routes[route{method, path}]
	if c == nil {
		c = m.other
	}
	c.codes[min(max(status/100, 0), 5)].Inc()
	c.seconds.Observe(took.Seconds())
}

// Refused counts what was refused for being too much: "rate", "busy", "crowded" or
// "connections".
func (m *Metrics) Refused(reason string) {
	if m != nil {
		m.refused.WithLabelValues(reason).Inc()
	}
}

// Batch counts a transaction that kept records, or failed to: a
// consent.RecorderOptions.OnBatch.
func (m *Metrics) Batch(records int, took time.Duration, err error) {
	if m == nil {
		return
	}
	if err != nil {
		m.batches.WithLabelValues("failed").Inc()
		return
	}
	m.batches.WithLabelValues("kept").Inc()
	m.batch.Observe(float64(records))
	m.commit.Observe(took.Seconds())
}

// Names are those of all metrics.
func (m *Metrics) Names() (names []string) {
	all := make(chan *prometheus.Desc)
	go func() {
		m.registry.Describe(all)
		close(all)
	}()
	for d := range all {
		// A description shows its name only as text.
		_, rest, _ := strings.Cut(d.String(), `fqName: "`)
		name, _, _ := strings.Cut(rest, `"`)
		names = append(names, name)
	}
	return names
}

// Handler answers all metrics in the text formats of Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 8 * time.Second})
}

// looked are gauges as a collector.
type looked []Gauge

func (g Gauge) description() *prometheus.Desc {
	return prometheus.NewDesc("volenti_"+g.Name, g.Help, nil, nil)
}

// Describe is part of prometheus.Collector.
func (l looked) Describe(to chan<- *prometheus.Desc) {
	for _, g := range l {
		to <- g.description()
	}
}

// Collect is part of prometheus.Collector.
func (l looked) Collect(to chan<- prometheus.Metric) {
	for _, g := range l {
		if value, ok := g.Now(); ok {
			to <- prometheus.MustNewConstMetric(g.description(), prometheus.GaugeValue, value)
		}
	}
}
