package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/spf13/pflag"

	"github.com/volenti-consent/volenti/geo"
	"github.com/volenti-consent/volenti/server/limit"
)

// Config is every setting of the server. Each comes from a default, then the
// file, then the environment, then a flag; the later wins. The table in
// settings is the manual.
type Config struct {
	Listen          string        // host:port of the server
	Data            string        // folder of database and keys
	StoreDSN        string        // connection string of PostgreSQL; "" is SQLite in Data
	StoreDSNFile    string        // file with that
	KeysSecretFile  string        // file with the secret under which keys in PostgreSQL are sealed
	PublicURL       string        // address visitors reach the server under, or ""
	Addresses       []string      // further addresses of the server, on hosts or paths of websites
	InsecureHTTP    bool          // allow a public_url without TLS
	Demo            bool          // demo shop, demo sites, region switch
	DemoListen      string        // host:port of the demo's pretend vendors
	DemoPolicies    string        // folder of policy texts that become demo sites
	RegionOverride  bool          // honour ?region= on the script
	GeoDatabase     string        // MaxMind or DB-IP file; "" is the embedded database
	GeoEdge         string        // preset of the edge whose region headers are believed, or ""
	TrustedProxies  []string      // CIDRs of proxies in front of the server
	AddressHeader   string        // header those proxies put the client's address in
	CountryHeader   string        // generic edge: header of the country
	RegionHeader    string        // generic edge: header of the subdivision
	RegionFormat    string        // generic edge: code, cc-code, CCcode or lower
	ClientNames     string        // what limits may know of an address: none, truncated, keyed
	ArchiveIndexed  bool          // search engines may list every version of a policy
	MetricsListen   string        // host:port that answers /metrics to everybody who reaches it, or ""
	MetricsToken    string        // file with the token that opens /metrics on listen, or ""
	LogLevel        string        // debug, info, warn, error
	LogFormat       string        // text or json
	LogPublic       bool          // anybody may read the transparency log
	LogOrigin       string        // what that log is called; "" is made of PublicURL
	LogWitnesses    []string      // who cosigns it: "key address"
	LogWitnessed    []string      // keys of logs that this server cosigns
	LogPins         []string      // where checkpoints are pinned once a day
	ClockSetBack    bool          // records may be dated before the newest one that is kept
	ShutdownTimeout time.Duration // how long a stop waits for requests under way
	OIDCIssuer      string        // company whose operators sign in there, or ""
	OIDCClient      string        // id we have there
	OIDCSecretFile  string        // file with the secret we have there; "" for a public client
	OIDCRole        string        // role of whoever is no operator yet, or ""
	OIDCName        string        // on the button

	SMTPAddress      string   // host:port of the mail server, or "": no mail is sent
	SMTPFrom         string   // whom mails are from
	SMTPSecurity     string   // starttls, tls or none
	SMTPUser         string   // "": nobody signs in there
	SMTPPasswordFile string   // file with the password
	HookNetworks     []string // CIDRs within which webhooks may be called although they are private

	LimitBy          string   // who shares an allowance: network, address, none
	LimitLocal       bool     // count private and loopback addresses like all others
	LimitDecisions   int      // decisions a second of a client; 0: no limit, here and below
	LimitReads       int      // costly answers a second of a client
	LimitConsole     int      // requests of the console a second of a client
	LimitSite        int      // decisions a second of a site
	LimitNodes       int      // nodes among which a balancer spreads each client
	LimitConnections int      // open connections; 0: as many as memory and descriptors are meant for
	TLSDomains       []string // names certificates are fetched for; the server then speaks TLS itself
	TLSEmail         string   // whom the authority writes to
	TLSCA            string   // ACME directory of the authority, or "" for Let's Encrypt
	TLSStorage       string   // folder of account and certificates; "" is tls in Data
	TLSCert          string   // PEM file with the certificate chain, instead of TLSDomains
	TLSKey           string   // PEM file with its key
	TLSRedirect      string   // host:port of plain HTTP, "none", or "": :80 where listen is on 443

	TracesEndpoint string // address of an OpenTelemetry collector, or ""
	TracesPercent  int    // of a hundred requests, how many are followed

	BackupFolder     string        // where backups are made, or "": none are
	BackupEvery      time.Duration // from one to the next
	BackupKeep       int           // how many stay
	BackupPassphrase string        // file with what the keys in them are sealed with; "": no keys are in them
}

