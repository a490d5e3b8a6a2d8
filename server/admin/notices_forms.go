package admin

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/web/console"
)

// The parts of a notice that have forms. Each form reads the draft's file, changes
// what it is about, and writes the file again; "source" is the file itself.
var noticeParts = []console.Pick{
	{Key: "look", Name: "Look"}, {Key: "wording", Name: "Wording"}, {Key: "vendors", Name: "Vendors and storage"},
	{Key: "general", Name: "Site and rules"}, {Key: "source", Name: "Source"},
}

// partOf is the part in which a path of the file is mended.
func partOf(path string) string {
	name, _, _ := strings.Cut(path, ".")
	name, _, _ = strings.Cut(name, "[")
	switch name {
	case "look", "wording", "vendors":
		return name
	case "languages", "origins", "policies", "policy_url", "validity_months", "posture", "dnt", "controller", "google", "blocking", "age", "share":
		return "general"
	}
	return "source"
}

// noticePart answers the form of a part.
func (c *Console) noticePart(d *Desk) error {
	w, err := c.Drafts.NoticeWork(d.Request().Context(), d.Site.Key)
	if errors.Is(err, notice.ErrNoWork) {
		return d.Done(d.noticePath(), "There is no draft. Begin one to change the banner.")
	}
	if err != nil {
		return err
	}
	return c.showPart(d, w, "")
}

// showPart answers the form of a part of w, as it is kept or as it was typed.
func (c *Console) showPart(d *Desk, w notice.Work, stale string) error {
	part := d.Param("part")
	at := slices.IndexFunc(noticeParts, func(p console.Pick) bool { return p.Key == part })
	if at < 0 {
		return notice.ErrNoWork
	}
	page := &console.NoticePart{Base: d.noticePath(), Part: part, Parts: slices.Clone(noticeParts), Revision: w.Revision, Source: w.Source, Stale: stale}
	page.Parts[at].Here = true
	page.Title, page.Sub, page.Trail = noticeParts[at].Name, "Draft of the banner of "+d.Site.Name, d.noticeTrail()
	n, issues := notice.Read([]byte(w.Source), noticeFile)
	page.Unread = n == nil
	for _, issue := range issuesOf(d, issues) {
		if n == nil || part == "source" || strings.HasSuffix(issue.Address, "/"+part) {
			page.Issues = append(page.Issues, issue)
		}
	}
	if n != nil {
		switch part {
		case "look":
			page.Fields, page.Contrast = lookFields(n), contrastOf(n.Look.Accent)
		case "general":
			page.Fields = generalFields(n)
		case "wording":
			page.Language, page.Languages = wordingLanguages(n, d.QueryParam("language"))
			page.Fields = wordingFields(n, page.Language)
		case "vendors":
			page.Vendors, page.Templates = vendorForms(n), knownVendors(n)
		}
		for _, issue := range page.Issues {
			if issue.Error && hasField(page, issue.Path) {
				page.Wrong = append(page.Wrong, console.Mend{Field: issue.Path, What: issue.Path + " " + issue.What + "; " + issue.Remedy})
			}
		}
	}
	if stale != "" {
		return d.ShowAs(http.StatusConflict, page)
	}
	return d.Show(page)
}

func hasField(page *console.NoticePart, name string) bool {
	has := func(fields []console.Field) bool {
		return slices.ContainsFunc(fields, func(f console.Field) bool { return f.Name == name })
	}
	return has(page.Fields) || slices.ContainsFunc(page.Vendors, func(v console.VendorForm) bool {
		return has(v.Fields) || slices.ContainsFunc(v.Entries, has)
	})
}

// keepNotice answers the form of a part.
func (c *Console) keepNotice(d *Desk) error {
	ctx, part := d.Request().Context(), d.Param("part")
	w, err := c.Drafts.NoticeWork(ctx, d.Site.Key)
	if err != nil {
		return err
	}
	kept := w.Revision
	w.Revision, _ = strconv.ParseInt(d.FormValue("revision"), 10, 64)
	did, next := part, d.noticePath()+"/draft/"+part
	if part == "source" {
		w.Source = strings.ReplaceAll(d.FormValue("source"), "\r\n", "\n")
	} else {
		n, _ := notice.Read([]byte(w.Source), noticeFile)
		if n == nil {
			return d.Done(d.noticePath()+"/draft/source", "The source can't be read: mend it first, and the forms work again.")
		}
		switch part {
		case "look":
			setLook(d, n)
		case "general":
			setGeneral(d, n)
		case "wording":
			language := d.FormValue("language")
			setWording(d, n, language)
			did, next = "wording in "+language, next+"?language="+language
		case "vendors":
			did = setVendors(d, n)
		default:
			return notice.ErrNoWork
		}
		w.Source = n.File()
	}
	if w.Revision != kept {
		names := c.names(ctx)
		by := names(w.By)
		w.Revision = kept
		return c.showPart(d, w, by)
	}
	if err := c.saveNotice(d, w, did); err != nil {
		return err
	}
	return d.Done(next, "The draft is kept.")
}

