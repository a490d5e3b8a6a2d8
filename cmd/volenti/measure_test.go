package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/metrics"
)

// Whoever runs the server reads metrics on an address of their own, or with a token;
// nobody else learns how much traffic there is.
func TestMetricsAreForWhoeverRunsTheServer(t *testing.T) {
	folder := t.TempDir()
	token := filepath.Join(folder, "token")
	if err := os.WriteFile(token, []byte("0123456789abcdef0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	own := l.Addr().String()
	_ = l.Close()
	p := start(t, filepath.Join(folder, "data"), "--metrics-listen", own, "--metrics-token-file", token)

	get := func(address, authorization string) (int, string) {
		t.Helper()
		r, err := http.NewRequest(http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", authorization)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(b)
	}
	for _, wrong := range []string{"", "Bearer", "Bearer 0123456789abcdef0123456789abcdee", "0123456789abcdef0123456789abcdef"} {
		if status, text := get(p.base+"/metrics", wrong); status != http.StatusUnauthorized || strings.Contains(text, "volenti_http") {
			t.Errorf("%q: status %d\n%s", wrong, status, text)
		}
	}
	get(p.base+"/b/nobody.js", "")
	_, withToken := get(p.base+"/metrics", "Bearer 0123456789abcdef0123456789abcdef")
	_, onItsOwn := get("http://"+own+"/metrics", "")
	for name, text := range map[string]string{"with the token": withToken, "on its own address": onItsOwn} {
		for _, want := range []string{
			"volenti_ready 1", "volenti_records_waiting 0", "volenti_sites_published 0", "volenti_log_leaves ", "volenti_database_bytes ",
			"volenti_region_database_built_seconds ", "go_goroutines ", "process_resident_memory_bytes ",
			`volenti_http_requests_total{code="4xx",method="GET",route="/b/:file"} 1`,
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is missing", name, want)
			}
		}
	}
	if strings.Contains(withToken, "nobody") {
		t.Error("metrics name a site that somebody asked for")
	}
	if status, _ := get("http://"+own+"/healthz", ""); status != http.StatusNotFound {
		t.Errorf("the address for metrics answers more: %d", status)
	}
}

func TestAMetricsTokenIsASecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	for _, c := range []struct {
		text, says string
		mode       os.FileMode
	}{
		{"0123456789abcdef", "chmod 600", 0o644},
		{"short", "openssl rand", 0o600},
		{"", "openssl rand", 0o600},
	} {
		if err := os.WriteFile(file, []byte(c.text), c.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, c.mode); err != nil {
			t.Fatal(err)
		}
		if _, err := load(t, "", nil, "--metrics-token-file", file); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q, mode %o: %v", c.text, c.mode, err)
		}
	}
	if _, err := load(t, "", nil, "--metrics-listen", "nowhere"); err == nil {
		t.Error("metrics.listen = nowhere is accepted")
	}
}

// What docs/operate asks for is there: metrics under the names that are shown and
// settings under the names that are read.
func TestWhatIsOperatedWithFitsTheProgram(t *testing.T) {
	m := metrics.New("test", gaugesOf(nil, nil, nil, nil, nil)...)
	known := map[string]bool{}
	for _, name := range m.Names() {
		known[name] = true
	}
	settings := map[string]bool{secretVariable: true}
	for _, s := range defaults().settings() {
		settings[s.env()] = true
	}
	metric, setting := regexp.MustCompile(`volenti_[a-z_]+`), regexp.MustCompile(`VOLENTI_[A-Z_]*[A-Z]`)
	suffix := regexp.MustCompile(`_(bucket|sum|count)$`)
	files, seen := 0, map[string]bool{}
	err := filepath.WalkDir("../../docs/operate", func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, name := range metric.FindAllString(string(text), -1) {
			if name = suffix.ReplaceAllString(name, ""); !known[name] {
				t.Errorf("%s asks for %s, which there is not", path, name)
			}
			seen[name] = true
		}
		for _, name := range setting.FindAllString(string(text), -1) {
			if !settings[name] {
				t.Errorf("%s sets %s, which there is not", path, name)
			}
		}
		if strings.HasSuffix(path, ".json") && !json.Valid(text) {
			t.Errorf("%s is not JSON", path)
		}
		return nil
	})
	if err != nil || files < 6 {
		t.Errorf("%d files: %v", files, err)
	}
	for name := range known {
		if !seen[name] && strings.HasPrefix(name, "volenti_") {
			t.Errorf("%s is shown nowhere", name)
		}
	}
}

// Every alert has a case in which it fires, and Prometheus's own tool finds nothing wrong
// with alerts, their tests and what a server tells.
func TestAlertsFireWhenTheyShould(t *testing.T) {
	names := func(file, pattern string) (all []string) {
		text, err := os.ReadFile(filepath.Join("../../docs/operate", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
			all = append(all, found[1])
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	alerts := names("alerts.yml", `alert: (\w+)`)
	if fire := names("alerts_test.yml", `alertname: (\w+)\n\s+exp_alerts:\n`); len(alerts) == 0 || !slices.Equal(alerts, fire) {
		t.Errorf("there are alerts %v, and tests in which %v fire", alerts, fire)
	}
	promtool := find(t, "promtool", "../../bin/promtool")
	text := measured(t)
	for _, args := range [][]string{{"check", "rules", "../../docs/operate/alerts.yml"}, {"test", "rules", "../../docs/operate/alerts_test.yml"}, {"check", "metrics"}} {
		cmd := exec.CommandContext(t.Context(), promtool, args...)
		cmd.Stdin = strings.NewReader(text) // of which the last one reads
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}

// measured is what a server tells that has served a visitor and recorded a decision.
func measured(t *testing.T) string {
	t.Helper()
	metrics := freeAddress(t)
	p := start(t, publish(t), "--metrics-listen", metrics)
	if status, receipt, err := p.open(nil).decide("a"); err != nil || status != http.StatusCreated {
		t.Fatalf("%d %v %s", status, err, receipt)
	}
	resp, text := fetch(t, "http://"+metrics+"/metrics", nil)
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	return text
}
