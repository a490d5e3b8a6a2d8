package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/server/request"
	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/web/console"
)

func (c *Console) requestRoutes() []Route {
	const base = "/admin/sites/:site/"
	const read, write = operator.ReadRequests, operator.WriteRequests
	return []Route{
		{Method: http.MethodGet, Path: base + "requests", Right: read, Handle: c.showRequests},
		{Method: http.MethodPost, Path: base + "requests", Right: write, Handle: c.enterRequest},
		{Method: http.MethodGet, Path: base + "requests/new", Right: write, Handle: c.newRequest},
		{Method: http.MethodPost, Path: base + "requests/export", Right: read, Handle: c.exportRequests},
		{Method: http.MethodGet, Path: base + "requests/:request", Right: read, Handle: c.showRequest},
		{Method: http.MethodPost, Path: base + "requests/:request", Right: write, Handle: c.changeRequest},
		{Method: http.MethodGet, Path: base + "request-settings", Right: read, Handle: c.showRequestSettings},
		{Method: http.MethodPost, Path: base + "request-settings", Right: write, Handle: c.changeRequestSettings},
	}
}

var kindNames = map[request.Kind]string{request.Access: "Access", request.Copy: "Copy", request.Portability: "Portability", request.Rectification: "Correction", request.Erasure: "Erasure",
	request.Restriction: "Restriction", request.Objection: "Objection", request.DoNotSell: "Do not sell or share", request.Limit: "Limit sensitive data", request.Disclosure: "SB 27 disclosure"}

var stateNames = map[request.State][2]string{request.Pending: {"waits for confirmation", ""}, request.Open: {"open", "ahead"}, request.Extended: {"extended", "mind"}, request.Fulfilled: {"fulfilled", "good"},
	request.Refused: {"refused", ""}, request.Withdrawn: {"taken back", ""}, request.Lapsed: {"never confirmed", ""}}

var identityNames = map[request.Identity]string{request.ByCookie: "holds the cookie", request.ByReceipt: "holds a receipt", request.ByMail: "mailbox", request.ByOperator: "settled by an operator"}

const pageOfRequests = 50

// left says how long there is still time, or how late it is.
func left(r request.Request, now time.Time) (said, badge string) {
	if !r.State.Waits() {
		return "", ""
	}
	switch days := int(r.Due.Sub(now).Hours() / 24); {
	case r.Overdue(now):
		if late := int(now.Sub(r.Due).Hours()/24) + 1; late > 1 {
			return counted(int64(late), "day", "days") + " late", "bad"
		}
		return "late", "bad"
	case days == 0:
		return "today", "bad"
	case r.DueSoon(now):
		return "in " + counted(int64(days), "day", "days"), "mind"
	default:
		return "in " + counted(int64(days), "day", "days"), ""
	}
}

func dayBefore(due time.Time, s site.Site) time.Time {
	return due.Add(-time.Millisecond).In(s.Location())
}

// showRequests answers GET /admin/sites/:site/requests.
func (c *Console) showRequests(d *Desk) error {
	ctx, now := d.Request().Context(), c.Now()
	page := &console.Requests{State: d.QueryParam("state"), Kind: d.QueryParam("kind"), MayWrite: d.May(operator.WriteRequests), Zone: zoneName(d.Site)}
	page.Title, page.Sub = "Requests", "What people ask for about their data, and by when"
	page.Filtered = page.State != "" || page.Kind != ""
	q := request.Query{Site: d.Site.Key, Limit: pageOfRequests + 1, States: []request.State{request.Open, request.Extended}}
	page.States = []console.Option{{Value: "all", Label: "any", Chosen: page.State == "all"}, {Value: "overdue", Label: "overdue", Chosen: page.State == "overdue"}}
	if page.State == "all" {
		q.States = nil
	}
	for _, s := range request.States() {
		page.States = append(page.States, console.Option{Value: string(s), Label: stateNames[s][0], Chosen: string(s) == page.State})
		if string(s) == page.State {
			q.States = []request.State{s}
		}
	}
	for _, k := range request.Kinds() {
		page.Kinds = append(page.Kinds, console.Option{Value: string(k), Label: kindNames[k], Chosen: string(k) == page.Kind})
		if string(k) == page.Kind {
			q.Kind = k
		}
	}
	if after := d.QueryParam("after"); after != "" {
		last, err := c.Requests.Store.Request(ctx, d.Site.Key, after)
		if err != nil {
			return err
		}
		q.After, page.First = &last, d.requestsAgain("")
	}
	all, err := c.Requests.Store.Requests(ctx, q)
	if err != nil {
		return err
	}
	if page.State == "overdue" {
		all = slices.DeleteFunc(all, func(r request.Request) bool { return !r.Overdue(now) })
	}
	if len(all) > pageOfRequests {
		all = all[:pageOfRequests]
		page.Next = d.requestsAgain(all[pageOfRequests-1].ID)
	}
	for _, r := range all {
		page.List = append(page.List, c.requestRow(d, r, now))
	}
	load, err := c.Requests.Store.Load(ctx, d.Site.Key, now)
	if err != nil {
		return err
	}
	page.Figures = []console.Figure{{Value: console.Number(int64(load.Overdue)), Label: "Overdue"}, {Value: console.Number(int64(load.Soon)), Label: "Due within a week"},
		{Value: console.Number(int64(load.Open)), Label: "Open"}, {Value: console.Number(int64(load.Pending)), Label: "Waiting for confirmation"}}
	if len(all) == 0 && q.After == nil {
		any, err := c.Requests.Store.Requests(ctx, request.Query{Site: d.Site.Key, Limit: 1})
		if err != nil {
			return err
		}
		page.Never = len(any) == 0
	}
	return d.Show(page)
}