// A setting is one row of the manual: its name in the file (dots are tables),
// from which the names in the environment and on the command line follow.
type setting struct {
	name string
	into any // *string, *bool, *int, *[]string or *time.Duration
	help string
}

func (c *Config) settings() []setting {
	return []setting{
		{"listen", &c.Listen, "host:port to serve on"},
		{"data", &c.Data, "folder of the database and the keys; readable by this user only"},
		{"store.dsn", &c.StoreDSN, "connection string of a PostgreSQL that several nodes share, such as postgres://volenti@db1,db2/volenti?sslmode=verify-full; without it SQLite in data"},
		{"store.dsn_file", &c.StoreDSNFile, "file with store.dsn, readable by this user only, so that its password is in no list of processes"},
		{"keys.secret_file", &c.KeysSecretFile, "file with the secret (volenti key secret) under which the keys in that PostgreSQL are sealed; the same on every node"},
		{"public_url", &c.PublicURL, "address visitors reach this server under, such as https://consent.example.com"},
		{"addresses", &c.Addresses, "further addresses of this server, where websites have it on a host or path of their own: https://consent.shop.example, https://www.blog.example/consent; opt-outs are carried there"},
		{"insecure_http", &c.InsecureHTTP, "allow a public_url without TLS (cookies can then be read and set by anyone on the way)"},
		{"demo.enabled", &c.Demo, "serve the demo shop and its sites; loopback only"},
		{"demo.listen", &c.DemoListen, "host:port of the demo's pretend vendors"},
		{"demo.policies", &c.DemoPolicies, "folder of policy texts that become demo sites"},
		{"region_override", &c.RegionOverride, "honour ?region= on the banner script; for demonstration and tests only"},
		{"geo.database", &c.GeoDatabase, "MaxMind or DB-IP file (.mmdb); without it the embedded country database is used"},
		{"geo.edge", &c.GeoEdge, "edge whose region headers are believed: cloudflare, cloudfront, fastly, akamai, google, appengine, vercel, netlify, generic"},
		{"geo.trusted_proxies", &c.TrustedProxies, "CIDRs of the proxies in front of this server"},
		{"geo.address_header", &c.AddressHeader, "header in which those proxies name the client: x-forwarded-for, forwarded, or a single-address one such as cf-connecting-ip"},
		{"geo.country_header", &c.CountryHeader, "edge generic: header of the country"},
		{"geo.region_header", &c.RegionHeader, "edge generic: header of the subdivision"},
		{"geo.region_format", &c.RegionFormat, "edge generic: code (CA), cc-code (US-CA), CCcode (USCA) or lower (ca)"},
		{"client_names", &c.ClientNames, "what limits on guessing and on requests may know of a client's address: none, truncated or keyed (a hash under a key of the day)"},
		{"archive.indexed", &c.ArchiveIndexed, "let search engines list every version of a policy, not the one in force alone"},
		{"metrics.listen", &c.MetricsListen, "host:port of its own that answers /metrics, for a monitoring network"},
		{"metrics.token_file", &c.MetricsToken, "file with the token that opens /metrics on listen, readable by this user only"},
		{"log.level", &c.LogLevel, "debug, info, warn or error"},
		{"log.format", &c.LogFormat, "text or json"},
		{"log.public", &c.LogPublic, "let everybody read the transparency log under /log/"},
		{"log.origin", &c.LogOrigin, "what that log is called, such as consent.example.com/log; said before the first start, it is of public_url otherwise"},
		{"log.witnesses", &c.LogWitnesses, "who cosigns its checkpoints, each as: key, a space, address"},
		{"log.witnessed", &c.LogWitnessed, "keys of the logs whose checkpoints this server cosigns, at /log/witness/add-checkpoint"},
		{"log.pins", &c.LogPins, "where its checkpoint is pinned once a day: /path/of/file, https://…, rfc3161:https://…"},
		{"clock_set_back", &c.ClockSetBack, "date records by the clock although newer ones are kept: for one start, after the clock was wrong"},
		{"shutdown_timeout", &c.ShutdownTimeout, "how long a stop waits for requests under way"},
		{"oidc.issuer", &c.OIDCIssuer, "OpenID Connect issuer at which operators may sign in, such as https://login.example.com"},
		{"oidc.client", &c.OIDCClient, "client id this server has there"},
		{"oidc.secret_file", &c.OIDCSecretFile, "file with the client's secret, readable by this user only"},
		{"oidc.role", &c.OIDCRole, "role of whoever signs in there and is no operator yet: legal, marketing, auditor; without it nobody new gets in"},
		{"oidc.name", &c.OIDCName, "what the sign-in button calls it"},
		{"smtp.address", &c.SMTPAddress, "host:port of the mail server, for links and news of visitors' requests; without it no mail is sent"},
		{"smtp.from", &c.SMTPFrom, "whom mails are from, such as \"Shop <privacy@example.com>\""},
		{"smtp.security", &c.SMTPSecurity, "starttls, tls (from the first byte), or none (to this machine only)"},
		{"smtp.user", &c.SMTPUser, "who signs in to the mail server; without it nobody does"},
		{"smtp.password_file", &c.SMTPPasswordFile, "file with the password of smtp.user, readable by this user only"},
		{"hooks.private_networks", &c.HookNetworks, "CIDRs of private networks in which webhooks may be called; none by default"},
		{"limits.by", &c.LimitBy, "who shares an allowance: network (an IPv4 /24, an IPv6 /48), address, or none"},
		{"limits.local", &c.LimitLocal, "count private and loopback addresses like all others; without it they are taken for proxies that nobody named"},
		{"limits.decisions", &c.LimitDecisions, "decisions that one client may send each second, ten times that at once; 0 for no limit, as for those below"},
		{"limits.reads", &c.LimitReads, "receipts, bundles and comparisons that one client may ask for each second"},
		{"limits.console", &c.LimitConsole, "requests that one client may send to the console each second"},
		{"limits.site", &c.LimitSite, "decisions of one site that are taken each second"},
		{"limits.nodes", &c.LimitNodes, "nodes among which a balancer spreads each client and site: each grants its share of the four above"},
		{"limits.connections", &c.LimitConnections, "connections that may be open; 0 for 8192, or three quarters of the process's descriptors if those are fewer"},
		{"tls.domains", &c.TLSDomains, "names of this server, for which it fetches and renews certificates by ACME; naming them accepts the authority's terms"},
		{"tls.email", &c.TLSEmail, "whom the authority writes to about them"},
		{"tls.ca", &c.TLSCA, "address of the authority's ACME directory; Let's Encrypt without it"},
		{"tls.storage", &c.TLSStorage, "folder of its account and certificates; tls in the data folder without it"},
		{"tls.cert", &c.TLSCert, "PEM file with the certificate chain, instead of tls.domains; read again when it changes"},
		{"tls.key", &c.TLSKey, "PEM file with its key, readable by this user only"},
		{"tls.redirect", &c.TLSRedirect, "host:port that sends plain HTTP to HTTPS and answers the authority; :80 where listen is on port 443, none for nowhere"},
		{"traces.endpoint", &c.TracesEndpoint, "address of an OpenTelemetry collector that speaks OTLP over HTTP, such as http://127.0.0.1:4318; the variables OTEL_… are read, too"},
		{"traces.percent", &c.TracesPercent, "of a hundred requests, how many are followed where no proxy decides"},
		{"backup.folder", &c.BackupFolder, "folder into which the running server copies its database, best on another disk; without it, it makes no backups"},
		{"backup.every", &c.BackupEvery, "how long after a backup the next one is made"},
		{"backup.keep", &c.BackupKeep, "how many of its backups stay in the folder; older ones are removed"},
		{"backup.passphrase_file", &c.BackupPassphrase, "file with the passphrase the keys in the backups are sealed with, readable by this user only; without it no keys are in them"},
	}
}

