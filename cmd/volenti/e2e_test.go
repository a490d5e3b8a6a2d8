package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// binary is the real program, built once for all tests.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "volenti")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "volenti")
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		panic(err)
	}
	// Who is started under nohup ignores SIGHUP, and so would every server started here.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// A process is one running volenti.
type process struct {
	t    testing.TB
	cmd  *exec.Cmd
	base string
	log  *bytes.Buffer // stderr, complete once the process has ended
	done chan error
}

// start runs `volenti serve` on a free port and waits until it is ready.
func start(t testing.TB, data string, args ...string) *process {
	t.Helper()
	return startAs(t, "serve", "http", http.DefaultClient, data, args...)
}

// startAs does so with another command that serves, over http or https.
func startAs(t testing.TB, command, scheme string, client *http.Client, data string, args ...string) *process {
	t.Helper()
	return startOn(t, free(t), command, scheme, client, data, args...)
}

// free is an address of this machine that nobody listens on just now.
func free(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// startOn does so on an address.
func startOn(t testing.TB, address, command, scheme string, client *http.Client, data string, args ...string) *process {
	t.Helper()
	p := &process{t: t, base: scheme + "://" + address, log: &bytes.Buffer{}, done: make(chan error, 1)}
	flags := []string{command, "--listen", address, "--data", data, "--log-level", "debug"}
	if _, measured := t.(*testing.B); measured { // the server, not its limits
		flags = append(flags, "--limits-site", "0")
	}
	p.cmd = exec.Command(binary, append(flags, args...)...)
	p.cmd.Stderr = p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.done <- p.cmd.Wait() }()
	t.Cleanup(func() { p.stop(syscall.SIGKILL) })
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); {
		select {
		case err := <-p.done:
			p.done <- err
			t.Fatalf("volenti ended at once: %v\n%s", err, p.log)
		default:
		}
		resp, err := client.Get(p.base + "/readyz")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return p
			}
		}
		time.Sleep(5 * time.Millisecond) // until the port answers; not a measure of speed
	}
	t.Fatalf("volenti is not ready after a minute\n%s", p.log)
	return nil
}

// stop signals the process and waits for its end. It may be called again.
func (p *process) stop(sig syscall.Signal) error {
	_ = p.cmd.Process.Signal(sig)
	err := <-p.done
	p.done <- err
	return err
}

// volenti runs one command to its end.
func volenti(t testing.TB, args ...string) (stdout string, exit int) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Env = plain()
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// play runs a script: requests, each followed by what must hold of its answer.
// The language is small enough to be read by a lawyer; see the files in
// testdata. {name} stands for what an earlier `keep` found.
func play(t *testing.T, base, file string, known map[string]string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var (
		method, path string
		header       http.Header
		body         []byte
		resp         *http.Response
		answer       string
	)
	send := func() {
		if resp != nil || method == "" {
			return
		}
		req, err := http.NewRequest(method, base+path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = header
		req.Header.Set("Accept-Encoding", header.Get("Accept-Encoding"))
		resp, err = (&http.Transport{DisableCompression: true}).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		answer = string(b)
	}
	fill := func(s string) string {
		for name, value := range known {
			s = strings.ReplaceAll(s, "{"+name+"}", value)
		}
		return s
	}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := fill(strings.TrimSpace(lines.Text()))
		bad := func(format string, args ...any) {
			t.Errorf("%s:%d: %s: %s\n%.600s", file, n, line, fmt.Sprintf(format, args...), answer)
		}
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "", "#":
		case "GET", "POST", "PUT", "OPTIONS", "HEAD", "DELETE":
			method, path, header, body, resp, answer = word, rest, http.Header{}, nil, nil, ""
		case "with": // a request header
			name, value, _ := strings.Cut(rest, ": ")
			header.Add(name, value)
		case "post": // the body, on one line
			body = []byte(rest)
		case "postsize": // a body of so many spaces
			size, _ := strconv.Atoi(rest)
			body = bytes.Repeat([]byte(" "), size)
		case "code":
			send()
			if want := strings.TrimPrefix(rest, "== "); strconv.Itoa(resp.StatusCode) != want {
				bad("answered %d", resp.StatusCode)
			}
		case "header":
			send()
			name, rest, _ := strings.Cut(rest, " ")
			got := strings.Join(resp.Header.Values(name), " | ")
			check(bad, got, rest)
		case "body":
			send()
			check(bad, answer, rest)
		case "keep": // keep NAME REGEXP: the first group of the body or the headers
			send()
			name, pattern, _ := strings.Cut(rest, " ")
			var all bytes.Buffer
			_ = resp.Header.Write(&all)
			found := regexp.MustCompile(pattern).FindStringSubmatch(all.String() + "\r\n" + answer)
			if found == nil {
				bad("not found")
				return
			}
			known[name] = found[1]
		default:
			bad("unknown word %q", word)
		}
	}
}

func check(bad func(string, ...any), got, rule string) {
	how, want, _ := strings.Cut(rule, " ")
	switch how {
	case "==":
		if got != want {
			bad("is %q", got)
		}
	case "contains":
		if !strings.Contains(got, want) {
			bad("is not there")
		}
	case "!contains":
		if strings.Contains(got, want) {
			bad("is there")
		}
	case "absent":
		if got != "" {
			bad("is %q", got)
		}
	default:
		bad("unknown comparison %q", how)
	}
}
