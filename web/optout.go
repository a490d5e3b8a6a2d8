package web

// OptOut is the page of the opt-out that counts on every site of this server.
type OptOut struct {
	Head
	On     bool // this browser opted out
	Signal bool // it sends Global Privacy Control besides
}

func (*OptOut) template() string { return "visitor/opt-out" }
