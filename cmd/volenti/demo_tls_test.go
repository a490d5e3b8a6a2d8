package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// demoUnderTLS: with a certificate the demo names addresses that work against it, its
// pages take a decision there, and what was prepared without TLS is not prepared anew.
func demoUnderTLS(t *testing.T, data, base string) {
	dir, trusting := certifiedFor(t, "localhost")
	listen := strings.TrimPrefix(base, "http://")
	_, port, _ := strings.Cut(listen, ":")
	here := "https://localhost:" + port
	p := &process{t: t, log: &bytes.Buffer{}, done: make(chan error, 1)}
	p.cmd = exec.Command(binary, "serve", "--listen", listen, "--data", data, "--demo-enabled", "--tls-cert", filepath.Join(dir, "cert"), "--tls-key", filepath.Join(dir, "key"))
	told := &lines{}
	p.cmd.Stdout, p.cmd.Stderr = told, p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.done <- p.cmd.Wait() }()
	t.Cleanup(func() { p.stop(syscall.SIGKILL) })
	ask := func(method, address, body string) (status int, answer string) {
		req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", here)
		req.Header.Set("Content-Type", "application/json")
		resp, err := trusting.Do(req)
		if err != nil {
			return 0, err.Error()
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			return 0, err.Error()
		}
		return resp.StatusCode, string(b)
	}
	eventually(t, "it is ready", func() bool {
		select {
		case err := <-p.done:
			p.done <- err
			t.Fatalf("it ended at once: %v\n%s", err, p.log)
		default:
		}
		status, _ := ask(http.MethodGet, here+"/readyz", "")
		return status == http.StatusOK && strings.Contains(told.String(), "Ctrl-C")
	})
	if strings.Contains(told.String(), "Preparing") {
		t.Errorf("it prepares the demo again:\n%s", told)
	}
	named := regexp.MustCompile(`[a-z]+://\S+`).FindAllString(told.String(), -1)
	if !slices.Contains(named, here+"/demo/") {
		t.Errorf("it does not name the shop:\n%s", told)
	}
	for _, address := range named {
		if status, answer := ask(http.MethodGet, address, ""); status != http.StatusOK || !strings.HasPrefix(address, here+"/") {
			t.Errorf("%s: %d %.300s", address, status, answer)
		}
	}
	_, shop := ask(http.MethodGet, here+"/demo/", "")
	script := regexp.MustCompile(`<script src="(/b/demo\.js[^"]*)"`).FindStringSubmatch(shop)
	if script == nil {
		t.Fatalf("no script: %.600s", shop)
	}
	_, text := ask(http.MethodGet, here+script[1], "")
	token := regexp.MustCompile(`"t":"([^"]+)"`).FindStringSubmatch(text)
	if token == nil {
		t.Fatalf("no token: %.300s", text)
	}
	status, receipt := ask(http.MethodPost, here+"/v1/sites/demo/decisions", fmt.Sprintf(`{"id":"under-tls","token":%q,"categories":{"preferences":false,"analytics":false,"marketing":false},"vendors":{},"action":"reject_all","surface":"banner","at":0,"gpc":false,"dnt":false}`, token[1]))
	if status != http.StatusCreated {
		t.Errorf("%d %s", status, receipt)
	}
	if err := p.stop(syscall.SIGTERM); err != nil {
		t.Errorf("%v\n%s", err, p.log)
	}
}
