package consent

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/volenti-consent/volenti/server/auditlog"
)

func TestTheLogsKeyIsMadeOnce(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "keys")
	if _, err := ReadLogKey(KeyFolder(folder)); !NoLogKey(err) {
		t.Errorf("before there is one: %v", err)
	}
	var all sync.WaitGroup
	keys := make([]string, 4)
	for i, origin := range []string{"a.example/log", "b.example/log", "c.example/log", "d.example/log"} { // servers that start at once
		all.Go(func() {
			k, err := OpenLogKey(KeyFolder(folder), origin, rand.Reader)
			if err != nil {
				t.Error(err)
				return
			}
			keys[i] = k.VerifierKey()
		})
	}
	all.Wait()
	if slices.Compact(slices.Sorted(slices.Values(keys)))[0] != keys[0] || len(slices.Compact(slices.Clone(keys))) != 1 {
		t.Fatalf("each has a key of its own: %v", keys)
	}
	path := filepath.Join(folder, "log.key")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenLogKey(KeyFolder(folder), "a.example/log", rand.Reader); !errors.Is(err, ErrExposed) {
		t.Errorf("a key that others can read: %v", err)
	}
	if err := os.WriteFile(path, []byte("PRIVATE+KEY+garbage\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenLogKey(KeyFolder(folder), "a.example/log", rand.Reader); err == nil {
		t.Error("a damaged key was replaced")
	}
}

func TestARenewedLogKeepsItsOldPublicKeys(t *testing.T) {
	folder := t.TempDir()
	first, err := OpenLogKey(KeyFolder(folder), "shop.example/log", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := RenewLogKey(KeyFolder(folder), "https://shop.example/log", rand.Reader); !errors.Is(err, auditlog.ErrOrigin) {
		t.Errorf("an origin that is none: %v", err)
	}
	second, err := RenewLogKey(KeyFolder(folder), "shop.example/log-2", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	third, err := RenewLogKey(KeyFolder(folder), "shop.example/log-3", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now, err := OpenLogKey(KeyFolder(folder), "unused.example/log", rand.Reader)
	if err != nil || now.VerifierKey() != third.VerifierKey() {
		t.Errorf("it is %v now, %v", now, err)
	}
	retired, err := RetiredLogKeys(KeyFolder(folder))
	want := []string{first.VerifierKey(), second.VerifierKey()}
	slices.Sort(want)
	slices.Sort(retired)
	if err != nil || !slices.Equal(retired, want) {
		t.Errorf("retired %v, want %v, %v", retired, want, err)
	}
	// The private halves are gone.
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if k, err := auditlog.ParseLogKey(string(b[:max(len(b)-1, 0)])); err == nil && k.VerifierKey() != third.VerifierKey() {
			t.Errorf("%s still signs as %s", file, k.Origin())
		}
	}
}

func TestAWitnessIsForgotten(t *testing.T) {
	folder := t.TempDir()
	if err := ForgetWitnessKey(KeyFolder(folder)); err != nil {
		t.Errorf("where there is none: %v", err)
	}
	one, err := OpenWitnessKey(KeyFolder(folder), "witness.example", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := OpenWitnessKey(KeyFolder(folder), "other.example", rand.Reader); err != nil || again.VerifierKey() != one.VerifierKey() {
		t.Errorf("opened again: %v", err)
	}
	if err := ForgetWitnessKey(KeyFolder(folder)); err != nil {
		t.Fatal(err)
	}
	if two, err := OpenWitnessKey(KeyFolder(folder), "witness.example", rand.Reader); err != nil || two.VerifierKey() == one.VerifierKey() {
		t.Errorf("after it was forgotten: %v", err)
	}
}
