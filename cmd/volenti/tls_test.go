package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"
)

// here answers every question for an address with this machine.
func here(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.ListenPacket("udp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, question *dns.Msg) {
		answer := new(dns.Msg)
		answer.SetReply(question)
		if q := question.Question[0]; q.Qtype == dns.TypeA {
			answer.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(127, 0, 0, 1)}}
		}
		_ = w.WriteMsg(answer)
	})
	for _, server := range []*dns.Server{{Listener: l, Handler: handler}, {PacketConn: conn, Handler: handler}} {
		go func() { _ = server.ActivateAndServe() }()
		t.Cleanup(func() { _ = server.Shutdown() })
	}
	return l.Addr().String()
}

// authority runs Pebble, the test authority of Let's Encrypt, which asks at these
// ports. It returns the directory, and whom to trust who trusts it.
func authority(t *testing.T, httpPort, tlsPort int) (directory string, trusted *x509.CertPool) {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	quiet := log.New(io.Discard, "", 0)
	memory := db.NewMemoryStore()
	issuer := ca.New(quiet, memory, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {Description: "tests"}})
	validation := va.New(quiet, httpPort, tlsPort, true, here(t), memory)
	front := wfe.New(quiet, memory, validation, issuer, []string{"pebble.example"}, true, false, 1, 1)
	web := httptest.NewTLSServer(front.Handler())
	t.Cleanup(web.Close)
	roots := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", roots) // the server trusts the directory by what its system trusts
	trusted = x509.NewCertPool()
	trusted.AddCert(issuer.GetRootCert(0).Cert)
	return web.URL + wfe.DirectoryPath, trusted
}

func portOf(t *testing.T, address string) int {
	t.Helper()
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// The server gets its certificate from an authority that asks it over plain HTTP, or
// within TLS, and keeps it for the next start.
func TestCertificatesOfAnAuthority(t *testing.T) {
	const name = "consent.example.com"
	for _, how := range []string{"http-01", "tls-alpn-01"} {
		t.Run(how, func(t *testing.T) {
			secure, plain, nowhere := free(t), free(t), free(t)
			asked, redirect := []int{portOf(t, plain), portOf(t, nowhere)}, plain
			if how == "tls-alpn-01" {
				asked, redirect = []int{portOf(t, nowhere), portOf(t, secure)}, "none"
			}
			directory, trusted := authority(t, asked[0], asked[1])
			client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: trusted, ServerName: name}},
				CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			defer client.CloseIdleConnections()
			data := publish(t)
			args := []string{"--tls-domains", name, "--tls-email", "post@example.com", "--tls-ca", directory, "--tls-redirect", redirect}
			p := startOn(t, secure, "serve", "https", client, data, args...)
			get := func(address string) *http.Response {
				t.Helper()
				resp, err := client.Get(address)
				if err != nil {
					t.Fatal(err)
				}
				_ = resp.Body.Close()
				return resp
			}
			script := get(p.base + "/b/shop.js")
			if script.StatusCode != http.StatusOK || script.Proto != "HTTP/2.0" || script.Header.Get("Strict-Transport-Security") == "" {
				t.Errorf("%s %s %v", script.Status, script.Proto, script.Header)
			}
			for _, c := range get(p.base + "/admin/sign-in").Cookies() {
				if !c.Secure {
					t.Errorf("cookie %s is not for TLS alone", c.Name)
				}
			}
			if how == "http-01" {
				r, err := http.NewRequest(http.MethodGet, "http://"+plain+"/b/shop.js", nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Host = name
				resp, err := client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				_ = resp.Body.Close()
				if to := resp.Header.Get("Location"); resp.StatusCode != http.StatusPermanentRedirect || to != "https://"+name+":"+strconv.Itoa(portOf(t, secure))+"/b/shop.js" {
					t.Errorf("%s to %s", resp.Status, to)
				}
			}
			first := script.TLS.PeerCertificates[0].SerialNumber
			if err := p.stop(syscall.SIGTERM); err != nil {
				t.Error(err)
			}
			if said := p.log.String(); strings.Contains(said, "post@example.com") || strings.Contains(said, "127.0.0.1:5") && strings.Contains(said, "remote") {
				t.Errorf("the log says who connects\n%s", said)
			}
			p = startOn(t, secure, "serve", "https", client, data, args...)
			if again := get(p.base + "/healthz").TLS.PeerCertificates[0].SerialNumber; again.Cmp(first) != 0 {
				t.Error("a restart fetched another certificate")
			}
		})
	}
}

func TestTLSSettings(t *testing.T) {
	for says, args := range map[string][]string{
		"count only with":               {"--tls-email", "a@example.com"},
		"take one of them":              {"--tls-domains", "a.example", "--tls-cert", "x", "--tls-key", "y"},
		"needs tls.key":                 {"--tls-cert", "x", "--public-url", "https://a.example"},
		"is not a name":                 {"--tls-domains", "https://a.example"},
		"ACME directory":                {"--tls-domains", "a.example", "--tls-ca", "http://ca.example"},
		"not host:port":                 {"--tls-domains", "a.example", "--tls-redirect", "80"},
		"write https://":                {"--tls-domains", "a.example", "--public-url", "http://localhost"},
		"tls.cert and tls.key: stat no": {"--tls-cert", "no", "--tls-key", "no", "--public-url", "https://a.example"},
	} {
		if _, err := load(t, "", nil, args...); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v", args, err)
		}
	}
	cfg, err := load(t, "", nil, "--tls-domains", "a.example", "--listen", ":443")
	if err != nil || cfg.PublicURL != "https://a.example" || cfg.redirect() != ":80" {
		t.Errorf("%+v, %v", cfg, err)
	}
	if cfg, err = load(t, "", nil, "--tls-domains", "a.example", "--listen", ":8443", "--tls-redirect", "none"); err != nil || cfg.redirect() != "" {
		t.Errorf("%+v, %v", cfg, err)
	}
}

// The link that a server prints is one that it answers.
func TestLinksSpeakTLSAsTheServerDoes(t *testing.T) {
	for _, c := range []struct {
		cfg          Config
		listen, want string
	}{
		{Config{}, "127.0.0.1:8080", "http://localhost:8080"},
		{Config{}, "[::]:8080", "http://localhost:8080"},
		{Config{TLSCert: "chain.pem"}, "127.0.0.1:8443", "https://localhost:8443"},
		{Config{TLSCert: "chain.pem"}, "192.0.2.1:443", "https://192.0.2.1:443"},
		{Config{TLSCert: "chain.pem", PublicURL: "https://consent.example.com"}, ":443", "https://consent.example.com"},
		{Config{PublicURL: "https://consent.example.com"}, "127.0.0.1:8080", "https://consent.example.com"},
	} {
		if got := baseURL(&c.cfg, c.listen); got != c.want {
			t.Errorf("on %s: %s, want %s", c.listen, got, c.want)
		}
	}
}
