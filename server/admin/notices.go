package admin

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/web/console"
)

// NoticeDrafts is what the console needs of a store of notices that are being made.
type NoticeDrafts interface {
	notice.WorkStore
	// NoticeHistory are a site's publications, newest first.
	NoticeHistory(ctx context.Context, site string, most int) ([]notice.Latest, error)
}

func (c *Console) noticeRoutes() []Route {
	const base = "/admin/sites/:site/notice"
	return []Route{
		{Method: http.MethodGet, Path: base, Right: operator.ReadNotices, Handle: c.noticePage},
		{Method: http.MethodPost, Path: base, Right: operator.WriteNotices, Handle: c.beginNotice},
		{Method: http.MethodGet, Path: base + "/history/:digest", Right: operator.ReadNotices, Handle: c.noticeThen},
		{Method: http.MethodGet, Path: base + "/preview", Right: operator.ReadNotices, Handle: c.noticePreview},
		{Method: http.MethodGet, Path: base + "/draft/:part", Right: operator.WriteNotices, Handle: c.noticePart},
		{Method: http.MethodPost, Path: base + "/draft/:part", Right: operator.WriteNotices, Handle: c.keepNotice},
		{Method: http.MethodPost, Path: base + "/draft/:part/look", Right: operator.WriteNotices, Handle: c.lookNotice},
		{Method: http.MethodPost, Path: base + "/undo", Right: operator.WriteNotices, Handle: c.undoNotice},
		{Method: http.MethodPost, Path: base + "/drop", Right: operator.WriteNotices, Handle: c.dropNotice},
		{Method: http.MethodPost, Path: base + "/check", Right: operator.WriteNotices, Handle: c.checkNotice},
		{Method: http.MethodGet, Path: base + "/publish", Right: operator.WriteNotices, Fresh: true, Handle: c.noticeConfirmation},
		{Method: http.MethodPost, Path: base + "/publish", Right: operator.WriteNotices, Fresh: true, Handle: c.publishNotice},
		{Method: http.MethodGet, Path: base + "/progress", Right: operator.WriteNotices, Handle: c.noticeProgress},
	}
}

const noticeFile = "notice.toml" // what sources are read as

// mostHistory publications and revisions are listed.
const mostHistory = 50

// draftNotice is the notice that a site's draft says, as far as it can be read.
func (c *Console) draftNotice(ctx context.Context, site string) (*notice.Notice, error) {
	w, err := c.Drafts.NoticeWork(ctx, site)
	if err != nil {
		return nil, err
	}
	n, _ := notice.Read([]byte(w.Source), noticeFile)
	if n == nil {
		return nil, notice.ErrNoWork
	}
	return n, nil
}

// noticePath is where a site's banner is worked on, from the server's root.
func (d *Desk) noticePath() string { return "admin/sites/" + d.Site.Key + "/notice" }

func (d *Desk) noticeTrail() []console.Step {
	return []console.Step{{Path: d.noticePath(), Label: "Banner"}}
}

// noticePage answers the notice in force, the draft, and what was published before.
func (c *Console) noticePage(d *Desk) error {
	ctx, zone := d.Request().Context(), d.Site.Location()
	page := &console.NoticePage{Base: d.noticePath(), MayDraft: d.May(operator.WriteNotices)}
	page.Title, page.Sub = "Banner", "What visitors of "+d.Site.Name+" are asked, and how"
	current, err := c.noticeInForce(ctx, d.Site.Key)
	if err != nil && !errors.Is(err, notice.ErrUnpublished) {
		return err
	}
	history, err := c.Drafts.NoticeHistory(ctx, d.Site.Key, mostHistory)
	if err != nil {
		return err
	}
	for _, h := range history {
		page.History = append(page.History, console.NoticeLine{Digest: string(h.Notice), Published: h.PublishedAt.In(zone)})
	}
	if current != nil {
		page.InForce = overviewOf(current)
	}
	if page.MayDraft {
		if page.Draft, err = c.noticeDraft(d, current); err != nil {
			return err
		}
	}
	return d.Show(page)
}

