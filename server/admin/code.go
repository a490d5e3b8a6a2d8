package admin

import (
	"errors"
	"net/http"

	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/web/console"
)

// showCode answers GET /admin/sign-in/code: the second half of two.
func (c *Console) showCode(d *Desk) error {
	if _, ok := d.step(stepCode); !ok {
		return d.Done("admin/sign-in", "")
	}
	page := &console.Code{}
	page.Title = "Your code"
	return d.Show(page)
}

// postCode answers POST /admin/sign-in/code.
func (c *Console) postCode(d *Desk) error {
	ctx := d.Request().Context()
	s, ok := d.step(stepCode)
	if !ok {
		return d.Done("admin/sign-in", "That took too long. Begin again.")
	}
	o, err := c.Operators.Operator(ctx, s.Operator)
	if err != nil {
		return err
	}
	page := &console.Code{}
	page.Title = "Your code"
	if ok, err := d.mayTry("code "+o.ID, o.Email, &page.Frame); err != nil {
		return err
	} else if !ok {
		return d.ShowAs(http.StatusTooManyRequests, page)
	}
	err = c.checkCode(d, o, d.FormValue("code"))
	if err == nil && !o.Disabled {
		err = d.spend(s)
	}
	if errors.Is(err, operator.ErrSpent) || err == nil && o.Disabled {
		if err := d.noteOf(o, "session.refuse", "code"); err != nil {
			return err
		}
		page.Wrong = []console.Mend{{Field: "code", What: "This code is not the one that counts now: wait for the next and type that"}}
		return d.ShowAs(http.StatusUnprocessableEntity, page)
	}
	if err != nil {
		return err
	}
	if err := d.finish(o, operator.ByPassword); err != nil {
		return err
	}
	return d.goOn(s.To)
}

// checkCode spends a code of the app, or a recovery code; ErrSpent if it is none
// that counts.
func (c *Console) checkCode(d *Desk, o operator.Operator, code string) error {
	ctx := d.Request().Context()
	keys, err := c.Operators.Keys(ctx, o.ID)
	if err != nil {
		return err
	}
	if !keys.Open() {
		return operator.ErrSpent
	}
	secret, err := c.Vault.Open(o.ID, keys.TOTP)
	if err != nil {
		return err
	}
	if at, ok := operator.CodeStep(string(secret), code, c.Now()); ok {
		return c.Operators.SpendCode(ctx, o.ID, at)
	}
	if err := c.Operators.SpendRecovery(ctx, o.ID, operator.RecoveryDigest(code)); err != nil {
		return err
	}
	return d.noteOf(o, "recovery-code.use", "")
}
