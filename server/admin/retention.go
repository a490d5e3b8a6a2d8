package admin

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/retention"
	"github.com/volenti-consent/volenti/web/console"
)

// A RetentionStore is what the pages of retention and restriction stand on.
type RetentionStore interface {
	retention.Store
	SetRetention(ctx context.Context, site string, s retention.Settings) error
	Restrict(ctx context.Context, site string, receiptIDs []string, ground consent.Ground, at time.Time) ([]int64, error)
	// Unrestrict keeps act in the same transaction.
	Unrestrict(ctx context.Context, site string, leaves []int64, act operator.Act) ([]int64, error)
	Restrictions(ctx context.Context, site string) ([]consent.Restriction, error)
}

func (c *Console) retentionRoutes() []Route {
	const of = "/admin/sites/:site"
	return []Route{
		{Method: http.MethodGet, Path: of + "/retention", Right: operator.ReadLog, Handle: c.showRetention},
		// Periods that are made shorter remove what nothing brings back.
		{Method: http.MethodPost, Path: of + "/retention", Right: operator.WriteSites, Fresh: true, Handle: c.changeRetention},
		{Method: http.MethodPost, Path: of + "/retention/try", Right: operator.WriteSites, Handle: c.tryRetention},
		{Method: http.MethodPost, Path: of + "/retention/export", Right: operator.ReadLog, Handle: c.exportRemovals},
		{Method: http.MethodPost, Path: of + "/receipts/:receipt/restrict", Right: operator.WriteRequests, Handle: c.restrictReceipt},
		// What was read can't be unread.
		{Method: http.MethodPost, Path: of + "/retention/lift", Right: operator.WriteRequests, Fresh: true, Handle: c.liftRestrictions},
	}
}

const (
	mostLooked    = 10000 // records that a look ahead reads
	mostRemovals  = 30    // lines of the log on the page
	allRemovals   = 1 << 20
	mostOfLeaves  = 5 // tombstones that a line names
	pageRestricts = 100
)

// An ahead is a store in which a run by these settings only looks, and not for long.
type ahead struct {
	retention.Store
	settings retention.Settings
	left     int
	cut      bool
}

func (a *ahead) Retention(context.Context, string) (retention.Settings, error) {
	return a.settings, nil
}

func (a *ahead) Candidates(ctx context.Context, site string, before int64, after consent.Place, limit int) ([]consent.Candidate, error) {
	if a.left <= 0 {
		a.cut = true
		return nil, nil
	}
	all, err := a.Store.Candidates(ctx, site, before, after, limit)
	a.left -= len(all)
	return all, err
}

// showRetention answers GET /admin/sites/:site/retention.
func (c *Console) showRetention(d *Desk) error {
	if c.Retention == nil {
		return echo.ErrNotFound
	}
	s, err := c.Retention.Retention(d.Request().Context(), d.Site.Key)
	if err != nil {
		return err
	}
	return c.retentionPage(d, http.StatusOK, retentionForm(s), &s)
}

// retentionForm is the form as it stands for settings.
func retentionForm(s retention.Settings) *console.Retention {
	page := &console.Retention{Records: strconv.Itoa(s.Records), Statistics: strconv.Itoa(s.Statistics)}
	var laws []string
	for law, months := range s.Laws {
		laws = append(laws, law+" "+strconv.Itoa(months))
	}
	slices.Sort(laws)
	page.Laws = strings.Join(laws, "\n")
	page.Policies = policiesOfErasure(s.Erasure)
	return page
}

func policiesOfErasure(chosen retention.Policy) (all []console.Option) {
	for _, p := range []struct {
		policy retention.Policy
		label  string
	}{{retention.ByNeed, "By need: minimise what still proves a consent, shred all else"}, {retention.ShredAll, "Shred everything: the proof is given up"}, {retention.MinimiseAll, "Minimise everything: who decided goes, what was decided stays"}} {
		all = append(all, console.Option{Value: string(p.policy), Label: p.label, Chosen: p.policy == chosen})
	}
	return all
}

// retentionPage shows the form with what is under it. What goes next is counted by s;
// nil where the form can't be read.
func (c *Console) retentionPage(d *Desk, status int, page *console.Retention, s *retention.Settings) error {
	ctx := d.Request().Context()
	page.Title, page.Sub = "Retention", "How long this site keeps what it keeps, and what goes because its time is over"
	page.MayWrite, page.MayLift = d.May(operator.WriteSites), d.May(operator.WriteRequests)
	page.Zone, page.Looked = zoneName(d.Site), console.Number(mostLooked)
	if c.Insight.Table != nil {
		for _, row := range c.Insight.Table.Rows {
			page.Rows = append(page.Rows, row.ID)
		}
	}
	if s != nil {
		look := &ahead{Store: c.Retention, settings: *s, left: mostLooked}
		due, err := (&retention.Job{Store: look, Now: c.Now}).Run(ctx, true, d.Site.Key)
		if err != nil {
			return err
		}
		page.Due, page.Cut = removalRows(d, due), look.cut
	}
	gone, err := c.Retention.Removals(ctx, d.Site.Key, mostRemovals+1)
	if err != nil {
		return err
	}
	if page.LogMore = len(gone) > mostRemovals; page.LogMore {
		gone = gone[:mostRemovals]
	}
	page.Log = removalRows(d, gone)
	if err := c.restricted(d, page); err != nil {
		return err
	}
	return d.ShowAs(status, page)
}

var removalNames = map[retention.Kind]string{retention.Records: "records", retention.Statistics: "counters"}