func (s setting) env() string {
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(s.name, ".", "_"))
}

func (s setting) flag() string {
	return strings.NewReplacer(".", "-", "_", "-").Replace(s.name)
}

func (s setting) set(text string) error {
	switch p := s.into.(type) {
	case *string:
		*p = text
	case *bool:
		v, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		*p = v
	case *int:
		v, err := strconv.Atoi(text)
		if err != nil || v < 0 {
			return fmt.Errorf("%q is not a number from 0 on", text)
		}
		*p = v
	case *[]string:
		*p = nil
		for part := range strings.SplitSeq(text, ",") {
			if part = strings.TrimSpace(part); part != "" {
				*p = append(*p, part)
			}
		}
	case *time.Duration:
		v, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%q is not a duration such as 10s or 1m30s", text)
		}
		*p = v
	}
	return nil
}

func defaults() *Config {
	return &Config{
		Listen: "127.0.0.1:8080", Data: "data",
		DemoListen: "127.0.0.1:0", LogLevel: "info", LogFormat: "text", ClientNames: string(geo.Keyed),
		LogPublic: true, ShutdownTimeout: 20 * time.Second, SMTPSecurity: "starttls",
		LimitBy: string(limit.Network), LimitDecisions: 50, LimitReads: 100, LimitConsole: 50, LimitSite: 1000, LimitNodes: 1,
		BackupEvery: 24 * time.Hour, BackupKeep: 14, TracesPercent: 10,
	}
}

