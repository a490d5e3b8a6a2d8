package server

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/consent"
)

// healthy says that the process answers. The banner is served from memory, so
// this stays true when nothing can be recorded; readyz tells that.
func healthy(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusOK, map[string]string{"status": "ok"})
}

func ready(check func(context.Context) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := check(c.Request().Context()); err != nil {
			return consent.ErrUnavailable
		}
		return healthy(c)
	}
}

// gpcSupport states that this server honours Global Privacy Control (W3C GPC,
// "GPC support resource").
func gpcSupport(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "public, max-age=86400")
	return c.JSON(http.StatusOK, map[string]any{"gpc": true, "lastUpdate": "2026-11-21"})
}
