package console

import (
	"html/template"
	"time"
)

// Operators lists who may sign in.
type Operators struct {
	Frame
	List []OperatorRow
}

func (*Operators) template() string { return "operators" }

// An OperatorRow is one of them.
type OperatorRow struct {
	ID, Name, Email, Role, Where string
	Ready                        bool // has a way in
	Disabled, Self               bool
}

// Operator is the form of one, or of a new one, whose ID is "".
type Operator struct {
	Frame
	ID, Name, Email          string
	AllSites, Disabled, Self bool
	Roles                    []OperatorRole
	Choices                  []OperatorSite
}

func (*Operator) template() string { return "operator" }

// An OperatorRole is a role to choose.
type OperatorRole struct {
	Key, About string
	Chosen     bool
}

// An OperatorSite is a site to choose.
type OperatorSite struct {
	Key, Name string
	Chosen    bool
}

// NewLink shows a one-time link, once.
type NewLink struct {
	Frame
	Name, Email, Link string
	Ends              time.Time
	Reset             bool
}

func (*NewLink) template() string { return "link" }

// Tokens lists the tokens of programs, and makes new ones.
type Tokens struct {
	Frame
	List         []TokenRow
	Name, Chosen string
	Days         string
	Choices      []OperatorSite
	Rights       []TokenRight
}

func (*Tokens) template() string { return "tokens" }

// A TokenRow is one of them.
type TokenRow struct {
	ID, Name, Site, Rights, By string
	Made, Ends                 time.Time
	Ended                      bool
}

// A TokenRight is a right to choose.
type TokenRight struct {
	Key, About string
	Chosen     bool
}

// NewToken shows the secret of a token, once.
type NewToken struct {
	Frame
	Name, For, Secret, Rights string
	Ends                      time.Time
}

func (*NewToken) template() string { return "token" }

// Log is the audit log.
type Log struct {
	Frame
	List            []LogRow
	Who, What, Of   string // what it is filtered by
	OneSite         bool
	Base            string       // its path, from the server's root
	Query           template.URL // its filter, for the exports
	Older           template.URL // query of the next page, or ""
	People, OfSites []LogChoice
	Kinds           []LogChoice
}

func (*Log) template() string { return "log" }

// A LogRow is one act.
type LogRow struct {
	At                              time.Time
	Who, Site, What, Object, Detail string
}

// A LogChoice is something to filter by.
type LogChoice struct {
	Key, Label string
	Chosen     bool
}
