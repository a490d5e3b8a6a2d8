package admin

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/request"
	"github.com/volenti-consent/volenti/web/console"
)

// showRequest answers GET /admin/sites/:site/requests/:request.
func (c *Console) showRequest(d *Desk) error {
	return c.requestPage(d, http.StatusOK, nil)
}

func (c *Console) requestPage(d *Desk, status int, wrong []console.Mend) error {
	ctx, now := d.Request().Context(), c.Now()
	r, err := c.Requests.Store.Request(ctx, d.Site.Key, d.Param("request"))
	if err != nil {
		return err
	}
	row := c.requestRow(d, r, now)
	page := &console.Request{ID: r.ID, Kind: row.Kind, State: row.State, Badge: row.Badge, Due: row.Due, Left: row.Left, LeftBadge: row.LeftBadge, Promised: r.Promised, Received: row.Received,
		Identity: row.Identity, Region: row.Region, Law: r.Law, Language: console.LanguageName(r.Language), LanguageTag: r.Language, Direction: c.Requests.Words.Direction(r.Language),
		Waits: r.State.Waits(), MayWrite: d.May(operator.WriteRequests) && r.State != request.Pending && !r.Forgotten, CanErase: r.Kind == request.Erasure, Forgotten: r.Forgotten, HandOver: r.HandOver,
		Text: d.FormValue("text"), Zone: zoneName(d.Site)}
	page.Title, page.Sub, page.Wrong = "Request "+r.ID, row.Kind+", received on "+row.Received.Format("2 January 2006"), wrong
	page.Trail = []console.Step{{Path: "admin/sites/" + d.Site.Key + "/requests", Label: "Requests"}}
	if law, ok := c.Insight.Table.Row(r.Law); ok {
		page.LawName = law.Name + ", " + law.Law
	}
	if page.Address, err = c.Requests.Address(r); err != nil {
		return err
	}
	if r.State == request.Open && !r.Longer.IsZero() && now.Before(r.LawDue) {
		page.Longer = dayBefore(r.Longer, d.Site)
	}
	for _, id := range r.Receipts {
		if request.Erased(id) {
			page.Receipts = append(page.Receipts, console.RequestReceipt{})
			continue
		}
		_, err := c.Records.Entry(ctx, d.Site.Key, id)
		if err != nil && !errors.Is(err, consent.ErrUnknownReceipt) {
			return err
		}
		page.Receipts = append(page.Receipts, console.RequestReceipt{ID: id, Known: err == nil})
	}
	if r.State.Waits() {
		held, err := c.Requests.Holdings(ctx, r)
		if err != nil {
			return err
		}
		page.Held = len(held)
		if r.Kind == request.Erasure {
			if page.Held, err = c.Requests.Reached(ctx, r, held); err != nil {
				return err
			}
		}
		page.Does = doesWith(r.Kind, page.Held)
		if hidden := page.Held - len(held); hidden > 0 {
			page.Does += " Of them " + counted(int64(hidden), "is", "are") + " restricted: nobody can read them now."
		}
	}
	if err := c.requestGrounds(r, page); err != nil {
		return err
	}
	if err := c.requestSteps(d, r, page); err != nil {
		return err
	}
	return d.ShowAs(status, page)
}

// doesWith is what pressing the button does with what this server holds.
func doesWith(k request.Kind, held int) string {
	n := counted(int64(held), "record", "records")
	switch {
	case k == request.Disclosure:
		return "Only you know to whom data was given: say it below. This server gives none to anybody."
	case k == request.Rectification:
		return "Records of choices are evidence and can't be altered; what the visitor wrote is kept beside them. The visitor is told both."
	case held == 0:
		return "This server holds nothing that belongs to the person: records are found by receipts alone. The visitor is told so. What your other systems hold, you answer yourself."
	case k.Copies():
		return "One click makes a file of all that this server holds: " + n + ", all requests, and what statistics say. The visitor downloads it."
	case k == request.Erasure:
		return "One click erases " + n + " of this browser, for good, and enters into the log that it happened. Do what is to be copied first."
	case k == request.Restriction:
		return "One click hides " + n + " from everybody, this console too."
	default:
		return "One click records that marketing is refused, beside the last of " + n + ", with a new receipt."
	}
}

var groundNames = map[request.Ground]string{request.Unidentified: "It can't be established who asks", request.Excessive: "Manifestly unfounded or excessive", request.LegalDuty: "A law asks that it is kept",
	request.LegalClaims: "Needed for legal claims", request.Others: "The rights of others", request.NotOwed: "The person's law gives no such right", request.Yearly: "Answered already this year",
	request.Complex: "The request is complex", request.Numerous: "There are many requests"}

// requestGrounds are the reasons there are, each with what the visitor reads.
func (c *Console) requestGrounds(r request.Request, page *console.Request) error {
	reads := func(g request.Ground) (console.RequestGround, error) {
		text, err := c.Requests.Words.Text(r.Language, "req_why_"+request.Word(string(g)))
		return console.RequestGround{Value: string(g), Label: groundNames[g], Reads: text}, err
	}
	for _, list := range []struct {
		grounds []request.Ground
		into    *[]console.RequestGround
	}{{request.GroundsOf(r.Kind), &page.Grounds}, {request.ExtensionGrounds(), &page.Extensions}} {
		for _, g := range list.grounds {
			one, err := reads(g)
			if err != nil {
				return err
			}
			*list.into = append(*list.into, one)
		}
	}
	page.Ground = groundNames[r.Ground]
	return nil
}

