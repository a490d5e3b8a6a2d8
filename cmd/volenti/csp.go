package main

import (
	"bufio"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/template"
	"time"

	"github.com/spf13/cobra"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/server/visitor"
)

//go:embed csp/*.txt
var cspTexts embed.FS

// cspServers are those whose configuration is printed, each a text of csp/.
var cspServers = []string{"nginx", "caddy", "apache", "cloudflare", "netlify"}

func cspCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "csp --site KEY --for nginx|caddy|apache|cloudflare|netlify",
		Short: "Print what makes a web server send the policy by decision",
		Long: `Print the configuration with which a web server, or a function at an edge, sends
each page with a Content-Security-Policy that allows what its visitor allowed, and
nothing else. It asks this server with the visitor's cookies. Where it gets no
answer, the policy is the one of a visitor who refused everything; print it anew
after a publication that changes what is essential.`,
		Example: `  volenti csp --site shop --for nginx --server http://127.0.0.1:8080 > /etc/nginx/snippets/volenti.conf
  volenti csp --site shop --for cloudflare --server https://consent.shop.example --report-only > worker.js`,
		Args: cobra.NoArgs,
	}
	data := dataFlag(cmd)
	f := cmd.Flags()
	site := f.String("site", "", "key of the site")
	kind := f.String("for", "", "web server: "+strings.Join(cspServers, ", "))
	server := f.String("server", "http://127.0.0.1:8080", "address at which the web server reaches this one")
	self := f.String("self", "127.0.0.1/32", "address of the web server, as this one sees it")
	website := f.String("website", "reverse_proxy 127.0.0.1:3000", "caddy: the directive that serves the website")
	reportOnly := f.Bool("report-only", false, "the browser only tells what it would refuse")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		u, err := url.Parse(*server)
		switch {
		case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.ContainsAny(*server, "'\"\\ \n"):
			return usage(fmt.Errorf("--server %q is not an address such as http://127.0.0.1:8080", *server))
		case !slices.Contains(cspServers, *kind):
			return usage(fmt.Errorf("--for %q: write one of %s", *kind, strings.Join(cspServers, ", ")))
		case strings.ContainsAny(*self+*website, "\n\r"):
			return usage(errors.New("--self and --website are one line each"))
		}
		program, err := os.Executable()
		if err != nil {
			program = "volenti"
		}
		folder, err := filepath.Abs(data.data)
		if err != nil {
			return err
		}
		a, err := newAnswerer(cmd.Context(), defaults(), *data, *site, slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		defer func() { _ = a.close() }()
		fallback, err := a.refused()
		if err != nil {
			return err
		}
		text := cspText{Site: *site, Server: strings.TrimRight(*server, "/"), Host: u.Host, Self: *self, Website: *website, Program: program, Data: folder,
			Header: visitor.EnforcedPolicy, Path: "/v1/sites/" + *site + "/csp", Fallback: fallback}
		if *reportOnly {
			text.Header, text.Path = visitor.ReportedPolicy, text.Path+"?report-only"
		}
		return text.print(cmd.OutOrStdout(), *kind)
	}
	cmd.AddCommand(cspAnswerCommand())
	return cmd
}

// A cspText is what the texts of csp/ are filled with.
type cspText struct {
	Site, Server, Host, Self, Website, Program, Data, Header, Path, Fallback string
}

// Variable is the header as nginx names it.
func (t cspText) Variable() string {
	return strings.ReplaceAll(strings.ToLower(t.Header), "-", "_")
}

func (t cspText) print(w io.Writer, kind string) error {
	text, err := template.New(kind+".txt").Delims("[[", "]]").ParseFS(cspTexts, "csp/"+kind+".txt")
	if err != nil {
		return err
	}
	return text.Execute(w, t)
}

func cspAnswerCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "answer --site KEY",
		Short: "Answer policies on standard output, one for each line read",
		Long: `Read lines ADDRESS/SEC-GPC/DNT/COOKIES from standard input, and answer each with the
Content-Security-Policy for that visitor on one line, or NULL where there is none:
the protocol of Apache's RewriteMap "prg:".`,
		Example: `  echo "192.0.2.1/1//volenti=…" | volenti csp answer --site shop`,
		Args:    cobra.NoArgs,
	}
	site := cmd.Flags().String("site", "", "key of the site")
	flags := addConfigFlags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := flags.load(os.Getenv)
		if err != nil {
			return err
		}
		log := logger(cfg)
		warnOfStrays(cmd.Context(), log)
		a, err := newAnswerer(cmd.Context(), cfg, cfg.home(), *site, log)
		if err != nil {
			return err
		}
		return errors.Join(a.run(cmd.InOrStdin(), cmd.OutOrStdout()), a.close())
	}
	return cmd
}

