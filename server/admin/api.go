package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/embedding"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/site"
)

// apiRoutes are for programs, such as those that publish a policy from its repository.
func (c *Console) apiRoutes() []Route {
	return []Route{
		{Method: http.MethodPost, Path: "/v1/sites/:site/policies/:policy/versions", Right: operator.PublishPolicies, Bearer: true, Handle: c.publishVersion},
	}
}

// A PublishRequest is the body of POST /v1/sites/{site}/policies/{policy}/versions.
type PublishRequest struct {
	PublishText
	Effective    string            `json:"effective,omitempty"` // a day in the site's time zone, "2026-12-01"; "" is now
	Material     bool              `json:"material,omitempty"`
	Summary      map[string]string `json:"summary,omitempty"` // by language; of a material change
	GraceDays    int               `json:"grace_days,omitempty"`
	Translations []PublishText     `json:"translations,omitempty"`
}

// A PublishText is a document: either as text, or as the bytes of a file.
type PublishText struct {
	Language string `json:"language"`           // BCP 47
	Filename string `json:"filename,omitempty"` // helps to tell Markdown, HTML and plain text apart
	Text     string `json:"text,omitempty"`
	Original []byte `json:"original,omitempty"` // base64
}

// A PublishAnswer is the version as it was published; times are Unix milliseconds.
type PublishAnswer struct {
	Site         string                  `json:"site"`
	Policy       string                  `json:"policy"`
	Number       int                     `json:"number"`
	Published    bool                    `json:"published"` // by this request; else the text was published already, and nothing was done
	Title        string                  `json:"title"`
	Language     string                  `json:"language"`
	Digest       canonical.Digest        `json:"digest"`
	Translations []PublishedText         `json:"translations,omitempty"`
	PublishedAt  int64                   `json:"published_at"`
	Effective    int64                   `json:"effective"`
	Material     bool                    `json:"material"`
	Binds        int64                   `json:"binds"` // visitors who know an earlier version
	Entry        canonical.Digest        `json:"entry"`
	Address      string                  `json:"address"`           // path of the version, for good
	Changes      []policyversions.Change `json:"changes,omitempty"` // what importing changed or left out
}

// A PublishedText is a translation that was published.
type PublishedText struct {
	Language string           `json:"language"`
	Title    string           `json:"title"`
	Digest   canonical.Digest `json:"digest"`
}

// AnswerOf is what is said of a version that was just published, or was before.
func AnswerOf(v policyversions.Version, published bool, changes []policyversions.Change) PublishAnswer {
	a := PublishAnswer{
		Site: v.Site, Policy: v.Policy, Number: v.Number, Published: published, Title: v.Title, Language: v.Language, Digest: v.Digest,
		PublishedAt: v.PublishedAt.UnixMilli(), Effective: v.Effective.UnixMilli(), Material: v.Material, Binds: v.Binds().UnixMilli(), Entry: v.Entry,
		Address: fmt.Sprintf("/policies/%s/%s/versions/%d", v.Site, v.Policy, v.Number), Changes: changes,
	}
	for _, t := range v.Translations {
		a.Translations = append(a.Translations, PublishedText{t.Language, t.Title, t.Digest})
	}
	return a
}

// An Unfit request can't be done; it says what to mend.
type Unfit struct{ Path, What, Remedy string }

func (u *Unfit) Error() string { return strings.TrimPrefix(u.Path+": "+u.What, ": ") }

