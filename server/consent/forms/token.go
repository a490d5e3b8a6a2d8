package forms

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
)

// claims is the payload of the jws form. No time of signing stands in it: when the
// record was made is in the record, and a form written years later says the same.
type claims struct {
	Form    string          `json:"form"`
	Issuer  string          `json:"iss,omitempty"` // the server's origin, where it is known
	ID      string          `json:"jti"`           // the receipt's
	Receipt json.RawMessage `json:"receipt"`
}

// token is the receipt without its personal half, for others than the visitor: core,
// leaf, and the commitment by which the leaf can still be recomputed.
func (s Source) token() ([]byte, error) {
	e := s.Entry
	if e.Personal != nil {
		var err error
		if e, err = consent.Minimise(e); err != nil {
			return nil, err
		}
	}
	receipt, err := consent.EncodeReceipt(e)
	if err != nil {
		return nil, err
	}
	return canonical.Encode(claims{jwsVersion, s.Origin, e.ReceiptID, receipt})
}

// A Verified is a document that was found to be what it says it is.
type Verified struct {
	Form   Form
	Report consent.Report // of the receipt in it; empty for Kantara's forms, which carry none
	KeyID  string         // of the signature over the whole; "" where there is none
}

// Verify checks a document of any form and any version that ever was. What is signed
// as a whole is checked as a whole. The receipt in it is verified, and what the
// document says beside it is compared with it, as far as the receipt says it too:
// choices, states, times, controller, notice, policies. A Kantara receipt in plain
// JSON can't be verified: it carries nothing that was signed; ErrNotThis.
func Verify(document []byte, keys consent.PublicKeys) (Verified, error) {
	text := bytes.TrimSpace(document)
	if len(text) == 0 || text[0] != '{' {
		return verifyJWS(string(text), keys)
	}
	var said struct {
		Context json.RawMessage `json:"@context"`
	}
	if json.Unmarshal(text, &said) == nil && said.Context != nil {
		return verifyISO(text, keys)
	}
	report, err := consent.Verify(text, keys)
	return Verified{Form: all[0], Report: report}, err
}

func verifyJWS(token string, keys consent.PublicKeys) (Verified, error) {
	for _, f := range all {
		if f.kind == "" {
			continue
		}
		payload, kid, err := keys.OpenJWS(f.kind, token)
		if isAnotherKind(err) {
			continue
		}
		v := Verified{Form: f, KeyID: kid}
		if err != nil {
			return v, err
		}
		switch f.Name {
		case "jws":
			v.Report, err = verifyClaims(payload, keys)
		case "27560-jws":
			var inner Verified
			inner, err = verifyISO(payload, keys)
			v.Report = inner.Report
		default:
			_, err = ReadKantara(payload)
		}
		return v, err
	}
	return Verified{}, fmt.Errorf("%w: neither a receipt nor a JWS of one", ErrNotThis)
}

func verifyClaims(payload []byte, keys consent.PublicKeys) (consent.Report, error) {
	var c claims
	if err := canonical.Decode(payload, &c); err != nil || c.Form != jwsVersion {
		return consent.Report{}, fmt.Errorf("%w: its payload is not %s", ErrNotThis, jwsVersion)
	}
	report, err := consent.Verify(c.Receipt, keys)
	if err == nil && report.ID != c.ID {
		err = fmt.Errorf("%w: its id", ErrContradicts)
	}
	return report, err
}

// WriteTo writes for people what was checked, and what the record says.
func (v Verified) WriteTo(w io.Writer) (int64, error) {
	var n int64
	if v.KeyID != "" && v.Form.Signed() {
		written, err := fmt.Fprintf(w, "signed as a whole, as %s, by key %s\n", v.Form.Name, v.KeyID)
		if n = int64(written); err != nil {
			return n, err
		}
	}
	more, err := v.Report.WriteTo(w)
	return n + more, err
}
