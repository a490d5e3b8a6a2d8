package server

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"math"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/consent"
)

// ErrMetricsToken: /metrics is for whoever holds the token of metrics.token_file.
var ErrMetricsToken = errors.New("show the token of metrics.token_file as Authorization: Bearer …")

// healthy says that the process answers. The banner is served from memory, so
// this stays true when nothing can be recorded; readyz tells that.
func healthy(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusOK, map[string]string{"status": "ok"})
}

func ready(check func(context.Context) error, checked func() (float64, bool)) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := check(c.Request().Context()); err != nil {
			return consent.ErrUnavailable
		}
		if checked != nil {
			if share, underWay := checked(); underWay {
				c.Response().Header().Set("Cache-Control", "no-store")
				return c.JSON(http.StatusOK, map[string]any{"status": "ok", "checked": math.Floor(100*share) / 100})
			}
		}
		return healthy(c)
	}
}

// shownTo lets whoever shows the token read on. How much traffic the sites have is
// nobody else's business.
func shownTo(token string, next http.Handler) echo.HandlerFunc {
	want := sha256.Sum256([]byte("Bearer " + token))
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Cache-Control", "no-store")
		got := sha256.Sum256([]byte(c.Request().Header.Get("Authorization")))
		if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			h.Set("WWW-Authenticate", `Bearer realm="metrics"`)
			return ErrMetricsToken
		}
		next.ServeHTTP(c.Response(), c.Request())
		return nil
	}
}

// gpcSupport states that this server honours Global Privacy Control (W3C GPC,
// "GPC support resource").
func gpcSupport(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "public, max-age=86400")
	return c.JSON(http.StatusOK, map[string]any{"gpc": true, "lastUpdate": "2026-11-21"})
}
