package request

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
)

// A Mailer sends one message of plain text. What it returns without an error was taken
// by the next mail server.
type Mailer interface {
	Send(ctx context.Context, to, subject, text string) error
}

// A Courier sends what stands in the outbox, reminds of deadlines, and deletes what is
// due to be. Several processes may run one: what is sent may then be sent twice, under
// the same id.
type Courier struct {
	*Service
	Mailer Mailer                                                   // nil: no mail is sent
	Client *http.Client                                             // NewHookClient
	Base   string                                                   // the server's own address, for links: "https://consent.example.com"
	Remind func(ctx context.Context, site string) ([]string, error) // addresses of operators who answer requests there; nil: none
	Log    *slog.Logger
}

// batch is how much is sent before looking again what is due.
const batch = 50

// Keep sends and tidies until ctx ends.
func (c *Courier) Keep(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for turn := 0; ; turn++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			round := c.send
			if turn%slowly == 0 {
				round = c.Round
			}
			if err := round(ctx); err != nil && ctx.Err() == nil {
				c.Log.ErrorContext(ctx, "requests: a round was not finished; it is tried again", "error", err)
			}
		}
	}
}

// slowly: what counts in days is looked at in every sixtieth turn.
const slowly = 60

// Round does once what is due now.
func (c *Courier) Round(ctx context.Context) error {
	return errors.Join(c.send(ctx), c.remind(ctx), c.tidy(ctx))
}

func (c *Courier) send(ctx context.Context) error {
	return errors.Join(c.watch(ctx), c.mails(ctx), c.hooks(ctx))
}

// mails sends what is due. A message that the next server refuses for good is given up
// after the last attempt, as are all.
func (c *Courier) mails(ctx context.Context) error {
	if c.Mailer == nil {
		return nil
	}
	due, err := c.Store.Mails(ctx, c.Now(), batch)
	if err != nil {
		return err
	}
	for _, m := range due {
		err := c.mail(ctx, m)
		next := time.Time{}
		if err != nil {
			// Neither address nor text: only which request it was about.
			c.Log.WarnContext(ctx, "a mail was not sent", "site", m.Site, "request", m.Request, "attempt", m.Attempts+1, "error", err)
			next, _ = again(m.Attempts+1, c.Now())
		}
		if err := c.Store.MailTried(ctx, m.ID, m.Attempts+1, next); err != nil {
			return err
		}
	}
	return nil
}

func (c *Courier) mail(ctx context.Context, m Mail) error {
	r, err := c.Store.Request(ctx, m.Site, m.Request)
	if err != nil || r.Contact == nil || (m.About == MailConfirm && r.State != Pending) {
		return err // forgotten meanwhile, or confirmed
	}
	to, err := c.Address(r)
	if err != nil {
		return err
	}
	where, err := c.Sites.Site(ctx, r.Site)
	if err != nil {
		return err
	}
	link := c.Base + "/privacy/" + r.Site + "/requests/" + r.ID
	key, pairs := "req_mail_news", []string{"site", where.Name, "id", r.ID}
	if m.About == MailConfirm {
		key, link = "req_mail_confirm", link+"/confirm?key="+url.QueryEscape(c.Seals.Key(ToConfirm, r.ID))
	} else {
		link += "?key=" + url.QueryEscape(c.Seals.Key(ToRead, r.ID))
	}
	subject, err := c.Words.Text(r.Language, key+"_subject", pairs[:2]...)
	if err != nil {
		return err
	}
	if m.About == MailConfirm {
		kind, err := c.Words.Text(r.Language, "req_"+name(r.Kind))
		if err != nil {
			return err
		}
		pairs = []string{"site", where.Name, "kind", kind}
	}
	text, err := c.Words.Text(r.Language, key, pairs...)
	if err != nil {
		return err
	}
	return c.Mailer.Send(ctx, to, subject, text+"\n\n"+link+"\n")
}

// hooks sends what is due, and keeps what came of each attempt.
func (c *Courier) hooks(ctx context.Context) error {
	due, err := c.Store.Deliveries(ctx, c.Now(), batch)
	if err != nil {
		return err
	}
	for _, d := range due {
		h, err := c.Store.Hook(ctx, d.Site, d.HookID)
		if errors.Is(err, ErrUnknown) {
			continue // removed meanwhile, and its deliveries with it
		}
		if err != nil {
			return err
		}
		d.Attempts++
		d.Status, d.Problem = 0, ""
		if err := c.call(ctx, h, &d); err != nil {
			d.Problem = shorten(err.Error())
			d.NextAt, _ = again(d.Attempts, c.Now())
			if d.Status == http.StatusGone || h.Off { // Standard Webhooks: never again
				d.NextAt = time.Time{}
			}
		} else {
			d.NextAt, d.DoneAt = time.Time{}, c.now()
		}
		if err := c.Store.Delivered(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// call sends one delivery, signed for the moment of this attempt.
func (c *Courier) call(ctx context.Context, h Hook, d *Delivery) error {
	if h.Off && d.Name != EventTest {
		return errors.New("the webhook is switched off")
	}
	secrets, err := c.secrets(h)
	if err != nil {
		return err
	}
	at := c.Now()
	signature, err := Sign(d.ID, at, d.Body, secrets...)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(d.Body))
	if err != nil {
		return err
	}
	for name, value := range map[string]string{"Content-Type": "application/json", "User-Agent": "Volenti-Hooks/1", "webhook-id": d.ID,
		"webhook-timestamp": strconv.FormatInt(at.Unix(), 10), "webhook-signature": signature} {
		r.Header.Set(name, value)
	}
	answer, err := c.Client.Do(r)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the address, which may hold a secret
		}
		return err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10))
	if d.Status = answer.StatusCode; d.Status < 200 || d.Status > 299 {
		return fmt.Errorf("answered with status %d", d.Status)
	}
	return nil
}

