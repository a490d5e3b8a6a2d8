package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/volenti-consent/volenti/banner"
	"github.com/volenti-consent/volenti/banner/fairness"
	"github.com/volenti-consent/volenti/geo"
	"github.com/volenti-consent/volenti/server/admin"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/store"
	"github.com/volenti-consent/volenti/web/console"
)

// newConsole builds /admin over an installation.
func newConsole(cfg *Config, in *installation, log *slog.Logger) (*admin.Console, error) {
	pages, err := console.New()
	if err != nil {
		return nil, err
	}
	secrets := in.console
	cookies, err := operator.NewSealer(secrets.Session...)
	if err != nil {
		return nil, err
	}
	vault, err := operator.NewVault(secrets.Vault...)
	if err != nil {
		return nil, err
	}
	trusted, err := geo.ParsePrefixes(cfg.TrustedProxies)
	if err != nil {
		return nil, usage(err)
	}
	extractor := geo.Extractor{Trusted: trusted, Header: strings.ToLower(cfg.AddressHeader)}
	throttle := operator.NewThrottle(in.db, secrets.Vault[0], in.now)
	var names atomic.Pointer[geo.Namer]
	rename := func(secret []byte) {
		named := cfg.namer(secret)
		names.Store(&named)
	}
	rename(secrets.Vault[0])
	in.follow(func(in *installation) error {
		throttle.Replace(in.console.Vault[0]) // the same on all nodes, since they share what is counted
		rename(in.console.Vault[0])
		return errors.Join(cookies.Replace(in.console.Session...), vault.Replace(in.console.Vault...))
	})
	return &admin.Console{
		Log: log, Now: in.now, Pages: pages,
		Operators: in.db, Sites: in.db, Notices: in.db, Versions: in.db, Records: in.db,
		Passwords: operator.NewPasswords(operator.DefaultCost), Company: company(cfg, in.now),
		Cookies: cookies, Vault: vault, Throttle: throttle,
		Address: func(r *http.Request) string {
			return names.Load().Name(extractor.Client(geo.Peer(r), r.Header))
		},
		PublicURL: cfg.PublicURL, HTTPS: cfg.https(),
		Insight:      admin.Insight{Store: in.db, Keys: in.keyring.Public, Forms: in.keyring, Lines: embedder(in.db)},
		Transparency: transparencyPages(in),
		Retention:    in.db,
		Workshop:     admin.Workshop{Drafts: in.db, Compiler: banner.Compiler{}, Fairness: fairness.Inspector{}},
	}, nil
}

// namer names clients for limits, as the settings allow.
func (c *Config) namer(secret []byte) geo.Namer {
	return geo.Namer{Naming: geo.Naming(c.ClientNames), Secret: secret, Now: time.Now}
}

// firstLink makes a one-time link where nobody can sign in as an owner: on the
// first start, and after one that ended before the owner had set up how.
// Otherwise it is "".
func firstLink(ctx context.Context, db *store.DB, base string, now time.Time) (string, error) {
	all, err := db.Operators(ctx)
	if err != nil {
		return "", err
	}
	kind, of := operator.LinkFirst, ""
	for _, o := range all {
		if !o.AllSites || o.Role != operator.Owner || o.Disabled {
			continue
		}
		ready, err := canSignIn(ctx, db, o.ID)
		if ready || err != nil {
			return "", err
		}
		kind, of = operator.LinkReset, o.ID
	}
	return makeLink(ctx, db, base, kind, of, now)
}

func canSignIn(ctx context.Context, db *store.DB, id string) (bool, error) {
	passkeys, err := db.Passkeys(ctx, id)
	if err != nil || len(passkeys) > 0 {
		return len(passkeys) > 0, err
	}
	keys, err := db.Keys(ctx, id)
	return keys.Open(), err
}

func makeLink(ctx context.Context, db *store.DB, base, kind, of string, now time.Time) (string, error) {
	link, path := admin.NewLink(now, kind, of, "cli")
	if err := db.AddLink(ctx, link); err != nil {
		return "", err
	}
	return base + "/" + path, nil
}

// baseURL is where operators find the server that listens there.
func baseURL(cfg *Config, listen string) string {
	if cfg.PublicURL != "" {
		return cfg.PublicURL
	}
	scheme := "http://"
	if cfg.speaksTLS() {
		scheme = "https://"
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return scheme + listen
	}
	// Passkeys belong to names: browsers know none for a bare address.
	if host == "" || loopbackHost(host) || net.ParseIP(host).IsUnspecified() {
		host = "localhost"
	}
	return scheme + net.JoinHostPort(host, port)
}

// greet prints the one-time link of a server nobody owns. It goes to standard
// output, never into the log: whoever has it owns the server.
func greet(w io.Writer, link string) {
	if link != "" {
		fmt.Fprintf(w, "\n  Nobody owns this server yet. Open this address to become its first owner;\n  it opens once, within a day, and a new one is made at every start:\n\n  %s\n\n", link)
	}
}
