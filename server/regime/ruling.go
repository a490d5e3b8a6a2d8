package regime

// A Visitor is where a visitor is, as far as that is known.
type Visitor struct {
	Country     string // ISO 3166-1, or "" if not known
	Subdivision string // the part of ISO 3166-2 after the hyphen, or ""
	// Certain says that the subdivision comes from where it can be relied on, such
	// as a trusted edge or the visitor. A database's is a guess: two of them name
	// different states for a quarter of American addresses. A guess never makes the
	// answer laxer than "somewhere in the United States" would be.
	Certain bool
}

// A Ruling is what is owed to one visitor on one day: the strictest, switch by
// switch, of all rows that apply.
type Ruling struct {
	// Row governs: the first of the rows that alone asks for all of Models, the
	// visitor's own before others; the visitor's own if none does.
	Row *Row
	// Others apply as well. Where Row doesn't ask for all of Models, one of them
	// asks for the rest.
	Others []*Row
	Models Models

	gpc, link bool
}

// GPC reports whether one of the rows makes a universal opt-out signal binding.
func (r Ruling) GPC() bool { return r.gpc }

// Reask is how many months a refusal rests at the least before it may be asked
// again: the longest of the rows' figures, 0 if none names one.
func (r Ruling) Reask() int {
	months := 0
	if r.Row != nil {
		months = r.Row.ReaskMonths
	}
	for _, row := range r.Others {
		months = max(months, row.ReaskMonths)
	}
	return months
}

// Link reports whether one of the rows asks for a "Your Privacy Choices" link.
func (r Ruling) Link() bool { return r.link }

// For is what is owed to a visitor by a controller established in a country (ISO
// 3166-1, or "" if not said), on day.
//
// Three rows can apply: the visitor's region; where its subdivision is a guess,
// the row of its country with the state unknown; and the controller's own law
// where that follows it abroad. A German controller owes the GDPR to a visitor in
// Texas (Art. 3(1)), who keeps the Texan right to have signals honoured.
func (t *Table) For(v Visitor, establishment string, p Posture, day Day) Ruling {
	own := t.Of(v.Country, v.Subdivision, day)
	r := Ruling{Row: own, Models: own.Models(p), gpc: own.GPC(day), link: own.Link()}
	if v.Subdivision != "" && !v.Certain {
		r.add(t.guarded(v.Country, day), p, day)
	}
	if establishment != "" {
		if row := t.Of(establishment, "", day); row.FollowsController {
			r.add(row, p, day)
		}
	}
	r.govern(p)
	return r
}

// guarded is the row of a country whose law differs by state, the state being
// unknown; nil for other countries.
func (t *Table) guarded(country string, day Day) *Row {
	if id, ok := t.fallbacks[t.resolve(country, "")]; ok {
		return t.inForce(id, day)
	}
	return nil
}

func (r *Ruling) add(row *Row, p Posture, day Day) {
	if row == nil || row == r.Row {
		return
	}
	r.Others = append(r.Others, row)
	r.Models = r.Models.Stricter(row.Models(p))
	r.gpc = r.gpc || row.GPC(day)
	r.link = r.link || row.Link()
}

// govern puts the row that alone asks for all of the models first.
func (r *Ruling) govern(p Posture) {
	if r.Row.Models(p).covers(r.Models) {
		return
	}
	for i, row := range r.Others {
		if row.Models(p).covers(r.Models) {
			r.Row, r.Others[i] = row, r.Row
			return
		}
	}
}
