package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/web/console"
)

func (c *Console) policyRoutes() []Route {
	const draft = "/admin/sites/:site/policies/:policy/drafts/:draft"
	return []Route{
		{Method: http.MethodGet, Path: "/admin/sites/:site/policies", Right: operator.ReadPolicies, Handle: c.policies},
		{Method: http.MethodGet, Path: "/admin/sites/:site/policies/:policy", Right: operator.ReadPolicies, Handle: c.policy},
		{Method: http.MethodPost, Path: "/admin/sites/:site/policies/:policy", Right: operator.WritePolicies, Handle: c.nextDraft},
		{Method: http.MethodGet, Path: "/admin/sites/:site/new-policy", Right: operator.WritePolicies, Handle: c.newPolicy},
		{Method: http.MethodPost, Path: "/admin/sites/:site/new-policy", Right: operator.WritePolicies, Handle: c.beginPolicy},

		{Method: http.MethodGet, Path: draft, Right: operator.ReadPolicies, Handle: c.draft},
		{Method: http.MethodPost, Path: draft, Right: operator.WritePolicies, Handle: c.keepDraft},
		{Method: http.MethodPost, Path: draft + "/autosave", Right: operator.WritePolicies, Handle: c.autosave},
		{Method: http.MethodPost, Path: draft + "/look", Right: operator.WritePolicies, Handle: c.look},
		{Method: http.MethodPost, Path: draft + "/drop", Right: operator.WritePolicies, Handle: c.dropDraft},

		{Method: http.MethodGet, Path: draft + "/announce", Right: operator.WritePolicies, Handle: c.announcement},
		{Method: http.MethodPost, Path: draft + "/announce", Right: operator.WritePolicies, Handle: c.announce},
		{Method: http.MethodGet, Path: draft + "/confirm", Right: operator.WritePolicies, Fresh: true, Handle: c.confirmation},
		{Method: http.MethodPost, Path: draft + "/confirm", Right: operator.PublishPolicies, Fresh: true, Handle: c.publishDraft},
		{Method: http.MethodPost, Path: draft + "/submit", Right: operator.WritePolicies, Handle: c.submitDraft},
		{Method: http.MethodPost, Path: draft + "/return", Right: operator.WritePolicies, Handle: c.returnDraft},
	}
}

// policies answers the list of a site's policies.
func (c *Console) policies(d *Desk) error {
	ctx := d.Request().Context()
	works, err := c.Versions.Works(ctx, d.Site.Key)
	if err != nil {
		return err
	}
	keys, linked, err := c.policyKeys(ctx, d.Site.Key, works)
	if err != nil {
		return err
	}
	page := &console.Policies{MayDraft: d.May(operator.WritePolicies), SecondPair: d.Site.SecondPair}
	page.Title, page.Sub = "Policies", "Legal texts of "+d.Site.Name+", and every version they ever had"
	names := c.names(ctx)
	for _, key := range keys {
		lines, err := c.versionLines(d, key, names)
		if err != nil {
			return err
		}
		row := console.PolicyRow{Key: key, Title: key, Wanted: slices.Contains(linked, key)}
		for _, line := range lines {
			switch line.State {
			case stateInForce:
				row.InForce, row.Title = &line, line.Title
			case stateScheduled:
				row.Ahead = append(row.Ahead, line)
			}
		}
		for _, w := range works {
			if w.Policy == key {
				row.Drafts = append(row.Drafts, draftLine(d, w, names))
			}
		}
		if row.Title == key && len(row.Ahead)+len(row.Drafts) > 0 {
			row.Title = append(titlesOf(row.Ahead), draftTitles(row.Drafts)...)[0]
		}
		page.List = append(page.List, row)
		page.Schedule = append(page.Schedule, c.schedule(d, key, lines)...)
	}
	for _, w := range works {
		if w.Effective.After(c.Now()) {
			page.Schedule = append(page.Schedule, console.ScheduleLine{At: w.Effective.In(d.Site.Location()), Draft: true, Policy: w.Policy,
				What: "is meant to bind from then on; it is a draft, and not published", Address: d.draftPath(w), Label: titleOf(w)})
		}
	}
	if table := c.Insight.Table; table != nil {
		if day, ok := table.NextChange(regime.DayOf(c.Now())); ok {
			page.Schedule = append(page.Schedule, console.ScheduleLine{At: day.Time(), Label: "The law", What: "changes somewhere; visitors there are asked by the new one, and nothing is to be done"})
		}
	}
	slices.SortStableFunc(page.Schedule, func(a, b console.ScheduleLine) int { return a.At.Compare(b.At) })
	return d.Show(page)
}

