package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

var linkText = regexp.MustCompile(`http://\S+/admin/enter/[A-Za-z0-9_-]{43}`)

// The first start prints a link on standard output and not in the log; it opens.
func TestFirstStartPrintsALink(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	if out, exit := volenti(t, "operator", "link", "--data", data); exit != exitUsage {
		t.Errorf("without a data folder: exit %d, %s", exit, out)
	}
	cmd := exec.Command(binary, "serve", "--listen", "127.0.0.1:0", "--data", data)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	link := ""
	for lines := bufio.NewScanner(stdout); link == "" && lines.Scan(); {
		link = linkText.FindString(lines.Text())
	}
	if link == "" {
		t.Fatalf("no link\n%s", &log)
	}
	resp, err := http.Get(strings.Replace(link, "localhost", "127.0.0.1", 1))
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(page), "Become the first owner") {
		t.Errorf("%d, %v\n%s", resp.StatusCode, err, page)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, stdout)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(log.String(), "/admin/enter/") && linkText.MatchString(log.String()) {
		t.Error("the link stands in the log")
	}
}

// Operators and tokens by command, each noted and listed.
func TestOperatorsByCommand(t *testing.T) {
	data := t.TempDir()
	run := func(want int, args ...string) string {
		t.Helper()
		out, exit := volenti(t, append(args, "--data", data)...)
		if exit != want {
			t.Fatalf("volenti %v: exit %d\n%s", args, exit, out)
		}
		return out
	}
	run(0, "site", "add", "shop")
	if link := linkText.FindString(run(0, "operator", "link", "--public-url", "http://consent.example.com/")); !strings.HasPrefix(link, "http://consent.example.com/admin/enter/") {
		t.Errorf("link %q", link)
	}
	run(exitUsage, "operator", "add", "no address", "--role", "legal", "--all-sites")
	run(exitUsage, "operator", "add", "ada@example.com", "--role", "king", "--all-sites")
	run(exitUsage, "operator", "add", "ada@example.com", "--role", "legal")
	run(exitUsage, "operator", "add", "ada@example.com", "--role", "legal", "--site", "nowhere")
	for _, args := range [][]string{{"ada@example.com", "--role", "owner", "--all-sites"}, {"MIA@example.com", "--role", "legal", "--site", "shop"}} {
		if !linkText.MatchString(run(0, append([]string{"operator", "add"}, args...)...)) {
			t.Error("no link")
		}
	}
	run(exitUsage, "operator", "add", "mia@example.com", "--role", "legal", "--all-sites")
	run(exitUsage, "operator", "link") // whose?
	run(exitUsage, "operator", "link", "nobody@example.com")
	run(exitUsage, "operator", "disable", "ada@example.com") // the last owner
	run(0, "operator", "disable", "mia@example.com")
	run(exitUsage, "operator", "link", "mia@example.com")
	if out := run(0, "operator", "list"); !regexp.MustCompile(`mia@example.com +mia@example.com +legal +shop +disabled`).MatchString(out) {
		t.Errorf("%s", out)
	}
	run(0, "operator", "disable", "--undo", "mia@example.com")

	run(exitUsage, "operator", "token", "add", "CI", "--site", "shop")
	run(exitUsage, "operator", "token", "add", "CI", "--site", "shop", "--right", "operators:write")
	run(exitUsage, "operator", "token", "add", "CI", "--site", "nowhere", "--right", "policies:publish")
	if out := run(0, "operator", "token", "add", "CI", "--site", "shop", "--right", "policies:publish"); !regexp.MustCompile(`(?m)^vt_[\w-]{43}[0-9a-f]{8}$`).MatchString(out) {
		t.Errorf("%s", out)
	}
	var operators []operatorOut
	if err := json.Unmarshal([]byte(run(0, "operator", "list", "--json")), &operators); err != nil || len(operators) != 2 ||
		!operators[0].AllSites || operators[1].State != "invited" || operators[1].AllSites || strings.Join(operators[1].Sites, ",") != "shop" {
		t.Errorf("%v %+v", err, operators)
	}
	var tokens []tokenOut
	if err := json.Unmarshal([]byte(run(0, "operator", "token", "list", "--json")), &tokens); err != nil || len(tokens) != 1 || tokens[0].Site != "shop" {
		t.Errorf("%v %+v", err, tokens)
	}
	var keys []keyOut
	if err := json.Unmarshal([]byte(run(0, "key", "list", "--json")), &keys); err != nil || len(keys) != 1 || !keys[0].Signs {
		t.Errorf("%v %+v", err, keys)
	}
	out := run(0, "operator", "token", "list")
	id := regexp.MustCompile(`(?m)^([0-9a-f]{12}) +CI +shop +policies:publish`).FindStringSubmatch(out)
	if id == nil || strings.Contains(out, "vt_") {
		t.Fatalf("%s", out)
	}
	run(0, "operator", "token", "end", id[1])
	run(exitUsage, "operator", "token", "end", id[1])
}
