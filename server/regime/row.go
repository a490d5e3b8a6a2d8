package regime

import (
	"fmt"
	"regexp"

	"github.com/volenti-consent/volenti/server/canonical"
)

// RowSchema is the value of the "schema" field of a row's canonical bytes.
const RowSchema = "law-row/v1"

// A Row is what one law, or a group of like laws, asks. Rows belong to their
// Table and are not to be changed.
type Row struct {
	ID         string   `json:"id"`         // stands in records: "us-ca-ccpa"
	Name       string   `json:"name"`       // of the place or the law, in English
	Law        string   `json:"law"`        // its short name
	Citation   string   `json:"citation"`   // where to read it
	Confidence string   `json:"confidence"` // in our reading: "high", "medium" or "low"
	Codes      []string `json:"codes"`      // ISO 3166 codes: "DE", "US-CA"; none for rows that only a fallback names

	InForce Day `json:"in_force"` // first day; Always for groups without one of their own
	Until   Day `json:"until"`    // last day; the zero Day is open

	Floor    Models `json:"floor"`
	Cautious Models `json:"cautious"` // never laxer than Floor

	GPCSince Day      `json:"gpc"`  // the day from which a universal opt-out signal binds; the zero Day is never
	LinkDuty LinkDuty `json:"link"` // of an opt-out link on every page

	// FollowsController says that the law also binds a controller established under
	// it towards people elsewhere (GDPR Art. 3(1), UK GDPR Art. 3(1)).
	FollowsController bool `json:"follows_controller"`

	MinorAge    int  `json:"minor_age"`    // below it another's consent is needed, or none helps; 0: the law names none. See Table.ChildAge
	Answer      Span `json:"answer"`       // to answer a person's request
	Extension   Span `json:"extension"`    // on top, with notice; one of unstated length is not carried
	OptOut      Span `json:"opt_out"`      // to act on an opt-out request
	ReaskMonths int  `json:"reask_months"` // a refusal rests at least that long; 0: the law names no figure
	Proof       bool `json:"proof"`        // consent must be demonstrable

	canonical []byte
	digest    canonical.Digest
}

// A LinkDuty says what a law asks of an opt-out link.
type LinkDuty string

// The duties of a link.
const (
	LinkRequired   LinkDuty = "required"   // a conspicuous link (11 CCR 7013-7015 and like rules)
	LinkDisclosure LinkDuty = "disclosure" // the way to opt out stands in the policy's text
	LinkMethod     LinkDuty = "method"     // a designated way to opt out, no link
	LinkNone       LinkDuty = "no"
)

// Models is the column of the posture.
func (r *Row) Models(p Posture) Models {
	if p == Floor {
		return r.Floor
	}
	return r.Cautious
}

// GPC reports whether the law makes a universal opt-out signal binding on day. A
// signal is honoured everywhere; this says where that is a duty and must be shown.
func (r *Row) GPC(day Day) bool { return r.GPCSince != 0 && r.GPCSince <= day }

// Link reports whether a "Your Privacy Choices" link is due.
func (r *Row) Link() bool { return r.LinkDuty == LinkRequired }

// Canonical is the row as records name it: canonical JSON. It doesn't hold the
// table's version, so rows that a new table leaves alone keep their digest, and
// nobody is asked again for them. Who has the bytes leaves them as they are.
func (r *Row) Canonical() []byte { return r.canonical }

// Digest names Canonical.
func (r *Row) Digest() canonical.Digest { return r.digest }

// valid reports whether the row is in force on day.
func (r *Row) valid(day Day) bool { return r.InForce <= day && (r.Until == 0 || day <= r.Until) }

// seal computes the evidence of the row, once.
func (r *Row) seal() error {
	b, err := canonical.Encode(struct {
		Schema string `json:"schema"`
		*Row
	}{RowSchema, r})
	if err != nil {
		return err
	}
	r.canonical, r.digest = b, canonical.Sum(b)
	return nil
}

var (
	rowID   = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	rowCode = regexp.MustCompile(`^[A-Z]{2}(-[A-Z0-9]{1,3})?$`)
)

// check refuses a row that could not be relied on.
func (r *Row) check() error {
	if !rowID.MatchString(r.ID) {
		return fmt.Errorf("row %q: an id is lower-case words and hyphens", r.ID)
	}
	if r.Name == "" || r.Law == "" || r.Citation == "" {
		return fmt.Errorf("row %s: name, law and citation are needed: a row nobody can check is no law", r.ID)
	}
	switch r.Confidence {
	case "high", "medium", "low":
	default:
		return fmt.Errorf("row %s: confidence %q is not high, medium or low", r.ID, r.Confidence)
	}
	for _, code := range r.Codes {
		if !rowCode.MatchString(code) {
			return fmt.Errorf("row %s: %q is not an ISO 3166 code", r.ID, code)
		}
	}
	if r.InForce == 0 || r.Until == Always || r.Until != 0 && r.Until < r.InForce {
		return fmt.Errorf("row %s: in force from %q until %q", r.ID, r.InForce, r.Until)
	}
	for _, models := range []Models{r.Floor, r.Cautious} {
		for _, m := range []Model{models.Preferences, models.Analytics, models.Marketing} {
			switch m {
			case OptIn, OptOut, Notice, None:
			default:
				return fmt.Errorf("row %s: %q is not a model", r.ID, m)
			}
		}
	}
	if !r.Cautious.covers(r.Floor) {
		return fmt.Errorf("row %s: the cautious models are laxer than the law's floor", r.ID)
	}
	switch r.LinkDuty {
	case LinkRequired, LinkDisclosure, LinkMethod, LinkNone:
	default:
		return fmt.Errorf("row %s: %q is not a link duty", r.ID, r.LinkDuty)
	}
	if r.MinorAge < 0 || r.MinorAge > 21 || r.ReaskMonths < 0 || r.ReaskMonths > 36 {
		return fmt.Errorf("row %s: an age of %d or a rest of %d months is not plausible", r.ID, r.MinorAge, r.ReaskMonths)
	}
	return nil
}
