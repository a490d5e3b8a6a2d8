package console

import (
	"html/template"
	"time"
)

// Enter is where a one-time link leads.
type Enter struct {
	Frame
	First       bool // makes the first owner: asks for name and address
	Name, Email string
	Ends        time.Time
}

func (*Enter) template() string { return "enter" }

// Onward is a page that only leads on.
type Onward struct {
	Frame
	Text, To, Label string
	At              string // goes on by itself to this address, from the server's root; or ""
}

func (*Onward) template() string { return "onward" }

// SignIn is the first page of sign-in.
type SignIn struct {
	Frame
	Email    string
	To       string // where to go on
	Again    bool   // somebody is signed in and proves it again
	Passkeys bool   // browsers have passkeys for this address
	Company  string // name of the company's sign-in, or ""
}

func (*SignIn) template() string { return "sign-in" }

// Code asks for the second factor.
type Code struct{ Frame }

func (*Code) template() string { return "code" }

// SetUp is the one page that a link opens: how will you sign in?
type SetUp struct {
	Frame
	Name     string
	Passkeys bool
	Company  string
}

func (*SetUp) template() string { return "set-up" }

// A Secret is offered to an app for codes.
type Secret struct {
	Picture template.URL // QR code
	Groups  []string     // the same to type, four letters each
}

// Password is the form of a password, of a code, or of both.
type Password struct {
	Frame
	Email  string
	Change bool    // of the password only: the code stays
	Only   bool    // of the code only: the password stays
	Secret *Secret // nil with Change
}

func (*Password) template() string { return "password" }

// Recovery shows recovery codes, once.
type Recovery struct {
	Frame
	Codes []string
}

func (*Recovery) template() string { return "recovery" }

// Account is the operator's own page.
type Account struct {
	Frame
	Name, Email, Where string
	Password           bool
	ChangedAt          time.Time
	Recovery           int // codes left
	CanPasskey         bool
	Passkeys           []AccountPasskey
	Sessions           []AccountSession
}

func (*Account) template() string { return "account" }

// An AccountPasskey is one of the operator's passkeys.
type AccountPasskey struct {
	ID, Name    string
	Added, Used time.Time // Used is zero if never
}

// An AccountSession is a browser in which the operator is signed in.
type AccountSession struct {
	ID          string
	Began, Seen time.Time
	By          string
	Here        bool
}
