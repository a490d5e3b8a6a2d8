package telemetry

import (
	"net/http"
	"time"
)

// Calls tells of every call that goes through a transport, as what.
func (t *Tracer) Calls(what string, through http.RoundTripper) http.RoundTripper {
	if t == nil {
		return through
	}
	if through == nil {
		through = http.DefaultTransport
	}
	return calls{t, what, through}
}

type calls struct {
	tracer  *Tracer
	what    string
	through http.RoundTripper
}

// RoundTrip is part of http.RoundTripper.
func (c calls) RoundTrip(r *http.Request) (*http.Response, error) {
	begun := time.Now()
	resp, err := c.through.RoundTrip(r)
	failed := err
	if err == nil && resp.StatusCode >= 400 {
		failed = http.ErrNotSupported // any error: its text is not told
	}
	c.tracer.Done(c.what, 1, time.Since(begun), failed)
	return resp, err
}