func (c *Console) requestRow(d *Desk, r request.Request, now time.Time) console.RequestRow {
	row := console.RequestRow{ID: r.ID, Kind: kindNames[r.Kind], State: stateNames[r.State][0], Badge: stateNames[r.State][1], Due: dayBefore(r.Due, d.Site),
		Received: r.ReceivedAt.In(d.Site.Location()), Identity: identityNames[r.Identity], Region: console.RegionName(r.Region)}
	row.Left, row.LeftBadge = left(r, now)
	return row
}

// requestsAgain is the address of the same filter, behind a request.
func (d *Desk) requestsAgain(after string) string {
	q := url.Values{}
	for _, name := range []string{"state", "kind"} {
		if v := d.QueryParam(name); v != "" {
			q.Set(name, v)
		}
	}
	if after != "" {
		q.Set("after", after)
	}
	return "admin/sites/" + d.Site.Key + "/requests?" + q.Encode()
}

// newRequest answers GET /admin/sites/:site/requests/new.
func (c *Console) newRequest(d *Desk) error {
	return c.showRequestForm(d, http.StatusOK, nil)
}

func (c *Console) showRequestForm(d *Desk, status int, wrong []console.Mend) error {
	page := &console.RequestForm{Region: d.FormValue("region"), Receipt: d.FormValue("receipt"), Email: d.FormValue("address"), Text: d.FormValue("text"), Mails: c.Requests.Mails}
	page.Title, page.Wrong = "Enter a request", wrong
	page.Trail = []console.Step{{Path: "admin/sites/" + d.Site.Key + "/requests", Label: "Requests"}}
	for _, k := range request.Kinds() {
		page.Kinds = append(page.Kinds, console.Option{Value: string(k), Label: kindNames[k], Chosen: string(k) == d.FormValue("kind")})
	}
	for _, l := range c.Languages {
		page.Languages = append(page.Languages, console.Option{Value: l, Label: console.LanguageName(l), Chosen: l == d.FormValue("language") || (d.FormValue("language") == "" && l == "en")})
	}
	return d.ShowAs(status, page)
}

// requestMends say what to mend in a form about a request.
var requestMends = []struct {
	err         error
	field, what string
}{
	{request.ErrKind, "kind", "Choose what is asked for"}, {request.ErrAddress, "address", "Write one e-mail address, without a name"}, {request.ErrReceiptID, "receipt", "Paste the receipt's number of 32 digits and letters"},
	{request.ErrTooLong, "text", "Say it in at most 4000 characters"}, {request.ErrNoMail, "address", "This server sends no mail: set smtp.address, or leave the address out"},
	{request.ErrGround, "", "Choose one of the grounds"}, {request.ErrNoMore, "", "The law gives no more time, or it is over: answer, or refuse"},
}

// enterRequest answers POST /admin/sites/:site/requests.
func (c *Console) enterRequest(d *Desk) error {
	country, subdivision, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(d.FormValue("region"))), "-")
	region := strings.Trim(country+"-"+subdivision, "-")
	if len(country) != 0 && len(country) != 2 || len(subdivision) > 3 {
		return c.showRequestForm(d, http.StatusUnprocessableEntity, []console.Mend{{Field: "region", What: "Write a country as DE, or a state as US-CA; or leave it empty"}})
	}
	if region == "" {
		region = "-"
	}
	language := "en"
	if slices.Contains(c.Languages, d.FormValue("language")) {
		language = d.FormValue("language")
	}
	ruling := c.Insight.Table.For(regime.Visitor{Country: country, Subdivision: subdivision, Certain: true}, "", regime.Cautious, regime.DayOf(c.Now().In(d.Site.Location())))
	r, _, err := c.Requests.Receive(d.Request().Context(), request.Intake{Site: d.Site.Key, Kind: request.Kind(d.FormValue("kind")), Language: language, Region: region, Ruling: ruling,
		Receipt: d.FormValue("receipt"), Address: d.FormValue("address"), Text: d.FormValue("text"), By: d.Operator.ID})
	for _, m := range requestMends {
		if errors.Is(err, m.err) {
			return c.showRequestForm(d, http.StatusUnprocessableEntity, []console.Mend{{Field: m.field, What: m.what}})
		}
	}
	if err != nil {
		return err
	}
	return d.Done("admin/sites/"+d.Site.Key+"/requests/"+r.ID, "The request was entered")
}

// ofRequests is what requests of a site need, for the home page.
func (c *Console) ofRequests(ctx context.Context, s site.Site) ([]console.Attention, error) {
	if c.Requests == nil {
		return nil, nil
	}
	load, err := c.Requests.Store.Load(ctx, s.Key, c.Now())
	if err != nil {
		return nil, err
	}
	path := "admin/sites/" + s.Key + "/requests"
	switch {
	case load.Overdue > 0:
		return []console.Attention{{Level: "bad", Label: "Do now", Path: path, Do: "Answer", What: fmt.Sprintf("%s overdue.", counted(int64(load.Overdue), "request is", "requests are"))}}, nil
	case load.Soon > 0:
		return []console.Attention{{Level: "mind", Label: "Soon", Path: path, Do: "Answer", What: fmt.Sprintf("%s due within a week.", counted(int64(load.Soon), "request is", "requests are"))}}, nil
	case load.Open > 0:
		return []console.Attention{{Level: "ahead", Label: "Coming", Path: path, Do: "See", What: fmt.Sprintf("%s open.", counted(int64(load.Open), "request is", "requests are"))}}, nil
	}
	return nil, nil
}
