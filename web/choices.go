package web

import "strings"

// Words are texts of a notice's wording by key, filled in, for one page.
type Words = map[string]string

// Choices is the page that asks, without script, what the banner asks with it.
// Its texts are those of the notice in TextLanguage; only what all pages share is
// in the page's own Language.
type Choices struct {
	Head
	SiteKey      string
	TextLanguage string // BCP 47
	Words        Words
	Ask          string // what is asked, in the words of this visitor's law
	PolicyURL    string // absolute, or from the root
	Back         string // absolute; "" if nobody said where the visitor came from

	Recorded string // id of the receipt of the choice that was just made, or ""
	Decided  string // when the choice in force was made, "2026-11-21 14:03 UTC"; "" if there is none
	Receipt  string // its receipt's id
	Granted  bool   // it grants something, so there is something to withdraw
	Signal   bool   // an opt-out signal is on

	Age      int    // years that whoever grants something has to say to be; 0: nobody is asked
	AgeText  string // how he says so
	OfAge    bool   // he has said so, with the choice in force
	AgeFirst bool   // something was to be granted, and he had not
	Shared   bool   // a choice counts on all domains of the controller

	Token, FormKey string // what makes the form ours; empty in what is archived
	Categories     []ChoiceCategory

	Controller Controller
}

func (*Choices) template() string { return "visitor/choices" }

// PolicyLink is where the policy link leads from this page.
func (p *Choices) PolicyLink() string { return p.link(p.PolicyURL) }

// A Controller is who asks.
type Controller struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	Contact string `json:"contact"` // as a link: https or mailto
}

// ContactText is the contact as it is read.
func (c Controller) ContactText() string { return strings.TrimPrefix(c.Contact, "mailto:") }

// A ChoiceCategory is one category with its switch.
type ChoiceCategory struct {
	Declared
	On bool // ticked: it runs now
}

// Declaration is the page of a site's cookie declaration.
type Declaration struct {
	Head
	SiteKey      string
	TextLanguage string
	Words        Words
	PolicyURL    string // absolute, or from the root
	Updated      string // "2026-11-21"
	Categories   []Declared
	Controller   Controller
}

func (*Declaration) template() string { return "visitor/cookies" }

// PolicyLink is where the policy link leads from this page.
func (p *Declaration) PolicyLink() string { return p.link(p.PolicyURL) }

// Declared is a category of a cookie declaration: the JSON of docs/wire.md, and
// what the pages show.
type Declared struct {
	Key       string           `json:"key"`
	Label     string           `json:"label"`
	About     string           `json:"about"`
	Necessary bool             `json:"necessary"` // always active; nobody is asked
	Vendors   []DeclaredVendor `json:"vendors"`
}

// A DeclaredVendor is somebody whose tags the site loads.
type DeclaredVendor struct {
	Key       string           `json:"key,omitempty"` // "" is the site itself
	Name      string           `json:"name"`
	Country   string           `json:"country,omitempty"` // where data goes, ISO 3166-1
	DataGoes  string           `json:"data_goes_to,omitempty"`
	PolicyURL string           `json:"policy_url,omitempty"`
	OptOutURL string           `json:"opt_out_url,omitempty"`
	Stored    []DeclaredStored `json:"stored"`

	PolicyText  string `json:"policy_text,omitempty"`
	OptOutText  string `json:"opt_out_text,omitempty"`
	WithoutText string `json:"-"`
	Without     bool   `json:"-"` // ticked: refused although its category is granted
}

// A DeclaredStored is one thing kept on the visitor's device.
type DeclaredStored struct {
	Name         string `json:"name"`
	Kind         string `json:"kind"`
	KindText     string `json:"kind_text"`
	Duration     string `json:"duration"`
	DurationText string `json:"duration_text"`
	Purpose      string `json:"purpose"`
	HTTPOnly     bool   `json:"http_only,omitempty"`
	Foreign      bool   `json:"foreign,omitempty"` // on the vendor's own domain
}

// link is a reference that works from this page: one from the root gets the way there.
func (h *Head) link(to string) string {
	if absolute(to) {
		return to
	}
	return h.Root + to
}

// External reports whether a link leads away from this server.
func (h *Head) External(to string) bool { return absolute(to) }

func absolute(link string) bool {
	return strings.HasPrefix(link, "https:") || strings.HasPrefix(link, "http:") || strings.HasPrefix(link, "mailto:")
}
