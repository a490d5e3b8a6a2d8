package console

import "time"

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
