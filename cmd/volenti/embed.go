package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/spf13/cobra"

	"github.com/volenti-consent/volenti/banner"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/server/store"
	"github.com/volenti-consent/volenti/web/integrations"
)

//go:embed embed/*.txt
var embedTexts embed.FS

// platforms are where the lines go, each a text of embed/; "gtm" is the template
// for Tag Manager.
var platforms = []string{"html", "next", "astro", "wordpress", "shopify", "rails", "django", "gtm"}

func embedCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "embed",
		Short: "Print the lines that put the banner into a website",
		Long: `Print the lines that put the banner into a website, ready to be copied.

--pinned prints an address that names one script by its digest, and the digest for
the browser to check it with. Print it anew after each publication: the page goes
on showing the notice it names.
--inline-stub prints a script of the page's own that denies everything and a line
that loads the banner without anything waiting for it. Tags that are not marked
run before the banner is there, so mark all of them.

The lines go to standard output; what a Content-Security-Policy needs, and what
the lines weigh, to standard error.`,
		Example: `  volenti embed --site shop --url https://consent.example.com
  volenti embed --site shop --platform next --pinned
  volenti embed --site shop --platform gtm > template.tpl`,
		Args: cobra.NoArgs,
	}
	data := dataFlag(cmd)
	f := cmd.Flags()
	e := embedding{}
	f.StringVar(&e.site, "site", "", "site key")
	f.StringVar(&e.server, "url", os.Getenv("VOLENTI_PUBLIC_URL"), "address visitors reach this server under (VOLENTI_PUBLIC_URL)")
	f.StringVar(&e.platform, "platform", "html", "where the lines go: "+strings.Join(platforms, ", "))
	f.StringVar(&e.language, "lang", "", "language of the page (default: the browser's; of a pinned script, the notice's first)")
	f.BoolVar(&e.pinned, "pinned", false, "name one script by its digest, for the browser to check")
	f.BoolVar(&e.stub, "inline-stub", false, "let nothing wait for the banner")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := e.check(); err != nil {
			return usage(err)
		}
		return withDatabase(cmd.Context(), *data, func(db *store.DB) error {
			p, err := db.Current(cmd.Context(), e.site)
			if errors.Is(err, notice.ErrUnpublished) || errors.Is(err, site.ErrUnknown) {
				return usage(fmt.Errorf("site %s has no notice; publish one first: volenti notice publish FILE", e.site))
			}
			if err != nil {
				return err
			}
			lines, notes, err := e.lines(cmd.Context(), db, p)
			if err != nil {
				return err
			}
			fmt.Fprint(cmd.OutOrStdout(), lines)
			for _, note := range notes {
				fmt.Fprintln(cmd.ErrOrStderr(), note)
			}
			return nil
		})
	}
	return cmd
}

// An embedding is what the command was asked for.
type embedding struct {
	site, server, platform, language string
	pinned, stub                     bool
}

func (e *embedding) check() error {
	if !site.ValidKey(e.site) {
		return errors.New("say which site: --site KEY; `volenti site list` shows all")
	}
	if !slices.Contains(platforms, e.platform) {
		return fmt.Errorf("--platform %s is not one of %s", e.platform, strings.Join(platforms, ", "))
	}
	u, err := url.Parse(e.server)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return errors.New("say where visitors reach this server: --url https://consent.example.com")
	}
	e.server = strings.TrimRight(u.String(), "/")
	if e.platform == "gtm" && (e.pinned || e.stub) {
		return errors.New("Tag Manager loads the script itself: leave out --pinned and --inline-stub") //nolint:staticcheck // a product's name
	}
	return nil
}

// lines are what is printed, and the notes beside it.
func (e *embedding) lines(ctx context.Context, db *store.DB, p *notice.Publication) (lines string, notes []string, err error) {
	n, err := notice.Decode(p.NoticeBytes)
	if err != nil {
		return "", nil, err
	}
	if e.language != "" && !slices.Contains(n.Languages, e.language) {
		return "", nil, usage(fmt.Errorf("the notice does not speak %q; it speaks %s", e.language, strings.Join(n.Languages, " ")))
	}
	if e.platform == "gtm" {
		return integrations.TagManager(e.server), nil, nil
	}
	tags, notes, err := e.tags(ctx, db, p, n)
	if err != nil {
		return "", nil, err
	}
	language := e.language
	if language == "" {
		language = n.Languages[0]
	}
	text, err := template.ParseFS(embedTexts, "embed/"+e.platform+".txt")
	if err != nil {
		return "", nil, err
	}
	var b strings.Builder
	err = text.Execute(&b, map[string]string{
		"Server": e.server, "Site": e.site, "Language": language,
		"Choices": e.server + "/privacy/" + e.site + "/choices", "Cookies": e.server + "/privacy/" + e.site + "/cookies",
		"Declaration": e.server + "/b/" + e.site + "/declaration.js",
		"Head":        join(tags, "", tag.html), "JSX": join(tags, "        ", tag.jsx),
		"Astro": join(tags, "    ", tag.astro), "Rails": join(tags, "", tag.rails),
	})
	return b.String(), notes, err
}

