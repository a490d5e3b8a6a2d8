package console

import (
	"html/template"
	"time"
)

// Policies is the list of a site's policies.
type Policies struct {
	Frame
	List       []PolicyRow
	Schedule   []ScheduleLine // what is ahead, soonest first
	MayDraft   bool
	SecondPair bool
}

// A ScheduleLine is something that is to happen.
type ScheduleLine struct {
	At          time.Time
	Label, What string // "Version 3", "comes into force"
	Policy      string // key, or ""
	Address     string // of where there is more, from the root, or ""
	Draft       bool   // it is not published, so nothing happens by itself
}

func (*Policies) template() string { return "policies" }

// A PolicyRow is one policy: what is in force, what is ahead, what is in the works.
type PolicyRow struct {
	Key, Title string
	InForce    *VersionLine
	Ahead      []VersionLine
	Drafts     []DraftLine
	Wanted     bool // the banner links to it and nothing is published
}

// A VersionLine is a published version in a list. Times are in the site's zone.
type VersionLine struct {
	Number        int
	Title         string
	State         string // "scheduled", "in force", "superseded", "replaced"
	From, Until   time.Time
	Binds         time.Time // known visitors; zero where that is From
	Published     time.Time
	By, Approved  string // names
	Material      bool
	Languages     []string
	Digest, Entry string
	Before        int // the version it is compared with, or 0
}

// ShortDigest is enough to tell versions apart by eye.
func (v VersionLine) ShortDigest() string { return v.Digest[:min(16, len(v.Digest))] }

// ShortEntry is enough to find an entry of the log by.
func (v VersionLine) ShortEntry() string { return v.Entry[:min(16, len(v.Entry))] }

// A DraftLine is a draft in a list.
type DraftLine struct {
	ID, Policy, Title string
	Waits             bool // for approval
	By                string
	Changed           time.Time
	Languages         []string
}

// Policy is one policy: its drafts, and all versions it ever had.
type Policy struct {
	Frame
	Key      string
	Drafts   []DraftLine
	Versions []VersionLine // newest first
	MayDraft bool
}

func (*Policy) template() string { return "policy" }

// NewPolicy is the form a draft begins with.
type NewPolicy struct {
	Frame
	Known                        []PolicyRow // those whose text in force may be the beginning
	Key, From, Language          string
	Controller, Address, Contact string
}

func (*NewPolicy) template() string { return "policy-new" }

// Draft is the editor.
type Draft struct {
	Frame
	Policy, ID string
	Base       string // of the draft, from the root: "admin/sites/shop/policies/privacy/drafts/…"
	Revision   int64
	Texts      []DraftText // the one that binds first
	Waits      bool        // for approval: it can be read only
	ReadOnly   bool
	MayPublish bool
	By         string
	Changed    time.Time
	Against    int    // the version its differences are to; 0: there is none
	Word       string // with which it was sent back
	WordBy     string
	Imported   *Imported
	Stale      *Stale
	Looked     bool // previews and differences are of what is typed, and that may not be kept yet
}

func (*Draft) template() string { return "draft" }

// A DraftText is the text in one language.
type DraftText struct {
	At                        int // in form fields: "text-0"
	Language, Name, Direction string
	Title, Markdown           string
	Look                      Look
	Theirs                    *DraftText // where somebody else kept another
	Differs                   *Difference
}

// A Look is what becomes of a text.
type Look struct {
	Preview    template.HTML // rendered and sanitized
	Wrong      string        // why there is none
	Difference *Difference   // to the version in force; nil: there is none
}

// A Difference is what changed between two texts, word by word.
type Difference struct {
	Blocks                   []DifferenceBlock
	Inserted, Deleted, Moved int
}

// Same reports that nothing changed.
func (d *Difference) Same() bool { return d.Inserted+d.Deleted+d.Moved == 0 }

// A DifferenceBlock is a paragraph, heading or entry.
type DifferenceBlock struct {
	Kind    string // "same", "inserted", "deleted", "changed", "moved-from", "moved-to"
	Heading bool
	Folded  int // so many blocks that are the same are left out here
	Spans   []DifferenceSpan
}

// A DifferenceSpan is some words.
type DifferenceSpan struct {
	Op   string // "", "put" or "gone"
	Text string
}

// Imported is what reading a document changed.
type Imported struct {
	Name, Format string
	Changes      []ImportedChange
	Provenance   []string
}

// An ImportedChange is one kind of change, and how often.
type ImportedChange struct {
	What  string
	Count int
}

// Stale says that somebody else kept the draft meanwhile.
type Stale struct {
	By   string
	When time.Time
}

// Announce is the form of when a version binds and what visitors are told.
type Announce struct {
	Frame
	Policy, ID, Base string
	Revision         int64
	When             string // "now" or "day"
	Day, Earliest    string // 2026-12-01
	Zone             string
	Grace            string // days
	Material         bool
	First            bool // nothing was published before: nobody knows an earlier version
	Summaries        []Summary
	MostSummary      int
	SecondPair       bool
	Ahead            *VersionLine // a version that is scheduled already
}

func (*Announce) template() string { return "announce" }

// A Summary is what changed, in one language.
type Summary struct {
	Field, Language, Name, Direction, Text string
	Needed                                 bool
}

// Confirm is the last page before publication.
type Confirm struct {
	Frame
	Policy, ID, Base string
	Revision         int64
	Number           int // it will have
	AtOnce           bool
	From, Binds      time.Time
	Days             int // of grace
	Zone             string
	Material         bool
	First            bool
	Languages        []string
	Texts            []DraftText
	Against          int
	Note             string // address of the note as visitors see it, from the root; "" where there is none
	NoBanner         bool
	Validity         int    // months a decision holds, by the notice in force; 0: there is none
	Reach            *Reach // those who decided before; nil where nobody could have
	NoticeAsks       bool
	SecondPair       bool
	Waits            bool
	Mine             bool // the operator submitted it, so somebody else has to approve
	SubmittedBy      string
	Problems         []string // that keep it from being published
	MayPublish       bool
	Word             string
}

func (*Confirm) template() string { return "confirm" }
