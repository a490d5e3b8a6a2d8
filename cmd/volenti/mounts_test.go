//go:build linux

package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A fileSystem is an ext4 of its own in a file, mounted: one that can be full, stand
// still, and break, without anything else of the machine.
type fileSystem struct {
	t            *testing.T
	image, mount string
}

// newFileSystem makes one of 48 MiB, or skips: it needs root, and a kernel that lets it.
func newFileSystem(t *testing.T) *fileSystem {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root mounts file systems")
	}
	folder := t.TempDir()
	f := &fileSystem{t: t, image: filepath.Join(folder, "image"), mount: filepath.Join(folder, "mount")}
	if err := os.Mkdir(f.mount, 0o700); err != nil {
		t.Fatal(err)
	}
	image, err := os.Create(f.image)
	if err == nil {
		err = errors.Join(image.Truncate(48<<20), image.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	f.run("mkfs.ext4", "-q", "-F", f.image)
	if out, err := f.command("mount", "-o", "loop,errors=remount-ro", f.image, f.mount).CombinedOutput(); err != nil {
		t.Skipf("nothing can be mounted here: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = syscall.Unmount(f.mount, syscall.MNT_DETACH) })
	return f
}

func (f *fileSystem) command(name string, args ...string) *exec.Cmd {
	f.t.Helper()
	cmd := exec.CommandContext(context.Background(), find(f.t, name, "/usr/sbin/"+name, "/sbin/"+name), args...) // cleaning up, too
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	return cmd
}

func (f *fileSystem) run(name string, args ...string) {
	f.t.Helper()
	if out, err := f.command(name, args...).CombinedOutput(); err != nil {
		f.t.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
}

// on starts a server whose data folder is in the file system.
func (f *fileSystem) on() *lineage {
	f.t.Helper()
	data := filepath.Join(f.mount, "data")
	f.run("cp", "-a", publish(f.t), data)
	f.run("sync", "--file-system", f.mount) // cp does not, and the kernel may throw away what nobody synced
	return found(f.t, data, nil, nil)
}

// The disk is really full: what no space is left for is refused, what needs none is
// served, and with the space decisions are kept again, by themselves.
func TestFileSystemIsFull(t *testing.T) {
	f := newFileSystem(t)
	w := f.on().witness()
	w.decides(20, true)
	filler, err := os.Create(filepath.Join(f.mount, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(filler, endless{}); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	kept := 0
	w.l.until("nothing more is kept", func() bool {
		if w.decide() { // there may be room in the pages that the database has already
			kept++
			return false
		}
		return true
	})
	w.decides(10, false)
	w.allRead()
	w.ready(false)
	if err := errors.Join(filler.Close(), os.Remove(filler.Name())); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	w.l.until("decisions are kept again", w.decide)
	t.Logf("%d more were kept; kept again %v after there was space", kept, time.Since(begin).Round(time.Millisecond))
	w.ready(true)
	w.decides(10, true)
	after := w.l.again(nil).witness()
	after.receipts = w.receipts
	after.allRead()
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// The kernel finds the file system broken and makes it read-only beneath the server, as
// it does when a disk dies: decisions are refused with 503, everything else is served.
// What was answered with 201 outlives the repair; what the file system had not committed
// is thrown away by the kernel, and all of ours was.
func TestFileSystemBecomesReadOnly(t *testing.T) {
	f := newFileSystem(t)
	w := f.on().witness()
	w.decides(20, true)
	w.ready(true)
	if out, err := f.command("mount", "-o", "remount,ro", f.mount).CombinedOutput(); err == nil || !strings.Contains(string(out), "busy") {
		t.Errorf("a file system in use was made read-only by hand: %v: %s", err, out)
	}
	w.decides(1, true)
	out, err := f.command("findmnt", "-n", "-o", "SOURCE", f.mount).Output()
	if err != nil {
		t.Fatal(err)
	}
	trigger := filepath.Join("/sys/fs/ext4", filepath.Base(strings.TrimSpace(string(out))), "trigger_fs_error")
	if err := os.WriteFile(trigger, []byte("broken"), 0o200); err != nil {
		t.Skipf("this kernel breaks no file system on demand: %v", err)
	}
	w.decides(10, false)
	w.allRead()
	w.ready(false)
	w.decides(10, false)

	_ = syscall.Kill(w.l.pid, syscall.SIGKILL)
	w.l.ended(w.l.pid)
	// Whoever was just being started beside this test may hold the mount for a moment.
	w.l.until("it can be unmounted", func() bool { return f.command("umount", f.mount).Run() == nil })
	// Another process that has copied our mounts keeps the broken one: what is repaired is a copy.
	repaired := f.image + ".repaired"
	f.run("cp", f.image, repaired)
	repair := f.command("e2fsck", "-fy", repaired) // 1: errors were corrected
	if out, err := repair.CombinedOutput(); repair.ProcessState == nil || repair.ProcessState.ExitCode() > 1 {
		t.Fatalf("%v: %s", err, out)
	}
	f.run("mount", "-o", "loop", repaired, f.mount)
	after := found(t, w.l.data, nil, nil).witness()
	after.receipts, after.n = w.receipts, w.n
	after.allRead()
	after.decides(5, true)
	after.ready(true)
}

// A file system stands still while a snapshot of it is taken: decisions wait, scripts do
// not, and what was accepted meanwhile is kept when it goes on.
func TestFileSystemStandsStill(t *testing.T) {
	f := newFileSystem(t)
	l := f.on()
	w := l.witness()
	w.decides(5, true)
	f.run("fsfreeze", "--freeze", f.mount)
	thaw := func() { _ = f.command("fsfreeze", "--unfreeze", f.mount).Run() }
	t.Cleanup(thaw)
	answers := make(chan string, 3)
	for _, id := range []string{"still-1", "still-2", "still-3"} {
		go func() {
			status, _, err := w.v.decide(id)
			if err != nil || status != http.StatusCreated && status != http.StatusServiceUnavailable {
				t.Errorf("decision %s: %d %v", id, status, err)
			}
			answers <- id
		}()
	}
	for range 5 {
		for _, path := range []string{"/b/shop.js", "/healthz"} {
			if status, _, err := w.v.get(path); err != nil || status != http.StatusOK {
				t.Errorf("%s: %d %v", path, status, err)
			}
		}
	}
	thaw()
	for range cap(answers) {
		id := <-answers
		l.until("the decision is kept", func() bool { // the page repeats what waited too long
			status, _, err := w.v.decide(id)
			return err == nil && status == http.StatusCreated
		})
	}
	w.decides(5, true)
	w.ready(true)
}
