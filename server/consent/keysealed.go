package consent

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"time"
)

// A SealedKey is a key as the database has it.
type SealedKey struct {
	Name   string
	Secret string // id of the KeySecret
	Sealed []byte
}

// SealedKeyStore is where sealed keys stand. Calls are safe for concurrent use.
type SealedKeyStore interface {
	// SealedKeys are all, and a number that grows with every change.
	SealedKeys(ctx context.Context) (all []SealedKey, state int64, err error)
	// SealedKeyState is that number alone.
	SealedKeyState(ctx context.Context) (int64, error)
	// ChangeSealedKeys calls change with all keys, alone among all nodes, and keeps what
	// it puts and drops: all of it or nothing. It may call it again.
	ChangeSealedKeys(ctx context.Context, change func(all []SealedKey) (put []SealedKey, drop []string, err error)) error
}

// keysTake is how long a database may take for a key.
const keysTake = 15 * time.Second

type sealedKeys struct {
	store  SealedKeyStore
	secret *KeySecret
}

// NewSealedKeys are keys that all nodes of an installation share through its database.
func NewSealedKeys(store SealedKeyStore, secret *KeySecret) KeyStore {
	return &sealedKeys{store, secret}
}

// Where names the row.
func (s *sealedKeys) Where(name string) string { return "the key " + name + " in the database" }

func (s *sealedKeys) load(ctx context.Context) (map[string][]byte, error) {
	rows, _, err := s.store.SealedKeys(ctx)
	if err != nil {
		return nil, err
	}
	return s.open(rows)
}

func (s *sealedKeys) open(rows []SealedKey) (map[string][]byte, error) {
	all := make(map[string][]byte, len(rows))
	for _, row := range rows {
		text, err := s.secret.Open(row)
		if err != nil {
			return nil, err
		}
		all[row.Name] = text
	}
	return all, nil
}

// ReadKey opens one.
func (s *sealedKeys) ReadKey(name string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), keysTake)
	defer cancel()
	all, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	return (&keyChange{s: s, now: all}).ReadKey(name)
}

// KeyNames are those of all rows.
func (s *sealedKeys) KeyNames() ([]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), keysTake)
	defer cancel()
	all, err := s.load(ctx)
	return slices.Sorted(maps.Keys(all)), err
}

// KeyState is the number of changes.
func (s *sealedKeys) KeyState() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), keysTake)
	defer cancel()
	n, err := s.store.SealedKeyState(ctx)
	return strconv.FormatInt(n, 10), err
}

// ChangeKeys keeps all of a change or nothing.
func (s *sealedKeys) ChangeKeys(change func(KeyWriter) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), keysTake)
	defer cancel()
	return s.store.ChangeSealedKeys(ctx, func(rows []SealedKey) (put []SealedKey, drop []string, err error) {
		before, err := s.open(rows)
		if err != nil {
			return nil, nil, err
		}
		w := &keyChange{s: s, now: maps.Clone(before)}
		if err := change(w); err != nil {
			return nil, nil, err
		}
		for name, text := range w.now {
			if was, there := before[name]; !there || !bytes.Equal(was, text) {
				put = append(put, s.secret.Seal(name, text))
			}
		}
		for name := range before {
			if _, there := w.now[name]; !there {
				drop = append(drop, name)
			}
		}
		return put, drop, nil
	})
}

// Reseal seals all keys under the first secret of several, and says how many were sealed
// under another one.
func Reseal(ctx context.Context, store SealedKeyStore, secret *KeySecret) (resealed int, err error) {
	err = store.ChangeSealedKeys(ctx, func(rows []SealedKey) (put []SealedKey, _ []string, err error) {
		for _, row := range rows {
			text, err := secret.Open(row)
			if err != nil {
				return nil, nil, err
			}
			if row.Secret != secret.ID() {
				put = append(put, secret.Seal(row.Name, text))
			}
		}
		resealed = len(put)
		return put, nil, nil
	})
	return resealed, err
}

// keyChange is what a change makes of the keys.
type keyChange struct {
	s   *sealedKeys
	now map[string][]byte
}

func (c *keyChange) Where(name string) string { return c.s.Where(name) }

func (c *keyChange) ReadKey(name string) ([]byte, error) {
	text, there := c.now[name]
	if !there {
		return nil, fmt.Errorf("%s: %w", c.Where(name), fs.ErrNotExist)
	}
	return text, nil
}

func (c *keyChange) KeyNames() ([]string, error) { return slices.Sorted(maps.Keys(c.now)), nil }

func (c *keyChange) WriteKey(name string, text []byte, _ bool) error {
	c.now[name] = bytes.Clone(text)
	return nil
}

func (c *keyChange) RemoveKey(name string) error {
	if _, there := c.now[name]; !there {
		return fmt.Errorf("%s: %w", c.Where(name), fs.ErrNotExist)
	}
	delete(c.now, name)
	return nil
}
