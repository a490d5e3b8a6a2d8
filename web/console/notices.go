package console

import "time"

// NoticePage is a site's banner: the one in force, the draft, those before.
type NoticePage struct {
	Frame
	Base     string // "admin/sites/shop/notice"
	InForce  *NoticeOverview
	Draft    *NoticeDraft
	History  []NoticeLine // newest first; the first is in force
	MayDraft bool
}

func (*NoticePage) template() string { return "notice" }

// A NoticeLine is a publication in a list.
type NoticeLine struct {
	Digest    string
	Published time.Time
}

// Short is enough to tell notices apart by eye, and to find them by.
func (n NoticeLine) Short() string { return n.Digest[:min(16, len(n.Digest))] }

// A NoticeOverview is a notice as it is read.
type NoticeOverview struct {
	Languages, Origins, Policies []string
	Controller                   string
	Months                       int // a decision holds
	Accent, Position, Theme      string
	Modal                        bool
	Own                          int // texts of its own in the first language
	Categories                   []NoticeCategory
}

// A NoticeCategory is what is asked for.
type NoticeCategory struct {
	Name, About string
	Vendors     []NoticeVendor
}

// A NoticeVendor is somebody who gets something loaded.
type NoticeVendor struct {
	Name, Country string
	Entries       []NoticeEntry
	Tags          []string
}

// A NoticeEntry is one thing kept on a device.
type NoticeEntry struct{ Name, Kind, Duration, Purpose string }

// A NoticeDraft is the draft in short.
type NoticeDraft struct {
	By          string
	Changed     time.Time
	Readable    bool
	Errors      int
	Issues      []NoticeIssue
	Differences []Differing
	Revisions   []NoticeRevision // newest first
}

// A NoticeRevision is one change of a draft.
type NoticeRevision struct {
	Revision int64
	Did, By  string
	Changed  time.Time
}

// A NoticeIssue is one thing that is to be mended or thought about.
type NoticeIssue struct {
	Path, What, Remedy, Rule string
	Line                     int
	Error                    bool
	Address                  string // of the page on which it is mended, from the root
	Field, Label             string // on that page itself: the field's name and label; "" elsewhere
}

// A Differing is a field in which two notices differ.
type Differing struct{ Path, Before, After string }

// NoticeThen is an earlier notice.
type NoticeThen struct {
	Frame
	Base, Digest string
	Then         *NoticeOverview
	Differences  []Differing // to the one in force
	MayDraft     bool
}

func (*NoticeThen) template() string { return "notice-then" }

// NoticePart is a form over a part of the draft.
type NoticePart struct {
	Frame
	Base, Part string
	Parts      []Pick // all of them
	Revision   int64
	Groups     []FieldGroup
	Rows       *FieldRows
	Language   string // of the texts, where a form shows one
	Languages  []Pick
	Source     string
	Unread     bool // the source can't be read: forms would lose what is in it
	Issues     []NoticeIssue
	Fair       string // what the banner that would be made was found to be, or ""
	Stale      string // who changed the draft meanwhile, or ""
	Contrast   []Pick
}

func (*NoticePart) template() string { return "notice-part" }

// A Pick is one of several that may be picked.
type Pick struct {
	Key, Name string
	Here      bool
}

// A Field is one of a form.
type Field struct {
	Name, Label, Hint, Value string
	Kind                     string // "text", "select", "tick", "number", "color", "lines" or "words"
	Options                  []Pick
	Default                  string // what stands there if it is left empty
	On                       bool   // of a tick
	Language, Direction      string
}

// A FieldGroup is fields that belong together.
type FieldGroup struct {
	Legend, About string // Legend "" is none
	Code          bool   // Legend is a name as programs write it
	Fields        []Field
}

// FieldRows are the elements of a list, each with a form.
type FieldRows struct {
	One, Many  string // what they are: "tag", "tags"
	About      string
	Empty      string // what to do where there is none
	Ordered    bool   // their order means something
	List       []FieldRow
	Add        Field  // what is to be added is said in it; Name "" asks nothing
	AddChoices []Pick // that can be typed there
}

// A FieldRow is one element.
type FieldRow struct {
	At        int
	Name, Sub string
	Open      bool // to be looked at: it is new, or something is wrong in it
	Groups    []FieldGroup
	Last      bool
}

// NoticePreview is the banner in a frame, and its controls.
type NoticePreview struct {
	Frame
	Base, Of, Regime, Language, Trial string
	Width, Scheme, Direction          string
	Signal                            bool
	HasDraft, HasForce                bool
	Languages                         []Pick
	Trials                            []string
	Frame1                            string // address of the frame, from the root; "" if there is no banner
}

func (*NoticePreview) template() string { return "notice-preview" }

// NoticeConfirm is the last page before publication.
type NoticeConfirm struct {
	Frame
	Base     string
	Draft    *NoticeDraft
	First    bool
	Again    bool   // it asks for something that those who decided have not been asked for
	Reach    *Reach // those who decided before; nil where nobody could have
	Revision int64
}

func (*NoticeConfirm) template() string { return "notice-confirm" }

// NoticeProgress is how far a banner's scripts are.
type NoticeProgress struct {
	Frame
	Base               string
	Publish, Ended     bool
	Errors             bool
	Failed, Digest     string
	Languages, Scripts int
	Seconds            int
	Issues             []NoticeIssue
}

func (*NoticeProgress) template() string { return "notice-progress" }
