package consent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
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
	Schema string   `json:"schema"`
	Token  [][]byte `json:"token"`
	Cookie [][]byte `json:"cookie"`
}

// OpenSecrets reads secrets.json in folder, or makes it of random. Losing it
// loses no evidence: visitors are asked again.
func OpenSecrets(folder string, random io.Reader) (Secrets, error) {
	return openKept(folder, random, readSecrets, renewSecrets)
}

// RotateSecrets puts new secrets of random before the current ones and forgets
// those before. Tokens and cookies made with the current ones stay valid until
// the next rotation: leave at least thirteen months between two, since a cookie
// may be that old.
func RotateSecrets(folder string, random io.Reader) (Secrets, error) {
	return rotateKept(folder, random, readSecrets, renewSecrets)
}

func renewSecrets(folder string, old Secrets, random io.Reader) (Secrets, error) {
	fresh := make([]byte, tokenKeySize+cookieKeySize)
	if _, err := io.ReadFull(random, fresh); err != nil {
		return Secrets{}, fmt.Errorf("make secrets: %w", err)
	}
	s := Secrets{
		Token:  append([][]byte{fresh[:tokenKeySize]}, old.Token...),
		Cookie: append([][]byte{fresh[tokenKeySize:]}, old.Cookie...),
	}
	s.Token, s.Cookie = s.Token[:min(keptSecrets, len(s.Token))], s.Cookie[:min(keptSecrets, len(s.Cookie))]
	if err := writeSecrets(folder, secretsFile, secretsDocument{secretsSchema, s.Token, s.Cookie}); err != nil {
		return Secrets{}, err
	}
	return s, nil
}

func readSecrets(folder string) (Secrets, error) {
	path := filepath.Join(folder, secretsFile)
	b, err := readSecret(path)
	if err != nil {
		return Secrets{}, err
	}
	var d secretsDocument
	if err := json.Unmarshal(b, &d); err != nil || d.Schema != secretsSchema || !allOf(d.Token, tokenKeySize) || !allOf(d.Cookie, cookieKeySize) {
		return Secrets{}, fmt.Errorf("%s is not a file of secrets: restore it from a backup, or remove it, and visitors are asked again", path)
	}
	return Secrets{Token: d.Token, Cookie: d.Cookie}, nil
}

// openKept is what read finds in folder, or what renew makes where there is
// nothing yet. One process at a time looks.
func openKept[S any](folder string, random io.Reader, read func(string) (S, error), renew func(string, S, io.Reader) (S, error)) (S, error) {
	var none S
	unlock, err := lockKeys(folder)
	if err != nil {
		return none, err
	}
	defer unlock()
	s, err := read(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return renew(folder, none, random)
	}
	return s, err
}

// rotateKept is what renew makes of what read finds in folder.
func rotateKept[S any](folder string, random io.Reader, read func(string) (S, error), renew func(string, S, io.Reader) (S, error)) (S, error) {
	var none S
	unlock, err := lockKeys(folder)
	if err != nil {
		return none, err
	}
	defer unlock()
	s, err := read(folder)
	if err != nil {
		return none, err
	}
	return renew(folder, s, random)
}

// writeSecrets keeps a document of secrets for its owner alone.
func writeSecrets(folder, file string, document any) error {
	b, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return writeFile(filepath.Join(folder, file), append(b, '\n'), 0o600)
}

func allOf(keys [][]byte, size int) bool {
	for _, k := range keys {
		if len(k) != size {
			return false
		}
	}
	return len(keys) > 0
}
