package request

import (
	"context"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/server/site"
)

// Records are the visitors' decisions that this server holds.
type Records interface {
	Entry(ctx context.Context, site, receiptID string) (*consent.Entry, error)
	EntriesOfSubject(ctx context.Context, site, subject string, limit int) ([]*consent.Entry, error)
}

// Erasures are the part of a consent.ErasureStore that requests call.
type Erasures interface {
	// EraseOfVisitor erases each record in the way that the site's settings say.
	EraseOfVisitor(ctx context.Context, site string, receiptIDs []string, at time.Time) (shredded, minimised consent.Erased, err error)
	EraseLeaves(ctx context.Context, site string, leaves []int64, how consent.Erasure, reason consent.Reason, at time.Time) (consent.Erased, error)
	Restrict(ctx context.Context, site string, receiptIDs []string, ground consent.Ground, at time.Time) ([]int64, error)
	// Restricted are those of a browser's records that nobody may read.
	Restricted(ctx context.Context, site, receiptID string) ([]consent.Restriction, error)
	// Beside is a receipt that may be read of the browser that a restricted one is of, or "".
	Beside(ctx context.Context, site, receiptID string) (string, error)
	Scrub(ctx context.Context) error
}

// A Switch records, beside a visitor's last decision, that he refuses marketing.
type Switch interface {
	// SwitchOff returns the id of the new receipt, or "" where nothing was on.
	SwitchOff(ctx context.Context, site, receiptID string) (string, error)
}

// Words are the pages' own words: the text of a key in the language nearest to lang,
// with its {places} filled by pairs of name and value.
type Words interface {
	Text(lang, key string, pairs ...string) (string, error)
	Direction(lang string) string // "ltr" or "rtl"
}

// A Service takes requests in and brings them to their end. It is safe for concurrent
// use.
type Service struct {
	Store    Store
	Sites    site.Store
	Rights   *Rights
	Seals    *Seals
	Records  Records
	Erasures Erasures
	Switch   Switch
	Words    Words
	Now      func() time.Time
	Mails    bool // this server sends mail, so a link can settle who asks
}

// An Intake is a request as it came.
type Intake struct {
	Site     string
	Kind     Kind
	Language string
	Region   string
	Ruling   regime.Ruling
	Cookie   string // id of the receipt that the browser's cookie holds, or ""
	Receipt  string // what was typed as one, or ""
	Address  string // what was typed as an e-mail address, or ""
	Text     string // what the visitor adds, or ""
	By       string // "visitor", or an operator's id: then identity was settled elsewhere
}

// Limits of what is typed, in characters.
const (
	MostText    = 4000
	mostAddress = 254 // RFC 5321
)

// linkLasts is how long a mailed link settles who asks, and fileLasts how long what
// is handed over can be downloaded.
const (
	linkLasts = 24 * time.Hour
	fileLasts = 14 * 24 * time.Hour
)

// Receive takes a request in, and returns it with the key of its page. Whether anything
// is held of whoever asks has no bearing on the answer. It fails with ErrNotGiven,
// ErrNobody, ErrAddress, ErrReceiptID, ErrNoMail or ErrTooLong.
func (s *Service) Receive(ctx context.Context, in Intake) (Request, string, error) {
	byOperator := in.By != "visitor"
	if _, err := ParseKind(string(in.Kind)); err != nil {
		return Request{}, "", err
	}
	if !byOperator && !slices.Contains(s.Rights.Offered(in.Ruling), in.Kind) {
		return Request{}, "", ErrNotGiven
	}
	where, err := s.Sites.Site(ctx, in.Site)
	if err != nil {
		return Request{}, "", err
	}
	settings, err := s.Store.Settings(ctx, in.Site)
	if err != nil {
		return Request{}, "", err
	}
	now := s.now()
	due := s.Rights.Deadline(in.Ruling, in.Kind, now, where.Location(), settings.Promise)
	r := Request{ID: NewID(), Site: in.Site, Kind: in.Kind, State: Open, Language: in.Language, Region: in.Region,
		Law: due.Law, Promised: due.Promised, ReceivedAt: now, Due: due.Due, LawDue: due.LawDue, Longer: due.Longer}
	if err := s.identify(&r, in); err != nil {
		return Request{}, "", err
	}
	c := Change{Request: r, Steps: []Step{{At: now, What: Received, By: in.By, Note: string(r.Identity)}}}
	if c.Steps[0].Text, err = s.text(r, in.Text); err != nil {
		return Request{}, "", err
	}
	c.Events = append(c.Events, NewEvent(EventReceived, r, now))
	if r.State == Pending {
		c.Mails = append(c.Mails, newMail(r, MailConfirm, now))
	}
	if err := s.Store.AddRequest(ctx, c); err != nil {
		return Request{}, "", err
	}
	r.Seq = 1
	return r, s.Seals.Key(ToRead, r.ID), nil
}

