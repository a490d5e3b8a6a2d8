package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/volenti-consent/volenti/geo"
	"github.com/volenti-consent/volenti/server"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/catalogue"
	"github.com/volenti-consent/volenti/server/edge"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/visitor"
	"github.com/volenti-consent/volenti/web"
)

// A gateway is how this server stands before a site: the site's pages go through
// it, and its own addresses are beside them, on the same origin.
type gateway struct {
	upstream    *url.URL
	site        string
	prefix      string // of our own addresses: "" or "/consent"
	inject      bool   // put the page's script into pages that lack it
	patience    time.Duration
	certificate string // files; "" is no TLS
}

func gateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "gate --upstream URL --site KEY",
		Short: "Stand before a website: what is not granted never reaches the browser",
		Long: `Stand before a website as a reverse proxy. What the visitor did not grant is taken
out of the HTML before it reaches the browser, so that it can't even be fetched.
Everything else passes as it is.

Banner, decisions, privacy pages and policies are served too, as by
"volenti serve", on the website's own origin: the cookie is first-party. Of the
site KEY these addresses are no longer the website's: /b/KEY…, /v1/sites/KEY/…,
/policies/KEY/…, /privacy/KEY…, /.well-known/jwks.json, /.well-known/gpc.json,
/healthz and /readyz; with --prefix /consent only the two well-known ones and what
is below /consent/.`,
		Example: `  volenti gate --upstream http://127.0.0.1:3000 --site shop --listen :8080
  volenti gate --upstream https://origin.shop.example --site shop --listen :443 \
    --tls-certificate shop.pem --tls-key shop.key --public-url https://www.shop.example`,
		Args: cobra.NoArgs,
	}
	g := &gateway{}
	f := cmd.Flags()
	upstream := f.String("upstream", os.Getenv("VOLENTI_GATE_UPSTREAM"), "address of the website, such as http://127.0.0.1:3000 (VOLENTI_GATE_UPSTREAM)")
	f.StringVar(&g.site, "site", os.Getenv("VOLENTI_GATE_SITE"), "key of the site (VOLENTI_GATE_SITE)")
	f.StringVar(&g.prefix, "prefix", os.Getenv("VOLENTI_GATE_PREFIX"), "path below which this server's own addresses are, such as /consent (VOLENTI_GATE_PREFIX)")
	f.BoolVar(&g.inject, "inject", true, "put the banner's script first into pages that lack it")
	f.DurationVar(&g.patience, "upstream-timeout", time.Minute, "how long the website may take until it begins to answer")
	f.StringVar(&g.certificate, "tls-certificate", "", "the same as --tls-cert")
	flags := addConfigFlags(f)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := g.validate(*upstream); err != nil {
			return usage(err)
		}
		for flag, value := range map[string]string{"tls-cert": g.certificate} {
			if value != "" {
				if err := f.Set(flag, value); err != nil {
					return usage(err)
				}
			}
		}
		cfg, err := flags.load(os.Getenv)
		if err != nil {
			return err
		}
		return serve(cmd.Context(), cfg, g, time.Now, logger(cfg))
	}
	return cmd
}

// validate refuses what can't work, and says the mend.
func (g *gateway) validate(upstream string) error {
	u, err := url.Parse(upstream)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return fmt.Errorf("--upstream %q is not an address such as http://127.0.0.1:3000", upstream)
	}
	g.upstream = u
	if g.site == "" {
		return errors.New("--site is missing: name the site whose pages these are; `volenti site list` shows all")
	}
	g.prefix = strings.TrimRight(g.prefix, "/")
	if g.prefix != "" && (!strings.HasPrefix(g.prefix, "/") || strings.Trim(g.prefix, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_/") != "") {
		return fmt.Errorf("--prefix %q is not a path such as /consent", g.prefix)
	}
	if g.patience <= 0 {
		return errors.New("--upstream-timeout must be longer than nothing, such as 60s")
	}
	return nil
}

// A front is what the gate needs of the rest of the server.
type front struct {
	cfg    *Config
	script *visitor.Script
	csp    *visitor.CSP
	pages  *web.Renderer
	log    *slog.Logger
}

