package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/volenti-consent/volenti/server/certificate"
	"github.com/volenti-consent/volenti/server/socket"
)

// speaksTLS reports whether this server ends TLS itself.
func (c *Config) speaksTLS() bool { return len(c.TLSDomains) > 0 || c.TLSCert != "" }

// https reports whether visitors reach it over TLS, ended here or before it.
func (c *Config) https() bool { return strings.HasPrefix(c.PublicURL, "https://") || c.speaksTLS() }

// noRedirect is what tls.redirect says for no plain HTTP at all.
const noRedirect = "none"

// redirect is where plain HTTP is answered; "" is nowhere.
func (c *Config) redirect() string {
	_, port, err := net.SplitHostPort(c.Listen)
	switch {
	case !c.speaksTLS() || c.TLSRedirect == noRedirect:
		return ""
	case c.TLSRedirect == "" && err == nil && port == "443":
		return ":80"
	}
	return c.TLSRedirect
}

// tlsNames are the names this server is called by over TLS.
func (c *Config) tlsNames() []string {
	names := slices.Clone(c.TLSDomains)
	for _, address := range append([]string{c.PublicURL}, c.Addresses...) {
		if u, err := url.Parse(address); err == nil && u.Hostname() != "" {
			names = append(names, u.Hostname())
		}
	}
	return names
}

func (c *Config) validateTLS() (wrong []error) {
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	if !c.speaksTLS() {
		if c.TLSKey != "" || c.TLSEmail != "" || c.TLSCA != "" || c.TLSStorage != "" || c.TLSRedirect != "" {
			bad("tls.key, email, ca, storage and redirect count only with tls.domains or tls.cert; take them out, or name one of these")
		}
		return wrong
	}
	switch {
	case len(c.TLSDomains) > 0 && c.TLSCert != "":
		bad("tls.domains fetches certificates and tls.cert names one; take one of them out")
	case c.TLSCert != "" && c.TLSKey == "":
		bad("tls.cert needs tls.key, the file with its key")
	case c.TLSCert != "":
		if _, err := certificate.FromFiles(c.TLSCert, c.TLSKey, slog.New(slog.DiscardHandler)); err != nil {
			bad("tls.cert and tls.key: %w", err)
		}
	case c.home().shared() && c.TLSStorage == "":
		bad("tls.domains on several nodes needs tls.storage, a folder that all of them share; or let the balancer before them end TLS")
	}
	for _, name := range c.TLSDomains {
		if strings.ContainsAny(name, "/:* ") || name == "" {
			bad("tls.domains: %q is not a name such as consent.example.com", name)
		}
	}
	if u, err := url.Parse(c.TLSCA); c.TLSCA != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
		bad("tls.ca = %q is not the https address of an ACME directory", c.TLSCA)
	}
	if at := c.redirect(); at != "" {
		if _, _, err := net.SplitHostPort(at); err != nil {
			bad("tls.redirect = %q is not host:port; write for example :80, or none", at)
		}
	}
	if c.PublicURL == "" && len(c.TLSDomains) > 0 {
		c.PublicURL = "https://" + c.TLSDomains[0]
		if _, port, err := net.SplitHostPort(c.Listen); err == nil && port != "443" && port != "0" {
			c.PublicURL += ":" + port
		}
	} else if strings.HasPrefix(c.PublicURL, "http://") {
		bad("public_url = %q, but the server speaks TLS; write https://…", c.PublicURL)
	}
	return wrong
}

// secure makes a listener speak TLS, and answers plain HTTP where that is asked for.
func secure(ctx context.Context, cfg *Config, sockets *socket.Set, l net.Listener, log *slog.Logger, background *sync.WaitGroup) (net.Listener, error) {
	if !cfg.speaksTLS() {
		return l, nil
	}
	var plain net.Listener
	if at := cfg.redirect(); at != "" {
		var err error
		if plain, err = sockets.Listen(ctx, "redirect", at); err != nil {
			return nil, usage(fmt.Errorf("%w; choose another address with --tls-redirect, or none", err))
		}
	}
	source, err := cfg.certificates(l, plain, log)
	if err != nil {
		return nil, usage(err)
	}
	background.Go(func() { source.Keep(ctx) })
	if plain != nil {
		_, port, err := net.SplitHostPort(l.Addr().String())
		if u, wrong := url.Parse(cfg.PublicURL); wrong == nil && err == nil {
			port = cmp.Or(u.Port(), "443") // what visitors see, where a firewall maps ports
		}
		servePlain(ctx, plain, source.Challenge(certificate.Redirect(cfg.tlsNames(), port)), log, background)
	}
	return tls.NewListener(l, source.Config()), nil
}

func (c *Config) certificates(secure, plain net.Listener, log *slog.Logger) (certificate.Source, error) {
	if c.TLSCert != "" {
		return certificate.FromFiles(c.TLSCert, c.TLSKey, log)
	}
	storage := c.TLSStorage
	if storage == "" {
		storage = filepath.Join(c.Data, "tls")
	}
	if err := os.MkdirAll(storage, 0o700); err != nil {
		return nil, fmt.Errorf("tls.storage: %w", err)
	}
	o := certificate.Options{Domains: c.TLSDomains, Email: c.TLSEmail, CA: c.TLSCA, Storage: storage, HTTPS: secure.Addr(), Log: log}
	if plain != nil {
		o.HTTP = plain.Addr()
	}
	return certificate.FromAuthority(o)
}

// servePlain answers plain HTTP until ctx ends.
func servePlain(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger, background *sync.WaitGroup) {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
	background.Go(func() {
		<-ctx.Done()
		_ = server.Close()
	})
	background.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) && ctx.Err() == nil {
			log.ErrorContext(ctx, "plain HTTP is not answered any more", "error", err)
		}
	})
}
