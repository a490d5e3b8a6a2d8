package admin

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/web/console"
)

// pageOfReceipts is how many receipts a page lists.
const pageOfReceipts = 50

// outcomes are what a search can ask for, in words; the first of a badge's
// meanings is good, and none says that a refusal is bad.
var outcomeNames = []struct {
	outcome     consent.Outcome
	name, badge string
}{
	{consent.CountAccepted, "Accepted everything", "good"},
	{consent.CountPartial, "Accepted a part", "ahead"},
	{consent.CountRefused, "Refused everything", ""},
	{consent.CountWithdrawn, "Withdrawn", "mind"},
	{consent.CountSignal, "Set by a signal", ""},
	{consent.CountAcknowledged, "Notice read", ""},
	{consent.CountTold, "Policy change read", ""},
	{consent.CountShown, "Policy change shown", ""},
	{consent.CountShared, "Taken over from another domain", "ahead"},
}

func outcomeName(o consent.Outcome) (name, badge string) {
	for _, n := range outcomeNames {
		if n.outcome == o {
			return n.name, n.badge
		}
	}
	return string(o), ""
}

// searchOf reads a search from a request, and says what is to be mended in it.
// Days are days of the site.
func (d *Desk) searchOf(value func(string) string) (consent.Search, []console.Mend) {
	s := consent.Search{Site: d.Site.Key, Region: value("region"), Category: value("category"), Limit: pageOfReceipts}
	var wrong []console.Mend
	if o := consent.Outcome(value("outcome")); slices.Contains(consent.Outcomes(), o) {
		s.Outcomes = []consent.Outcome{o}
	}
	if s.Category != "" {
		if s.Choice = consent.Granted; value("choice") == "without" {
			s.Choice = consent.Refused
		}
	}
	for _, name := range []string{"from", "to"} {
		if value(name) == "" {
			continue
		}
		from, end, err := policyversions.DayBounds(value(name), d.Site.Location())
		switch {
		case err != nil:
			wrong = append(wrong, console.Mend{Field: name, What: "Write the day as 2026-11-21."})
		case name == "from":
			s.From = from.UnixMilli()
		default:
			s.To = end.UnixMilli()
		}
	}
	if s.To != 0 && s.To <= s.From && len(wrong) == 0 {
		wrong = append(wrong, console.Mend{Field: "to", What: "The last day is before the first: exchange them."})
	}
	if at, index, ok := strings.Cut(value("before"), "-"); ok {
		a, errA := strconv.ParseInt(at, 10, 64)
		i, errI := strconv.ParseInt(index, 10, 64)
		if errA == nil && errI == nil {
			s.Before = consent.Place{ReceivedAt: a, Index: i}
		}
	}
	return s, wrong
}

// receipts answers GET /admin/sites/:site/receipts.
func (c *Console) receipts(d *Desk) error {
	s, wrong := d.searchOf(d.QueryParam)
	page := &console.Receipts{From: d.QueryParam("from"), To: d.QueryParam("to"), Outcome: d.QueryParam("outcome"), Region: s.Region,
		Category: s.Category, Choice: d.QueryParam("choice"), MayEmbed: d.May(operator.ReadNotices)}
	page.Wrong = wrong
	if len(wrong) > 0 {
		return c.showReceipts(d, http.StatusUnprocessableEntity, page, nil)
	}
	ask := s
	ask.Limit++ // one more tells whether there is a next page
	entries, err := c.Insight.Store.SearchRecords(d.Request().Context(), ask)
	if err != nil {
		return err
	}
	if len(entries) > s.Limit {
		entries = entries[:s.Limit]
		last := entries[s.Limit-1]
		page.Next = d.again(strconv.FormatInt(last.ReceivedAt, 10) + "-" + strconv.FormatInt(last.Index, 10))
	}
	if page.LaterPages = s.Before != (consent.Place{}); page.LaterPages {
		page.First = d.again("")
	}
	return c.showReceipts(d, http.StatusOK, page, entries)
}

// again is the address of the same search, behind a place.
func (d *Desk) again(before string) string {
	q := url.Values{}
	for _, name := range []string{"from", "to", "outcome", "region", "category", "choice"} {
		if v := d.QueryParam(name); v != "" {
			q.Set(name, v)
		}
	}
	if before != "" {
		q.Set("before", before)
	}
	return "admin/sites/" + d.Site.Key + "/receipts?" + q.Encode()
}

