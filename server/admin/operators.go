package admin

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/web/console"
)

func (c *Console) operatorRoutes() []Route {
	const right = operator.WriteOperators
	return []Route{
		{Method: http.MethodGet, Path: "/admin/operators", Right: right, Handle: c.showOperators},
		{Method: http.MethodGet, Path: "/admin/operators/new", Right: right, Handle: c.showInvite},
		{Method: http.MethodPost, Path: "/admin/operators/new", Right: right, Fresh: true, Handle: c.invite},
		{Method: http.MethodGet, Path: "/admin/operators/:operator", Right: right, Handle: c.showOperator},
		{Method: http.MethodPost, Path: "/admin/operators/:operator", Right: right, Fresh: true, Handle: c.changeOperator},
		{Method: http.MethodPost, Path: "/admin/operators/:operator/link", Right: right, Fresh: true, Handle: c.resetOperator},
	}
}

// showOperators answers GET /admin/operators.
func (c *Console) showOperators(d *Desk) error {
	ctx := d.Request().Context()
	all, err := c.Operators.Operators(ctx)
	if err != nil {
		return err
	}
	page := &console.Operators{}
	page.Title = "Operators"
	for _, o := range all {
		row := console.OperatorRow{ID: o.ID, Name: o.Name, Email: o.Email, Role: string(o.Role), Where: c.whereOf(o), Disabled: o.Disabled, Self: o.ID == d.Operator.ID}
		if row.Ready, err = c.ready(d, o.ID); err != nil {
			return err
		}
		page.List = append(page.List, row)
	}
	return d.Show(page)
}

// ready reports whether an operator has a way in of their own.
func (c *Console) ready(d *Desk, id string) (bool, error) {
	passkeys, err := c.Operators.Passkeys(d.Request().Context(), id)
	if err != nil || len(passkeys) > 0 {
		return len(passkeys) > 0, err
	}
	keys, err := c.Operators.Keys(d.Request().Context(), id)
	return keys.Open() || c.Company != nil, err
}

// operatorForm is the form of o, as it stands or as it was sent.
func (c *Console) operatorForm(d *Desk, o operator.Operator) (*console.Operator, error) {
	sites, err := c.Sites.Sites(d.Request().Context())
	if err != nil {
		return nil, err
	}
	page := &console.Operator{ID: o.ID, Name: o.Name, Email: o.Email, AllSites: o.AllSites, Disabled: o.Disabled, Self: o.ID == d.Operator.ID}
	page.Title = "Invite an operator"
	if o.ID != "" {
		page.Title = o.Name
	}
	page.Trail = []console.Step{{Path: "admin/operators", Label: "Operators"}}
	for _, r := range operator.Roles() {
		page.Roles = append(page.Roles, console.OperatorRole{Key: string(r), About: aboutRole[r], Chosen: r == o.Role})
	}
	for _, s := range sites {
		page.Choices = append(page.Choices, console.OperatorSite{Key: s.Key, Name: s.Name, Chosen: slices.Contains(o.Sites, s.Key)})
	}
	return page, nil
}

var aboutRole = map[operator.Role]string{
	operator.Owner:     "does everything; on all sites, also lets others in",
	operator.Legal:     "policies, banners, receipts and requests",
	operator.Marketing: "banners and statistics; sees nothing of a single visitor",
	operator.Auditor:   "reads everything, changes nothing",
}

// filled is o as the form says, and what is wrong with it.
func (c *Console) filled(d *Desk, o operator.Operator) (operator.Operator, []console.Mend) {
	var wrong []console.Mend
	o.Name, o.Email, wrong = nameAndAddress(d.FormValue("name"), d.FormValue("email"))
	o.Role = operator.Role(d.FormValue("role"))
	if !slices.Contains(operator.Roles(), o.Role) {
		wrong = append(wrong, console.Mend{Field: "role", What: "Choose a role"})
	}
	o.AllSites = d.FormValue("where") == "all"
	o.Disabled = d.FormValue("disabled") == "yes"
	form, err := d.FormParams()
	if err == nil {
		o.Sites = slices.Compact(slices.Sorted(slices.Values(form["site"])))
	}
	if o.AllSites {
		o.Sites = nil
	} else if len(o.Sites) == 0 {
		wrong = append(wrong, console.Mend{Field: "where", What: "Choose one site at least, or all of them"})
	}
	return o, wrong
}

// showInvite answers GET /admin/operators/new.
func (c *Console) showInvite(d *Desk) error {
	page, err := c.operatorForm(d, operator.Operator{})
	if err != nil {
		return err
	}
	return d.Show(page)
}

