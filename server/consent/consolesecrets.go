package consent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

const (
	consoleSchema  = "console-secrets/v1"
	consoleFile    = "console.json"
	sessionKeySize = 96 // 64 to sign, 32 to encrypt
	vaultKeySize   = 32
)

// ConsoleSecrets are the symmetric keys of the console: the first of each list is
// used, those after it still read.
type ConsoleSecrets struct {
	Session [][]byte // of its cookies: 64 bytes to sign and 32 to encrypt; two are kept
	Vault   [][]byte // of second factors in the database, 32 bytes each; all are kept
}

type consoleDocument struct {
	Schema      string   `json:"schema"`
	Session     [][]byte `json:"session"`
	Vault       [][]byte `json:"vault"`
	NextSession []byte   `json:"next_session,omitempty"` // announced: reads already
	NextVault   []byte   `json:"next_vault,omitempty"`
}

// OpenConsoleSecrets reads console.json of a store, or makes it of random. Losing
// it loses no evidence: operators sign in again, and set up their codes again.
func OpenConsoleSecrets(store KeyStore, random io.Reader) (ConsoleSecrets, error) {
	d, err := openKept(store, consoleFile, random, parseConsoleSecrets, renewConsoleSecrets)
	return d.secrets(), err
}

// AnnounceConsoleSecrets is AnnounceSecrets for those of the console.
func AnnounceConsoleSecrets(store KeyStore, random io.Reader) (ConsoleSecrets, error) {
	d, err := changeKept(store, consoleFile, parseConsoleSecrets, func(d *consoleDocument) error {
		if d.NextSession != nil {
			return nil // an earlier rotation broke off
		}
		fresh, err := randomBytes(random, sessionKeySize+vaultKeySize)
		if err == nil {
			d.NextSession, d.NextVault = fresh[:sessionKeySize], fresh[sessionKeySize:]
		}
		return err
	})
	return d.secrets(), err
}

// RotateConsoleSecrets puts new secrets before the current ones, those announced or ones
// of random. Who is signed in stays so until the next rotation; second factors are
// readable for good.
func RotateConsoleSecrets(store KeyStore, random io.Reader) (ConsoleSecrets, error) {
	d, err := changeKept(store, consoleFile, parseConsoleSecrets, func(d *consoleDocument) error { return renewConsoleSecrets(d, random) })
	return d.secrets(), err
}

func renewConsoleSecrets(d *consoleDocument, random io.Reader) error {
	if d.NextSession == nil || d.NextVault == nil {
		fresh, err := randomBytes(random, sessionKeySize+vaultKeySize)
		if err != nil {
			return fmt.Errorf("make secrets of the console: %w", err)
		}
		d.NextSession, d.NextVault = fresh[:sessionKeySize], fresh[sessionKeySize:]
	}
	d.Schema = consoleSchema
	d.Session, d.Vault = append([][]byte{d.NextSession}, d.Session...), append([][]byte{d.NextVault}, d.Vault...)
	d.Session = d.Session[:min(keptSecrets, len(d.Session))]
	d.NextSession, d.NextVault = nil, nil
	return nil
}

func (d consoleDocument) secrets() ConsoleSecrets {
	return ConsoleSecrets{Session: withNext(d.Session, d.NextSession), Vault: withNext(d.Vault, d.NextVault)}
}

func parseConsoleSecrets(text []byte) (consoleDocument, error) {
	var d consoleDocument
	if err := json.Unmarshal(text, &d); err != nil || d.Schema != consoleSchema || !allOf(d.Session, sessionKeySize) || !allOf(d.Vault, vaultKeySize) ||
		!allOf(withNext(d.Session, d.NextSession), sessionKeySize) || !allOf(withNext(d.Vault, d.NextVault), vaultKeySize) {
		return consoleDocument{}, errors.New("this is not a file of secrets: restore it from a backup, or remove it, and operators whose codes it sealed need a new link")
	}
	return d, nil
}
