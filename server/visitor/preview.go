package visitor

import (
	"time"

	"github.com/volenti-consent/volenti/geo"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/server/site"
)

// A Preview is how somebody who has not decided would be met, without a server:
// the shape of the first layer, and what follows its script's source to call it.
// The token in it is none, so no decision is taken under it.
type Preview struct {
	Surface   notice.Surface
	Law       *regime.Row // nil where no region was asked for
	Arguments []byte
}

// Preview is for a visitor who is known to be in a region, on the day of at.
func (l *Laws) Preview(n *notice.Notice, region geo.Region, at time.Time) Preview {
	s := site.Site{Key: n.Site}
	r := l.ruling(s, n, region, geo.FromOverride, at)
	b := boot{token: "preview", models: letters(n, region, r), from: at.Unix(), link: r.Link(), binding: r.GPC(), age: l.age(s, n, region, geo.FromOverride, at)}
	if reask := r.Reask(); reask > n.Validity {
		b.reask = reask
	}
	return Preview{surfaceOf(b.models), r.Row, b.append(nil)}
}

// PreviewAs is for a visitor of whom the law asks the same for every category.
func (l *Laws) PreviewAs(n *notice.Notice, m regime.Model, at time.Time) Preview {
	models := make(map[string]regime.Model, len(n.Categories))
	for _, c := range n.Categories {
		models[c.Key] = regime.Stricter(m, model(n, notice.Category{Like: notice.Necessary, Key: c.Key}, geo.Region{}, regime.Ruling{}))
	}
	b := boot{token: "preview", models: lettersOf(n, models), from: at.Unix(), link: m == regime.OptOut, binding: m == regime.OptOut, age: n.Age.Minimum}
	return Preview{surfaceOf(b.models), nil, b.append(nil)}
}
