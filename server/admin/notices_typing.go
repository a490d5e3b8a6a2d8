package admin

import (
	"context"
	"errors"
	"slices"

	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/web/console"
)

// lookNotice answers what a part's form says while somebody types, as if it were
// kept: what is wrong stands in the list and at each field. With fair=yes the first
// layers are made in one language and judged too, as publication judges all; of two
// who ask for that at once, one is told to wait.
func (c *Console) lookNotice(d *Desk) error {
	w, err := c.Drafts.NoticeWork(d.Request().Context(), d.Site.Key)
	if err != nil {
		return err
	}
	if w, _, err = c.typed(d, w); err != nil && !errors.Is(err, errUnread) {
		return err
	}
	page, err := c.partPage(d, w)
	if err != nil {
		return err
	}
	if d.FormValue("fair") == "yes" {
		if err := c.judge(d, w, page); err != nil {
			return err
		}
	}
	return d.Show(page)
}

// judge adds to page what the banner that w makes is found to be.
func (c *Console) judge(d *Desk, w notice.Work, page *console.NoticePart) error {
	n, issues := notice.Read([]byte(w.Source), noticeFile)
	if n == nil || notice.Failed(issues) || c.Compiler == nil || c.Fairness == nil {
		return nil
	}
	if !c.judging.TryLock() {
		page.Fair = "The banner is being judged for somebody else; go on, and it is judged with your next change."
		return nil
	}
	defer c.judging.Unlock()
	language := page.Language
	if !slices.Contains(n.Languages, language) {
		language = n.Languages[0]
	}
	found, err := c.fairness(d.Request().Context(), n, language)
	if errors.Is(err, context.Canceled) {
		return nil // overtaken: nobody reads the answer
	}
	if err != nil {
		page.Fair = "The banner can't be made like this: " + sentence(err)
		return nil //nolint:nilerr // told
	}
	page.Issues = append(page.Issues, issuesOf(d, found)...)
	if page.Fair = "The banner was made in " + languageName(language) + " and judged: no is as easy as yes, and nothing is decided before the visitor does."; notice.Failed(found) {
		page.Fair = "The banner was made in " + languageName(language) + " and judged; it could not be published like this."
	}
	return nil
}

// fairness judges the first layers of a notice in one language.
func (c *Console) fairness(ctx context.Context, n *notice.Notice, language string) ([]notice.Issue, error) {
	one := *n
	one.Languages = []string{language}
	scripts, err := c.Compiler.Compile(&one, one.Wordings())
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return c.Fairness.Inspect(ctx, &one, one.Wordings(), scripts)
}
