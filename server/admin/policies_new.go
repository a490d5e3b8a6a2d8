package admin

import (
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/web/console"
)

// newPolicy answers the form that begins a policy.
func (c *Console) newPolicy(d *Desk) error {
	page := &console.NewPolicy{Key: d.QueryParam("policy"), From: "privacy", Language: "en"}
	if page.Key == "" {
		page.Key = "privacy"
	}
	n, err := c.noticeInForce(d.Request().Context(), d.Site.Key)
	if err != nil && !errors.Is(err, notice.ErrUnpublished) {
		return err
	}
	if err == nil {
		page.Language = n.Languages[0]
		page.Controller, page.Address, page.Contact = n.Controller.Name, n.Controller.Address, n.Controller.Contact
	}
	return d.showNewPolicy(page)
}

func (d *Desk) showNewPolicy(page *console.NewPolicy) error {
	page.Title, page.Sub = "New policy", "A draft that nobody sees until it is published"
	page.Trail = []console.Step{{Path: d.policiesPath(), Label: "Policies"}}
	if len(page.Wrong) > 0 {
		return d.ShowAs(http.StatusUnprocessableEntity, page)
	}
	return d.Show(page)
}

// beginPolicy answers it: a draft from a starter text, a document, or nothing.
func (c *Console) beginPolicy(d *Desk) error {
	page := &console.NewPolicy{Key: strings.TrimSpace(d.FormValue("policy")), From: d.FormValue("from"), Language: strings.TrimSpace(d.FormValue("language")),
		Controller: d.FormValue("controller"), Address: d.FormValue("address"), Contact: d.FormValue("contact")}
	wrong := func(field, what string) { page.Wrong = append(page.Wrong, console.Mend{Field: field, What: what}) }
	if !policyversions.ValidKey(page.Key) {
		wrong("policy", "Write the key in 1 to 40 of a-z, 0-9 and inner hyphens, such as privacy.")
	}
	tag, err := parseLanguage(page.Language)
	if err != nil {
		wrong("language", "Write the language as browsers do: en, de, pt-BR.")
	}
	w := policyversions.Work{Site: d.Site.Key, Policy: page.Key, Language: tag, By: d.Operator.ID, ChangedAt: c.Now(), State: policyversions.Drafted}
	var imported *console.Imported
	switch page.From {
	case "privacy", "cookies":
		draft, err := policyversions.Starter(page.From, tag, policyversions.Controller{Name: page.Controller, Address: page.Address, Contact: page.Contact})
		switch {
		case errors.Is(err, policyversions.ErrNoStarter):
			wrong("language", "There are starter texts in English (en) and German (de). Begin with a document or nothing for another language.")
		case err != nil:
			wrong("controller", "A starter text names who answers for the website: fill in name, address and contact.")
		}
		w.Title, w.Markdown = draft.Title, draft.Markdown
	case "file":
		draft, about, what := d.document("file")
		if what != "" {
			wrong("file", what)
		}
		w.Title, w.Markdown, imported = draft.Title, draft.Markdown, about
	case "empty":
	default:
		wrong("from", "Say what to begin with.")
	}
	if len(page.Wrong) > 0 {
		return d.showNewPolicy(page)
	}
	if imported == nil {
		return c.beginDraft(d, w, "The draft is kept. Nobody sees it until it is published.")
	}
	if w, err = c.Versions.SaveWork(d.Request().Context(), w); err != nil {
		return err
	}
	if err := d.Note("policy.draft", w.Policy, "begun with a document"); err != nil {
		return err
	}
	return c.showDraft(d, w, func(page *console.Draft) { page.Imported = imported })
}

// document reads what was uploaded in a field; what it says is for the person who
// did, or "".
func (d *Desk) document(field string) (draft policyversions.Draft, about *console.Imported, what string) {
	header, err := d.FormFile(field)
	if err != nil || header.Filename == "" {
		return draft, nil, "Choose a document first."
	}
	raw, err := readUpload(header)
	if err != nil {
		return draft, nil, sentence(err)
	}
	if draft, err = policyversions.Import(raw, header.Filename); err != nil {
		return draft, nil, sentence(err)
	}
	about = &console.Imported{Name: header.Filename, Format: formatName(draft.Format), Provenance: draft.Provenance}
	for _, change := range draft.Changes {
		about.Changes = append(about.Changes, console.ImportedChange{What: change.What, Count: change.Count})
	}
	return draft, about, ""
}

func readUpload(header *multipart.FileHeader) ([]byte, error) {
	f, err := header.Open()
	if err != nil {
		return nil, fmt.Errorf("the document could not be read: %w", err)
	}
	defer f.Close()
	// A Word document is larger than its text; what Import takes, it says itself.
	return io.ReadAll(io.LimitReader(f, 16*policyversions.MaxOriginal))
}

func formatName(format string) string {
	switch format {
	case "html":
		return "a web page (HTML)"
	case "text":
		return "plain text"
	case "docx":
		return "a Word document (DOCX)"
	}
	return "Markdown"
}

// sentence is an error as a sentence of a page.
func sentence(err error) string {
	s := err.Error()
	if s == "" {
		return s
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	if !strings.HasSuffix(s, ".") && !strings.HasSuffix(s, ")") {
		s += "."
	}
	return s
}

// parseLanguage is a tag in its one spelling.
func parseLanguage(s string) (string, error) {
	tag, err := language.Parse(strings.TrimSpace(s))
	if err != nil || tag == language.Und {
		return "", policyversions.ErrBadLanguage
	}
	return tag.String(), nil
}

// languageName is a language in English, with its tag: "German (de)".
func languageName(tag string) string {
	parsed, err := language.Parse(tag)
	if err != nil {
		return tag
	}
	if name := display.English.Tags().Name(parsed); name != "" {
		return name + " (" + tag + ")"
	}
	return tag
}

func languageNames(tags []string) []string {
	names := make([]string, len(tags))
	for i, tag := range tags {
		names[i] = languageName(tag)
	}
	return names
}

// direction is "rtl" or "ltr".
func direction(tag string) string {
	if notice.RTL(tag) {
		return "rtl"
	}
	return "ltr"
}
