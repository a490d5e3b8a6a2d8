package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/store/storetest"
)

// On PostgreSQL the doctor looks at the same things, and at whether the engine may lose
// what it has answered. The test's own server does not sync.
func TestDoctorOnPostgres(t *testing.T) {
	dsn := storetest.Postgres(t, nil)
	folder := private(t)
	secret, exit := volenti(t, "key", "secret")
	if exit != 0 {
		t.Fatal(secret)
	}
	file := filepath.Join(folder, "secret")
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(folder, "data")
	flags := []string{"--store-dsn", dsn, "--keys-secret-file", file}
	p := start(t, data, flags...)
	diagnose := func(flags []string) *doctor {
		t.Helper()
		cfg, wrong := readFlags(t, append([]string{"--data", data, "--geo-database", regionDatabase(t, "16777216,3758096383,DE\n")}, flags...)...)
		d := &doctor{cfg: cfg, now: time.Now, disk: func(string) (disk, error) { return disk{free: 1 << 40}, nil }, flush: (*os.File).Sync, within: time.Minute}
		d.examine(t.Context(), wrong, false)
		return d
	}
	d := diagnose(flags)
	for _, f := range d.found {
		if f.Check != "database.engine" || !strings.Contains(f.What, "= off") {
			t.Errorf("%+v", f)
		}
	}
	if len(d.checked) < 20 {
		t.Errorf("%v", d.checked)
	}
	if os.Getenv(storetest.Variable) == "" && !slices.Contains(d.told(), "problem database.engine") {
		t.Errorf("it does not sync, and nothing is said: %v", d.told())
	}
	if err := p.stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if told := diagnose([]string{"--store-dsn", "postgres://127.0.0.1:1/none?sslmode=disable&connect_timeout=2", "--keys-secret-file", file}).told(); !slices.Contains(told, "problem database.opens") {
		t.Errorf("a server that is away: %v", told)
	}
}
