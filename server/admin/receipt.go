package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/consent/forms"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/web/console"
)

func isUnknownReceipt(err error) bool { return errors.Is(err, consent.ErrUnknownReceipt) }

// mostOfChain is how many decisions of one browser a page lists.
const mostOfChain = 50

// receipt answers GET /admin/sites/:site/receipts/:receipt: all that one receipt
// says, and what of it holds just now.
func (c *Console) receipt(d *Desk) error {
	ctx := d.Request().Context()
	e, err := c.Records.Entry(ctx, d.Site.Key, d.Param("receipt"))
	if err != nil {
		return err
	}
	core, err := consent.ParseCore(e.Core)
	if err != nil {
		return err
	}
	page := receiptOf(core, d.Site.Location())
	page.Title, page.Sub = "Receipt "+e.ReceiptID[max(0, len(e.ReceiptID)-8):], page.Sentence
	page.Trail = []console.Step{{Path: "admin/sites/" + d.Site.Key + "/receipts", Label: "Receipts"}}
	page.Zone, page.Anonymous = zoneName(d.Site), e.Personal == nil
	public := "v1/sites/" + d.Site.Key + "/receipts/" + e.ReceiptID
	page.Public, page.Governing, page.Evidence = public, public+"/governing", c.Insight.Bundle != nil
	for _, f := range forms.All()[1:] {
		page.Forms = append(page.Forms, console.Form{Name: f.Name, About: f.About})
	}
	if err := c.prove(ctx, e, page); err != nil {
		return err
	}
	if err := c.wasShown(ctx, core, page); err != nil {
		return err
	}
	if err := c.chain(d, e, page); err != nil {
		return err
	}
	if c.Retention != nil && d.May(operator.WriteRequests) {
		page.Grounds = groundsOfRestriction
	}
	return d.Show(page)
}

// receiptFile answers the receipt's own bytes, or the form that ?form= names.
func (c *Console) receiptFile(d *Desk) error {
	e, err := c.Records.Entry(d.Request().Context(), d.Site.Key, d.Param("receipt"))
	if err != nil {
		return err
	}
	f, err := forms.Of(d.QueryParam("form"))
	if err != nil {
		return err
	}
	s, err := forms.Load(d.Request().Context(), c.Records, e, c.keys(), c.PublicURL)
	if err != nil {
		return err
	}
	receipt, err := f.Write(s, c.Insight.Forms)
	if err != nil {
		return err
	}
	// An act stays; the receipt's id would outlive the record in it.
	if err := d.Note("receipt.export", fmt.Sprintf("leaf %d", e.Index), "one, as "+f.Name); err != nil {
		return err
	}
	h := d.Response().Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", `attachment; filename="receipt-`+e.ReceiptID+f.Extension+`"`)
	return d.Blob(http.StatusOK, f.MediaType, receipt)
}

// prove verifies the receipt as its holder would, and that its leaf is in the log.
func (c *Console) prove(ctx context.Context, e *consent.Entry, page *console.Receipt) error {
	receipt, err := consent.EncodeReceipt(e)
	if err != nil {
		return err
	}
	said := map[string]string{"form": "It has the form of a receipt", "ids": "Its parts belong to one receipt", "contents": "What it says does not contradict itself",
		"leaf": "Record, salts and leaf belong together: nothing was altered", "key": "The key is one of this server's", "signature": "The signature is of that key, over that leaf"}
	report, err := consent.Verify(receipt, c.keys())
	page.Verified = err == nil
	for _, check := range report.Checks {
		p := console.Proof{What: said[check.Name]}
		if check.Err != nil {
			p.Failed = check.Err.Error()
		}
		page.Checks = append(page.Checks, p)
	}
	head, err := c.Insight.Store.Head(ctx)
	if err != nil {
		return err
	}
	in := console.Proof{What: "Its leaf is in the log, by an inclusion proof to the log's root"}
	proof, err := auditlog.ProveInclusion(c.Insight.Store.Hashes(ctx), head, e.Index)
	if err == nil {
		err = auditlog.CheckInclusion(proof, head, e.Index, [auditlog.LeafSize]byte(e.Leaf))
	}
	if err != nil {
		in.Failed, page.Verified = err.Error(), false
	}
	page.Checks = append(page.Checks, in)
	page.Leaf, page.Index, page.LogSize = fmt.Sprintf("%x", e.Leaf), e.Index, head.Size
	return nil
}

