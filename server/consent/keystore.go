package consent

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A KeyStore keeps the keys of an installation as texts with names, for all its
// processes: KeyFolder is one, SealedKeys another. It is safe for concurrent use.
type KeyStore interface {
	// ReadKey is what is kept under a name; fs.ErrNotExist where there is nothing.
	ReadKey(name string) ([]byte, error)
	// KeyNames are all names, sorted.
	KeyNames() ([]string, error)
	// ChangeKeys calls change while nobody else changes any. It may be called again if
	// what it did could not be kept.
	ChangeKeys(change func(KeyWriter) error) error
	// KeyState is a text that is another one after every change.
	KeyState() (string, error)
	// Where says where a name stands, for messages.
	Where(name string) string
}

// A KeyWriter is what a change is made with.
type KeyWriter interface {
	ReadKey(name string) ([]byte, error)
	KeyNames() ([]string, error)
	Where(name string) string
	// WriteKey keeps a text, durably. secret is false for public halves.
	WriteKey(name string, text []byte, secret bool) error
	// RemoveKey forgets a name; fs.ErrNotExist where there is none.
	RemoveKey(name string) error
}

// keyReader is what both can do.
type keyReader interface {
	ReadKey(name string) ([]byte, error)
	KeyNames() ([]string, error)
	Where(name string) string
}

// A KeyFolder is a folder with a file for each name, readable by its owner alone.
type KeyFolder string

var (
	_ KeyStore  = KeyFolder("")
	_ KeyWriter = KeyFolder("")
)

// ReadKey reads a file. ErrExposed where others can read a secret.
func (f KeyFolder) ReadKey(name string) ([]byte, error) {
	if publicName(name) {
		return os.ReadFile(f.Where(name))
	}
	return readSecret(f.Where(name))
}

// KeyNames are the files.
func (f KeyFolder) KeyNames() ([]string, error) {
	entries, err := os.ReadDir(string(f))
	if err != nil {
		return nil, fmt.Errorf("read the folder of keys: %w", err)
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() && !strings.HasPrefix(e.Name(), ".") { // a lock is no key
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// ChangeKeys makes the folder where it is not there, and locks it.
func (f KeyFolder) ChangeKeys(change func(KeyWriter) error) error {
	unlock, err := lockKeys(string(f))
	if err != nil {
		return err
	}
	defer unlock()
	return change(f)
}

// WriteKey puts a file in place, whole.
func (f KeyFolder) WriteKey(name string, text []byte, secret bool) error {
	mode := fs.FileMode(0o644)
	if secret {
		mode = 0o600
	}
	return writeFile(f.Where(name), text, mode)
}

// RemoveKey removes a file.
func (f KeyFolder) RemoveKey(name string) error { return removeFile(f.Where(name)) }

// KeyState goes by names, sizes and times of the files: each is written anew.
func (f KeyFolder) KeyState() (string, error) {
	names, err := f.KeyNames()
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	for _, name := range names {
		info, err := os.Stat(f.Where(name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // being retired just now: the next state says so
		}
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%s %d %d\n", name, info.Size(), info.ModTime().UnixNano())
	}
	return string(sum.Sum(nil)), nil
}

// Where is the file's path.
func (f KeyFolder) Where(name string) string { return filepath.Join(string(f), name) }

// publicName reports whether a name is that of a public half.
func publicName(name string) bool {
	return strings.HasSuffix(name, publicSuffix) || strings.HasSuffix(name, retiredLogKeyEnd)
}

// CopyKeys puts all keys of one store into another that has none.
func CopyKeys(to, from KeyStore) (copied int, err error) {
	names, err := from.KeyNames()
	if err != nil {
		return 0, err
	}
	err = to.ChangeKeys(func(w KeyWriter) error {
		if there, err := w.KeyNames(); err != nil || len(there) > 0 {
			return errors.Join(err, ErrKeysThere)
		}
		copied, err = writeKeys(w, from, names)
		return err
	})
	return copied, err
}

// MirrorKeys makes the keys of one store those of another: new ones come, and those that
// were retired go. It is for a store that nothing is signed with yet.
func MirrorKeys(to, from KeyStore) error {
	names, err := from.KeyNames()
	if err != nil {
		return err
	}
	return to.ChangeKeys(func(w KeyWriter) error {
		there, err := w.KeyNames()
		if err != nil {
			return err
		}
		for _, name := range there {
			if slices.Contains(names, name) {
				continue
			}
			if err := w.RemoveKey(name); err != nil {
				return err
			}
		}
		_, err = writeKeys(w, from, names)
		return err
	})
}

func writeKeys(w KeyWriter, from KeyStore, names []string) (written int, err error) {
	for _, name := range names {
		text, err := from.ReadKey(name)
		if err != nil {
			return written, err
		}
		if err := w.WriteKey(name, text, !publicName(name)); err != nil {
			return written, err
		}
		written++
	}
	return written, nil
}

// ErrKeysThere is returned by CopyKeys: keys are not mixed.
var ErrKeysThere = errors.New("there are keys already; they are never replaced by others, since receipts were signed with them")
