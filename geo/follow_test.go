package geo

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// place puts a file as geoipupdate does, by renaming, with a time of its own, so
// that no test depends on the resolution of the file system's clock.
func place(t testing.TB, path string, b []byte, at int64) {
	t.Helper()
	temp := path + ".new"
	if err := os.WriteFile(temp, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(temp, time.Unix(at, 0), time.Unix(at, 0)); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temp, path); err != nil {
		t.Fatal(err)
	}
}

func TestFollower(t *testing.T) {
	path := filepath.Join(t.TempDir(), "region.mmdb")
	german := fixture(t, "GeoLite2-Country", 1000, map[string]m{"5.5.5.0/24": countryOf("DE")})
	french := fixture(t, "GeoLite2-Country", 2000, map[string]m{"5.5.5.0/24": countryOf("FR")})
	if _, err := Follow(path, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Follow without a file: %v", err)
	}

	place(t, path, german, 1)
	var told []string
	f, err := Follow(path, func(err error) { told = append(told, err.Error()) })
	if err != nil {
		t.Fatal(err)
	}
	check := func(when, want string, taken, wantTaken bool, errors int) {
		t.Helper()
		if got := f.Lookup(addr(t, "5.5.5.5")); got.Country != want || taken != wantTaken || len(told) != errors {
			t.Errorf("%s: %v, taken %v, told %q; want %s, %v, %d errors", when, got, taken, told, want, wantTaken, errors)
		}
	}
	check("at first", "DE", f.Reload(), false, 0)

	place(t, path, french, 2)
	check("a new file", "FR", f.Reload(), true, 0)
	if i := f.Info(); i.Built.Unix() != 2000 || i.Path != path {
		t.Errorf("Info() = %+v", i)
	}
	check("the same file", "FR", f.Reload(), false, 0)

	place(t, path, german[:len(german)-20], 3)
	check("a broken file", "FR", f.Reload(), false, 1)
	check("the same broken file", "FR", f.Reload(), false, 1)
	if !strings.Contains(told[0], path) {
		t.Errorf("the error %q does not name the file", told[0])
	}

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	check("no file", "FR", f.Reload(), false, 2)
	check("still no file", "FR", f.Reload(), false, 2)

	place(t, path, german, 4)
	check("back again", "DE", f.Reload(), true, 2)

	// Same size, same time, another file: rsync with times kept.
	place(t, path, french, 4)
	if len(german) != len(french) {
		t.Fatal("the fixtures must be of one size for this")
	}
	check("another file of the same size and time", "FR", f.Reload(), true, 2)

	// Copied over in place: the lookups that run must not notice.
	if err := os.WriteFile(path, german[:10], 0o600); err != nil {
		t.Fatal(err)
	}
	check("cut off in place", "FR", f.Reload(), false, 3)
}

// Lookups run on while files change. The race detector looks on.
func TestFollowerWhileServing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "region.mmdb")
	files := [][]byte{
		fixture(t, "GeoLite2-Country", 1, map[string]m{"5.5.5.0/24": countryOf("DE")}),
		fixture(t, "GeoLite2-City", 2, map[string]m{"5.5.5.0/24": cityOf("FR", "IDF")}),
	}
	place(t, path, files[0], 1)
	f, err := Follow(path, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	var wait sync.WaitGroup
	a := addr(t, "5.5.5.5")
	for range 4 {
		wait.Go(func() {
			for !stop.Load() {
				if got := f.Lookup(a).String(); got != "DE" && got != "FR-IDF" {
					t.Errorf("Lookup = %q", got)
					return
				}
			}
		})
	}
	for i := range 20 {
		place(t, path, files[(i+1)%2], int64(2+i))
		if !f.Reload() {
			t.Error("a new file was not taken up")
		}
	}
	stop.Store(true)
	wait.Wait()
}

func TestRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "region.mmdb")
	place(t, path, fixture(t, "GeoLite2-Country", 1, map[string]m{"5.5.5.0/24": countryOf("DE")}), 1)
	synctest.Test(t, func(t *testing.T) {
		f, err := Follow(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { f.Run(ctx, time.Minute); close(done) }()
		place(t, path, fixture(t, "GeoLite2-Country", 2, map[string]m{"5.5.5.0/24": countryOf("FR")}), 2)
		time.Sleep(59 * time.Second) // of the bubble's clock
		synctest.Wait()
		if got := f.Lookup(addr(t, "5.5.5.5")); got.Country != "DE" {
			t.Errorf("before the interval: %v", got)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := f.Lookup(addr(t, "5.5.5.5")); got.Country != "FR" {
			t.Errorf("after the interval: %v", got)
		}
		cancel()
		<-done
	})
}