// wasShown names what the visitor saw, and reads out the words of it.
func (c *Console) wasShown(ctx context.Context, core consent.Core, page *console.Receipt) error {
	archive := "v1/sites/" + core.Site + "/archive/"
	add := func(what string, digest canonical.Digest) {
		page.Shown = append(page.Shown, console.Archived{What: what, Digest: string(digest), Path: archive + string(digest)})
	}
	add("Everything shown, by digest", core.Experience)
	add("Notice", core.Notice)
	kept, err := c.Records.Artifact(ctx, core.Experience)
	if errors.Is(err, consent.ErrUnknownArtifact) {
		return nil // a record of before the archive, or of a test: what it names it names
	}
	if err != nil {
		return err
	}
	var x notice.Experience
	if err := json.Unmarshal(kept.Bytes, &x); err != nil {
		return fmt.Errorf("experience %s: %w", core.Experience, err)
	}
	add("Wording", x.Wording)
	if core.Surface == consent.OnPage {
		add("Page", x.Script)
	} else {
		add("Script", x.Script)
	}
	add("Tags", x.Tags)
	add("Row of the law table", x.Law)
	if page.Words, err = c.words(ctx, core, x); err != nil {
		return err
	}
	return c.lawOf(ctx, x.Law, page)
}

// words are the texts of the first layer as this visitor read them.
func (c *Console) words(ctx context.Context, core consent.Core, x notice.Experience) ([]console.Word, error) {
	kept, err := c.Records.Artifact(ctx, x.Wording)
	if errors.Is(err, consent.ErrUnknownArtifact) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var texts notice.Wording
	if err := json.Unmarshal(kept.Bytes, &texts); err != nil {
		return nil, fmt.Errorf("wording %s: %w", x.Wording, err)
	}
	if kept, err := c.Records.Artifact(ctx, core.Notice); err == nil {
		n, err := notice.Decode(kept.Bytes)
		if err != nil {
			return nil, fmt.Errorf("notice %s: %w", core.Notice, err)
		}
		texts = n.Said(core.Language, texts)
	} else if !errors.Is(err, consent.ErrUnknownArtifact) {
		return nil, err
	}
	ask, keys := "ask_notice", []string{"title", "", "ok", "settings"}
	for _, m := range core.Models {
		switch {
		case m == regime.OptIn:
			ask, keys = "ask_opt_in", []string{"title", "", "accept", "reject", "settings"}
		case m == regime.OptOut && ask == "ask_notice":
			ask, keys = "ask_opt_out", []string{"title", "", "ok", "opt_out", "settings"}
		}
	}
	var words []console.Word
	for _, key := range keys {
		if key == "" {
			key = ask
		}
		if texts[key] != "" {
			words = append(words, console.Word{Key: key, Text: texts[key]})
		}
	}
	return words, nil
}

func (c *Console) lawOf(ctx context.Context, digest canonical.Digest, page *console.Receipt) error {
	page.Law.Digest = string(digest)
	kept, err := c.Records.Artifact(ctx, digest)
	if errors.Is(err, consent.ErrUnknownArtifact) {
		return nil
	}
	if err != nil {
		return err
	}
	var row struct {
		Name string `json:"name"`
		Law  string `json:"law"`
	}
	if json.Unmarshal(kept.Bytes, &row) == nil {
		page.Law.Name = strings.Trim(row.Name+", "+row.Law, ", ")
	}
	return nil
}