func (c *Console) showReceipts(d *Desk, status int, page *console.Receipts, entries []*consent.Entry) error {
	ctx := d.Request().Context()
	page.Title, page.Sub = "Receipts", "What each visitor decided, with its proof"
	page.Zone = zoneName(d.Site)
	page.Filtered = page.From != "" || page.To != "" || page.Outcome != "" || page.Region != "" || page.Category != ""
	for _, e := range entries {
		row, err := c.rowOf(d, e)
		if err != nil {
			return err
		}
		page.List = append(page.List, row)
	}
	left, of, err := c.Insight.Store.Uncounted(ctx)
	if err != nil {
		return err
	}
	if left > 0 {
		page.Counting = &console.Progress{Done: of - left, Of: of}
	}
	if len(entries) == 0 {
		newest, err := c.Insight.Store.SearchRecords(ctx, consent.Search{Site: d.Site.Key, Limit: 1})
		if err != nil {
			return err
		}
		page.Never = len(newest) == 0
	}
	return c.showFilters(d, status, page)
}

// showFilters fills in what can be chosen from.
func (c *Console) showFilters(d *Desk, status int, page *console.Receipts) error {
	for _, o := range outcomeNames {
		page.Outcomes = append(page.Outcomes, console.Option{Value: string(o.outcome), Label: o.name, Chosen: page.Outcome == string(o.outcome)})
	}
	regions, err := c.Insight.Store.RegionsOf(d.Request().Context(), d.Site.Key)
	if err != nil {
		return err
	}
	for _, region := range regions {
		page.Regions = append(page.Regions, console.Option{Value: region, Label: console.RegionName(region), Chosen: page.Region == region})
	}
	slices.SortFunc(page.Regions, func(a, b console.Option) int { return strings.Compare(a.Label, b.Label) })
	keys, err := c.categoriesOf(d.Request().Context(), d.Site.Key)
	if err != nil {
		return err
	}
	if page.Category != "" && !slices.Contains(keys, page.Category) {
		keys = append(keys, page.Category) // of a notice of before
	}
	for _, key := range keys {
		page.Categories = append(page.Categories, console.Option{Value: key, Label: key, Chosen: page.Category == key})
	}
	page.Choices = []console.Option{{Value: "with", Label: "granted", Chosen: page.Choice != "without"}, {Value: "without", Label: "not granted", Chosen: page.Choice == "without"}}
	return d.ShowAs(status, page)
}

// categoriesOf are those that the notice in force asks about.
func (c *Console) categoriesOf(ctx context.Context, site string) ([]string, error) {
	latest, err := c.Insight.Store.Latest(ctx)
	if err != nil || latest[site].Seq == 0 {
		return nil, err
	}
	kept, err := c.Records.Artifact(ctx, latest[site].Notice)
	if err != nil {
		return nil, err
	}
	n, err := notice.Decode(kept.Bytes)
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, category := range n.Categories {
		if category.Key != notice.Necessary && category.Like != notice.Necessary {
			keys = append(keys, category.Key)
		}
	}
	return keys, nil
}

func (c *Console) rowOf(d *Desk, e *consent.Entry) (console.ReceiptRow, error) {
	core, err := consent.ParseCore(e.Core)
	if err != nil {
		return console.ReceiptRow{}, err
	}
	s := consent.Summarise(core, "")
	row := console.ReceiptRow{ID: e.ReceiptID, At: time.UnixMilli(e.ReceivedAt).In(d.Site.Location()), Granted: s.Granted(),
		Region: console.RegionName(core.Region), Language: console.LanguageName(core.Language), Layer: capital(strings.TrimPrefix(layerNames[string(core.Surface)], "the "))}
	row.State, row.Badge = outcomeName(s.Outcome)
	return row, nil
}

// findReceipt answers POST /admin/sites/:site/receipts/find: by id, by an address
// that holds it, or by a receipt itself, which is then verified as it was pasted.
func (c *Console) findReceipt(d *Desk) error {
	ctx := d.Request().Context()
	sought := strings.TrimSpace(d.FormValue("sought"))
	page := &console.Receipts{Sought: sought, MayEmbed: d.May(operator.ReadNotices)}
	mend := func(what string) error {
		page.Wrong = []console.Mend{{Field: "sought", What: what}}
		return c.showReceipts(d, http.StatusUnprocessableEntity, page, nil)
	}
	var id, said string
	if strings.HasPrefix(sought, "{") {
		report, err := consent.Verify([]byte(sought), c.keys())
		if err != nil {
			return mend("This receipt does not verify: " + err.Error() + ". Ask for it unchanged, as its holder got it.")
		}
		id, said = report.ID, "The receipt as it was pasted verifies: it is signed by this server, and unaltered."
	} else if found, ok := consent.FindReceiptID(sought); ok {
		id = found
	} else {
		return mend("Paste a receipt's id of 32 digits, its address, or the whole receipt.")
	}
	if _, err := c.Records.Entry(ctx, d.Site.Key, id); err != nil {
		if isUnknownReceipt(err) {
			return mend("This site keeps no receipt of that id: it is another site's, was erased, or never was.")
		}
		return err
	}
	return d.Done("admin/sites/"+d.Site.Key+"/receipts/"+id, said)
}

func (c *Console) keys() consent.PublicKeys {
	if c.Insight.Keys == nil {
		return consent.PublicKeys{}
	}
	return c.Insight.Keys()
}
