package web

// OptOut is the page of the opt-out that counts on every site of this server.
type OptOut struct {
	Head
	On     bool // this browser opted out
	Signal bool // it sends Global Privacy Control besides

	Sites []OptOutSite
	Next  string // leads on through the addresses that are left, "./opt-out/next?…"; "" where none is
	Left  int    // websites there; without Next they are gone through anew
}

func (*OptOut) template() string { return "visitor/opt-out" }

// An OptOutSite is what the opt-out came to at one website.
type OptOutSite struct {
	Name   string
	State  string // "out", "already", "back", "in", "todo" or "refused"; "" where nothing was done yet
	Link   string // to the website, where only that can do it; or ""
	Reopen string // what is to be chosen there
}
