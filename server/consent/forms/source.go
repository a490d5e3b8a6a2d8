package forms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
)

// A Source is what a form is made of.
type Source struct {
	Entry  *consent.Entry
	Core   consent.Core
	Notice *notice.Notice // that was answered; nil where it is not in the archive
	Words  notice.Wording // of the banner, as they were read; nil likewise
	Law    LawRow
	Origin string             // of the server, "https://consent.example.com", without a slash; "" leaves addresses relative
	Keys   consent.PublicKeys // of receipts; a form may name one
}

// A LawRow is what a form says of the row of the law table.
type LawRow struct {
	Name     string `json:"name"`
	Law      string `json:"law"`
	Citation string `json:"citation"`
}

// An Archive keeps what receipts name by digest; consent.Store is one.
type Archive interface {
	// Artifact fails with consent.ErrUnknownArtifact.
	Artifact(ctx context.Context, d canonical.Digest) (consent.Artifact, error)
}

// Load gathers what forms of an entry need. What the archive does not hold, such as
// of records that were made before there was one, stays empty: forms then say less.
func Load(ctx context.Context, a Archive, e *consent.Entry, keys consent.PublicKeys, origin string) (Source, error) {
	core, err := consent.ParseCore(e.Core)
	if err != nil {
		return Source{}, fmt.Errorf("receipt %s: %w", e.ReceiptID, errors.Join(consent.ErrDamaged, err))
	}
	s := Source{Entry: e, Core: core, Keys: keys, Origin: strings.TrimSuffix(origin, "/")}
	var x notice.Experience
	if err := s.read(ctx, a, core.Experience, &x); err != nil {
		return Source{}, err
	}
	if x.Law != "" {
		if err := s.read(ctx, a, x.Law, &s.Law); err != nil {
			return Source{}, err
		}
	}
	if x.Wording != "" {
		if err := s.read(ctx, a, x.Wording, &s.Words); err != nil {
			return Source{}, err
		}
	}
	kept, err := a.Artifact(ctx, core.Notice)
	if errors.Is(err, consent.ErrUnknownArtifact) {
		return s, nil
	}
	if err != nil {
		return Source{}, fmt.Errorf("receipt %s: %w", e.ReceiptID, err)
	}
	if s.Notice, err = notice.Decode(kept.Bytes); err != nil {
		return Source{}, fmt.Errorf("notice %s: %w", core.Notice, err)
	}
	return s, nil
}

// read decodes what the archive holds under a digest; where that is nothing, it
// leaves into as it is.
func (s Source) read(ctx context.Context, a Archive, d canonical.Digest, into any) error {
	kept, err := a.Artifact(ctx, d)
	if errors.Is(err, consent.ErrUnknownArtifact) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(kept.Bytes, into)
	}
	if err != nil {
		return fmt.Errorf("receipt %s, archive %s: %w", s.Core.ID, d, err)
	}
	return nil
}

func (s Source) receipt() ([]byte, error) { return consent.EncodeReceipt(s.Entry) }

// address is where something of this server is found.
func (s Source) address(path string) string { return s.Origin + path }

func (s Source) receiptAddress() string {
	return s.address("/v1/sites/" + s.Core.Site + "/receipts/" + s.Core.ID)
}

// iri names something of this receipt. It never depends on where the server stands.
func (s Source) iri(fragment string) string {
	if fragment != "" {
		fragment = "#" + fragment
	}
	return "urn:volenti:receipt:" + s.Core.ID + fragment
}

// category is a category of the notice; where the notice is not known, only its key.
func (s Source) category(key string) notice.Category {
	if s.Notice != nil {
		for _, c := range s.Notice.Categories {
			if c.Key == key {
				return c
			}
		}
	}
	return notice.Category{Key: key, Like: key}
}

// labelOf and aboutOf are a category's texts as the visitor read them.
func (s Source) labelOf(c notice.Category) string {
	switch {
	case s.Words[c.Key] != "" && notice.Standard(c.Key):
		return s.Words[c.Key]
	case s.Notice != nil && s.Notice.LabelOf(c, s.Core.Language) != "":
		return s.Notice.LabelOf(c, s.Core.Language)
	}
	return c.Key
}

func (s Source) aboutOf(c notice.Category) string {
	switch {
	case s.Words[c.Key+"_about"] != "" && notice.Standard(c.Key):
		return s.Words[c.Key+"_about"]
	case s.Notice != nil && s.Notice.AboutOf(c, s.Core.Language) != "":
		return s.Notice.AboutOf(c, s.Core.Language)
	}
	return s.labelOf(c)
}

// vendorsOf are the vendors of a category that the record names, in the notice's
// order; where the notice is not known, none: a record does not say whose they are.
func (s Source) vendorsOf(category string) (vendors []notice.Vendor) {
	if s.Notice == nil {
		return nil
	}
	for _, v := range s.Notice.Vendors {
		if _, asked := s.Core.Vendors[v.Key]; asked && v.Category == category {
			vendors = append(vendors, v)
		}
	}
	return vendors
}

// statusOf is what a choice means for processing that needs consent. Only what was
// granted by the visitor's own act where the law asks first is consent
// (consent.Core.Consented); what an opt-out region leaves on was never asked for.
func (s Source) statusOf(category string, choice consent.Choice) status {
	judged := s.Core
	judged.Categories = map[string]consent.Choice{category: choice}
	switch {
	case judged.Consented(category):
		return consentGiven
	case choice == consent.Refused && s.Core.Action == consent.Withdraw:
		return consentWithdrawn
	case choice == consent.Refused:
		return consentRefused
	}
	return consentUnknown
}

// subject identifies the visitor: by the random number of one browser at one site or,
// where that was removed, by the commitment that stands for it and reveals nothing.
func (s Source) subject() (string, error) {
	if s.Entry.Personal == nil {
		return "urn:volenti:commitment:" + base64url.EncodeToString(s.Entry.CommitPers), nil
	}
	p, err := consent.ParsePersonal(s.Entry.Personal)
	if err != nil {
		return "", err
	}
	return "urn:volenti:subject:" + p.Subject, nil
}

// how says by what act a decision was made, for people.
func (s Source) how() string {
	return fmt.Sprintf("%s on %s", s.Core.Action, s.Core.Surface)
}

// moment is a time of a record as of RFC 3339, in UTC, to the millisecond.
func moment(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
