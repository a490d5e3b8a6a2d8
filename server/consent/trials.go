package consent

import (
	"context"
	"time"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/notice"
)

// An Answered is how visitors answered one first layer: of the notice as it is
// (Trial ""), or of a trial. Shares of answers are shares of Decided.
type Answered struct {
	Trial        string            `json:"trial"`
	Percent      int               `json:"percent"` // of visitors who are to see it
	Surface      notice.Surface    `json:"surface"`
	Shown        int64             `json:"shown"`   // answers of the server, not visitors
	Decided      notice.Proportion `json:"decided"` // of Shown
	Accepted     notice.Proportion `json:"accepted"`
	Rejected     notice.Proportion `json:"rejected"`
	Saved        notice.Proportion `json:"saved"`
	Acknowledged notice.Proportion `json:"acknowledged"`
}

// TrialStore is where a comparison reads: counters, whatever is kept beside them.
type TrialStore interface {
	notice.ShowingStore
	// Statistics as in StatisticsStore.
	Statistics(ctx context.Context, site string, by Dimension, from, to string) ([]Count, error)
}

// CompareTrials says how the first layers of a publication were answered until
// now, surface by surface, the notice as it is before its trials. What was shown
// is counted by script and what was decided names its script, so nobody has to
// be followed from one to the other. Only first decisions count: whoever changes
// one later has seen more than a first layer. It reads no record: what it costs grows
// with days and scripts, not with what is kept.
func CompareTrials(ctx context.Context, store TrialStore, p *notice.Publication, now time.Time) ([]Answered, error) {
	n, err := notice.Decode(p.NoticeBytes)
	if err != nil {
		return nil, err
	}
	arms := map[canonical.Digest]arm{}
	for _, s := range p.Scripts {
		// Where a trial says nothing else, its script is the notice's own, which
		// stands before it.
		if _, known := arms[s.Digest]; s.Kind == notice.KindAsk && (!known || s.Trial == "") {
			arms[s.Digest] = arm{s.Surface, s.Trial}
		}
	}
	shown, since, err := shownBy(ctx, store, p.Site, arms)
	if err != nil {
		return nil, err
	}
	answers := map[arm]map[Action]int64{}
	if today := dayOf(now.UnixMilli()); since <= today {
		if answers, err = answersTo(ctx, store, p.Site, arms, since, today); err != nil {
			return nil, err
		}
	}
	rest := 100
	percent := map[string]int{}
	keys := []string{""}
	for _, t := range n.Trials {
		percent[t.Key] = t.Percent
		rest -= t.Percent
		keys = append(keys, t.Key)
	}
	percent[""] = rest
	var all []Answered
	for _, surface := range []notice.Surface{notice.AskOptIn, notice.AskOptOut, notice.AskNotice} {
		for _, key := range keys {
			a := arm{surface, key}
			all = append(all, answered(a, percent[key], shown[a], answers[a]))
		}
	}
	return all, nil
}

type arm struct {
	surface notice.Surface
	trial   string
}

func answered(a arm, percent int, shown int64, answers map[Action]int64) Answered {
	var decided int64
	for _, times := range answers {
		decided += times
	}
	return Answered{
		Trial: a.trial, Percent: percent, Surface: a.surface, Shown: shown,
		Decided:      notice.ProportionOf(decided, shown),
		Accepted:     notice.ProportionOf(answers[AcceptAll], decided),
		Rejected:     notice.ProportionOf(answers[RejectAll], decided),
		Saved:        notice.ProportionOf(answers[Save], decided),
		Acknowledged: notice.ProportionOf(answers[Acknowledge], decided),
	}
}

// never is later than any day.
const never = "9999-99-99"

// shownBy sums up what was shown, and says since which day.
func shownBy(ctx context.Context, store notice.ShowingStore, site string, arms map[canonical.Digest]arm) (shown map[arm]int64, since string, err error) {
	showings, err := store.Showings(ctx, site)
	if err != nil {
		return nil, "", err
	}
	shown, since = map[arm]int64{}, never
	for _, s := range showings {
		if a, ok := arms[s.Script]; ok {
			shown[a] += s.Times
			since = min(since, s.Day)
		}
	}
	return shown, since, nil
}

// answersTo counts first decisions by what was shown and what was done.
func answersTo(ctx context.Context, store TrialStore, site string, arms map[canonical.Digest]arm, from, to string) (map[arm]map[Action]int64, error) {
	counts, err := store.Statistics(ctx, site, ByAnswer, from, to)
	if err != nil {
		return nil, err
	}
	answers := map[arm]map[Action]int64{}
	for _, c := range counts {
		a, ok := arms[canonical.Digest(c.Value)]
		if !ok {
			continue
		}
		if answers[a] == nil {
			answers[a] = map[Action]int64{}
		}
		answers[a][Action(c.Outcome)] += c.Times
	}
	return answers, nil
}
