package consent

import (
	"fmt"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/regime"
)

// The schemas of a record's halves.
const (
	CoreSchema     = "consent/v1"
	PersonalSchema = "consent-personal/v1"
)

// A Choice is what was decided about one category or vendor.
type Choice string

// The choices.
const (
	Granted  Choice = "granted"
	Refused  Choice = "refused"
	NotAsked Choice = "not_asked"
)

// A State sums a record up (ISO/IEC TS 27560 event_state; it has no word of its
// own for a refusal at the banner, which is evidence just as a consent is).
type State string

// The states.
const (
	Given         State = "given"
	AllRefused    State = "refused"
	Partial       State = "partial"
	Withdrawn     State = "withdrawn"
	Acknowledged  State = "acknowledged"
	Informed      State = "informed" // a note was shown
	SignalApplied State = "signal_applied"
)

// A Basis says whether a record can serve as consent where a law asks for one.
type Basis string

// The bases. See basisOf for the rule.
const (
	Explicit Basis = "explicit"
	Implied  Basis = "implied"
)

// Core is the half of a record that holds no personal data: what was asked, in
// which words, under which law, and what was answered. Times are Unix
// milliseconds. The members are those of docs/wire.md, "A receipt".
type Core struct {
	Schema        string                  `json:"schema"`
	ID            string                  `json:"id"` // the receipt's
	Site          string                  `json:"site"`
	Controller    notice.Controller       `json:"controller"`
	GivenAt       int64                   `json:"given_at"`                 // the page's clock, clamped to what can be true
	ReceivedAt    int64                   `json:"received_at"`              // the server's clock
	ValidUntil    int64                   `json:"valid_until"`              // asked again from here on: what was granted ends
	RefusalsUntil int64                   `json:"refusals_until,omitempty"` // only where later: until here what was refused is not asked again
	State         State                   `json:"state"`
	Action        Action                  `json:"action"`
	Surface       Surface                 `json:"surface"`
	Basis         Basis                   `json:"basis"`
	Categories    map[string]Choice       `json:"categories"` // every category that can be asked
	Vendors       map[string]Choice       `json:"vendors"`    // every vendor of these
	Experience    canonical.Digest        `json:"experience"`
	Notice        canonical.Digest        `json:"notice"`
	Policies      map[string]Policy       `json:"policies"`
	Language      string                  `json:"language"`
	Region        string                  `json:"region"`        // "DE", "US-CA"; "-" is unknown, as in the token
	RegionSource  string                  `json:"region_source"` // a geo.Source
	Law           string                  `json:"law"`
	LawTable      string                  `json:"law_table"`
	Models        map[string]regime.Model `json:"models"` // by category
	Signals       Signals                 `json:"signals"`
	Age           Age                     `json:"age,omitzero"`
	Token         canonical.Digest        `json:"token"`
	TokenFrom     int64                   `json:"token_from"` // when the token's bucket began
	Previous      string                  `json:"previous,omitempty"`
}

// A Policy names the version of a policy that a decision was made under.
type Policy struct {
	Digest    canonical.Digest `json:"digest"`
	Number    int              `json:"number"`
	Effective int64            `json:"effective"` // Unix milliseconds
}

// Signals are what the browser said by itself.
type Signals struct {
	GPC       bool `json:"gpc"`        // navigator.globalPrivacyControl
	GPCHeader bool `json:"gpc_header"` // Sec-GPC: 1 on the decision's request
	DNT       bool `json:"dnt"`
	OptOut    bool `json:"opt_out,omitzero"` // made at /opt-out for all sites of the server
}

// Age is what a visitor was asked about his age, where a notice does ask.
type Age struct {
	Asked     int  `json:"asked"`     // years
	Confirmed bool `json:"confirmed"` // he said to be that old, or older
}

// Any reports whether a signal was on.
func (s Signals) Any() bool { return s.GPC || s.GPCHeader || s.DNT || s.OptOut }

// Personal is the half that tells one browser from others. It can be removed,
// and the core still verifies.
type Personal struct {
	Schema  string `json:"schema"`
	ID      string `json:"id"`      // the receipt's
	Subject string `json:"subject"` // an id (newID), minted by us with a browser's first decision at one site
}

// Consented reports whether a category was granted by the visitor's own act
// while the law model was opt-in. Only that is consent in the sense of GDPR
// Art. 4(11), and only that may be taken along into a region that asks for it:
// what an opt-out region leaves switched on was never asked for (CJEU C-673/17).
func (c Core) Consented(category string) bool {
	return c.Categories[category] == Granted && ownAct(c.Action) && asksFirst(c.Models[category])
}

// ConfirmedAge is the age that the visitor said to have reached; 0 if he was not
// asked, or did not say so.
func (c Core) ConfirmedAge() int {
	if !c.Age.Confirmed {
		return 0
	}
	return c.Age.Asked
}

// ParseCore reads canonical bytes that Encode made. It fails for members it
// does not know: a record read in part says something else.
func ParseCore(b []byte) (Core, error) {
	var c Core
	if err := canonical.Decode(b, &c); err != nil {
		return Core{}, fmt.Errorf("core of a record: %w", err)
	}
	return c, nil
}

// ParsePersonal reads canonical bytes that Encode made.
func ParsePersonal(b []byte) (Personal, error) {
	var p Personal
	if err := canonical.Decode(b, &p); err != nil {
		return Personal{}, fmt.Errorf("personal part of a record: %w", err)
	}
	return p, nil
}
