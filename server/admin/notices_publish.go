package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/web/console"
)

// pressTakes is how long compiling, judging and compressing may take at most. A
// notice in 38 languages takes some ten seconds.
const pressTakes = 5 * time.Minute

// A press makes a notice's scripts in the background: no request waits that long. It
// is known to this process only; on another node nothing is seen of it but its end.
type press struct {
	notice  *notice.Notice
	publish bool // else it is checked only
	began   time.Time

	mu     sync.Mutex
	ended  bool           // guarded by mu, as are those below
	issues []notice.Issue // what is to be mended
	failed string         // why it ended without a result
	digest string
}

// noticeConfirmation answers the last page before publication.
func (c *Console) noticeConfirmation(d *Desk) error { return c.showNoticeConfirmation(d, nil) }

func (c *Console) showNoticeConfirmation(d *Desk, wrong []console.Mend) error {
	current, err := c.noticeInForce(d.Request().Context(), d.Site.Key)
	if err != nil && !errors.Is(err, notice.ErrUnpublished) {
		return err
	}
	draft, err := c.noticeDraft(d, current)
	if err != nil {
		return err
	}
	if draft == nil {
		return d.Done(d.noticePath(), "There is no draft to publish.")
	}
	page := &console.NoticeConfirm{Base: d.noticePath(), Draft: draft, First: current == nil, Revision: draft.Revisions[0].Revision}
	page.Title, page.Sub, page.Trail = "Publish the banner", "Look over what changes for visitors of "+d.Site.Name, d.noticeTrail()
	page.Wrong = wrong
	if current != nil {
		if page.Reach, err = c.reach(d.Request().Context(), d.Site.Key, current.Validity, c.Now()); err != nil {
			return err
		}
		next, err := c.draftNotice(d.Request().Context(), d.Site.Key)
		if err != nil && !errors.Is(err, notice.ErrNoWork) {
			return err
		}
		page.Again = next != nil && !notice.Covers(current, next)
	}
	if len(wrong) > 0 {
		return d.ShowAs(http.StatusUnprocessableEntity, page)
	}
	return d.Show(page)
}

// checkNotice has the banner of the draft made and judged, and not published.
func (c *Console) checkNotice(d *Desk) error { return c.press(d, false) }

// publishNotice has it published.
func (c *Console) publishNotice(d *Desk) error {
	if d.FormValue("read") != "yes" {
		return c.showNoticeConfirmation(d, []console.Mend{{Field: "read", What: "Look over what changes, and tick that you have."}})
	}
	return c.press(d, true)
}

func (c *Console) press(d *Desk, publish bool) error {
	w, err := c.Drafts.NoticeWork(d.Request().Context(), d.Site.Key)
	if err != nil {
		return err
	}
	if publish && d.FormValue("revision") != fmt.Sprint(w.Revision) {
		return c.showNoticeConfirmation(d, []console.Mend{{What: "The draft was changed after you had opened this page. Look it over again; nothing was published."}})
	}
	n, issues := notice.Parse([]byte(w.Source), noticeFile)
	if n != nil && n.Site != d.Site.Key {
		n, issues = nil, append(issues, notice.Issue{Path: "site", Severity: notice.SeverityError, What: "is another site", Remedy: "write \"" + d.Site.Key + "\""})
	}
	p := &press{notice: n, publish: publish, began: c.Now(), ended: n == nil, issues: issues}
	c.presses.mu.Lock()
	if running := c.presses.at[d.Site.Key]; running != nil && !running.done() {
		c.presses.mu.Unlock()
		return d.Done(d.noticePath()+"/progress", "Something is under way already.")
	}
	if c.presses.at == nil {
		c.presses.at = map[string]*press{}
	}
	c.presses.at[d.Site.Key] = p
	c.presses.mu.Unlock()
	if err := d.Note(map[bool]string{true: "notice.press", false: "notice.check"}[publish], fmt.Sprintf("draft %d", w.Revision), ""); err != nil {
		return err
	}
	if n != nil {
		// The goroutine outlives the request, and ends by itself.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(d.Request().Context()), pressTakes)
		by := d.Operator.ID
		go func() {
			defer cancel()
			c.run(ctx, p, w, by)
		}()
	}
	return d.Done(d.noticePath()+"/progress", "")
}

func (p *press) done() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended
}

// run makes what p is for.
func (c *Console) run(ctx context.Context, p *press, w notice.Work, by string) {
	issues, digest, err := c.made(ctx, p)
	if err == nil && p.publish && digest != "" {
		err = errors.Join(c.Drafts.DropNoticeWork(ctx, w.Site), c.noted(ctx, w.Site, by, digest))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended, p.digest = true, digest
	p.issues = append(p.issues, issues...)
	if err != nil {
		p.failed = "It could not be finished: " + err.Error()
		c.Log.ErrorContext(ctx, "making a banner failed", "site", w.Site, "error", err)
	}
}

func (c *Console) made(ctx context.Context, p *press) (issues []notice.Issue, digest string, err error) {
	if !p.publish {
		scripts, err := c.Compiler.Compile(p.notice, p.notice.Wordings())
		if err != nil {
			return nil, "", err
		}
		issues, err = c.Fairness.Inspect(ctx, p.notice, p.notice.Wordings(), scripts)
		return issues, "", err
	}
	publisher := &notice.Publisher{Store: c.Notices, Compiler: c.Compiler, Fairness: c.Fairness, Now: c.Now}
	publication, err := publisher.Publish(ctx, p.notice)
	if invalid, ok := errors.AsType[*notice.InvalidError](err); ok {
		return invalid.Issues, "", nil
	}
	if errors.Is(err, notice.ErrSameNotice) {
		return []notice.Issue{{Severity: notice.SeverityError, What: "This is the banner in force, to the byte.", Remedy: "Change something first."}}, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	return nil, string(publication.Notice), nil
}

// noted keeps in the audit log that a notice was published.
func (c *Console) noted(ctx context.Context, site, by, digest string) error {
	return c.Operators.AddAct(ctx, operator.Act{At: c.Now().UTC().Truncate(time.Millisecond), Operator: by, Site: site,
		What: "notice.publish", Object: digest[:16]})
}

// noticeProgress answers how far it is. The page asks again by itself, also without
// script, until it is done.
func (c *Console) noticeProgress(d *Desk) error {
	c.presses.mu.Lock()
	p := c.presses.at[d.Site.Key]
	c.presses.mu.Unlock()
	if p == nil {
		return d.Done(d.noticePath(), "")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	page := &console.NoticeProgress{Base: d.noticePath(), Publish: p.publish, Ended: p.ended, Failed: p.failed, Issues: issuesOf(d, p.issues), Digest: p.digest}
	for _, i := range p.issues {
		page.Errors = page.Errors || i.Severity == notice.SeverityError
	}
	if p.notice != nil {
		page.Languages, page.Scripts = len(p.notice.Languages), len(p.notice.Variants())
	}
	page.Seconds = int(c.Now().Sub(p.began).Seconds())
	page.Title, page.Trail = map[bool]string{true: "Publishing", false: "Checking"}[p.publish], d.noticeTrail()
	switch {
	case p.ended && p.failed != "":
		page.Title = "It could not be finished"
	case p.ended && page.Errors:
		page.Title = "Not fit to publish"
	case p.ended && p.publish:
		page.Title = "The banner is published"
	case p.ended:
		page.Title = "The banner is fit to publish"
	}
	return d.Show(page)
}
