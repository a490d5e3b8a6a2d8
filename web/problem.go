package web

// Problem says what went wrong, and what to do, to a person. Title is what, and
// Detail what to do; both are whole sentences or titles in English.
type Problem struct {
	Head
	Status  int
	Detail  string
	Request string // number to tell the operator; may be ""

	To, Name string // leads to where there is more, and its name in English; both or none
}

func (*Problem) template() string { return "problem" }
