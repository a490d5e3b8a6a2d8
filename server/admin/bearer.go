package admin

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/site"
)

// bearer is an echo handler that calls route.Handle for programs with a token of
// the path's site that has the route's right (RFC 6750). Cookies play no part, so
// no other page can borrow it. What is done stands in the audit log under the
// token's id.
func (c *Console) bearer(route Route, admit echo.MiddlewareFunc) echo.HandlerFunc {
	return func(e echo.Context) error {
		e.Request().Body = body{http.MaxBytesReader(e.Response(), e.Request().Body, mostBody)}
		e.Response().Header().Set("Cache-Control", "no-store")
		t, err := c.tokenOf(e.Request())
		if errors.Is(err, operator.ErrToken) {
			e.Response().Header().Set("WWW-Authenticate", `Bearer realm="volenti", error="invalid_token"`)
		}
		if err != nil {
			return err
		}
		if t.Site != e.Param("site") {
			return site.ErrUnknown
		}
		s, err := c.Sites.Site(e.Request().Context(), t.Site)
		if err != nil {
			return err
		}
		if !slices.Contains(t.Rights, route.Right) {
			return ErrForbidden
		}
		d := &Desk{Context: e, console: c, Site: s, Token: t}
		return admit(func(echo.Context) error { return route.Handle(d) })(e)
	}
}

// tokenOf is the token a request shows; ErrToken if it shows none that counts.
func (c *Console) tokenOf(r *http.Request) (operator.Token, error) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || !operator.ValidTokenSecret(secret) {
		return operator.Token{}, operator.ErrToken
	}
	t, err := c.Operators.Token(r.Context(), operator.Digest(secret))
	if errors.Is(err, operator.ErrUnknown) || err == nil && !c.Now().Before(t.EndsAt) {
		return operator.Token{}, operator.ErrToken
	}
	return t, err
}