func choices(selected string, keys ...string) []console.Pick {
	all := make([]console.Pick, len(keys))
	for i, key := range keys {
		all[i] = console.Pick{Key: key, Name: key, Here: key == selected}
	}
	return all
}

func closed(name, label, value, list, hint string) console.Field {
	return console.Field{Name: name, Label: label, Hint: hint, Value: value, Kind: "select", Options: choices(value, notice.Options(list)...)}
}

func lookFields(n *notice.Notice) []console.Field {
	l := n.Look
	return []console.Field{
		{Name: "look.accent", Label: "Colour of the buttons", Kind: "color", Value: l.Accent, Hint: "Both answers wear it, so that neither is favoured."},
		closed("look.position", "Where the banner stands", l.Position, "look.position", "“inline” puts it into the page's own <volenti-banner>."),
		closed("look.theme", "Light or dark", l.Theme, "look.theme", "“auto” follows the visitor's system."),
		closed("look.reopen", "Button that opens the choices again", l.Reopen, "look.reopen", "“none”: the site has its own, marked data-volenti=open."),
		{Name: "look.radius", Label: "Roundness of corners, in pixels", Kind: "number", Value: strconv.Itoa(l.Radius), Hint: "0 to 24"},
		{Name: "look.modal", Label: "The page waits for an answer", Kind: "tick", On: l.Modal, Hint: "The first layer is a dialog that keeps the page from being used."},
		{Name: "look.logo", Label: "Logo", Kind: "text", Value: l.Logo, Hint: "https address of a picture of yours, or nothing"},
	}
}

func setLook(d *Desk, n *notice.Notice) {
	n.Look.Accent = strings.ToLower(strings.TrimSpace(d.FormValue("look.accent")))
	n.Look.Position, n.Look.Theme, n.Look.Reopen = d.FormValue("look.position"), d.FormValue("look.theme"), d.FormValue("look.reopen")
	n.Look.Radius, n.Look.Modal, n.Look.Logo = number(d, "look.radius"), d.FormValue("look.modal") == "yes", strings.TrimSpace(d.FormValue("look.logo"))
}

// number is a field's, or one that no notice takes, so that Lint asks for another.
func number(d *Desk, name string) int {
	n, err := strconv.Atoi(strings.TrimSpace(d.FormValue(name)))
	if err != nil {
		return -1
	}
	return n
}

func generalFields(n *notice.Notice) []console.Field {
	text := func(name, label, value, hint string) console.Field {
		return console.Field{Name: name, Label: label, Kind: "text", Value: value, Hint: hint}
	}
	lines := func(name, label string, values []string, hint string) console.Field {
		return console.Field{Name: name, Label: label, Kind: "lines", Value: strings.Join(values, "\n"), Hint: hint}
	}
	return []console.Field{
		lines("languages", "Languages", n.Languages, "One a line; the first is used where none fits."),
		lines("origins", "Websites that may embed the banner", n.Origins, "One a line: https://shop.example"),
		lines("policies", "Policies", n.Policies, "Keys, one a line; the banner links to the first."),
		text("controller.name", "Who asks", n.Controller.Name, ""),
		text("controller.address", "Postal address", n.Controller.Address, ""),
		text("controller.contact", "Contact", n.Controller.Contact, "E-mail address, or https address of a page"),
		text("controller.establishment", "Country of establishment", n.Controller.Establishment, "Two letters: AT. One in the EU or the UK owes its law to everybody."),
		{Name: "validity_months", Label: "A decision holds, in months", Kind: "number", Value: strconv.Itoa(n.Validity), Hint: "1 to 13"},
		closed("posture", "How each law is read", n.Posture, "posture", "“cautious” is the recommended reading, “floor” the least it asks."),
		closed("dnt", "What DNT: 1 does", n.DNT, "dnt", ""),
		closed("google.mode", "Google Consent Mode", n.Google.Mode, "google.mode", ""),
		closed("blocking.mode", "Tags that nobody marked", n.Blocking.Mode, "blocking.mode", "“script” holds them, “strict” guards cookies and storage too."),
		closed("blocking.unknown", "Those that nobody knows", n.Blocking.Unknown, "blocking.unknown", ""),
		{Name: "age.minimum", Label: "Age that is asked for", Kind: "number", Value: strconv.Itoa(n.Age.Minimum), Hint: "0: nobody is asked; else 13 to 21"},
		{Name: "share.domains", Label: "A decision counts on all these websites", Kind: "tick", On: n.Share.Domains},
	}
}

