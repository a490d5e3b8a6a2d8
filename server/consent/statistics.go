package consent

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/server/canonical"
)

// An Outcome is how one decision counts in statistics.
type Outcome string

// The outcomes. The first three are choices; rates are shares of these alone.
const (
	CountAccepted     Outcome = "accepted"     // something was granted and nothing refused
	CountPartial      Outcome = "partial"      // some granted, some refused
	CountRefused      Outcome = "refused"      // nothing was granted
	CountAcknowledged Outcome = "acknowledged" // a notice was read where the law asks for no choice
	CountWithdrawn    Outcome = "withdrawn"
	CountSignal       Outcome = "signal" // GPC or DNT was applied; nobody touched anything
	CountShared       Outcome = "shared" // taken over from another domain, where it was counted
	CountTold         Outcome = "told"   // the note about a changed policy was read
	CountShown        Outcome = "shown"  // and that it was shown
)

// Outcomes are all outcomes, choices first.
func Outcomes() []Outcome {
	return []Outcome{CountAccepted, CountPartial, CountRefused, CountAcknowledged, CountWithdrawn, CountSignal, CountShared, CountTold, CountShown}
}

// Chosen reports whether somebody was asked and chose.
func (o Outcome) Chosen() bool {
	return o == CountAccepted || o == CountPartial || o == CountRefused
}

// A Dimension is what counts are told apart by: one property at a time. The
// combinations of properties are not counted, so a rare one leaves no trace
// here, and a counter says less than any record it was made from.
type Dimension string

// The dimensions, and what a count's Value is in each.
const (
	ByNothing  Dimension = ""         // ""
	ByRegion   Dimension = "region"   // as in Core: "DE", "US-CA", "-"
	ByLanguage Dimension = "language" // BCP 47
	ByLayer    Dimension = "layer"    // a Surface
	ByScript   Dimension = "script"   // digest of the script that asked; first decisions only
	ByAnswer   Dimension = "answer"   // digest of the script that asked; Outcome is then an Action, one of Answers; first decisions only
	ByCategory Dimension = "category" // key; Outcome is then a Choice, of decisions that are Chosen
	BySignal   Dimension = "signal"   // "gpc", "dnt": of decisions during which it was on
	ByEnd      Dimension = "end"      // ""; Day is then the one on which what was granted runs out
)

// A Count is how often something was decided on a day. It is a number: of whom
// it is made up, nobody can say. So it stays when records are erased.
type Count struct {
	Day       string // 2026-11-21, UTC: as Showing has it, and whatever time zone the site is moved to
	Dimension Dimension
	Value     string
	Outcome   string // an Outcome; in ByCategory a Choice, in ByAnswer an Action
	Times     int64
}

// A Summary is what counters and search take from a record. Those of equal records are
// equal.
type Summary struct {
	Day      string // received, UTC
	Outcome  Outcome
	First    bool   // it replaces none
	Answer   Action // what was done on a first layer, one of Answers; "" if something else was
	Region   string
	Language string
	Layer    Surface
	Script   canonical.Digest // of what asked; "" where that is not known
	GPC, DNT bool
	Choices  string // by category, sorted: "analytics=granted marketing=refused"
	End      string // UTC day on which what it grants runs out; "" if it grants nothing
}

// Summarise sums up a record. script is that of its experience, or "".
func Summarise(c Core, script canonical.Digest) Summary {
	s := Summary{
		Day: dayOf(c.ReceivedAt), Outcome: outcomeOf(c), First: c.Previous == "",
		Region: c.Region, Language: c.Language, Layer: c.Surface, Script: script,
		GPC: c.Signals.GPC || c.Signals.GPCHeader || c.Signals.OptOut, DNT: c.Signals.DNT, Choices: choicesText(c.Categories),
	}
	if s.Outcome.Chosen() && c.has(Granted) {
		s.End = dayOf(c.ValidUntil)
	}
	if slices.Contains(Answers(), c.Action) {
		s.Answer = c.Action
	}
	return s
}

// Answers are the actions that answer a first layer.
func Answers() []Action { return []Action{AcceptAll, RejectAll, Save, Acknowledge} }

func dayOf(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.DateOnly) }

