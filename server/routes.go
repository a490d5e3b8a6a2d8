package server

import (
	"github.com/labstack/echo/v4"
)

// routes is all the world may ask.
func routes(e *echo.Echo, d Deps) {
	// The page: script, bundles by digest, decisions, receipts.
	e.GET("/b/:file", d.Script.Get)
	e.GET("/b/:site/:file", d.Script.ByDigest)
	e.POST("/v1/sites/:site/decisions", d.Record.Post)
	e.OPTIONS("/v1/sites/:site/decisions", d.Record.Preflight)
	e.GET("/v1/sites/:site/receipts/:id", d.Receipts.Get)
	e.GET("/v1/sites/:site/archive/:digest", d.Receipts.Artifact)
	e.GET("/.well-known/jwks.json", d.Receipts.JWKS)
	e.GET("/.well-known/gpc.json", gpcSupport)

	// Legal texts.
	e.GET("/policies/:site/:policy", d.Policies.InForce)
	e.GET("/policies/:site/:policy/versions", d.Policies.List)
	e.GET("/policies/:site/:policy/versions/:number", d.Policies.Version)
	e.GET("/policies/:site/:policy/versions/:number/original", d.Policies.Original)
	e.GET("/policies/:site/:policy/versions/:number/canonical", d.Policies.Canonical)
	e.GET("/assets/*", echo.WrapHandler(d.Pages.Assets()))

	// Operation.
	e.GET("/healthz", healthy)
	e.GET("/readyz", ready(d.Ready))

	if d.Demo != nil {
		e.GET("/", func(c echo.Context) error { return c.Redirect(302, "/demo/") })
		e.GET("/demo", func(c echo.Context) error { return c.Redirect(302, "/demo/") })
		e.Any("/demo/*", echo.WrapHandler(d.Demo))
	}
}
