package admin

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/web/console"
)

const aDay = 24 * time.Hour

// announcement answers the form of when a draft binds and what visitors are told.
func (c *Console) announcement(d *Desk) error {
	w, err := c.work(d)
	if err != nil {
		return err
	}
	if w.State == policyversions.Submitted {
		return d.Done(d.draftPath(w)+"/confirm", "")
	}
	page := &console.Announce{Revision: w.Revision, When: "now", Grace: strconv.Itoa(int(w.Grace / aDay)), Material: w.Material}
	if !w.Effective.IsZero() {
		page.When, page.Day = "day", w.Effective.In(d.Site.Location()).Format(time.DateOnly)
	}
	return c.showAnnouncement(d, w, page, w.Summary)
}

func (c *Console) showAnnouncement(d *Desk, w policyversions.Work, page *console.Announce, summary map[string]string) error {
	lines, err := c.versionLines(d, w.Policy, c.names(d.Request().Context()))
	if err != nil {
		return err
	}
	page.Title, page.Sub = "When it binds, and who is told", "Draft “"+titleOf(w)+"” of policy “"+w.Policy+"”"
	page.Trail = d.draftTrail(w)
	page.Policy, page.ID, page.Base = w.Policy, w.ID, d.draftPath(w)
	page.First, page.MostSummary, page.SecondPair = len(lines) == 0, policyversions.MaxSummary, d.Site.SecondPair
	page.Zone, page.Earliest = d.Site.Location().String(), c.earliest(d, lines).Format(time.DateOnly)
	for _, line := range lines {
		if line.State == stateScheduled && page.Ahead == nil {
			page.Ahead = &line
		}
	}
	for i, text := range textsOf(w) {
		page.Summaries = append(page.Summaries, console.Summary{Field: fmt.Sprintf("summary-%d", i), Language: text.Language,
			Name: languageName(text.Language), Direction: direction(text.Language), Text: summary[text.Language], Needed: true})
	}
	if len(page.Wrong) > 0 {
		return d.ShowAs(http.StatusUnprocessableEntity, page)
	}
	return d.Show(page)
}

// draftTrail leads up from the pages of a draft.
func (d *Desk) draftTrail(w policyversions.Work) []console.Step {
	return []console.Step{{Path: d.policiesPath(), Label: "Policies"}, {Path: d.policiesPath() + "/" + w.Policy, Label: w.Policy}, {Path: d.draftPath(w), Label: "Draft"}}
}

// earliest is the first day a version may begin to bind: tomorrow, in the site's
// zone, or the day of the version that is scheduled last.
func (c *Console) earliest(d *Desk, lines []console.VersionLine) time.Time {
	zone := d.Site.Location()
	year, month, day := c.Now().In(zone).Date()
	first := time.Date(year, month, day+1, 0, 0, 0, 0, zone)
	for _, line := range lines {
		if line.From.After(first) {
			first = line.From
		}
	}
	return first
}

// announce answers the form.
func (c *Console) announce(d *Desk) error {
	w, err := c.work(d)
	if err != nil {
		return err
	}
	if w.State == policyversions.Submitted {
		return policyversions.ErrSubmitted
	}
	page := &console.Announce{When: d.FormValue("when"), Day: strings.TrimSpace(d.FormValue("day")),
		Grace: strings.TrimSpace(d.FormValue("grace")), Material: d.FormValue("material") == "yes"}
	page.Revision, _ = strconv.ParseInt(d.FormValue("revision"), 10, 64)
	lines, err := c.versionLines(d, w.Policy, c.names(d.Request().Context()))
	if err != nil {
		return err
	}
	summary := map[string]string{}
	for i, text := range textsOf(w) {
		if said := strings.Join(strings.Fields(d.FormValue(fmt.Sprintf("summary-%d", i))), " "); said != "" {
			summary[text.Language] = said
		}
	}
	changed := w
	changed.Revision, changed.By, changed.State = page.Revision, d.Operator.ID, policyversions.Drafted
	page.Wrong = said(d, &changed, page, summary, c.earliest(d, lines))
	if len(page.Wrong) > 0 {
		return c.showAnnouncement(d, w, page, summary)
	}
	_, err = c.save(d, changed)
	if errors.Is(err, policyversions.ErrStale) {
		page.Revision = w.Revision
		by := c.names(d.Request().Context())(w.By)
		page.Wrong = []console.Mend{{What: by + " kept a change to this draft meanwhile. What you chose is still here; look at the text again, then keep it."}}
		return c.showAnnouncement(d, w, page, summary)
	}
	if err != nil {
		return err
	}
	if d.FormValue("do") == "confirm" {
		return d.Done(d.draftPath(w)+"/confirm", "")
	}
	return d.Done(d.draftPath(w)+"/announce", "The draft is kept.")
}

