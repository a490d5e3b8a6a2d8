package policyversions

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrBeforeReceipt is returned for a time at which the visitor had not decided yet.
var ErrBeforeReceipt = errors.New("at that time this receipt had not been given: ask for a time from then on")

// A How is the way in which a visitor met a version of a policy.
type How string

// The ways.
const (
	Decided  How = "decided"   // made a choice, asked under that version
	Shown    How = "shown"     // the note about the change was put before him
	Withdrew How = "withdrawn" // took back what he had allowed
)

// An Encounter is one moment at which a visitor met a policy, as a record proves it.
type Encounter struct {
	At      time.Time
	How     How
	Number  int    // of the version that was in force on the page
	Receipt string // id of the record
}

// A Reason says by which rule a version governs.
type Reason string

// The reasons, and the instants of Governed that each rests on.
const (
	NewVisitor         Reason = "new_visitor"         // he decided under it, and no later one is in force: Given
	KnownVisitorGrace  Reason = "known_visitor_grace" // a later one is in force, and does not bind him yet: Given, Next, NextBinds
	Posted             Reason = "posted"              // it came into force without a grace: From
	GraceOver          Reason = "grace_over"          // it came into force, and its grace has passed: From, Binds
	ConstructiveNotice Reason = "constructive_notice" // it binds him, and he was shown that it would: From, Binds, Shown
	ConsentRenewed     Reason = "consent_renewed"     // he decided again, under it: Renewed
	Withdrawal         Reason = "withdrawn"           // he withdrew: what governed then does so for good: Withdrawn
)

// A Governed is the version that governs data of a visitor, and why. Instants that
// the reason does not rest on are zero.
type Governed struct {
	Version   Version
	Reason    Reason
	Receipt   string    // id of the record that the reason rests on
	Given     time.Time // the receipt's decision
	From      time.Time // the version came into force
	Binds     time.Time // it binds visitors who knew an earlier one
	Shown     time.Time // the first note that told this visitor of it
	Renewed   time.Time // the later decision
	Withdrawn time.Time // the withdrawal
	Next      int       // number of the version that is in force and does not bind him yet
	NextBinds time.Time // when that one will
}

// Governing is the version of one policy that governs what is collected from a
// visitor at a time, and is used at a time that is not earlier.
//
// versions are all of the policy, newest first. met is what records prove of the
// visitor, oldest first, from the decision that the receipt proves on. It fails with
// ErrBeforeReceipt, and with ErrUnknownVersion where met names a version there is not.
//
// A version binds whoever decides under it at once, and whoever knew an earlier one
// from Binds on. To be told of it before does not make that earlier: the note names
// the day. What was collected is used by the rules of that time, or by a later
// version that binds the visitor by the time of use, if it can be proved that he was
// told of it. After a withdrawal nothing new binds anybody.
//
// It says which text binds and nothing of what may be done: that is in the record, and
// no version adds to it.
func Governing(versions []Version, met []Encounter, collected, used time.Time) (Governed, error) {
	if len(met) == 0 || collected.Before(met[0].At) {
		return Governed{}, ErrBeforeReceipt
	}
	for _, e := range met {
		if !slices.ContainsFunc(versions, func(v Version) bool { return v.Number == e.Number }) {
			return Governed{}, fmt.Errorf("version %d: %w", e.Number, ErrUnknownVersion)
		}
	}
	g := bindingAt(versions, met, collected)
	if g.Reason == Withdrawal || !used.After(collected) {
		return g, nil
	}
	until := used
	if w := withdrawal(met, used); w >= 0 {
		until = met[w].At
	}
	for _, v := range versions { // the newest that binds him by then, and that he is known to have met
		if v.Number <= g.Version.Number {
			break
		}
		if e, ok := first(met, Decided, v.Number, until); ok {
			return Governed{Version: v, Reason: ConsentRenewed, Receipt: e.Receipt, Given: met[0].At, Renewed: e.At}, nil
		}
		if e, ok := first(met, Shown, v.Number, until); ok && came(versions, v, until) && !v.Binds().After(until) {
			return Governed{Version: v, Reason: ConstructiveNotice, Receipt: e.Receipt, Given: met[0].At, From: v.From(), Binds: v.Binds(), Shown: e.At}, nil
		}
	}
	return g, nil
}

// bindingAt is the version that binds the visitor at a time.
func bindingAt(versions []Version, met []Encounter, at time.Time) Governed {
	w := withdrawal(met, at)
	if w < 0 {
		return boundAt(versions, met, at)
	}
	g := boundAt(versions, met[:max(1, w)], met[w].At)
	return Governed{Version: g.Version, Reason: Withdrawal, Receipt: met[w].Receipt, Given: met[0].At, Withdrawn: met[w].At}
}

// withdrawal is the index of the withdrawal that stands at a time, or -1: the first
// since the visitor decided last.
func withdrawal(met []Encounter, at time.Time) int {
	stands := -1
	for i, e := range met {
		switch {
		case e.At.After(at):
			return stands
		case e.How == Decided:
			stands = -1
		case e.How == Withdrew && stands < 0:
			stands = i
		}
	}
	return stands
}

// boundAt is bindingAt for somebody who has not withdrawn.
func boundAt(versions []Version, met []Encounter, at time.Time) Governed {
	g := Governed{Reason: NewVisitor, Receipt: met[0].Receipt, Given: met[0].At}
	number := met[0].Number
	for _, e := range met[1:] {
		if e.How == Decided && e.Number > number && !e.At.After(at) {
			number = e.Number
			g = Governed{Reason: ConsentRenewed, Receipt: e.Receipt, Given: met[0].At, Renewed: e.At}
		}
	}
	for _, v := range versions { // newest first
		if v.Number == number {
			g.Version = v
			break
		}
		if !came(versions, v, at) {
			continue
		}
		if binds := v.Binds(); binds.After(at) {
			if g.Next == 0 || binds.Before(g.NextBinds) {
				g.Next, g.NextBinds = v.Number, binds
			}
			continue
		}
		return passed(v, met, at, g)
	}
	if g.Next != 0 {
		g.Reason = KnownVisitorGrace
	}
	return g
}

// passed is what governs a visitor whom v binds without his having decided under it.
// next says what is in force and does not bind him yet.
func passed(v Version, met []Encounter, at time.Time, next Governed) Governed {
	g := Governed{Version: v, Reason: Posted, Receipt: met[0].Receipt, Given: met[0].At, From: v.From(), Next: next.Next, NextBinds: next.NextBinds}
	if v.Grace > 0 {
		g.Reason, g.Binds = GraceOver, v.Binds()
	}
	if e, ok := first(met, Shown, v.Number, at); ok {
		g.Reason, g.Binds, g.Receipt, g.Shown = ConstructiveNotice, v.Binds(), e.Receipt, e.At
	}
	if g.Next != 0 {
		g.Reason = KnownVisitorGrace
	}
	return g
}

// first is the first encounter of a kind, after the receipt's own, with that version or a later one.
func first(met []Encounter, how How, number int, until time.Time) (Encounter, bool) {
	for _, e := range met[1:] {
		if e.How == how && e.Number >= number && !e.At.After(until) {
			return e, true
		}
	}
	return Encounter{}, false
}

// came reports whether v has come into force by a time, here and not only on paper.
func came(versions []Version, v Version, at time.Time) bool {
	s, _ := StandingOf(versions, v.Number, at)
	return (s.State == InForce || s.State == Superseded) && !v.From().After(at)
}
