package request

import (
	"slices"
	"time"

	"github.com/volenti-consent/volenti/server/regime"
)

// Without says how long a request may take where the law names no figure ("without
// delay"), and no promise of the site does.
var without = regime.Span{N: 30, Unit: regime.Days}

// A Deadline is by when a request is to be answered.
type Deadline struct {
	Law      string    // id of the row that asks soonest
	Due      time.Time // before this moment: by the law, or by the site's promise where that is sooner
	LawDue   time.Time // by the law alone
	Longer   time.Time // where it is extended; zero: that row knows no extension
	Promised bool      // the site's own promise is the sooner
}

// Deadline is that of a request received at a moment. A day is a day of zone, the
// site's; promise is the site's own limit in days, 0 for none. Of several rows that
// give the right, the one that asks soonest counts; where none does, the site answers
// of its own will, by its promise or within thirty days.
//
// The day of the request is not counted (Regulation 1182/71 Art. 3(1); Cal. Civ. Code
// 10). Public holidays are not known here and count as working days: that makes a
// deadline a day early at times, never late.
func (r *Rights) Deadline(ruling regime.Ruling, k Kind, received time.Time, zone *time.Location, promise int) Deadline {
	var best Deadline
	rows := r.giving(ruling, k)
	if len(rows) == 0 {
		rows = []*regime.Row{ruling.Row}
	}
	for _, row := range rows {
		d := Deadline{Law: row.ID}
		said := r.rows[row.ID]
		span := row.Answer
		if s, ok := said.Spans[k]; ok {
			span = s
		}
		if span.N == 0 {
			span = without
		}
		d.LawDue = end(received, zone, said.Rolls, span)
		if row.Extension.N != 0 && !slices.Contains(said.Fixed, k) {
			d.Longer = end(received, zone, said.Rolls, span, row.Extension)
		}
		if best.Law == "" || d.LawDue.Before(best.LawDue) {
			best = d
		}
	}
	best.Due = best.LawDue
	if promise > 0 {
		if own := end(received, zone, false, regime.Span{N: promise, Unit: regime.Days}); own.Before(best.Due) {
			best.Due, best.Promised = own, true
		}
	}
	return best
}

// end is the moment after the last of the spans that follow one another: the midnight
// that ends the last day in zone, or the very moment where hours are counted. Spans of
// one unit are added first: three months from 31 January are not one month and two.
func end(received time.Time, zone *time.Location, rolls bool, spans ...regime.Span) time.Time {
	sum := spans[0]
	for _, s := range spans[1:] {
		if s.Unit != sum.Unit {
			day := lastDay(received.In(zone), sum)
			return midnight(rolled(lastDay(day, s), rolls))
		}
		sum.N += s.N
	}
	if sum.Unit == regime.Hours {
		return received.Add(time.Duration(sum.N) * time.Hour).UTC()
	}
	return midnight(rolled(lastDay(received.In(zone), sum), rolls))
}

// lastDay is the last day of a period: some moment of it, in the zone of from.
func lastDay(from time.Time, s regime.Span) time.Time {
	y, m, d := from.Date()
	noon := time.Date(y, m, d, 12, 0, 0, 0, from.Location()) // the clock never jumps over it
	switch s.Unit {
	case regime.Months:
		// The same date, or the last of a month that has none (Regulation 1182/71
		// Art. 3(2)(c)).
		last := time.Date(y, m+time.Month(s.N)+1, 0, 12, 0, 0, 0, from.Location())
		if d < last.Day() {
			return time.Date(last.Year(), last.Month(), d, 12, 0, 0, 0, from.Location())
		}
		return last
	case regime.Weeks:
		return noon.AddDate(0, 0, 7*s.N)
	case regime.BusinessDays:
		for left := s.N; left > 0; {
			if noon = noon.AddDate(0, 0, 1); !weekend(noon) {
				left--
			}
		}
		return noon
	case regime.Hours:
		return from.Add(time.Duration(s.N) * time.Hour)
	default:
		return noon.AddDate(0, 0, s.N)
	}
}

// rolled is the next working day, where a law lets a period end on none but those.
func rolled(day time.Time, rolls bool) time.Time {
	for rolls && weekend(day) {
		day = day.AddDate(0, 0, 1)
	}
	return day
}

func weekend(day time.Time) bool {
	return day.Weekday() == time.Saturday || day.Weekday() == time.Sunday
}

// midnight is the moment at which a day ends in its zone: where the clock jumps over
// it, the moment after the jump.
func midnight(day time.Time) time.Time {
	y, m, d := day.Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, day.Location()).UTC()
}
