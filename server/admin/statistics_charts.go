package admin

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/web/console"
)

// byDay is the choices of each day, or of each week of a long period.
func byDay(p period, daily []consent.Count, total tally) *console.Chart {
	step, word := 1, "day"
	if p.days() > 120 {
		step, word = 7, "week"
	}
	if p.days() > 1000 {
		step, word = 28, "four weeks"
	}
	n := (p.days() + step - 1) / step
	tallies := make([]tally, n)
	for i := range tallies {
		tallies[i] = tally{}
	}
	for _, c := range daily {
		if day, err := time.Parse(time.DateOnly, c.Day); err == nil {
			if i := int(day.Sub(p.from)/(24*time.Hour)) / step; i >= 0 && i < n {
				tallies[i][consent.Outcome(c.Outcome)] += c.Times
			}
		}
	}
	chart := &console.Chart{ID: "by-day", Upright: true, Series: chosenSeries, Of: "Day", Sum: "Choices",
		About: "One bar for each " + word + ", as high as there were choices, of three parts: accepted, in part, refused."}
	if step > 1 {
		chart.Of = "From"
	}
	best, most := "", int64(0)
	for i, t := range tallies {
		label := p.from.AddDate(0, 0, i*step).Format("2 Jan")
		if p.days() > 300 {
			label = p.from.AddDate(0, 0, i*step).Format("2 Jan 06")
		}
		chart.Bars = append(chart.Bars, console.Bar{Label: label, Parts: t.parts()})
		if t.chosen() > most {
			best, most = label, t.chosen()
		}
	}
	switch chosen := total.chosen(); {
	case chosen == 0:
		chart.Finding = "Nobody was asked for a choice in this period."
	case chosen < fewest:
		chart.Finding = counted(chosen, "choice", "choices") + " in " + counted(int64(p.days()), "day", "days") + "."
	default:
		chart.Finding = fmt.Sprintf("Of %s choices %s accepted everything, %s a part and %s refused; the busiest %s began on %s with %s.", console.Number(chosen),
			console.Percent(total[consent.CountAccepted], chosen), console.Percent(total[consent.CountPartial], chosen), console.Percent(total[consent.CountRefused], chosen), word, best, console.Number(most))
		if step == 1 {
			chart.Finding = strings.Replace(chart.Finding, "the busiest day began on", "the busiest day was", 1)
		}
	}
	return chart
}

// A group is the choices of one value of a dimension.
type group struct {
	name string
	tally
}

// groupsOf sorts counts into groups, the one with most choices first.
func groupsOf(counts []consent.Count, name func(value string) string) []group {
	byName := map[string]tally{}
	for _, c := range counts {
		key := name(c.Value)
		if byName[key] == nil {
			byName[key] = tally{}
		}
		byName[key][consent.Outcome(c.Outcome)] += c.Times
	}
	var all []group
	for key, t := range byName {
		if t.chosen() > 0 {
			all = append(all, group{key, t})
		}
	}
	slices.SortFunc(all, func(a, b group) int {
		return cmp.Or(cmp.Compare(b.chosen(), a.chosen()), cmp.Compare(a.name, b.name))
	})
	return all
}

// mostRows is how many groups a chart shows.
const mostRows = 12

// fold puts groups that are small, and those behind the first ones, together, and
// says so.
func fold(all []group, what string) (kept []group, note string) {
	rest, n := group{"Other " + what, tally{}}, 0
	for i, g := range all {
		if g.chosen() >= fewest && i < mostRows {
			kept = append(kept, g)
			continue
		}
		n++
		for o, times := range g.tally {
			rest.tally[o] += times
		}
	}
	are := "are " + console.Number(int64(n))
	if n == 1 {
		are = "is one"
	}
	switch {
	case n == 0:
		return kept, ""
	case len(kept) < mostRows:
		note = fmt.Sprintf("“Other %s” %s of fewer than %d choices.", what, are, fewest)
	default:
		note = fmt.Sprintf("“Other %s” %s: behind the first %d, or of fewer than %d choices.", what, are, len(kept), fewest)
	}
	return append(kept, rest), note
}

