// Package certificate gives a server its TLS certificates: from files, read again when
// they change, or from a certification authority by ACME (RFC 8555), renewed in time.
package certificate

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// A Source has certificates for handshakes. It is safe for concurrent use.
type Source interface {
	// Config is what listeners speak TLS with: TLS 1.2 or newer, HTTP/2 first.
	Config() *tls.Config
	// Challenge answers what an authority asks over plain HTTP, and leaves everything
	// else to next.
	Challenge(next http.Handler) http.Handler
	// Keep fetches, renews and reads again until ctx ends.
	Keep(ctx context.Context)
}

// Files are a certificate chain and its key, in PEM.
type Files struct {
	Cert, Key string
	Log       *slog.Logger
	Every     time.Duration // how often they are looked at; ten seconds if it is zero

	pair atomic.Pointer[loaded]
}

type loaded struct {
	certificate tls.Certificate
	cert, key   os.FileInfo
}

// FromFiles reads them once: what can't be served is refused at the start.
func FromFiles(cert, key string, log *slog.Logger) (*Files, error) {
	f := &Files{Cert: cert, Key: key, Log: log}
	_, err := f.reload()
	return f, err
}

// Config is part of Source.
func (f *Files) Config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &f.pair.Load().certificate, nil }}
}

// Challenge is part of Source: nobody asks.
func (f *Files) Challenge(next http.Handler) http.Handler { return next }

// Keep reads the files again when they change. A pair that does not fit, as while one of
// the two was replaced and the other was not yet, is left; the last one stays.
func (f *Files) Keep(ctx context.Context) {
	every := f.Every
	if every <= 0 {
		every = 10 * time.Second
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	complained := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		taken, err := f.reload()
		switch {
		case err != nil && !complained:
			f.Log.ErrorContext(ctx, "the new certificate is refused; the last one is served", "error", err)
			complained = true
		case taken:
			f.Log.InfoContext(ctx, "certificate read again", "ends", f.pair.Load().certificate.Leaf.NotAfter)
			complained = false
		}
	}
}

// reload reads files that are not those of the last time.
func (f *Files) reload() (taken bool, err error) {
	cert, err1 := os.Stat(f.Cert)
	key, err2 := os.Stat(f.Key)
	if err := errors.Join(err1, err2); err != nil {
		return false, err
	}
	if key.Mode().Perm()&0o077 != 0 {
		return false, fmt.Errorf("others can read %s; run chmod 600 on it", f.Key)
	}
	if old := f.pair.Load(); old != nil && same(old.cert, cert) && same(old.key, key) {
		return false, nil
	}
	pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return false, fmt.Errorf("certificate: %w", err)
	}
	f.pair.Store(&loaded{pair, cert, key})
	return true, nil
}

func same(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

// Redirect sends whoever comes over plain HTTP to the same address over HTTPS, on port.
// Only names are followed that the server has: whoever sends another one is told nothing.
func Redirect(names []string, port string) http.Handler {
	known := map[string]bool{}
	for _, name := range names {
		known[name] = true
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		w.Header().Set("Connection", "close")
		if !known[host] {
			http.Error(w, "this server speaks HTTPS", http.StatusMisdirectedRequest)
			return
		}
		if port != "443" {
			host = net.JoinHostPort(host, port)
		}
		// A body would be sent in the clear before the answer came: 308 keeps the method.
		http.Redirect(w, r, "https://"+host+r.URL.RequestURI(), http.StatusPermanentRedirect) //nolint:gosec // host is one of ours
	})
}
