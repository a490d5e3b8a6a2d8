package consent

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestConsoleSecrets(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "keys")
	first, err := OpenConsoleSecrets(KeyFolder(folder), seeded(1))
	if err != nil || len(first.Session) != 1 || len(first.Session[0]) != 96 || len(first.Vault) != 1 || len(first.Vault[0]) != 32 {
		t.Fatalf("%d, %d, %v", len(first.Session), len(first.Vault), err)
	}
	if again, err := OpenConsoleSecrets(KeyFolder(folder), seeded(2)); err != nil || !reflect.DeepEqual(again, first) {
		t.Errorf("another start makes others: %v", err)
	}
	second, err := RotateConsoleSecrets(KeyFolder(folder), seeded(3))
	if err != nil || !bytes.Equal(second.Session[1], first.Session[0]) || bytes.Equal(second.Session[0], first.Session[0]) {
		t.Errorf("the key before is gone: %v", err)
	}
	third, err := RotateConsoleSecrets(KeyFolder(folder), seeded(4))
	if err != nil || len(third.Session) != 2 || len(third.Vault) != 3 || !bytes.Equal(third.Vault[2], first.Vault[0]) {
		t.Errorf("%d keys of sessions, %d of second factors: %v", len(third.Session), len(third.Vault), err)
	}
	path := filepath.Join(folder, consoleFile)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	for _, bad := range []string{"", "{}", `{"schema":"console-secrets/v1","session":["AAAA"],"vault":["AAAA"]}`} {
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenConsoleSecrets(KeyFolder(folder), seeded(5)); err == nil {
			t.Errorf("taken for secrets: %q", bad)
		}
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenConsoleSecrets(KeyFolder(folder), seeded(6)); err == nil {
		t.Error("secrets that others can read are taken")
	}
}
