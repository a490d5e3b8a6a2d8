// Package request is what visitors ask for about their data, and what becomes of it:
// kinds, by which law each is offered, deadlines, states, what was handed over, and
// who is told. It holds nothing about a person but what a request needs, sealed.
package request

import (
	"errors"
	"slices"
)

// A Kind is what is asked for.
type Kind string

// The kinds.
const (
	Access        Kind = "access"        // what is held, and why (GDPR Art. 15(1))
	Copy          Kind = "copy"          // of it, machine-readable (Art. 15(3))
	Portability   Kind = "portability"   // of it, to take it elsewhere (Art. 20)
	Rectification Kind = "rectification" // Art. 16
	Erasure       Kind = "erasure"       // Art. 17
	Restriction   Kind = "restriction"   // kept, used by nobody (Art. 18)
	Objection     Kind = "objection"     // Art. 21
	DoNotSell     Kind = "do-not-sell"   // or share (Cal. Civ. Code 1798.120)
	Limit         Kind = "limit"         // the use of sensitive data (1798.121)
	Disclosure    Kind = "sb-27"         // to whom data went for their marketing, once a year (1798.83)
)

// Kinds are all kinds, in the order in which pages offer them.
func Kinds() []Kind {
	return []Kind{Access, Copy, Portability, Rectification, Erasure, Restriction, Objection, DoNotSell, Limit, Disclosure}
}

// ErrKind is returned for a word that is no kind.
var ErrKind = errors.New("no such kind of request")

// ParseKind reads the name of a kind.
func ParseKind(name string) (Kind, error) {
	if k := Kind(name); slices.Contains(Kinds(), k) {
		return k, nil
	}
	return "", ErrKind
}

// Copies reports whether a request is answered with a copy of what is held.
func (k Kind) Copies() bool { return k == Access || k == Copy || k == Portability }

// SwitchesOff reports whether a request is answered by switching marketing off.
func (k Kind) SwitchesOff() bool { return k == Objection || k == DoNotSell || k == Limit }

// A State is how far a request has come.
type State string

// The states. A request is received as Pending or Open; the last four are for good.
const (
	Pending   State = "pending"   // whoever asked has still to open the link in his mailbox
	Open      State = "open"      // identity is settled
	Extended  State = "extended"  // open, with more time, once, told with the reason
	Fulfilled State = "fulfilled" //
	Refused   State = "refused"   // with one of Grounds
	Withdrawn State = "withdrawn" // by whoever asked
	Lapsed    State = "lapsed"    // the link was never opened
)

// States are all states.
func States() []State {
	return []State{Pending, Open, Extended, Fulfilled, Refused, Withdrawn, Lapsed}
}

// Waits reports whether an answer is due.
func (s State) Waits() bool { return s == Open || s == Extended }

// Closed reports whether nothing changes any more.
func (s State) Closed() bool { return s != Pending && !s.Waits() }

// may is which state follows which.
var may = map[State][]State{
	Pending:  {Open, Withdrawn, Lapsed},
	Open:     {Extended, Fulfilled, Refused, Withdrawn},
	Extended: {Fulfilled, Refused, Withdrawn},
}

// An Identity says how it was settled who asks.
type Identity string

// The ways. None of them asks for a name or a document.
const (
	ByCookie   Identity = "cookie"   // the browser holds the decision the request is about
	ByReceipt  Identity = "receipt"  // whoever asked knows the id of a receipt
	ByMail     Identity = "mail"     // a link that was sent to the address
	ByOperator Identity = "operator" // the controller has settled it elsewhere, and entered the request
)

// A Ground is why a request is refused, or takes longer.
type Ground string

// The grounds, of refusal (GDPR Art. 11(2), 12(5), 15(4), 17(3); Cal. Code Regs.
// tit. 11 § 7024; Civ. Code 1798.83(c)) and of extension (Art. 12(3)).
const (
	Unidentified Ground = "unidentified" // it can't be established whom the data are about
	Excessive    Ground = "excessive"    // manifestly unfounded or excessive
	LegalDuty    Ground = "legal-duty"   // a law asks that it is kept
	LegalClaims  Ground = "legal-claims" // it is needed for claims
	Others       Ground = "others"       // the rights of others
	NotOwed      Ground = "not-owed"     // the law of the visitor's region gives no such right
	Yearly       Ground = "yearly"       // of sb-27: answered already this year

	Complex  Ground = "complex"  // extension
	Numerous Ground = "numerous" // extension
)

// GroundsOf are those on which a request of a kind can be refused.
func GroundsOf(k Kind) []Ground {
	all := []Ground{Unidentified, Excessive, LegalDuty, LegalClaims, Others, NotOwed}
	if k == Disclosure {
		all = append(all, Yearly)
	}
	return all
}

// ExtensionGrounds are those of Art. 12(3).
func ExtensionGrounds() []Ground { return []Ground{Complex, Numerous} }
