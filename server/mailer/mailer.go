// Package mailer hands plain-text messages to the operator's mail server (SMTP, RFC
// 5321), over TLS.
package mailer

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"strings"
	"time"
)

// How a connection is protected.
const (
	StartTLS = "starttls" // begun in the clear and raised before anything is said (RFC 3207); refused where that is not offered
	TLS      = "tls"      // from the first byte (RFC 8314)
	Clear    = "none"     // on this machine alone
)

// A Server is where messages are handed over.
type Server struct {
	Address  string       // host:port
	From     mail.Address // whom messages are from
	Security string       // StartTLS, TLS or Clear
	User     string       // "": nobody signs in
	Password string
	Roots    *tls.Config // for tests; nil trusts whom the system trusts
	Now      func() time.Time
}

// timeout bounds the whole conversation about one message.
const timeout = 30 * time.Second

// Validate says what is wrong with the settings, and how to mend it.
func (s *Server) Validate() error {
	host, _, err := net.SplitHostPort(s.Address)
	switch {
	case err != nil || host == "":
		return fmt.Errorf("smtp.address = %q is not host:port; write for example mail.example.com:587", s.Address)
	case s.From.Address == "" || strings.ContainsAny(s.From.Address+s.From.Name, "\r\n"):
		return errors.New("smtp.from is missing; write for example \"Shop <privacy@example.com>\"")
	case s.Security != StartTLS && s.Security != TLS && s.Security != Clear:
		return fmt.Errorf("smtp.security = %q; write starttls, tls or none", s.Security)
	case s.Security == Clear && !loopback(host):
		return fmt.Errorf("smtp.security = \"none\" sends addresses in the clear to %s; use starttls or tls", host)
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// Try goes as far as a message would before it names anybody.
func (s *Server) Try(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	client, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	return client.Quit()
}

// enter connects, raises the connection to TLS and signs in, as the settings say.
func (s *Server) enter(ctx context.Context) (_ *smtp.Client, err error) {
	host, _, err := net.SplitHostPort(s.Address)
	if err != nil {
		return nil, err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	config := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if s.Roots != nil {
		config.RootCAs = s.Roots.RootCAs
	}
	if s.Security == TLS {
		conn = tls.Client(conn, config)
	}
	client, err := smtp.NewClient(conn, host)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	defer func() {
		if err != nil {
			_ = client.Close()
		}
	}()
	if s.Security == StartTLS {
		if err := client.StartTLS(config); err != nil {
			return nil, fmt.Errorf("the mail server offers no TLS that can be trusted: %w", err)
		}
	}
	if s.User != "" {
		if err := client.Auth(smtp.PlainAuth("", s.User, s.Password, host)); err != nil {
			return nil, fmt.Errorf("sign in to the mail server: %w", err)
		}
	}
	return client, nil
}

// Send hands one message over. No error says that the mail server has taken it.
func (s *Server) Send(ctx context.Context, to, subject, text string) error {
	if strings.ContainsAny(to, "\r\n \x00<>") {
		return errors.New("an address that can't be written to")
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	client, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Mail(s.From.Address); err != nil {
		return err
	}
	if err := client.Rcpt(to); err != nil {
		return errors.New("the mail server does not take this address") // its words repeat it
	}
	w, err := client.Data()
	if err != nil {
		return err
	}
	message, err := s.message(to, subject, text)
	if err != nil {
		return err
	}
	if _, err := w.Write(message); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return client.Quit()
}

// message writes headers and body (RFC 5322). What is not ASCII is encoded, so no line
// of a subject or a name can begin a header of its own.
func (s *Server) message(to, subject, text string) ([]byte, error) {
	var raw [16]byte
	_, _ = rand.Read(raw[:])
	_, domain, _ := strings.Cut(s.From.Address, "@")
	subject = strings.Join(strings.Fields(subject), " ")
	var b bytes.Buffer
	for _, line := range [][2]string{
		{"From", s.From.String()}, {"To", to}, {"Subject", mime.QEncoding.Encode("utf-8", subject)}, {"Date", s.now().Format(time.RFC1123Z)},
		{"Message-ID", "<" + hex.EncodeToString(raw[:]) + "@" + domain + ">"}, {"MIME-Version", "1.0"}, {"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"}, {"Auto-Submitted", "auto-generated"}, // RFC 3834: nobody's holiday answers it
	} {
		b.WriteString(line[0] + ": " + line[1] + "\r\n")
	}
	b.WriteString("\r\n")
	body := quotedprintable.NewWriter(&b)
	_, err := body.Write([]byte(strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n")))
	err = errors.Join(err, body.Close())
	return b.Bytes(), err
}

func (s *Server) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}