// schedule is what is still to happen with the versions of a policy.
func (c *Console) schedule(d *Desk, key string, lines []console.VersionLine) []console.ScheduleLine {
	var all []console.ScheduleLine
	for _, line := range lines {
		at := console.ScheduleLine{Policy: key, Label: fmt.Sprintf("Version %d", line.Number), Address: fmt.Sprintf("policies/%s/%s/versions/%d", d.Site.Key, key, line.Number)}
		if line.State == stateScheduled {
			at.At, at.What = line.From, "comes into force, for new visitors"
			if line.Binds.IsZero() {
				at.What = "comes into force"
			}
			if line.Material {
				at.What += "; those who decided before are told"
			}
			all = append(all, at)
		}
		if line.Binds.After(c.Now()) && (line.State == stateScheduled || line.State == stateInForce) {
			at.At, at.What = line.Binds, "binds those who decided before it, too"
			all = append(all, at)
		}
	}
	return all
}

func titlesOf(lines []console.VersionLine) (titles []string) {
	for _, l := range lines {
		titles = append(titles, l.Title)
	}
	return titles
}

func draftTitles(lines []console.DraftLine) (titles []string) {
	for _, l := range lines {
		titles = append(titles, l.Title)
	}
	return titles
}

// policyKeys are all policies of a site: published, linked by the banner, or in the
// works; those that the banner links to first, in its order. linked are these.
func (c *Console) policyKeys(ctx context.Context, site string, works []policyversions.Work) (keys, linked []string, err error) {
	if n, err := c.noticeInForce(ctx, site); err == nil {
		linked = n.Policies
	} else if !errors.Is(err, notice.ErrUnpublished) {
		return nil, nil, err
	}
	published, err := c.Versions.Policies(ctx, site)
	if err != nil {
		return nil, nil, err
	}
	keys = slices.Concat(linked, published)
	for _, w := range works {
		keys = append(keys, w.Policy)
	}
	var once []string
	for _, key := range keys {
		if !slices.Contains(once, key) {
			once = append(once, key)
		}
	}
	return once, linked, nil
}

// noticeInForce is what a site's banner asks with now; notice.ErrUnpublished.
func (c *Console) noticeInForce(ctx context.Context, site string) (*notice.Notice, error) {
	p, err := c.Notices.Current(ctx, site)
	if err != nil {
		return nil, err
	}
	return notice.Decode(p.NoticeBytes)
}

// The states of a version, as pages call them.
const (
	stateScheduled  = "scheduled"
	stateInForce    = "in force"
	stateSuperseded = "superseded"
	stateReplaced   = "replaced"
)

func stateOf(s policyversions.State) string {
	switch s {
	case policyversions.InForce:
		return stateInForce
	case policyversions.Superseded:
		return stateSuperseded
	case policyversions.Replaced:
		return stateReplaced
	}
	return stateScheduled
}

// versionLines are all versions of a policy, newest first; none for one that was
// never published.
func (c *Console) versionLines(d *Desk, policy string, names func(string) string) ([]console.VersionLine, error) {
	all, err := c.Versions.Versions(d.Request().Context(), d.Site.Key, policy)
	if errors.Is(err, policyversions.ErrUnknownPolicy) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	zone, now := d.Site.Location(), c.Now()
	lines := make([]console.VersionLine, len(all))
	for i, v := range all {
		standing, _ := policyversions.StandingOf(all, v.Number, now)
		lines[i] = console.VersionLine{
			Number: v.Number, Title: v.Title, State: stateOf(standing.State), From: v.Effective.In(zone), Until: inZone(standing.Until, zone),
			Published: v.PublishedAt.In(zone), By: names(v.PublishedBy), Approved: names(v.ApprovedBy), Material: v.Material && v.Number > 1,
			Languages: languageNames(v.Languages()), Digest: string(v.Digest), Entry: string(v.Entry),
		}
		if v.Grace > 0 {
			lines[i].Binds = v.Binds().In(zone)
		}
		if i+1 < len(all) {
			lines[i].Before = all[i+1].Number
		}
	}
	return lines, nil
}