// identify settles who asks, by the least that serves.
func (s *Service) identify(r *Request, in Intake) error {
	if in.Receipt = strings.TrimSpace(in.Receipt); in.Receipt != "" {
		id, err := ReceiptID(in.Receipt)
		if err != nil {
			return err
		}
		r.Receipts, r.Identity = []string{id}, ByReceipt
	}
	if in.Cookie != "" {
		r.Identity = ByCookie
		if !r.Holds(in.Cookie) {
			r.Receipts = append(r.Receipts, in.Cookie)
		}
	}
	if in.Address = strings.TrimSpace(in.Address); in.Address != "" {
		address, err := ParseAddress(in.Address)
		if err != nil {
			return err
		}
		if !s.Mails {
			return ErrNoMail
		}
		r.Contact = s.Seals.Seal("contact "+r.ID, []byte(address))
		if in.By == "visitor" {
			r.State, r.Identity = Pending, ByMail // nobody else's mailbox is written to twice
		}
	}
	if in.By != "visitor" {
		r.Identity = ByOperator
	}
	if r.Identity == "" {
		return ErrNobody
	}
	return nil
}

// ParseAddress reads one e-mail address as people type it, without a name. Beyond
// that, only a mail that arrives can tell.
func ParseAddress(text string) (string, error) {
	a, err := mail.ParseAddress(text)
	if err != nil || a.Address != text || len(text) > mostAddress || strings.ContainsAny(text, "\r\n\x00") {
		return "", ErrAddress
	}
	if at := strings.LastIndexByte(text, '@'); !strings.Contains(text[at:], ".") || strings.ContainsAny(text, "\"() ,;<>") {
		return "", ErrAddress
	}
	return text, nil
}

// text seals what somebody wrote to or about a request.
func (s *Service) text(r Request, text string) ([]byte, error) {
	if text = strings.TrimSpace(text); text == "" {
		return nil, nil
	}
	if utf8.RuneCountInString(text) > MostText || !utf8.ValidString(text) {
		return nil, ErrTooLong
	}
	return s.Seals.Seal("text "+r.ID, []byte(text)), nil
}

// Said is the text of a step, or "".
func (s *Service) Said(r Request, step Step) (string, error) {
	if step.Text == nil {
		return "", nil
	}
	text, err := s.Seals.Open("text "+r.ID, step.Text)
	return string(text), err
}

// Address is where whoever asked is written to, or "".
func (s *Service) Address(r Request) (string, error) {
	if r.Contact == nil {
		return "", nil
	}
	address, err := s.Seals.Open("contact "+r.ID, r.Contact)
	return string(address), err
}

// Confirm settles, once, that the address of a request is that of whoever asked. It
// fails with ErrLink for a key that is not right, was used, or is too old.
func (s *Service) Confirm(ctx context.Context, site, id, key string) (Request, string, error) {
	r, err := s.Confirmable(ctx, site, id, key)
	if err != nil {
		return Request{}, "", err
	}
	r, err = s.apply(ctx, r, Open, Step{What: Confirmed, By: "visitor"}, EventConfirmed)
	if err != nil {
		return Request{}, "", ErrLink // two pressed the button
	}
	return r, s.Seals.Key(ToRead, r.ID), nil
}

