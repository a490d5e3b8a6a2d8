package forms

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
)

func isAnotherKind(err error) bool { return errors.Is(err, consent.ErrJWSKind) }

// An isoDocument is what a document of the 27560 forms must hold, whatever of its
// versions it is. Members that a later version adds are not read here.
type isoDocument struct {
	Node     string          `json:"@id"`
	Type     any             `json:"@type"`
	Same     string          `json:"dpv:hasIdentifier"`
	Form     string          `json:"volenti:form"`
	Receipt  json.RawMessage `json:"volenti:receipt"`
	ID       string          `json:"dct:identifier"`
	Records  []isoRecord     `json:"dpv:hasRecordOfActivity"`
	Entities []isoEntity     `json:"dpv:hasEntity"`
}

type isoRecord struct {
	Node     string          `json:"@id"`
	Same     string          `json:"dpv:hasIdentifier"`
	Source   string          `json:"dct:source"`
	By       string          `json:"dpv:hasDataController"`
	ID       string          `json:"dct:identifier"`
	Category string          `json:"volenti:category"`
	Choice   consent.Choice  `json:"volenti:choice"`
	Notices  json.RawMessage `json:"dpv:hasNotice"`
	Law      json.RawMessage `json:"dpv:hasApplicableLaw"`
	Where    json.RawMessage `json:"dpv:hasJurisdiction"`
	Subject  struct {
		ID string `json:"@id"`
	} `json:"dpv:hasDataSubject"`
	Event json.RawMessage `json:"dpv:hasConsentStatus"`
}

type isoEntity struct {
	ID      string          `json:"@id"`
	Name    string          `json:"dpv:hasName"`
	Address json.RawMessage `json:"schema:address"`
	Contact json.RawMessage `json:"schema:contactPoint"`
}

// verifyISO verifies the receipt in a document of the 27560 forms and compares the
// two. It redoes what the receipt alone says, and leaves be what the notice said:
// texts, declared storage, names of recipients.
func verifyISO(text []byte, keys consent.PublicKeys) (Verified, error) {
	v := Verified{Form: byName("27560")}
	canonicalText, err := canonical.Transform(text)
	if err != nil {
		return v, fmt.Errorf("%w: %w", ErrNotThis, err)
	}
	if !plainNames(canonicalText) {
		return v, fmt.Errorf("%w: a member's name is misspelt, or there twice in two spellings", ErrNotThis)
	}
	d, err := readISO(canonicalText)
	if err != nil {
		return v, err
	}
	if v.Report, err = consent.Verify(d.Receipt, keys); err != nil {
		return v, err
	}
	e, err := consent.ParseReceipt(d.Receipt)
	if err != nil {
		return v, err
	}
	return v, d.agrees(Source{Entry: e, Core: v.Report.Core})
}

// plainNames reports whether no object has two members that differ in the case of
// letters alone, nor one outside of ASCII: encoding/json takes such for one another,
// and others would read another one than was compared.
func plainNames(text []byte) bool {
	var v any
	return json.Unmarshal(text, &v) == nil && plainNamesIn(v)
}

func plainNamesIn(v any) bool {
	switch v := v.(type) {
	case []any:
		return !slices.ContainsFunc(v, func(v any) bool { return !plainNamesIn(v) })
	case map[string]any:
		seen := make(map[string]bool, len(v))
		for name, value := range v {
			low := strings.ToLower(name)
			if seen[low] || strings.ContainsFunc(name, func(c rune) bool { return c > '~' }) || !plainNamesIn(value) {
				return false
			}
			seen[low] = true
		}
	}
	return true
}