func outcomeOf(c Core) Outcome {
	switch {
	case c.Action == Noticed:
		return CountShown
	case c.Surface == OnChange:
		return CountTold
	case c.Action == Share:
		return CountShared
	}
	switch c.State {
	case Given:
		return CountAccepted
	case Partial:
		return CountPartial
	case AllRefused:
		return CountRefused
	case Withdrawn:
		return CountWithdrawn
	case SignalApplied:
		return CountSignal
	}
	return CountAcknowledged
}

// Counts is what a record adds to the counters, each once.
func (s Summary) Counts() []Count {
	var all []Count
	add := func(by Dimension, value string) {
		all = append(all, Count{Day: s.Day, Dimension: by, Value: value, Outcome: string(s.Outcome), Times: 1})
	}
	add(ByNothing, "")
	add(ByRegion, s.Region)
	add(ByLanguage, s.Language)
	add(ByLayer, string(s.Layer))
	if s.First && s.Script != "" && (s.Outcome.Chosen() || s.Outcome == CountAcknowledged) {
		add(ByScript, string(s.Script))
	}
	if count, ok := s.AnswerCount(); ok {
		all = append(all, count)
	}
	if s.GPC {
		add(BySignal, "gpc")
	}
	if s.DNT {
		add(BySignal, "dnt")
	}
	if s.Outcome.Chosen() {
		for key, choice := range s.choices {
			all = append(all, Count{Day: s.Day, Dimension: ByCategory, Value: key, Outcome: string(choice), Times: 1})
		}
	}
	if s.End != "" {
		all = append(all, Count{Day: s.End, Dimension: ByEnd, Outcome: string(s.Outcome), Times: 1})
	}
	return all
}

// AnswerCount is what a record adds to ByAnswer, if it is an answer.
func (s Summary) AnswerCount() (Count, bool) {
	return Count{Day: s.Day, Dimension: ByAnswer, Value: string(s.Script), Outcome: string(s.Answer), Times: 1}, s.First && s.Script != "" && s.Answer != ""
}

// Granted are the categories that were granted, sorted.
func (s Summary) Granted() (granted []string) {
	for key, choice := range s.choices {
		if choice == Granted {
			granted = append(granted, key)
		}
	}
	return granted
}

// choicesText is how a Summary has choices: it can be compared, and equal ones are
// counted at once.
func choicesText(choices map[string]Choice) string {
	var b strings.Builder
	b.Grow(24 * len(choices))
	for i, key := range sortedKeys(choices) {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(key)
		b.WriteByte('=')
		b.WriteString(string(choices[key]))
	}
	return b.String()
}

// choices goes through them, by category.
func (s Summary) choices(yield func(category string, choice Choice) bool) {
	for text := range strings.FieldsSeq(s.Choices) {
		if category, choice, _ := strings.Cut(text, "="); !yield(category, Choice(choice)) {
			return
		}
	}
}

// A StatisticsStore keeps counters. AppendRecords adds to them, in the same
// transaction as the record, so that they are right at any moment.
type StatisticsStore interface {
	// Statistics sums a site's counts of one dimension up over the days [from, to],
	// by Value and Outcome; Day is "".
	Statistics(ctx context.Context, site string, by Dimension, from, to string) ([]Count, error)
	// DailyStatistics are the counts of one dimension by day, oldest first.
	DailyStatistics(ctx context.Context, site string, by Dimension, from, to string) ([]Count, error)
	// Uncounted is how many positions of the log are still to be counted, of how
	// many there were when counting began: 0 of any number once it is done.
	Uncounted(ctx context.Context) (left, of int64, err error)
}

// A Search says which records are wanted. Zero members leave it open.
type Search struct {
	Site     string
	From, To int64     // received in [From, To), Unix milliseconds; To 0 is no end
	Outcomes []Outcome // any of these
	Region   string
	Category string // with Choice: only records in which that was chosen about it
	Choice   Choice // Granted, or Refused: anything but granted
	Before   Place  // continue behind that record; the zero Place begins with the newest
	Limit    int
}

// A Place is where a record stands in the order of search: newest first, and of
// one millisecond by position in the log.
type Place struct{ ReceivedAt, Index int64 }

// A SearchStore finds records.
type SearchStore interface {
	// SearchRecords answers in the order of Place, at most Limit. The cost grows
	// with Limit, not with how many records there are or match.
	SearchRecords(ctx context.Context, s Search) ([]*Entry, error)
	// RegionsOf are the regions that a site has records of, sorted.
	RegionsOf(ctx context.Context, site string) ([]string, error)
}
