package admin

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/request"
	"github.com/volenti-consent/volenti/web/console"
)

// shownDeliveries is how many of one webhook a page lists.
const shownDeliveries = 20

// showRequestSettings answers GET /admin/sites/:site/request-settings.
func (c *Console) showRequestSettings(d *Desk) error {
	return c.requestSettings(d, http.StatusOK, &console.RequestSettings{})
}

func (c *Console) requestSettings(d *Desk, status int, page *console.RequestSettings) error {
	ctx := d.Request().Context()
	page.Title, page.Sub = "Requests: settings", "What the site promises, how long it keeps what was written, and whom it tells"
	page.Trail = []console.Step{{Path: "admin/sites/" + d.Site.Key + "/requests", Label: "Requests"}}
	page.MayWrite = d.May(operator.WriteRequests)
	if page.Keep == "" {
		settings, err := c.Requests.Store.Settings(ctx, d.Site.Key)
		if err != nil {
			return err
		}
		if page.Keep = strconv.Itoa(settings.Keep); settings.Promise != 0 {
			page.Promise = strconv.Itoa(settings.Promise)
		}
	}
	for _, e := range request.Events() {
		page.Events = append(page.Events, console.Option{Value: e, Label: e})
	}
	hooks, err := c.Requests.Store.Hooks(ctx, d.Site.Key)
	if err != nil {
		return err
	}
	for _, h := range hooks {
		row := console.HookRow{ID: h.ID, URL: h.URL, Events: "all events", Off: h.Off}
		if len(h.Events) > 0 {
			row.Events = strings.Join(h.Events, ", ")
		}
		if c.Now().Before(h.Until) {
			row.Former = h.Until.In(d.Site.Location())
		}
		last, err := c.Requests.Store.DeliveriesOf(ctx, h.ID, shownDeliveries)
		if err != nil {
			return err
		}
		for _, one := range last {
			row.Log = append(row.Log, deliveryRow(d, one))
		}
		page.Hooks = append(page.Hooks, row)
	}
	return d.ShowAs(status, page)
}

func deliveryRow(d *Desk, one request.Delivery) console.HookDelivery {
	row := console.HookDelivery{At: one.At.In(d.Site.Location()), ID: one.ID, Event: one.Name, Object: one.Object, Attempts: one.Attempts, Status: one.Status, Problem: one.Problem}
	switch {
	case !one.DoneAt.IsZero():
		row.State, row.Badge = "taken", "good"
	case one.NextAt.IsZero():
		row.State, row.Badge = "given up", "bad"
	default:
		row.State, row.Badge, row.Next = "on its way", "ahead", one.NextAt.In(d.Site.Location())
	}
	return row
}

// changeRequestSettings answers POST /admin/sites/:site/request-settings.
func (c *Console) changeRequestSettings(d *Desk) error {
	ctx, by := d.Request().Context(), d.Operator.ID
	back := "admin/sites/" + d.Site.Key + "/request-settings"
	switch action := d.FormValue("action"); action {
	case "settings":
		return c.keepRequestSettings(d, back)
	case "add":
		return c.addHook(d)
	default:
		h, err := c.Requests.Store.Hook(ctx, d.Site.Key, d.FormValue("hook"))
		if err != nil {
			return err
		}
		switch action {
		case "test":
			if err := c.Requests.TestHook(ctx, h); err != nil {
				return err
			}
			return d.Done(back, "A test is on its way: load the page again in a moment")
		case "rotate":
			secret, err := c.Requests.RotateHook(ctx, h, by)
			if err != nil {
				return err
			}
			return c.requestSettings(d, http.StatusOK, &console.RequestSettings{Secret: secret, SecretOf: h.URL})
		case "on", "off":
			if err := c.Requests.SwitchHook(ctx, h, action == "off", by); err != nil {
				return err
			}
			return d.Done(back, "Switched "+action)
		case "remove":
			if err := c.Requests.Store.DropHook(ctx, d.Site.Key, h.ID, by, c.Now()); err != nil {
				return err
			}
			return d.Done(back, "Removed")
		}
		return &Unfit{Path: "action", What: "this is no button of the page", Remedy: "load the page again"}
	}
}

func (c *Console) keepRequestSettings(d *Desk, back string) error {
	page := &console.RequestSettings{Promise: strings.TrimSpace(d.FormValue("promise")), Keep: strings.TrimSpace(d.FormValue("keep"))}
	s := request.Settings{Site: d.Site.Key}
	for _, f := range []struct {
		name, text string
		least      int
		into       *int
	}{{"promise", page.Promise, 1, &s.Promise}, {"keep", page.Keep, 0, &s.Keep}} {
		n, err := strconv.Atoi(f.text)
		if f.name == "promise" && f.text == "" {
			continue
		}
		if err != nil || n < f.least || n > 3650 {
			page.Wrong = append(page.Wrong, console.Mend{Field: f.name, What: "Write a number of days, at most 3650"})
		}
		*f.into = n
	}
	if len(page.Wrong) > 0 {
		if page.Keep == "" {
			page.Keep = " "
		}
		return c.requestSettings(d, http.StatusUnprocessableEntity, page)
	}
	if err := c.Requests.Store.KeepSettings(d.Request().Context(), s, d.Operator.ID, c.Now()); err != nil {
		return err
	}
	return d.Done(back, "Saved. Requests that are open keep their deadline.")
}

func (c *Console) addHook(d *Desk) error {
	address := strings.TrimSpace(d.FormValue("url"))
	form, err := d.FormParams()
	if err != nil {
		return err
	}
	var events []string
	for _, e := range form["event"] {
		if slices.Contains(request.Events(), e) {
			events = append(events, e)
		}
	}
	page := &console.RequestSettings{}
	if err := request.CheckHookURL(address); err != nil {
		page.Address, page.Wrong = address, []console.Mend{{Field: "url", What: capital(err.Error())}}
		return c.requestSettings(d, http.StatusUnprocessableEntity, page)
	}
	h, secret, err := c.Requests.AddHook(d.Request().Context(), d.Site.Key, address, events, d.Operator.ID)
	if err != nil {
		return err
	}
	page.Secret, page.SecretOf = secret, h.URL
	return c.requestSettings(d, http.StatusOK, page)
}
