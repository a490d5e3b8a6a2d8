package policyversions

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// posted is a version that came into force on a day of March 2026, and its grace.
func posted(number, onDay, graceDays int, material bool) Version {
	at := time.Date(2026, 3, onDay, 9, 0, 0, 0, time.UTC)
	return Version{Number: number, PublishedAt: at, Effective: at, Announcement: Announcement{Material: material, Grace: time.Duration(graceDays) * 24 * time.Hour}}
}

// on is a moment of a day of March 2026; 32 is the first of April.
func on(days float64) time.Time {
	return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration((days - 1) * 24 * float64(time.Hour)))
}

func met(at float64, how How, number int) Encounter {
	return Encounter{At: on(at), How: how, Number: number, Receipt: fmt.Sprintf("%s-%v", how, at)}
}

// The rules are those of five published policies. Each row names the words it
// stands for.
func TestGoverning(t *testing.T) {
	// "For new users, the change or update will become effective upon posting. For
	// existing users, the change or update will become effective 14 days after posting."
	fortnight := []Version{posted(2, 10, 14, true), posted(1, 1, 0, false)}
	// "any changes will become effective upon posting", with a notice where they are material.
	atOnce := []Version{posted(2, 10, 0, true), posted(1, 1, 0, false)}
	quiet := []Version{posted(2, 10, 0, false), posted(1, 1, 0, false)}
	// Three versions: the second still in its grace when the third is posted.
	crossed := []Version{posted(3, 15, 2, true), posted(2, 10, 14, true), posted(1, 1, 0, false)}
	ahead := posted(2, 10, 0, false)
	ahead.PublishedAt = on(2)
	scheduled := []Version{ahead, posted(1, 1, 0, false)}
	late := posted(2, 10, 14, true) // a text of the tenth, imported on the twentieth
	late.PublishedAt = on(20)
	imported := []Version{late, posted(1, 1, 0, false)}
	// Version 2 was taken back before its day.
	replaced := []Version{posted(3, 10, 0, false), posted(2, 10, 0, true), posted(1, 1, 0, false)}

	known, fresh := met(5, Decided, 1), met(12, Decided, 2)
	tests := []struct {
		name      string
		versions  []Version
		met       []Encounter
		collected float64
		used      float64 // 0: when it was collected
		number    int
		reason    Reason
	}{
		// M1: new users at posting, existing users 14 days later.
		{"a new visitor is governed at once", fortnight, []Encounter{fresh}, 12, 0, 2, NewVisitor},
		{"and stays so", fortnight, []Encounter{fresh}, 40, 0, 2, NewVisitor},
		{"a known one, before the change", fortnight, []Encounter{known}, 7, 0, 1, NewVisitor},
		{"a known one, the moment before it is posted", fortnight, []Encounter{known}, 10.375 - 1e-6, 0, 1, NewVisitor},
		{"a known one, when it is posted", fortnight, []Encounter{known}, 10.375, 0, 1, KnownVisitorGrace},
		{"a known one, on the thirteenth day", fortnight, []Encounter{known}, 23, 0, 1, KnownVisitorGrace},
		{"a known one, the moment before 14 days are over", fortnight, []Encounter{known}, 24.375 - 1e-6, 0, 1, KnownVisitorGrace},
		{"a known one, 14 days later", fortnight, []Encounter{known}, 24.375, 0, 2, GraceOver},
		// Kaspr, P3; Kartra, K2; 3dcart; CiviSMTP: upon posting.
		{"without a grace, upon posting", atOnce, []Encounter{known}, 10.375, 0, 2, Posted},
		{"not before", atOnce, []Encounter{known}, 10, 0, 1, NewVisitor},
		{"nor where nobody is told", quiet, []Encounter{known}, 11, 0, 2, Posted},
		{"a day that was announced ahead", scheduled, []Encounter{known}, 10, 0, 1, NewVisitor},
		{"and came", scheduled, []Encounter{known}, 10.375, 0, 2, Posted},
		{"a text that was not shown here on its day", imported, []Encounter{known}, 15, 0, 1, NewVisitor},
		{"counts from when it was", imported, []Encounter{known}, 21, 0, 1, KnownVisitorGrace},
		{"and so does its grace", imported, []Encounter{known}, 34, 0, 2, GraceOver},
		{"what never came into force governs nobody", replaced, []Encounter{known}, 12, 0, 3, Posted},
		// M2: constructive notice. It proves; it does not shorten what the note itself names.
		{"a note in the grace does not end it", fortnight, []Encounter{known, met(12, Shown, 2)}, 20, 0, 1, KnownVisitorGrace},
		{"a note proves afterwards that he was told", fortnight, []Encounter{known, met(12, Shown, 2)}, 25, 0, 2, ConstructiveNotice},
		{"a note without a grace", atOnce, []Encounter{known, met(12, Shown, 2)}, 13, 0, 2, ConstructiveNotice},
		{"a note that came later", atOnce, []Encounter{known, met(12, Shown, 2)}, 11, 0, 2, Posted},
		{"a note of the version before", crossed, []Encounter{known, met(12, Shown, 2)}, 18, 0, 3, GraceOver},
		// M2: "the later of the Privacy Policy in effect at the time such information is
		// collected or any subsequent Privacy Policy of which you have constructive notice".
		{"used later, with notice", fortnight, []Encounter{known, met(12, Shown, 2)}, 6, 30, 2, ConstructiveNotice},
		{"used later, with notice, in the grace", fortnight, []Encounter{known, met(12, Shown, 2)}, 6, 20, 1, NewVisitor},
		{"used later, told after the use", fortnight, []Encounter{known, met(35, Shown, 2)}, 6, 30, 1, NewVisitor},
		// K3: "Information collected prior to the time any change is posted will be used
		// according to the rules … that applied at the time the information was collected."
		{"used later, without notice", atOnce, []Encounter{known}, 6, 30, 1, NewVisitor},
		{"used later, without notice, collected in the grace", fortnight, []Encounter{known}, 20, 30, 1, KnownVisitorGrace},
		{"used later, decided again since", atOnce, []Encounter{known, fresh}, 6, 30, 2, ConsentRenewed},
		{"collected under the later one, whenever it is used", fortnight, []Encounter{known}, 25, 30, 2, GraceOver},
		// Decisions.
		{"decided again, in the grace", fortnight, []Encounter{known, fresh}, 13, 0, 2, ConsentRenewed},
		{"the day before that", fortnight, []Encounter{known, fresh}, 11, 0, 1, KnownVisitorGrace},
		{"decided again, under the same", fortnight, []Encounter{known, met(6, Decided, 1)}, 7, 0, 1, NewVisitor},
		{"decided in a page that was open since before", fortnight, []Encounter{met(11, Decided, 1)}, 12, 0, 1, KnownVisitorGrace},
		{"asked again in such a page", fortnight, []Encounter{fresh, met(13, Decided, 1)}, 14, 0, 2, NewVisitor},
		// A grace that ends after the next one's.
		{"two graces", crossed, []Encounter{known}, 16, 0, 1, KnownVisitorGrace},
		{"the later one ends first", crossed, []Encounter{known}, 17.375, 0, 3, GraceOver},
		{"and the earlier one does not come back", crossed, []Encounter{known}, 24.375, 0, 3, GraceOver},
		// Withdrawal: nothing new binds him.
		{"withdrawn", fortnight, []Encounter{known, met(7, Withdrew, 1)}, 8, 0, 1, Withdrawal},
		{"withdrawn before the change", fortnight, []Encounter{known, met(7, Withdrew, 1)}, 40, 0, 1, Withdrawal},
		{"withdrawn in the grace", fortnight, []Encounter{known, met(12, Withdrew, 2)}, 40, 0, 1, Withdrawal},
		{"withdrawn after it", fortnight, []Encounter{known, met(26, Withdrew, 2)}, 40, 0, 2, Withdrawal},
		{"before he withdrew", fortnight, []Encounter{known, met(26, Withdrew, 2)}, 25, 0, 2, GraceOver},
		{"collected before, used after he withdrew", fortnight, []Encounter{known, met(12, Shown, 2), met(13, Withdrew, 2)}, 6, 40, 1, NewVisitor},
		{"withdrawn twice", fortnight, []Encounter{known, met(7, Withdrew, 1), met(26, Withdrew, 2)}, 40, 0, 1, Withdrawal},
		{"withdrawn and decided anew", fortnight, []Encounter{known, met(7, Withdrew, 1), fresh}, 13, 0, 2, ConsentRenewed},
		{"the receipt of a withdrawal", fortnight, []Encounter{met(7, Withdrew, 1)}, 40, 0, 1, Withdrawal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			used := on(tt.used)
			if tt.used == 0 {
				used = on(tt.collected)
			}
			g, err := Governing(tt.versions, tt.met, on(tt.collected), used)
			if err != nil || g.Version.Number != tt.number || g.Reason != tt.reason {
				t.Fatalf("version %d, %s, %v; want %d, %s", g.Version.Number, g.Reason, err, tt.number, tt.reason)
			}
			restsOn(t, g, tt.met)
		})
	}
	if _, err := Governing(fortnight, []Encounter{known}, on(5).Add(-time.Millisecond), on(9)); !errors.Is(err, ErrBeforeReceipt) {
		t.Errorf("before the receipt: %v", err)
	}
	if _, err := Governing(fortnight, nil, on(5), on(5)); !errors.Is(err, ErrBeforeReceipt) {
		t.Errorf("nobody: %v", err)
	}
	if _, err := Governing(fortnight, []Encounter{met(5, Decided, 7)}, on(6), on(6)); !errors.Is(err, ErrUnknownVersion) {
		t.Errorf("a version there is not: %v", err)
	}
}

