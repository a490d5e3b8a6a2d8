package visitor

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strings"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/request"
)

var _ request.Switch = (*Decisions)(nil)

// A switchedOff is the record by which marketing was switched off, and its notice.
type switchedOff struct {
	consent.Recorded
	notice *notice.Notice
}

// SwitchOff records, beside the decision of a receipt, that the visitor refuses
// marketing: by an objection or an opt-out that he has sent as a request. It returns
// the new receipt's id, or "" where nothing of it was on.
func (d *Decisions) SwitchOff(ctx context.Context, site, receiptID string) (string, error) {
	live, err := d.Directory.Live(site)
	if err != nil {
		return "", err
	}
	off, err := d.switchOff(ctx, live, receiptID)
	if err != nil || off == nil {
		return "", err
	}
	return off.Core.ID, nil
}

// switchOff answers the question of that receipt anew: what it granted is granted, but
// for marketing. It is nil where that was refused already.
func (d *Decisions) switchOff(ctx context.Context, live *Live, receiptID string) (*switchedOff, error) {
	entry, err := d.Archive.Store.Entry(ctx, live.Site.Key, receiptID)
	if err != nil {
		return nil, err
	}
	core, err := consent.ParseCore(entry.Core)
	if err != nil {
		return nil, err
	}
	now := d.Now()
	served := consent.Served{Site: core.Site, Experience: core.Experience, Law: core.Law, Region: strings.TrimPrefix(core.Region, "-"), Source: core.RegionSource, Bucket: consent.BucketOf(now)}
	question, err := d.Archive.question(ctx, live, served)
	if err != nil {
		return nil, err
	}
	d.Laws.answer(live.Site, &question)
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	decision := consent.Decision{ID: hex.EncodeToString(id[:]), Token: d.Tokens.Mint(served), Surface: consent.OnPage, Action: consent.Save,
		Categories: map[string]bool{}, Vendors: map[string]bool{}, Previous: receiptID, At: now.UnixMilli()}
	if core.Age.Confirmed {
		decision.OfAge = core.Age.Asked
	}
	if question.Age == 0 {
		decision.OfAge = 0
	}
	mature := question.Age == 0 || decision.OfAge >= question.Age
	on := false
	for _, c := range question.Notice.Categories {
		if c.Like == notice.Necessary || c.Key == notice.Necessary {
			continue
		}
		was := core.Categories[c.Key] != consent.Refused
		if c.Like == notice.Marketing {
			on = on || was
			decision.Categories[c.Key] = false
			continue
		}
		decision.Categories[c.Key] = core.Categories[c.Key] == consent.Granted && mature
	}
	for _, v := range question.Notice.Vendors {
		if decision.Categories[v.Category] && core.Vendors[v.Key] == consent.Refused {
			decision.Vendors[v.Key] = false
		}
		if granted, asked := decision.Categories[v.Category]; asked && !granted {
			on = on || core.Vendors[v.Key] == consent.Granted
		}
	}
	if !on {
		return nil, nil //nolint:nilnil // nothing is to be done
	}
	draft, err := consent.Prepare(decision, question)
	if err != nil {
		return nil, err
	}
	recorded, err := d.Recorder.Record(ctx, draft)
	if err != nil {
		return nil, err
	}
	return &switchedOff{recorded, question.Notice}, nil
}
