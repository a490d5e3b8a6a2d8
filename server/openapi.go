package server

import (
	"bytes"
	_ "embed"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/canonical"
)

// openAPIDocument describes every JSON address (OpenAPI 3.1). Tests hold it
// against the routes and against what the binary answers.
//
//go:embed openapi.json
var openAPIDocument []byte

var openAPITag = `"` + canonical.Sum(openAPIDocument).Short() + `"`

// openAPI answers the document to everybody, to tools on other origins too.
func openAPI(c echo.Context) error {
	h := c.Response().Header()
	h.Set("Content-Type", echo.MIMEApplicationJSON)
	h.Set("Cache-Control", "public, max-age=3600")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("ETag", openAPITag)
	http.ServeContent(c.Response(), c.Request(), "", time.Time{}, bytes.NewReader(openAPIDocument))
	return nil
}
