package server

import (
	"bytes"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent/forms"
)

// schema answers GET /schemas/:name: a JSON Schema of a receipt's form, to everybody.
// A version's schema never changes what it lets through, so it may be kept.
func schema(c echo.Context) error {
	b, ok := forms.Schema(c.Param("name"))
	if !ok {
		return echo.ErrNotFound
	}
	h := c.Response().Header()
	h.Set("Content-Type", "application/schema+json")
	h.Set("Cache-Control", "public, max-age=86400")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("ETag", `"`+canonical.Sum(b).Short()+`"`)
	http.ServeContent(c.Response(), c.Request(), "", time.Time{}, bytes.NewReader(b))
	return nil
}
