package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/server/request"
	"github.com/volenti-consent/volenti/server/site"
)

// What the command line does with a request is what the console does.
func TestRequestCommands(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	in, err := open(t.Context(), home{data: data})
	if err != nil {
		t.Fatal(err)
	}
	if err := in.db.AddSite(t.Context(), site.Site{Key: "shop", Name: "Shop", CreatedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if err := in.close(); err != nil {
		t.Fatal(err)
	}
	var id string
	err = withRequests(t.Context(), home{data: data}, func(s *request.Service) error {
		table, err := regime.Load()
		if err != nil {
			return err
		}
		r, _, err := s.Receive(t.Context(), request.Intake{Site: "shop", Kind: request.Erasure, Language: "de", Region: "DE", Cookie: strings.Repeat("9", 32), Text: "canary", By: "visitor",
			Ruling: table.For(regime.Visitor{Country: "DE"}, "", regime.Cautious, 20261121)})
		id = r.ID
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (string, error) {
		cmd := root()
		var out bytes.Buffer
		cmd.SetOut(&out)
		cmd.SetArgs(append([]string{"request", args[0], "--data", data}, args[1:]...))
		err := cmd.ExecuteContext(t.Context())
		return out.String(), err
	}
	var listed []request.Line
	out, err := run("list", "shop", "--json")
	if err == nil {
		err = json.Unmarshal([]byte(out), &listed)
	}
	if err != nil || len(listed) != 1 || listed[0].ID != id || listed[0].State != request.Open || listed[0].Law != "eu-gdpr-eprivacy" {
		t.Fatalf("%s, %v", out, err)
	}
	if out, err = run("show", "shop", id); err != nil || !strings.Contains(out, "0 records") || !strings.Contains(out, "received by visitor") || strings.Contains(out, "canary") {
		t.Errorf("%s, %v", out, err)
	}
	for _, wrong := range []struct {
		args []string
		code int
	}{{[]string{"fulfil", "shop", id, "--how", "burnt"}, exitUsage}, {[]string{"show", "shop", "0123456789abcdef"}, exitFailure}, {[]string{"list", "nowhere"}, exitFailure}} {
		if _, err := run(wrong.args...); err == nil || exitCode(err) != wrong.code {
			t.Errorf("%v: %v", wrong.args, err)
		}
	}
	var done []request.Done
	out, err = run("fulfil", "shop", id, "--json", "--elsewhere")
	if err == nil {
		err = json.Unmarshal([]byte(out), &done)
	}
	if err != nil || len(done) != 2 || done[0].What != request.DoneNothing || done[1].What != request.DoneElsewhere {
		t.Errorf("%s, %v", out, err)
	}
	if _, err := run("fulfil", "shop", id); exitCode(err) != exitInvalid {
		t.Errorf("fulfilled twice: %v", err)
	}
	if out, err := run("list", "shop"); err != nil || !strings.Contains(out, "nothing waits") {
		t.Errorf("%s, %v", out, err)
	}
	file := filepath.Join(t.TempDir(), "requests.ndjson")
	if _, err := run("export", "shop", "--out", file); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil || strings.Count(string(b), "\n") != 1 || !strings.Contains(string(b), `"what":"fulfilled"`) || strings.Contains(string(b), "canary") {
		t.Errorf("%s, %v", b, err)
	}
	if _, err := run("list", "shop", "--data", data+"x"); err == nil {
		t.Error("a folder that is not there was made")
	}
	if _, err := os.Stat(data + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Error("a folder that is not there was made")
	}
}

// A mail server that would be spoken to in the clear, or can't be, is refused at the start.
func TestMailSettings(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Config)
		ok     bool
	}{
		"none":   {func(*Config) {}, true},
		"good":   {func(c *Config) { c.SMTPAddress, c.SMTPFrom = "mail.example.com:587", "Shop <privacy@example.com>" }, true},
		"nobody": {func(c *Config) { c.SMTPAddress = "mail.example.com:587" }, false},
		"in the clear": {func(c *Config) {
			c.SMTPAddress, c.SMTPFrom, c.SMTPSecurity = "mail.example.com:25", "a@example.com", "none"
		}, false},
		"no server": {func(c *Config) { c.SMTPFrom = "a@example.com" }, false},
		"no such file": {func(c *Config) {
			c.SMTPAddress, c.SMTPFrom, c.SMTPPasswordFile = "mail.example.com:587", "a@example.com", "/nowhere/x"
		}, false},
		"no network":     {func(c *Config) { c.HookNetworks = []string{"10.0.0.0/99"} }, false},
		"own network":    {func(c *Config) { c.HookNetworks = []string{"10.0.0.0/8", "fd00::/8"} }, true},
		"two in a field": {func(c *Config) { c.SMTPAddress, c.SMTPFrom = "mail.example.com:587", "a@example.com, b@example.com" }, false},
	} {
		c := defaults()
		tt.change(c)
		if wrong := c.validateMail(); (len(wrong) == 0) != tt.ok {
			t.Errorf("%s: %v", name, wrong)
		}
	}
}
