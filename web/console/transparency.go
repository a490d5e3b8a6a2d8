package console

import (
	"html/template"
	"time"
)

// LogEntries is the transparency log: where it stands, and what entered it last.
type LogEntries struct {
	Frame
	Base, Acts     string // its path, and that of what operators did, from the server's root
	Size           string // leaves, as people read numbers
	Origin         string
	Checkpoint     *LogCheckpoint // nil: none was signed yet
	Pins           []LogPin
	Keys           []LogVerifierKey
	List           []LogLeafRow
	Kinds, OfSites []LogChoice
	OneSite        bool
	Query          template.URL // its filter, for the exports
	Older          template.URL // query of the next page, or ""
	Later          bool         // not the first page
	Filtered       bool
}

func (*LogEntries) template() string { return "log-entries" }

// A LogCheckpoint is a head that the log has signed.
type LogCheckpoint struct {
	Size     string
	Root     string
	At       time.Time
	Cosigned []LogCosigned
	Note     string
}

// A LogCosigned is a witness that has seen it.
type LogCosigned struct {
	Witness string
	At      time.Time // zero: it does not say when
}

// A LogPin is where a checkpoint was pinned last.
type LogPin struct {
	Place string
	Size  string
	At    time.Time
}

// A LogVerifierKey is what somebody else needs to verify the log.
type LogVerifierKey struct{ About, Key string }

// A LogLeafRow is an entry of the log.
type LogLeafRow struct {
	Index                 int64
	Kind, Site, About     string
	At                    time.Time
	Day                   string // where only that is known
	Receipt, ReceiptShown string // its address from the root and id, for those who may read receipts
}

// LogLeaf is one entry of the log, with its proof.
type LogLeaf struct {
	Frame
	Base      string
	Row       LogLeafRow
	Leaf      string // base64
	Core      string // as it was entered
	Minimised bool
	Erased    bool
	Hidden    bool
	Withheld  bool // it is for those who may read receipts
	Tombstone int64
	Proof     []string // from the leaf's sibling to the root's child
	Under     *LogCheckpoint
	Failed    string // why it could not be shown to be in the log
}

func (*LogLeaf) template() string { return "log-leaf" }

// LogCheck holds a checkpoint that somebody kept against the log.
type LogCheck struct {
	Frame
	Base    string
	Pasted  string
	Checked *LogChecked // nil: nothing was checked yet
}

func (*LogCheck) template() string { return "log-check" }

// LogChecked is what came out of it.
type LogChecked struct {
	Old, New LogCheckpoint
	Proof    []string
	Failed   string // "" where the log continues it
}
