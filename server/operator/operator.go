// Package operator knows the people who sign in to run a server: what each may do
// on which site, how they prove who they are, and what they did.
package operator

import (
	"errors"
	"slices"
	"time"
)

// Errors of this package and of a Store.
var (
	ErrUnknown   = errors.New("no such operator")
	ErrTaken     = errors.New("this address is another operator's")
	ErrLastOwner = errors.New("somebody must remain who may let others in")
)

// A Role is a set of rights.
type Role string

// The roles. The zero Role has no right.
const (
	Owner     Role = "owner"     // everything, and who else may
	Legal     Role = "legal"     // policies, notices, receipts, requests
	Marketing Role = "marketing" // notices and statistics; nothing about a single visitor
	Auditor   Role = "auditor"   // reads everything, changes nothing
)

// Roles are all roles, the one with most rights first.
func Roles() []Role { return []Role{Owner, Legal, Marketing, Auditor} }

// A Right is one kind of thing an operator may do on a site. The zero Right is
// that of everybody who is signed in.
type Right string

// The rights. Those on operators and the settings of the server are of all sites:
// whoever has them on one site only, has them nowhere.
const (
	ReadStatistics  Right = "statistics:read"
	ReadNotices     Right = "notices:read"
	WriteNotices    Right = "notices:write" // drafts and their publication
	ReadPolicies    Right = "policies:read"
	WritePolicies   Right = "policies:write"   // drafts
	PublishPolicies Right = "policies:publish" // and approve what another drafted
	ReadReceipts    Right = "receipts:read"
	ReadRequests    Right = "requests:read"
	WriteRequests   Right = "requests:write"
	ReadLog         Right = "log:read" // what operators did, and the transparency log
	WriteSites      Right = "sites:write"
	WriteOperators  Right = "operators:write" // operators, sign-in, tokens
)

var rights = map[Role][]Right{
	Owner: {ReadStatistics, ReadNotices, WriteNotices, ReadPolicies, WritePolicies, PublishPolicies, ReadReceipts,
		ReadRequests, WriteRequests, ReadLog, WriteSites, WriteOperators},
	Legal: {ReadStatistics, ReadNotices, WriteNotices, ReadPolicies, WritePolicies, PublishPolicies, ReadReceipts,
		ReadRequests, WriteRequests, ReadLog},
	Marketing: {ReadStatistics, ReadNotices, WriteNotices, ReadPolicies},
	Auditor:   {ReadStatistics, ReadNotices, ReadPolicies, ReadReceipts, ReadRequests, ReadLog},
}

// Has reports whether a role has a right.
func (r Role) Has(right Right) bool {
	held, ok := rights[r]
	return ok && (right == "" || slices.Contains(held, right))
}

// An Operator is a person who signs in. The zero Operator may nothing.
type Operator struct {
	ID        string // made by us; stands in the audit log
	Name      string // as others see it
	Email     string // lower case; what they sign in with
	Role      Role
	AllSites  bool     // Role holds on every site, and on the server itself
	Sites     []string // else on these, by key
	Disabled  bool     // can't sign in; kept because the audit log names them
	CreatedAt time.Time
}

// May reports whether o has a right on a site; "" is the server itself, which is
// everybody's with AllSites and, for the zero Right, everybody's who is signed in.
func (o Operator) May(right Right, site string) bool {
	if o.ID == "" || o.Disabled || !o.Role.Has(right) {
		return false
	}
	switch {
	case o.AllSites:
		return true
	case site == "":
		return right == ""
	}
	return slices.Contains(o.Sites, site)
}

// A Session is one signed-in browser. What the browser holds is its secret; what
// is stored is the secret's digest.
type Session struct {
	Digest    string // SHA-256 of the secret, hexadecimal
	Operator  string // id
	CreatedAt time.Time
	SeenAt    time.Time // within a minute
	ProvenAt  time.Time // when the operator last proved who they are
	Token     string    // in every form it is shown, against requests forged by other sites
	By        string    // how it was begun: ByPasskey …
}

// An Act is something an operator did. Acts are kept and never changed.
type Act struct {
	Seq      int64     // its number, given by the store
	At       time.Time // UTC, milliseconds
	Operator string    // id; "cli": somebody with a shell on the machine; "token " and its id: a program
	Site     string    // key, or "" for the server
	What     string    // "policy.publish": noun and verb
	Object   string    // what it was done to: "privacy 3"
	Detail   string    // one line more, or ""; nothing personal of visitors, no secret
}
