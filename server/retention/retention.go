// Package retention knows how long a site keeps what it keeps, and removes what is
// over (GDPR Art. 5(1)(e)): a day's work, done once a day, with a list of what went,
// when and why.
package retention

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
)

// A Kind is one kind of thing that is kept.
type Kind string

// The kinds. Requests of visitors are forgotten by their own settings (package
// request). What is not here has no end: published texts, notices and the log are what
// receipts refer to, and the console's acts say who did what (GDPR Art. 5(2)).
const (
	Records    Kind = "records"
	Statistics Kind = "statistics" // counters
	Sessions   Kind = "sessions"   // of operators; of the server, not of a site
)

// A Policy is how a visitor's request for erasure is answered.
type Policy string

// The policies.
const (
	// ByNeed minimises what still proves that something was consented to, and shreds
	// all else: what was refused, withdrawn or only shown needs no proof (GDPR Art.
	// 17(3)(e) beside Art. 7(1)).
	ByNeed Policy = "by-need"
	// ShredAll shreds everything: the site gives its proof up.
	ShredAll Policy = "shred"
	// MinimiseAll keeps every core until its time is over.
	MinimiseAll Policy = "minimise"
)

// Settings are a site's. Months are counted from the day on which a thing came to its
// end, as calendar months.
type Settings struct {
	Records    int            // after a record ceased to count
	Laws       map[string]int // in its place, for records made under that row of the law table
	Statistics int            // of counters; 0: they name nobody, and stay
	Erasure    Policy
}

// MostMonths is the longest that can be set: thirty years, as the longest limitation
// periods there are.
const MostMonths = 360

// Defaults are the settings of a site that has said nothing: three years, the ordinary
// limitation period of much of the EU, after the last day on which a record could have
// been relied on.
func Defaults() Settings {
	return Settings{Records: 36, Laws: map[string]int{}, Erasure: ByNeed}
}

// Validate says what can't be, all at once. known says whether the law table has a row.
func (s Settings) Validate(known func(law string) bool) error {
	var wrong []error
	months := func(what string, n int) {
		if n < 0 || n > MostMonths {
			wrong = append(wrong, fmt.Errorf("%s: %d is not a number of months from 0 to %d", what, n, MostMonths))
		}
	}
	months("records", s.Records)
	months("statistics", s.Statistics)
	for _, law := range sortedKeys(s.Laws) {
		months("records under "+law, s.Laws[law])
		if !known(law) {
			wrong = append(wrong, fmt.Errorf("%q is no row of the law table, such as eu-gdpr-eprivacy", law))
		}
	}
	if s.Erasure != ByNeed && s.Erasure != ShredAll && s.Erasure != MinimiseAll {
		wrong = append(wrong, fmt.Errorf("a request for erasure is answered %s, %s or %s, not %q", ByNeed, ShredAll, MinimiseAll, s.Erasure))
	}
	return errors.Join(wrong...)
}

// Summary is the settings in one line, for the audit log.
func (s Settings) Summary() string {
	text := fmt.Sprintf("records %d months, statistics %d, erasure %s", s.Records, s.Statistics, s.Erasure)
	for _, law := range sortedKeys(s.Laws) {
		text += fmt.Sprintf(", %s %d", law, s.Laws[law])
	}
	return text
}

// MonthsOf is how many months a record made under a law is kept after it ceased to
// count.
func (s Settings) MonthsOf(law string) int {
	if n, ok := s.Laws[law]; ok {
		return n
	}
	return s.Records
}

func (s Settings) fewest() int {
	n := s.Records
	for _, months := range s.Laws {
		n = min(n, months)
	}
	return n
}

// Ends is the moment from which a record is not kept any more.
func (s Settings) Ends(c consent.Candidate) time.Time {
	return addMonths(time.UnixMilli(c.Until), s.MonthsOf(c.Law))
}

// Way is how a record goes when its visitor asks for erasure at a moment.
func (s Settings) Way(c consent.Candidate, at time.Time) consent.Erasure {
	switch {
	case s.Erasure == ShredAll, !s.Ends(c).After(at):
		return consent.Shredded
	case s.Erasure == MinimiseAll, c.Grants:
		return consent.Minimised
	}
	return consent.Shredded
}

// addMonths adds calendar months in UTC; where the month has no such day it is the
// month's last one (Regulation (EEC, Euratom) 1182/71 Art. 3(2)(c)).
func addMonths(t time.Time, months int) time.Time {
	t = t.UTC()
	first := time.Date(t.Year(), t.Month()+time.Month(months), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1)
}

func sortedKeys(m map[string]int) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