func removalRows(d *Desk, all []retention.Removal) (rows []console.RemovalRow) {
	for _, r := range all {
		row := console.RemovalRow{At: r.At.In(d.Site.Location()), What: removalNames[r.Kind], Count: console.Number(int64(r.Count)), Why: "over for " + counted(int64(r.Months), "month", "months")}
		if r.Law != "" {
			row.Why += ", under " + r.Law
		}
		row.Leaves = r.Tombstones[:min(len(r.Tombstones), mostOfLeaves)]
		row.More = len(r.Tombstones) - len(row.Leaves)
		rows = append(rows, row)
	}
	return rows
}

// retentionOf reads the form, and keeps what was written for the case that it comes back.
func (c *Console) retentionOf(d *Desk) (retention.Settings, *console.Retention) {
	s := retention.Settings{Laws: map[string]int{}, Erasure: retention.Policy(d.FormValue("erasure"))}
	page := &console.Retention{Records: d.FormValue("records"), Statistics: d.FormValue("statistics"), Laws: d.FormValue("laws"), Policies: policiesOfErasure(s.Erasure)}
	wrong := func(field, what string) { page.Wrong = append(page.Wrong, console.Mend{Field: field, What: what}) }
	months := func(text string) (int, bool) {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		return n, err == nil && n >= 0 && n <= retention.MostMonths
	}
	var ok bool
	if s.Records, ok = months(page.Records); !ok {
		wrong("records", fmt.Sprintf("Records: write a number of months from 0 to %d.", retention.MostMonths))
	}
	if s.Statistics, ok = months(page.Statistics); !ok {
		wrong("statistics", fmt.Sprintf("Statistics: write a number of months from 0 to %d.", retention.MostMonths))
	}
	for line := range strings.Lines(page.Laws) {
		cells := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\r\n=:", r) })
		if len(cells) == 0 {
			continue
		}
		n, ok := months(cells[len(cells)-1])
		if len(cells) != 2 || !ok {
			wrong("laws", "“"+clip(strings.TrimSpace(line), 60)+"”: write it as us-ca-ccpa 48.")
			break
		}
		if !c.knownLaw(cells[0]) {
			wrong("laws", "“"+clip(cells[0], 60)+"” is no row of the law table; they are listed below the field.")
			break
		}
		s.Laws[cells[0]] = n
	}
	if !slices.ContainsFunc(page.Policies, func(o console.Option) bool { return o.Chosen }) {
		wrong("erasure", "Choose how a request for erasure is answered.")
	}
	return s, page
}

func (c *Console) knownLaw(law string) bool {
	if c.Insight.Table == nil {
		return false
	}
	_, ok := c.Insight.Table.Row(law)
	return ok
}

// tryRetention answers POST …/retention/try: what the next run would remove if the form
// were kept, which it is not.
func (c *Console) tryRetention(d *Desk) error {
	return c.readRetention(d, func(s retention.Settings, page *console.Retention) error {
		page.Tried = true
		return c.retentionPage(d, http.StatusOK, page, &s)
	})
}

// changeRetention answers POST …/retention.
func (c *Console) changeRetention(d *Desk) error {
	return c.readRetention(d, func(s retention.Settings, _ *console.Retention) error {
		if err := c.Retention.SetRetention(d.Request().Context(), d.Site.Key, s); err != nil {
			return err
		}
		if err := d.Note("retention.change", d.Site.Key, s.Summary()); err != nil {
			return err
		}
		return d.Done("admin/sites/"+d.Site.Key+"/retention", "Kept. The next run goes by it.")
	})
}

func (c *Console) readRetention(d *Desk, do func(retention.Settings, *console.Retention) error) error {
	if c.Retention == nil {
		return echo.ErrNotFound
	}
	s, page := c.retentionOf(d)
	if len(page.Wrong) > 0 {
		return c.retentionPage(d, http.StatusUnprocessableEntity, page, nil)
	}
	if err := s.Validate(c.knownLaw); err != nil {
		return err
	}
	return do(s, page)
}

// A removalLine is a line of the exported log, as volenti retention log --json has it.
type removalLine struct {
	At         time.Time      `json:"at"`
	Kind       retention.Kind `json:"kind"`
	Law        string         `json:"law,omitempty"`
	Months     int            `json:"months"`
	Count      int            `json:"count"`
	Tombstones []int64        `json:"tombstones,omitempty"`
}

// exportRemovals answers POST …/retention/export: all that went from this site.
func (c *Console) exportRemovals(d *Desk) error {
	if c.Retention == nil {
		return echo.ErrNotFound
	}
	if err := d.Note("retention.export", d.Site.Key, "all, as "+clip(d.FormValue("format"), 10)); err != nil {
		return err
	}
	all, err := c.Retention.Removals(d.Request().Context(), d.Site.Key, allRemovals)
	if err != nil {
		return err
	}
	x, err := begin(d, "retention-"+d.Site.Key, []string{"at", "kind", "law", "months", "count", "tombstones"})
	for i, r := range all {
		if err != nil {
			break
		}
		leaves := strings.Trim(fmt.Sprint(r.Tombstones), "[]")
		err = x.row(removalLine{r.At, r.Kind, r.Law, r.Months, r.Count, r.Tombstones}, r.At.Format(time.RFC3339Nano), string(r.Kind), r.Law, strconv.Itoa(r.Months), strconv.Itoa(r.Count), leaves)
		if err == nil && (i+1)%exportBatch == 0 {
			err = x.flush()
		}
	}
	if err == nil {
		err = x.flush()
	}
	return x.end(err)
}