// Confirmable is the request that Confirm would confirm.
func (s *Service) Confirmable(ctx context.Context, site, id, key string) (Request, error) {
	if !s.Seals.Knows(ToConfirm, id, key) {
		return Request{}, ErrLink
	}
	r, err := s.Store.Request(ctx, site, id)
	if err != nil || r.State != Pending || s.Now().Sub(r.ReceivedAt) > linkLasts {
		return Request{}, ErrLink
	}
	return r, nil
}

// Write appends a message: of the visitor, or of an operator, who is told of it by mail.
func (s *Service) Write(ctx context.Context, r Request, by, text string) (Request, error) {
	sealed, err := s.text(r, text)
	if err != nil || sealed == nil {
		return r, err
	}
	if r.State == Pending || r.Forgotten {
		return r, ErrState
	}
	what := Asked
	if by != "visitor" {
		what = Answered
	}
	return s.apply(ctx, r, r.State, Step{What: what, By: by, Text: sealed}, EventMessage)
}

// Withdraw ends a request by whoever made it.
func (s *Service) Withdraw(ctx context.Context, r Request) (Request, error) {
	return s.apply(ctx, r, Withdrawn, Step{What: Withdrawing, By: "visitor"}, EventWithdrawn)
}

// Extend gives more time, once, and tells the visitor the reason. It fails with
// ErrNoMore where the law knows none, where it was extended before, or where the
// deadline is over: the visitor has to be told in time (GDPR Art. 12(3)).
func (s *Service) Extend(ctx context.Context, r Request, by string, ground Ground, text string) (Request, error) {
	if !slices.Contains(ExtensionGrounds(), ground) {
		return r, ErrGround
	}
	if r.State != Open || r.Longer.IsZero() || !s.Now().Before(r.LawDue) {
		return r, ErrNoMore
	}
	sealed, err := s.text(r, text)
	if err != nil {
		return r, err
	}
	r.Due, r.Promised, r.Ground, r.Reminded = r.Longer, false, ground, 0
	return s.apply(ctx, r, Extended, Step{What: Prolonged, By: by, Note: string(ground), Text: sealed}, EventExtended)
}

// Refuse ends a request on one of the law's grounds.
func (s *Service) Refuse(ctx context.Context, r Request, by string, ground Ground, text string) (Request, error) {
	if !slices.Contains(GroundsOf(r.Kind), ground) {
		return r, ErrGround
	}
	sealed, err := s.text(r, text)
	if err != nil {
		return r, err
	}
	r.Ground = ground
	return s.apply(ctx, r, Refused, Step{What: Refusing, By: by, Note: string(ground), Text: sealed}, EventRefused)
}

// apply moves a request to a state by one step. Whoever asked is told by mail of what
// others did; other systems by an event.
func (s *Service) apply(ctx context.Context, r Request, to State, step Step, event string, more ...func(*Change)) (Request, error) {
	now := s.now()
	if to != r.State && !slices.Contains(may[r.State], to) {
		return r, ErrState
	}
	r.State = to
	if to.Closed() && r.ClosedAt.IsZero() {
		r.ClosedAt = now
	}
	step.At = now
	c := Change{Request: r, Steps: []Step{step}}
	if event != "" {
		c.Events = []Event{NewEvent(event, r, now)}
	}
	if r.Contact != nil && (step.By != "visitor" || step.What == Confirmed) && step.What.Visible() && step.What != Lapsing {
		c.Mails = append(c.Mails, newMail(r, MailNews, now))
	}
	for _, f := range more {
		f(&c)
	}
	if err := s.Store.Apply(ctx, c); err != nil {
		return r, err
	}
	c.Request.Seq += int64(len(c.Steps))
	return c.Request, nil
}

func newMail(r Request, about MailAbout, at time.Time) Mail {
	return Mail{ID: NewID(), Site: r.Site, Request: r.ID, About: about, At: at}
}

func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Millisecond) }
