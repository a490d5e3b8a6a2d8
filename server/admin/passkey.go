package admin

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/web/console"
)

func (c *Console) passkeyRoutes() []Route {
	return []Route{
		{Method: http.MethodPost, Path: "/admin/account/passkeys/ask", SetUp: true, Fresh: true, Handle: c.askNewPasskey},
		{Method: http.MethodPost, Path: "/admin/account/passkeys", SetUp: true, Fresh: true, Handle: c.addPasskey},
		{Method: http.MethodPost, Path: "/admin/account/passkeys/:passkey", Handle: c.renamePasskey},
		{Method: http.MethodPost, Path: "/admin/account/passkeys/:passkey/remove", Fresh: true, Handle: c.removePasskey},
	}
}

// authenticators ask for passkeys of this server's public address; on a machine
// without one, of localhost. Nil: browsers have no passkeys for this address.
func (c *Console) authenticators(d *Desk) *operator.Authenticators {
	origin := c.PublicURL
	if origin == "" {
		origin = "http://" + d.Request().Host
		host, _, err := net.SplitHostPort(d.Request().Host)
		if err != nil {
			host = d.Request().Host
		}
		if host != "localhost" {
			return nil
		}
	}
	u, err := url.Parse(origin)
	if err != nil || net.ParseIP(u.Hostname()) != nil || u.Scheme != "https" && u.Hostname() != "localhost" {
		return nil
	}
	a, err := operator.NewAuthenticators(u.Hostname(), u.Scheme+"://"+u.Host)
	if err != nil {
		c.Log.ErrorContext(d.Request().Context(), "passkeys are off", "error", err)
		return nil
	}
	return a
}

// errNoPasskeys: this address is none that passkeys belong to.
var errNoPasskeys = console.Mend{What: "Passkeys need an https address or localhost: set public_url, or use a password and a code"}

// ask answers what the browser's script begins with.
func (d *Desk) ask(kind string, question func(*operator.Authenticators) (any, []byte, error)) error {
	d.Response().Header().Set("Cache-Control", "no-store")
	a := d.console.authenticators(d)
	if a == nil {
		return d.JSON(http.StatusConflict, map[string]string{"wrong": errNoPasskeys.What})
	}
	options, state, err := question(a)
	if err != nil {
		return err
	}
	if err := d.setStep(step{Kind: kind, Operator: d.Operator.ID, Data: state, To: d.QueryParam("to")}); err != nil {
		return err
	}
	return d.JSON(http.StatusOK, options)
}

// refuse answers the script with what the person is to do.
func (d *Desk) refuse(what string) error {
	d.Response().Header().Set("Cache-Control", "no-store")
	return d.JSON(http.StatusUnprocessableEntity, map[string]string{"wrong": what})
}

func (d *Desk) answerOf() ([]byte, error) {
	return io.ReadAll(io.LimitReader(d.Request().Body, 64<<10))
}

// askPasskey answers POST /admin/sign-in/passkey/ask.
func (c *Console) askPasskey(d *Desk) error {
	return d.ask(stepAsked, (*operator.Authenticators).Ask)
}

// postPasskey answers POST /admin/sign-in/passkey: {"to": path}.
func (c *Console) postPasskey(d *Desk) error {
	ctx := d.Request().Context()
	answer, err := d.answerOf()
	if err != nil {
		return err
	}
	s, ok := d.step(stepAsked)
	a := c.authenticators(d)
	if !ok || a == nil {
		return d.refuse("That took too long. Try again")
	}
	o, p, err := a.Answered(s.Data, answer, func(id string) (operator.Operator, operator.Passkey, error) {
		p, err := c.Operators.Passkey(ctx, id)
		if err != nil {
			return operator.Operator{}, p, err
		}
		o, err := c.Operators.Operator(ctx, p.Operator)
		return o, p, err
	})
	if err == nil && o.Disabled {
		err = operator.ErrPasskey
	}
	if err == nil {
		err = d.spend(s)
	}
	if errors.Is(err, operator.ErrPasskey) || errors.Is(err, operator.ErrSpent) {
		c.Log.DebugContext(ctx, "passkey refused", "error", err)
		return d.refuse("This passkey opens no account here. Choose another, or sign in with password and code")
	} else if err != nil {
		return err
	}
	p.UsedAt = c.Now()
	if err := c.Operators.ChangePasskey(ctx, p); err != nil {
		return err
	}
	if err := d.finish(o, operator.ByPasskey); err != nil {
		return err
	}
	return d.JSON(http.StatusOK, map[string]string{"to": strings.TrimPrefix(onward(s.To), "/")})
}