// readISO finds the document's parts, whether they stand in a receipt or in a graph.
func readISO(text []byte) (*isoDocument, error) {
	var d isoDocument
	var graph struct {
		Nodes []json.RawMessage `json:"@graph"`
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotThis, err)
	}
	if err := json.Unmarshal(text, &graph); err == nil {
		for _, node := range graph.Nodes {
			if err := d.place(node); err != nil {
				return nil, fmt.Errorf("%w: %w", ErrNotThis, err)
			}
		}
	}
	if d.Form != isoVersion || d.Receipt == nil || len(d.Records) == 0 || len(d.Entities) == 0 {
		return nil, fmt.Errorf("%w: it is not of the form %s", ErrNotThis, isoVersion)
	}
	return &d, nil
}

func (d *isoDocument) place(n json.RawMessage) error {
	var what struct {
		Type any `json:"@type"`
	}
	if err := json.Unmarshal(n, &what); err != nil {
		return err
	}
	switch what.Type {
	case "dpv:ConsentRecord":
		var r isoRecord
		if err := json.Unmarshal(n, &r); err != nil {
			return err
		}
		d.Records = append(d.Records, r)
	case "dpv:ConsentReceipt":
		return json.Unmarshal(n, d)
	default:
		var e isoEntity
		if err := json.Unmarshal(n, &e); err != nil {
			return err
		}
		d.Entities = append(d.Entities, e)
	}
	return nil
}

// agrees compares the document with the receipt, of which s is made.
func (d *isoDocument) agrees(s Source) error {
	bad := func(what string) error { return fmt.Errorf("%w: %s", ErrContradicts, what) }
	subject, err := s.subject()
	if err != nil {
		return err
	}
	if d.ID != s.Core.ID || d.Same != s.Core.ID || d.Node != s.iri("") {
		return bad("its id")
	}
	named := map[string]bool{}
	for _, r := range d.Records {
		id, rest, _ := strings.Cut(r.ID, "/")
		category, vendor, _ := strings.Cut(rest, "/")
		choice, asked := s.Core.Categories[category]
		if vendor != "" {
			choice, asked = s.Core.Vendors[vendor]
		}
		switch {
		case r.Same != r.ID, r.Node != s.iri(rest), r.Source != s.iri(""), r.By != s.iri("controller"):
			return bad("what record " + r.ID + " is called, or whose it is")
		case id != s.Core.ID, named[r.ID], !asked, category != r.Category, choice != r.Choice:
			return bad("the choice of record " + r.ID)
		case r.Subject.ID != subject:
			return bad("the data subject of record " + r.ID)
		case !same(r.Event, s.event(subject, category, choice)):
			return bad("the state, time or duration of record " + r.ID)
		case !sameParts(r.Notices, s.notices(), "dct:identifier"), !samePart(r.Law, s.law(), "dct:identifier"):
			return bad("the notices or the law of record " + r.ID)
		case !same(r.Where, s.jurisdiction()):
			return bad("the jurisdiction of record " + r.ID)
		}
		named[r.ID] = true
	}
	for category := range s.Core.Categories {
		if !named[s.Core.ID+"/"+category] {
			return bad("there is no record of " + category)
		}
	}
	controller := s.entities()[0].(node)
	for _, e := range d.Entities {
		if e.ID == s.iri("controller") {
			if e.Name != s.Core.Controller.Name || !same(e.Address, controller["schema:address"]) || !same(e.Contact, controller["schema:contactPoint"]) {
				return bad("the controller")
			}
			return nil
		}
	}
	return bad("the controller is missing")
}

// same reports whether JSON says what v does.
func same(text json.RawMessage, v any) bool {
	want, err := canonical.Encode(v)
	if err != nil {
		return false
	}
	got, err := canonical.Transform(text)
	return err == nil && string(got) == string(want)
}

// samePart reports whether one member of an object says what v's does.
func samePart(text json.RawMessage, v node, member string) bool {
	var got node
	return json.Unmarshal(text, &got) == nil && reflect.DeepEqual(got[member], v[member])
}

func sameParts(text json.RawMessage, all []any, member string) bool {
	var got []node
	if json.Unmarshal(text, &got) != nil || len(got) != len(all) {
		return false
	}
	for i, v := range all {
		if got[i][member] != v.(node)[member] {
			return false
		}
	}
	return true
}
