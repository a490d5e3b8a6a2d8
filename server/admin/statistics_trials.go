package admin

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/web/console"
)

// An arm is a first layer by law and trial: how often it was shown, and what first
// decisions followed.
type arm struct {
	surface notice.Surface
	trial   string
	shown   int64
	answers tally
}

// arms counts the first layers of a period. Shown is counted only while a notice
// has trials; days without are left out on both sides.
func (c *Console) arms(ctx context.Context, site string, p period) ([]arm, error) {
	from, to := p.bounds()
	showings, err := c.Insight.Store.Showings(ctx, site)
	if err != nil || len(showings) == 0 {
		return nil, err
	}
	scripts, err := c.Insight.Store.AskScripts(ctx, site)
	if err != nil {
		return nil, err
	}
	type key struct {
		surface notice.Surface
		trial   string
	}
	found, counting := map[key]*arm{}, map[string]bool{}
	of := func(script canonical.Digest) *arm {
		v, ok := scripts[script]
		if !ok {
			return nil
		}
		k := key{v.Surface, v.Trial}
		if found[k] == nil {
			found[k] = &arm{surface: v.Surface, trial: v.Trial, answers: tally{}}
		}
		return found[k]
	}
	for _, s := range showings {
		if s.Day < from || s.Day > to {
			continue
		}
		counting[s.Day] = true
		if a := of(s.Script); a != nil {
			a.shown += s.Times
		}
	}
	if len(counting) == 0 {
		return nil, nil
	}
	answers, err := c.Insight.Store.DailyStatistics(ctx, site, consent.ByScript, from, to)
	if err != nil {
		return nil, err
	}
	for _, n := range answers {
		if a := of(canonical.Digest(n.Value)); a != nil && counting[n.Day] {
			a.answers[consent.Outcome(n.Outcome)] += n.Times
		}
	}
	var all []arm
	for _, a := range found {
		all = append(all, *a)
	}
	slices.SortFunc(all, func(a, b arm) int { return cmp.Or(cmp.Compare(a.surface, b.surface), cmp.Compare(a.trial, b.trial)) })
	return all, nil
}

func shownIn(arms []arm) (sum int64) {
	for _, a := range arms {
		sum += a.shown
	}
	return sum
}

func decidedIn(arms []arm) (sum int64) {
	for _, a := range arms {
		sum += min(a.answers.all(), a.shown)
	}
	return sum
}

// byTrial shows the answers to each first layer, those without one too.
func byTrial(arms []arm) *console.Chart {
	if len(arms) == 0 {
		return nil
	}
	chart := &console.Chart{ID: "by-trial", Of: "First layer", Sum: "Shown", About: "One bar for each first layer, of four parts: accepted, in part, refused or read, no answer.",
		Series: []console.Series{{Name: "Accepted", Pattern: "solid"}, {Name: "In part", Pattern: "hatched"}, {Name: "Refused or read", Pattern: "dotted"}, {Name: "No answer", Pattern: "open"}},
		Note:   "Counted while the notice has trials: answers of the server, not visitors, and first decisions alone. Whether a difference is more than chance, `volenti trials` says with its intervals."}
	for _, a := range arms {
		name := "the notice as it is"
		if a.trial != "" {
			name = "trial " + a.trial
		}
		t := a.answers
		bar := console.Bar{Label: name + " (" + string(a.surface) + ")", Parts: []int64{t[consent.CountAccepted], t[consent.CountPartial],
			t[consent.CountRefused] + t[consent.CountAcknowledged], max(a.shown-t.all(), 0)}}
		bar.Few = bar.Sum() < fewest
		chart.Bars = append(chart.Bars, bar)
	}
	chart.Finding = fmt.Sprintf("By first layer: of %s shown, %s were answered.", console.Number(shownIn(arms)), console.Percent(decidedIn(arms), shownIn(arms)))
	return chart
}
