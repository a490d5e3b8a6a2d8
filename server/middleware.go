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
)

const requestIDKey = "volenti.request"

func requestID(c echo.Context) string {
	id, _ := c.Get(requestIDKey).(string)
	return id
}

// observe gives each request a number of our own (never the client's), answers
// panics like any other error, and logs what was asked by its route: addresses
// hold receipt ids, which open receipts, so they are neither logged nor counted.
func observe(log *slog.Logger, now func() time.Time, count *metrics.Metrics) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) (err error) {
			var raw [8]byte
			_, _ = rand.Read(raw[:])
			id := hex.EncodeToString(raw[:])
			c.Set(requestIDKey, id)
			begun := now()
			defer func() {
				if r := recover(); r != nil {
					if err, ok := r.(error); ok && errors.Is(err, http.ErrAbortHandler) {
						panic(r)
					}
					log.ErrorContext(c.Request().Context(), "handler panicked", "route", c.Path(), "request", id, "panic", r)
					c.Error(echo.ErrInternalServerError)
				}
				took := now().Sub(begun)
				count.Answered(c.Request().Method, c.Path(), c.Response().Status, took)
				log.DebugContext(c.Request().Context(), "answered", "method", c.Request().Method, "route", c.Path(),
					"status", c.Response().Status, "bytes", c.Response().Size, "took", took, "request", id)
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

// outlive lets a request be answered when its client has closed its sending half
// (RFC 9112 § 9.6 lets it): net/http takes that for a client that is gone and
// cancels, which made a 503 of one in fifty such requests. What was asked is
// short, and a decision is to be kept even if nobody waits for the receipt.
func outlive(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if strings.HasSuffix(c.Path(), "/export") {
			return next(c) // as long as its client takes it
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request().Context()), answerWithin)
		defer cancel()
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}

// harden sets the headers every answer carries. Pages add their own policy.
func harden(https bool) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			h := c.Response().Header()
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Referrer-Policy", "no-referrer")
			if https {
				h.Set("Strict-Transport-Security", "max-age=31536000")
			}
			return next(c)
		}
	}
}
