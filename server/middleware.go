package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/metrics"
	"github.com/volenti-consent/volenti/server/telemetry"
)

const requestIDKey = "volenti.request"

// requestID is the request's number, ours and never the client's. It is made when
// somebody first speaks of the request: most are never spoken of.
func requestID(c echo.Context) string {
	if id, ok := c.Get(requestIDKey).(string); ok {
		return id
	}
	var raw [8]byte
	_, _ = rand.Read(raw[:])
	id := hex.EncodeToString(raw[:])
	c.Set(requestIDKey, id)
	return id
}

// observe answers
// panics like any other error, and logs what was asked by its route: addresses
// hold receipt ids, which open receipts, so they are neither logged nor counted.
func observe(log *slog.Logger, now func() time.Time, count *metrics.Metrics, traces *telemetry.Tracer) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) (err error) {
			begun := now()
			if traces != nil {
				end := traces.Request(c.Request())
				defer func() { end(c.Path(), c.Response().Status) }() // after what a panic is answered with
			}
			defer func() {
				if r := recover(); r != nil {
					if err, ok := r.(error); ok && errors.Is(err, http.ErrAbortHandler) {
						panic(r)
					}
					log.ErrorContext(c.Request().Context(), "handler panicked", "route", c.Path(), "request", requestID(c), "panic", r)
					c.Error(echo.ErrInternalServerError)
				}
				took := now().Sub(begun)
				count.Answered(c.Request().Method, c.Path(), c.Response().Status, took)
				if ctx := c.Request().Context(); log.Enabled(ctx, slog.LevelDebug) {
					log.DebugContext(ctx, "answered", "method", c.Request().Method, "route", c.Path(),
						"status", c.Response().Status, "bytes", c.Response().Size, "took", took, "request", requestID(c))
				}
			}()
			if err = next(c); err != nil {
				c.Error(err)
			}
			return nil
		}
	}
}

// answerWithin is how long a handler may take. The longest honest wait is that for
// another process's write lock, five seconds.
const answerWithin = 10 * time.Second

// outlives: all but what is answered from memory, and what takes as long as its client does.
func outlives(c echo.Context) bool {
	return c.Path() != scriptPath && costOf(c.Request().Method, c.Path()).gate != exports
}

// outlive lets a request be answered when its client has closed its sending half
// (RFC 9112 § 9.6 lets it): net/http takes that for a client that is gone and
// cancels, which made a 503 of one in fifty such requests. What was asked is
// short, and a decision is to be kept even if nobody waits for the receipt.
func outlive(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !outlives(c) {
			return next(c)
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request().Context()), answerWithin)
		defer cancel()
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}

// dated refuses what would be dated by a clock that is wrong: whatever changes anything,
// and all of the console, whose sessions end by it.
func dated(wrong func() error) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			switch c.Request().Method {
			case http.MethodGet, http.MethodHead, http.MethodOptions:
				if !strings.HasPrefix(c.Path(), "/admin") {
					return next(c)
				}
			}
			if wrong != nil {
				if err := wrong(); err != nil {
					return err
				}
			}
			return next(c)
		}
	}
}

// Values of headers that every answer shares; nobody changes them.
var (
	nosniff         = []string{"nosniff"}
	noReferrer      = []string{"no-referrer"}
	strictTransport = []string{"max-age=31536000"}
)

// harden sets the headers every answer carries. Pages add their own policy.
func harden(https bool) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			h := c.Response().Header()
			h["X-Content-Type-Options"] = nosniff
			if c.Path() != scriptPath { // nothing that a script loads asks for its script's; and a map of up to eight is a cheap one
				h["Referrer-Policy"] = noReferrer
			}
			if https {
				h["Strict-Transport-Security"] = strictTransport
			}
			return next(c)
		}
	}
}
