package visitor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
)

// ErrTime is returned for a time in the query that is none.
var ErrTime = errors.New("not a time: write RFC 3339, such as 2026-12-01T09:00:00Z, or Unix milliseconds; used is not before at")

// mostRecords bounds what is read of one browser: who has more is a machine.
const mostRecords = 1000

type governingJSON struct {
	Site     string                  `json:"site"`
	Receipt  string                  `json:"receipt"`
	At       int64                   `json:"at"`     // collected then, Unix milliseconds
	Used     int64                   `json:"used"`   // and used then
	Linked   bool                    `json:"linked"` // later records of the browser could be read
	Policies map[string]governedJSON `json:"policies"`
	Granted  []string                `json:"granted"` // categories that the record in force at Used grants: no version adds to them
}

type governedJSON struct {
	Number   int                   `json:"number"`
	Digest   canonical.Digest      `json:"digest"`
	Language string                `json:"language"`
	Title    string                `json:"title"`
	Address  string                `json:"address"` // from the server's root
	Reason   policyversions.Reason `json:"reason"`
	RestsOn  restsOnJSON           `json:"rests_on"`
}

// restsOnJSON are the instants a reason rests on, Unix milliseconds, and the record.
type restsOnJSON struct {
	Receipt   string `json:"receipt"`
	Given     int64  `json:"given_at"`
	From      int64  `json:"in_force_from,omitempty"`
	Binds     int64  `json:"binds_from,omitempty"`
	Shown     int64  `json:"shown_at,omitempty"`
	Renewed   int64  `json:"renewed_at,omitempty"`
	Withdrawn int64  `json:"withdrawn_at,omitempty"`
	Next      int    `json:"next,omitempty"`
	NextBinds int64  `json:"next_binds_from,omitempty"`
}

// Governing answers GET /v1/sites/{site}/receipts/{id}/governing?at=&used=: which
// version of each policy governs what is collected under the receipt at a time, and
// used at another. Whoever holds the receipt may ask.
func (rs *Receipts) Governing(c echo.Context) error {
	entry, err := rs.held(c)
	if err != nil {
		return err
	}
	at, err := timeIn(c.QueryParam("at"), rs.Directory.Now())
	if err != nil {
		return err
	}
	used, err := timeIn(c.QueryParam("used"), at)
	if err != nil {
		return err
	}
	if used.Before(at) {
		return ErrTime
	}
	records, linked, err := rs.since(c.Request().Context(), entry)
	if err != nil {
		return err
	}
	answer := governingJSON{Site: entry.Site, Receipt: entry.ReceiptID, At: at.UnixMilli(), Used: used.UnixMilli(), Linked: linked,
		Policies: map[string]governedJSON{}, Granted: grantedAt(records, used)}
	if at.Before(records[0].at) {
		return policyversions.ErrBeforeReceipt
	}
	for _, policy := range policiesOf(records, at) {
		all, err := rs.Directory.Versions.Versions(c.Request().Context(), entry.Site, policy)
		if err != nil {
			return fmt.Errorf("versions of policy %s: %w", policy, err)
		}
		g, err := policyversions.Governing(all, encounters(records, policy), at, used)
		if err != nil {
			return fmt.Errorf("policy %s: %w", policy, err)
		}
		answer.Policies[policy] = governedOf(g)
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("encode what governs: %w", err)
	}
	return c.Blob(http.StatusOK, "application/json", body)
}

// timeIn reads a time of the query; an empty one is otherwise.
func timeIn(text string, otherwise time.Time) (time.Time, error) {
	if text == "" {
		return otherwise.UTC().Truncate(time.Millisecond), nil
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		if t := time.UnixMilli(ms).UTC(); t.Year() > 1999 && t.Year() < 10000 {
			return t, nil
		}
		return time.Time{}, ErrTime
	}
	// A plus that was not escaped reads as a blank.
	t, err := time.Parse(time.RFC3339Nano, strings.ReplaceAll(text, " ", "+"))
	if err != nil {
		return time.Time{}, ErrTime
	}
	return t.UTC().Truncate(time.Millisecond), nil
}

