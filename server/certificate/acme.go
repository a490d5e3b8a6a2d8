package certificate

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Options are what certificates are fetched with.
type Options struct {
	Domains []string // names that lead to this server
	Email   string   // whom the authority writes to; "" is nobody
	CA      string   // address of its directory; "" is Let's Encrypt
	Storage string   // folder of account and certificates; several nodes may share one

	HTTPS net.Addr // where TLS is spoken
	HTTP  net.Addr // where plain HTTP is answered by Challenge; nil: nowhere
	Log   *slog.Logger
}

// An Authority is asked for certificates.
type Authority struct {
	o      Options
	cache  *certmagic.Cache
	magic  *certmagic.Config
	issuer *certmagic.ACMEIssuer
}

// FromAuthority asks nobody yet: Keep does.
func FromAuthority(o Options) (*Authority, error) {
	a := &Authority{o: o}
	log := zap.New(&bridge{to: o.Log})
	a.cache = certmagic.NewCache(certmagic.CacheOptions{Logger: log,
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return a.magic, nil }})
	a.magic = certmagic.New(a.cache, certmagic.Config{Storage: &certmagic.FileStorage{Path: o.Storage}, Logger: log})
	template := certmagic.ACMEIssuer{CA: o.CA, Email: o.Email, Agreed: true, Logger: log, DisableHTTPChallenge: o.HTTP == nil}
	var err error
	if template.AltTLSALPNPort, err = port(o.HTTPS); err != nil {
		return nil, err
	}
	if o.HTTP != nil {
		if template.AltHTTPPort, err = port(o.HTTP); err != nil {
			return nil, err
		}
	}
	if o.CA == "" {
		template.CA = certmagic.LetsEncryptProductionCA
	}
	template.TestCA = template.CA
	a.issuer = certmagic.NewACMEIssuer(a.magic, template)
	a.magic.Issuers = []certmagic.Issuer{a.issuer}
	return a, nil
}

func port(a net.Addr) (int, error) {
	_, text, err := net.SplitHostPort(a.String())
	if err != nil {
		return 0, fmt.Errorf("port of %s: %w", a, err)
	}
	return strconv.Atoi(text)
}

// Config is part of Source.
func (a *Authority) Config() *tls.Config {
	c := a.magic.TLSConfig()
	c.MinVersion = tls.VersionTLS12
	c.NextProtos = slices.Concat([]string{"h2", "http/1.1"}, c.NextProtos) // acme-tls/1 is among those
	return c
}

// Challenge is part of Source.
func (a *Authority) Challenge(next http.Handler) http.Handler {
	return a.issuer.HTTPChallengeHandler(next)
}

// Keep is part of Source: it fetches what is missing, tries again where that fails, and
// renews after two thirds of a certificate's life or when the authority asks for it.
func (a *Authority) Keep(ctx context.Context) {
	defer a.cache.Stop()
	for wait := time.Minute; ; wait = min(2*wait, time.Hour) {
		err := a.magic.ManageAsync(ctx, a.o.Domains)
		if err == nil {
			<-ctx.Done()
			return
		}
		a.o.Log.ErrorContext(ctx, "certificates can't be looked after; tried again", "error", err, "again", wait)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// A bridge hands warnings and errors of certmagic to the server's log: what they are
// about and why, and nothing of who connected.
type bridge struct{ to *slog.Logger }

var told = []string{"identifier", "challenge_type", "error", "issuer", "attempt", "retrying_in", "ca"}

func (b *bridge) Enabled(l zapcore.Level) bool      { return l >= zapcore.InfoLevel }
func (b *bridge) With([]zapcore.Field) zapcore.Core { return b }
func (b *bridge) Sync() error                       { return nil }

func (b *bridge) Check(e zapcore.Entry, c *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if b.Enabled(e.Level) {
		return c.AddCore(e, b)
	}
	return c
}

func (b *bridge) Write(e zapcore.Entry, fields []zapcore.Field) error {
	values := zapcore.NewMapObjectEncoder()
	for _, f := range fields {
		f.AddTo(values)
	}
	attributes := []slog.Attr{slog.String("detail", e.Message)}
	for _, name := range told {
		// Without a warning an error is none, and may hold whom the authority writes to.
		if v, ok := values.Fields[name]; ok && (name != "error" || e.Level > zapcore.InfoLevel) {
			attributes = append(attributes, slog.Any(name, v))
		}
	}
	level := map[zapcore.Level]slog.Level{zapcore.InfoLevel: slog.LevelDebug, zapcore.WarnLevel: slog.LevelWarn}
	is, ok := level[e.Level]
	if !ok {
		is = slog.LevelError
	}
	b.to.LogAttrs(context.Background(), is, "certificate", attributes...)
	return nil
}
