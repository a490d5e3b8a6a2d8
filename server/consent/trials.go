package consent

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
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

// TrialStore is where a comparison reads.
type TrialStore interface {
	notice.ShowingStore
	// EntriesBetween is what a site received in [from, to), Unix milliseconds, in
	// that order; after continues behind an entry of an earlier call, nil begins.
	EntriesBetween(ctx context.Context, site string, from, to int64, after *Entry, limit int) ([]*Entry, error)
	// Artifact as in Store.
	Artifact(ctx context.Context, d canonical.Digest) (Artifact, error)
}

// CompareTrials says how the first layers of a publication were answered until
// now, surface by surface, the notice as it is before its trials. What was shown
// is counted by script and what was decided names its script, so nobody has to
// be followed from one to the other. Only first decisions count: whoever changes
// one later has seen more than a first layer.
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
	if since <= now.UnixMilli() {
		if answers, err = answersTo(ctx, store, p.Site, arms, since, now.UnixMilli()+1); err != nil {
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

// shownBy sums up what was shown, and says since when, in Unix milliseconds.
func shownBy(ctx context.Context, store notice.ShowingStore, site string, arms map[canonical.Digest]arm) (map[arm]int64, int64, error) {
	showings, err := store.Showings(ctx, site)
	if err != nil {
		return nil, 0, err
	}
	shown, since := map[arm]int64{}, int64(math.MaxInt64)
	for _, s := range showings {
		a, ok := arms[s.Script]
		if !ok {
			continue
		}
		shown[a] += s.Times
		day, err := time.Parse(time.DateOnly, s.Day)
		if err != nil {
			return nil, 0, fmt.Errorf("day of a showing: %w", err)
		}
		since = min(since, day.UnixMilli())
	}
	return shown, since, nil
}

// answersTo counts first decisions by what was shown and what was done.
func answersTo(ctx context.Context, store TrialStore, site string, arms map[canonical.Digest]arm, from, to int64) (map[arm]map[Action]int64, error) {
	const page = 1000
	counted := []Action{AcceptAll, RejectAll, Save, Acknowledge}
	answers, scripts := map[arm]map[Action]int64{}, map[canonical.Digest]canonical.Digest{}
	for after := (*Entry)(nil); ; {
		entries, err := store.EntriesBetween(ctx, site, from, to, after, page)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.Previous != "" {
				continue
			}
			core, err := ParseCore(e.Core)
			if err != nil {
				return nil, err
			}
			if !slices.Contains(counted, core.Action) {
				continue
			}
			script, known := scripts[core.Experience]
			if !known {
				if script, err = scriptOf(ctx, store, core.Experience); err != nil {
					return nil, err
				}
				scripts[core.Experience] = script
			}
			if a, ok := arms[script]; ok {
				if answers[a] == nil {
					answers[a] = map[Action]int64{}
				}
				answers[a][core.Action]++
			}
		}
		if len(entries) < page {
			return answers, nil
		}
		after = entries[len(entries)-1]
	}
}

func scriptOf(ctx context.Context, store TrialStore, experience canonical.Digest) (canonical.Digest, error) {
	kept, err := store.Artifact(ctx, experience)
	if err != nil {
		return "", fmt.Errorf("experience %s: %w", experience, err)
	}
	var x notice.Experience
	if err := json.Unmarshal(kept.Bytes, &x); err != nil {
		return "", fmt.Errorf("experience %s: %w", experience, err)
	}
	return x.Script, nil
}
