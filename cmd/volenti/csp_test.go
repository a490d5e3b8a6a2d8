package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const statsHost = `
[[vendor]]
key = "counter"
name = "Counter"
category = "analytics"
country = "US"
hosts = ["counter.example"]
`

// A policied is a server of policies, its site's upstream, and a visitor who
// granted analytics.
type policied struct {
	p        *process
	data     string
	upstream *httptest.Server
	yes      string // Cookie header
}

// policyFolder is a data folder that was published into once, for all tests here.
var policyFolder struct {
	once sync.Once
	path string
}

// copyFolder copies a data folder that nobody writes to, readable by nobody else.
func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	if err := filepath.WalkDir(to, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return errors.Join(err, os.Chmod(path, 0o600))
		}
		return os.Chmod(path, 0o700)
	}); err != nil {
		t.Fatal(err)
	}
}

func policy(t *testing.T) *policied {
	t.Helper()
	s := &policied{data: filepath.Join(t.TempDir(), "data")}
	policyFolder.once.Do(func() {
		folder := publish(t)
		file, err := os.ReadFile("testdata/shop.toml")
		if err != nil {
			t.Fatal(err)
		}
		notice := filepath.Join(t.TempDir(), "shop.toml")
		if err := os.WriteFile(notice, append(file, statsHost...), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, exit := volenti(t, "notice", "publish", notice, "--data", folder); exit != 0 {
			t.Fatalf("%s", out)
		}
		policyFolder.path = filepath.Join(filepath.Dir(binary), "policied")
		copyFolder(t, folder, policyFolder.path)
	})
	copyFolder(t, policyFolder.path, s.data)
	s.p = start(t, s.data, "--geo-trusted-proxies", "127.0.0.1/32", "--geo-address-header", "x-forwarded-for")
	v := s.p.open(nil)
	body := fmt.Sprintf(`{"id":"yes","token":%q,"categories":{"preferences":false,"analytics":true,"marketing":false},"vendors":{},"action":"save","surface":"banner","at":1,"gpc":false,"dnt":false}`, v.token)
	r, err := http.NewRequest(http.MethodPost, s.p.base+"/v1/sites/shop/decisions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Content-Type": {"application/json"}, "Origin": {shopOrigin}}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if len(resp.Cookies()) != 1 {
		t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	s.yes = "volenti=" + resp.Cookies()[0].Value
	s.upstream = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/style.css" {
			w.Header().Set("Content-Type", "text/css")
			w.Header().Set("Cache-Control", "max-age=600")
		} else {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Cache-Control", "public, max-age=600")
		}
		_, _ = io.WriteString(w, "<p>Lamps")
	}))
	t.Cleanup(s.upstream.Close)
	return s
}

// print is the configuration for a web server.
func (s *policied) print(t *testing.T, args ...string) string {
	t.Helper()
	out, exit := volenti(t, append([]string{"csp", "--site", "shop", "--server", s.p.base, "--data", s.data}, args...)...)
	if exit != 0 {
		t.Fatalf("%s", out)
	}
	return out
}