var stepNames = map[request.What]string{request.Received: "Received", request.Confirmed: "Confirmed by the link in the mailbox", request.Asked: "The visitor wrote", request.Answered: "Written to the visitor", request.Prolonged: "Extended",
	request.Refusing: "Refused", request.Fulfilling: "Fulfilled", request.Withdrawing: "Taken back", request.Lapsing: "Never confirmed, ended", request.SwitchedOff: "Marketing switched off at once",
	request.Reminding: "Operators were reminded", request.Taken: "The file was downloaded", request.Removed: "The file was deleted", request.Forgetting: "Address, texts and receipts were deleted"}

// requestSteps are all that happened, also what the visitor is not shown.
func (c *Console) requestSteps(d *Desk, r request.Request, page *console.Request) error {
	names, err := c.actors(d)
	if err != nil {
		return err
	}
	steps, err := c.Requests.Store.Steps(d.Request().Context(), r.ID)
	if err != nil {
		return err
	}
	for _, s := range steps {
		said, err := c.Requests.Said(r, s)
		if err != nil {
			return err
		}
		page.Steps = append(page.Steps, console.RequestStep{At: s.At.In(d.Site.Location()), What: stepNames[s.What], Who: "by " + nameIn(names, s.By), Note: groundNames[request.Ground(s.Note)], Text: said})
		done, err := request.DoneOf(s)
		if err != nil {
			return err
		}
		for _, one := range done {
			pairs := []string{}
			if one.Count != 0 {
				pairs = []string{"count", strconv.Itoa(one.Count)}
			}
			line, err := c.Requests.Words.Text("en", "req_done_"+one.What, pairs...)
			if err != nil {
				return err
			}
			page.Done = append(page.Done, line)
		}
	}
	return nil
}

// changeRequest answers POST /admin/sites/:site/requests/:request: what its button says.
func (c *Console) changeRequest(d *Desk) error {
	ctx := d.Request().Context()
	r, err := c.Requests.Store.Request(ctx, d.Site.Key, d.Param("request"))
	if err != nil {
		return err
	}
	by := d.Operator.ID
	var said string
	switch d.FormValue("action") {
	case "fulfil":
		_, _, err = c.Requests.Fulfil(ctx, r, request.Fulfilment{By: by, Text: d.FormValue("text"), How: consent.Erasure(d.FormValue("how")), Elsewhere: d.FormValue("elsewhere") != ""})
		said = "Fulfilled. What was done stands below, and on the visitor's page."
	case "answer":
		_, err = c.Requests.Write(ctx, r, by, d.FormValue("answer"))
		said = "Sent"
	case "extend":
		_, err = c.Requests.Extend(ctx, r, by, request.Ground(d.FormValue("ground")), d.FormValue("why"))
		said = "Extended, and the visitor is told"
	case "refuse":
		_, err = c.Requests.Refuse(ctx, r, by, request.Ground(d.FormValue("ground")), d.FormValue("because"))
		said = "Refused, and the visitor is told"
	default:
		return &Unfit{Path: "action", What: "this is no button of the page", Remedy: "load the page again"}
	}
	for _, m := range requestMends {
		if errors.Is(err, m.err) {
			return c.requestPage(d, http.StatusUnprocessableEntity, []console.Mend{{Field: m.field, What: m.what}})
		}
	}
	if err != nil {
		return err
	}
	return d.Done("admin/sites/"+d.Site.Key+"/requests/"+r.ID, said)
}

var requestColumns = []string{"id", "kind", "state", "identity", "region", "law", "language", "received_at", "due", "promised", "closed_at", "ground", "reminded", "steps"}

// exportRequests answers POST /admin/sites/:site/requests/export: all of the site, by
// deadline, without addresses and texts.
func (c *Console) exportRequests(d *Desk) error {
	ctx := d.Request().Context()
	if err := d.Note("request.export", d.Site.Key, "all, as "+d.FormValue("format")); err != nil {
		return err
	}
	x, err := begin(d, "requests-"+d.Site.Key, requestColumns)
	if err != nil {
		return x.end(err)
	}
	q := request.Query{Site: d.Site.Key, Limit: exportBatch}
	for {
		all, err := c.Requests.Store.Requests(ctx, q)
		if err != nil {
			return x.end(err)
		}
		for _, r := range all {
			if err := c.exportRequest(d, x, r); err != nil {
				return x.end(err)
			}
		}
		if err := x.flush(); err != nil {
			return x.end(err)
		}
		if len(all) < q.Limit {
			return nil
		}
		q.After = &all[len(all)-1]
	}
}

func (c *Console) exportRequest(d *Desk, x *export, r request.Request) error {
	line, err := c.Requests.Line(d.Request().Context(), r)
	if err != nil {
		return err
	}
	steps := ""
	for i, s := range line.Steps {
		if i > 0 {
			steps += " "
		}
		steps += string(s.What)
	}
	return x.row(line, line.ID, string(line.Kind), string(line.State), string(line.Identity), line.Region, line.Law, line.Language, line.Received, line.Due, strconv.FormatBool(line.Promised),
		line.Closed, string(line.Ground), strconv.Itoa(line.Reminded), steps)
}
