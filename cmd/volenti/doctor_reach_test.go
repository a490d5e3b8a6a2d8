package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// issued is a certificate for 127.0.0.1 that ends then, and the file of whom to trust.
func issued(t *testing.T, ends time.Time) (pair tls.Certificate, roots string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: ends,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	roots = filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

// With --reach the doctor sees what a proxy makes of the server.
func TestDoctorReachesTheServer(t *testing.T) {
	data, world := lived(t), regionDatabase(t, "16777216,3758096383,DE\n")
	good, roots := issued(t, time.Now().AddDate(1, 0, 0))
	old, oldRoots := issued(t, time.Now().AddDate(0, 0, 3))
	with := func(name, value string) func(*http.Response) error {
		return func(r *http.Response) error { r.Header.Set(name, value); return nil }
	}
	without := func(name string) func(*http.Response) error {
		return func(r *http.Response) error { r.Header.Del(name); return nil }
	}
	answering := func(below string, status int) func(*http.Response) error {
		return func(r *http.Response) error {
			if strings.HasPrefix(r.Request.URL.Path, below) {
				r.StatusCode = status
			}
			return nil
		}
	}
	both := []string{"hint reach.script", "problem reach.script"}
	for name, c := range map[string]struct {
		serve []string // flags of the server
		spoil func(r *http.Response) error
		pair  tls.Certificate
		roots string
		want  []string
		says  string
	}{
		"as it is":           {nil, nil, good, roots, []string{"hint reach.script"}, "strictest law"}, // a request from this machine has no region
		"ends soon":          {nil, nil, old, oldRoots, []string{"hint reach.script", "problem reach.tls"}, "ends on"},
		"nobody trusts it":   {nil, nil, good, oldRoots, []string{"problem reach.script", "problem reach.tls"}, "is not reached at public_url"},
		"Vary is taken out":  {nil, without("Vary"), good, roots, both, "does not name dnt"},
		"a cache before it":  {nil, with("Age", "60"), good, roots, both, "comes out of a cache"},
		"to be cached":       {nil, with("Cache-Control", "public, max-age=60"), good, roots, both, "comes out of a cache"},
		"another type":       {nil, with("Content-Type", "text/plain"), good, roots, both, `comes as "text/plain"`},
		"types are guessed":  {nil, without("X-Content-Type-Options"), good, roots, both, "X-Content-Type-Options"},
		"http may come back": {nil, without("Strict-Transport-Security"), good, roots, []string{"hint reach.script"}, "comes without Strict-Transport-Security"},
		"a proxy's cookie":   {nil, with("Set-Cookie", "lb=node7"), good, roots, []string{"hint reach.script", "problem reach.cookies", "problem reach.script"}, "before any consent: lb"},
		"anybody's headers":  {[]string{"--geo-edge", "cloudflare", "--geo-trusted-proxies", "127.0.0.1/32"}, nil, good, roots, both, "any visitor could choose"},
		"a server that ends": {nil, answering("", 502), good, roots, []string{"problem reach.script"}, "answers 502"},
		"can't write":        {nil, answering("/readyz", 503), good, roots, both, "can't record decisions"},
		"no way to scripts":  {nil, answering("/b/", 404), good, roots, []string{"problem reach.script"}, "everything below"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := copied(t, data)
			var forward http.Handler
			ready := make(chan struct{}) // nobody is answered before
			proxy := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				<-ready
				forward.ServeHTTP(w, r)
			}))
			proxy.TLS = &tls.Config{Certificates: []tls.Certificate{c.pair}}
			proxy.StartTLS()
			defer proxy.Close()
			p := start(t, folder, append(c.serve, "--public-url", proxy.URL, "--geo-database", world)...)
			target, err := url.Parse(p.base)
			if err != nil {
				t.Fatal(err)
			}
			upstream := httputil.NewSingleHostReverseProxy(target)
			upstream.ModifyResponse = c.spoil
			forward = upstream
			close(ready)
			args := []string{"doctor", "--reach", "--json", "--data", folder, "--public-url", proxy.URL, "--geo-database", world}
			cmd := exec.Command(binary, append(args, c.serve...)...)
			cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+c.roots, "SSL_CERT_DIR=/nowhere")
			out, err := cmd.Output()
			var told doctorJSON
			if wrong := json.Unmarshal(out, &told); wrong != nil {
				t.Fatal(err, wrong, string(out))
			}
			var got []string
			for _, f := range told.Found {
				if strings.HasPrefix(f.Check, "reach.") {
					got = append(got, f.Level+" "+f.Check)
				}
			}
			slices.Sort(got)
			if got = slices.Compact(got); !slices.Equal(got, c.want) {
				t.Errorf("told %v, want %v\n%s", got, c.want, out)
			}
			if !slices.ContainsFunc(told.Found, func(f complaint) bool {
				return strings.HasPrefix(f.Check, "reach.") && strings.Contains(f.What+" "+f.Mend, c.says)
			}) {
				t.Errorf("nothing about %q\n%s", c.says, out)
			}
		})
	}
}

// Mail servers and companies that do not answer are told; those that do are not.
func TestDoctorAsksMailServerAndCompany(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	away := silent.Addr().String()
	_ = silent.Close()
	answers := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/.well-known/openid-configuration" {
			http.NotFound(w, r)
		}
	}
	company := httptest.NewServer(http.HandlerFunc(answers))
	defer company.Close()
	for issuer, want := range map[string]bool{company.URL: false, company.URL + "/other": true, "http://" + away: true} {
		d := &doctor{cfg: defaults(), now: time.Now}
		d.cfg.OIDCIssuer, d.cfg.SMTPAddress, d.cfg.SMTPFrom, d.cfg.SMTPSecurity = issuer, away, "a@example.com", "none"
		d.run(t.Context(), d.outside()...)
		told := d.told()
		if !slices.Contains(told, "hint reach.tls") { // there is no public_url
			t.Errorf("%v", told)
		}
		if !slices.Contains(told, "problem reach.mail") || slices.Contains(told, "problem reach.sign-in") != want {
			t.Errorf("%s: %v", issuer, told)
		}
	}
}
