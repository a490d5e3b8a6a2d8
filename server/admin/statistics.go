package admin

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/web/console"
)

// fewest is how many choices a group must have before a rate of it is shown.
// Below it the share would say more of chance than of visitors, and where regions
// are small perhaps something of one of them.
const fewest = 20

// mostDays bounds a period: ten years and a little.
const mostDays = 3660

// A period is what an overview is of, in days of UTC.
type period struct {
	name     string // as in console.Overview
	from, to time.Time
}

func (p period) days() int { return int(p.to.Sub(p.from)/(24*time.Hour)) + 1 }
func (p period) bounds() (from, to string) {
	return p.from.Format(time.DateOnly), p.to.Format(time.DateOnly)
}
func ending(to time.Time, name string, n int) period { return period{name, to.AddDate(0, 0, 1-n), to} }

// periodOf reads a period from a form, and says what is to be mended in it.
func periodOf(name, from, to string, now time.Time) (period, []console.Mend) {
	today := now.UTC().Truncate(24 * time.Hour)
	switch name {
	case "7", "90":
		n, _ := strconv.Atoi(name)
		return ending(today, name, n), nil
	case "own":
		usual := ending(today, "own", 28)
		first, err := time.Parse(time.DateOnly, from)
		if err != nil {
			return usual, []console.Mend{{Field: "from", What: "Give the first day of the period, such as " + usual.from.Format(time.DateOnly) + "."}}
		}
		last, err := time.Parse(time.DateOnly, to)
		if err != nil {
			return usual, []console.Mend{{Field: "to", What: "Give the last day of the period, such as " + usual.to.Format(time.DateOnly) + "."}}
		}
		p := period{"own", first, last}
		switch {
		case last.Before(first):
			return usual, []console.Mend{{Field: "to", What: "The last day is before the first: exchange them."}}
		case p.days() > mostDays:
			return usual, []console.Mend{{Field: "from", What: "Choose at most ten years."}}
		}
		return p, nil
	}
	return ending(today, "28", 28), nil
}

// A tally is counts by outcome.
type tally map[consent.Outcome]int64

func tallyOf(counts []consent.Count) tally {
	t := tally{}
	for _, c := range counts {
		t[consent.Outcome(c.Outcome)] += c.Times
	}
	return t
}

func (t tally) chosen() (sum int64) {
	for o, n := range t {
		if o.Chosen() {
			sum += n
		}
	}
	return sum
}

func (t tally) all() (sum int64) {
	for _, n := range t {
		sum += n
	}
	return sum
}

// made is how many decisions were made here: no notes, and none taken over.
func (t tally) made() int64 {
	return t.all() - t[consent.CountTold] - t[consent.CountShown] - t[consent.CountShared]
}

// parts are the choices in the order of chosenSeries.
func (t tally) parts() []int64 {
	return []int64{t[consent.CountAccepted], t[consent.CountPartial], t[consent.CountRefused]}
}

var chosenSeries = []console.Series{{Name: "Accepted", Pattern: "solid"}, {Name: "In part", Pattern: "hatched"}, {Name: "Refused", Pattern: "open"}}

// statistics answers GET /admin/sites/:site.
func (c *Console) statistics(d *Desk) error {
	ctx := d.Request().Context()
	p, wrong := periodOf(d.QueryParam("period"), d.QueryParam("from"), d.QueryParam("to"), c.Now())
	page := &console.Overview{Period: p.name, Days: p.days(), Few: fewest, Embed: d.May(operator.ReadNotices), Export: true}
	page.Title, page.Wrong = "Overview", wrong
	page.From, page.To = p.bounds()
	page.Sub = fmt.Sprintf("How visitors decided, %s to %s", p.from.Format("2 January 2006"), p.to.Format("2 January 2006"))
	left, of, err := c.Insight.Store.Uncounted(ctx)
	if err != nil {
		return err
	}
	if left > 0 {
		page.Counting = &console.Progress{Done: of - left, Of: of}
	}
	totals, err := c.Insight.Store.Statistics(ctx, d.Site.Key, consent.ByNothing, page.From, page.To)
	if err != nil {
		return err
	}
	if page.Empty = len(totals) == 0; page.Empty {
		newest, err := c.Insight.Store.SearchRecords(ctx, consent.Search{Site: d.Site.Key, Limit: 1})
		if err != nil {
			return err
		}
		page.Never = len(newest) == 0
		return d.Show(page)
	}
	if err := c.draw(ctx, d.Site.Key, p, tallyOf(totals), page); err != nil {
		return err
	}
	return d.Show(page)
}

