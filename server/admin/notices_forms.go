package admin

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/web/console"
)

// A noticePartOf is a part of a notice that has a form. The form reads the draft's
// file, and set changes in it what the part is about; "source" is the file itself.
type noticePartOf struct {
	key, name string
	roots     []string // of the paths that are mended here
	language  bool     // it shows the texts of one language
	show      func(page *console.NoticePart, n *notice.Notice)
	set       func(d *Desk, n *notice.Notice) string // says what was done, in a few words; "" if nothing was
}

func noticeParts() []noticePartOf {
	return []noticePartOf{
		{key: "look", name: "Look", roots: []string{"look"},
			show: func(page *console.NoticePart, n *notice.Notice) {
				page.Groups, page.Contrast = []console.FieldGroup{{Fields: lookFields("look", n.Look)}}, contrastOf(n.Look.Accent)
			}, set: setLook},
		{key: "wording", name: "Wording", roots: []string{"wording"}, language: true,
			show: func(page *console.NoticePart, n *notice.Notice) {
				page.Groups = []console.FieldGroup{{Fields: wordingFields(n, page.Language)}}
			}, set: func(d *Desk, n *notice.Notice) string { return setWording(d, n, d.FormValue("language")) }},
		{key: "categories", name: "Purposes", roots: []string{"categories"},
			show: func(page *console.NoticePart, n *notice.Notice) { page.Rows = categoryRows(n) }, set: setCategories},
		{key: "vendors", name: "Vendors and storage", roots: []string{"vendors"},
			show: func(page *console.NoticePart, n *notice.Notice) { page.Rows = vendorRows(n) }, set: setVendors},
		{key: "tags", name: "Tags", roots: []string{"tags"},
			show: func(page *console.NoticePart, n *notice.Notice) { page.Rows = tagRows(n) }, set: setTags},
		{key: "general", name: "Site and rules", roots: []string{"languages", "origins", "policies", "policy_url", "validity_months", "posture", "dnt", "controller", "google", "blocking", "age", "share"},
			show: func(page *console.NoticePart, n *notice.Notice) { page.Groups = generalGroups(n) }, set: setGeneral},
		{key: "regions", name: "Rules by region", roots: []string{"overrides"},
			show: func(page *console.NoticePart, n *notice.Notice) { page.Rows = overrideRows(n) }, set: setOverrides},
		{key: "trials", name: "Trials", roots: []string{"trials"}, language: true,
			show: func(page *console.NoticePart, n *notice.Notice) { page.Rows = trialRows(n, page.Language) },
			set:  func(d *Desk, n *notice.Notice) string { return setTrials(d, n, d.FormValue("language")) }},
		{key: "source", name: "Source"},
	}
}

func noticePartNamed(key string) (noticePartOf, bool) {
	for _, p := range noticeParts() {
		if p.key == key {
			return p, true
		}
	}
	return noticePartOf{}, false
}

