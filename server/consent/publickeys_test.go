package consent

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"
)

func TestReadPublicKeysChangesNothing(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "keys")
	if _, err := ReadPublicKeys(KeyFolder(folder)); !errors.Is(err, os.ErrNotExist) {
		t.Error("keys of no folder")
	}
	if _, err := os.Stat(folder); err == nil {
		t.Error("a folder was made")
	}
	ring := openKeys(t, folder, 1)
	if err := ring.Rotate(seeded(2)); err != nil {
		t.Fatal(err)
	}
	before := files(t, folder)
	keys, err := ReadPublicKeys(KeyFolder(folder))
	if err != nil || len(keys) != 2 || keys[ring.Current()] == nil {
		t.Errorf("%d keys, %v", len(keys), err)
	}
	if !maps.Equal(before, files(t, folder)) {
		t.Error("the folder was changed")
	}
}
