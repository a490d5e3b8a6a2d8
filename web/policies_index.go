package web

import "time"

// PolicyIndex lists the policies of a site.
type PolicyIndex struct {
	Head
	SiteKey  string
	Unlisted bool
	Policies []IndexedPolicy
}

func (*PolicyIndex) template() string { return "visitor/policy-index" }

// An IndexedPolicy is a policy with the version that is in force or, where none is
// yet, the first that will be.
type IndexedPolicy struct {
	Base         string // leads to the policy
	Title        string
	TextLanguage string // of Title
	Languages    []string
	Number       int
	State        string // "in_force" or "scheduled"
	From         time.Time
}