func setGeneral(d *Desk, n *notice.Notice) {
	text := func(name string) string { return strings.Join(strings.Fields(d.FormValue(name)), " ") }
	n.Languages, n.Origins, n.Policies = words(d, "languages"), words(d, "origins"), words(d, "policies")
	n.Controller = notice.Controller{Name: text("controller.name"), Address: text("controller.address"), Contact: text("controller.contact"), Establishment: text("controller.establishment")}
	n.Validity, n.Posture, n.DNT = number(d, "validity_months"), d.FormValue("posture"), d.FormValue("dnt")
	n.Google.Mode, n.Blocking.Mode, n.Blocking.Unknown = d.FormValue("google.mode"), d.FormValue("blocking.mode"), d.FormValue("blocking.unknown")
	n.Age.Minimum, n.Share.Domains = number(d, "age.minimum"), d.FormValue("share.domains") == "yes"
}

func words(d *Desk, name string) []string { return strings.Fields(d.FormValue(name)) }

func wordingLanguages(n *notice.Notice, wanted string) (string, []console.Pick) {
	if len(n.Languages) == 0 {
		return "", nil
	}
	if !slices.Contains(n.Languages, wanted) {
		wanted = n.Languages[0]
	}
	var all []console.Pick
	for _, language := range n.Languages {
		all = append(all, console.Pick{Key: language, Name: languageName(language), Here: language == wanted})
	}
	return wanted, all
}

// wordingFields are all texts of a language, ours where the notice has none of its own.
func wordingFields(n *notice.Notice, language string) []console.Field {
	ours, ok := notice.WordingOf(language)
	if !ok {
		ours, _ = notice.WordingOf("en")
	}
	var fields []console.Field
	for _, key := range notice.WordingKeys() {
		fields = append(fields, console.Field{Name: "wording." + language + "." + key, Label: key, Kind: "words", Value: n.Wording[language][key],
			Default: ours[key], Language: language, Direction: direction(language)})
	}
	return fields
}

func setWording(d *Desk, n *notice.Notice, language string) {
	if !slices.Contains(n.Languages, language) {
		return
	}
	ours, _ := notice.WordingOf(language)
	own := map[string]string{}
	for _, key := range notice.WordingKeys() {
		if text := strings.Join(strings.Fields(d.FormValue("wording."+language+"."+key)), " "); text != "" && text != ours[key] {
			own[key] = text
		}
	}
	delete(n.Wording, language)
	if len(own) > 0 {
		n.Wording[language] = own
	}
}

// contrastOf is what the colour of the buttons has to white, black and the grounds
// of the banner (WCAG 2.2, "contrast ratio").
func contrastOf(accent string) []console.Pick {
	mine, ok := luminance(accent)
	if !ok {
		return nil
	}
	var all []console.Pick
	for _, other := range []struct{ name, colour string }{{"white letters or a light page", "#ffffff"}, {"black letters or a dark page", "#121212"}} {
		theirs, _ := luminance(other.colour)
		ratio := (max(mine, theirs) + 0.05) / (min(mine, theirs) + 0.05)
		all = append(all, console.Pick{Key: fmt.Sprintf("%.1f : 1", ratio), Name: other.name, Here: ratio >= 4.5})
	}
	return all
}

func luminance(colour string) (float64, bool) {
	n, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 32)
	if err != nil || len(colour) != 7 {
		return 0, false
	}
	linear := func(shift int) float64 {
		c := float64(n>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(16) + 0.7152*linear(8) + 0.0722*linear(0), true
}