// A configFlags holds what was said on the command line until the file and the
// environment were read.
type configFlags struct {
	file string
	said map[string]*string
	set  *pflag.FlagSet
}

func addConfigFlags(set *pflag.FlagSet) *configFlags {
	f := &configFlags{said: map[string]*string{}, set: set}
	set.StringVar(&f.file, "config", "", "TOML file with the settings (VOLENTI_CONFIG)")
	for _, s := range defaults().settings() {
		help := s.help + " (" + s.env() + ")"
		f.said[s.name] = set.String(s.flag(), "", help)
		if _, isBool := s.into.(*bool); isBool {
			set.Lookup(s.flag()).NoOptDefVal = "true"
		}
	}
	return f
}

// load reads all sources and validates. Every mistake is reported at once.
func (f *configFlags) load(getenv func(string) string) (*Config, error) {
	c, wrong := f.read(getenv)
	if len(wrong) > 0 {
		for _, s := range strays(os.Environ()) { // one of them may be why
			wrong = append(wrong, s)
		}
		return nil, usage(fmt.Errorf("the configuration can't be used:\n%w", errors.Join(wrong...)))
	}
	return c, nil
}

// read is what all sources say, and what is wrong with it.
func (f *configFlags) read(getenv func(string) string) (c *Config, wrong []error) {
	c = defaults()
	file := f.file
	if file == "" {
		file = getenv("VOLENTI_CONFIG")
	}
	if file != "" {
		wrong = append(wrong, c.readFile(file)...)
	}
	for _, s := range c.settings() {
		if text := getenv(s.env()); text != "" {
			if err := s.set(text); err != nil {
				wrong = append(wrong, fmt.Errorf("environment %s: %w", s.env(), err))
			}
		}
		if f.set.Changed(s.flag()) {
			if err := s.set(*f.said[s.name]); err != nil {
				wrong = append(wrong, fmt.Errorf("--%s: %w", s.flag(), err))
			}
		}
	}
	wrong = append(wrong, c.validate()...)
	return c, append(wrong, c.validateTraces(getenv)...)
}

