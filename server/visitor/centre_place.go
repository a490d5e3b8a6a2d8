package visitor

import (
	"github.com/volenti-consent/volenti/geo"
	"github.com/volenti-consent/volenti/server/consent"
)

// place says where and under which law a record was made, in the words of the law
// table, which is in English. Where the table knows no law, its id means nothing to
// anybody: the strictest rules apply there.
func (p *Centre) place(core consent.Core) string {
	region := core.Region
	if _, known := geo.ParseRegion(region); !known {
		region = "not known"
	}
	table := p.Choices.Script.Laws.Table
	if core.Law == table.Unknown() {
		return region + " · the strictest rules apply"
	}
	if row, ok := table.Row(core.Law); ok { // a later table may have another
		region += " · " + row.Name
	}
	return region
}