// publishVersion answers POST /v1/sites/:site/policies/:policy/versions: 201 with
// the version, or 200 where the newest version says the same already, so that a
// request whose answer was lost can be sent again.
func (c *Console) publishVersion(d *Desk) error {
	var request PublishRequest
	if err := d.decode(&request); err != nil {
		return err
	}
	draft, translations, effective, err := request.drafts(d.Site)
	if err != nil {
		return err
	}
	ctx, policy := d.Request().Context(), d.Param("policy")
	p := policyversions.Publisher{Store: c.Versions, Now: c.Now, Zone: d.Site.Location()}
	v, err := p.PublishTexts(ctx, d.Site.Key, policy, "token "+d.Token.ID, effective, draft, translations...)
	if errors.Is(err, policyversions.ErrSameText) {
		all, err := c.Versions.Versions(ctx, d.Site.Key, policy)
		if err != nil {
			return err
		}
		return d.JSON(http.StatusOK, AnswerOf(all[0], false, nil))
	}
	if err != nil {
		return unfit("", err)
	}
	if err := d.Note("policy.publish", fmt.Sprintf("%s %d", policy, v.Number), ""); err != nil {
		return err
	}
	answer := AnswerOf(v, true, draft.Changes)
	d.Response().Header().Set("Location", answer.Address)
	return d.JSON(http.StatusCreated, answer)
}

// decode reads one JSON object into a struct that has all its members.
func (d *Desk) decode(into any) error {
	if kind, _, _ := strings.Cut(d.Request().Header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(kind), "application/json") {
		return &Unfit{"", "the body is not application/json", "send Content-Type: application/json"}
	}
	dec := json.NewDecoder(d.Request().Body)
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if err == nil {
		if _, more := dec.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows the object")
		}
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return policyversions.ErrTooLarge
	}
	if err != nil {
		return &Unfit{"", strings.TrimPrefix(err.Error(), "json: "), "send one JSON object as openapi.json has it"}
	}
	return nil
}

// drafts imports what was sent.
func (r PublishRequest) drafts(s site.Site) (draft policyversions.Draft, translations []policyversions.Draft, effective time.Time, err error) {
	if r.Effective != "" {
		if effective, err = policyversions.StartOfDay(r.Effective, s.Location()); err != nil {
			return draft, nil, effective, &Unfit{"effective", fmt.Sprintf("%q is no day there", r.Effective), "write it as 2026-12-01"}
		}
	}
	const most = 366
	if r.GraceDays < 0 || r.GraceDays > most {
		return draft, nil, effective, &Unfit{"grace_days", "it is out of bounds", "choose 0 to 365"}
	}
	if draft, err = r.draft(""); err != nil {
		return draft, nil, effective, err
	}
	draft.Material, draft.Summary, draft.GraceDays = r.Material, r.Summary, r.GraceDays
	for i, t := range r.Translations {
		d, err := t.draft(fmt.Sprintf("translations[%d].", i))
		if err != nil {
			return draft, nil, effective, err
		}
		translations = append(translations, d)
	}
	return draft, translations, effective, nil
}

func (t PublishText) draft(path string) (policyversions.Draft, error) {
	raw, member := t.Original, "original"
	if t.Text != "" {
		raw, member = []byte(t.Text), "text"
	}
	if len(raw) == 0 || t.Text != "" && len(t.Original) > 0 {
		return policyversions.Draft{}, &Unfit{path + "text", "there is no document, or there are two", "send either text or original"}
	}
	d, err := policyversions.Import(raw, t.Filename)
	if err != nil {
		return d, unfit(path+member, err)
	}
	d.Language = t.Language
	return d, nil
}

// unfit tells what the sender can mend from what only this server can.
func unfit(path string, err error) error {
	for _, theirs := range []struct {
		err          error
		path, remedy string
	}{
		{policyversions.ErrBadKey, "", "change the address"},
		{policyversions.ErrBadLanguage, "language", "name the language of each text"},
		{policyversions.ErrBadAnnouncement, "summary", "mend it and send it again"},
		{policyversions.ErrBadDraft, "text", "mend it and send it again"},
		{policyversions.ErrEncoding, "", "mend it and send it again"},
		{policyversions.ErrEmpty, "", "send the text"},
		{policyversions.ErrTooMuchMarkup, "", "mend it and send it again"},
		{policyversions.ErrTooDeep, "", "mend it and send it again"},
		{policyversions.ErrDocument, "", "send the document in another format"},
		{embedding.ErrOrder, "", "open this page under the address of the server, or name that with public_url"},
	} {
		if errors.Is(err, theirs.err) {
			if path == "" {
				path = theirs.path
			}
			return &Unfit{path, err.Error(), theirs.remedy}
		}
	}
	return err
}
