package transparency

import (
	"bytes"
	"crypto"
	"crypto/sha1" //nolint:gosec // RFC 2634 names certificates so; what is signed is not hashed by it
	"crypto/x509"
	"encoding/asn1"
	"fmt"
)

// namedCertificate reads which certificate the signed attributes name: by SHA-1 in the
// older attribute (RFC 2634 § 5.4), by SHA-256 or another in the newer (RFC 5816). The
// first one named is that of the signer.
func namedCertificate(older bool, value []byte) (func(*x509.Certificate) bool, error) {
	var list struct {
		Certificates []asn1.RawValue
		Policies     asn1.RawValue `asn1:"optional"`
	}
	if err := whole(value, &list); err != nil {
		return nil, err
	}
	if len(list.Certificates) == 0 {
		return nil, fmt.Errorf("no certificate is named: %w", ErrStamp)
	}
	first := list.Certificates[0].Bytes
	hash := crypto.SHA256
	var digest []byte
	// The algorithm is left out where it is SHA-256, and is not there in the older form.
	var algorithm struct{ Algorithm asn1.ObjectIdentifier }
	if rest, err := asn1.Unmarshal(first, &algorithm); err == nil && !older {
		if hash, err = hashOf(algorithm.Algorithm); err != nil {
			return nil, err
		}
		first = rest
	}
	if _, err := asn1.Unmarshal(first, &digest); err != nil {
		return nil, fmt.Errorf("digest of its certificate: %w: %w", ErrStamp, err)
	}
	return func(c *x509.Certificate) bool {
		if older {
			sum := sha1.Sum(c.Raw) //nolint:gosec // see the import
			return bytes.Equal(sum[:], digest)
		}
		h := hash.New()
		h.Write(c.Raw)
		return bytes.Equal(h.Sum(nil), digest)
	}, nil
}

var (
	oidRSA     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidRSAPSS  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	oidEd25519 = asn1.ObjectIdentifier{1, 3, 101, 112}
)

// algorithmOf is how a key of c signs what is hashed by hash. CMS names RSA by the key
// alone or with the hash.
func algorithmOf(c *x509.Certificate, oid asn1.ObjectIdentifier, hash crypto.Hash) (x509.SignatureAlgorithm, error) {
	if oid.Equal(oidEd25519) {
		return x509.PureEd25519, nil
	}
	byHash := map[crypto.Hash][3]x509.SignatureAlgorithm{
		crypto.SHA256: {x509.SHA256WithRSA, x509.SHA256WithRSAPSS, x509.ECDSAWithSHA256},
		crypto.SHA384: {x509.SHA384WithRSA, x509.SHA384WithRSAPSS, x509.ECDSAWithSHA384},
		crypto.SHA512: {x509.SHA512WithRSA, x509.SHA512WithRSAPSS, x509.ECDSAWithSHA512},
	}[hash]
	switch {
	case c.PublicKeyAlgorithm == x509.ECDSA:
		return byHash[2], nil
	case c.PublicKeyAlgorithm == x509.RSA && oid.Equal(oidRSAPSS):
		return byHash[1], nil
	case c.PublicKeyAlgorithm == x509.RSA && (oid.Equal(oidRSA) || (len(oid) == 7 && oid[:6].Equal(oidRSA[:6]))):
		return byHash[0], nil
	}
	return 0, fmt.Errorf("a signature by %s is not known here: %w", oid, ErrStamp)
}
