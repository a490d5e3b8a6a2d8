package console

import "time"

// Retention is how long a site keeps what it keeps, what goes next, what went, and what
// is restricted.
type Retention struct {
	Frame
	Records, Statistics, Laws string // as typed
	Policies                  []Option
	Rows                      []string // of the law table
	MayWrite, MayLift         bool
	Due                       []RemovalRow
	Cut                       bool   // more may be over: so many records were looked at
	Looked                    string // how many
	Tried                     bool   // Due is by what the form says, which is not kept yet
	Log                       []RemovalRow
	LogMore                   bool
	Restricted                []RestrictionRow
	RestrictedAll             string // how many there are
	Next                      string // address of those behind, from the root, or ""
	Why                       string
	Zone                      string
}

func (*Retention) template() string { return "retention" }

// A RemovalRow is what went, or is to go, and why.
type RemovalRow struct {
	At        time.Time
	What, Why string
	Count     string
	Leaves    []int64 // of the log, that say so
	More      int     // leaves beyond those
}

// A RestrictionRow is a record that nobody may read.
type RestrictionRow struct {
	Leaf   int64
	Ground string
	Since  time.Time
}
