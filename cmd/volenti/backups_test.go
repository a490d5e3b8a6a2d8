package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/store"
	"github.com/volenti-consent/volenti/server/store/storetest"
)

func private(t testing.TB) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.Chmod(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	return folder
}

// A server that is told to makes a backup at its start, with the keys, sealed; it
// restores into an installation that knows the receipts.
func TestServerMakesBackups(t *testing.T) {
	data, folder := publish(t), private(t)
	pass := filepath.Join(private(t), "pass")
	if err := os.WriteFile(pass, []byte("five words are quite long\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, data, "--backup-folder", folder, "--backup-passphrase-file", pass)
	var made string
	for deadline := time.Now().Add(time.Minute); made == "" && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if last, err := lastBackup(data); err == nil {
			made = last.File
		}
	}
	if err := p.stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if filepath.Dir(made) != folder {
		t.Fatalf("no backup: %q\n%s", made, p.log)
	}
	elsewhere := filepath.Join(t.TempDir(), "data")
	if out, exit := volenti(t, "restore", made, "--data", elsewhere, "--nothing-erased", "--passphrase-file", pass); exit != 0 {
		t.Errorf("exit %d\n%s", exit, out)
	}
	mine, _ := volenti(t, "key", "list", "--data", data)
	if out, exit := volenti(t, "key", "list", "--data", elsewhere); exit != 0 || out != mine || !strings.Contains(out, "signs") {
		t.Errorf("the keys are\n%s, not\n%s", out, mine)
	}
	// The next start makes none: the newest is not a day old.
	start(t, data, "--backup-folder", folder, "--backup-passphrase-file", pass)
	if all, err := filepath.Glob(filepath.Join(folder, "*")); err != nil || len(all) != 1 {
		t.Error(all, err)
	}
}

// The newest stay, and nothing that is not ours goes.
func TestBackupsThatAreTooManyGo(t *testing.T) {
	data, folder := publish(t), private(t)
	theirs := []string{"volenti-monday.db", "volenti-20260101.db", "notes.txt"}
	for _, name := range append(theirs, "volenti-20260101T000000Z.db.making") {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	db, err := store.OpenToRead(t.Context(), home{data: data}.file(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	cfg := defaults()
	cfg.Data, cfg.BackupFolder, cfg.BackupKeep = data, folder, 2
	j := &backupJob{db: db, cfg: cfg, log: slog.New(slog.DiscardHandler), now: func() time.Time { return now }}
	due := func(want time.Duration) {
		t.Helper()
		if wait, err := j.due(); err != nil || wait != want {
			t.Errorf("due in %s, %v; want %s", wait, err, want)
		}
	}
	due(0) // what others have made is none
	for range 4 {
		if err := j.make(t.Context()); err != nil {
			t.Fatal(err)
		}
		now = now.AddDate(0, 0, 1)
	}
	due(0)
	now = now.Add(-90 * time.Minute)
	due(90 * time.Minute)
	cfg.BackupFolder = filepath.Join(folder, "none")
	if _, err := j.due(); err == nil {
		t.Error("a folder that is gone is no fault")
	}
	var names []string
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	want := append(theirs, "volenti-20261124T030000Z.db", "volenti-20261125T030000Z.db")
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
}

// Of two nodes one makes them; the other one knows, and goes on when that one has ended.
func TestOneOfTwoNodesMakesBackups(t *testing.T) {
	flags := sharedFlags(t, storetest.Postgres(t, nil))
	publishAt(t, flags...)
	folder, pass := private(t), filepath.Join(private(t), "pass")
	if err := os.WriteFile(pass, []byte("five words are quite long\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var nodes []*process
	var data []string
	for range 2 {
		data = append(data, filepath.Join(private(t), "data"))
		nodes = append(nodes, startAt(t, append([]string{flags[0], data[len(data)-1]}, flags[2:]...), "--backup-folder", folder, "--backup-passphrase-file", pass))
	}
	// maker waits until one has made one, and says which of them did.
	maker := func(of ...int) (maker int, made string) {
		t.Helper()
		for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			for _, i := range of {
				if last, err := lastBackup(data[i]); err == nil && last.File != made {
					return i, last.File
				}
			}
		}
		t.Fatal("no backup")
		return 0, ""
	}
	first, made := maker(0, 1)
	second := 1 - first
	if _, err := lastBackup(data[second]); err == nil {
		t.Error("both made one")
	}
	if all, err := filepath.Glob(filepath.Join(folder, "*")); err != nil || !slices.Equal(all, []string{made}) {
		t.Errorf("%v, %v", all, err)
	}
	cfg := defaults()
	cfg.Data, cfg.BackupFolder = data[second], folder
	if last, err := cfg.newestBackup(); err != nil || last.File != made {
		t.Errorf("the other node knows of %+v, %v", last, err)
	}
	if err := os.Remove(made); err != nil {
		t.Fatal(err)
	}
	if err := nodes[first].stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if _, again := maker(second); filepath.Dir(again) != folder {
		t.Errorf("%s", again)
	} else {
		other := sharedFlags(t, storetest.Postgres(t, nil))
		must(t, 0, other, "restore", again, "--nothing-erased", "--passphrase-file", pass)
		if out := must(t, 0, other, "key", "list"); !strings.Contains(out, "signs") {
			t.Error(out)
		}
	}
	if err := nodes[second].stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	said := nodes[second].log.String()
	if on, made := strings.Index(said, "this node does the timed jobs"), strings.Index(said, "backup made"); on < 0 || made < on || strings.Count(said, "backup made") != 1 {
		t.Errorf("it made one that was not its turn:\n%s", said)
	}
}

func TestBackupSettings(t *testing.T) {
	open, pass := t.TempDir(), filepath.Join(private(t), "pass")
	if err := os.Chmod(open, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(pass, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	for says, args := range map[string][]string{
		"in the data folder": {"--backup-folder", "data/backups"},
		"mkdir -m 700":       {"--backup-folder", "/nowhere/at/all"},
		"chmod 700":          {"--backup-folder", open},
		"too short":          {"--backup-folder", private(t), "--backup-every", "1s"},
		"keeps none":         {"--backup-folder", private(t), "--backup-keep", "0"},
		"five words":         {"--backup-folder", private(t), "--backup-passphrase-file", pass},
		"name the folder":    {"--backup-passphrase-file", pass},
		"number from 0 on":   {"--backup-keep", "many"},
	} {
		if _, err := load(t, "", nil, args...); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v", args, err)
		}
	}
	if cfg, err := load(t, "[backup]\nfolder = \""+private(t)+"\"\nkeep = 3\nevery = \"6h\"\n", nil); err != nil || cfg.BackupKeep != 3 || cfg.BackupEvery != 6*time.Hour {
		t.Errorf("%+v, %v", cfg, err)
	}
}