// A proven is a record and when what it proves happened. Times never go back.
type proven struct {
	core consent.Core
	at   time.Time
}

// since lists what is recorded of the browser, oldest first, from the decision on
// that e is of: e itself, or what was in force when e told of a change. It is false
// where the person was removed from the record, which then stands alone.
func (rs *Receipts) since(ctx context.Context, e *consent.Entry) (records []proven, linked bool, _ error) {
	entries := []*consent.Entry{e}
	if e.Subject != "" {
		all, err := rs.Store.EntriesOfSubject(ctx, e.Site, e.Subject, mostRecords)
		if err != nil {
			return nil, false, err
		}
		slices.Reverse(all)
		if len(all) < mostRecords {
			entries, linked = all, true
		}
	}
	first := 0
	for i, entry := range entries {
		core, err := consent.ParseCore(entry.Core)
		if err != nil {
			return nil, false, fmt.Errorf("receipt %s: %w", entry.ReceiptID, err)
		}
		p := proven{core, time.UnixMilli(core.GivenAt).UTC()}
		if core.Action == consent.Share {
			p.at = time.UnixMilli(core.ReceivedAt).UTC() // given elsewhere
		}
		if i > 0 && p.at.Before(records[i-1].at) {
			p.at = records[i-1].at
		}
		if entry.Index <= e.Index && core.Surface != consent.OnChange {
			first = i
		}
		records = append(records, p)
	}
	return records[first:], linked, nil
}

// policiesOf are the keys of the policies that records name by a time, in order.
func policiesOf(records []proven, at time.Time) (keys []string) {
	for _, r := range records {
		for key := range r.core.Policies {
			if !r.at.After(at) && !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	slices.Sort(keys)
	return keys
}

// encounters is what records prove of a visitor and one policy. A signal is not an
// act of his: it makes him meet nothing.
func encounters(records []proven, policy string) (met []policyversions.Encounter) {
	granted := false
	for i, r := range records {
		p, named := r.core.Policies[policy]
		e := policyversions.Encounter{At: r.at, How: policyversions.Decided, Number: p.Number, Receipt: r.core.ID}
		switch {
		case r.core.Surface == consent.OnChange:
			e.How = policyversions.Shown
		case r.core.State == consent.Withdrawn, r.core.State == consent.AllRefused && granted:
			e.How = policyversions.Withdrew
		case r.core.Action == consent.Signal && i > 0:
			continue
		}
		granted = granted || r.core.State == consent.Given || r.core.State == consent.Partial
		if named {
			met = append(met, e)
		}
	}
	return met
}

// grantedAt are the categories that the decision in force at a time grants. It is
// the record alone that says so: neither a version nor a grace adds to it.
func grantedAt(records []proven, at time.Time) []string {
	granted := []string{}
	for _, r := range slices.Backward(records) {
		if r.at.After(at) || r.core.Surface == consent.OnChange {
			continue
		}
		for key, choice := range r.core.Categories {
			if choice == consent.Granted && at.UnixMilli() < r.core.ValidUntil {
				granted = append(granted, key)
			}
		}
		break
	}
	slices.Sort(granted)
	return granted
}

func governedOf(g policyversions.Governed) governedJSON {
	ms := func(t time.Time) int64 {
		if t.IsZero() {
			return 0
		}
		return t.UnixMilli()
	}
	v := g.Version
	return governedJSON{
		Number: v.Number, Digest: v.Digest, Language: v.Language, Title: v.Title, Reason: g.Reason,
		Address: "/policies/" + v.Site + "/" + v.Policy + "/versions/" + strconv.Itoa(v.Number),
		RestsOn: restsOnJSON{Receipt: g.Receipt, Given: ms(g.Given), From: ms(g.From), Binds: ms(g.Binds), Shown: ms(g.Shown),
			Renewed: ms(g.Renewed), Withdrawn: ms(g.Withdrawn), Next: g.Next, NextBinds: ms(g.NextBinds)},
	}
}
