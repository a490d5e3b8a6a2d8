package admin

import (
	"errors"
	"html/template"
	"net/http"

	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/web/console"
)

func (c *Console) setUpRoutes() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/admin/set-up", SetUp: true, Handle: c.showSetUp},
		{Method: http.MethodGet, Path: "/admin/account/password", SetUp: true, Fresh: true, Handle: c.showPassword},
		{Method: http.MethodPost, Path: "/admin/account/password", SetUp: true, Fresh: true, Handle: c.setPassword},
		{Method: http.MethodGet, Path: "/admin/account/codes", Fresh: true, Handle: c.showCodes},
		{Method: http.MethodPost, Path: "/admin/account/codes", Fresh: true, Handle: c.setCodes},
	}
}

// showSetUp answers GET /admin/set-up: the one page a link opens.
func (c *Console) showSetUp(d *Desk) error {
	if d.Session.By != operator.ByLink {
		return d.Done("admin/account", "")
	}
	page := &console.SetUp{Passkeys: c.authenticators(d) != nil, Name: d.Operator.Name}
	page.Title = "How will you sign in?"
	if c.Company != nil {
		page.Company = c.Company.Name()
	}
	return d.Show(page)
}

// secretForm offers a secret of codes and keeps it, sealed, for the answer. The
// same one is offered again while the form is being mended.
func (c *Console) secretForm(d *Desk, f *console.Secret) error {
	secret := operator.NewCodeSecret()
	if s, ok := d.step(stepSecret); ok && s.Operator == d.Operator.ID {
		secret = string(s.Data)
	}
	if err := d.setStep(step{Kind: stepSecret, Operator: d.Operator.ID, Data: []byte(secret)}); err != nil {
		return err
	}
	picture, err := operator.CodePicture(secret, d.Operator.Email, "Volenti")
	if err != nil {
		return err
	}
	f.Picture = template.URL(picture) //nolint:gosec // a PNG of ours
	for i := 0; i < len(secret); i += 4 {
		f.Groups = append(f.Groups, secret[i:min(i+4, len(secret))])
	}
	return nil
}

// confirmed is the secret that was offered, if the code is one of it.
func (c *Console) confirmed(d *Desk) (s step, at int64, ok bool) {
	s, ok = d.step(stepSecret)
	if !ok || s.Operator != d.Operator.ID {
		return s, 0, false
	}
	at, ok = operator.CodeStep(string(s.Data), d.FormValue("code"), c.Now())
	return s, at, ok
}

const wrongCode = "This is not the code the app shows now: type the next one"

// showPassword answers GET /admin/account/password: a password and, where there is
// none yet, a code with it. Neither is a way in alone.
func (c *Console) showPassword(d *Desk) error {
	return c.passwordPage(d, http.StatusOK, nil)
}

func (c *Console) passwordPage(d *Desk, status int, wrong []console.Mend) error {
	keys, err := c.Operators.Keys(d.Request().Context(), d.Operator.ID)
	if err != nil {
		return err
	}
	page := &console.Password{Email: d.Operator.Email, Change: keys.Open()}
	page.Title, page.Wrong = "Password and code", wrong
	if page.Change {
		page.Title = "Change your password"
	} else {
		page.Secret = &console.Secret{}
		if err := c.secretForm(d, page.Secret); err != nil {
			return err
		}
	}
	if d.Session.By != operator.ByLink {
		page.Trail = []console.Step{{Path: "admin/account", Label: "Your account"}}
	}
	return d.ShowAs(status, page)
}

