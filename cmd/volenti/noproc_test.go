package main

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// withoutProc is a command in a mount namespace of its own, in which nothing is at /proc,
// as in a bare chroot. It skips where the kernel lets nobody make one.
func withoutProc(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	hide := []string{"--mount", "sh", "-c", `mount -t tmpfs -o ro,size=4k none /proc && exec "$@"`, "sh"}
	if os.Geteuid() != 0 {
		hide = append([]string{"--map-root-user"}, hide...)
	}
	unshare := find(t, "unshare", "/usr/bin/unshare")
	if out, err := exec.Command(unshare, append(hide, "true")...).CombinedOutput(); err != nil {
		t.Skipf("nobody may take /proc away here: %v: %s", err, out)
	}
	if out, err := exec.Command(unshare, append(hide, "readlink", "/proc/self/exe")...).CombinedOutput(); err == nil {
		t.Fatalf("/proc is still there: %s", out)
	}
	return exec.Command(unshare, append(hide, args...)...)
}

// demoWithoutProc: a demo that was prepared starts again where the program can't find
// itself, and is not prepared anew.
func demoWithoutProc(t *testing.T, data, base string) {
	p := &process{t: t, base: base, log: &bytes.Buffer{}, done: make(chan error, 1)}
	p.cmd = withoutProc(t, binary, "serve", "--listen", strings.TrimPrefix(base, "http://"), "--data", data, "--demo-enabled", "--region-override")
	var told bytes.Buffer
	p.cmd.Stdout, p.cmd.Stderr = &told, p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.done <- p.cmd.Wait() }()
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	get := func(path string) (body string, ok bool) {
		resp, err := http.Get(base + path)
		if err != nil {
			return "", false
		}
		defer resp.Body.Close()
		var b bytes.Buffer
		_, err = b.ReadFrom(resp.Body)
		return b.String(), err == nil && resp.StatusCode == http.StatusOK
	}
	eventually(t, "it is ready", func() bool {
		select {
		case err := <-p.done:
			p.done <- err
			t.Fatalf("it ended at once: %v\n%s", err, p.log)
		default:
		}
		_, ok := get("/readyz")
		return ok
	})
	for path, want := range map[string]string{"/demo/": "<html", "/b/demo.js": `"t":"`} {
		if body, ok := get(path); !ok || !strings.Contains(body, want) {
			t.Errorf("%s: %.300s", path, body)
		}
	}
	p.end()
	if strings.Contains(p.log.String(), "level=ERROR") {
		t.Errorf("%s", p.log)
	}
	if said := told.String(); !strings.Contains(said, "/demo/") || strings.Contains(said, "Preparing") {
		t.Errorf("it prepares the demo again, or names no address:\n%s", said)
	}
}
