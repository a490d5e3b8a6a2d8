package request

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
)

// Errors of this package and of a Store.
var (
	ErrUnknown   = errors.New("no such request")
	ErrStale     = errors.New("the request has changed meanwhile")
	ErrState     = errors.New("this can't be done with a request in this state")
	ErrGround    = errors.New("this is no ground for that")
	ErrNoMore    = errors.New("the law gives no more time")
	ErrAddress   = errors.New("this is no e-mail address")
	ErrNobody    = errors.New("neither a cookie, nor a receipt, nor an address says who asks")
	ErrNotGiven  = errors.New("this kind is not offered here")
	ErrTooLong   = errors.New("this text is too long")
	ErrTooMany   = errors.New("too many requests")
	ErrNoFile    = errors.New("nothing is kept to be handed over")
	ErrNoMail    = errors.New("this server sends no mail")
	ErrLink      = errors.New("this link was used, or is too old")
	ErrReceiptID = errors.New("this is no receipt's id")
)

// A Request is one demand of one person. What would name the person is sealed, and
// forgotten when the request has been closed for as long as the site's settings say.
type Request struct {
	ID         string // 16 hexadecimal digits; names it, and opens nothing
	Site       string
	Kind       Kind
	State      State
	Identity   Identity
	Receipts   []string // ids that whoever asked holds; what they lead to is what the request is about
	Language   string   // BCP 47, of whoever asked
	Region     string   // that the law was found by: "DE", "US-CA" or "-"
	Law        string   // id of the row the deadline is by
	Promised   bool     // the deadline is the site's own promise
	ReceivedAt time.Time
	Due        time.Time // the moment after the last on which an answer is in time
	LawDue     time.Time
	Longer     time.Time // Due if it is extended; zero: it can't be
	ClosedAt   time.Time // zero: it is not
	Ground     Ground    // of refusal, or of extension
	Contact    []byte    // e-mail address, sealed; nil: none was given, or it was forgotten
	HandOver   bool      // there is a file to be downloaded
	Forgotten  bool      // nothing personal is left of it
	Reminded   int       // reminders that were sent
	Seq        int64     // of its last step: whoever changes it says which one he knew
}

// Overdue reports whether an answer is late at a time.
func (r Request) Overdue(at time.Time) bool { return r.State.Waits() && !at.Before(r.Due) }

// DueSoon reports whether an answer is due within a week.
func (r Request) DueSoon(at time.Time) bool {
	return r.State.Waits() && at.Before(r.Due) && r.Due.Sub(at) <= soon
}

const soon = 7 * 24 * time.Hour

// A Step is one thing that happened to a request. Steps are appended and never
// changed; none holds anything personal but Text.
type Step struct {
	Seq  int64 // 1 is the first
	At   time.Time
	What What
	By   string // "visitor", "server", "cli", or an operator's id
	Note string // a Ground, a list of Done as JSON, or ""
	Text []byte // of a message, sealed; nil: there is none, or it was forgotten
}

// What happened.
type What string

// Kinds of steps.
const (
	Received    What = "received"
	Confirmed   What = "confirmed"
	Asked       What = "asked" // the visitor wrote
	Answered    What = "answered"
	Prolonged   What = "extended"
	Refusing    What = "refused"
	Fulfilling  What = "fulfilled"
	Withdrawing What = "withdrawn"
	Lapsing     What = "lapsed"
	SwitchedOff What = "switched-off" // marketing, at once, in the browser that asked
	Reminding   What = "reminded"
	Taken       What = "taken"     // the file was downloaded
	Removed     What = "removed"   // the file was deleted
	Forgetting  What = "forgotten" // address, texts and receipts were deleted
)

// Visible reports whether whoever asked is shown steps of that kind.
func (w What) Visible() bool { return w != Reminding && w != Forgetting }

// A Done is one line of what was done to fulfil a request. What is one of the words
// below; pages say each in the visitor's language.
type Done struct {
	What  string `json:"what"`
	Count int    `json:"count,omitempty"`
}

// The lines.
const (
	DoneCopied     = "copied"     // Count records are in the file
	DoneErased     = "erased"     // Count records were erased
	DoneRestricted = "restricted" // Count records are kept and read by nobody
	DoneSwitched   = "switched"   // marketing was switched off
	DoneCorrected  = "corrected"  // the correction was put beside what is evidence
	DoneNothing    = "nothing"    // this server holds nothing that belongs to whoever asked
	DoneStatistics = "statistics" // are counts, and hold nobody
	DoneTold       = "told"       // Count other systems of the site were told
	DoneElsewhere  = "elsewhere"  // the operator says that it was done in the site's other systems
)

// Settings are what a site promises and keeps, beyond the law.
type Settings struct {
	Site    string
	Promise int // days within which the site says to answer; 0: it promises nothing
	Keep    int // days that address and texts are kept after a request was closed
}

// DefaultKeep is Settings.Keep where nobody has said anything: long enough for a
// complaint, which most laws allow within months.
const DefaultKeep = 180

// A File is what is handed over, sealed.
type File struct {
	Name   string
	Sealed []byte
	Until  time.Time // it is deleted then
}

// NewID makes a request's id.
func NewID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// ReceiptID finds the id of a receipt in what somebody typed or pasted: the id, an
// address that holds it, or the receipt itself.
func ReceiptID(text string) (string, error) {
	if id, ok := consent.FindReceiptID(text); ok {
		return id, nil
	}
	return "", ErrReceiptID
}

// Erased reports whether what stands for a receipt is of one that was shredded: its id
// is gone, and whoever holds the receipt still finds the request.
func Erased(receipt string) bool { return strings.HasPrefix(receipt, "gone-") }

// Holds reports whether a receipt is one of those the request is about.
func (r Request) Holds(receipt string) bool {
	return receipt != "" && slices.Contains(r.Receipts, receipt)
}
