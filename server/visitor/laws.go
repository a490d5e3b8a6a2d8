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
	return l.Table.For(
		regime.Visitor{Country: region.Country, Subdivision: region.Subdivision, Certain: source == geo.FromHeader || source == geo.FromOverride},
		n.Controller.Establishment, regime.Posture(n.Posture), regime.DayOf(at.In(s.Location())))
}

// model is what is owed for one category: the law's answer, or the notice's own
// where that is stricter.
func model(n *notice.Notice, c notice.Category, region geo.Region, r regime.Ruling) regime.Model {
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

// models are those that applied when a token was served, by category, and reask
// the months that a refusal rests there.
func (l *Laws) models(s site.Site, n *notice.Notice, served consent.Served) (table string, models map[string]regime.Model, reask int) {
	country, subdivision, _ := strings.Cut(served.Region, "-")
	region := geo.Region{Country: country, Subdivision: subdivision}
	ruling := l.ruling(s, n, region, geo.Source(served.Source), served.From())
	models = map[string]regime.Model{}
	for _, c := range n.Categories {
		if c.Like != notice.Necessary {
			models[c.Key] = model(n, c, region, ruling)
		}
	}
	return l.Table.Version, models, ruling.Reask()
}
