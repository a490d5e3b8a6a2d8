package web

import (
	"html/template"
	"time"
)

// Centre is a visitor's privacy centre of one site. All of its texts are in Language:
// the notice's own in Words, the page's by say; where one of the two is missing, all is
// in English.
type Centre struct {
	Head
	SiteKey   string
	Words     Words
	PolicyURL string // absolute, or from the root
	Back      string // absolute; "" if nobody said where the visitor came from

	Said      string // key in Words of what was just done, or ""
	NotFound  bool   // a receipt was sought, and is none of this site
	Elsewhere bool   // the choices are those of another browser

	Decided  string    // when the choice in force was made, "Your choice of 2026-11-21 14:03 UTC"; "" if there is none
	Receipt  string    // its receipt's id
	Until    time.Time // what was granted ends; zero: nothing was
	Rests    time.Time // what was refused is not asked again before; zero: nothing was
	Granted  bool      // it grants something, so there is something to withdraw
	Ask      string    // what is asked of somebody who has not decided
	AskAge   bool      // whoever grants something says first how old he is: on the page of choices
	Keep     bool      // the choices of the other browser can be made here too
	Now      []CentreCategory
	Policies []CentrePolicy

	History      []CentreRecord
	Newer, Older string // queries of the pages beside this one; "" if there is none

	GPC, DNT, OptOut bool          // as the request has them
	Binding          bool          // the law makes GPC binding here
	Signal           bool          // one of them counts here
	Over             bool          // and the visitor allowed marketing in spite of it
	DNTText          string        // what the site does about DNT
	Law, LawPlace    string        // the row of the law table, in English
	Deadline         string        // to answer a request, "1 month" in words; "" if there is no figure
	Requests         []RequestLine // those of this visitor
	Rights           []RequestKind // what can be asked for by the law here; none where there is no page for it
	Controller       Controller
	Links            []string // what can be had of a receipt beside it: "proof", "bundle", "shown", "forms"
	FormNames        []string // other forms of a receipt

	Token, FormKey string // what makes the forms ours; empty in what is archived
}

func (*Centre) template() string { return "visitor/centre" }

// PolicyLink is where the policy link leads from this page.
func (p *Centre) PolicyLink() string { return p.link(p.PolicyURL) }

// Offers reports whether something can be had of a receipt beside it.
func (p *Centre) Offers(link string) bool {
	for _, l := range p.Links {
		if l == link {
			return true
		}
	}
	return false
}

// A CentreCategory is what may run of one category.
type CentreCategory struct {
	Key, Label, About string
	Necessary, On     bool
	Vendors           []CentreVendor
}

// A CentreVendor is one vendor of it.
type CentreVendor struct {
	Key, Name string
	On        bool
	Leave     string // what its button does, which leaves it out; "" where there is none
	Allow     bool   // there is a button that allows it again
}

// A CentrePolicy is the version of a policy that a choice was made under.
type CentrePolicy struct {
	Key, Title   string
	TextLanguage string
	Number, Now  int // the version in force now; 0 if none is
}

// A CentreRecord is one entry of the history.
type CentreRecord struct {
	ID         string
	At         time.Time
	Action     string // key of its words without "act_"
	InForce    bool   // it is the one that counts now
	Categories []CentreChoice
	Vendors    []CentreChoice
	Policies   []CentrePolicy
	Place      string // "DE · EU/EEA: GDPR + ePrivacy Art. 5(3)"
	Signals    string // "Global Privacy Control", …; "" for none
	Until      time.Time
}

// A CentreChoice is what a record says of a category or vendor.
type CentreChoice struct {
	Name   string
	Choice string // key of its words without "choice_"
}

// CentreLink is the page with a link for another device, or the one that takes it up.
type CentreLink struct {
	Head
	SiteKey string
	Words   Words
	Address string        // to be opened there; "" on the page that takes it up
	Picture template.HTML // of the address, SVG
	Pass    string        // to be taken up; "" on the page that makes it
	Gone    bool          // it was used, or its time is over
}

func (*CentreLink) template() string { return "visitor/centre-link" }

// Speaks reports whether all pages have words in a language, so that none is a mix.
func (r *Renderer) Speaks(lang string) bool {
	_, ok := r.words[lang]
	return ok
}

// Words are the pages' own texts by key in a language that they speak.
func (r *Renderer) Words(lang string) Words { return Words(r.words[lang]) }
