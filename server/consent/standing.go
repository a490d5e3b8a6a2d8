package consent

import "github.com/volenti-consent/volenti/server/canonical"

// StandingSchema is the schema of a Standing.
const StandingSchema = "standing/v1"

// A Standing is the core of the log's daily entry of a site: what stood published, by
// digest, and was unchanged. Without it, that nothing was entered for a year could mean
// that nothing changed, or that nobody looked. at is in Unix milliseconds.
type Standing struct {
	Schema      string                     `json:"schema"`
	Site        string                     `json:"site"`
	Day         string                     `json:"day"` // 2026-11-21, UTC
	At          int64                      `json:"at"`
	Publication *StandingNotice            `json:"publication,omitempty"`
	Policies    map[string]StandingVersion `json:"policies"` // in force, by policy

	// Newest has the end of a policy's chain where that is not in force yet.
	Newest map[string]StandingVersion `json:"newest,omitempty"`
}

// A StandingNotice is the publication whose banner was served.
type StandingNotice struct {
	Seq    int64            `json:"seq"`
	Notice canonical.Digest `json:"notice"`
	Entry  canonical.Digest `json:"entry"` // of the core of its entry in the log
}

// A StandingVersion is a version that was in force.
type StandingVersion struct {
	Number int              `json:"number"`
	Digest canonical.Digest `json:"digest"`
	Entry  canonical.Digest `json:"entry"` // of its entry in the log
}
