package consent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
)

const (
	secretsSchema = "secrets/v1"
	secretsFile   = "secrets.json"
	cookieKeySize = 64 // the block size of SHA-256: HMAC takes it without hashing it first
	keptSecrets   = 2  // the current one and the one before
)

// Secrets are the symmetric keys of one server or of all nodes of one: the first
// of each list is used, those after it still verify.
type Secrets struct {
	Token  [][]byte // of served tokens, 32 bytes each
	Cookie [][]byte // of the cookie, 64 bytes each
}

type secretsDocument struct {
	Schema     string   `json:"schema"`
	Token      [][]byte `json:"token"`
	Cookie     [][]byte `json:"cookie"`
	NextToken  []byte   `json:"next_token,omitempty"` // announced: verifies already
	NextCookie []byte   `json:"next_cookie,omitempty"`
}

// OpenSecrets reads secrets.json of a store, or makes it of random. Losing it
// loses no evidence: visitors are asked again.
func OpenSecrets(store KeyStore, random io.Reader) (Secrets, error) {
	d, err := openKept(store, secretsFile, random, parseSecrets, renewSecrets)
	return d.secrets(), err
}

// AnnounceSecrets makes new secrets of random that verify from now on, and are used from
// the next RotateSecrets on. In between there is time for every process to read them:
// else one could be brought what was made with a secret it does not know.
func AnnounceSecrets(store KeyStore, random io.Reader) (Secrets, error) {
	d, err := changeKept(store, secretsFile, parseSecrets, func(d *secretsDocument) error {
		if d.NextToken != nil {
			return nil // an earlier rotation broke off
		}
		fresh, err := randomBytes(random, tokenKeySize+cookieKeySize)
		if err == nil {
			d.NextToken, d.NextCookie = fresh[:tokenKeySize], fresh[tokenKeySize:]
		}
		return err
	})
	return d.secrets(), err
}

// RotateSecrets puts new secrets before the current ones, those announced if there are
// such, else ones of random, and forgets those before. Tokens and cookies made with the
// current ones stay valid until the next rotation: leave at least thirteen months
// between two, since a cookie may be that old.
func RotateSecrets(store KeyStore, random io.Reader) (Secrets, error) {
	d, err := changeKept(store, secretsFile, parseSecrets, func(d *secretsDocument) error { return renewSecrets(d, random) })
	return d.secrets(), err
}

func renewSecrets(d *secretsDocument, random io.Reader) error {
	if d.NextToken == nil || d.NextCookie == nil {
		fresh, err := randomBytes(random, tokenKeySize+cookieKeySize)
		if err != nil {
			return fmt.Errorf("make secrets: %w", err)
		}
		d.NextToken, d.NextCookie = fresh[:tokenKeySize], fresh[tokenKeySize:]
	}
	d.Schema = secretsSchema
	d.Token, d.Cookie = append([][]byte{d.NextToken}, d.Token...), append([][]byte{d.NextCookie}, d.Cookie...)
	d.Token, d.Cookie = d.Token[:min(keptSecrets, len(d.Token))], d.Cookie[:min(keptSecrets, len(d.Cookie))]
	d.NextToken, d.NextCookie = nil, nil
	return nil
}

func (d secretsDocument) secrets() Secrets {
	return Secrets{Token: withNext(d.Token, d.NextToken), Cookie: withNext(d.Cookie, d.NextCookie)}
}

// withNext are keys of which the last is not used yet.
func withNext(keys [][]byte, next []byte) [][]byte {
	if next == nil {
		return keys
	}
	return append(slices.Clone(keys), next)
}

func parseSecrets(text []byte) (secretsDocument, error) {
	var d secretsDocument
	if err := json.Unmarshal(text, &d); err != nil || d.Schema != secretsSchema || !allOf(d.Token, tokenKeySize) || !allOf(d.Cookie, cookieKeySize) ||
		!allOf(withNext(d.Token, d.NextToken), tokenKeySize) || !allOf(withNext(d.Cookie, d.NextCookie), cookieKeySize) {
		return secretsDocument{}, errors.New("this is not a file of secrets: restore it from a backup, or remove it, and visitors are asked again")
	}
	return d, nil
}

func randomBytes(random io.Reader, n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(random, b)
	return b, err
}

// openKept is the document of a name, or what renew makes where there is nothing yet.
// One process at a time looks.
func openKept[D any](store KeyStore, name string, random io.Reader, parse func([]byte) (D, error), renew func(*D, io.Reader) error) (d D, err error) {
	err = store.ChangeKeys(func(w KeyWriter) (err error) {
		if d, err = readKept(w, name, parse); errors.Is(err, fs.ErrNotExist) {
			var first D
			if err = renew(&first, random); err == nil {
				d, err = first, writeKept(w, name, first)
			}
		}
		return err
	})
	return d, err
}

// changeKept changes a document that is there.
func changeKept[D any](store KeyStore, name string, parse func([]byte) (D, error), change func(*D) error) (d D, err error) {
	err = store.ChangeKeys(func(w KeyWriter) (err error) {
		if d, err = readKept(w, name, parse); err != nil {
			return err
		}
		if err = change(&d); err != nil {
			return err
		}
		return writeKept(w, name, d)
	})
	return d, err
}

func readKept[D any](r keyReader, name string, parse func([]byte) (D, error)) (d D, err error) {
	text, err := r.ReadKey(name)
	if err != nil {
		return d, err
	}
	if d, err = parse(text); err != nil {
		return d, fmt.Errorf("%s: %w", r.Where(name), err)
	}
	return d, nil
}

func writeKept(w KeyWriter, name string, document any) error {
	b, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return w.WriteKey(name, append(b, '\n'), true)
}

func allOf(keys [][]byte, size int) bool {
	for _, k := range keys {
		if len(k) != size {
			return false
		}
	}
	return len(keys) > 0
}
