package admin

import (
	"context"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/web/console"
)

// reach is how many visitors know this site at a time: their decision was made
// within the months that one holds. Counters know no visitor, so there are bounds.
// Every decision of that time is one visitor at most, and who decided for the first
// time in it is one at least; between them are those who changed a choice. What it
// costs grows with the days, not with what is kept.
func (c *Console) reach(ctx context.Context, site string, months int, at time.Time) (*console.Reach, error) {
	from, to := at.UTC().AddDate(0, -months, 0), c.Now().UTC()
	first, last := from.Format(time.DateOnly), to.Format(time.DateOnly)
	counts, err := c.Insight.Store.Statistics(ctx, site, consent.ByNothing, first, last)
	if err != nil {
		return nil, err
	}
	answers, err := c.Insight.Store.Statistics(ctx, site, consent.ByAnswer, first, last)
	if err != nil {
		return nil, err
	}
	left, _, err := c.Insight.Store.Uncounted(ctx)
	if err != nil {
		return nil, err
	}
	r := &console.Reach{Since: from, Months: months, Counting: left > 0}
	t := tallyOf(counts)
	for _, kind := range []struct {
		outcome consent.Outcome
		name    string
	}{
		{consent.CountAccepted, "accepted"}, {consent.CountPartial, "in part"}, {consent.CountRefused, "refused"},
		{consent.CountWithdrawn, "withdrawn"}, {consent.CountAcknowledged, "read"}, {consent.CountSignal, "by a signal"},
	} {
		if n := t[kind.outcome]; n > 0 {
			r.Most += n
			r.Kinds = append(r.Kinds, console.ReachKind{Name: kind.name, Times: n})
		}
	}
	for _, a := range answers {
		r.Least += a.Times
	}
	r.Least = min(r.Least, r.Most)
	return r, nil
}
