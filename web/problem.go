package web

import "net/http"

// Problem says what went wrong, and what to do, to a person: what happens to
// visitors in their language, what else there is to know in English.
type Problem struct {
	Head    // Title: what exactly happened, in English
	Case    ProblemCase
	Status  int
	Detail  string // what exactly to do, in English
	Request string // number to tell the operator; may be ""
	To      string // of NoVersion: leads to the first version; may be ""
}

func (*Problem) template() string { return "problem" }

// A ProblemCase is what happened, as far as a visitor needs to know: the words for
// it are in every language. "" is a page for operators: Title and Detail are all.
type ProblemCase string

// The cases.
const (
	NothingHere ProblemCase = "nothing"
	NoVersion   ProblemCase = "version" // none was in force then
	Unclear     ProblemCase = "unclear" // what was asked has not the form it needs
	Changed     ProblemCase = "changed" // a page is out of date, or was not sent from here
	Forbidden   ProblemCase = "forbidden"
	Busy        ProblemCase = "busy"
	Away        ProblemCase = "away" // the website behind us does not answer
	OurFault    ProblemCase = "internal"
)

// ProblemCases are all cases.
func ProblemCases() []ProblemCase {
	return []ProblemCase{NothingHere, NoVersion, Unclear, Changed, Forbidden, Busy, Away, OurFault}
}

// CaseOf is the case of an HTTP status, of those that have no better one.
func CaseOf(status int) ProblemCase {
	switch {
	case status == http.StatusNotFound || status == http.StatusGone:
		return NothingHere
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return Forbidden
	case status == http.StatusConflict || status == http.StatusPreconditionFailed:
		return Changed
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		return Busy
	case status == http.StatusBadGateway || status == http.StatusGatewayTimeout:
		return Away
	case status >= http.StatusInternalServerError:
		return OurFault
	}
	return Unclear
}
