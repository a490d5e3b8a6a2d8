package console

import "time"

// Home is the list of sites, with what needs somebody on each.
type Home struct {
	Frame
	List   []HomeSite
	Server []Attention // what needs somebody on the server itself
	MayAdd bool
}

func (*Home) template() string { return "home" }

// A HomeSite is one of them.
type HomeSite struct {
	Key, Name  string
	Attention  []Attention
	Week       int64  // choices of the last seven days
	Accepted   string // share of them, "54 %", or "" where there are too few
	Statistics bool   // the operator may see them
	MayChange  bool
}

// Attention is one thing to look at, with the place where it is mended.
type Attention struct {
	Level string // of the badge: "bad", "mind", "ahead"
	Label string // "Do now", "Soon", "Coming"
	What  string
	Path  string // from the server's root, or ""
	Do    string // the link's text
}

// SiteForm adds a site, or changes one.
type SiteForm struct {
	Frame
	Key, Name, TimeZone string
	SecondPair, NoIndex bool
	New                 bool
	Zones               []string
	CreatedAt           time.Time
}

func (*SiteForm) template() string { return "site" }