// tags are the script elements of the head, in order.
func (e *embedding) tags(ctx context.Context, db *store.DB, p *notice.Publication, n *notice.Notice) (tags []tag, notes []string, err error) {
	main := tag{src: e.server + "/b/" + e.site + ".js", async: e.stub}
	if e.language != "" && !e.pinned {
		main.src += "?lang=" + url.QueryEscape(e.language)
	}
	if e.stub {
		stub := banner.Stub(n)
		tags = append(tags, tag{text: string(stub)})
		notes = append(notes, fmt.Sprintf("inline script: %d bytes; Content-Security-Policy: script-src %s", len(stub), sha256Source(stub)))
	}
	if e.pinned {
		script, modules, err := e.pin(ctx, db, p, n)
		if err != nil {
			return nil, nil, err
		}
		digest := canonical.Sum(script)
		main.src = e.server + "/b/" + e.site + "/pinned/" + string(digest) + ".js"
		main.integrity = sha384(script)
		tags = append([]tag{{text: modules, kind: "importmap"}}, tags...)
		notes = append(notes,
			fmt.Sprintf("import map: Content-Security-Policy: script-src %s", sha256Source([]byte(modules))),
			"print these lines anew after each publication; until then pages show the notice they name")
	}
	return append(tags, main), notes, nil
}

// pin makes the pinned script and keeps it, so that the server answers it from now
// on. modules is an import map by which browsers check what the script fetches.
func (e *embedding) pin(ctx context.Context, db *store.DB, p *notice.Publication, n *notice.Notice) (script []byte, modules string, err error) {
	language := e.language
	if language == "" {
		language = n.Languages[0]
	}
	if script, err = (banner.Compiler{}).Pin(p, language); err != nil {
		return nil, "", err
	}
	if err := db.KeepArtifacts(ctx, []consent.Artifact{{Digest: canonical.Sum(script), Kind: "pinned", Bytes: script}}); err != nil {
		return nil, "", err
	}
	integrity := map[string]string{}
	for _, s := range p.Scripts {
		if s.Language != language || s.Kind == notice.KindAsk || s.Kind == notice.KindKept || s.Kind == notice.KindGuarded {
			continue
		}
		address := e.server + "/b/" + e.site + "/" + s.Digest.Short() + ".js"
		integrity[address] = sha384(s.Source)
		if s.Kind == notice.KindGate {
			delete(integrity, address)
			for try := range 8 { // each try has an address of its own (gate/core.ts)
				integrity[address+"?"+strconv.Itoa(try)] = sha384(s.Source)
			}
		}
	}
	var b bytes.Buffer
	b.WriteString(`{"integrity":{`)
	for i, address := range slices.Sorted(maps.Keys(integrity)) {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(address)
		if err != nil {
			return nil, "", err
		}
		fmt.Fprintf(&b, "%s:%q", name, integrity[address])
	}
	b.WriteString("}}")
	return script, b.String(), nil
}

func sha384(b []byte) string {
	sum := sha512.Sum384(b)
	return "sha384-" + base64.StdEncoding.EncodeToString(sum[:])
}

func sha256Source(b []byte) string {
	sum := sha256.Sum256(b)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// A tag is one script element: of an address, or of a text.
type tag struct {
	src, integrity string
	async          bool
	text, kind     string
}

func join(tags []tag, indent string, write func(tag) string) string {
	all := make([]string, len(tags))
	for i, t := range tags {
		all[i] = indent + write(t)
	}
	return strings.Join(all, "\n")
}

// attributes of the element, but for its text, in the spelling of HTML or of JSX.
func (t tag) attributes(crossorigin string) string {
	var b strings.Builder
	if t.kind != "" {
		fmt.Fprintf(&b, ` type="%s"`, t.kind)
	}
	if t.async {
		b.WriteString(" async")
	}
	if t.src != "" {
		fmt.Fprintf(&b, ` src="%s"`, t.src)
	}
	if t.integrity != "" {
		fmt.Fprintf(&b, ` integrity="%s" %s="anonymous"`, t.integrity, crossorigin)
	}
	return b.String()
}

func (t tag) html() string {
	return "<script" + t.attributes("crossorigin") + ">" + t.text + "</script>"
}

func (t tag) astro() string {
	return "<script is:inline" + t.attributes("crossorigin") + ">" + t.text + "</script>"
}

func (t tag) jsx() string {
	if t.text != "" {
		return "<script" + t.attributes("crossOrigin") + " dangerouslySetInnerHTML={{ __html: " + strconv.Quote(t.text) + " }} />"
	}
	return "<script" + t.attributes("crossOrigin") + " />"
}

// rails gives every element the request's nonce, where there is one.
func (t tag) rails() string {
	if t.text != "" {
		more := ""
		if t.kind != "" {
			more = fmt.Sprintf(", type: %q", t.kind)
		}
		// Not javascript_tag, which puts CDATA marks around a text: they are no JSON, and no part of the digest.
		return fmt.Sprintf("<%%= tag.script(%q.html_safe%s, nonce: content_security_policy_nonce) %%>", t.text, more)
	}
	more := ""
	if t.async {
		more += ", async: true"
	}
	if t.integrity != "" {
		more += fmt.Sprintf(", integrity: %q, crossorigin: \"anonymous\"", t.integrity)
	}
	return fmt.Sprintf("<%%= javascript_include_tag %q%s, nonce: true %%>", t.src, more)
}
