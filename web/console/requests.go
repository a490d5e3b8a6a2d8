package console

import "time"

// Requests is the queue of a site's data-subject requests.
type Requests struct {
	Frame
	State, Kind     string // of the filter
	States, Kinds   []Option
	List            []RequestRow
	Figures         []Figure
	Next, First     string // addresses, from the root, or ""
	Never, Filtered bool
	MayWrite        bool
	Zone            string
}

func (*Requests) template() string { return "requests" }

// A RequestRow is one request of the queue.
type RequestRow struct {
	ID, Kind, State, Badge string
	Due                    time.Time // the last day in time, in the site's zone
	Left                   string    // "in 5 days", "3 days late", or ""
	LeftBadge              string
	Received               time.Time
	Identity, Region       string
}

// RequestForm enters a request that came in some other way.
type RequestForm struct {
	Frame
	Kinds                  []Option
	Languages              []Option
	Region, Receipt, Email string
	Text                   string
	Mails                  bool
}

func (*RequestForm) template() string { return "request-new" }

// Request is one request with its steps, and what can be done with it.
type Request struct {
	Frame
	ID, Kind, State, Badge    string
	Due                       time.Time
	Left, LeftBadge           string
	Promised                  bool
	Received                  time.Time
	Identity, Region          string
	Law, LawName              string
	Language                  string // name in English
	LanguageTag, Direction    string
	Address                   string // of whoever asked, or ""
	Receipts                  []RequestReceipt
	Steps                     []RequestStep
	Held                      int    // records that are found by the receipts
	Does                      string // what the button does with them
	Waits, MayWrite, CanErase bool
	Longer                    time.Time // zero: it can't be extended now
	Grounds, Extensions       []RequestGround
	Ground                    string // the grounds it was refused or extended on
	Done                      []string
	Forgotten                 bool
	HandOver                  bool
	Text                      string // as it was typed
	Public                    string // address of the visitor's page
	Zone                      string
}

func (*Request) template() string { return "request" }

// A RequestReceipt is one that whoever asked holds; without an ID it was erased.
type RequestReceipt struct {
	ID    string
	Known bool // the site has it, and it may be read
}

// A RequestStep is one thing that happened.
type RequestStep struct {
	At              time.Time
	What, Who, Note string
	Text            string
}

// A RequestGround is a reason, with what the visitor reads in his own language.
type RequestGround struct{ Value, Label, Reads string }

// RequestSettings are what a site promises beyond the law.
type RequestSettings struct {
	Frame
	Promise, Keep string
	Hooks         []HookRow
	MayWrite      bool
	Address       string
	Events        []Option
	Secret        string // shown this once, or ""
	SecretOf      string
}

func (*RequestSettings) template() string { return "request-settings" }

// A HookRow is one webhook.
type HookRow struct {
	ID, URL, Events string
	Off             bool
	Former          time.Time // zero: one secret signs
	Log             []HookDelivery
}

// A HookDelivery is one event on its way to a webhook.
type HookDelivery struct {
	At       time.Time
	ID       string
	Event    string
	Object   string
	State    string
	Badge    string
	Attempts int
	Status   int
	Problem  string
	Next     time.Time // zero: no more
}
