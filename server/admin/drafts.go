package admin

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/web/console"
)

// maxTexts bounds the languages of one draft: more than any law knows.
const maxTexts = 60

// work is the draft that the address names.
func (c *Console) work(d *Desk) (policyversions.Work, error) {
	w, err := c.Versions.Work(d.Request().Context(), d.Site.Key, d.Param("draft"))
	if err == nil && w.Policy != d.Param("policy") {
		err = policyversions.ErrUnknownWork
	}
	return w, err
}

// draft answers the editor.
func (c *Console) draft(d *Desk) error {
	w, err := c.work(d)
	if err != nil {
		return err
	}
	return c.showDraft(d, w, nil)
}

// showDraft answers the editor of w; more adds to the page.
func (c *Console) showDraft(d *Desk, w policyversions.Work, more func(*console.Draft)) error {
	names := c.names(d.Request().Context())
	page := &console.Draft{
		Policy: w.Policy, ID: w.ID, Base: d.draftPath(w), Revision: w.Revision, By: names(w.By), Changed: w.ChangedAt.In(d.Site.Location()),
		Waits: w.State == policyversions.Submitted, MayPublish: d.May(operator.PublishPolicies),
	}
	page.ReadOnly = page.Waits || !d.May(operator.WritePolicies)
	page.Title, page.Sub = titleOf(w), "Draft of policy “"+w.Policy+"”"
	page.Trail = []console.Step{{Path: d.policiesPath(), Label: "Policies"}, {Path: d.policiesPath() + "/" + w.Policy, Label: w.Policy}}
	before, err := c.before(d, w.Policy)
	if err != nil {
		return err
	}
	page.Against = before.Number
	page.Texts = c.looks(w, before, true)
	if page.Word, page.WordBy, err = c.sentBack(d, w, names); err != nil {
		return err
	}
	if more != nil {
		more(page)
	}
	switch {
	case page.Stale != nil:
		return d.ShowAs(http.StatusConflict, page)
	case len(page.Wrong) > 0:
		return d.ShowAs(http.StatusUnprocessableEntity, page)
	}
	return d.Show(page)
}

// textsOf are all texts of a draft, the one that binds first.
func textsOf(w policyversions.Work) []policyversions.WorkText {
	return append([]policyversions.WorkText{{Language: w.Language, Title: w.Title, Markdown: w.Markdown}}, w.Translations...)
}

// typed is the kept draft with the texts of a form in their place; its revision is
// the one the form was opened with.
func typed(d *Desk, kept policyversions.Work) (w policyversions.Work, wrong []console.Mend) {
	w = kept
	w.Translations = nil
	w.By, w.State = d.Operator.ID, policyversions.Drafted
	w.Revision, _ = strconv.ParseInt(d.FormValue("revision"), 10, 64)
	seen := map[string]bool{}
	for i := range maxTexts {
		if _, there := d.Request().PostForm[fmt.Sprintf("text-%d", i)]; !there {
			break
		}
		text := policyversions.WorkText{
			Language: strings.TrimSpace(d.FormValue(fmt.Sprintf("language-%d", i))), Title: strings.TrimSpace(d.FormValue(fmt.Sprintf("title-%d", i))),
			Markdown: strings.ReplaceAll(d.FormValue(fmt.Sprintf("text-%d", i)), "\r\n", "\n"),
		}
		tag, err := parseLanguage(text.Language)
		switch {
		case err != nil:
			wrong = append(wrong, console.Mend{Field: fmt.Sprintf("language-%d", i), What: "Write the language as browsers do: en, de, pt-BR."})
		case seen[tag]:
			wrong = append(wrong, console.Mend{Field: "language-0", What: languageName(tag) + " is there twice: remove one of the two."})
		default:
			text.Language = tag
		}
		seen[text.Language] = true
		if len(text.Markdown) > policyversions.MaxOriginal {
			wrong = append(wrong, console.Mend{Field: fmt.Sprintf("text-%d", i), What: sentence(policyversions.ErrTooLarge)})
		}
		if i == 0 {
			w.Language, w.Title, w.Markdown = text.Language, text.Title, text.Markdown
		} else {
			w.Translations = append(w.Translations, text)
		}
	}
	return w, wrong
}

// keepDraft answers the editor's form; its button says what is wanted besides.
func (c *Console) keepDraft(d *Desk) error {
	kept, err := c.work(d)
	if err != nil {
		return err
	}
	w, wrong := typed(d, kept)
	if kept.State == policyversions.Submitted {
		return c.showSubmitted(d, w, kept)
	}
	var imported *console.Imported
	said, next := "The draft is kept.", d.draftPath(w)
	do, at, _ := strings.Cut(d.FormValue("do"), "-")
	i, _ := strconv.Atoi(at)
	switch do {
	case "look":
		return c.showDraft(d, unkept(w, kept), func(page *console.Draft) { page.Wrong, page.Looked = wrong, true })
	case "add":
		tag, err := parseLanguage(d.FormValue("add"))
		switch {
		case err != nil:
			wrong = append(wrong, console.Mend{Field: "add", What: "Write the language as browsers do: de, fr, pt-BR."})
		case slices.ContainsFunc(textsOf(w), func(t policyversions.WorkText) bool { return t.Language == tag }):
			wrong = append(wrong, console.Mend{Field: "add", What: languageName(tag) + " is there already."})
		default:
			w.Translations = append(w.Translations, policyversions.WorkText{Language: tag})
			said = languageName(tag) + " was added."
		}
	case "remove":
		if i < 1 || i > len(w.Translations) {
			return policyversions.ErrUnknownWork
		}
		said = languageName(w.Translations[i-1].Language) + " was removed."
		w.Translations = slices.Delete(w.Translations, i-1, i)
	case "upload":
		draft, about, what := d.document(fmt.Sprintf("file-%d", i))
		switch {
		case what != "":
			wrong = append(wrong, console.Mend{Field: fmt.Sprintf("file-%d", i), What: what})
		case i == 0:
			w.Title, w.Markdown = draft.Title, draft.Markdown
		case i > 0 && i <= len(w.Translations):
			w.Translations[i-1].Title, w.Translations[i-1].Markdown = draft.Title, draft.Markdown
		}
		imported = about
	case "announce":
		said, next = "", d.draftPath(w)+"/announce"
	}
	if len(wrong) > 0 {
		return c.showDraft(d, unkept(w, kept), func(page *console.Draft) { page.Wrong = wrong })
	}
	saved, err := c.save(d, w)
	if errors.Is(err, policyversions.ErrStale) {
		return c.showStale(d, w)
	}
	if err != nil {
		return err
	}
	if err := d.Note("policy.edit", objectOf(w), ""); err != nil {
		return err
	}
	if imported != nil {
		return c.showDraft(d, saved, func(page *console.Draft) { page.Imported = imported })
	}
	return d.Done(next, said)
}