// before puts the site's pages and our own addresses side by side; nil without a
// gateway.
func (g *gateway) before(f front) (func(own http.Handler) http.Handler, error) {
	if g == nil {
		return nil, nil //nolint:nilnil // nothing stands before anything
	}
	if _, err := f.script.Directory.Live(g.site); err != nil {
		return nil, usage(fmt.Errorf("--site %s: %w; add the site and publish a notice first", g.site, err))
	}
	trusted, err := trustedProxies(f.cfg)
	if err != nil {
		return nil, err
	}
	https := func(r *http.Request) bool {
		return f.cfg.https() || trusted(r) && r.Header.Get("X-Forwarded-Proto") == "https"
	}
	proxy := edge.NewProxy(edge.ProxyOptions{
		Upstream: g.upstream, Trusted: trusted, Patience: g.patience, Log: f.log,
		Unreachable: func(w http.ResponseWriter, r *http.Request, status int) {
			server.SiteAway(f.pages, g.prefix, w, r, status)
		},
	})
	site := edge.New(edge.Options{Decide: g.decide(f), HTTPS: https, Log: f.log})(proxy)
	return func(own http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if ours, ok := g.ours(f.pages, r); ok {
				own.ServeHTTP(w, ours)
				return
			}
			site.ServeHTTP(w, r)
		})
	}, nil
}

func trustedProxies(cfg *Config) (func(*http.Request) bool, error) {
	prefixes, err := geo.ParsePrefixes(cfg.TrustedProxies)
	if err != nil {
		return nil, usage(err)
	}
	return func(r *http.Request) bool { return prefixes.Contains(geo.Peer(r)) }, nil
}

// decide is the judgement of one request. Where there is none just now, only
// what is the site's own passes.
func (g *gateway) decide(f front) func(*http.Request) edge.Decision {
	address := ""
	if g.inject {
		address = g.prefix + "/b/" + g.site + ".js"
	}
	var own []string
	if u, err := url.Parse(f.cfg.PublicURL); err == nil && u.Host != "" {
		own = []string{strings.ToLower(u.Hostname())}
	}
	return func(r *http.Request) edge.Decision {
		grants, err := f.script.Grants(r, g.site)
		if err != nil {
			f.log.ErrorContext(r.Context(), "decision not read; nothing foreign passes", "error", err)
			return edge.Decision{Script: address, Own: own}
		}
		n := grants.Live.Notice
		d := edge.Decision{Rules: f.csp.Rules(n), Grants: grants, Own: own, Script: address, Policy: func() string { return f.csp.Policy(r, grants) }}
		for _, c := range n.Categories {
			d.Categories = append(d.Categories, c.Key)
		}
		d.State = canonical.Sum([]byte(grants.State() + " " + address)).Short()
		return d
	}
}

// ours is a request for one of our own addresses, as the server knows it.
func (g *gateway) ours(pages *web.Renderer, r *http.Request) (*http.Request, bool) {
	path := r.URL.Path
	switch path {
	case "/.well-known/jwks.json", "/.well-known/gpc.json":
		return r, true
	}
	if g.prefix != "" {
		rest, ok := strings.CutPrefix(path, g.prefix)
		if !ok || !strings.HasPrefix(rest, "/") || !g.public(pages, rest) {
			return nil, false
		}
		ours := r.Clone(r.Context())
		ours.URL.Path, ours.URL.RawPath = rest, strings.TrimPrefix(r.URL.RawPath, g.prefix)
		return ours, true
	}
	return r, g.public(pages, path)
}

// public reports whether an address is one of those that this site's visitors
// need. Those of other sites are not served on this one's origin.
func (g *gateway) public(pages *web.Renderer, path string) bool {
	switch path {
	case "/healthz", "/readyz", "/b/" + g.site + ".js", "/privacy/" + g.site:
		return true
	case "/opt-out": // of all sites of the server; no path of a website's root
		return g.prefix != ""
	}
	if strings.HasPrefix(path, "/opt-out/") {
		return g.prefix != ""
	}
	for _, of := range []string{"/b/", "/v1/sites/", "/policies/", "/privacy/"} {
		if strings.HasPrefix(path, of+g.site+"/") {
			return true
		}
	}
	return pages.HasAsset(path)
}

// A ruleBook makes the rules of a notice once.
type ruleBook struct {
	known *catalogue.Catalogue
	mu    sync.Mutex
	rules map[string]madeRules // by site; guarded by mu
}

type madeRules struct {
	of    *notice.Notice
	rules *notice.Rules
}

func newRuleBook() (*ruleBook, error) {
	known, err := catalogue.Load()
	if err != nil {
		return nil, err
	}
	return &ruleBook{known: known, rules: map[string]madeRules{}}, nil
}

func (b *ruleBook) of(n *notice.Notice) *notice.Rules {
	b.mu.Lock()
	defer b.mu.Unlock()
	made, ok := b.rules[n.Site]
	if !ok || made.of != n {
		made = madeRules{n, notice.NewRules(n, b.known)}
		b.rules[n.Site] = made
	}
	return made.rules
}
