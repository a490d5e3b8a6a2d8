package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What docs/operate/backups.md says of Litestream: replicate a server under load, kill
// both, restore, and find everything older than the interval, unaltered. `make
// litestream` builds the program; VOLENTI_LITESTREAM names it.
func TestLitestreamBringsBackAllButTheLastMoment(t *testing.T) {
	litestream := os.Getenv("VOLENTI_LITESTREAM")
	if litestream == "" {
		t.Skip("make litestream runs this")
	}
	data, folder := publish(t), t.TempDir()
	config := filepath.Join(folder, "litestream.yml")
	text := fmt.Sprintf("dbs:\n  - path: %s\n    replica:\n      type: file\n      path: %s\n      sync-interval: 1s\n", home{data: data}.file(), filepath.Join(folder, "replica"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, data)
	replicate := exec.Command(litestream, "replicate", "-config", config)
	if err := replicate.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = replicate.Process.Kill(); _ = replicate.Wait() })
	v := p.open(nil)
	early := map[string]bool{}
	for i := range 50 {
		status, receipt, err := v.decide(fmt.Sprint("early-", i))
		if err != nil || status != 201 {
			t.Fatal(status, err)
		}
		id, _, err := place(receipt)
		if err != nil {
			t.Fatal(err)
		}
		early[id] = true
	}
	restored := filepath.Join(private(t), "data")
	if err := os.Mkdir(restored, 0o700); err != nil {
		t.Fatal(err)
	}
	have := func() bool {
		_ = os.Remove(home{data: restored}.file())
		if err := exec.Command(litestream, "restore", "-config", config, "-o", home{data: restored}.file(), home{data: data}.file()).Run(); err != nil {
			return false
		}
		db, err := openUnchecked(t.Context(), home{data: restored})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for id := range early {
			if _, err := db.Entry(t.Context(), "shop", id); err != nil {
				return false
			}
		}
		return true
	}
	arrived := false
	for deadline := time.Now().Add(2 * time.Minute); !arrived && time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		arrived = have()
	}
	if !arrived {
		t.Fatal("what was answered long ago is not in the replica")
	}
	c := &crowd{receipts: map[string][]byte{}}
	c.rush(v, 0, 1000, func() { _ = p.stop(syscall.SIGKILL); _ = replicate.Process.Kill() })
	if !have() {
		t.Error("what was in the replica is gone")
	}
	if err := os.CopyFS(keysFolder(restored), os.DirFS(keysFolder(data))); err != nil {
		t.Fatal(err)
	}
	if err := filepath.Walk(keysFolder(restored), func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		if info.IsDir() {
			return os.Chmod(path, 0o700)
		}
		return os.Chmod(path, 0o600)
	}); err != nil {
		t.Fatal(err)
	}
	if out, exit := volenti(t, "log", "audit", "--data", restored); exit != 0 || !strings.Contains(out, "all holds") {
		t.Errorf("exit %d\n%s", exit, out)
	}
	// Beside what was signed of it, it is refused until somebody says why it is older.
	if b := mustRead(t, home{data: data}.pinnedFile()); len(b) > 0 {
		if err := os.WriteFile(home{data: restored}.pinnedFile(), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, exit := volenti(t, "log", "accept", "--why", "restored from the replica", "--data", restored); exit != 0 {
		t.Errorf("exit %d\n%s", exit, out)
	}
	start(t, restored)
}