// noticeDraft is a site's draft in short; nil if there is none.
func (c *Console) noticeDraft(d *Desk, current *notice.Notice) (*console.NoticeDraft, error) {
	ctx := d.Request().Context()
	w, err := c.Drafts.NoticeWork(ctx, d.Site.Key)
	if errors.Is(err, notice.ErrNoWork) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	names := c.names(ctx)
	draft := &console.NoticeDraft{By: names(w.By), Changed: w.ChangedAt.In(d.Site.Location())}
	n, issues := notice.Read([]byte(w.Source), noticeFile)
	draft.Issues = issuesOf(d, issues)
	for _, i := range issues {
		if i.Severity == notice.SeverityError {
			draft.Errors++
		}
	}
	if n != nil {
		draft.Readable = true
		draft.Differences = differencesOf(current, n)
	}
	revisions, err := c.Drafts.NoticeWorks(ctx, d.Site.Key, mostHistory)
	if err != nil {
		return nil, err
	}
	for _, r := range revisions {
		draft.Revisions = append(draft.Revisions, console.NoticeRevision{Revision: r.Revision, Did: r.Did, By: names(r.By), Changed: r.ChangedAt.In(d.Site.Location())})
	}
	return draft, nil
}

func differencesOf(before, after *notice.Notice) []console.Differing {
	var all []console.Differing
	for _, one := range notice.Differences(before, after) {
		all = append(all, console.Differing(one))
	}
	return all
}

// issuesOf are issues with the page on which each is mended.
func issuesOf(d *Desk, issues []notice.Issue) []console.NoticeIssue {
	all := make([]console.NoticeIssue, len(issues))
	for i, issue := range issues {
		part := partOf(issue.Path)
		all[i] = console.NoticeIssue{Path: issue.Path, Line: issue.Line, What: issue.What, Remedy: issue.Remedy, Rule: issue.Rule,
			Error: issue.Severity == notice.SeverityError, Address: d.noticePath() + "/draft/" + part}
	}
	return all
}

// overviewOf is a notice as it is read.
func overviewOf(n *notice.Notice) *console.NoticeOverview {
	first := n.Languages[0]
	o := &console.NoticeOverview{Languages: languageNames(n.Languages), Origins: n.Origins, Policies: n.Policies, Controller: n.Controller.Name,
		Months: n.Validity, Accent: n.Look.Accent, Position: n.Look.Position, Theme: n.Look.Theme, Modal: n.Look.Modal, Own: len(n.Wording[first])}
	for _, category := range n.Categories {
		row := console.NoticeCategory{Name: n.LabelOf(category, first), About: n.AboutOf(category, first)}
		for _, v := range n.Vendors {
			if v.Category != category.Key {
				continue
			}
			vendor := console.NoticeVendor{Name: v.Name, Country: v.Country}
			for _, e := range v.Entries {
				vendor.Entries = append(vendor.Entries, console.NoticeEntry{Name: e.Name, Kind: e.Kind, Duration: e.Duration, Purpose: n.Text(e.Purpose, first)})
			}
			for _, t := range n.Tags {
				if t.Vendor == v.Key {
					vendor.Tags = append(vendor.Tags, strings.TrimSpace(t.Template+" "+t.ID+" "+t.Src))
				}
			}
			row.Vendors = append(row.Vendors, vendor)
		}
		o.Categories = append(o.Categories, row)
	}
	return o
}

// noticeThen answers an earlier notice, and what is otherwise in the one in force.
func (c *Console) noticeThen(d *Desk) error {
	ctx, digest := d.Request().Context(), d.Param("digest")
	n, full, err := c.Notices.NoticeByShort(ctx, d.Site.Key, digest)
	if err != nil {
		return err
	}
	current, err := c.noticeInForce(ctx, d.Site.Key)
	if err != nil {
		return err
	}
	page := &console.NoticeThen{Base: d.noticePath(), Digest: string(full), Then: overviewOf(n), Differences: differencesOf(n, current), MayDraft: d.May(operator.WriteNotices)}
	page.Title, page.Sub, page.Trail = "Banner "+full.Short(), "As it was published for "+d.Site.Name, d.noticeTrail()
	return d.Show(page)
}

// beginNotice begins a draft: with the notice in force, an earlier one, or a first.
// A draft that is there is not lost: it stays an earlier revision.
func (c *Console) beginNotice(d *Desk) error {
	ctx := d.Request().Context()
	var n *notice.Notice
	var base canonical.Digest
	did := "begun with the banner in force"
	var err error
	if short := d.FormValue("digest"); short != "" {
		if n, base, err = c.Notices.NoticeByShort(ctx, d.Site.Key, short[:min(16, len(short))]); err != nil {
			return err
		}
		did = "begun with banner " + base.Short()
	} else if n, err = c.noticeInForce(ctx, d.Site.Key); errors.Is(err, notice.ErrUnpublished) {
		n, did = &notice.Notice{Site: d.Site.Key, Languages: []string{"en"}, Policies: []string{"privacy"}}, "begun"
		n, _ = notice.Read([]byte(n.File()), noticeFile) // with what is usual
	} else if err != nil {
		return err
	}
	if n == nil {
		return notice.ErrNoWork
	}
	w, err := c.Drafts.NoticeWork(ctx, d.Site.Key)
	if err != nil && !errors.Is(err, notice.ErrNoWork) {
		return err
	}
	w.Site, w.Source, w.Base = d.Site.Key, n.File(), base
	if err := c.saveNotice(d, w, did); err != nil {
		return err
	}
	return d.Done(d.noticePath()+"/draft/look", "The draft is kept. Visitors see the banner in force until you publish.")
}

