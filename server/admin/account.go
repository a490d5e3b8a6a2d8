package admin

import (
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/web/console"
)

func (c *Console) accountRoutes() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/admin/account", Handle: c.showAccount},
		{Method: http.MethodPost, Path: "/admin/account", Handle: c.renameSelf},
		{Method: http.MethodPost, Path: "/admin/account/sessions", Handle: c.endSessions},
		{Method: http.MethodPost, Path: "/admin/sign-out", SetUp: true, Handle: c.signOut},
	}
}

// showAccount answers GET /admin/account.
func (c *Console) showAccount(d *Desk) error { return c.accountAs(d, http.StatusOK) }

func (c *Console) accountAs(d *Desk, status int, wrong ...console.Mend) error {
	ctx := d.Request().Context()
	keys, err := c.Operators.Keys(ctx, d.Operator.ID)
	if err != nil {
		return err
	}
	passkeys, err := c.Operators.Passkeys(ctx, d.Operator.ID)
	if err != nil {
		return err
	}
	sessions, err := c.Operators.SessionsOf(ctx, d.Operator.ID)
	if err != nil {
		return err
	}
	page := &console.Account{Name: d.Operator.Name, Email: d.Operator.Email, Where: c.whereOf(d.Operator),
		Password: keys.Open(), ChangedAt: keys.ChangedAt, Recovery: len(keys.Recovery), CanPasskey: c.authenticators(d) != nil}
	page.Title, page.Wrong = "Your account", wrong
	for _, p := range passkeys {
		page.Passkeys = append(page.Passkeys, console.AccountPasskey{ID: p.ID, Name: p.Name, Added: p.CreatedAt, Used: p.UsedAt})
	}
	for _, s := range sessions {
		if c.live(s) {
			page.Sessions = append(page.Sessions, console.AccountSession{ID: s.Digest, Began: s.CreatedAt, Seen: s.SeenAt, By: means[s.By], Here: s.Digest == d.Session.Digest})
		}
	}
	return d.ShowAs(status, page)
}

// means are how sessions begin, in words.
var means = map[string]string{
	operator.ByLink: "a one-time link", operator.ByPasskey: "a passkey", operator.ByPassword: "password and code", operator.ByOIDC: "the company's sign-in",
}

// live reports whether a session still counts.
func (c *Console) live(s operator.Session) bool {
	now := c.Now()
	return now.Sub(s.SeenAt) <= sessionIdle && now.Sub(s.CreatedAt) <= sessionMost
}

// whereOf says on which sites a role holds.
func (c *Console) whereOf(o operator.Operator) string {
	switch {
	case o.AllSites:
		return "all sites"
	case len(o.Sites) == 0:
		return "no site yet"
	}
	return strings.Join(o.Sites, ", ")
}

// renameSelf answers POST /admin/account.
func (c *Console) renameSelf(d *Desk) error {
	name := strings.Join(strings.Fields(d.FormValue("name")), " ")
	if name == "" || utf8.RuneCountInString(name) > 80 {
		return c.accountAs(d, http.StatusUnprocessableEntity, console.Mend{Field: "name", What: "Write the name that colleagues know, at most 80 characters"})
	}
	o := d.Operator
	o.Name = name
	if err := c.Operators.ChangeOperator(d.Request().Context(), o); err != nil {
		return err
	}
	if err := d.Note("operator.rename", o.Email, name); err != nil {
		return err
	}
	return d.Done("admin/account", "You are called “"+name+"” now.")
}

// endSessions answers POST /admin/account/sessions: one session, or with "others"
// all but this one.
func (c *Console) endSessions(d *Desk) error {
	ctx := d.Request().Context()
	if d.FormValue("session") == "others" {
		if err := c.Operators.EndSessions(ctx, d.Operator.ID, d.Session.Digest); err != nil {
			return err
		}
		if err := d.Note("session.end", d.Operator.Email, "all others"); err != nil {
			return err
		}
		return d.Done("admin/account", "Every other browser is signed out.")
	}
	sessions, err := c.Operators.SessionsOf(ctx, d.Operator.ID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(sessions, func(s operator.Session) bool { return s.Digest == d.FormValue("session") })
	if i < 0 {
		return operator.ErrUnknown
	}
	if err := c.Operators.EndSession(ctx, sessions[i].Digest); err != nil {
		return err
	}
	if err := d.Note("session.end", d.Operator.Email, "begun "+sessions[i].CreatedAt.UTC().Format(time.RFC3339)); err != nil {
		return err
	}
	return d.Done("admin/account", "That browser is signed out.")
}
