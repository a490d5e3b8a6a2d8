package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The scripts in testdata are played against the real binary, in the order of
// their names, each with the demo's sites.
func TestJourneys(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	p := start(t, data, "--demo-enabled", "--region-override")
	scripts, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, script := range scripts {
		t.Run(filepath.Base(script), func(t *testing.T) {
			play(t, p.base, script, map[string]string{"origin": p.base})
		})
	}
	if err := p.stop(syscall.SIGTERM); err != nil {
		t.Errorf("a stop by SIGTERM ends with %v\n%s", err, p.log)
	}
	for _, never := range []string{"127.0.0.1:5", "Go-http-client", "first-no", "volenti=", "reject_all"} {
		if strings.Contains(p.log.String(), never) {
			t.Errorf("the log holds %q", never)
		}
	}
	t.Run("under TLS", func(t *testing.T) { demoUnderTLS(t, data, p.base) })
	t.Run("without /proc", func(t *testing.T) { demoWithoutProc(t, data, p.base) })
}

func TestBadCallsAreRefusedWithTheMend(t *testing.T) {
	dir := t.TempDir()
	open := filepath.Join(dir, "open")
	if err := os.Mkdir(open, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o755); err != nil { // whatever the umask is
		t.Fatal(err)
	}
	settings := filepath.Join(dir, "volenti.toml")
	if err := os.WriteFile(settings, []byte("listn = 1\n[geo]\nedge = \"cloudfare\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"open data folder", []string{"serve", "--data", open}, "chmod 700"},
		{"everybody a proxy", []string{"serve", "--geo-trusted-proxies", "0.0.0.0/0"}, "everybody"},
		{"edge without proxies", []string{"serve", "--geo-edge", "cloudflare"}, "geo.trusted_proxies"},
		{"header without proxies", []string{"serve", "--geo-address-header", "x-forwarded-for"}, "trusted"},
		{"public without TLS", []string{"serve", "--public-url", "http://consent.example.com"}, "https"},
		{"demo for everybody", []string{"serve", "--demo-enabled", "--listen", "0.0.0.0:8080"}, "127.0.0.1"},
		{"region switch for everybody", []string{"serve", "--region-override", "--listen", ":8080"}, "127.0.0.1"},
		{"misspelt settings", []string{"serve", "--config", settings}, "listn"},
		{"unknown flag", []string{"serve", "--prot", "1"}, "prot"},
		{"no data folder", []string{"site", "list", "--data", filepath.Join(dir, "nothing")}, "mkdir"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, exit := volenti(t, tt.args...)
			if exit != exitUsage || !strings.Contains(out, tt.want) {
				t.Errorf("exit %d, want %d and %q in:\n%s", exit, exitUsage, tt.want, out)
			}
		})
	}
}