// partOf is the part in which a path of the file is mended.
func partOf(path string) string {
	root := path[:len(path)-len(strings.TrimLeft(path, "abcdefghijklmnopqrstuvwxyz_"))]
	for _, p := range noticeParts() {
		if slices.Contains(p.roots, root) {
			return p.key
		}
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
	page, err := c.partPage(d, w)
	if err != nil {
		return err
	}
	// What is wrong at a field stands above the form already, and at the field.
	page.Issues = slices.DeleteFunc(page.Issues, func(i console.NoticeIssue) bool { return i.Error && i.Field != "" })
	return d.Show(page)
}

// partPage is the form of a part of w, as it is kept or as it was typed.
func (c *Console) partPage(d *Desk, w notice.Work) (*console.NoticePart, error) {
	part, ok := noticePartNamed(d.Param("part"))
	if !ok {
		return nil, notice.ErrNoWork
	}
	page := &console.NoticePart{Base: d.noticePath(), Part: part.key, Revision: w.Revision, Source: w.Source}
	for _, p := range noticeParts() {
		page.Parts = append(page.Parts, console.Pick{Key: p.key, Name: p.name, Here: p.key == part.key})
	}
	page.Title, page.Sub, page.Trail = part.name, "Draft of the banner of "+d.Site.Name, d.noticeTrail()
	n, issues := notice.Read([]byte(w.Source), noticeFile)
	page.Unread = n == nil
	for _, issue := range issuesOf(d, issues) {
		if n == nil || part.show == nil || strings.HasSuffix(issue.Address, "/"+part.key) {
			page.Issues = append(page.Issues, issue)
		}
	}
	if n == nil || part.show == nil {
		return page, nil
	}
	if part.language {
		wanted := d.FormValue("language")
		page.Language, page.Languages = wordingLanguages(n, wanted)
	}
	part.show(page, n)
	page.Arrange()
	for i := range page.Issues {
		issue := &page.Issues[i]
		issue.Label, issue.Field = page.FieldOf(issue.Path)
		if issue.Field == "" {
			continue
		}
		issue.Remedy, _, _ = strings.Cut(issue.Remedy, ", such as {") // how it is written in a file
		if issue.Error {
			page.Wrong = append(page.Wrong, console.Mend{Field: issue.Field, What: issue.Label + " " + issue.What + "; " + issue.Remedy})
		}
	}
	page.OpenWrong()
	return page, nil
}

// typed is a work as a form would leave it, and what it did.
func (c *Console) typed(d *Desk, w notice.Work) (notice.Work, string, error) {
	part, ok := noticePartNamed(d.Param("part"))
	if !ok {
		return w, "", notice.ErrNoWork
	}
	if part.set == nil {
		w.Source = strings.ReplaceAll(d.FormValue("source"), "\r\n", "\n")
		return w, part.key, nil
	}
	n, _ := notice.Read([]byte(w.Source), noticeFile)
	if n == nil {
		return w, "", errUnread
	}
	did := part.set(d, n)
	w.Source = notice.Rewrite(w.Source, n)
	return w, did, nil
}

// errUnread: the source of a draft can't be read, so no form can change it.
var errUnread = errors.New("the source can't be read")

// keepNotice answers the form of a part.
func (c *Console) keepNotice(d *Desk) error {
	ctx := d.Request().Context()
	w, err := c.Drafts.NoticeWork(ctx, d.Site.Key)
	if err != nil {
		return err
	}
	kept := w.Revision
	w, did, err := c.typed(d, w)
	if errors.Is(err, errUnread) {
		return d.Done(d.noticePath()+"/draft/source", "The source can't be read: mend it first, and the forms work again.")
	}
	if err != nil {
		return err
	}
	if d.FormValue("revision") != strconv.FormatInt(kept, 10) {
		page, err := c.partPage(d, w)
		if err != nil {
			return err
		}
		page.Stale = c.names(ctx)(w.By)
		return d.ShowAs(http.StatusConflict, page)
	}
	next := d.noticePath() + "/draft/" + d.Param("part")
	if language := d.FormValue("language"); language != "" {
		next += "?language=" + url.QueryEscape(language)
	}
	if did == "" {
		return d.Done(next, "Say first what is to be added.")
	}
	if err := c.saveNotice(d, w, did); err != nil {
		return err
	}
	return d.Done(next, "The draft is kept.")
}

// lookFields are a look, the notice's or a trial's, whose path is at.
func lookFields(at string, l notice.Look) []console.Field {
	field := func(key, label, value, hint string) console.Field {
		f := closed(at+"."+key, label, value, "look."+key, hint)
		return f
	}
	return []console.Field{
		{Name: at + ".accent", Label: "Colour of the buttons", Kind: "color", Value: l.Accent, Hint: "Both answers wear it, so that neither is favoured."},
		field("position", "Where the banner stands", l.Position, "“inline” puts it into the page's own <volenti-banner>."),
		field("theme", "Light or dark", l.Theme, "The colours around the buttons."),
		field("reopen", "Button that opens the choices again", l.Reopen, "Without it the site needs one of its own, marked data-volenti=open."),
		numberField(at+".radius", "Roundness of corners, in pixels", l.Radius, "0 to 24"),
		textField(at+".logo", "Logo", l.Logo, "https address of a picture of yours, or nothing"),
		tickField(at+".modal", "The page waits for an answer", l.Modal, "The first layer is a dialog that keeps the page from being used."),
	}
}

func lookIn(d *Desk, at string, l notice.Look) notice.Look {
	return notice.Look{Accent: strings.ToLower(one(d, at+".accent", l.Accent)), Position: one(d, at+".position", l.Position), Theme: one(d, at+".theme", l.Theme),
		Reopen: one(d, at+".reopen", l.Reopen), Radius: number(d, at+".radius", l.Radius), Modal: ticked(d, at+".modal"), Logo: one(d, at+".logo", l.Logo)}
}

// setLook changes the look of the notice, and with it that of trials as far as they
// look alike.
func setLook(d *Desk, n *notice.Notice) string {
	before := n.Look
	n.Look = lookIn(d, "look", before)
	for i := range n.Trials {
		t := &n.Trials[i].Look
		follow(&t.Accent, before.Accent, n.Look.Accent)
		follow(&t.Position, before.Position, n.Look.Position)
		follow(&t.Theme, before.Theme, n.Look.Theme)
		follow(&t.Reopen, before.Reopen, n.Look.Reopen)
		follow(&t.Radius, before.Radius, n.Look.Radius)
		follow(&t.Modal, before.Modal, n.Look.Modal)
		follow(&t.Logo, before.Logo, n.Look.Logo)
	}
	return "look"
}

func follow[T comparable](value *T, before, after T) {
	if *value == before {
		*value = after
	}
}

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

func setWording(d *Desk, n *notice.Notice, language string) string {
	if !slices.Contains(n.Languages, language) {
		return ""
	}
	ours, _ := notice.WordingOf(language)
	own := map[string]string{}
	for _, key := range notice.WordingKeys() {
		if text := one(d, "wording."+language+"."+key, n.Wording[language][key]); text != "" && text != ours[key] {
			own[key] = text
		}
	}
	delete(n.Wording, language)
	if len(own) > 0 {
		if n.Wording == nil {
			n.Wording = map[string]map[string]string{}
		}
		n.Wording[language] = own
	}
	return "wording in " + language
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