// chain lists what the same browser decided before and after, as far as its records
// are linked at all; who that is, nothing here says.
func (c *Console) chain(d *Desk, e *consent.Entry, page *console.Receipt) error {
	if e.Subject == "" {
		return nil
	}
	entries, err := c.Records.EntriesOfSubject(d.Request().Context(), d.Site.Key, e.Subject, mostOfChain)
	if err != nil {
		return err
	}
	if len(entries) < 2 {
		return nil
	}
	for _, other := range entries {
		row, err := c.rowOf(d, other)
		if err != nil {
			return err
		}
		row.IsCurrent = other.ReceiptID == e.ReceiptID
		page.Chain = append(page.Chain, row)
	}
	return nil
}

var choiceNames = map[consent.Choice][2]string{consent.Granted: {"granted", "good"}, consent.Refused: {"refused", ""}, consent.NotAsked: {"not asked", ""}}

func choicesOf(choices map[string]consent.Choice, models map[string]regime.Model) (all []console.Choice) {
	for _, key := range slices.Sorted(maps.Keys(choices)) {
		said := choiceNames[choices[key]]
		all = append(all, console.Choice{Key: key, Said: said[0], Badge: said[1], Model: string(models[key])})
	}
	return all
}

var actionNames = map[consent.Action]string{
	consent.AcceptAll: "accepted all", consent.RejectAll: "refused all", consent.Save: "saved choices", consent.Acknowledge: "read a notice", consent.Noticed: "nothing: a note about a changed policy was shown",
	consent.Withdraw: "withdrew", consent.Signal: "nothing: a signal of the browser was applied", consent.Share: "followed a link from another domain of the controller",
}

// receiptOf is what the record itself says.
func receiptOf(core consent.Core, zone *time.Location) *console.Receipt {
	at := func(ms int64) time.Time { return time.UnixMilli(ms).In(zone) }
	outcome := consent.Summarise(core, "").Outcome
	page := &console.Receipt{
		ID: core.ID, Given: at(core.GivenAt), Received: at(core.ReceivedAt), Until: at(core.ValidUntil), Controller: core.Controller.Name,
		Categories: choicesOf(core.Categories, core.Models), Vendors: choicesOf(core.Vendors, nil),
		Action: actionNames[core.Action], Layer: layerNames[string(core.Surface)], Region: console.RegionName(core.Region), Source: core.RegionSource,
		Law: console.LawRow{ID: core.Law, Table: core.LawTable}, Language: console.LanguageName(core.Language),
	}
	page.State, page.Badge = outcomeName(outcome)
	if core.RefusalsUntil != 0 {
		page.Refusals = at(core.RefusalsUntil)
	}
	page.Basis = map[consent.Basis]string{consent.Explicit: "explicit: the visitor's own act", consent.Implied: "implied: it can't serve where a law asks for consent"}[core.Basis]
	for _, s := range []struct {
		on   bool
		name string
	}{{core.Signals.GPC, "Global Privacy Control (page)"}, {core.Signals.GPCHeader, "Global Privacy Control (header)"}, {core.Signals.DNT, "Do Not Track"}, {core.Signals.OptOut, "opted out on all sites of this server"}} {
		if s.on {
			page.Signals = append(page.Signals, s.name)
		}
	}
	if core.Age.Asked != 0 {
		page.Age = fmt.Sprintf("asked for %d years, not confirmed", core.Age.Asked)
		if core.Age.Confirmed {
			page.Age = fmt.Sprintf("said to be %d or older", core.Age.Asked)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(core.Policies)) {
		p := core.Policies[key]
		page.Policies = append(page.Policies, console.ReceiptPolicy{Key: key, Number: p.Number, Digest: string(p.Digest), Effective: at(p.Effective),
			Path: fmt.Sprintf("policies/%s/%s/versions/%d", core.Site, key, p.Number)})
	}
	page.Sentence = page.State + " on " + page.Given.Format("2 January 2006, 15:04 MST")
	return page
}
