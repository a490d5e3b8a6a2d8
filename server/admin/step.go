package admin

import (
	"net/http"
	"time"

	"github.com/volenti-consent/volenti/server/operator"
)

// A step is what a browser carries from one answer of ours to its next request,
// sealed: a question it was asked, half a sign-in. It counts once and not for
// long; nothing of it is stored here before somebody has proven who they are.
type step struct {
	Kind     string `json:"k"`
	ID       string `json:"i"` // 128 random bits
	Operator string `json:"o,omitempty"`
	To       string `json:"t,omitempty"` // where to go on from sign-in
	Data     []byte `json:"d,omitempty"`
	Ends     int64  `json:"e"` // Unix seconds
}

// Kinds of steps, each with a cookie of its own.
const (
	stepCode    = "code"    // the password was right
	stepAsked   = "asked"   // for a passkey, to sign in
	stepNew     = "new"     // for a passkey, to add
	stepSecret  = "secret"  // of codes, to be confirmed
	stepCompany = "company" // sent to the company's sign-in
)

const stepLasts = operator.PasskeyPatience

// setStep hands the browser a step.
func (d *Desk) setStep(s step) error {
	s.ID, s.Ends = operator.NewID(), d.console.Now().Add(stepLasts).Unix()
	sealed, err := d.console.Cookies.Encode("step "+s.Kind, s)
	if err != nil {
		return err
	}
	c := d.cookie("volenti-"+s.Kind, sealed, stepLasts) //nolint:gosec // strict, but for one
	if s.Kind == stepCompany {
		c.SameSite = http.SameSiteLaxMode // it comes back by a link on another site
	}
	d.SetCookie(c)
	return nil
}

// step is the one of a kind that the browser carries, if it still counts.
func (d *Desk) step(kind string) (s step, ok bool) {
	sealed, err := d.Cookie(d.cookie("volenti-"+kind, "", 0).Name)
	if err != nil || d.console.Cookies.Decode("step "+kind, sealed.Value, &s) != nil {
		return step{}, false
	}
	return s, s.Kind == kind && d.console.Now().Unix() < s.Ends
}

// spend uses a step up: a copy of it, sent again, is operator.ErrSpent.
func (d *Desk) spend(s step) error {
	d.SetCookie(d.cookie("volenti-"+s.Kind, "", -1))
	return d.console.Operators.Spend(d.Request().Context(), operator.Digest("step "+s.ID), d.console.Now(), time.Unix(s.Ends, 0).Add(time.Second))
}
