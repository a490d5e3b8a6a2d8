package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/web/console"
)

// home answers GET /admin: the sites the operator works on, with what needs
// somebody on each.
func (c *Console) home(d *Desk) error {
	ctx := d.Request().Context()
	page := &console.Home{MayAdd: d.Operator.May(operator.WriteSites, "")}
	page.Title = "Sites"
	if d.Operator.AllSites {
		page.Server = c.ofServer()
	}
	sites, err := c.sites(ctx, d.Operator, "")
	if err != nil {
		return err
	}
	latest, err := c.Insight.Store.Latest(ctx)
	if err != nil {
		return err
	}
	for _, s := range sites {
		one := console.HomeSite{Key: s.Key, Name: s.Name, Statistics: d.Operator.May(operator.ReadStatistics, s.Key), MayChange: d.Operator.May(operator.WriteSites, s.Key)}
		if one.Attention, err = c.attention(ctx, d.Operator, s, latest[s.Key]); err != nil {
			return err
		}
		if one.Statistics {
			if err := c.week(ctx, &one); err != nil {
				return err
			}
		}
		page.List = append(page.List, one)
	}
	if n := len(page.List); n > 0 {
		page.Sub = counted(int64(n), "site", "sites") + ", and what needs you today"
	}
	return d.Show(page)
}

// week sums up what was chosen in the last seven days.
func (c *Console) week(ctx context.Context, s *console.HomeSite) error {
	today := c.Now().UTC()
	counts, err := c.Insight.Store.Statistics(ctx, s.Key, consent.ByNothing, today.AddDate(0, 0, -6).Format(time.DateOnly), today.Format(time.DateOnly))
	if err != nil {
		return err
	}
	t := tallyOf(counts)
	s.Week = t.chosen()
	if s.Week >= fewest {
		s.Accepted = console.Percent(t[consent.CountAccepted], s.Week)
	}
	return nil
}

// ofServer is what concerns all sites: the law table and the region database.
func (c *Console) ofServer() []console.Attention {
	var all []console.Attention
	if c.Insight.Regions != nil {
		if warning := c.Insight.Regions(); warning != "" {
			all = append(all, console.Attention{Level: "mind", Label: "Soon", What: asSentence(warning)})
		}
	}
	table := c.Insight.Table
	if table == nil {
		return all
	}
	today := regime.DayOf(c.Now())
	if made, err := time.Parse(time.DateOnly, table.Version); err == nil && c.Now().Sub(made) > lawIsOld {
		all = append(all, console.Attention{Level: "mind", Label: "Soon",
			What: "The law table is of " + made.Format("2 January 2006") + ": what changed since is not in it. Install a newer version of Volenti."})
	}
	if day, ok := table.NextChange(today); ok {
		if ahead := day.Time().Sub(today.Time()); ahead <= soon {
			all = append(all, console.Attention{Level: "ahead", Label: "Coming",
				What: "A law changes on " + day.Time().Format("2 January 2006") + ". The law table knows it: visitors are asked by the new one from that day, and nothing is to be done."})
		}
	}
	return all
}

// How far ahead the home page looks, and when a law table is to be renewed.
const (
	soon     = 14 * 24 * time.Hour
	lawIsOld = 183 * 24 * time.Hour
)

