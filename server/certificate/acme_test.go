package certificate

import (
	"bytes"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
)

// An authority is asked as the settings say, at the ports where this server listens.
func TestHowAnAuthorityIsAsked(t *testing.T) {
	secure, plain := &net.TCPAddr{IP: net.IPv4zero, Port: 8443}, &net.TCPAddr{IP: net.IPv4zero, Port: 8080}
	o := Options{Domains: []string{"consent.example.com"}, Storage: t.TempDir(), HTTPS: secure, Log: slog.New(slog.DiscardHandler)}
	a, err := FromAuthority(o)
	if err != nil {
		t.Fatal(err)
	}
	defer a.cache.Stop()
	if i := a.issuer; i.CA != certmagic.LetsEncryptProductionCA || i.TestCA != i.CA || !i.DisableHTTPChallenge || i.AltTLSALPNPort != 8443 {
		t.Errorf("%+v", i)
	}
	c := a.Config()
	if c.MinVersion != tls.VersionTLS12 || c.NextProtos[0] != "h2" || !slices.Contains(c.NextProtos, "acme-tls/1") {
		t.Errorf("from TLS %x on, %v", c.MinVersion, c.NextProtos)
	}
	o.CA, o.HTTP = "https://ca.example/directory", plain
	other, err := FromAuthority(o)
	if err != nil {
		t.Fatal(err)
	}
	defer other.cache.Stop()
	if i := other.issuer; i.CA != o.CA || i.TestCA != o.CA || i.DisableHTTPChallenge || i.AltHTTPPort != 8080 {
		t.Errorf("%+v", i)
	}
	o.HTTP = &net.UnixAddr{Name: "/run/socket"}
	if _, err := FromAuthority(o); err == nil {
		t.Error("a socket without a port is taken")
	}
}

// What certmagic says is told with what it is about and why; who connected, and whom the
// authority writes to, is not.
func TestWhatIsToldOfCertificates(t *testing.T) {
	for _, c := range []struct {
		level string
		say   func(*zap.Logger, string, ...zap.Field)
		why   bool
	}{
		{"", (*zap.Logger).Debug, false},
		{"level=DEBUG", (*zap.Logger).Info, false},
		{"level=WARN", (*zap.Logger).Warn, true},
		{"level=ERROR", (*zap.Logger).Error, true},
	} {
		var lines bytes.Buffer
		log := zap.New(&bridge{slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))})
		c.say(log, "obtain", zap.String("identifier", "consent.example.com"), zap.String("remote", "203.0.113.77"), zap.Strings("contact", []string{"mailto:canary"}), zap.Error(errors.New("no such name")))
		said := lines.String()
		if c.level == "" && said != "" || !strings.Contains(said, c.level) || strings.Contains(said, "203.0") || strings.Contains(said, "canary") {
			t.Errorf("%s: %s", c.level, said)
		}
		if c.level != "" && (!strings.Contains(said, "identifier=consent.example.com") || c.why != strings.Contains(said, "no such name")) {
			t.Errorf("%s: %s", c.level, said)
		}
	}
}