// invite answers POST /admin/operators/new, with the link to hand over. We send
// no mail: how the link travels is the owner's choice.
func (c *Console) invite(d *Desk) error {
	o, wrong := c.filled(d, operator.Operator{})
	if len(wrong) == 0 {
		o.ID, o.CreatedAt, o.Disabled = operator.NewID(), c.Now(), false
		err := c.Operators.AddOperator(d.Request().Context(), o)
		if errors.Is(err, operator.ErrTaken) {
			wrong = append(wrong, console.Mend{Field: "email", What: "Somebody has this address already: change them instead"})
		} else if err != nil {
			return err
		}
	}
	if len(wrong) > 0 {
		o.ID = ""
		return c.mendOperator(d, o, wrong)
	}
	if err := d.Note("operator.invite", o.Email, string(o.Role)+" on "+c.whereOf(o)); err != nil {
		return err
	}
	return c.showNewLink(d, o, operator.LinkInvite)
}

func (c *Console) mendOperator(d *Desk, o operator.Operator, wrong []console.Mend) error {
	page, err := c.operatorForm(d, o)
	if err != nil {
		return err
	}
	page.Wrong = wrong
	return d.ShowAs(http.StatusUnprocessableEntity, page)
}

// showNewLink makes a link of o and shows it, this once.
func (c *Console) showNewLink(d *Desk, o operator.Operator, kind string) error {
	link, path := NewLink(c.Now(), kind, o.ID, d.Operator.ID)
	if err := c.Operators.AddLink(d.Request().Context(), link); err != nil {
		return err
	}
	base := c.PublicURL
	if base == "" {
		base = d.Scheme() + "://" + d.Request().Host
	}
	page := &console.NewLink{Name: o.Name, Email: o.Email, Link: strings.TrimSuffix(base, "/") + "/" + path, Ends: link.EndsAt, Reset: kind == operator.LinkReset}
	page.Title = "Hand this link to " + o.Name
	page.Trail = []console.Step{{Path: "admin/operators", Label: "Operators"}}
	return d.Show(page)
}

// showOperator answers GET /admin/operators/:operator.
func (c *Console) showOperator(d *Desk) error {
	o, err := c.Operators.Operator(d.Request().Context(), d.Param("operator"))
	if err != nil {
		return err
	}
	page, err := c.operatorForm(d, o)
	if err != nil {
		return err
	}
	return d.Show(page)
}

// changeOperator answers POST /admin/operators/:operator. Other rights begin with
// another session.
func (c *Console) changeOperator(d *Desk) error {
	ctx := d.Request().Context()
	was, err := c.Operators.Operator(ctx, d.Param("operator"))
	if err != nil {
		return err
	}
	o, wrong := c.filled(d, was)
	if len(wrong) == 0 {
		err := c.Operators.ChangeOperator(ctx, o)
		switch {
		case errors.Is(err, operator.ErrTaken):
			wrong = append(wrong, console.Mend{Field: "email", What: "This address is somebody else's"})
		case errors.Is(err, operator.ErrLastOwner):
			wrong = append(wrong, console.Mend{Field: "role", What: "This is the only owner of all sites: make somebody else one first"})
		case err != nil:
			return err
		}
	}
	if len(wrong) > 0 {
		return c.mendOperator(d, o, wrong)
	}
	detail := string(o.Role) + " on " + c.whereOf(o)
	if o.Disabled {
		detail = "disabled"
	}
	if err := d.Note("operator.change", o.Email, detail); err != nil {
		return err
	}
	if err := c.Operators.EndSessions(ctx, o.ID, ""); err != nil {
		return err
	}
	if o.ID == d.Operator.ID {
		by := d.Session.By
		if err := d.begin(o, by); err != nil {
			return err
		}
		if !o.May(operator.WriteOperators, "") {
			return d.Done("admin", "You are "+string(o.Role)+" on "+c.whereOf(o)+" now.")
		}
	}
	return d.Done("admin/operators", o.Name+" is changed, and signed out everywhere.")
}

// resetOperator answers POST /admin/operators/:operator/link. What the operator
// has still opens until the link is used; then it is void.
func (c *Console) resetOperator(d *Desk) error {
	o, err := c.Operators.Operator(d.Request().Context(), d.Param("operator"))
	if err != nil {
		return err
	}
	if o.Disabled {
		return c.mendOperator(d, o, []console.Mend{{Field: "disabled", What: "Enable them first: a link of somebody who is disabled opens nothing"}})
	}
	if err := d.Note("operator.reset", o.Email, ""); err != nil {
		return err
	}
	return c.showNewLink(d, o, operator.LinkReset)
}