// saveNotice keeps the next revision, and what was done.
func (c *Console) saveNotice(d *Desk, w notice.Work, did string) error {
	w.By, w.ChangedAt, w.Did = d.Operator.ID, c.Now(), did
	if _, err := c.Drafts.SaveNoticeWork(d.Request().Context(), w); err != nil {
		return err
	}
	return d.Note("notice.draft", d.Site.Key, did)
}

// undoNotice keeps an earlier revision as the newest.
func (c *Console) undoNotice(d *Desk) error {
	ctx := d.Request().Context()
	w, err := c.Drafts.NoticeWork(ctx, d.Site.Key)
	if err != nil {
		return err
	}
	revision, _ := strconv.ParseInt(d.FormValue("revision"), 10, 64)
	earlier, err := c.Drafts.NoticeWorkAt(ctx, d.Site.Key, revision)
	if err != nil {
		return err
	}
	w.Source, w.Base = earlier.Source, earlier.Base
	if err := c.saveNotice(d, w, "back to change "+strconv.FormatInt(revision, 10)); err != nil {
		return err
	}
	return d.Done(d.noticePath(), "The draft is as it was after change "+strconv.FormatInt(revision, 10)+".")
}

// dropNotice deletes a draft.
func (c *Console) dropNotice(d *Desk) error {
	if err := c.Drafts.DropNoticeWork(d.Request().Context(), d.Site.Key); err != nil {
		return err
	}
	if err := d.Note("notice.drop", d.Site.Key, ""); err != nil {
		return err
	}
	return d.Done(d.noticePath(), "The draft was deleted. The banner in force is as it was.")
}

// noticePreview answers the banner in a frame, and what it is shown as.
func (c *Console) noticePreview(d *Desk) error {
	ctx := d.Request().Context()
	q := d.QueryParam
	page := &console.NoticePreview{Base: d.noticePath(), Of: q("of"), Regime: q("regime"), Language: q("language"), Trial: q("trial"), Width: q("width"),
		Scheme: q("scheme"), Direction: q("direction"), Signal: q("signal") != ""}
	page.Title, page.Sub, page.Trail = "Preview", "The banner itself; what is decided in it goes nowhere", d.noticeTrail()
	_, err := c.draftNotice(ctx, d.Site.Key)
	page.HasDraft = err == nil && d.May(operator.WriteNotices)
	if !page.HasDraft || page.Of != "force" && page.Of != "draft" {
		page.Of = map[bool]string{true: "draft", false: "force"}[page.HasDraft]
	}
	n, err := c.noticeInForce(ctx, d.Site.Key)
	page.HasForce = err == nil
	if page.HasDraft && (page.Of == "draft" || !page.HasForce) {
		page.Of = "draft"
		n, err = c.draftNotice(ctx, d.Site.Key)
	}
	if errors.Is(err, notice.ErrUnpublished) {
		return d.Show(page)
	}
	if err != nil {
		return err
	}
	if page.Width != "320" && page.Width != "768" {
		page.Width = "1280"
	}
	if !slices.Contains(n.Languages, page.Language) {
		page.Language = ""
	}
	t := ticket{Site: d.Site.Key, Draft: page.Of == "draft", Language: page.Language, Trial: page.Trial, Dark: page.Scheme == "dark", RTL: page.Direction == "rtl", Signal: page.Signal}
	switch page.Regime {
	case string(notice.AskOptOut), string(notice.AskNotice):
		t.Surface = notice.Surface(page.Regime)
	default:
		t.Surface, page.Regime = notice.AskOptIn, string(notice.AskOptIn)
	}
	if _, there := n.Trial(t.Trial); !there {
		t.Trial = ""
	}
	for _, language := range n.Languages {
		page.Languages = append(page.Languages, console.Pick{Key: language, Name: languageName(language)})
	}
	for _, trial := range n.Trials {
		page.Trials = append(page.Trials, trial.Key)
	}
	if page.Frame1, err = c.preview(t); err != nil {
		return err
	}
	return d.Show(page)
}
