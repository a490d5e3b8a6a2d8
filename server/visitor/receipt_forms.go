package visitor

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/consent/forms"
)

// write answers a receipt in the form that ?form= names, or else the Accept header;
// the receipt itself where neither does. What forms leave out, the receipt still has.
func (rs *Receipts) write(c echo.Context, e *consent.Entry) error {
	c.Response().Header().Add("Vary", "Accept")
	f, err := forms.Of(c.QueryParam("form"))
	if err != nil {
		return err
	}
	if c.QueryParam("form") == "" {
		f = forms.For(c.Request().Header.Get("Accept"))
	}
	s, err := forms.Load(c.Request().Context(), rs.Store, e, rs.Keys.Public(), rs.origin(c))
	if err != nil {
		return err
	}
	b, err := f.Write(s, rs.Keys)
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, f.MediaType, b)
}

// origin is where this server is found: as it was told, or as it was asked.
func (rs *Receipts) origin(c echo.Context) string {
	if rs.PublicURL != "" {
		return rs.PublicURL
	}
	return c.Scheme() + "://" + c.Request().Host
}