// said puts what the form says into w, and tells what is to be mended.
func said(d *Desk, w *policyversions.Work, page *console.Announce, summary map[string]string, earliest time.Time) (wrong []console.Mend) {
	w.Effective, w.Material, w.Grace, w.Summary = time.Time{}, page.Material, 0, nil
	if page.When == "day" {
		day, err := policyversions.StartOfDay(page.Day, d.Site.Location())
		switch {
		case err != nil:
			wrong = append(wrong, console.Mend{Field: "day", What: "Choose a day, such as " + earliest.Format(time.DateOnly) + "."})
		case day.Before(earliest):
			wrong = append(wrong, console.Mend{Field: "day", What: "Choose " + earliest.Format("2 January 2006") + " or later, or let it bind at once."})
		}
		w.Effective = day
	}
	if !page.Material {
		return wrong
	}
	days := 0
	if page.Grace != "" {
		var err error
		if days, err = strconv.Atoi(page.Grace); err != nil || days < 0 || time.Duration(days)*aDay > policyversions.MaxGrace {
			wrong = append(wrong, console.Mend{Field: "grace", What: fmt.Sprintf("Write a number of days from 0 to %d.", policyversions.MaxGrace/aDay)})
		}
	}
	w.Grace, w.Summary = time.Duration(days)*aDay, summary
	for i, text := range textsOf(*w) {
		switch s := summary[text.Language]; {
		case s == "":
			wrong = append(wrong, console.Mend{Field: fmt.Sprintf("summary-%d", i), What: "Say in " + languageName(text.Language) + " what changed: visitors are told of a material change."})
		case len([]rune(s)) > policyversions.MaxSummary:
			wrong = append(wrong, console.Mend{Field: fmt.Sprintf("summary-%d", i), What: fmt.Sprintf("Say it in %d characters; the difference shows the rest.", policyversions.MaxSummary)})
		}
	}
	return wrong
}

// confirmation answers the last page before publication.
func (c *Console) confirmation(d *Desk) error {
	w, err := c.work(d)
	if err != nil {
		return err
	}
	return c.showConfirmation(d, w, nil, nil)
}

func (c *Console) showConfirmation(d *Desk, w policyversions.Work, wrong []console.Mend, problems []string) error {
	ctx, zone := d.Request().Context(), d.Site.Location()
	names := c.names(ctx)
	lines, err := c.versionLines(d, w.Policy, names)
	if err != nil {
		return err
	}
	before, err := c.before(d, w.Policy)
	if err != nil {
		return err
	}
	page := &console.Confirm{Policy: w.Policy, ID: w.ID, Base: d.draftPath(w), Revision: w.Revision, Number: 1, First: len(lines) == 0,
		AtOnce: w.Effective.IsZero(), From: w.Effective.In(zone), Days: int(w.Grace / aDay), Zone: zone.String(), Material: w.Material,
		Against: before.Number, Texts: c.looks(w, before, true), SecondPair: d.Site.SecondPair, Waits: w.State == policyversions.Submitted,
		Mine: w.SubmittedBy == d.Operator.ID, SubmittedBy: names(w.SubmittedBy), MayPublish: d.May(operator.PublishPolicies), Problems: problems}
	page.Title, page.Sub, page.Trail = "Look it over", "“"+titleOf(w)+"”, policy “"+w.Policy+"” of "+d.Site.Name, d.draftTrail(w)
	page.Wrong = wrong
	page.Binds = w.Binds(page.From, zone).In(zone)
	if len(lines) > 0 {
		page.Number = lines[0].Number + 1
	}
	for _, text := range textsOf(w) {
		page.Languages = append(page.Languages, languageName(text.Language))
	}
	if _, err := w.Submit(d.Operator.ID); err != nil && len(problems) == 0 {
		page.Problems = append(page.Problems, sentence(err))
	}
	if !page.AtOnce && !w.Effective.After(c.Now()) {
		page.Problems = append(page.Problems, "The day it should bind from, "+page.From.Format("2 January 2006")+", has passed: choose another.")
	}
	n, err := c.noticeInForce(ctx, d.Site.Key)
	switch {
	case errors.Is(err, notice.ErrUnpublished):
		page.NoBanner = true
	case err != nil:
		return err
	default:
		page.Validity = n.Validity
		if !page.First {
			at := c.Now()
			if !page.AtOnce {
				at = w.Effective
			}
			if page.Reach, err = c.reach(ctx, d.Site.Key, n.Validity, at); err != nil {
				return err
			}
		}
		if w.Material && !page.First && len(page.Problems) == 0 {
			if page.Note, err = c.notePreview(d, w, page.Number); err != nil {
				return err
			}
		}
	}
	if page.Word, _, err = c.sentBack(d, w, names); err != nil {
		return err
	}
	if len(wrong)+len(problems) > 0 {
		return d.ShowAs(http.StatusUnprocessableEntity, page)
	}
	return d.Show(page)
}

