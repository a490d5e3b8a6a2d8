package admin

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/web/console"
)

// groundsOfRestriction are those of GDPR Art. 18(1), and deletion.
var groundsOfRestriction = []console.Option{
	{Value: string(consent.GroundContested), Label: "its accuracy is being examined"}, {Value: string(consent.GroundUnlawful), Label: "unlawful, and the person wants it kept"},
	{Value: string(consent.GroundClaims), Label: "the person needs it for a claim"}, {Value: string(consent.GroundObjection), Label: "an objection is being examined"},
	{Value: string(consent.GroundDeletion), Label: "to be deleted, and can’t be yet"},
}

// mostRestricted is how many decisions of one browser are restricted together.
const mostRestricted = 10000

// mostLeavesNamed is how many leaves an act names; of more it says how many.
const mostLeavesNamed = 20

// restrictReceipt answers POST /admin/sites/:site/receipts/:receipt/restrict.
func (c *Console) restrictReceipt(d *Desk) error {
	if c.Retention == nil {
		return echo.ErrNotFound
	}
	ctx := d.Request().Context()
	e, err := c.Records.Entry(ctx, d.Site.Key, d.Param("receipt"))
	if err != nil {
		return err
	}
	ground := consent.Ground(d.FormValue("ground"))
	if ground.Check() != nil {
		return &Unfit{Path: "ground", What: "no ground was chosen", Remedy: "go back and choose one"}
	}
	all := []*consent.Entry{e}
	if d.FormValue("all") != "" && e.Subject != "" {
		if all, err = c.Records.EntriesOfSubject(ctx, d.Site.Key, e.Subject, mostRestricted); err != nil {
			return err
		}
	}
	var ids []string
	var leaves []int64
	for _, e := range all {
		ids, leaves = append(ids, e.ReceiptID), append(leaves, e.Index)
	}
	// The act first: what nobody can read any more, somebody is known to have hidden.
	if err := d.Note("record.restrict", leavesOf(leaves), string(ground)); err != nil {
		return err
	}
	if _, err := c.Retention.Restrict(ctx, d.Site.Key, ids, ground, c.Now()); err != nil {
		return err
	}
	return d.Done("admin/sites/"+d.Site.Key+"/retention#restricted", "Restricted: "+leavesOf(leaves)+". Nobody can read it until that is lifted.")
}

// leavesOf names leaves in an act: "leaf 3, 17".
func leavesOf(leaves []int64) string {
	if len(leaves) > mostLeavesNamed {
		return counted(int64(len(leaves)), "record", "records")
	}
	slices.Sort(leaves)
	return "leaf " + strings.ReplaceAll(strings.Trim(fmt.Sprint(leaves), "[]"), " ", ", ")
}

// restricted fills in the restrictions of the site, those behind the leaf of the address.
func (c *Console) restricted(d *Desk, page *console.Retention) error {
	all, err := c.Retention.Restrictions(d.Request().Context(), d.Site.Key)
	if err != nil {
		return err
	}
	page.RestrictedAll = console.Number(int64(len(all)))
	if after, err := strconv.ParseInt(d.QueryParam("after"), 10, 64); err == nil {
		all = slices.DeleteFunc(all, func(r consent.Restriction) bool { return r.Index <= after })
	}
	if len(all) > pageRestricts {
		all = all[:pageRestricts]
		page.Next = fmt.Sprintf("admin/sites/%s/retention?after=%d#restricted", d.Site.Key, all[pageRestricts-1].Index)
	}
	for _, r := range all {
		row := console.RestrictionRow{Leaf: r.Index, Ground: string(r.Ground), Since: r.Since.In(d.Site.Location())}
		for _, g := range groundsOfRestriction {
			if g.Value == row.Ground {
				row.Ground = g.Label
			}
		}
		page.Restricted = append(page.Restricted, row)
	}
	return nil
}

// liftRestrictions answers POST …/retention/lift: the records of these leaves are read
// and found again.
func (c *Console) liftRestrictions(d *Desk) error {
	if c.Retention == nil {
		return echo.ErrNotFound
	}
	ctx := d.Request().Context()
	form, err := d.FormParams()
	if err != nil {
		return err
	}
	var leaves []int64
	for _, text := range form["leaf"] {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			leaves = append(leaves, n)
		}
	}
	why := clip(strings.TrimSpace(d.FormValue("why")), 200)
	s, err := c.Retention.Retention(ctx, d.Site.Key)
	if err != nil {
		return err
	}
	page := retentionForm(s)
	page.Why = why
	if len(leaves) == 0 {
		page.Wrong = append(page.Wrong, console.Mend{Field: "leaf", What: "Tick the records whose restriction ends."})
	}
	if why == "" {
		page.Wrong = append(page.Wrong, console.Mend{Field: "why", What: "Say why: the audit log keeps it."})
	}
	if len(page.Wrong) > 0 {
		return c.retentionPage(d, http.StatusUnprocessableEntity, page, &s)
	}
	lifted, err := c.Retention.Unrestrict(ctx, d.Site.Key, leaves, operator.Act{At: c.Now().UTC().Truncate(time.Millisecond), Operator: d.Operator.ID, Detail: why})
	if err != nil {
		return err
	}
	said := "Nothing was restricted there any more."
	if len(lifted) > 0 {
		said = "Lifted: " + leavesOf(lifted)
	}
	return d.Done("admin/sites/"+d.Site.Key+"/retention#restricted", said)
}
