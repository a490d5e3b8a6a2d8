package policyversions

import "time"

// A State is where a version stands at one moment.
type State string

// The states of a version.
const (
	Scheduled  State = "scheduled"  // published, not in force yet
	InForce    State = "in_force"   // binds
	Superseded State = "superseded" // was in force, until another version was
	Replaced   State = "replaced"   // another version took its place before it was ever in force
)

// A Standing is a version's state and what follows it.
type Standing struct {
	State State
	From  time.Time // in force from here on; zero where Replaced
	Until time.Time // in force until here; zero while no later version is published
	By    int       // number of the version that follows, or 0
}

// StandingOf says where the version of that number stands at a moment. versions
// are all of its policy, newest first, as Store.Versions lists them: neither
// numbers nor days in force go backwards in it, which AddVersion sees to. It is
// false where the number is not among them.
func StandingOf(versions []Version, number int, at time.Time) (Standing, bool) {
	var next Version // the one after v, or none
	for _, v := range versions {
		if v.Number != number {
			next = v
			continue
		}
		s := Standing{State: InForce, From: v.Effective, Until: next.Effective, By: next.Number}
		switch {
		case s.By != 0 && !s.Until.After(s.From):
			s.State, s.From = Replaced, time.Time{}
		case v.Effective.After(at):
			s.State = Scheduled
		case s.By != 0 && !s.Until.After(at):
			s.State = Superseded
		}
		return s, true
	}
	return Standing{}, false
}