// through asks a web server that runs the configuration, and then with the
// consent server gone.
func (s *policied) through(t *testing.T, address string, reported, independent bool) {
	t.Helper()
	header := map[bool]string{false: "Content-Security-Policy", true: "Content-Security-Policy-Report-Only"}[reported]
	ask := func(path, cookie string) http.Header {
		t.Helper()
		r, err := http.NewRequest(http.MethodGet, "http://"+address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if cookie != "" {
			r.Header.Set("Cookie", cookie)
		}
		if path == "/" {
			r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
		}
		r.Header.Set("X-Volenti-Policy", "default-src *")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || string(body) != "<p>Lamps" {
			t.Fatalf("%s: %d %s", path, resp.StatusCode, body)
		}
		return resp.Header
	}
	for _, tt := range []struct {
		name, cookie string
		granted      bool
	}{{"nothing decided", "", false}, {"a forged yes", "volenti=forged", false}, {"a yes", "a=b/c|d; " + s.yes, true}} {
		h := ask("/", tt.cookie)
		got := h.Values(header)
		if len(got) != 1 || !strings.HasPrefix(got[0], "default-src 'self'") || strings.Contains(got[0], "counter.example") != tt.granted {
			t.Errorf("%s: %q", tt.name, got)
		}
		if last := h.Values("Cache-Control"); len(last) == 0 || !strings.Contains(strings.Join(last, ","), "private") {
			t.Errorf("%s: Cache-Control %q", tt.name, last)
		}
	}
	if h := ask("/style.css", s.yes); h.Get(header) != "" || len(h.Values("Cache-Control")) > 1 || strings.Contains(h.Get("Cache-Control"), "private") {
		t.Errorf("a style sheet: %v", h)
	}
	if !independent {
		return
	}
	_ = s.p.stop(syscall.SIGKILL)
	if got := ask("/", s.yes).Get(header); !strings.HasPrefix(got, "default-src 'self'") || strings.Contains(got, "counter.example") {
		t.Errorf("without the consent server: %q", got)
	}
}

// run starts a web server, and waits until it takes connections.
func run(t *testing.T, address string, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+t.TempDir(), "XDG_DATA_HOME="+t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		<-done
		if t.Failed() {
			t.Logf("%s said:\n%s", name, said.String())
		}
	})
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		select {
		case err := <-done:
			done <- err
			t.Fatalf("%s ended: %v\n%s", name, err, said.String())
		default:
		}
		if conn, err := net.Dial("tcp", address); err == nil {
			_ = conn.Close()
			return
		}
		time.Sleep(5 * time.Millisecond) // until the port answers; not a measure of speed
	}
	t.Fatalf("%s does not answer\n%s", name, said.String())
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// find skips a test where a program is not installed.
func find(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skipf("%s is not installed", names[0])
	return ""
}

