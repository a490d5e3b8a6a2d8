package admin

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"
)

// receiptBundle answers all that a receipt stands on, in one file.
func (c *Console) receiptBundle(d *Desk) error {
	if c.Insight.Bundle == nil {
		return echo.ErrNotFound
	}
	e, err := c.Records.Entry(d.Request().Context(), d.Site.Key, d.Param("receipt"))
	if err != nil {
		return err
	}
	zip, err := c.Insight.Bundle(d.Request().Context(), d.Site.Key, e.ReceiptID)
	if err != nil {
		return err
	}
	// An act stays; the receipt's id would outlive the record in it.
	if err := d.Note("receipt.bundle", fmt.Sprintf("leaf %d", e.Index), "with all evidence"); err != nil {
		return err
	}
	h := d.Response().Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", `attachment; filename="volenti-`+e.ReceiptID+`.zip"`)
	h.Set("Content-Length", strconv.Itoa(len(zip))) // so that browsers say how far it is
	return d.Blob(http.StatusOK, "application/zip", zip)
}
