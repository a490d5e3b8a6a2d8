package visitor

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"
)

// A Prover shows that a leaf is in the log, by a proof file (c2sp.org/tlog-proof@v1).
// It may have to sign a checkpoint for that.
type Prover interface {
	Proof(ctx context.Context, index int64) ([]byte, error)
}

// Proof answers GET /v1/sites/:site/receipts/:id/proof: with the receipt, the log's key
// and this file anybody can tell offline that the record is in the log.
func (rs *Receipts) Proof(c echo.Context) error {
	entry, err := rs.held(c)
	if err != nil {
		return err
	}
	if rs.Prover == nil {
		return echo.ErrNotFound
	}
	proof, err := rs.Prover.Proof(c.Request().Context(), entry.Index)
	if err != nil {
		return err
	}
	c.Response().Header().Set("Content-Disposition", `attachment; filename="`+entry.ReceiptID+`.tlog-proof"`)
	return c.Blob(http.StatusOK, "text/plain; charset=utf-8", proof)
}
