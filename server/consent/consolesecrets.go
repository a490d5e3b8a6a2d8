package consent

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
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
	Schema  string   `json:"schema"`
	Session [][]byte `json:"session"`
	Vault   [][]byte `json:"vault"`
}

// OpenConsoleSecrets reads console.json in folder, or makes it of random. Losing
// it loses no evidence: operators sign in again, and set up their codes again.
func OpenConsoleSecrets(folder string, random io.Reader) (ConsoleSecrets, error) {
	return openKept(folder, random, readConsoleSecrets, renewConsoleSecrets)
}

// RotateConsoleSecrets puts new secrets of random before the current ones. Who is
// signed in stays so until the next rotation; second factors are readable for good.
func RotateConsoleSecrets(folder string, random io.Reader) (ConsoleSecrets, error) {
	return rotateKept(folder, random, readConsoleSecrets, renewConsoleSecrets)
}

func renewConsoleSecrets(folder string, old ConsoleSecrets, random io.Reader) (ConsoleSecrets, error) {
	fresh := make([]byte, sessionKeySize+vaultKeySize)
	if _, err := io.ReadFull(random, fresh); err != nil {
		return ConsoleSecrets{}, fmt.Errorf("make secrets of the console: %w", err)
	}
	s := ConsoleSecrets{
		Session: append([][]byte{fresh[:sessionKeySize]}, old.Session...),
		Vault:   append([][]byte{fresh[sessionKeySize:]}, old.Vault...),
	}
	s.Session = s.Session[:min(keptSecrets, len(s.Session))]
	if err := writeSecrets(folder, consoleFile, consoleDocument{consoleSchema, s.Session, s.Vault}); err != nil {
		return ConsoleSecrets{}, err
	}
	return s, nil
}

func readConsoleSecrets(folder string) (ConsoleSecrets, error) {
	path := filepath.Join(folder, consoleFile)
	b, err := readSecret(path)
	if err != nil {
		return ConsoleSecrets{}, err
	}
	var d consoleDocument
	if err := json.Unmarshal(b, &d); err != nil || d.Schema != consoleSchema || !allOf(d.Session, sessionKeySize) || !allOf(d.Vault, vaultKeySize) {
		return ConsoleSecrets{}, fmt.Errorf("%s is not a file of secrets: restore it from a backup, or remove it, and operators whose codes it sealed need a new link", path)
	}
	return ConsoleSecrets{Session: d.Session, Vault: d.Vault}, nil
}
