package visitor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/web"
)

// answerPage sends a page of the archive; fresh is for how long it may be kept.
func (p *Policies) answerPage(c echo.Context, page web.Page, fresh time.Duration) error {
	var b bytes.Buffer
	if err := p.Web.Render(&b, page); err != nil {
		return err
	}
	csp := web.ContentSecurityPolicy
	if _, list := page.(*web.PolicyVersions); list {
		csp = web.FormSecurityPolicy
	}
	c.Response().Header().Set("Content-Security-Policy", csp)
	return answer(c, "text/html; charset=utf-8", b.Bytes(), fresh)
}

func answerJSON(c echo.Context, v any, fresh time.Duration) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	return answer(c, asJSON, append(b, '\n'), fresh)
}

// answer sends what may change with the day: a state, a link to what follows.
func answer(c echo.Context, kind string, body []byte, fresh time.Duration) error {
	c.Response().Header().Set("Cache-Control", "public, max-age="+strconv.Itoa(int(fresh/time.Second)))
	return answerBytes(c, kind, body)
}

// answerFile sends what never changes, to be saved.
func answerFile(c echo.Context, name, kind string, body []byte) error {
	h := c.Response().Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name))
	return answerBytes(c, kind, body)
}

// answerBytes sends body with its digest as entity tag, which so follows from the
// version's digest, its state and the look of the page, and from nothing about the
// visitor; or 304 where that is what the client has (RFC 9110, 13.1.2).
func answerBytes(c echo.Context, kind string, body []byte) error {
	h := c.Response().Header()
	tag := `"` + canonical.Sum(body).Short() + `"`
	h.Set("ETag", tag)
	h.Set("X-Content-Type-Options", "nosniff")
	for have := range strings.SplitSeq(strings.Join(c.Request().Header.Values("If-None-Match"), ","), ",") {
		if have = strings.TrimPrefix(strings.TrimSpace(have), "W/"); have == tag || have == "*" {
			return c.NoContent(http.StatusNotModified)
		}
	}
	return c.Blob(http.StatusOK, kind, body)
}
