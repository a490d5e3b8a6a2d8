package console

// Embed is the lines that put the banner into a website.
type Embed struct {
	Frame
	Unpublished bool
	Server      string // where visitors reach this server; "" is not known
	Guessed     bool   // Server is this request's own address
	Platform    string
	Language    string
	Stub        bool
	Platforms   []Option
	Languages   []Option
	Lines       string
	Line        string // the one that matters, alone
	Notes       []string
	Pinned      string
	PinNotes    []string
	Origins     []OriginCheck
	MayPin      bool
	MayNotice   bool
	Guide       string // where the platform's page of the documentation is
}

func (*Embed) template() string { return "embed" }

// An OriginCheck is one origin of the notice, and what is wrong with it.
type OriginCheck struct {
	Origin string
	Wrong  string // "" if nothing is
	Note   string
}