// setPassword answers POST /admin/account/password. Every other browser is signed
// out, and this one gets a session of its own.
func (c *Console) setPassword(d *Desk) error {
	ctx := d.Request().Context()
	keys, err := c.Operators.Keys(ctx, d.Operator.ID)
	if err != nil {
		return err
	}
	var wrong []console.Mend
	password := d.FormValue("password")
	if what := operator.WeakPassword(password, d.Operator); what != "" {
		wrong = append(wrong, console.Mend{Field: "password", What: what})
	}
	var s step
	var codes []string
	if !keys.Open() {
		var at int64
		var ok bool
		if s, at, ok = c.confirmed(d); !ok {
			wrong = append(wrong, console.Mend{Field: "code", What: wrongCode})
		}
		keys.TOTP, keys.Step = c.Vault.Seal(d.Operator.ID, s.Data), at
		codes, keys.Recovery = operator.NewRecoveryCodes()
	}
	if len(wrong) > 0 {
		return c.passwordPage(d, http.StatusUnprocessableEntity, wrong)
	}
	if s.ID != "" {
		if err := d.spend(s); errors.Is(err, operator.ErrSpent) {
			return d.Done("admin/account", "")
		} else if err != nil {
			return err
		}
	}
	if keys.Password, err = c.Passwords.Hash(ctx, password); err != nil {
		return err
	}
	keys.Operator, keys.ChangedAt = d.Operator.ID, c.Now()
	if err := c.keepKeys(d, keys, "password.change"); err != nil {
		return err
	}
	if codes != nil {
		return c.showRecovery(d, codes)
	}
	return d.Done("admin/account", "Your password is changed, and every other browser is signed out.")
}

// keepKeys keeps what an operator signs in with, ends what the old keys began, and
// begins anew here.
func (c *Console) keepKeys(d *Desk, keys operator.Keys, what string) error {
	ctx := d.Request().Context()
	if err := c.Operators.KeepKeys(ctx, keys); err != nil {
		return err
	}
	if err := c.Operators.EndSessions(ctx, d.Operator.ID, ""); err != nil {
		return err
	}
	if err := d.Note(what, d.Operator.Email, ""); err != nil {
		return err
	}
	by := d.Session.By
	if by == operator.ByLink {
		by = operator.ByPassword
	}
	return d.finish(d.Operator, by)
}

// showCodes answers GET /admin/account/codes: a new app, or a new phone.
func (c *Console) showCodes(d *Desk) error { return c.codesPage(d, http.StatusOK, nil) }

func (c *Console) codesPage(d *Desk, status int, wrong []console.Mend) error {
	page := &console.Password{Email: d.Operator.Email, Only: true, Secret: &console.Secret{}}
	page.Title, page.Wrong = "A new app for codes", wrong
	page.Trail = []console.Step{{Path: "admin/account", Label: "Your account"}}
	if err := c.secretForm(d, page.Secret); err != nil {
		return err
	}
	return d.ShowAs(status, page)
}

// setCodes answers POST /admin/account/codes. The old app's codes and recovery
// codes count no more.
func (c *Console) setCodes(d *Desk) error {
	keys, err := c.Operators.Keys(d.Request().Context(), d.Operator.ID)
	if err != nil {
		return err
	}
	if !keys.Open() {
		return d.Done("admin/account/password", "")
	}
	s, at, ok := c.confirmed(d)
	if !ok {
		return c.codesPage(d, http.StatusUnprocessableEntity, []console.Mend{{Field: "code", What: wrongCode}})
	}
	if err := d.spend(s); errors.Is(err, operator.ErrSpent) {
		return d.Done("admin/account", "")
	} else if err != nil {
		return err
	}
	var codes []string
	keys.TOTP, keys.Step = c.Vault.Seal(d.Operator.ID, s.Data), at
	codes, keys.Recovery = operator.NewRecoveryCodes()
	if err := c.keepKeys(d, keys, "codes.change"); err != nil {
		return err
	}
	return c.showRecovery(d, codes)
}

// showRecovery shows recovery codes, this once: only their digests are kept.
func (c *Console) showRecovery(d *Desk, codes []string) error {
	page := &console.Recovery{Codes: codes}
	page.Title = "Keep these codes"
	return d.Show(page)
}