// draw fills in the figures and charts of a period in which something was decided.
func (c *Console) draw(ctx context.Context, site string, p period, total tally, page *console.Overview) error {
	from, to := p.bounds()
	signals, err := c.Insight.Store.Statistics(ctx, site, consent.BySignal, from, to)
	if err != nil {
		return err
	}
	arms, err := c.arms(ctx, site, p)
	if err != nil {
		return err
	}
	page.Figures = figures(total, signals, arms)
	daily, err := c.Insight.Store.DailyStatistics(ctx, site, consent.ByNothing, from, to)
	if err != nil {
		return err
	}
	page.Charts = append(page.Charts, byDay(p, daily, total))
	for _, by := range []struct {
		dimension consent.Dimension
		draw      func([]consent.Count) *console.Chart
	}{{consent.ByRegion, byRegion}, {consent.ByCategory, byCategory}, {consent.ByLayer, byLayer}, {consent.ByLanguage, byLanguage}} {
		counts, err := c.Insight.Store.Statistics(ctx, site, by.dimension, from, to)
		if err != nil {
			return err
		}
		if chart := by.draw(counts); chart != nil {
			page.Charts = append(page.Charts, chart)
		}
	}
	if chart := byTrial(arms); chart != nil {
		page.Charts = append(page.Charts, chart)
	}
	return nil
}

// figures are the numbers that stand large.
func figures(total tally, signals []consent.Count, arms []arm) []console.Figure {
	chosen := total.chosen()
	all := []console.Figure{{Value: console.Number(chosen), Label: "choices"}}
	if shown := shownIn(arms); shown > 0 {
		decided := decidedIn(arms)
		all = append(all, console.Figure{Value: console.Percent(decided, shown), Label: "of banners shown were answered",
			Sub: fmt.Sprintf("%s shown, %s answered, %s without an answer; counted while trials run", console.Number(shown), console.Number(decided), console.Number(max(shown-decided, 0)))})
	}
	for _, f := range []struct {
		outcome consent.Outcome
		label   string
	}{{consent.CountAccepted, "accepted everything"}, {consent.CountPartial, "accepted a part"}, {consent.CountRefused, "refused everything"}} {
		figure := console.Figure{Value: console.Percent(total[f.outcome], chosen), Label: f.label, Sub: console.Number(total[f.outcome])}
		if chosen < fewest {
			figure.Value, figure.Sub = console.Number(total[f.outcome]), "too few choices for a share"
		}
		all = append(all, figure)
	}
	gpc := tally{}
	for _, s := range signals {
		if s.Value == "gpc" {
			gpc[consent.Outcome(s.Outcome)] += s.Times
		}
	}
	if n := gpc.made(); n > 0 {
		all = append(all, console.Figure{Value: console.Percent(n, total.made()), Label: "of decisions with Global Privacy Control", Sub: counted(n, "decision", "decisions")})
	}
	for _, f := range []struct {
		outcome consent.Outcome
		label   string
	}{{consent.CountWithdrawn, "withdrawn"}, {consent.CountSignal, "set by a signal"}, {consent.CountAcknowledged, "notices read"}, {consent.CountTold, "policy changes read"}, {consent.CountShown, "policy changes shown"}, {consent.CountShared, "taken over from another domain"}} {
		if n := total[f.outcome]; n > 0 {
			all = append(all, console.Figure{Value: console.Number(n), Label: f.label})
		}
	}
	return all
}

// counted is a number with its noun.
func counted(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return console.Number(n) + " " + many
}

// asSentence begins with a capital and ends with a full stop.
func asSentence(s string) string {
	return capital(strings.TrimRight(s, ".")) + "."
}
