package web

import "strconv"

func itoa(n int) string { return strconv.Itoa(n) }

// PolicyDifference is the page of what differs between two versions of a policy.
type PolicyDifference struct {
	PolicyHead
	Before, After            DifferenceSide
	Languages                []PolicyLanguage // that both have, where there are several
	Inserted, Deleted, Moved int              // words, words, blocks
	Changes                  int              // runs of blocks that differ
	Parts                    []DifferencePart
}

func (*PolicyDifference) template() string { return "visitor/policy-difference" }

// Here leads to the page's own address, without a language.
func (p *PolicyDifference) Here() string {
	return p.Base() + "/diff/" + itoa(p.Before.Number) + ".." + itoa(p.After.Number)
}

// A DifferenceSide is one of the two versions.
type DifferenceSide struct {
	Number   int
	State    string
	Title    string
	Language string
	Digest   string // 64 digits
	Link     string // leads to the version, in Language
}

// ShortDigest is enough to tell versions apart by eye.
func (s DifferenceSide) ShortDigest() string { return short(s.Digest) }

// A DifferencePart is a run of blocks: one change, or what is the same around it.
type DifferencePart struct {
	Change  int    // 1, 2, 3 …; 0 is text that is the same
	Section string // of a change: the heading it is under, or ""
	Folded  bool   // the same, and too long to be read again
	Words   int    // of what is folded
	Blocks  []DifferenceBlock
}

// Next is the change behind this one.
func (p DifferencePart) Next() int { return p.Change + 1 }

// Previous is the change before, 0 for none.
func (p DifferencePart) Previous() int { return p.Change - 1 }

// A DifferenceBlock is a heading, a paragraph, an entry of a list or a row.
type DifferenceBlock struct {
	Shape  string // "heading", "entry", "row", "code", "rule", "paragraph"
	Level  int    // of a heading, 1–6; of an entry, its depth from 1
	Place  int    // of a moved block: what its anchor ends with, from 1; else 0
	Target int    // of the first of a run of moved blocks: where its other place is; else 0
	Gone   bool   // with Place: this is where it was
	Spans  []DifferenceSpan
}

// A DifferenceSpan is text that is in both versions (""), in the later one alone
// ("put"), in the earlier alone ("gone"), or moved here ("moved").
type DifferenceSpan struct {
	Op   string
	Text string
}
