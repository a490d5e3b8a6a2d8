// Package bundle makes one file of everything a receipt stands on, for whoever has
// to judge it without this server: a zip of the receipt, what it names, the proof
// that it is in the log, and pages and words that say what all that is. It also
// checks such a file, with nothing but the file.
//
// What is in a bundle is of two kinds. Evidence is bytes as the archive keeps them,
// each named by a digest in the receipt or in something the receipt names. What is
// derived is made from the evidence alone, by rules that belong to an edition, so
// that whoever verifies makes it again and compares.
package bundle

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
)

// Schema is the value of the field "schema" of bundle.json.
const Schema = "bundle/v1"

// Edition numbers the rules by which the derived files are made. Whoever changes a
// byte of what they come to gives the next number: a test compares.
const Edition = 3

// ErrIncomplete is of making a bundle: the archive does not hold what the receipt
// names. It is a consent.ErrUnknownArtifact, too.
var ErrIncomplete = fmt.Errorf("the archive does not hold all that the receipt names: %w", consent.ErrUnknownArtifact)

// Files are a bundle's files by name: a path with slashes.
type Files map[string][]byte

// Names of files. Those of policies stand in policy.go.
const (
	nameManifest   = "MANIFEST"
	nameAbout      = "bundle.json"
	nameReceipt    = "receipt.json"
	nameKeys       = "keys/jwks.json"
	nameExperience = "shown/experience.json"
	nameNotice     = "shown/notice.json"
	nameWording    = "shown/wording.json"
	nameTags       = "shown/tags.json"
	nameLaw        = "shown/law.json"
	nameScript     = "shown/script.js"
	namePage       = "shown/page.html"
	nameStyle      = "shown/page.css"
	nameToken      = "shown/token.txt" //nolint:gosec // the name of a file
	dirModules     = "shown/modules/"
	dirPolicies    = "policies/"
	nameProof      = "log/receipt.tlog-proof"
	nameCheckpoint = "log/checkpoint"
	nameLogKey     = "log/vkey"

	// A checkpoint that somebody kept from before the receipt, and the proof that the
	// bundle's continues it; both, or neither.
	nameEarlier     = "log/earlier-checkpoint"
	nameConsistency = "log/consistency.json"

	nameReadme     = "README.txt"
	nameBoot       = "derived/boot.json"
	nameChanges    = "derived/changes.json"
	nameText       = "derived/banner.txt"
	nameTextHTML   = "derived/banner.html"
	nameReplay     = "replay/index.html"
	nameVerifyPage = "verify.html"
	nameVerifyPy   = "verify.py"
)

// derived reports whether a file is made from the others.
func derived(name string) bool {
	switch name {
	case nameReadme, nameReplay, nameVerifyPage, nameVerifyPy:
		return true
	}
	return strings.HasPrefix(name, "derived/")
}

// names are those of all files, sorted.
func (f Files) names() []string { return slices.Sorted(maps.Keys(f)) }

// under are the names that begin with a folder, sorted.
func (f Files) under(folder string) (names []string) {
	for _, name := range f.names() {
		if strings.HasPrefix(name, folder) {
			names = append(names, name)
		}
	}
	return names
}

// An about is bundle.json: what this file is, and what its maker knew that nothing
// in it can show.
type about struct {
	Schema  string         `json:"schema"`
	Edition int            `json:"edition"`
	ID      string         `json:"id"` // the receipt's
	Site    string         `json:"site"`
	Known   map[string]int `json:"known,omitempty"` // of a note about changed policies: the version of each that the visitor's decision before names
}

func (a about) encode() ([]byte, error) { return canonical.Encode(a) }
