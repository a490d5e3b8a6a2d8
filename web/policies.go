package web

import (
	"html/template"
	"time"
)

// PolicyVersion is the page of one version of a policy. Times are in the site's
// zone; numbers are those of versions, 0 for none.
type PolicyVersion struct {
	Head
	SiteKey, Policy string

	Number    int
	State     string // "in_force", "scheduled", "superseded" or "replaced"
	From      time.Time
	Until     time.Time // with By: when that version takes or took this one's place
	By        int
	InForce   int // the version in force now
	Published time.Time

	TextLanguage string        // BCP 47
	Text         template.HTML // rendered and sanitized
	Contents     []Contents
	Digest       string // 64 digits
	Address      string // permanent, to be shown: absolute if the server knows its origin
}

func (*PolicyVersion) template() string { return "visitor/policy-version" }

// ShortDigest is enough to tell versions apart by eye.
func (p *PolicyVersion) ShortDigest() string { return p.Digest[:min(16, len(p.Digest))] }

// Base leads to the policy's address.
func (p *PolicyVersion) Base() string { return p.Root + "policies/" + p.SiteKey + "/" + p.Policy }

// A Contents entry is a heading that the table of contents leads to.
type Contents struct {
	ID   string
	Text string
	Sub  bool
}

// PolicyVersions is the list of all versions of a policy.
type PolicyVersions struct {
	Head
	SiteKey, Policy string
	TextLanguage    string         // of the title
	Versions        []VersionEntry // newest first
}

func (*PolicyVersions) template() string { return "visitor/policy-versions" }

// Base leads to the policy's address.
func (p *PolicyVersions) Base() string { return p.Root + "policies/" + p.SiteKey + "/" + p.Policy }

// A VersionEntry is one line of the list.
type VersionEntry struct {
	Number       int
	Title        string // where it differs from the page's
	TextLanguage string
	State        string
	From, Until  time.Time
	By           int
	Published    time.Time
	Digest       string // 64 digits
}

// ShortDigest is enough to tell versions apart by eye.
func (e VersionEntry) ShortDigest() string { return e.Digest[:min(16, len(e.Digest))] }
