package request

import (
	"context"
	"time"
)

// A Store keeps requests. Calls are safe for concurrent use and return after the
// change is durable. Every step is an act of the audit log too, in the same
// transaction, and there names the request alone.
type Store interface {
	// AddRequest keeps a new request with its first steps.
	AddRequest(ctx context.Context, c Change) error
	// Apply changes a request. It fails with ErrStale where Request.Seq is not the
	// last step any more, and nothing was changed.
	Apply(ctx context.Context, c Change) error
	// Request fails with ErrUnknown for one of another site, just as for none.
	Request(ctx context.Context, site, id string) (Request, error)
	// Requests are those of a query, the soonest deadline first.
	Requests(ctx context.Context, q Query) ([]Request, error)
	// OfReceipts are requests that one of the receipts is the identity of, newest
	// first.
	OfReceipts(ctx context.Context, site string, receiptIDs []string) ([]Request, error)
	// Steps are a request's, oldest first.
	Steps(ctx context.Context, id string) ([]Step, error)
	// Load counts what waits on a site.
	Load(ctx context.Context, site string, at time.Time) (Load, error)
	// File fails with ErrNoFile.
	File(ctx context.Context, id string) (File, error)

	// Settings are a site's, with DefaultKeep where none were kept.
	Settings(ctx context.Context, site string) (Settings, error)
	KeepSettings(ctx context.Context, s Settings, by string, at time.Time) error

	Outbox
}

// An Outbox keeps what is still to be sent: what stands in it outlives a crash.
type Outbox interface {
	// Mails are those due at a time, oldest first.
	Mails(ctx context.Context, at time.Time, limit int) ([]Mail, error)
	// MailTried keeps what became of one: next is when to try again, zero that it is
	// done or given up.
	MailTried(ctx context.Context, id string, attempts int, next time.Time) error

	AddHook(ctx context.Context, h Hook, by string) error
	ChangeHook(ctx context.Context, h Hook, by, what string, at time.Time) error
	DropHook(ctx context.Context, site, id, by string, at time.Time) error
	Hook(ctx context.Context, site, id string) (Hook, error) // ErrUnknown
	Hooks(ctx context.Context, site string) ([]Hook, error)
	// Notify puts an event into the outbox of every hook of the site that wants it.
	Notify(ctx context.Context, e Event) (hooks int, err error)
	// Deliveries are those due at a time, oldest first; DeliveriesOf the last ones to
	// one hook, newest first.
	Deliveries(ctx context.Context, at time.Time, limit int) ([]Delivery, error)
	DeliveriesOf(ctx context.Context, hook string, limit int) ([]Delivery, error)
	// Delivered keeps what became of one attempt. The body of one that is over is
	// forgotten.
	Delivered(ctx context.Context, d Delivery) error

	// Watched is how far the log was searched for what other systems are told of.
	// Watch keeps it, with the events that were found, in one transaction.
	Watched(ctx context.Context) (position int64, err error)
	Watch(ctx context.Context, position int64, found []Event) error
	// Decided are records from a position of the log on, of sites that have a hook, and
	// where the next call goes on: from itself where there is nothing new.
	Decided(ctx context.Context, from int64, limit int) (records []Decided, next int64, err error)
}

// A Decided is a record, as the watcher of the log sees it.
type Decided struct {
	Position      int64
	Site, Receipt string
	Core          []byte
}

// A Change is a request as it is to be, and what is kept with it in one transaction.
type Change struct {
	Request Request // Seq is the last step that was known
	Steps   []Step  // Seq is given by the store
	Mails   []Mail
	Events  []Event
	File    *File // replaces what was there
	Drop    bool  // deletes the file
	Forget  bool  // deletes address, texts, receipts and file
}

// A Query says which requests are wanted.
type Query struct {
	Site   string // "" is all
	States []State
	Kind   Kind // "" is all
	// After continues behind a request of an earlier call.
	After *Request
	Limit int // 100 if 0
	// Ended asks for those closed before a time of which something personal is
	// left; Lapsing for those pending since before one.
	Ended, Lapsing time.Time
	Files          time.Time // those with a file that is to be deleted by then
}

// A Load is what waits on a site.
type Load struct{ Pending, Open, Soon, Overdue int }

// A Mail is one message to whoever asked. Address and text are found when it is sent.
type Mail struct {
	ID       string
	Site     string
	Request  string
	About    MailAbout
	At       time.Time
	Attempts int
}

// What a mail is about.
type MailAbout string

// The mails.
const (
	MailConfirm MailAbout = "confirm" // with the link that settles who asks
	MailNews    MailAbout = "news"    // something happened: the way to the request's page
)
