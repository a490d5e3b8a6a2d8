package visitor

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/request"
	"github.com/volenti-consent/volenti/web"
)

// mine is the request of the address, for whoever has its key, or holds the decision it
// was made with; for all others there is none.
func (q *Requests) mine(c echo.Context, live *Live) (made request.Request, key string, err error) {
	r := c.Request()
	made, err = q.Service.Store.Request(r.Context(), live.Site.Key, c.Param("id"))
	if err != nil {
		return made, "", err
	}
	key = r.URL.Query().Get("key")
	if q.Service.Seals.Knows(request.ToRead, made.ID, key) && made.State != request.Pending && made.State != request.Lapsed {
		return made, key, nil
	}
	held, _, err := q.held(r, live)
	if err != nil {
		return made, "", err
	}
	if held == "" || made.Identity == request.ByMail {
		return made, "", request.ErrUnknown
	}
	own, err := q.own(r.Context(), live, held)
	if err != nil {
		return made, "", err
	}
	all, err := q.Service.Store.OfReceipts(r.Context(), live.Site.Key, own)
	if err != nil {
		return made, "", err
	}
	if !slices.ContainsFunc(all, func(o request.Request) bool { return o.ID == made.ID }) {
		return made, "", request.ErrUnknown
	}
	return made, "", nil
}

// One answers the page of a request.
func (q *Requests) One(c echo.Context) error {
	live, err := q.live(c)
	if err != nil {
		return err
	}
	made, key, err := q.mine(c, live)
	if err != nil {
		return err
	}
	return q.show(c, http.StatusOK, live, made, &web.Request{Key: key})
}

// show answers the page of a request, with what was written to it and is to be mended.
func (q *Requests) show(c echo.Context, status int, live *Live, made request.Request, page *web.Request) error {
	r := c.Request()
	page.Head = q.head(r, live)
	page.SiteKey, page.ID, page.Kind, page.State = live.Site.Key, made.ID, wordOf(string(made.Kind)), string(made.State)
	page.Waits, page.Closed, page.Mine, page.Promised = made.State.Waits(), made.State.Closed(), made.State.Waits(), made.Promised
	page.Received, page.Due, page.Ground = made.ReceivedAt.In(live.Site.Location()), lastMoment(made.Due, live), wordOf(string(made.Ground))
	steps, err := q.Service.Store.Steps(r.Context(), made.ID)
	if err != nil {
		return err
	}
	for _, s := range steps {
		if !s.What.Visible() {
			continue
		}
		said, err := q.Service.Said(made, s)
		if err != nil {
			return err
		}
		page.Steps = append(page.Steps, web.RequestStep{At: s.At.In(live.Site.Location()), What: wordOf(string(s.What)), Text: said})
		done, err := request.DoneOf(s)
		if err != nil {
			return err
		}
		for _, d := range done {
			page.Done = append(page.Done, web.RequestDone{What: d.What, Count: d.Count})
		}
	}
	if made.HandOver {
		f, err := q.Service.Store.File(r.Context(), made.ID)
		if err != nil && !errors.Is(err, request.ErrNoFile) {
			return err
		}
		page.File, page.Until = err == nil, f.Until.In(live.Site.Location())
	}
	held, _, err := q.held(r, live)
	if err != nil {
		return err
	}
	if page.FormKey, err = q.formKey(live, made.ID, held); err != nil {
		return err
	}
	return q.answer(c, status, page)
}

// Change does what a button on the page of a request says: writes, takes it back, or
// deletes what was handed over.
func (q *Requests) Change(c echo.Context) error {
	r := c.Request()
	ctx := r.Context()
	live, err := q.live(c)
	if err != nil {
		return err
	}
	made, key, err := q.mine(c, live)
	if err != nil {
		return err
	}
	if _, err := q.form(r, live, made.ID); err != nil {
		return err
	}
	switch text := r.PostForm.Get("text"); r.PostForm.Get("action") {
	case "write":
		if !q.Limit.Allow(live.Site.Key, q.Address(r)) {
			return request.ErrTooMany
		}
		if _, err = q.Service.Write(ctx, made, "visitor", text); errors.Is(err, request.ErrTooLong) {
			return q.show(c, http.StatusUnprocessableEntity, live, made, &web.Request{Key: key, Text: text, Wrong: "req_wrong_long"})
		}
	case "take_back":
		_, err = q.Service.Withdraw(ctx, made)
	case "drop":
		_, err = q.Service.Remove(ctx, made, "visitor")
	default:
		return ErrForm
	}
	if err != nil {
		return err
	}
	query := url.Values{"lang": {q.Web.Nearest(r.PostForm.Get("lang"))}}
	if key != "" {
		query.Set("key", key)
	}
	return c.Redirect(http.StatusSeeOther, "./"+made.ID+"?"+query.Encode())
}

// Data answers what is handed over: a file, for nobody's cache.
func (q *Requests) Data(c echo.Context) error {
	live, err := q.live(c)
	if err != nil {
		return err
	}
	made, _, err := q.mine(c, live)
	if err != nil {
		return err
	}
	name, b, err := q.Service.Open(c.Request().Context(), made)
	if err != nil {
		return err
	}
	if c.Request().Method == http.MethodGet {
		if _, err := q.Service.Take(c.Request().Context(), made); err != nil && !errors.Is(err, request.ErrStale) {
			return err
		}
	}
	h := c.Response().Header()
	h.Set("Cache-Control", "private, no-store")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Content-Length", strconv.Itoa(len(b)))
	return c.Blob(http.StatusOK, "application/zip", b)
}
