package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/server/socket"
	"github.com/volenti-consent/volenti/web/demo"
)

//go:embed demo-site.toml
var demoSiteNotice string

// A demonstration is the demo shop, its pretend vendors, and demo sites made of
// policy texts. A nil one is no demo.
type demonstration struct {
	base     string
	shop     http.Handler
	sites    []string
	prepared prepared
}

func (d *demonstration) handler() http.Handler {
	if d == nil {
		return nil
	}
	return d.shop
}

// welcome tells a newcomer where to look; link is the console's one-time link, if
// it has no owner yet.
func (d *demonstration) welcome(w io.Writer, link string) {
	if d == nil {
		return
	}
	fmt.Fprintf(w, "\n  Volenti is running.\n\n  Demo shop        %s/demo/\n  Banner script    %[1]s/b/demo.js\n  Privacy centre   %[1]s/privacy/demo\n", d.base)
	for _, s := range d.sites {
		fmt.Fprintf(w, "  Policy archive   %s/policies/%s/privacy\n", d.base, s)
	}
	if link == "" {
		link = d.base + "/admin"
	}
	fmt.Fprintf(w, "  Console          %s\n  Public keys      %s/.well-known/jwks.json\n\n  Stop with Ctrl-C.\n\n", link, d.base)
}

// startDemo publishes the demo's sites, where they are not published yet, and
// serves the vendors on a port of their own, so that they are third parties. What
// takes long is told to w.
func startDemo(ctx context.Context, cfg *Config, in *installation, sockets *socket.Set, listen string, background *sync.WaitGroup, w io.Writer) (*demonstration, error) {
	_, port, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, err
	}
	d := &demonstration{base: baseURL(cfg, listen)}
	if d.prepared, err = readPrepared(cfg.Data); err != nil {
		return nil, err
	}
	origins := demoOrigins(d.base, port)
	file := demo.Notice(origins, notice.Languages())
	switch done, err := d.prepared.is(ctx, in, demo.Site, file); {
	case err != nil:
		return nil, err
	case !done:
		fmt.Fprintf(w, "\n  Preparing the demo, once for this program: its banners are compiled and inspected in %d languages.\n  That takes half a minute, or two on a busy machine.\n", len(notice.Languages()))
	}
	if err := d.publish(ctx, in, demo.Site, "Lampyris", file, nil); err != nil {
		return nil, err
	}
	texts, err := demoTexts(cfg.DemoPolicies)
	if err != nil {
		return nil, err
	}
	for _, text := range texts {
		file := fmt.Appendf(nil, demoSiteNotice, text.site, text.site, `"`+strings.Join(origins, `", "`)+`"`)
		if err := d.publish(ctx, in, text.site, text.site, file, &text); err != nil {
			return nil, fmt.Errorf("site %s: %w", text.site, err)
		}
	}

	listener, err := sockets.Listen(ctx, "demo", cfg.DemoListen)
	if err != nil {
		return nil, fmt.Errorf("vendors: %w; choose another address with --demo-listen", err)
	}
	_, vendorPort, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return nil, err
	}
	vendors := demo.NewVendors()
	srv := &http.Server{Handler: vendors, ReadHeaderTimeout: 5 * time.Second}
	background.Go(func() { _ = srv.Serve(listener) })
	background.Go(func() {
		<-ctx.Done()
		_ = srv.Close()
	})
	d.shop = demo.Handler(demo.Options{Vendors: vendors, VendorOrigin: "http://127.0.0.1:" + vendorPort, Languages: notice.Languages()})
	return d, nil
}

// demoOrigins are those of the demo's pages: on this machine with TLS and without, so that
// what was prepared for one will do for the other, and where the server is said to be.
func demoOrigins(base, port string) (origins []string) {
	for _, host := range []string{"localhost", "127.0.0.1"} {
		origins = append(origins, "http://"+host+":"+port, "https://"+host+":"+port)
	}
	if u, err := url.Parse(base); err == nil && !slices.Contains(origins, u.Scheme+"://"+u.Host) {
		origins = append(origins, u.Scheme+"://"+u.Host)
	}
	return origins
}

