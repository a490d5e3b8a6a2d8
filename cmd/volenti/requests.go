package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/volenti-consent/volenti/geo"
	"github.com/volenti-consent/volenti/server/mailer"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/server/request"
	"github.com/volenti-consent/volenti/server/store"
	"github.com/volenti-consent/volenti/server/visitor"
	"github.com/volenti-consent/volenti/web"
)

// validateMail refuses what can't be sent with, and networks that are none.
func (c *Config) validateMail() (wrong []error) {
	if c.SMTPAddress != "" {
		server, err := c.mailServer()
		if err == nil {
			err = server.Validate()
		}
		if err != nil {
			wrong = append(wrong, err)
		}
	} else if c.SMTPFrom != "" || c.SMTPUser != "" {
		wrong = append(wrong, fmt.Errorf("smtp.from and smtp.user count only with smtp.address; take them out, or name the mail server"))
	}
	if _, err := geo.ParsePrefixes(c.HookNetworks); err != nil {
		wrong = append(wrong, fmt.Errorf("hooks.private_networks: %w", err))
	}
	return wrong
}

// mailServer is the one of the settings.
func (c *Config) mailServer() (*mailer.Server, error) {
	s := &mailer.Server{Address: c.SMTPAddress, Security: c.SMTPSecurity, User: c.SMTPUser}
	from, err := mail.ParseAddress(c.SMTPFrom)
	if err != nil {
		return nil, fmt.Errorf("smtp.from = %q is no address; write for example \"Shop <privacy@example.com>\"", c.SMTPFrom)
	}
	s.From = *from
	if c.SMTPPasswordFile != "" {
		b, err := os.ReadFile(filepath.Clean(c.SMTPPasswordFile))
		if err != nil {
			return nil, fmt.Errorf("smtp.password_file: %w", err)
		}
		s.Password = strings.TrimSpace(string(b))
	}
	return s, nil
}

// newRequests builds what answers visitors' requests. It sends nothing yet.
func newRequests(cfg *Config, in *installation, table *regime.Table, pages *web.Renderer) (*request.Service, error) {
	rights, err := request.LoadRights(table)
	if err != nil {
		return nil, err
	}
	seals, err := request.NewSeals(in.console.Vault...)
	if err != nil {
		return nil, err
	}
	in.follow(func(in *installation) error { return seals.Replace(in.console.Vault...) })
	db := in.db
	return &request.Service{Store: db, Sites: db, Rights: rights, Seals: seals, Records: db, Erasures: db, Words: pages, Now: in.now, Mails: cfg.SMTPAddress != ""}, nil
}

// startRequests builds the pages of requests, and what sends mails and webhooks, which
// of several nodes one does.
func startRequests(cfg *Config, in *installation, table *regime.Table, choices *visitor.ChoicesPage, listener net.Listener, log *slog.Logger) (*visitor.Requests, *request.Courier, error) {
	service, err := newRequests(cfg, in, table, choices.Web)
	if err != nil {
		return nil, nil, err
	}
	service.Switch = choices.Decisions
	trusted, err := geo.ParsePrefixes(cfg.TrustedProxies)
	if err != nil {
		return nil, nil, usage(err)
	}
	allowed, err := geo.ParsePrefixes(cfg.HookNetworks)
	if err != nil {
		return nil, nil, usage(err)
	}
	courier := &request.Courier{Service: service, Client: request.NewHookClient(allowed), Base: baseURL(cfg, listener.Addr().String()), Log: log,
		Remind: func(ctx context.Context, site string) ([]string, error) { return answering(ctx, in.db, site) }}
	if cfg.SMTPAddress != "" {
		server, err := cfg.mailServer()
		if err != nil {
			return nil, nil, usage(err)
		}
		courier.Mailer = server
	}
	extractor := geo.Extractor{Trusted: trusted, Header: strings.ToLower(cfg.AddressHeader)}
	names := cfg.namer(in.secrets.Token[0])
	return &visitor.Requests{Choices: choices, Service: service, Web: choices.Web, Limit: &request.Limiter{Now: in.now, Each: 20, Whole: 600}, Letters: &request.Limiter{Now: in.now, Each: 3, Whole: 600},
		Address: func(r *http.Request) string { return names.Name(extractor.Client(geo.Peer(r), r.Header)) }}, courier, nil
}

// answering are the addresses of operators who may answer requests of a site.
func answering(ctx context.Context, db *store.DB, site string) ([]string, error) {
	all, err := db.Operators(ctx)
	if err != nil {
		return nil, err
	}
	var addresses []string
	for _, o := range all {
		if o.May(operator.WriteRequests, site) && strings.Contains(o.Email, "@") {
			addresses = append(addresses, o.Email)
		}
	}
	slices.Sort(addresses)
	return addresses, nil
}