// publishDraft answers the button that publishes or, with a second pair of eyes,
// approves and publishes.
func (c *Console) publishDraft(d *Desk) error {
	w, err := c.work(d)
	if err != nil {
		return err
	}
	if d.FormValue("read") != "yes" {
		return c.showConfirmation(d, w, []console.Mend{{Field: "read", What: "Read the text first, and tick that you have."}}, nil)
	}
	if revision, _ := strconv.ParseInt(d.FormValue("revision"), 10, 64); revision != w.Revision {
		return c.showConfirmation(d, w, []console.Mend{{What: "The draft was changed after you had opened this page. Look it over again; nothing was published."}}, nil)
	}
	if !w.Effective.IsZero() && !w.Effective.After(c.Now()) {
		return c.showConfirmation(d, w, nil, nil)
	}
	by, approvedBy := d.Operator.ID, ""
	if d.Site.SecondPair {
		by, approvedBy = w.SubmittedBy, d.Operator.ID
	}
	v, err := policyversions.Publisher{Store: c.Versions, Now: c.Now, Zone: d.Site.Location()}.PublishWork(d.Request().Context(), w, by, approvedBy)
	if what := refused(err); what != "" {
		return c.showConfirmation(d, w, nil, []string{what})
	}
	if err != nil {
		return err
	}
	object := fmt.Sprintf("%s %d", v.Policy, v.Number)
	if approvedBy != "" {
		if err := d.Note("policy.approve", object, objectOf(w)); err != nil {
			return err
		}
	}
	if err := d.Note("policy.publish", object, v.Digest.Short()); err != nil {
		return err
	}
	said := fmt.Sprintf("Version %d is published and in force.", v.Number)
	if !w.Effective.IsZero() {
		said = fmt.Sprintf("Version %d is scheduled: it binds from %s.", v.Number, v.Effective.In(d.Site.Location()).Format("2 January 2006"))
	}
	return d.Done(d.policiesPath()+"/"+v.Policy, said)
}

// refused is why a draft was not published, for the person who wanted it, or "".
func refused(err error) string {
	switch {
	case errors.Is(err, policyversions.ErrSameText):
		return "These are the words of the newest version, in every language: there is nothing to publish."
	case errors.Is(err, policyversions.ErrBackdated):
		return "A version with a later day is published already. Choose its day or a later one."
	case errors.Is(err, policyversions.ErrStale):
		return "The draft was changed meanwhile. Open it again; nothing was published."
	case errors.Is(err, policyversions.ErrNotApproved), errors.Is(err, policyversions.ErrBadDraft), errors.Is(err, policyversions.ErrBadAnnouncement),
		errors.Is(err, policyversions.ErrBadLanguage), errors.Is(err, policyversions.ErrBadKey):
		return sentence(err)
	}
	return ""
}

// submitDraft answers the button that asks another operator to approve.
func (c *Console) submitDraft(d *Desk) error {
	w, err := c.work(d)
	if err != nil {
		return err
	}
	if revision, _ := strconv.ParseInt(d.FormValue("revision"), 10, 64); revision != w.Revision {
		return c.showConfirmation(d, w, []console.Mend{{What: "The draft was changed after you had opened this page. Look it over again; nothing was submitted."}}, nil)
	}
	submitted, err := w.Submit(d.Operator.ID)
	if err != nil {
		return c.showConfirmation(d, w, nil, []string{sentence(err)})
	}
	if _, err := c.save(d, submitted); err != nil {
		return err
	}
	if err := d.Note("policy.submit", objectOf(w), titleOf(w)); err != nil {
		return err
	}
	return d.Done(d.policiesPath(), "“"+clipped(titleOf(w))+"” waits for another operator's approval.")
}

// returnDraft answers the forms that make a submitted draft changeable again: its
// submitter takes it back, or whoever was to approve it sends it back with a word.
func (c *Console) returnDraft(d *Desk) error {
	w, err := c.work(d)
	if err != nil {
		return err
	}
	if w.State != policyversions.Submitted {
		return d.Done(d.draftPath(w), "")
	}
	word := strings.Join(strings.Fields(d.FormValue("word")), " ")
	back := w.SubmittedBy == d.Operator.ID
	switch {
	case !back && !d.May(operator.PublishPolicies):
		return ErrForbidden
	case !back && word == "":
		return c.showConfirmation(d, w, []console.Mend{{Field: "word", What: "Say what is to be changed."}}, nil)
	case len([]rune(word)) > policyversions.MaxSummary:
		return c.showConfirmation(d, w, []console.Mend{{Field: "word", What: fmt.Sprintf("Say it in %d characters.", policyversions.MaxSummary)}}, nil)
	}
	if _, err := c.save(d, w.TakeBack(w.By)); err != nil {
		return err
	}
	if back {
		if err := d.Note("policy.takeback", objectOf(w), ""); err != nil {
			return err
		}
		return d.Done(d.draftPath(w), "You can change it again.")
	}
	if err := d.Note(actReturn, objectOf(w), word); err != nil {
		return err
	}
	return d.Done(d.policiesPath(), "“"+clipped(titleOf(w))+"” was sent back.")
}