// publish makes a demo site, its policy and its notice. Without a text the
// policy is a starter text of ours.
func (d *demonstration) publish(ctx context.Context, in *installation, key, name string, file []byte, text *demoText) error {
	err := in.db.AddSite(ctx, site.Site{Key: key, Name: name, CreatedAt: time.Now()})
	if err != nil && !errors.Is(err, site.ErrExists) {
		return err
	}
	d.sites = append(d.sites, key)
	n, issues := notice.Parse(file, key+".toml")
	if notice.Failed(issues) {
		return &notice.InvalidError{Issues: issues}
	}
	if _, err := in.db.InForce(ctx, key, "privacy", time.Now()); errors.Is(err, policyversions.ErrUnknownPolicy) {
		if err := importDemoPolicy(ctx, in, n, text); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	done, err := d.prepared.is(ctx, in, key, file)
	if err != nil || done {
		return err
	}
	if _, err := publisher(in.db).Publish(ctx, n); err != nil && !errors.Is(err, notice.ErrSameNotice) {
		return err
	}
	return d.prepared.note(key, file)
}

func importDemoPolicy(ctx context.Context, in *installation, n *notice.Notice, text *demoText) error {
	var draft policyversions.Draft
	var effective time.Time
	var err error
	if text == nil {
		draft, err = policyversions.Starter("privacy", "en", policyversions.Controller{
			Name: n.Controller.Name, Address: n.Controller.Address, Contact: n.Controller.Contact})
	} else {
		effective = text.effective
		draft, err = policyversions.Import(text.raw, text.file)
		draft.Language = text.language
	}
	if err != nil {
		return err
	}
	_, err = policyversions.Publisher{Store: in.db, Now: time.Now}.Publish(ctx, n.Site, "privacy", draft, effective)
	return err
}

// A demoText is one policy text of the folder given with --demo-policies.
type demoText struct {
	site, file string
	language   string
	raw        []byte
	effective  time.Time // of the file's name; zero if it states none
}

var demoFile = regexp.MustCompile(`^([a-z0-9-]+?)-(\d{4}-\d{2}-\d{2}|undated)\.md$`)

// starters are the demo sites of a checkout without policy texts of its own.
var starters = []struct{ site, name, language string }{
	{"bakery", "Corner Bakery", "en"}, {"library", "Town Library", "en"}, {"cycles", "Harbour Cycles", "en"},
	{"gaertnerei", "Gärtnerei am Fluss", "de"}, {"museum", "Stadtmuseum", "de"},
}

// demoTexts reads the texts of a folder: name-2018-10-29.md or name-undated.md
// becomes the site "name". Without a folder our starter texts stand for them.
func demoTexts(folder string) ([]demoText, error) {
	var texts []demoText
	if folder == "" {
		for _, s := range starters {
			draft, err := policyversions.Starter("privacy", s.language, policyversions.Controller{
				Name: s.name, Address: "1 Example Street, Example Town", Contact: "privacy@example.com"})
			if err != nil {
				return nil, err
			}
			texts = append(texts, demoText{site: s.site, file: s.site + ".md", language: s.language, raw: draft.Original})
		}
		return texts, nil
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("%w; name the folder with --demo-policies, or leave it out", err)
	}
	for _, entry := range entries {
		m := demoFile.FindStringSubmatch(entry.Name())
		if m == nil {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return nil, err
		}
		effective, _ := time.Parse(time.DateOnly, m[2])
		texts = append(texts, demoText{site: m[1], file: entry.Name(), language: "en", raw: raw, effective: effective})
	}
	slices.SortFunc(texts, func(a, b demoText) int { return strings.Compare(a.site, b.site) })
	return texts, nil
}