// unkept is what was typed, to be shown again: whoever kept the draft last is still
// the other one, or oneself before.
func unkept(w, kept policyversions.Work) policyversions.Work {
	w.By, w.ChangedAt, w.State = kept.By, kept.ChangedAt, kept.State
	return w
}

// save keeps a draft as of now.
func (c *Console) save(d *Desk, w policyversions.Work) (policyversions.Work, error) {
	w.ChangedAt = c.Now()
	return c.Versions.SaveWork(d.Request().Context(), w)
}

// showStale answers with both: what is typed, in its fields, and what somebody else
// kept meanwhile, beside it. Keeping then replaces theirs, since the form has been
// given their revision.
func (c *Console) showStale(d *Desk, mine policyversions.Work) error {
	theirs, err := c.work(d)
	if err != nil {
		return err
	}
	if theirs.State == policyversions.Submitted {
		return c.showSubmitted(d, mine, theirs)
	}
	if slices.Equal(textsOf(theirs), textsOf(mine)) { // sent twice, or kept by typing just before
		return d.Done(d.draftPath(mine), "The draft is kept.")
	}
	names := c.names(d.Request().Context())
	merged := mine
	merged.Revision = theirs.Revision
	for _, t := range theirs.Translations { // a translation of theirs is not lost by keeping ours
		if !slices.ContainsFunc(textsOf(merged), func(m policyversions.WorkText) bool { return m.Language == t.Language }) {
			merged.Translations = append(merged.Translations, t)
		}
	}
	return c.showDraft(d, unkept(merged, theirs), func(page *console.Draft) {
		page.Stale = &console.Stale{By: names(theirs.By), When: theirs.ChangedAt.In(d.Site.Location())}
		for i, t := range textsOf(theirs) {
			at := slices.IndexFunc(page.Texts, func(p console.DraftText) bool { return p.Language == t.Language })
			if at < 0 && i == 0 {
				at = 0 // the language of the text that binds was changed by one of the two
			}
			if at < 0 || page.Texts[at].Markdown == t.Markdown && page.Texts[at].Title == t.Title {
				continue
			}
			p := &page.Texts[at]
			p.Theirs = &console.DraftText{Language: t.Language, Name: p.Name, Direction: direction(t.Language), Title: t.Title, Markdown: t.Markdown}
			p.Differs = differenceOf(policyversions.Compare(whole(t.Title, t.Markdown), whole(p.Title, p.Markdown)))
		}
	})
}

// showSubmitted answers somebody who typed on in a draft that was submitted for
// approval meanwhile: with his words, to be copied.
func (c *Console) showSubmitted(d *Desk, mine, kept policyversions.Work) error {
	return c.showDraft(d, unkept(mine, kept), func(page *console.Draft) {
		page.Wrong = []console.Mend{{What: "This draft was submitted for approval meanwhile, so your words are not kept. Copy them; then take the draft back, or wait."}}
	})
}

// whole is a text with its title above it, so that a changed title is seen too.
func whole(title, markdown string) policyversions.Text {
	return policyversions.Text{Markdown: title + "\n\n" + markdown}
}

// dropDraft deletes a draft.
func (c *Console) dropDraft(d *Desk) error {
	w, err := c.work(d)
	if err != nil {
		return err
	}
	if w.State == policyversions.Submitted {
		return policyversions.ErrSubmitted
	}
	if err := c.Versions.DropWork(d.Request().Context(), d.Site.Key, w.ID); err != nil {
		return err
	}
	if err := d.Note("policy.drop", w.Policy, titleOf(w)); err != nil {
		return err
	}
	return d.Done(d.policiesPath(), "The draft “"+clipped(titleOf(w))+"” was deleted.")
}

// clipped shortens what is said back.
func clipped(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// sentBack is the word with which a draft was sent back last, and whose it was.
func (c *Console) sentBack(d *Desk, w policyversions.Work, names func(string) string) (word, by string, err error) {
	if w.State == policyversions.Submitted {
		return "", "", nil
	}
	acts, err := c.Operators.Acts(d.Request().Context(), operator.ActQuery{Sites: []string{d.Site.Key}, What: actReturn, Most: 50})
	if err != nil {
		return "", "", fmt.Errorf("what was sent back: %w", err)
	}
	for _, act := range acts {
		if act.Object == objectOf(w) {
			return act.Detail, cmp.Or(names(act.Operator), "somebody"), nil
		}
	}
	return "", "", nil
}

// objectOf is a draft's name in the audit log.
func objectOf(w policyversions.Work) string { return w.Policy + " draft " + w.ID }

const actReturn = "policy.return"