// attention is what needs somebody on one site, the most pressing first. What the
// operator has no right to see is not told.
func (c *Console) attention(ctx context.Context, o operator.Operator, s site.Site, latest notice.Latest) ([]console.Attention, error) {
	var all []console.Attention
	base := "admin/sites/" + s.Key
	var linked []string
	if latest.Seq == 0 {
		a := console.Attention{Level: "bad", Label: "Do now", What: "No banner is published, so nobody is asked and all tags stay shut."}
		if o.May(operator.ReadNotices, s.Key) {
			a.Path, a.Do = base+"/notice", "Write the first"
		}
		all = append(all, a)
	} else {
		kept, err := c.Records.Artifact(ctx, latest.Notice)
		if err != nil {
			return nil, err
		}
		n, err := notice.Decode(kept.Bytes)
		if err != nil {
			return nil, err
		}
		linked = n.Policies
		if c.Insight.Outdated != nil && o.May(operator.ReadNotices, s.Key) && c.Insight.Outdated(s.Key, latest) {
			all = append(all, console.Attention{Level: "mind", Label: "Soon", Path: base + "/notice", Do: "Publish it again",
				What: "The banner was compiled by an older version of Volenti, on " + latest.PublishedAt.In(s.Location()).Format("2 January 2006") + "."})
		}
	}
	if o.May(operator.WriteNotices, s.Key) && c.Drafts != nil {
		w, err := c.Drafts.NoticeWork(ctx, s.Key)
		if err != nil && !errors.Is(err, notice.ErrNoWork) {
			return nil, err
		}
		if err == nil {
			all = append(all, console.Attention{Level: "mind", Label: "Soon", Path: base + "/notice", Do: "Go on",
				What: "The banner has a draft, changed last on " + w.ChangedAt.In(s.Location()).Format("2 January 2006") + " and not published: visitors see nothing of it."})
		}
	}
	if o.May(operator.ReadPolicies, s.Key) {
		more, err := c.ofPolicies(ctx, s, linked)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	if o.May(operator.ReadRequests, s.Key) {
		more, err := c.ofRequests(ctx, s)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	if o.May(operator.ReadStatistics, s.Key) {
		more, err := c.runningOut(ctx, s)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	order := []string{"bad", "mind", "ahead"}
	slices.SortStableFunc(all, func(a, b console.Attention) int { return slices.Index(order, a.Level) - slices.Index(order, b.Level) })
	return all, nil
}

// ofPolicies is what the policies of a site wait for.
func (c *Console) ofPolicies(ctx context.Context, s site.Site, linked []string) ([]console.Attention, error) {
	var all []console.Attention
	base := "admin/sites/" + s.Key + "/policies"
	works, err := c.Versions.Works(ctx, s.Key)
	if err != nil {
		return nil, err
	}
	keys := slices.Clone(linked)
	for _, w := range works {
		at := base + "/" + w.Policy + "/drafts/" + w.ID
		keys = append(keys, w.Policy)
		switch {
		case w.State == policyversions.Submitted:
			all = append(all, console.Attention{Level: "bad", Label: "Do now", Path: at, Do: "Read it", What: "A draft of the policy “" + w.Policy + "” waits for another's approval."})
		case w.Material:
			all = append(all, console.Attention{Level: "mind", Label: "Soon", Path: at, Do: "Go on", What: "A material change of the policy “" + w.Policy + "” is being drafted and not published."})
		}
	}
	published, err := c.publishedPolicies(ctx, s.Key)
	if err != nil {
		return nil, err
	}
	keys = append(keys, published...)
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		versions, err := c.Versions.Versions(ctx, s.Key, key)
		if errors.Is(err, policyversions.ErrUnknownPolicy) {
			if slices.Contains(linked, key) {
				all = append(all, console.Attention{Level: "bad", Label: "Do now", Path: base, Do: "Publish it", What: "The banner leads to the policy “" + key + "”, of which nothing is published."})
			}
			continue
		} else if err != nil {
			return nil, err
		}
		all = append(all, c.ofVersions(s, key, versions)...)
	}
	return all, nil
}

// ofVersions is what is ahead of one policy, its versions newest first.
func (c *Console) ofVersions(s site.Site, key string, versions []policyversions.Version) []console.Attention {
	var all []console.Attention
	now := c.Now()
	for _, v := range versions {
		from, binds := v.From(), v.Binds()
		name := fmt.Sprintf("Version %d of the policy “%s”", v.Number, key)
		if v.Material {
			name += ", a material change,"
		}
		day := func(t time.Time) string { return t.In(s.Location()).Format("2 January 2006") }
		a := console.Attention{Level: "ahead", Label: "Coming", Path: fmt.Sprintf("policies/%s/%s/versions/%d", s.Key, key, v.Number), Do: "Read it"}
		switch {
		case from.After(now) && from.Sub(now) <= soon:
			a.What = name + " comes into force on " + day(from) + "."
		case !from.After(now) && binds.After(now):
			a.What = name + " binds visitors who decided before it from " + day(binds) + "."
		default:
			continue
		}
		all = append(all, a)
	}
	return all
}

// publishedPolicies are the keys of the policies of which something is published.
func (c *Console) publishedPolicies(ctx context.Context, site string) ([]string, error) {
	lists, ok := any(c.Versions).(interface {
		Policies(ctx context.Context, site string) ([]string, error)
	})
	if !ok {
		return nil, nil
	}
	return lists.Policies(ctx, site)
}

// runningOut says how many grants end soon: these visitors are asked again.
func (c *Console) runningOut(ctx context.Context, s site.Site) ([]console.Attention, error) {
	today := c.Now().UTC()
	counts, err := c.Insight.Store.Statistics(ctx, s.Key, consent.ByEnd, today.Format(time.DateOnly), today.Add(soon).Format(time.DateOnly))
	if err != nil {
		return nil, err
	}
	n := tallyOf(counts).chosen()
	if n == 0 {
		return nil, nil
	}
	return []console.Attention{{Level: "ahead", Label: "Coming", Path: "admin/sites/" + s.Key, Do: "See how they decide",
		What: "Up to " + counted(n, "consent runs out", "consents run out") + " within 14 days: visitors who come back are asked again."}}, nil
}
