package visitor

import (
	"strings"
	"time"

	"github.com/volenti-consent/volenti/geo"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/server/site"
)

// Laws says what is owed to a visitor: by the law table, and by what a notice
// asks beyond it.
type Laws struct{ Table *regime.Table }

// ruling is what the law asks on that day of the site's calendar.
func (l *Laws) ruling(s site.Site, n *notice.Notice, region geo.Region, source geo.Source, at time.Time) regime.Ruling {
	return l.Table.For(visitorIn(region, source), n.Controller.Establishment, regime.Posture(n.Posture), regime.DayOf(at.In(s.Location())))
}

func visitorIn(region geo.Region, source geo.Source) regime.Visitor {
	return regime.Visitor{Country: region.Country, Subdivision: region.Subdivision, Certain: source == geo.FromHeader || source == geo.FromOverride}
}

// age is how old a visitor says to be before he grants anything: the notice's
// minimum, or that of the law where the notice asks for it and it is higher. 0:
// nobody is asked.
func (l *Laws) age(s site.Site, n *notice.Notice, region geo.Region, source geo.Source, at time.Time) int {
	if n.Age.Minimum == 0 || !n.Age.ByCountry {
		return n.Age.Minimum
	}
	return max(n.Age.Minimum, l.Table.AgeFor(visitorIn(region, source), n.Controller.Establishment, regime.DayOf(at.In(s.Location()))))
}

// model is what is owed for one category: the law's answer, or the notice's own
// where that is stricter. Where the visitor is asked how old he is, nothing is on
// before he has said so: that is opt-in everywhere.
func model(n *notice.Notice, c notice.Category, region geo.Region, r regime.Ruling) regime.Model {
	if n.Age.Minimum != 0 {
		return regime.OptIn
	}
	m := r.Models.Of(c.Like)
	for _, o := range n.Overrides {
		here := o.Region == "*" || o.Region == region.Country || (region.Subdivision != "" && o.Region == region.String())
		if here && (o.Category == "*" || o.Category == c.Key) {
			m = regime.Stricter(m, regime.Model(o.Model))
		}
	}
	return m
}

// letters are the models of all categories, as the boot says them.
func letters(n *notice.Notice, region geo.Region, r regime.Ruling) string {
	out := make([]byte, 0, len(n.Categories))
	for _, c := range n.Categories {
		if c.Like == notice.Necessary {
			out = append(out, '-')
			continue
		}
		out = append(out, letter(model(n, c, region, r)))
	}
	return string(out)
}

// lettersOf are models as the boot says them.
func lettersOf(n *notice.Notice, models map[string]regime.Model) string {
	out := make([]byte, 0, len(n.Categories))
	for _, c := range n.Categories {
		if c.Like == notice.Necessary {
			out = append(out, '-')
			continue
		}
		out = append(out, letter(models[c.Key]))
	}
	return string(out)
}

// answer puts into a question what was owed when its token was served.
func (l *Laws) answer(s site.Site, q *consent.Question) {
	country, subdivision, _ := strings.Cut(q.Served.Region, "-")
	region, source := geo.Region{Country: country, Subdivision: subdivision}, geo.Source(q.Served.Source)
	ruling := l.ruling(s, q.Notice, region, source, q.Served.From())
	q.LawTable, q.Reask, q.Models = l.Table.Version, ruling.Reask(), map[string]regime.Model{}
	q.Age = l.age(s, q.Notice, region, source, q.Served.From())
	for _, c := range q.Notice.Categories {
		if c.Like != notice.Necessary {
			q.Models[c.Key] = model(q.Notice, c, region, ruling)
		}
	}
}