// secrets are those that sign now, the current one first.
func (s *Service) secrets(h Hook) ([]string, error) {
	current, err := s.Seals.Open("hook "+h.ID, h.Secret)
	if err != nil {
		return nil, err
	}
	all := []string{string(current)}
	if h.Former != nil && s.Now().Before(h.Until) {
		former, err := s.Seals.Open("hook "+h.ID, h.Former)
		if err != nil {
			return nil, err
		}
		all = append(all, string(former))
	}
	return all, nil
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 300 {
		return string(r[:299]) + "…"
	}
	return s
}

// watch tells other systems of consent that was taken back, by the log itself: nothing
// of it is in the way of a decision, and none is missed by a crash.
func (c *Courier) watch(ctx context.Context) error {
	for {
		from, err := c.Store.Watched(ctx)
		if err != nil {
			return err
		}
		records, next, err := c.Store.Decided(ctx, from, 500)
		if err != nil || next == from {
			return err
		}
		var found []Event
		for _, d := range records {
			core, err := consent.ParseCore(d.Core)
			if err != nil {
				return err
			}
			if core.State == consent.Withdrawn {
				found = append(found, NewRecordEvent(EventConsent, d.Site, receiptsOf(core), time.UnixMilli(core.ReceivedAt)))
			}
		}
		if err := c.Store.Watch(ctx, next, found); err != nil {
			return err
		}
	}
}

// receiptsOf are a decision's own receipt and the one it replaces, by which the site's
// systems may know the visitor.
func receiptsOf(core consent.Core) []string {
	if core.Previous == "" {
		return []string{core.ID}
	}
	return []string{core.ID, core.Previous}
}

// remindAt is how long before the deadline operators are reminded; then once more when
// it is over.
var remindAt = []time.Duration{7 * 24 * time.Hour, 2 * 24 * time.Hour, 0}

// remind tells operators, and other systems, of requests whose deadline is near.
func (c *Courier) remind(ctx context.Context) error {
	now := c.Now()
	waiting, err := c.Store.Requests(ctx, Query{States: []State{Open, Extended}, Limit: 500})
	if err != nil {
		return err
	}
	for _, r := range waiting {
		due := 0
		for i, before := range remindAt {
			if !now.Before(r.Due.Add(-before)) {
				due = i + 1
			}
		}
		if due <= r.Reminded {
			continue
		}
		r.Reminded = due
		if _, err := c.apply(ctx, r, r.State, Step{What: Reminding, By: "server"}, EventDue, func(ch *Change) { ch.Mails = nil }); errors.Is(err, ErrStale) {
			continue // somebody is at it
		} else if err != nil {
			return err
		}
		c.tellOperators(ctx, r, now)
	}
	return nil
}

// tellOperators is a courtesy: the console shows the same, and other systems were told.
func (c *Courier) tellOperators(ctx context.Context, r Request, now time.Time) {
	if c.Mailer == nil || c.Remind == nil {
		return
	}
	to, err := c.Remind(ctx, r.Site)
	if err != nil {
		c.Log.WarnContext(ctx, "nobody was reminded of a request", "site", r.Site, "request", r.ID, "error", err)
		return
	}
	subject := "Request " + r.ID + " is due on " + r.Due.Add(-time.Second).Format("2 January 2006")
	if r.Overdue(now) {
		subject = "Request " + r.ID + " is overdue"
	}
	text := fmt.Sprintf("A request (%s) of a visitor of the site %s waits for its answer.\n\n%s/admin/sites/%s/requests/%s\n", r.Kind, r.Site, c.Base, r.Site, r.ID)
	for _, address := range to {
		if err := c.Mailer.Send(ctx, address, subject, text); err != nil {
			c.Log.WarnContext(ctx, "an operator was not reminded of a request", "site", r.Site, "request", r.ID, "error", err)
		}
	}
}

// tidy ends what nobody confirmed, deletes files whose time is over, and forgets who
// made requests that have been closed for long enough.
func (c *Courier) tidy(ctx context.Context) error {
	now := c.now()
	lapsing, err := c.Store.Requests(ctx, Query{States: []State{Pending}, Lapsing: now.Add(-linkLasts)})
	if err != nil {
		return err
	}
	for _, r := range lapsing {
		// Whoever typed a stranger's address is not to have it kept.
		r.Forgotten = true
		if _, err := c.apply(ctx, r, Lapsed, Step{What: Lapsing, By: "server"}, "", func(ch *Change) { ch.Forget = true }); err != nil && !errors.Is(err, ErrStale) {
			return err
		}
	}
	files, err := c.Store.Requests(ctx, Query{Files: now})
	if err != nil {
		return err
	}
	for _, r := range files {
		if _, err := c.Remove(ctx, r, "server"); err != nil && !errors.Is(err, ErrStale) {
			return err
		}
	}
	sites, err := c.Sites.Sites(ctx)
	if err != nil {
		return err
	}
	for _, where := range sites {
		settings, err := c.Store.Settings(ctx, where.Key)
		if err != nil {
			return err
		}
		ended, err := c.Store.Requests(ctx, Query{Site: where.Key, Ended: now.AddDate(0, 0, -settings.Keep)})
		if err != nil {
			return err
		}
		for _, r := range ended {
			r.Forgotten, r.HandOver = true, false
			if _, err := c.apply(ctx, r, r.State, Step{What: Forgetting, By: "server"}, "", func(ch *Change) { ch.Forget, ch.Mails = true, nil }); err != nil && !errors.Is(err, ErrStale) {
				return err
			}
		}
	}
	return nil
}
