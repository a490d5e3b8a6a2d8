package admin

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/web/console"
)

// goToCompany answers GET /admin/sign-in/company: off to the company's sign-in. It
// is a link, not a form: what a form leads to must be ours (form-action).
func (c *Console) goToCompany(d *Desk) error {
	if c.Company == nil {
		return d.Done("admin/sign-in", "")
	}
	address, q, err := c.Company.Ask(d.Request().Context(), d.Operator.ID != "")
	if errors.Is(err, operator.ErrCompany) {
		return c.companyFailed(d, err)
	} else if err != nil {
		return err
	}
	b, err := json.Marshal(q)
	if err != nil {
		return err
	}
	if err := d.setStep(step{Kind: stepCompany, To: onward(d.QueryParam("to")), Data: b}); err != nil {
		return err
	}
	d.Response().Header().Set("Cache-Control", "no-store")
	return d.Redirect(http.StatusSeeOther, address)
}

// backFromCompany answers GET /admin/sign-in/company/back.
func (c *Console) backFromCompany(d *Desk) error {
	ctx := d.Request().Context()
	s, ok := d.step(stepCompany)
	var q operator.Question
	if !ok || c.Company == nil || json.Unmarshal(s.Data, &q) != nil {
		return d.Done("admin/sign-in", "That took too long. Begin again.")
	}
	claim, err := c.Company.Answered(ctx, q, d.QueryParam("state"), d.QueryParam("code"))
	if err == nil {
		err = d.spend(s)
	}
	var o operator.Operator
	if err == nil {
		o, err = c.claimed(d, claim)
	}
	if errors.Is(err, operator.ErrCompany) || errors.Is(err, operator.ErrSpent) {
		return c.companyFailed(d, err)
	} else if err != nil {
		return err
	}
	if err := d.finish(o, operator.ByOIDC); err != nil {
		return err
	}
	// The session's cookie goes along with requests of our own pages only, and this
	// one began elsewhere: the page leads on by itself.
	page := &console.Onward{Text: "You are signed in as " + o.Name + ".", At: strings.TrimPrefix(s.To, "/"), Label: "Go on"}
	page.Title = "Signed in"
	return d.Show(page)
}

// claimed finds the operator a company speaks of. A new one is made only where the
// configuration says with which role; on no site, until an owner says which.
func (c *Console) claimed(d *Desk, claim operator.Claim) (operator.Operator, error) {
	ctx := d.Request().Context()
	o, err := c.Operators.OperatorOf(ctx, claim.Email)
	if errors.Is(err, operator.ErrUnknown) && c.Company.Role() != "" {
		name, email, wrong := nameAndAddress(claim.Name, claim.Email)
		if len(wrong) > 0 {
			name = email
		}
		o = operator.Operator{ID: operator.NewID(), Name: name, Email: email, Role: c.Company.Role(), CreatedAt: c.Now()}
		if err := c.Operators.AddOperator(ctx, o); err != nil {
			return o, err
		}
		return o, d.noteOf(o, "operator.join", string(o.Role)+", through "+c.Company.Name())
	}
	if errors.Is(err, operator.ErrUnknown) || err == nil && o.Disabled {
		return o, errors.Join(operator.ErrCompany, errors.New("this address is no operator's here"))
	}
	return o, err
}

func (c *Console) companyFailed(d *Desk, err error) error {
	c.Log.WarnContext(d.Request().Context(), "company sign-in refused", "error", err)
	page := c.signInPage(d)
	page.Wrong = []console.Mend{{What: "Signing in with " + page.Company + " did not work out. Try again; if it stays so, an owner of this server finds the reason in its log"}}
	return d.ShowAs(http.StatusForbidden, page)
}
