package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// plain is this process's environment without what only tests read.
func plain() []string {
	ours := strays(os.Environ())
	return slices.DeleteFunc(os.Environ(), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return slices.ContainsFunc(ours, func(s stray) bool { return s.name == name })
	})
}

func TestVariablesThatAreNoSettings(t *testing.T) {
	for variable, want := range map[string]string{
		"VOLENTI_LISTN=x":           "VOLENTI_LISTEN",
		"VOLENTI_STORE_DNS=x":       "VOLENTI_STORE_DSN",
		"VOLENTI_KEYS_SECRETS=x":    "VOLENTI_KEYS_SECRET",
		"VOLENTI_LOGLEVEL=x":        "VOLENTI_LOG_LEVEL",
		"VOLENTI_log_level=x":       "VOLENTI_LOG_LEVEL",
		"VOLENTI_DSN=x":             "VOLENTI_STORE_DSN",
		"VOLENTI_DATA_DIR=x":        "VOLENTI_DATA",
		"VOLENTI_GATE_UPSTREAMS=x":  "VOLENTI_GATE_UPSTREAM",
		"VOLENTI_CONFIGURATION=x":   "",
		"VOLENTI_SMTP_HOST=mail":    "",
		"VOLENTI_PORT=9000":         "",
		"VOLENTI_SMTP_PORT=587":     "VOLENTI_SMTP_FROM",
		"VOLENTI_=":                 "",
		"VOLENTI_PORT_HTTP=x":       "",
		"VOLENTI_SERVICE_HOSTS=x":   "",
		"VOLENTI_PORT_80_QUIC=none": "",
	} {
		name, _, _ := strings.Cut(variable, "=")
		if got := strays([]string{"PATH=/bin", variable, "HOME=/"}); !reflect.DeepEqual(got, []stray{{name, want}}) {
			t.Errorf("%s: %+v, want %q", variable, got, want)
		}
	}
	known := slices.Clone(furtherVariables)
	for _, s := range defaults().settings() {
		known = append(known, s.env())
		// Kubernetes would set it, for a service of a suitable name.
		if serviceLink.MatchString(s.env()+"=x") || serviceLink.MatchString(s.env()+"=tcp://10.0.0.1:80") {
			t.Errorf("a service link may be called %s", s.env())
		}
	}
	for _, name := range known {
		for _, e := range []string{name + "=", name + "=x"} {
			if got := strays([]string{e}); got != nil {
				t.Errorf("%s: %+v", e, got)
			}
		}
	}
	for _, e := range serviceLinks {
		if got := strays([]string{e}); got != nil {
			t.Errorf("%s: %+v", e, got)
		}
	}
	for _, e := range []string{"volenti_listen=x", "XVOLENTI_LISTN=x", "VOLENTIS=x", "MY_VOLENTI_X=x"} {
		if got := strays([]string{e}); got != nil {
			t.Errorf("%s is none of ours: %+v", e, got)
		}
	}
}

// serviceLinks are what a container of Kubernetes finds for services called volenti and
// volenti-metrics.
var serviceLinks = []string{
	"VOLENTI_SERVICE_HOST=10.0.0.1", "VOLENTI_SERVICE_PORT=8080", "VOLENTI_SERVICE_PORT_HTTP=8080",
	"VOLENTI_PORT=tcp://10.0.0.1:8080", "VOLENTI_PORT_8080_TCP=tcp://10.0.0.1:8080",
	"VOLENTI_PORT_8080_TCP_PROTO=tcp", "VOLENTI_PORT_8080_TCP_PORT=8080", "VOLENTI_PORT_8080_TCP_ADDR=10.0.0.1",
	"VOLENTI_METRICS_SERVICE_HOST=10.0.0.2", "VOLENTI_METRICS_SERVICE_PORT=9090", "VOLENTI_METRICS_PORT=tcp://10.0.0.2:9090",
	"VOLENTI_METRICS_PORT_9090_UDP_ADDR=10.0.0.2",
}

// Whatever the program asks its environment for is known.
func TestEveryVariableThatIsReadIsKnown(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	socket, err := filepath.Glob("../../server/socket/*.go")
	if err != nil {
		t.Fatal(err)
	}
	read := map[string]bool{}
	for _, file := range append(files, socket...) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, m := range regexp.MustCompile(`"(VOLENTI_\w+)"`).FindAllSubmatch(mustRead(t, file), -1) {
			read[string(m[1])] = true
		}
	}
	for name := range read {
		if got := strays([]string{name + "=x"}); got != nil {
			t.Errorf("%s is read, and called a stray", name)
		}
	}
	for _, name := range furtherVariables {
		if !read[name] {
			t.Errorf("nobody reads %s", name)
		}
	}
}

// A server starts beside variables that are no settings, and names them without what
// they hold; so do the doctor, every command that opens a database, and whoever refuses the settings.
func TestStrayVariablesAreTold(t *testing.T) {
	data := publish(t)
	for _, e := range append([]string{"VOLENTI_STORE_DNS=postgres://canary", "VOLENTI_CANARY=canary"}, serviceLinks...) {
		name, value, _ := strings.Cut(e, "=")
		t.Setenv(name, value)
	}
	p := start(t, data)
	if err := p.stop(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (stdout, stderr string, exit int) {
		t.Helper()
		var out, said bytes.Buffer
		cmd := exec.Command(binary, append(args, "--data", data)...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader("192.0.2.1///\n"), &out, &said
		if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return out.String(), said.String(), cmd.ProcessState.ExitCode()
	}
	out, _, exit := run("doctor", "--json")
	var told doctorJSON
	if err := json.Unmarshal([]byte(out), &told); err != nil || exit > 1 {
		t.Fatal(exit, err, out)
	}
	var doctor []string
	for _, c := range told.Found {
		if c.Check == "configuration.environment" {
			doctor = append(doctor, c.Level+": "+c.What+" "+c.Mend)
		}
	}
	_, refused, exit := run("serve", "--listen", "nowhere")
	if exit != exitUsage {
		t.Errorf("exit %d\n%s", exit, refused)
	}
	_, csp, exit := run("csp", "answer", "--site", "shop")
	if exit != 0 {
		t.Errorf("exit %d\n%s", exit, csp)
	}
	sites, command, exit := run("site", "list", "--json")
	if exit != 0 || !json.Valid([]byte(sites)) {
		t.Errorf("exit %d\n%s", exit, sites)
	}
	for who, text := range map[string]string{"serve": p.log.String(), "doctor": strings.Join(doctor, "\n"), "a refusal": refused, "csp": csp, "a command": command} {
		for _, want := range []string{"VOLENTI_STORE_DNS", "did you mean VOLENTI_STORE_DSN?", "VOLENTI_CANARY"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: nothing of %s in:\n%s", who, want, text)
			}
		}
		for _, not := range []string{"VOLENTI_SERVICE", "VOLENTI_PORT", "VOLENTI_METRICS_", "canary"} {
			if strings.Contains(text, not) {
				t.Errorf("%s: %s is in:\n%s", who, not, text)
			}
		}
	}
	if len(doctor) < 2 || !strings.HasPrefix(doctor[0], "hint: ") {
		t.Errorf("%q", doctor)
	}
}
