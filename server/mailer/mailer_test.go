package mailer

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync"
	"testing"
)

// A post is a mail server for one connection after another: what was said to it, in
// lines, each marked by whether TLS was on.
type post struct {
	t        *testing.T
	listener net.Listener
	config   *tls.Config
	offers   string // extensions, one a line
	refuse   string // begins the command that is refused

	mu   sync.Mutex
	said []string // guarded by mu
}

func newPost(t *testing.T, implicit bool, offers string) *post {
	t.Helper()
	web := httptest.NewUnstartedServer(nil)
	web.StartTLS() // for its certificate of example.com and 127.0.0.1
	t.Cleanup(web.Close)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	p := &post{t: t, listener: listener, config: &tls.Config{Certificates: web.TLS.Certificates}, offers: offers}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if implicit {
				conn = tls.Server(conn, p.config)
			}
			p.serve(conn, implicit)
		}
	}()
	return p
}

func (p *post) note(line string, secure bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if secure {
		line = "tls " + line
	}
	p.said = append(p.said, line)
}

func (p *post) heard() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.said, "\n")
}

func (p *post) serve(conn net.Conn, secure bool) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	write := func(s string) { _, _ = io.WriteString(conn, s+"\r\n") }
	write("220 test ESMTP")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		p.note(line, secure)
		switch {
		case p.refuse != "" && strings.HasPrefix(line, p.refuse):
			write("550 nobody <ada@visitors.example> here")
		case strings.HasPrefix(line, "EHLO"):
			for _, o := range strings.Fields(p.offers) {
				if o != "STARTTLS" || !secure {
					write("250-" + strings.ReplaceAll(o, "_", " "))
				}
			}
			write("250 test")
		case line == "STARTTLS" && !strings.Contains(p.offers, "STARTTLS"):
			write("502 not here")
		case line == "STARTTLS":
			write("220 go on")
			tlsConn := tls.Server(conn, p.config)
			conn, r, secure = tlsConn, bufio.NewReader(tlsConn), true
		case strings.HasPrefix(line, "AUTH"):
			write("235 welcome")
		case line == "DATA":
			write("354 go on")
			for {
				line, err := r.ReadString('\n')
				if err != nil || line == ".\r\n" {
					break
				}
				p.note(strings.TrimRight(line, "\r\n"), secure)
			}
			write("250 taken")
		case line == "QUIT":
			write("221 bye")
			return
		default:
			write("250 ok")
		}
	}
}

func (p *post) server(security string) *Server {
	roots := x509.NewCertPool()
	leaf, err := x509.ParseCertificate(p.config.Certificates[0].Certificate[0])
	if err != nil {
		p.t.Fatal(err)
	}
	roots.AddCert(leaf)
	return &Server{Address: p.listener.Addr().String(), From: mail.Address{Name: "Läden", Address: "privacy@example.com"}, Security: security, User: "me", Password: "secret", Roots: &tls.Config{RootCAs: roots}} //nolint:gosec // no version of its own
}

// A message is said over TLS alone, and arrives as it was written.
func TestSend(t *testing.T) {
	for _, tt := range []struct {
		security string
		implicit bool
	}{{StartTLS, false}, {TLS, true}} {
		p := newPost(t, tt.implicit, "STARTTLS AUTH_PLAIN 8BITMIME")
		subject, text := "Ihre Anfrage: Löschung\r\nBcc: eve@example.com", "Grüße\n.\n..\nFrom here\nhttps://consent.test/?key=a=b "+strings.Repeat("x", 2000)+"\n"
		if err := p.server(tt.security).Send(t.Context(), "ada@visitors.example", subject, text); err != nil {
			t.Fatal(err)
		}
		all := p.heard()
		for line := range strings.Lines(all) {
			if !strings.HasPrefix(line, "tls ") && !strings.HasPrefix(line, "EHLO") && !strings.HasPrefix(line, "STARTTLS") {
				t.Errorf("%s: said in the clear: %s", tt.security, line)
			}
		}
		_, raw, _ := strings.Cut(strings.ReplaceAll(all, "tls ", ""), "DATA\n")
		raw, _, _ = strings.Cut(raw, "\nQUIT")
		m, err := mail.ReadMessage(strings.NewReader(strings.ReplaceAll(raw, "\n..", "\n.")))
		if err != nil {
			t.Fatal(err)
		}
		got, _ := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		if got != "Ihre Anfrage: Löschung Bcc: eve@example.com" || m.Header.Get("Bcc") != "" || m.Header.Get("To") != "ada@visitors.example" {
			t.Errorf("%q, %v", got, m.Header)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
		if err != nil || strings.TrimRight(strings.ReplaceAll(string(body), "\r\n", "\n"), "\n") != strings.TrimRight(text, "\n") {
			t.Errorf("%q, %v", body, err)
		}
	}
}

// Without TLS that can be trusted, nothing is said; what a server answers about an
// address is not repeated.
func TestMailGoesOverTrustedTLSAlone(t *testing.T) {
	stripped := newPost(t, false, "AUTH_PLAIN")
	if err := stripped.server(StartTLS).Send(t.Context(), "ada@visitors.example", "s", "t"); err == nil || strings.Contains(stripped.heard(), "MAIL") || strings.Contains(stripped.heard(), "AUTH") {
		t.Errorf("TLS is not offered: %v\n%s", err, stripped.heard())
	}
	foreign := newPost(t, false, "STARTTLS")
	s := foreign.server(StartTLS)
	s.Roots = nil
	if err := s.Send(t.Context(), "ada@visitors.example", "s", "t"); err == nil || strings.Contains(foreign.heard(), "MAIL") {
		t.Errorf("a certificate nobody vouches for: %v", err)
	}
	full := newPost(t, false, "STARTTLS AUTH_PLAIN")
	full.refuse = "RCPT"
	if err := full.server(StartTLS).Send(t.Context(), "ada@visitors.example", "s", "t"); err == nil || strings.Contains(err.Error(), "ada") {
		t.Errorf("the address is repeated: %v", err)
	}
	for _, to := range []string{"a@b.example\r\nDATA", "a b@c.example", "<a@b.example>", "a@b.example\x00"} {
		if err := full.server(StartTLS).Send(t.Context(), to, "s", "t"); err == nil {
			t.Errorf("written to %q", to)
		}
	}
}

func TestValidate(t *testing.T) {
	from := mail.Address{Address: "privacy@example.com"}
	for name, tt := range map[string]struct {
		s  Server
		ok bool
	}{
		"as it is":            {Server{Address: "mail.example.com:587", From: from, Security: StartTLS}, true},
		"here, in the clear":  {Server{Address: "127.0.0.1:25", From: from, Security: Clear}, true},
		"there, in the clear": {Server{Address: "mail.example.com:25", From: from, Security: Clear}, false},
		"no port":             {Server{Address: "mail.example.com", From: from, Security: TLS}, false},
		"nobody":              {Server{Address: "mail.example.com:465", Security: TLS}, false},
		"no such security":    {Server{Address: "mail.example.com:465", From: from, Security: "ssl"}, false},
	} {
		if err := tt.s.Validate(); (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
