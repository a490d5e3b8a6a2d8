package visitor

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
)

// Receipts gives receipts to whoever holds their id, and the archive to
// everybody.
type Receipts struct {
	Store     consent.Store
	Directory *Directory
	Keys      *consent.Keyring
	Prover    Prover // nil: nothing is proven
	Bundles   Bundles
	PublicURL string // the server's own address; or "", then the one it is asked under
}

// Get answers a receipt: the bytes that were answered when it was given, or another
// form of it. 128 bits of the id are random; who knows it holds the receipt.
func (rs *Receipts) Get(c echo.Context) error {
	entry, err := rs.held(c)
	if err != nil {
		return err
	}
	return rs.write(c, entry)
}

// held is the record whose receipt the request holds: it knows its id.
func (rs *Receipts) held(c echo.Context) (*consent.Entry, error) {
	h := c.Response().Header()
	h.Set("Cache-Control", "no-store")
	live, err := rs.Directory.Live(c.Param("site"))
	if err != nil {
		return nil, err
	}
	h.Add("Vary", "Origin")
	if c.Request().Header.Get("Origin") != "" {
		if err := allow(c, live.Notice); err != nil {
			return nil, err
		}
	}
	return rs.Store.Entry(c.Request().Context(), live.Site.Key, c.Param("id"))
}

// Artifact answers the bytes that a receipt names by digest.
func (rs *Receipts) Artifact(c echo.Context) error {
	if _, err := rs.Directory.Live(c.Param("site")); err != nil {
		return err
	}
	digest, err := canonical.ParseDigest(c.Param("digest"))
	if err != nil {
		return consent.ErrUnknownArtifact
	}
	kept, err := rs.Store.Artifact(c.Request().Context(), digest)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Access-Control-Allow-Origin", "*")
	media := "application/json"
	if kept.Kind == kindScript || kept.Kind == kindPage || kept.Kind == kindStyle || kept.Kind == kindPinned {
		media = "text/plain; charset=utf-8" // to be read and hashed; a script runs from /b/{site}/{digest}.js
	}
	return c.Blob(http.StatusOK, media, kept.Bytes)
}

// JWKS answers the public keys, those of the past too (RFC 7517, RFC 8037).
func (rs *Receipts) JWKS(c echo.Context) error {
	set, err := rs.Keys.Public().JWKS()
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Cache-Control", "public, max-age=3600")
	h.Set("Access-Control-Allow-Origin", "*")
	return c.Blob(http.StatusOK, "application/jwk-set+json", set)
}