// rows draws groups below one another, with a sentence on the first and the last.
func rows(chart *console.Chart, groups []group, verb string) *console.Chart {
	if len(groups) == 0 {
		return nil
	}
	var high, low *group
	for i := range groups {
		g := &groups[i]
		few := g.chosen() < fewest
		chart.Bars = append(chart.Bars, console.Bar{Label: g.name, Parts: g.parts(), Few: few})
		if few || strings.HasPrefix(g.name, "Other ") {
			continue
		}
		rate := func(g *group) float64 { return float64(g.tally[consent.CountAccepted]) / float64(g.chosen()) }
		if high == nil || rate(g) > rate(high) {
			high = g
		}
		if low == nil || rate(g) < rate(low) {
			low = g
		}
	}
	share := func(g *group) string { return console.Percent(g.tally[consent.CountAccepted], g.chosen()) }
	switch high {
	case nil:
		chart.Finding = chart.Finding + ": there are too few choices to compare."
	case low:
		chart.Finding = fmt.Sprintf("%s: %s of %s accepted everything.", chart.Finding, share(high), high.name)
	default:
		chart.Finding = fmt.Sprintf("%s: everything was accepted most often %s %s (%s), least often %s %s (%s).", chart.Finding, verb, high.name, share(high), verb, low.name, share(low))
	}
	if chart.Series == nil {
		chart.Series = chosenSeries
	}
	chart.Sum = "Choices"
	if chart.About == "" {
		chart.About = "One bar for each, of three parts: accepted, in part, refused."
	}
	return chart
}

func byRegion(counts []consent.Count) *console.Chart {
	groups, note := fold(groupsOf(counts, console.RegionName), "regions")
	return rows(&console.Chart{ID: "by-region", Finding: "By region", Of: "Region", Note: note}, groups, "in")
}

func byLanguage(counts []consent.Count) *console.Chart {
	groups, note := fold(groupsOf(counts, console.LanguageName), "languages")
	return rows(&console.Chart{ID: "by-language", Finding: "By language of the banner", Of: "Language", Note: note}, groups, "in")
}

var layerNames = map[string]string{
	string(consent.OnBanner): "the first layer", string(consent.OnSettings): "the settings", string(consent.OnPlaceholder): "a placeholder",
	string(consent.OnAPI): "the site's own control", string(consent.OnSignal): "a signal", string(consent.OnChange): "the note of a change",
	string(consent.OnShare): "another domain", string(consent.OnPage): "the page without script",
	string(consent.OnCentre): "the privacy centre",
}

func byLayer(counts []consent.Count) *console.Chart {
	groups := groupsOf(counts, func(layer string) string { return cmp.Or(layerNames[layer], layer) })
	chart := rows(&console.Chart{ID: "by-layer", Of: "Layer"}, groups, "on")
	if chart == nil {
		return nil
	}
	var sum int64
	for i := range groups {
		sum += groups[i].chosen()
		chart.Bars[i].Label = capital(groups[i].name)
	}
	chart.Finding = fmt.Sprintf("By layer: %s of choices were made on %s.", console.Percent(groups[0].chosen(), sum), groups[0].name)
	return chart
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// byCategory is what was chosen about each category, of all choices.
func byCategory(counts []consent.Count) *console.Chart {
	granted, refused, open := map[string]int64{}, map[string]int64{}, map[string]int64{}
	keys := map[string]int64{}
	for _, c := range counts {
		keys[c.Value] += c.Times
		switch consent.Choice(c.Outcome) {
		case consent.Granted:
			granted[c.Value] += c.Times
		case consent.Refused:
			refused[c.Value] += c.Times
		default:
			open[c.Value] += c.Times
		}
	}
	if len(keys) == 0 {
		return nil
	}
	chart := &console.Chart{ID: "by-category", Of: "Category", Sum: "Choices", About: "One bar for each category, of three parts: granted, not asked, refused.",
		Series: []console.Series{{Name: "Granted", Pattern: "solid"}, {Name: "Not asked", Pattern: "dotted"}, {Name: "Refused", Pattern: "open"}}}
	names := make([]string, 0, len(keys))
	for key := range keys {
		names = append(names, key)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(granted[b], granted[a]), cmp.Compare(a, b)) })
	for _, key := range names {
		chart.Bars = append(chart.Bars, console.Bar{Label: key, Parts: []int64{granted[key], open[key], refused[key]}, Few: keys[key] < fewest})
	}
	first, last := names[0], names[len(names)-1]
	switch {
	case keys[first] < fewest || keys[last] < fewest:
		chart.Finding = "By category: there are too few choices to compare."
	case len(names) == 1:
		chart.Finding = fmt.Sprintf("By category: %s was granted by %s.", first, console.Percent(granted[first], keys[first]))
	default:
		chart.Finding = fmt.Sprintf("By category: %s was granted most often (%s), %s least often (%s).", first, console.Percent(granted[first], keys[first]), last, console.Percent(granted[last], keys[last]))
	}
	return chart
}
