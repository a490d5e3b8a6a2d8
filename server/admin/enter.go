package admin

import (
	"errors"
	"net/http"
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/web/console"
)

func (c *Console) enterRoutes() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/admin/enter/:link", Open: true, Handle: c.showLink},
		{Method: http.MethodPost, Path: "/admin/enter/:link", Open: true, Handle: c.useLink},
	}
}

// showLink answers GET /admin/enter/:link. It changes nothing: programs that look
// at links before people do must not use them up.
func (c *Console) showLink(d *Desk) error {
	l, err := c.Operators.Link(d.Request().Context(), operator.Digest(d.Param("link")), c.Now())
	if errors.Is(err, operator.ErrLink) {
		return d.deadLink()
	} else if err != nil {
		return err
	}
	page, err := c.linkPage(d, l)
	if err != nil {
		return err
	}
	return d.Show(page)
}

// useLink answers POST /admin/enter/:link.
func (c *Console) useLink(d *Desk) error {
	ctx, digest := d.Request().Context(), operator.Digest(d.Param("link"))
	l, err := c.Operators.Link(ctx, digest, c.Now())
	if errors.Is(err, operator.ErrLink) {
		return d.deadLink()
	} else if err != nil {
		return err
	}
	var o operator.Operator
	if l.Kind == operator.LinkFirst {
		page, err := c.linkPage(d, l)
		if err != nil {
			return err
		}
		page.Name, page.Email = d.FormValue("name"), d.FormValue("email")
		o = operator.Operator{ID: operator.NewID(), Role: operator.Owner, AllSites: true, CreatedAt: c.Now()}
		if o.Name, o.Email, page.Wrong = nameAndAddress(page.Name, page.Email); len(page.Wrong) > 0 {
			return d.ShowAs(http.StatusUnprocessableEntity, page)
		}
	} else if o, err = c.Operators.Operator(ctx, l.Operator); err != nil {
		return err
	}
	if o.Disabled {
		return d.deadLink()
	}
	if _, err := c.Operators.UseLink(ctx, digest, c.Now()); errors.Is(err, operator.ErrLink) {
		return d.deadLink()
	} else if err != nil {
		return err
	}
	switch l.Kind {
	case operator.LinkFirst:
		err = c.Operators.AddOperator(ctx, o)
	case operator.LinkReset:
		err = c.Operators.Forget(ctx, o.ID)
	}
	if err != nil {
		return err
	}
	if err := d.begin(o, operator.ByLink); err != nil {
		return err
	}
	return d.Done("admin/set-up", "")
}

func (c *Console) linkPage(d *Desk, l operator.Link) (*console.Enter, error) {
	page := &console.Enter{First: l.Kind == operator.LinkFirst, Ends: l.EndsAt}
	switch l.Kind {
	case operator.LinkFirst:
		page.Title = "Become the first owner"
	case operator.LinkReset:
		page.Title = "Set up how you sign in again"
	default:
		page.Title = "Welcome to the console"
	}
	if l.Operator == "" {
		return page, nil
	}
	o, err := c.Operators.Operator(d.Request().Context(), l.Operator)
	page.Name, page.Email = o.Name, o.Email
	return page, err
}

func (d *Desk) deadLink() error {
	page := &console.Onward{Text: "It was used already, or a day has passed since it was made. Ask an owner of this server for a new one. With a shell on the machine: volenti operator link",
		To: "admin/sign-in", Label: "Sign in"}
	page.Title = "This link does not open anything any more"
	return d.ShowAs(http.StatusNotFound, page)
}

// nameAndAddress tidies what an operator is called and reached by.
func nameAndAddress(name, email string) (string, string, []console.Mend) {
	var wrong []console.Mend
	name, email = strings.Join(strings.Fields(name), " "), strings.ToLower(strings.TrimSpace(email))
	if name == "" || utf8.RuneCountInString(name) > 80 {
		wrong = append(wrong, console.Mend{Field: "name", What: "Write the name that colleagues know, at most 80 characters"})
	}
	if a, err := mail.ParseAddress(email); err != nil || a.Address != email || len(email) > 254 {
		wrong = append(wrong, console.Mend{Field: "email", What: "Write an e-mail address such as ada@example.com"})
	}
	return name, email, wrong
}

// NewLink makes a one-time link and returns the path it opens at, from the
// server's root. By is an operator's id, or "cli".
func NewLink(now time.Time, kind, of, by string) (l operator.Link, path string) {
	secret := operator.NewSecret()
	l = operator.Link{Digest: operator.Digest(secret), Kind: kind, Operator: of, By: by, EndsAt: now.Add(operator.LinkLasts)}
	return l, "admin/enter/" + secret
}
