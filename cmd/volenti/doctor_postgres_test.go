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
		if f.Check == "database.role" && strings.Contains(f.What, "superuser") { // as which the test's server is run
			continue
		}
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

// Each thing that is wrong with a server is found, on one where it really is so, and what
// is told to mend it does.
func TestDoctorOnABrokenPostgres(t *testing.T) {
	server := cluster(t, "archive_mode=on", "archive_command=test -e ../archived")
	dsn := server.Database(t)
	flags := sharedFlags(t, dsn)
	publishAt(t, flags...)
	now := time.Now
	diagnose := func(flags []string) *doctor {
		t.Helper()
		cfg, wrong := readFlags(t, append([]string{"--geo-database", regionDatabase(t, "16777216,3758096383,DE\n")}, flags...)...)
		d := &doctor{cfg: cfg, now: now, disk: func(string) (disk, error) { return disk{free: 1 << 40}, nil }, within: time.Minute}
		d.examine(t.Context(), wrong, false)
		return d
	}
	found := func(check, says string) bool {
		for _, f := range diagnose(flags).found {
			if f.Check == check && strings.Contains(f.What, says) && f.Mend != "" {
				return true
			}
		}
		return false
	}
	do := func(texts ...string) {
		t.Helper()
		for _, text := range texts {
			if err := server.Do(text); err != nil {
				t.Fatal(text, err)
			}
		}
	}
	for _, c := range []struct{ check, says, wreck, mend string }{
		{"database.replicas", "none is connected", `ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (db2, db3)'`, `ALTER SYSTEM SET synchronous_standby_names = ''`},
		{"database.upkeep", "autovacuum is off", `ALTER SYSTEM SET autovacuum = off`, `ALTER SYSTEM SET autovacuum = on`},
		{"database.log", "log_statement = all", `ALTER SYSTEM SET log_statement = 'all'`, `ALTER SYSTEM SET log_parameter_max_length = 0`},
		{"database.engine", "synchronous_commit = off", `ALTER SYSTEM SET synchronous_commit = 'off'`, `ALTER SYSTEM SET synchronous_commit = 'on'`},
	} {
		if found(c.check, c.says) {
			t.Errorf("%s: told before it is so", c.says)
		}
		do(c.wreck, `SELECT pg_reload_conf()`)
		eventually(t, "it is told: "+c.says, func() bool { return found(c.check, c.says) })
		do(c.mend, `SELECT pg_reload_conf()`)
		eventually(t, "it is mended: "+c.says, func() bool { return !found(c.check, c.says) })
	}
	do(`SELECT pg_switch_wal()`)
	eventually(t, "the archive is missing", func() bool { return found("database.upkeep", "can't be archived") })
	now = func() time.Time { return time.Now().Add(-time.Hour) }
	if !found("database.clock", "1h0m0s apart") {
		t.Error("the clocks are an hour apart, and nothing is said")
	}
	now = time.Now
	// A role that is not the owner, as after a dump that was restored by somebody else.
	do(`CREATE ROLE weak LOGIN`, `GRANT pg_read_all_data, pg_write_all_data TO weak`)
	flags = at(t, flags, strings.Replace(dsn, "user=volenti", "user=weak", 1))
	if !found("database.role", "belong to another role") || !found("database.role", "may not make tables") || found("database.role", "superuser") {
		t.Errorf("a role without rights: %v", diagnose(flags).found)
	}
	// Another secret opens no key.
	other := sharedFlags(t, dsn)
	if told := diagnose(append(slices.Clone(flags[:4]), other[4:]...)).told(); !slices.Contains(told, "problem keys") {
		t.Errorf("another secret: %v", told)
	}
}
