package admin

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/volenti-consent/volenti/server/embedding"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/web/console"
)

var platformNames = map[string]string{"html": "HTML", "next": "Next.js", "astro": "Astro", "wordpress": "WordPress", "shopify": "Shopify", "rails": "Rails", "django": "Django", "gtm": "Google Tag Manager"}

// embed answers GET /admin/sites/:site/embed.
func (c *Console) embed(d *Desk) error {
	return c.showEmbed(d, http.StatusOK, d.QueryParam, false)
}

// pin answers POST /admin/sites/:site/embed: it makes the pinned script, keeps it,
// and shows its lines.
func (c *Console) pin(d *Desk) error {
	return c.showEmbed(d, http.StatusOK, d.FormValue, true)
}

func (c *Console) showEmbed(d *Desk, status int, value func(string) string, pinned bool) error {
	ctx := d.Request().Context()
	page := &console.Embed{MayPin: d.May(operator.WriteNotices), MayNotice: d.May(operator.ReadNotices), Server: strings.TrimRight(c.PublicURL, "/")}
	page.Title, page.Sub = "Embed", "The line that puts the banner into your pages"
	if page.Server == "" {
		page.Server, page.Guessed = ownAddress(d.Request()), true
	}
	p, err := c.Notices.Current(ctx, d.Site.Key)
	if errors.Is(err, notice.ErrUnpublished) {
		page.Unpublished = true
		return d.ShowAs(status, page)
	}
	if err != nil {
		return err
	}
	n, err := notice.Decode(p.NoticeBytes)
	if err != nil {
		return err
	}
	o := embedding.Order{Server: page.Server, Platform: "html", Language: value("lang"), Stub: value("stub") == "1"}
	if slices.Contains(embedding.Platforms(), value("platform")) {
		o.Platform = value("platform")
	}
	if !slices.Contains(n.Languages, o.Language) {
		o.Language = ""
	}
	page.Platform, page.Language, page.Stub = o.Platform, o.Language, o.Stub
	for _, name := range embedding.Platforms() {
		page.Platforms = append(page.Platforms, console.Option{Value: name, Label: platformNames[name], Chosen: name == o.Platform})
	}
	for _, tag := range n.Languages {
		page.Languages = append(page.Languages, console.Option{Value: tag, Label: console.LanguageName(tag), Chosen: tag == o.Language})
	}
	page.Origins = originsOf(n, page.Server)
	if o.Platform == "gtm" {
		o.Stub = false
	}
	page.Line = `<script src="` + o.Server + "/b/" + p.Site + `.js"></script>`
	if page.Lines, page.Notes, err = c.Insight.Lines.Lines(ctx, p, o); err != nil {
		return unfit("", err)
	}
	if pinned && o.Platform != "gtm" {
		o.Pinned = true
		if page.Pinned, page.PinNotes, err = c.Insight.Lines.Lines(ctx, p, o); err != nil {
			return err
		}
		if err := d.Note("embed.pin", p.Notice.Short(), o.Platform); err != nil {
			return err
		}
	}
	return d.ShowAs(status, page)
}

// ownAddress is where this request found the server.
func ownAddress(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return (&url.URL{Scheme: scheme, Host: r.Host}).String()
}

// originsOf says of each origin of the notice whether the banner can work there.
func originsOf(n *notice.Notice, server string) (all []console.OriginCheck) {
	own, err := url.Parse(server)
	if err != nil {
		return nil
	}
	for _, origin := range n.Origins {
		check := console.OriginCheck{Origin: origin}
		u, err := url.Parse(origin)
		switch {
		case err != nil || u.Host == "":
			check.Wrong = "It is no origin: write scheme and host, such as https://shop.example."
		case u.Scheme == "https" && own.Scheme == "http":
			check.Wrong = "It is https and this server is not: browsers load nothing over http into it. Give this server a certificate."
		case u.Scheme == "http" && !local(u.Hostname()):
			check.Note = "It is http: choices and receipts travel unprotected."
		case u.Hostname() == own.Hostname() || strings.HasSuffix(own.Hostname(), "."+u.Hostname()):
			check.Note = "This server is on the same domain: its page without script sees the same cookie."
		default:
			check.Note = "This server is on another domain: all works, and the cookie is kept for each site apart."
		}
		all = append(all, check)
	}
	return all
}

func local(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || host == "127.0.0.1" || host == "::1"
}
