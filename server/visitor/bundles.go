package visitor

import (
	"context"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/web/verify"
)

// Bundles makes evidence bundles of receipts; bundle.Maker is one.
type Bundles interface {
	// Bundle is a zip. It fails with consent.ErrUnknownReceipt, and with
	// consent.ErrUnknownArtifact where something that the receipt names is not kept.
	Bundle(ctx context.Context, site, receiptID string) ([]byte, error)
	// Shown is a page that shows what was shown, and the Content-Security-Policy to
	// serve it with. It fails as Bundle does.
	Shown(ctx context.Context, site, receiptID string) (page []byte, policy string, err error)
}

// Bundle answers all that the receipt stands on, in one file, to whoever holds it.
func (rs *Receipts) Bundle(c echo.Context) error {
	entry, err := rs.held(c)
	if err != nil {
		return err
	}
	zip, err := rs.Bundles.Bundle(c.Request().Context(), entry.Site, entry.ReceiptID)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Content-Disposition", `attachment; filename="volenti-`+entry.ReceiptID+`.zip"`)
	h.Set("Content-Length", strconv.Itoa(len(zip))) // so that browsers say how far it is
	return c.Blob(http.StatusOK, "application/zip", zip)
}

// Shown answers the banner as it was shown. The page is in a sandbox, and nothing
// leaves it: what it runs was published by somebody else than the server's operator.
func (rs *Receipts) Shown(c echo.Context) error {
	entry, err := rs.held(c)
	if err != nil {
		return err
	}
	page, policy, err := rs.Bundles.Shown(c.Request().Context(), entry.Site, entry.ReceiptID)
	if err != nil {
		return err
	}
	c.Response().Header().Set("Content-Security-Policy", policy)
	return c.HTMLBlob(http.StatusOK, page)
}

// VerifyPage answers the page that checks bundles, the same to everybody. It is the
// one that stands in each bundle.
func VerifyPage(c echo.Context) error {
	h := c.Response().Header()
	h.Set("Content-Security-Policy", verify.Policy()+"; frame-ancestors 'none'")
	h.Set("Cache-Control", "public, max-age=300")
	return c.HTMLBlob(http.StatusOK, verify.Page())
}
