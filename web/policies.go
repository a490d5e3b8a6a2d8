package web

import (
	"html/template"
	"time"
)

// PolicyHead is what the pages of one policy's archive share.
type PolicyHead struct {
	Head
	SiteKey, Policy string
	TextLanguage    string // of the title and the text, BCP 47
	Unlisted        bool   // search engines are asked not to list the page
	Ahead           bool   // nothing is in force yet
	Query           string // "?lang=de" where a language was asked for; else ""
}

// Base leads to the policy's address.
func (p *PolicyHead) Base() string { return p.Root + "policies/" + p.SiteKey + "/" + p.Policy }

// PolicyVersion is the page of one version of a policy. Times are in the site's
// zone; numbers are those of versions, 0 for none.
type PolicyVersion struct {
	PolicyHead
	Here string // leads to the page's own address, without a language

	Number    int
	State     string // "in_force", "scheduled", "superseded" or "replaced"
	From      time.Time
	Until     time.Time // with By: when that version takes or took this one's place
	By        int
	Before    int // the version before this one
	InForce   int // the version in force now
	Published time.Time
	Binds     time.Time // with a grace: when it binds those who decided before; else zero
	Asked     *PolicyAsked

	Material                 bool
	Summary, SummaryLanguage string // what changed; may be ""

	Languages []PolicyLanguage // where there are several
	Binding   string           // language of the text that binds; TextLanguage may be another
	Text      template.HTML    // rendered and sanitized
	Contents  []Contents
	Digest    string // 64 digits
	Entry     string // 64 digits, or ""
	Address   string // permanent, to be shown: absolute if the server knows its origin
}

func (*PolicyVersion) template() string { return "visitor/policy-version" }

// ShortDigest is enough to tell versions apart by eye.
func (p *PolicyVersion) ShortDigest() string { return short(p.Digest) }

// Canonized is the address that the page wants to be known under.
func (p *PolicyVersion) Canonized() string {
	if p.Here == p.Base() {
		return p.Here
	}
	return p.Permanent()
}

// Comparable is true where the version in force is another, and not just the one before.
func (p *PolicyVersion) Comparable() bool {
	return p.InForce != 0 && p.InForce != p.Number && p.InForce != p.Before
}

// Permanent leads to the version's own address, in the language of the page.
func (p *PolicyVersion) Permanent() string { return p.version("") }

// Markdown leads to the text of the page as Markdown.
func (p *PolicyVersion) Markdown() string { return p.version(".md") }

// JSON leads to the version as JSON.
func (p *PolicyVersion) JSON() string { return p.version(".json") }

// Original leads to the document that was handed in.
func (p *PolicyVersion) Original() string { return p.version("/original") }

// Canonical leads to the bytes the digest is taken over.
func (p *PolicyVersion) Canonical() string { return p.version("/canonical") }

func (p *PolicyVersion) version(rest string) string {
	to := p.Base() + "/versions/" + itoa(p.Number) + rest
	if p.Binding != "" && p.TextLanguage != p.Binding {
		to += "?lang=" + p.TextLanguage
	}
	return to
}

// A PolicyLanguage is one of the languages of a version.
type PolicyLanguage struct {
	Language string // BCP 47
	Name     string // what those who read it call it
	Current  bool
	Binding  bool
}

// PolicyAsked is the day or instant that somebody asked for and was led here.
type PolicyAsked struct {
	Moment       time.Time
	Day          bool      // a day, not an instant
	Ahead        bool      // it has not come yet
	Earlier      int       // the version in force when the day began, where it was another
	EarlierUntil time.Time // with Earlier
}

// A Contents entry is a heading that the table of contents leads to.
type Contents struct {
	ID   string
	Text string
	Sub  bool
}

// PolicyVersions is the list of all versions of a policy.
type PolicyVersions struct {
	PolicyHead
	Versions []VersionEntry // newest first
	Today    string         // "2026-05-31", in the site's zone
}

func (*PolicyVersions) template() string { return "visitor/policy-versions" }

// A VersionEntry is one line of the list.
type VersionEntry struct {
	Number       int
	Title        string // where it differs from the page's
	TextLanguage string
	Translations []string // further languages
	State        string
	From, Until  time.Time
	By, Before   int
	Published    time.Time
	Digest       string // 64 digits

	Material                 bool
	Summary, SummaryLanguage string
}

// ShortDigest is enough to tell versions apart by eye.
func (e VersionEntry) ShortDigest() string { return short(e.Digest) }

func short(digest string) string { return digest[:min(16, len(digest))] }

// A PolicyStanding is a version and where it stands, for a line outside of pages.
type PolicyStanding struct {
	Number, By  int
	State       string
	From, Until time.Time
}

// Standing says where a version stands, in the nearest language there is: HTML with
// nothing but <time> in it.
func (r *Renderer) Standing(lang string, s PolicyStanding) (string, error) {
	w := r.words[r.nearest(lang)]
	from, err := w.date(s.From)
	if err != nil {
		return "", err
	}
	until, err := w.date(s.Until)
	if err != nil {
		return "", err
	}
	pairs := map[string][]any{
		"in_force": {"from", from}, "scheduled": {"from", from}, "superseded": {"next", s.By, "until", until}, "replaced": nil,
	}[s.State]
	said, err := w.say(s.State, append([]any{"number", s.Number}, pairs...)...)
	return string(said), err
}
