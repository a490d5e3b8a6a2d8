package admin

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/web/console"
)

// newSite answers GET /admin/sites/new.
func (c *Console) newSite(d *Desk) error {
	page := &console.SiteForm{New: true, TimeZone: "UTC"}
	return d.showSite(http.StatusOK, page)
}

// siteSettings answers GET /admin/sites/:site/settings.
func (c *Console) siteSettings(d *Desk) error {
	s := d.Site
	return d.showSite(http.StatusOK, &console.SiteForm{Key: s.Key, Name: s.Name, TimeZone: s.TimeZone, SecondPair: s.SecondPair, NoIndex: s.NoIndex, CreatedAt: s.CreatedAt.In(s.Location())})
}

func (d *Desk) showSite(status int, page *console.SiteForm) error {
	page.Title, page.Sub = "Settings", "What this site is called, and by whose clock"
	if page.New {
		page.Title, page.Sub = "Add a site", "One website with its own banner, policies and receipts"
	}
	page.Trail = []console.Step{{Path: "admin", Label: "Sites"}}
	page.Zones = zones
	return d.ShowAs(status, page)
}

// addSite answers POST /admin/sites/new.
func (c *Console) addSite(d *Desk) error {
	s, page := siteOf(d)
	page.New = true
	s.Key, s.CreatedAt = strings.TrimSpace(d.FormValue("key")), c.Now().UTC().Truncate(time.Millisecond)
	page.Key = s.Key
	if page.Wrong = wrongSite(s); len(page.Wrong) > 0 {
		return d.showSite(http.StatusUnprocessableEntity, page)
	}
	err := c.Sites.AddSite(d.Request().Context(), s)
	if errors.Is(err, site.ErrExists) {
		page.Wrong = []console.Mend{{Field: "key", What: "This key is another site's: choose one of its own."}}
		return d.showSite(http.StatusUnprocessableEntity, page)
	}
	if err != nil {
		return err
	}
	d.Site = s
	if err := d.Note("site.add", s.Key, s.Name+", "+zoneName(s)); err != nil {
		return err
	}
	return d.Done("admin", "The site “"+s.Name+"” is there. Publish its banner next.")
}

// changeSite answers POST /admin/sites/:site/settings.
func (c *Console) changeSite(d *Desk) error {
	s, page := siteOf(d)
	s.Key, s.CreatedAt = d.Site.Key, d.Site.CreatedAt
	page.Key, page.CreatedAt = s.Key, s.CreatedAt
	if page.Wrong = wrongSite(s); len(page.Wrong) > 0 {
		return d.showSite(http.StatusUnprocessableEntity, page)
	}
	if err := c.Insight.Store.ChangeSite(d.Request().Context(), s); err != nil {
		return err
	}
	what := s.Name + ", " + zoneName(s)
	if s.SecondPair != d.Site.SecondPair {
		what += map[bool]string{true: ", a second pair of eyes from now on", false: ", no second pair of eyes any more"}[s.SecondPair]
	}
	if s.NoIndex != d.Site.NoIndex {
		what += map[bool]string{true: ", search engines list none of its policies from now on", false: ", search engines may list its policies"}[s.NoIndex]
	}
	if err := d.Note("site.change", s.Key, what); err != nil {
		return err
	}
	return d.Done("admin", "The settings of “"+s.Name+"” are kept.")
}

// siteOf reads the form, and keeps what was written for the case that it comes back.
func siteOf(d *Desk) (site.Site, *console.SiteForm) {
	s := site.Site{Name: strings.TrimSpace(d.FormValue("name")), TimeZone: strings.TrimSpace(d.FormValue("zone")), SecondPair: d.FormValue("second_pair") == "1", NoIndex: d.FormValue("noindex") == "1"}
	return s, &console.SiteForm{Name: s.Name, TimeZone: s.TimeZone, SecondPair: s.SecondPair, NoIndex: s.NoIndex}
}

// mostName bounds a site's name: it stands in the head of pages.
const mostName = 80

// wrongSite is what is to be mended, field by field.
func wrongSite(s site.Site) (wrong []console.Mend) {
	if !site.ValidKey(s.Key) || s.Key == "new" {
		wrong = append(wrong, console.Mend{Field: "key", What: "Use 1 to 40 of a–z, 0–9 and inner hyphens, such as shop; “new” is taken by this page."})
	}
	if s.Name == "" || len([]rune(s.Name)) > mostName || strings.ContainsFunc(s.Name, func(r rune) bool { return r < ' ' }) {
		wrong = append(wrong, console.Mend{Field: "name", What: "Say in one line of at most 80 letters how the site is called."})
	}
	if _, err := time.LoadLocation(s.TimeZone); err != nil || s.TimeZone == "Local" {
		wrong = append(wrong, console.Mend{Field: "zone", What: "Give an IANA name such as Europe/Vienna, or leave it empty for UTC."})
	}
	return wrong
}

func zoneName(s site.Site) string {
	if s.TimeZone == "" {
		return "UTC"
	}
	return s.TimeZone
}

// zones are suggested; any other of the IANA database is accepted.
var zones = []string{"UTC", "Europe/Vienna", "Europe/Berlin", "Europe/Zurich", "Europe/Paris", "Europe/Brussels", "Europe/Amsterdam", "Europe/Madrid", "Europe/Lisbon",
	"Europe/Rome", "Europe/London", "Europe/Dublin", "Europe/Copenhagen", "Europe/Stockholm", "Europe/Oslo", "Europe/Helsinki", "Europe/Warsaw", "Europe/Prague",
	"Europe/Budapest", "Europe/Bucharest", "Europe/Athens", "Europe/Kyiv", "Europe/Istanbul", "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
	"America/Toronto", "America/Mexico_City", "America/Sao_Paulo", "America/Argentina/Buenos_Aires", "Africa/Cairo", "Africa/Johannesburg", "Africa/Lagos", "Asia/Dubai",
	"Asia/Jerusalem", "Asia/Kolkata", "Asia/Singapore", "Asia/Bangkok", "Asia/Shanghai", "Asia/Seoul", "Asia/Tokyo", "Australia/Sydney", "Pacific/Auckland"}