func TestPolicyThroughNginx(t *testing.T) {
	nginx := find(t, "nginx", "/usr/sbin/nginx")
	for _, reported := range []bool{false, true} {
		s := policy(t)
		args := []string{"--for", "nginx"}
		if reported {
			args = append(args, "--report-only")
		}
		web, site, ok := strings.Cut(s.print(t, args...), "# In the server block of the website, or")
		if !ok {
			t.Fatal("the printed text has no second part")
		}
		dir, address := t.TempDir(), freeAddress(t)
		conf := fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log stderr;
events {}
http {
access_log off; client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
%[2]s
server { listen %[3]s; location / { proxy_pass %[4]s; }
#%[5]s
} }`, dir, web, address, s.upstream.URL, site)
		file := filepath.Join(dir, "nginx.conf")
		if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
			t.Fatal(err)
		}
		run(t, address, nginx, "-c", file, "-e", "stderr")
		s.through(t, address, reported, true)
	}
}

func TestPolicyThroughCaddy(t *testing.T) {
	caddy := find(t, "caddy")
	s := policy(t)
	text := s.print(t, "--for", "caddy", "--website", "reverse_proxy "+strings.TrimPrefix(s.upstream.URL, "http://"))
	dir, address := t.TempDir(), freeAddress(t)
	file := filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(file, []byte("{\nadmin off\nauto_https off\n}\nhttp://"+address+" {\n"+text+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, address, caddy, "run", "--config", file, "--adapter", "caddyfile")
	s.through(t, address, false, true)
}

func TestPolicyThroughApache(t *testing.T) {
	apache := find(t, "apache2", "/usr/sbin/apache2", "httpd")
	s := policy(t)
	text := s.print(t, "--for", "apache")
	dir, address := t.TempDir(), freeAddress(t)
	modules := ""
	for _, folder := range []string{"/usr/lib/apache2/modules", "/usr/lib/httpd/modules"} {
		for _, name := range []string{"mpm_event", "authz_core", "rewrite", "headers", "proxy", "proxy_http"} {
			if _, err := os.Stat(folder + "/mod_" + name + ".so"); err == nil {
				modules += fmt.Sprintf("LoadModule %s_module %s/mod_%s.so\n", name, folder, name)
			}
		}
	}
	conf := fmt.Sprintf("%sServerName localhost\nListen %s\nPidFile %s/pid\nErrorLog /dev/stderr\nDefaultRuntimeDir %[3]s\nMutex file:%[3]s\nProxyPass / %s/\n%s", modules, address, dir, s.upstream.URL, text)
	file := filepath.Join(dir, "httpd.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, address, apache, "-f", file, "-D", "FOREGROUND")
	s.through(t, address, false, false)
}

// Worker and edge function run in what node has of the web's interfaces.
func TestPolicyByFunctionsAtTheEdge(t *testing.T) {
	node := find(t, "node")
	s := policy(t)
	for kind, call := range map[string]string{
		"cloudflare": `answer = await edge.default.fetch(new Request('http://shop.example/', { headers: { cookie, accept: 'text/html', 'cf-connecting-ip': '192.0.2.1' } }));`,
		"netlify":    `answer = await edge.default(new Request('http://shop.example/', { headers: { cookie, accept: 'text/html' } }), { ip: '192.0.2.1', next: () => fetch('http://shop.example/') });`,
	} {
		file := filepath.Join(t.TempDir(), kind+".mjs")
		if err := os.WriteFile(file, []byte(s.print(t, "--for", kind)), 0o600); err != nil {
			t.Fatal(err)
		}
		script := fmt.Sprintf(`const real = fetch; let away = false;
globalThis.fetch = async (to, options) => (to.url ?? to).startsWith('http://shop.example') ? new Response('<p>Lamps', { headers: { 'content-type': 'text/html', 'content-security-policy': "base-uri 'none'" } }) : away ? Promise.reject(new TypeError('away')) : real(to, options);
const edge = await import(%q);
for (const [cookie, gone] of [['', false], [%q, false], [%[2]q, true]]) {
  let answer; away = gone; %s
  console.log(answer.headers.get('cache-control') + ' | ' + answer.headers.get('content-security-policy') + ' | ' + await answer.text());
}`, "file://"+file, s.yes, call)
		cmd := exec.Command(node, "--input-type=module", "-e", script)
		out, err := cmd.CombinedOutput()
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		if err != nil || len(lines) != 3 {
			t.Fatalf("%s: %v\n%s", kind, err, out)
		}
		for i, granted := range []bool{false, true, false} {
			if !strings.HasPrefix(lines[i], "private, no-cache | base-uri 'none', default-src 'self'") || !strings.HasSuffix(lines[i], "| <p>Lamps") || strings.Contains(lines[i], "counter.example") != granted {
				t.Errorf("%s, visit %d: %s", kind, i, lines[i])
			}
		}
	}
}

// The protocol of Apache's RewriteMap: a line for a line, whatever is read.
func TestAnswersLineByLine(t *testing.T) {
	s := policy(t)
	cmd := exec.Command(binary, "csp", "answer", "--site", "shop", "--data", s.data)
	lines := []string{"127.0.0.1///", "127.0.0.1///" + s.yes, "", "///", "not an address/1/1/x", "127.0.0.1///" + strings.Repeat("c", 200<<10), "::1//1/" + s.yes}
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n127.0.0.1///" + s.yes)
	out, err := cmd.Output()
	got := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if err != nil || len(got) != 8 {
		t.Fatalf("%v: %d answers\n%s", err, len(got), out)
	}
	for i, granted := range []bool{false, true, false, false, false, false, true, true} {
		if i == 5 {
			if got[i] != "NULL" {
				t.Errorf("a line that is too long: %.100s", got[i])
			}
		} else if !strings.HasPrefix(got[i], "default-src 'self'") || strings.Contains(got[i], "counter.example") != granted {
			t.Errorf("line %d: %s", i, got[i])
		}
	}
}

func TestPolicyCommandSaysWhatIsWrong(t *testing.T) {
	data := publish(t)
	for _, tt := range []struct{ args, want string }{
		{"--for nginx", "--site is missing"},
		{"--site nobody --for nginx", "--site nobody"},
		{"--site shop --for lighttpd", "write one of nginx, caddy, apache, cloudflare, netlify"},
		{"--site shop --for nginx --server localhost", "is not an address such as"},
		{"--site shop --for cloudflare --server https://a'.example", "is not an address such as"},
	} {
		out, exit := volenti(t, append(append([]string{"csp"}, strings.Fields(tt.args)...), "--data", data)...)
		if exit != exitUsage || !strings.Contains(out, tt.want) {
			t.Errorf("%s: exit %d, %s", tt.args, exit, out)
		}
	}
}
