package server

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/visitor"
)

// scriptPath is the banner script's, which is asked for more than all others together.
const scriptPath = "/b/:file"

// routes is all the world may ask. What can be got can be asked for its header
// too (RFC 9110 § 9.3.2): net/http leaves the body of that answer out.
func routes(e *echo.Echo, d Deps) {
	get := func(path string, h echo.HandlerFunc) {
		e.GET(path, h)
		e.HEAD(path, h)
	}

	// The page: script, bundles by digest, decisions, receipts.
	get(scriptPath, d.Script.Get)
	get("/b/:site/declaration.js", d.Declarations.Script)
	get("/b/:site/pinned/:file", d.Pinned.Get)
	get("/v1/sites/:site/boot", d.Pinned.Boot)
	get("/b/:site/:file", d.Script.ByDigest)
	e.POST("/v1/sites/:site/decisions", d.Record.Post)
	e.OPTIONS("/v1/sites/:site/decisions", d.Record.Preflight)
	get("/v1/sites/:site/handover", d.Handover.Get)
	get("/v1/sites/:site/changes", d.Changes.Get)
	get("/v1/sites/:site/receipts/:id", d.Receipts.Get)
	get("/v1/sites/:site/receipts/:id/governing", d.Receipts.Governing)
	get("/v1/sites/:site/receipts/:id/proof", d.Receipts.Proof)
	get("/v1/sites/:site/receipts/:id/bundle", d.Receipts.Bundle)
	get("/v1/sites/:site/receipts/:id/shown", d.Receipts.Shown)
	get("/log/verify", visitor.VerifyPage)
	get("/v1/sites/:site/archive/:digest", d.Receipts.Artifact)
	get("/v1/sites/:site/tags/:file", d.Tags.Get)
	get("/v1/sites/:site/csp", d.CSP.Get)
	get("/.well-known/jwks.json", d.Receipts.JWKS)
	get("/.well-known/gpc.json", gpcSupport)

	// The same without script, and what the site declares.
	get("/opt-out", d.OptOut.Get)
	e.POST("/opt-out", d.OptOut.Post)
	get("/opt-out/next", d.OptOut.Next)
	get("/opt-out/take/:pass", d.OptOut.Take)
	get("/opt-out/back/:site/:pass", d.OptOut.Back)
	get("/privacy/:site", d.Centre.Get)
	e.POST("/privacy/:site/decide", d.Centre.Decide)
	e.POST("/privacy/:site/held", d.Centre.Held)
	e.POST("/privacy/:site/link", d.Centre.Link)
	get("/privacy/:site/take/:pass", d.Centre.Take)
	get("/privacy/:site/choices", d.Choices.Get)
	e.POST("/privacy/:site/choices", d.Choices.Post)
	get("/privacy/:site/cookies", d.Declarations.Page)
	get("/privacy/:site/requests", d.Requests.Get)
	e.POST("/privacy/:site/requests", d.Requests.Post)
	get("/privacy/:site/requests/:id", d.Requests.One)
	e.POST("/privacy/:site/requests/:id", d.Requests.Change)
	get("/privacy/:site/requests/:id/data", d.Requests.Data)
	get("/privacy/:site/requests/:id/confirm", d.Requests.Confirming)
	e.POST("/privacy/:site/requests/:id/confirm", d.Requests.Confirm)
	get("/v1/sites/:site/declaration", d.Declarations.JSON)

	// Legal texts.
	get("/policies/:site", d.Policies.Index)
	get("/policies/:site/:policy", d.Policies.InForce) // and with .json, .md
	get("/policies/:site/:policy/versions", d.Policies.List)
	get("/policies/:site/:policy/versions.json", d.Policies.List)
	get("/policies/:site/:policy/versions/:number", d.Policies.Version) // and with .json, .md
	get("/policies/:site/:policy/versions/:number/original", d.Policies.Original)
	get("/policies/:site/:policy/versions/:number/canonical", d.Policies.Canonical)
	get("/policies/:site/:policy/versions/:number/entry", d.Policies.Entry)
	get("/policies/:site/:policy/at", d.Policies.AtForm)
	get("/policies/:site/:policy/at/:date", d.Policies.At)
	get("/policies/:site/:policy/diff", d.Policies.DifferenceForm)
	get("/policies/:site/:policy/diff/:pair", d.Policies.Difference) // and with .json
	get("/policies/:site/:policy/timegate", d.Policies.TimeGate)
	get("/policies/:site/:policy/timemap", d.Policies.TimeMap)
	get("/policies/:site/:policy/timemap.json", d.Policies.TimeMap)
	get("/policies/:site/:policy/feed.atom", d.Policies.Feed)
	get("/assets/*", echo.WrapHandler(d.Pages.Assets()))

	// The transparency log (c2sp.org/tlog-tiles, tlog-witness).
	if log := d.Transparency; log != nil && d.PublicLog {
		get("/log/checkpoint", echo.WrapHandler(http.HandlerFunc(log.ServeCheckpoint)))
		get("/log/keys", echo.WrapHandler(http.HandlerFunc(log.ServeKeys)))
		get("/log/tile/*", echo.WrapHandler(http.HandlerFunc(log.ServeTile)))
	}
	if log := d.Transparency; log != nil && log.Witness != nil {
		e.POST("/log/witness/add-checkpoint", echo.WrapHandler(http.HandlerFunc(log.Witness.ServeAddCheckpoint)))
	}

	// Operation.
	get("/healthz", healthy)
	get("/readyz", ready(d.Ready, d.Checked))
	get("/openapi.json", openAPI)
	get("/schemas/:name", schema)
	if d.Metrics != nil && d.MetricsToken != "" {
		get("/metrics", shownTo(d.MetricsToken, d.Metrics.Handler()))
	}

	// Operators.
	if d.Console != nil {
		d.Console.Register(func(method, path string, h echo.HandlerFunc) {
			if method == http.MethodGet {
				get(path, h)
				return
			}
			e.Add(method, path, h)
		}, admitted(d.Limits))
	}

	if d.Demo != nil {
		get("/", func(c echo.Context) error { return c.Redirect(302, "/demo/") })
		get("/demo", func(c echo.Context) error { return c.Redirect(302, "/demo/") })
		e.Any("/demo/*", echo.WrapHandler(d.Demo))
	}
}
