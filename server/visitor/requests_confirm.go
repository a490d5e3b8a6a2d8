package visitor

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/request"
	"github.com/volenti-consent/volenti/web"
)

// Confirming answers the page that a mailed link leads to. Looking at it does nothing:
// mail scanners open links, and do not press buttons.
func (q *Requests) Confirming(c echo.Context) error {
	live, err := q.live(c)
	if err != nil {
		return err
	}
	page := &web.RequestMail{SiteKey: live.Site.Key, Step: "confirm", Key: c.QueryParam("key")}
	return q.confirming(c, live, page)
}

func (q *Requests) confirming(c echo.Context, live *Live, page *web.RequestMail) error {
	r := c.Request()
	status := http.StatusOK
	made, err := q.Service.Confirmable(r.Context(), live.Site.Key, c.Param("id"), page.Key)
	switch {
	case errors.Is(err, request.ErrLink):
		page.Step, page.Key, status = "gone", "", http.StatusGone
	case err != nil:
		return err
	default:
		page.Kind = wordOf(string(made.Kind))
	}
	page.Head = q.head(r, live)
	if made.Language != "" && r.FormValue("lang") == "" {
		page.Language = made.Language // of whoever asked, on whichever device the mail is read
	}
	held, _, err := q.held(r, live)
	if err != nil {
		return err
	}
	if page.FormKey, err = q.formKey(live, "confirm "+c.Param("id"), held); err != nil {
		return err
	}
	return q.answer(c, status, page)
}

// Confirm settles who asks, by the button on that page, once.
func (q *Requests) Confirm(c echo.Context) error {
	r := c.Request()
	live, err := q.live(c)
	if err != nil {
		return err
	}
	if _, err := q.form(r, live, "confirm "+c.Param("id")); err != nil {
		return err
	}
	made, key, err := q.Service.Confirm(r.Context(), live.Site.Key, c.Param("id"), r.PostForm.Get("key"))
	if errors.Is(err, request.ErrLink) {
		return q.confirming(c, live, &web.RequestMail{SiteKey: live.Site.Key})
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "../"+made.ID+"?"+url.Values{"key": {key}, "lang": {made.Language}}.Encode())
}
