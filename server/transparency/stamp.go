package transparency

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	_ "crypto/sha512" // digests of authorities
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// A time stamp is a token of RFC 3161: an authority's signature (CMS, RFC 5652) over
// the hash of a checkpoint and a time. Of a qualified authority the law presumes that
// both are right (Regulation (EU) 910/2014 Art. 41(2)).

// ErrStamp: an answer that is no time stamp of what was asked.
var ErrStamp = errors.New("this is not a time stamp of the checkpoint")

// mostToken bounds what is read of an answer: a token brings its certificates.
const mostToken = 256 << 10

var (
	oidSHA256       = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidSHA384       = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}
	oidSHA512       = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}
	oidSignedData   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidTSTInfo      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	oidContentType  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidDigest       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningCert  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 12} // SHA-1, RFC 2634
	oidSigningCert2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47} // RFC 5816
)

type messageImprint struct {
	Algorithm pkix.AlgorithmIdentifier
	Hash      []byte
}

type stampRequest struct {
	Version      int
	Imprint      messageImprint
	Nonce        *big.Int
	Certificates bool
}

type stampResponse struct {
	Status struct {
		Status int
		Text   []asn1.RawValue `asn1:"optional"`
		Info   asn1.BitString  `asn1:"optional"`
	}
	Token asn1.RawValue `asn1:"optional"`
}

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"explicit,tag:0"`
}

type signedData struct {
	Version int
	Digests []pkix.AlgorithmIdentifier `asn1:"set"`
	Content struct {
		Type    asn1.ObjectIdentifier
		Content []byte `asn1:"explicit,tag:0"`
	}
	Certificates asn1.RawValue `asn1:"optional,tag:0"`
	Revoked      asn1.RawValue `asn1:"optional,tag:1"`
	Signers      []signerInfo  `asn1:"set"`
}

type signerInfo struct {
	Version    int
	Signer     asn1.RawValue
	Digest     pkix.AlgorithmIdentifier
	Attributes asn1.RawValue `asn1:"optional,tag:0"`
	Algorithm  pkix.AlgorithmIdentifier
	Signature  []byte
	Unsigned   asn1.RawValue `asn1:"optional,tag:1"`
}

type attribute struct {
	Type   asn1.ObjectIdentifier
	Values []asn1.RawValue `asn1:"set"`
}

// stampInfo is what is signed.
type stampInfo struct {
	Version  int
	Policy   asn1.ObjectIdentifier
	Imprint  messageImprint
	Serial   *big.Int
	Time     time.Time `asn1:"generalized"`
	Accuracy struct {
		Seconds int `asn1:"optional"`
		Millis  int `asn1:"optional,tag:0"`
		Micros  int `asn1:"optional,tag:1"`
	} `asn1:"optional"`
	Ordering   bool          `asn1:"optional"`
	Nonce      *big.Int      `asn1:"optional"`
	Authority  asn1.RawValue `asn1:"optional,tag:0"`
	Extensions asn1.RawValue `asn1:"optional,tag:1"`
}

// stamp asks the authority at an address for a time stamp of b. The answer is the
// token, which was verified.
func stamp(ctx context.Context, address string, b []byte, now time.Time) ([]byte, error) {
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return nil, err
	}
	request, err := asn1.Marshal(stampRequest{1, imprintOf(b), nonce, true})
	if err != nil {
		return nil, err
	}
	answer, err := send(ctx, address, "application/timestamp-query", request)
	if err != nil {
		return nil, err
	}
	var r stampResponse
	if err := whole(answer, &r); err != nil {
		return nil, fmt.Errorf("answer of the authority: %w", err)
	}
	if r.Status.Status > 1 || len(r.Token.FullBytes) == 0 { // 0 granted, 1 with changes
		return nil, fmt.Errorf("the authority refuses, status %d: %w", r.Status.Status, ErrStamp)
	}
	s, err := VerifyStamp(r.Token.FullBytes, b)
	if err != nil {
		return nil, err
	}
	const tolerance = time.Hour // clocks differ; years do not
	if s.nonce == nil || s.nonce.Cmp(nonce) != 0 {
		return nil, fmt.Errorf("it answers another request: %w", ErrStamp)
	}
	if d := s.At.Sub(now).Abs(); d > tolerance {
		return nil, fmt.Errorf("it says %s, and it is %s here: %w", s.At.Format(time.RFC3339), now.UTC().Format(time.RFC3339), ErrStamp)
	}
	return r.Token.FullBytes, nil
}

func imprintOf(b []byte) messageImprint {
	sum := sha256.Sum256(b)
	return messageImprint{pkix.AlgorithmIdentifier{Algorithm: oidSHA256, Parameters: asn1.NullRawValue}, sum[:]}
}

// A Stamp is what a token says.
type Stamp struct {
	At           time.Time
	Serial       *big.Int
	Certificate  *x509.Certificate   // of the authority, for time stamping alone
	Certificates []*x509.Certificate // all that came with it; whether to trust them is the reader's to say

	nonce *big.Int
}

// VerifyStamp makes sure that a token is a time stamp of b, signed by the certificate
// it names, which is one for time stamping. It does not judge whether that certificate
// is to be trusted: that is for whoever is shown it, with the roots they know.
func VerifyStamp(token, b []byte) (Stamp, error) {
	var outer contentInfo
	if err := whole(token, &outer); err != nil {
		return Stamp{}, err
	}
	var data signedData
	if !outer.Type.Equal(oidSignedData) {
		return Stamp{}, fmt.Errorf("no signed data: %w", ErrStamp)
	}
	if err := whole(outer.Content.Bytes, &data); err != nil {
		return Stamp{}, err
	}
	var info stampInfo
	if !data.Content.Type.Equal(oidTSTInfo) {
		return Stamp{}, fmt.Errorf("what is signed is no time stamp: %w", ErrStamp)
	}
	if err := whole(data.Content.Content, &info); err != nil {
		return Stamp{}, err
	}
	want := imprintOf(b)
	if !info.Imprint.Algorithm.Algorithm.Equal(oidSHA256) || !bytes.Equal(info.Imprint.Hash, want.Hash) {
		return Stamp{}, fmt.Errorf("it stamps something else: %w", ErrStamp)
	}
	certificates, err := x509.ParseCertificates(data.Certificates.Bytes)
	if err != nil || len(data.Signers) != 1 {
		return Stamp{}, fmt.Errorf("its certificates, of %d signers: %w", len(data.Signers), errors.Join(ErrStamp, err))
	}
	signer, err := verifySigner(data.Signers[0], data.Content.Content, certificates)
	if err != nil {
		return Stamp{}, err
	}
	return Stamp{At: info.Time.UTC(), Serial: info.Serial, Certificate: signer, Certificates: certificates, nonce: info.Nonce}, nil
}

// verifySigner finds the certificate that signed content. The attributes that are
// signed name the content by its digest, and the certificate by its own.
func verifySigner(s signerInfo, content []byte, certificates []*x509.Certificate) (*x509.Certificate, error) {
	hash, err := hashOf(s.Digest.Algorithm)
	if err != nil {
		return nil, err
	}
	var attributes []attribute
	if len(s.Attributes.FullBytes) == 0 {
		return nil, fmt.Errorf("it signs no attributes: %w", ErrStamp)
	}
	signed := bytes.Clone(s.Attributes.FullBytes)
	signed[0] = asn1.TagSet | 0x20 // it is signed as what it is, not under its tag (RFC 5652 § 5.4)
	if rest, err := asn1.UnmarshalWithParams(signed, &attributes, "set"); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("its attributes: %w", errors.Join(ErrStamp, err))
	}
	h := hash.New()
	h.Write(content)
	var kind asn1.ObjectIdentifier
	var digest []byte
	named := func(*x509.Certificate) bool { return false }
	for _, a := range attributes {
		if len(a.Values) != 1 {
			continue
		}
		switch value := a.Values[0].FullBytes; {
		case a.Type.Equal(oidContentType):
			err = whole(value, &kind)
		case a.Type.Equal(oidDigest):
			err = whole(value, &digest)
		case a.Type.Equal(oidSigningCert), a.Type.Equal(oidSigningCert2):
			named, err = namedCertificate(a.Type.Equal(oidSigningCert), value)
		}
		if err != nil {
			return nil, err
		}
	}
	if !kind.Equal(oidTSTInfo) || !bytes.Equal(digest, h.Sum(nil)) {
		return nil, fmt.Errorf("the signature is not over this time: %w", ErrStamp)
	}
	for _, c := range certificates {
		if !named(c) {
			continue
		}
		if len(c.ExtKeyUsage) != 1 || c.ExtKeyUsage[0] != x509.ExtKeyUsageTimeStamping { // RFC 3161 § 2.3
			return nil, fmt.Errorf("%s is no certificate for time stamping alone: %w", c.Subject, ErrStamp)
		}
		algorithm, err := algorithmOf(c, s.Algorithm.Algorithm, hash)
		if err == nil {
			err = c.CheckSignature(algorithm, signed, s.Signature)
		}
		if err != nil {
			return nil, fmt.Errorf("signature of %s: %w: %w", c.Subject, ErrStamp, err)
		}
		return c, nil
	}
	return nil, fmt.Errorf("the certificate that it names did not come with it: %w", ErrStamp)
}

// whole reads DER that holds nothing else.
func whole(der []byte, into any) error {
	rest, err := asn1.Unmarshal(der, into)
	if err != nil || len(rest) > 0 {
		return fmt.Errorf("%w: %w", ErrStamp, errors.Join(err, trailing(rest)))
	}
	return nil
}

func trailing(rest []byte) error {
	if len(rest) > 0 {
		return fmt.Errorf("%d bytes too many", len(rest))
	}
	return nil
}

func hashOf(oid asn1.ObjectIdentifier) (crypto.Hash, error) {
	switch {
	case oid.Equal(oidSHA256):
		return crypto.SHA256, nil
	case oid.Equal(oidSHA384):
		return crypto.SHA384, nil
	case oid.Equal(oidSHA512):
		return crypto.SHA512, nil
	}
	return 0, fmt.Errorf("a digest by %s counts for nothing: %w", oid, ErrStamp)
}