// An answerer judges without HTTP, from the data folder of a server that may run
// beside it.
type answerer struct {
	site       string
	script     *visitor.Script
	csp        *visitor.CSP
	in         *installation
	background sync.WaitGroup
	stop       context.CancelFunc
}

func newAnswerer(ctx context.Context, cfg *Config, p home, site string, log *slog.Logger) (a *answerer, err error) {
	if site == "" {
		return nil, usage(errors.New("--site is missing; `volenti site list` shows all"))
	}
	if err := p.exists(); err != nil {
		return nil, err
	}
	a = &answerer{site: site}
	if a.in, err = open(ctx, p); err != nil {
		return nil, err
	}
	var loops context.Context
	loops, a.stop = context.WithCancel(ctx)
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
		}
	}()
	table, err := regime.Load()
	if err != nil {
		return a, fmt.Errorf("law table: %w", err)
	}
	cookies, err := visitor.NewCookies(a.in.secrets.Cookie...)
	if err != nil {
		return a, err
	}
	locate, _, err := locator(loops, cfg, log, &a.background)
	if err != nil {
		return a, err
	}
	directory := &visitor.Directory{Sites: a.in.db, Notices: a.in.db, Versions: a.in.db, Now: time.Now, Log: log}
	if err := directory.Refresh(ctx); err != nil {
		return a, err
	}
	if _, err := directory.Live(site); err != nil {
		return a, usage(fmt.Errorf("--site %s: %w; add the site and publish a notice first", site, err))
	}
	a.background.Go(func() { directory.Keep(loops, time.Second) })
	rules, err := newRuleBook()
	if err != nil {
		return a, err
	}
	a.script = &visitor.Script{Directory: directory, Locate: locate, Laws: &visitor.Laws{Table: table}, Cookies: cookies,
		Tokens: consent.NewTokens(a.in.secrets.Token...), Now: time.Now,
		Archive: &visitor.Archive{Store: a.in.db, Notices: a.in.db, Versions: a.in.db, Log: log}}
	a.csp = &visitor.CSP{Script: a.script, Rules: rules.of, PublicURL: cfg.PublicURL}
	return a, nil
}

func (a *answerer) close() error {
	a.stop()
	a.background.Wait()
	return a.in.close()
}

// refused is the policy for somebody who refused everything.
func (a *answerer) refused() (string, error) {
	r := &http.Request{URL: &url.URL{Path: "/"}, Header: http.Header{"Sec-Gpc": {"1"}, "Cookie": {visitor.CookieName + "=none"}}}
	grants, err := a.script.Grants(r, a.site)
	if err != nil {
		return "", err
	}
	return a.csp.Policy(r, grants), nil
}

// maxLine is how long the header of a request may be.
const maxLine = 128 << 10

// run answers line by line until in ends. A line that is too long to be one is
// answered, and so is one about a site that has no notice any more.
func (a *answerer) run(in io.Reader, out io.Writer) error {
	lines := bufio.NewReaderSize(in, maxLine)
	for {
		line, err := lines.ReadSlice('\n')
		long := errors.Is(err, bufio.ErrBufferFull)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = lines.ReadSlice('\n')
		}
		if err != nil && len(line) == 0 {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		answer := "NULL"
		if !long {
			answer = a.answer(strings.TrimRight(string(line), "\r\n"))
		}
		if _, err := io.WriteString(out, answer+"\n"); err != nil {
			return err
		}
	}
}

// answer is the policy for one line.
func (a *answerer) answer(line string) string {
	part := append(strings.SplitN(line, "/", 4), "", "", "", "")
	r := &http.Request{RemoteAddr: net.JoinHostPort(part[0], "0"), URL: &url.URL{Path: "/"}, Header: http.Header{}}
	for i, name := range []string{"Sec-Gpc", "Dnt", "Cookie"} {
		if part[i+1] != "" {
			r.Header.Set(name, part[i+1])
		}
	}
	grants, err := a.script.Grants(r, a.site)
	if err != nil {
		return "NULL"
	}
	return a.csp.Policy(r, grants)
}
