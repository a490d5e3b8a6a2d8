package certificate

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// write puts a new certificate with its key into a folder.
func write(t *testing.T, folder string, serial int64, only string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"consent.example.com"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert": {Type: "CERTIFICATE", Bytes: der}, "key": {Type: "PRIVATE KEY", Bytes: private}} {
		if only != "" && only != name {
			continue
		}
		// As programs that renew do: beside it, then in its place.
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path+".new", pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
}

// A logbook is a log that can be read while it is written.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Files that were renewed are served without a restart; a pair that does not fit is not.
func TestFilesAreReadAgain(t *testing.T) {
	folder, book := t.TempDir(), &logbook{}
	write(t, folder, 1, "")
	f, err := FromFiles(filepath.Join(folder, "cert"), filepath.Join(folder, "key"), slog.New(slog.NewTextHandler(book, nil)))
	if err != nil {
		t.Fatal(err)
	}
	f.Every = time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	var keeping sync.WaitGroup
	keeping.Go(func() { f.Keep(ctx) })
	defer keeping.Wait()
	defer cancel()
	web := httptest.NewUnstartedServer(http.NotFoundHandler())
	web.TLS = f.Config()
	web.EnableHTTP2 = true
	web.StartTLS()
	defer web.Close()
	serial := func() int64 {
		conn, err := tls.Dial("tcp", web.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true, ServerName: "consent.example.com", NextProtos: []string{"h2"}})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if p := conn.ConnectionState().NegotiatedProtocol; p != "h2" {
			t.Errorf("negotiated %q", p)
		}
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	until := func(what string, is func() bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: never\n%s", what, book)
			}
		}
	}
	if n := serial(); n != 1 {
		t.Fatal(n)
	}
	write(t, folder, 2, "")
	until("the second", func() bool { return serial() == 2 })
	write(t, folder, 3, "cert") // its key is another one
	until("a complaint", func() bool { return strings.Contains(book.String(), "refused") })
	if n := serial(); n != 2 {
		t.Errorf("serves %d", n)
	}
	write(t, folder, 4, "")
	until("the fourth", func() bool { return serial() == 4 })
	write(t, folder, 5, "key") // nor does this one fit
	until("another complaint", func() bool { return strings.Count(book.String(), "refused") > 1 })
	if n := serial(); n != 4 {
		t.Errorf("serves %d", n)
	}
	write(t, folder, 6, "")
	until("the sixth", func() bool { return serial() == 6 })
	cancel()
	keeping.Wait()
	// Between two files of one pair, too, there is one that does not fit.
	if refused, taken := strings.Count(book.String(), "refused"), strings.Count(book.String(), "read again"); refused > 5 || taken != 3 {
		t.Errorf("refused %d times, taken %d times\n%s", refused, taken, book)
	}
	// A client that speaks nothing newer than TLS 1.1 is not spoken to.
	old := &tls.Config{InsecureSkipVerify: true, ServerName: "consent.example.com", MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	if conn, err := tls.Dial("tcp", web.Listener.Addr().String(), old); err == nil {
		t.Errorf("spoke %x", conn.ConnectionState().Version)
		_ = conn.Close()
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, 1, "")
	cert, key := filepath.Join(folder, "cert"), filepath.Join(folder, "key")
	if _, err := FromFiles(cert, filepath.Join(folder, "none"), slog.Default()); err == nil {
		t.Error("a key that is not there is taken")
	}
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := FromFiles(cert, key, slog.Default()); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key others can read: %v", err)
	}
}

func TestRedirect(t *testing.T) {
	h := Redirect([]string{"consent.example.com"}, "8443")
	for host, want := range map[string]string{"consent.example.com": "https://consent.example.com:8443/b/shop.js?x=1", "consent.example.com:80": "https://consent.example.com:8443/b/shop.js?x=1", "evil.example": "", "": ""} {
		r := httptest.NewRequest(http.MethodPost, "/b/shop.js?x=1", nil)
		r.Host = host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Header().Get("Location"); got != want || want != "" && w.Code != http.StatusPermanentRedirect {
			t.Errorf("%s: %d %s", host, w.Code, got)
		}
	}
}
