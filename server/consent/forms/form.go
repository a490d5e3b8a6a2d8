// Package forms says what a receipt says in the words of others: ISO/IEC TS 27560
// in JSON-LD with the W3C community's Data Privacy Vocabulary, Kantara's consent
// receipt, and both as a JWS. The receipt itself stays the evidence: each form is
// made from it and, where it can, carries it.
package forms

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/volenti-consent/volenti/server/consent"
)

// Errors of this package.
var (
	ErrUnknown = errors.New("a receipt has no such form")
	// ErrNotThis is returned for a document that is not of the form it is read as.
	ErrNotThis = errors.New("this is not a document of this form")
	// ErrContradicts is returned for a document that says other than the receipt in it.
	ErrContradicts = errors.New("the document says other than the receipt in it")
)

// A Form is one way to write a receipt down.
type Form struct {
	Name      string // in ?form= and --form: "27560"
	Version   string // stands in the document, and changes with its format: "27560/v1"
	MediaType string
	Extension string // of a file, with its point
	About     string // one line for people
	kind      string // of a JWS, its typ; "" for others
	write     func(Source) ([]byte, error)
}

// The versions of the forms. Each names what its documents may hold for ever;
// docs/receipt-forms.md says what a new one is for.
const (
	isoVersion     = "27560/v1"
	kantaraVersion = "kantara/v1"
	jwsVersion     = "receipt-jws/v1"
)

// all are the forms, as menus list them. The first is the receipt.
var all = []Form{
	{Name: "receipt", Version: consent.ReceiptSchema, MediaType: "application/json", Extension: ".json", About: "the receipt itself: JSON, signed", write: Source.receipt},
	{Name: "jws", Version: jwsVersion, MediaType: "application/jose", Extension: ".jws", About: "a signed token (compact JWS) without what tells one browser from others", kind: "receipt+jws", write: Source.token},
	{Name: "27560", Version: isoVersion, MediaType: "application/ld+json", Extension: ".jsonld", About: "a consent receipt by ISO/IEC TS 27560 in JSON-LD, with W3C DPV terms", write: Source.isoReceipt},
	{Name: "27560-record", Version: isoVersion, MediaType: "application/ld+json", Extension: ".jsonld", About: "the consent records by ISO/IEC TS 27560 alone, for a controller's register", write: Source.isoRecords},
	{Name: "27560-jws", Version: isoVersion, MediaType: "application/jose", Extension: ".jws", About: "the receipt by ISO/IEC TS 27560, signed as a whole (compact JWS)", kind: "receipt-27560+jws", write: Source.isoReceipt},
	{Name: "kantara", Version: kantaraVersion, MediaType: "application/json", Extension: ".json", About: "a Kantara consent receipt 1.1: JSON", write: Source.kantara},
	{Name: "kantara-jwt", Version: kantaraVersion, MediaType: "application/jwt", Extension: ".jwt", About: "a Kantara consent receipt 1.1, signed (JWT)", kind: "JWT", write: Source.kantara},
}

// All are the forms there are; the first is the receipt itself.
func All() []Form { return slices.Clone(all) }

// Of finds a form by its name; "" is the receipt itself. It fails with ErrUnknown.
func Of(name string) (Form, error) {
	if name == "" {
		return all[0], nil
	}
	var names []string
	for _, f := range all {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	return Form{}, fmt.Errorf("%w: it is one of %s", ErrUnknown, strings.Join(names, ", "))
}

// For finds the form that an Accept header asks for: the first of its media types
// that only one form answers, and else the receipt itself.
func For(accept string) Form {
	for part := range strings.SplitSeq(accept, ",") {
		media, parameters, _ := strings.Cut(part, ";")
		if strings.Contains(strings.ReplaceAll(parameters, " ", ""), "q=0") && !strings.Contains(parameters, "0.") {
			continue
		}
		switch strings.ToLower(strings.TrimSpace(media)) {
		case "application/json", "*/*", "application/*":
			return all[0]
		case "application/ld+json":
			return byName("27560")
		case "application/jose":
			return byName("jws")
		case "application/jwt":
			return byName("kantara-jwt")
		}
	}
	return all[0]
}

func byName(name string) Form {
	return all[slices.IndexFunc(all, func(f Form) bool { return f.Name == name })]
}

// Signed reports whether the form is signed anew, as a whole, when it is written.
func (f Form) Signed() bool { return f.kind != "" }

// Kind is the typ of the form's JWS; "" where it is none.
func (f Form) Kind() string { return f.kind }

// A Signer signs forms; consent.Keyring is one. It is safe for concurrent use.
type Signer interface {
	// SignJWS makes a compact JWS of a kind over canonical JSON.
	SignJWS(kind string, payload []byte) (string, error)
}

var _ Signer = (*consent.Keyring)(nil)

// Write is the receipt of s in this form: canonical JSON or, where the form is
// signed, a JWS over it. The same receipt gives the same bytes, but for a JWS, whose
// key may have been replaced. It fails with consent.ErrDamaged as EncodeReceipt does.
func (f Form) Write(s Source, signer Signer) ([]byte, error) {
	b, err := f.write(s)
	if err != nil {
		return nil, fmt.Errorf("receipt %s as %s: %w", s.Core.ID, f.Name, err)
	}
	if f.kind == "" {
		return b, nil
	}
	token, err := signer.SignJWS(f.kind, b)
	if err != nil {
		return nil, fmt.Errorf("receipt %s as %s: %w", s.Core.ID, f.Name, err)
	}
	return []byte(token), nil
}