func (c *Config) readFile(path string) (wrong []error) {
	var tree map[string]any
	if _, err := toml.DecodeFile(path, &tree); err != nil {
		return []error{fmt.Errorf("%s: %w", path, err)}
	}
	known := map[string]setting{}
	for _, s := range c.settings() {
		known[s.name] = s
	}
	var walk func(prefix string, tree map[string]any)
	walk = func(prefix string, tree map[string]any) {
		for key, value := range tree {
			name := prefix + key
			if table, ok := value.(map[string]any); ok {
				walk(name+".", table)
				continue
			}
			s, ok := known[name]
			if !ok {
				wrong = append(wrong, fmt.Errorf("%s: there is no setting %s; see `volenti serve --help`", path, name))
				continue
			}
			text := fmt.Sprint(value)
			if list, ok := value.([]any); ok {
				parts := make([]string, len(list))
				for i, v := range list {
					parts[i] = fmt.Sprint(v)
				}
				text = strings.Join(parts, ",")
			}
			if err := s.set(text); err != nil {
				wrong = append(wrong, fmt.Errorf("%s: %s: %w", path, name, err))
			}
		}
	}
	walk("", tree)
	slices.SortFunc(wrong, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return wrong
}

// validate refuses what is dangerous or contradicts itself, and says the mend.
func (c *Config) validate() (wrong []error) {
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		bad("listen = %q is not host:port; write for example 127.0.0.1:8080", c.Listen)
	}
	if c.Data == "" {
		bad("data is empty; name the folder that holds the database and the keys")
	} else if info, err := os.Stat(c.Data); err == nil {
		if !info.IsDir() {
			bad("data = %q is a file; name a folder", c.Data)
		} else if info.Mode().Perm()&0o077 != 0 {
			bad("the data folder %s can be read by others (mode %04o) and holds signing keys; run: chmod 700 %[1]s", c.Data, info.Mode().Perm())
		}
	}
	if err := c.home().check(); err != nil {
		bad("%w", err)
	}
	wrong = append(wrong, c.validateTLS()...) // it may name public_url
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		switch {
		case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
			bad("public_url = %q is not an address such as https://consent.example.com", c.PublicURL)
		case u.Scheme == "http" && !loopbackHost(u.Hostname()) && !c.InsecureHTTP:
			bad("public_url = %q has no TLS, so anyone on the way can set consent; use https, or say insecure_http = true", c.PublicURL)
		}
		c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	}
	for i, address := range c.Addresses {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			bad("addresses: %q is not an address such as https://consent.shop.example", address)
		} else if u.Scheme == "http" && !loopbackHost(host) && !c.InsecureHTTP {
			bad("addresses: %q has no TLS, so anyone on the way can set cookies there; use https, or say insecure_http = true", address)
		}
		c.Addresses[i] = strings.TrimRight(address, "/")
	}
	if c.Demo && !loopbackHost(host) {
		bad("demo.enabled with listen = %q opens the demo's switches to everybody; listen on 127.0.0.1, or turn the demo off", c.Listen)
	}
	if c.RegionOverride && !loopbackHost(host) {
		bad("region_override with listen = %q lets every visitor choose the law that is laxest; listen on 127.0.0.1, or turn it off", c.Listen)
	}
	trusted, err := geo.ParsePrefixes(c.TrustedProxies)
	if err != nil {
		bad("geo.trusted_proxies: %w", err)
	}
	if edge := c.edge(); edge != nil {
		if err := edge.Validate(); err != nil {
			bad("geo.edge: %w", err)
		} else if len(c.TrustedProxies) == 0 {
			bad("geo.edge = %q believes headers, but no proxy is trusted; list the edge's networks in geo.trusted_proxies", c.GeoEdge)
		}
	} else if c.CountryHeader != "" || c.RegionHeader != "" || c.RegionFormat != "" {
		bad("geo.country_header, region_header and region_format count only with geo.edge; take them out, or name the edge")
	}
	if err := (geo.Extractor{Trusted: trusted, Header: c.AddressHeader}).Validate(); err != nil {
		bad("geo.address_header: %w", err)
	}
	if err := geo.Naming(c.ClientNames).Check(); err != nil {
		bad("client_names = %w", err)
	}
	if err := limit.By(c.LimitBy).Check(); err != nil {
		bad("limits.by = %w", err)
	}
	if c.LimitNodes < 1 {
		bad("limits.nodes = %d: write how many nodes serve at once; 1 where the balancer keeps a client on one", c.LimitNodes)
	}
	if c.MetricsListen != "" {
		if _, _, err := net.SplitHostPort(c.MetricsListen); err != nil {
			bad("metrics.listen = %q is not host:port; write for example 127.0.0.1:9090", c.MetricsListen)
		}
	}
	if _, err := c.metricsToken(); err != nil {
		bad("metrics.token_file: %w", err)
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.LogLevel) {
		bad("log.level = %q; write debug, info, warn or error", c.LogLevel)
	}
	if !slices.Contains([]string{"text", "json"}, c.LogFormat) {
		bad("log.format = %q; write text or json", c.LogFormat)
	}
	if c.ShutdownTimeout <= 0 {
		bad("shutdown_timeout = %s would drop requests under way; write for example 20s", c.ShutdownTimeout)
	}
	wrong = append(wrong, c.validateOIDC()...)
	wrong = append(wrong, c.validateLog()...)
	wrong = append(wrong, c.validateMail()...)
	wrong = append(wrong, c.validateBackup()...)
	return wrong
}

// readSecret is what stands in a file that nobody else may read; "" for no file.
func readSecret(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("others can read %s; run chmod 600 on it", path)
	}
	b, err := os.ReadFile(path)
	return strings.TrimSpace(string(b)), err
}

// home is where the installation lives.
func (c *Config) home() home {
	return home{data: c.Data, dsn: c.StoreDSN, dsnFile: c.StoreDSNFile, secret: c.KeysSecretFile}
}

// edge is the edge the operator named, or nil.
func (c *Config) edge() *geo.Edge {
	if c.GeoEdge == "" {
		return nil
	}
	return &geo.Edge{Preset: c.GeoEdge, CountryHeader: c.CountryHeader, RegionHeader: c.RegionHeader, RegionFormat: c.RegionFormat}
}

func loopbackHost(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