// askNewPasskey answers POST /admin/account/passkeys/ask.
func (c *Console) askNewPasskey(d *Desk) error {
	have, err := c.Operators.Passkeys(d.Request().Context(), d.Operator.ID)
	if err != nil {
		return err
	}
	return d.ask(stepNew, func(a *operator.Authenticators) (any, []byte, error) { return a.AskNew(d.Operator, have) })
}

// addPasskey answers POST /admin/account/passkeys: {"to": path}. The name stands
// in the query, what the authenticator said in the body.
func (c *Console) addPasskey(d *Desk) error {
	ctx := d.Request().Context()
	answer, err := d.answerOf()
	if err != nil {
		return err
	}
	s, ok := d.step(stepNew)
	a := c.authenticators(d)
	if !ok || a == nil || s.Operator != d.Operator.ID {
		return d.refuse("That took too long. Try again")
	}
	have, err := c.Operators.Passkeys(ctx, d.Operator.ID)
	if err != nil {
		return err
	}
	p, err := a.AnsweredNew(d.Operator, have, s.Data, answer, c.Now())
	if err == nil {
		err = d.spend(s)
	}
	if err == nil {
		p.Name = passkeyName(d.QueryParam("name"), len(have))
		err = c.Operators.AddPasskey(ctx, p)
	}
	if errors.Is(err, operator.ErrPasskey) || errors.Is(err, operator.ErrSpent) || errors.Is(err, operator.ErrTaken) {
		c.Log.DebugContext(ctx, "new passkey refused", "error", err)
		return d.refuse("This passkey can't be added. It needs a PIN, a fingerprint or a face, and must not be here already")
	} else if err != nil {
		return err
	}
	if err := d.Note("passkey.add", d.Operator.Email, p.Name); err != nil {
		return err
	}
	if d.Session.By == operator.ByLink {
		if err := d.finish(d.Operator, operator.ByPasskey); err != nil {
			return err
		}
	}
	d.SetCookie(d.cookie(saidCookie, url.QueryEscape("Passkey “"+p.Name+"” is added."), saidLasts))
	return d.JSON(http.StatusOK, map[string]string{"to": "admin/account"})
}

func passkeyName(name string, have int) string {
	name = strings.Join(strings.Fields(name), " ")
	if r := []rune(name); len(r) > 60 {
		name = string(r[:60])
	}
	if name == "" {
		name = "Passkey"
		if have > 0 {
			name = "Another passkey"
		}
	}
	return name
}

// passkeyOf is the one of the path, if it is the operator's own.
func (d *Desk) passkeyOf() (operator.Passkey, error) {
	p, err := d.console.Operators.Passkey(d.Request().Context(), d.Param("passkey"))
	if err == nil && p.Operator != d.Operator.ID {
		err = operator.ErrUnknown
	}
	return p, err
}

// renamePasskey answers POST /admin/account/passkeys/:passkey.
func (c *Console) renamePasskey(d *Desk) error {
	p, err := d.passkeyOf()
	if err != nil {
		return err
	}
	p.Name = passkeyName(d.FormValue("name"), 0)
	if err := c.Operators.ChangePasskey(d.Request().Context(), p); err != nil {
		return err
	}
	if err := d.Note("passkey.rename", d.Operator.Email, p.Name); err != nil {
		return err
	}
	return d.Done("admin/account", "The passkey is called “"+p.Name+"” now.")
}

// removePasskey answers POST /admin/account/passkeys/:passkey/remove. The last way
// in stays.
func (c *Console) removePasskey(d *Desk) error {
	ctx := d.Request().Context()
	p, err := d.passkeyOf()
	if err != nil {
		return err
	}
	have, err := c.Operators.Passkeys(ctx, d.Operator.ID)
	if err != nil {
		return err
	}
	keys, err := c.Operators.Keys(ctx, d.Operator.ID)
	if err != nil {
		return err
	}
	if len(have) < 2 && !keys.Open() {
		return c.accountAs(d, http.StatusUnprocessableEntity, console.Mend{What: "This is your only way in: add another passkey, or a password and a code, and remove it then"})
	}
	if err := c.Operators.DropPasskey(ctx, d.Operator.ID, p.ID); err != nil {
		return err
	}
	if err := c.Operators.EndSessions(ctx, d.Operator.ID, d.Session.Digest); err != nil {
		return err
	}
	if err := d.Note("passkey.remove", d.Operator.Email, p.Name); err != nil {
		return err
	}
	return d.Done("admin/account", "Passkey “"+p.Name+"” is removed, and every other browser is signed out.")
}