func inZone(t time.Time, zone *time.Location) time.Time {
	if t.IsZero() {
		return t
	}
	return t.In(zone)
}

func draftLine(d *Desk, w policyversions.Work, names func(string) string) console.DraftLine {
	line := console.DraftLine{ID: w.ID, Policy: w.Policy, Title: titleOf(w), Waits: w.State == policyversions.Submitted,
		By: names(w.By), Changed: w.ChangedAt.In(d.Site.Location())}
	for _, text := range textsOf(w) {
		line.Languages = append(line.Languages, text.Language)
	}
	return line
}

// titleOf is what a draft is called in lists.
func titleOf(w policyversions.Work) string {
	if title := strings.TrimSpace(w.Title); title != "" {
		return title
	}
	if imported, err := policyversions.Import([]byte(w.Markdown), "draft.md"); err == nil {
		return imported.Title
	}
	return "Untitled"
}

// names tells operators' names by their ids, each looked up once. Somebody who is
// not known any more stays the id, which the audit log has too.
func (c *Console) names(ctx context.Context) func(id string) string {
	known := map[string]string{"": "", "cli": "the command line"}
	return func(id string) string {
		name, ok := known[id]
		if !ok {
			name = id
			if o, err := c.Operators.Operator(ctx, id); err == nil {
				name = o.Name
			}
			known[id] = name
		}
		return name
	}
}

// policy answers one policy: its drafts and all its versions.
func (c *Console) policy(d *Desk) error {
	ctx, key := d.Request().Context(), d.Param("policy")
	if !policyversions.ValidKey(key) {
		return policyversions.ErrUnknownPolicy
	}
	names := c.names(ctx)
	lines, err := c.versionLines(d, key, names)
	if err != nil {
		return err
	}
	works, err := c.Versions.Works(ctx, d.Site.Key)
	if err != nil {
		return err
	}
	page := &console.Policy{Key: key, Versions: lines, MayDraft: d.May(operator.WritePolicies)}
	page.Title, page.Sub = key, "Policy “"+key+"” of "+d.Site.Name
	page.Trail = []console.Step{{Path: d.policiesPath(), Label: "Policies"}}
	for _, w := range works {
		if w.Policy == key {
			page.Drafts = append(page.Drafts, draftLine(d, w, names))
			page.Title = titleOf(w)
		}
	}
	if len(lines) > 0 {
		page.Title = lines[0].Title
	}
	return d.Show(page)
}

// policiesPath is the list of policies, from the server's root.
func (d *Desk) policiesPath() string { return "admin/sites/" + d.Site.Key + "/policies" }

// nextDraft answers the form that begins a draft with the newest version's texts,
// in all its languages.
func (c *Console) nextDraft(d *Desk) error {
	ctx, key := d.Request().Context(), d.Param("policy")
	if !policyversions.ValidKey(key) {
		return policyversions.ErrUnknownPolicy
	}
	w := policyversions.Work{Site: d.Site.Key, Policy: key, Language: "en", By: d.Operator.ID, ChangedAt: c.Now(), State: policyversions.Drafted}
	all, err := c.Versions.Versions(ctx, d.Site.Key, key)
	if err != nil && !errors.Is(err, policyversions.ErrUnknownPolicy) {
		return err
	}
	if len(all) > 0 {
		v, err := c.Versions.Version(ctx, d.Site.Key, key, all[0].Number)
		if err != nil {
			return err
		}
		for i, language := range v.Languages() {
			text, err := v.In(language)
			if err != nil {
				return err
			}
			if i == 0 {
				w.Language, w.Title, w.Markdown = text.Language, text.Title, text.Markdown
				continue
			}
			w.Translations = append(w.Translations, policyversions.WorkText{Language: text.Language, Title: text.Title, Markdown: text.Markdown})
		}
	}
	return c.beginDraft(d, w, "")
}

// beginDraft keeps a new draft and goes to its editor.
func (c *Console) beginDraft(d *Desk, w policyversions.Work, said string) error {
	w, err := c.Versions.SaveWork(d.Request().Context(), w)
	if err != nil {
		return err
	}
	if err := d.Note("policy.draft", w.Policy, "begun"); err != nil {
		return err
	}
	return d.Done(d.draftPath(w), said)
}

// draftPath is a draft's editor, from the server's root.
func (d *Desk) draftPath(w policyversions.Work) string {
	return d.policiesPath() + "/" + w.Policy + "/drafts/" + w.ID
}