// restsOn: the instants that a reason rests on are there.
func restsOn(t *testing.T, g Governed, met []Encounter) {
	t.Helper()
	need := map[string]time.Time{"given": g.Given}
	switch g.Reason {
	case KnownVisitorGrace:
		need["next_binds"] = g.NextBinds
		if g.Next <= g.Version.Number {
			t.Errorf("the version to come is %d", g.Next)
		}
	case Posted:
		need["from"] = g.From
	case GraceOver:
		need["from"], need["binds"] = g.From, g.Binds
	case ConstructiveNotice:
		need["from"], need["binds"], need["shown"] = g.From, g.Binds, g.Shown
	case ConsentRenewed:
		need["renewed"] = g.Renewed
	case Withdrawal:
		need["withdrawn"] = g.Withdrawn
	}
	for name, at := range need {
		if at.IsZero() {
			t.Errorf("%s rests on no %s: %+v", g.Reason, name, g)
		}
	}
	for _, e := range met {
		if e.Receipt == g.Receipt {
			return
		}
	}
	t.Errorf("%s rests on the record %q", g.Reason, g.Receipt)
}

// Whatever happens: what governs came into force before, never goes back while
// nobody withdraws, and a grace never lets a text bind before its day.
func TestGoverningGoesForward(t *testing.T) {
	random := rand.New(rand.NewPCG(31, 4))
	for range 3000 {
		var versions []Version
		last := 1
		for n := range 1 + random.IntN(5) {
			versions = append([]Version{posted(n+1, last, random.IntN(20), n > 0)}, versions...)
			last += random.IntN(9)
		}
		inForce := func(day float64) int {
			for _, v := range versions {
				if !v.From().After(on(day)) {
					return v.Number
				}
			}
			return 0
		}
		day := 2 + 10*random.Float64()
		all := []Encounter{met(day, Decided, inForce(day))}
		for range random.IntN(4) {
			day += 8 * random.Float64()
			all = append(all, met(day, []How{Decided, Shown}[random.IntN(2)], inForce(day)))
		}
		before := 0
		for day := all[0].At; day.Before(on(70)); day = day.Add(7 * time.Hour) {
			g, err := Governing(versions, all, day, day)
			if err != nil {
				t.Fatalf("%v\n%v %v", err, versions, all)
			}
			if g.Version.Number < before || g.Version.From().After(day) {
				t.Fatalf("at %s version %d after %d\n%v\n%v", day, g.Version.Number, before, versions, all)
			}
			before = g.Version.Number
			decided := false
			for _, e := range all {
				decided = decided || e.How == Decided && !e.At.After(day) && e.Number >= g.Version.Number
			}
			if !decided && g.Version.Binds().After(day) {
				t.Fatalf("at %s version %d binds before %s", day, g.Version.Number, g.Version.Binds())
			}
		}
	}
}
