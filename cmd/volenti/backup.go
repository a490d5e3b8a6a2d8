package main

import (
	"archive/tar"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/argon2"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/store"
)

func backupCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the database into a file, while the server runs",
		Long: `Copy the database, as it is at one moment, into a new file: every decision that was
answered before is in it. The copy is checked before the command ends. What was erased
is not in it, and what is erased later has to be erased in it when it is restored: see
volenti restore.

The keys are in it only with --keys, and then only sealed with a passphrase.

Of a PostgreSQL database the copy is of the same kind, from one snapshot: volenti
restore makes an installation on either engine of it.`,
		Example: `  volenti backup /var/backups/volenti-monday.db
  volenti backup /var/backups/volenti-monday.db --keys --passphrase-file /root/volenti.pass`,
		Args: cobra.ExactArgs(1),
	}
	data := dataFlag(cmd)
	withKeys := cmd.Flags().Bool("keys", false, "put the keys in, sealed with a passphrase")
	phrase := passphraseFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var pass []byte
		if *withKeys {
			var err error
			if pass, err = readPassphrase(cmd.InOrStdin(), *phrase); err != nil {
				return err
			}
		} else if *phrase != "" {
			return usage(errors.New("--passphrase-file seals the keys: say --keys, too"))
		}
		return withDatabase(cmd.Context(), *data, func(db *store.DB) error {
			var sealed []byte
			if *withKeys {
				keys, err := data.keyStore(db)
				if err != nil {
					return err
				}
				packed, err := packKeys(keys)
				if err != nil {
					return err
				}
				sealed = sealKeys(packed, pass)
			}
			b, err := makeBackup(cmd.Context(), db, data.data, args[0], sealed)
			if errors.Is(err, os.ErrExist) {
				return usage(err)
			}
			if err != nil {
				return err
			}
			what := "without the keys: copy " + keysFolder(data.data) + " to a safe place of its own"
			if data.shared() {
				what = "its keys are of use with their secret alone: copy that to a safe place of its own, or say --keys"
			}
			if *withKeys {
				what = "with the keys, sealed"
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: checked; %d leaves, root %s; %s\n", args[0], b.Head.Size, b.Head.Root, what)
			return err
		})
	}
	return cmd
}

func passphraseFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("passphrase-file", "", "file with the passphrase of the keys; - is standard input")
}

// fewestPassphrase is how long a passphrase has to be: whoever gets the file can guess
// as long as he likes.
const fewestPassphrase = 16

// readPassphrase reads the first line of a file. A flag would be seen by others.
func readPassphrase(in io.Reader, path string) ([]byte, error) {
	if path == "" {
		return nil, usage(errors.New("keys leave this machine sealed or not at all: name a file with --passphrase-file"))
	}
	var text []byte
	var err error
	if path == "-" {
		text, err = io.ReadAll(io.LimitReader(in, 4096))
	} else {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, usage(err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimSuffix(line, "\r"); len([]rune(line)) < fewestPassphrase {
		return nil, usage(fmt.Errorf("the passphrase has fewer than %d characters: take five words or more", fewestPassphrase))
	}
	return []byte(line), nil
}

// sealedPrefix says how keys are sealed: Argon2id (RFC 9106, 64 MiB, three passes) makes
// a key of the passphrase, AES-256-GCM seals.
const (
	sealedPrefix = "volenti keys v1\n"
	sealedSalt   = 16
)

func sealer(pass, salt []byte) cipher.AEAD {
	block, err := aes.NewCipher(argon2.IDKey(pass, salt, 3, 64<<10, 1, 32))
	if err != nil {
		panic(err) // 32 bytes are a key
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return aead
}

func sealKeys(packed, pass []byte) []byte {
	random := make([]byte, sealedSalt+12)
	_, _ = rand.Read(random) // never fails
	out := append([]byte(sealedPrefix), random...)
	return sealer(pass, random[:sealedSalt]).Seal(out, random[sealedSalt:], packed, []byte(sealedPrefix))
}

func openKeys(sealed, pass []byte) ([]byte, error) {
	rest, ok := bytes.CutPrefix(sealed, []byte(sealedPrefix))
	if !ok || len(rest) < sealedSalt+12 {
		return nil, errors.New("the keys in this backup are sealed by another version")
	}
	packed, err := sealer(pass, rest[:sealedSalt]).Open(nil, rest[sealedSalt:sealedSalt+12], rest[sealedSalt+12:], []byte(sealedPrefix))
	if err != nil {
		return nil, invalid(errors.New("this is not the passphrase of the keys in this backup, or they were altered"))
	}
	return packed, nil
}

// packKeys is a tar of all keys, as files.
func packKeys(keys consent.KeyStore) ([]byte, error) {
	names, err := keys.KeyNames()
	if err != nil {
		return nil, usage(err)
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, name := range names {
		b, err := keys.ReadKey(name)
		if err != nil {
			return nil, err
		}
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(b))}); err != nil {
			return nil, err
		}
		if _, err := w.Write(b); err != nil {
			return nil, err
		}
	}
	err = w.Close() // before the bytes are taken: it writes the end
	return out.Bytes(), err
}

// unpackFolder writes such files into a folder that has none yet.
func unpackFolder(packed []byte, folder string) error {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return usage(fmt.Errorf("%w: keys are put into a data folder that has none", err))
	}
	r := tar.NewReader(bytes.NewReader(packed))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Name != filepath.Base(h.Name) || strings.HasPrefix(h.Name, ".") {
			return fmt.Errorf("%q is no name of a key", h.Name)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(h.Name)), b, 0o600); err != nil {
			return err
		}
	}
}
