package admin

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/web/console"
)

// An export is an answer that is written while it is read from the store: what is
// held in memory is one batch, and it ends when the client goes away.
type export struct {
	d     *Desk
	csv   *csv.Writer // nil: NDJSON
	json  *json.Encoder
	width int
}

// exportBatch is how many receipts are read at once.
const exportBatch = 500

// exportPause is how long a client may take over one batch: the server's own limit
// is for a whole answer, which an export of millions can't keep.
const exportPause = 30 * time.Second

// begin answers the head of a file of that name, in the form the request asks for.
func begin(d *Desk, name string, columns []string) (*export, error) {
	x := &export{d: d, width: len(columns)}
	h := d.Response().Header()
	h.Set("Cache-Control", "no-store")
	media, ending := "application/x-ndjson", ".ndjson"
	if d.FormValue("format") != "json" {
		media, ending = "text/csv; charset=utf-8; header=present", ".csv"
	}
	h.Set("Content-Type", media)
	h.Set("Content-Disposition", `attachment; filename="`+name+ending+`"`)
	h.Set("X-Content-Type-Options", "nosniff")
	x.extend()
	d.Response().WriteHeader(http.StatusOK)
	if ending == ".ndjson" {
		x.json = json.NewEncoder(d.Response())
		x.json.SetEscapeHTML(false)
		return x, nil
	}
	x.csv = csv.NewWriter(d.Response())
	x.csv.UseCRLF = true // RFC 4180
	return x, x.csv.Write(columns)
}

// row writes a line: of NDJSON v, of CSV the cells.
func (x *export) row(v any, cells ...string) error {
	if x.json != nil {
		return x.json.Encode(v)
	}
	for i, cell := range cells {
		cells[i] = inert(cell)
	}
	return x.csv.Write(cells)
}

// flush sends what was written, and gives the client time for the next batch.
func (x *export) flush() error {
	if x.csv != nil {
		if x.csv.Flush(); x.csv.Error() != nil {
			return x.csv.Error()
		}
	}
	x.extend()
	if err := http.NewResponseController(x.d.Response()).Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return x.d.Request().Context().Err()
}

// extend takes the server's limits off this answer: a batch may take exportPause to
// be taken, and the request was read whole.
func (x *export) extend() {
	control := http.NewResponseController(x.d.Response())
	_ = control.SetWriteDeadline(time.Now().Add(exportPause)) // a recorder in a test has none
	_ = control.SetReadDeadline(time.Time{})                  // else its end would be taken for a client that is gone
}

// end is called when no more comes. An export that broke off must not look like a
// whole one: its connection is cut.
func (x *export) end(err error) error {
	if err == nil {
		return nil
	}
	if x.d.Request().Context().Err() == nil {
		x.d.console.Log.WarnContext(x.d.Request().Context(), "an export broke off", "site", x.d.Site.Key, "error", err)
	}
	panic(http.ErrAbortHandler)
}

// inert keeps spreadsheets from taking a cell for a formula (OWASP, CSV Injection):
// after a quote it is text. Leading blanks do not hide one.
func inert(cell string) string {
	bare := strings.TrimLeft(cell, " \u00a0\ufeff")
	if bare != "" && strings.ContainsRune("=+-@\t\r\n|%\uff1d\uff0b\uff0d\uff20", []rune(bare)[0]) {
		return "'" + cell
	}
	return cell
}

var receiptColumns = []string{"id", "received_at", "given_at", "valid_until", "outcome", "state", "action", "surface", "basis", "granted", "refused", "not_asked",
	"language", "region", "law", "gpc", "dnt", "notice", "policies", "previous", "leaf"}

// exportReceipts answers POST /admin/sites/:site/receipts/export: what a search
// finds, newest first. NDJSON holds the receipts themselves, which verify; CSV
// what a person compares. Neither is complete before the last line is there.
func (c *Console) exportReceipts(d *Desk) error {
	s, wrong := d.searchOf(d.FormValue)
	if len(wrong) > 0 {
		page := &console.Receipts{From: d.FormValue("from"), To: d.FormValue("to")}
		page.Wrong = wrong
		return c.showReceipts(d, http.StatusUnprocessableEntity, page, nil)
	}
	s.Before, s.Limit = consent.Place{}, exportBatch
	if err := d.Note("receipt.export", d.FormValue("format"), describe(s)); err != nil {
		return err
	}
	x, err := begin(d, "receipts-"+d.Site.Key, receiptColumns)
	if err == nil {
		err = x.receipts(c.Insight.Store, s)
	}
	return x.end(err)
}

// receipts writes what a search finds, batch by batch.
func (x *export) receipts(store consent.SearchStore, s consent.Search) error {
	for {
		entries, err := store.SearchRecords(x.d.Request().Context(), s)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := x.receipt(e); err != nil {
				return err
			}
		}
		if err := x.flush(); err != nil || len(entries) < s.Limit {
			return err
		}
		last := entries[len(entries)-1]
		s.Before = consent.Place{ReceivedAt: last.ReceivedAt, Index: last.Index}
	}
}

func (x *export) receipt(e *consent.Entry) error {
	if x.json != nil {
		receipt, err := consent.EncodeReceipt(e)
		if err != nil {
			return err
		}
		// The bytes as they are: an encoder would write its own.
		_, err = x.d.Response().Write(append(receipt, '\n'))
		return err
	}
	core, err := consent.ParseCore(e.Core)
	if err != nil {
		return err
	}
	at := func(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }
	var by [3][]string
	for _, key := range slices.Sorted(maps.Keys(core.Categories)) {
		i := slices.Index([]consent.Choice{consent.Granted, consent.Refused, consent.NotAsked}, core.Categories[key])
		by[max(i, 0)] = append(by[max(i, 0)], key)
	}
	var policies []string
	for _, key := range slices.Sorted(maps.Keys(core.Policies)) {
		policies = append(policies, key+" "+strconv.Itoa(core.Policies[key].Number))
	}
	return x.row(nil, e.ReceiptID, at(core.ReceivedAt), at(core.GivenAt), at(core.ValidUntil), string(consent.Summarise(core, "").Outcome), string(core.State),
		string(core.Action), string(core.Surface), string(core.Basis), strings.Join(by[0], " "), strings.Join(by[1], " "), strings.Join(by[2], " "),
		core.Language, core.Region, core.Law, strconv.FormatBool(core.Signals.GPC || core.Signals.GPCHeader), strconv.FormatBool(core.Signals.DNT),
		string(core.Notice), strings.Join(policies, ", "), core.Previous, strconv.FormatInt(e.Index, 10))
}

// describe is a search in one line, for the audit log.
func describe(s consent.Search) string {
	var parts []string
	day := func(word string, ms int64) {
		parts = append(parts, word+" "+time.UnixMilli(ms).UTC().Format(time.RFC3339))
	}
	if s.From != 0 {
		day("from", s.From)
	}
	if s.To != 0 {
		day("before", s.To)
	}
	for _, o := range s.Outcomes {
		parts = append(parts, string(o))
	}
	if s.Region != "" {
		parts = append(parts, "region "+clip(s.Region, 20))
	}
	if s.Category != "" {
		parts = append(parts, string(s.Choice)+" "+clip(s.Category, 40))
	}
	if len(parts) == 0 {
		return "all"
	}
	return strings.Join(parts, ", ")
}

// clip keeps what a form sends from filling the audit log.
func clip(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' {
			return -1
		}
		return r
	}, s)
	if r := []rune(s); len(r) > most {
		return string(r[:most])
	}
	return s
}

// A statisticRow is a line of exported statistics.
type statisticRow struct {
	From      string `json:"from"`
	To        string `json:"to"`
	Dimension string `json:"dimension"`
	Value     string `json:"value"`
	Outcome   string `json:"outcome"`
	Times     int64  `json:"times"`
}

// exportStatistics answers POST /admin/sites/:site/statistics/export: totals by
// day, and every other dimension over the whole period, small groups put together
// as on the page.
func (c *Console) exportStatistics(d *Desk) error {
	p, wrong := periodOf("own", d.FormValue("from"), d.FormValue("to"), c.Now())
	if len(wrong) > 0 {
		return d.Done("admin/sites/"+d.Site.Key, wrong[0].What)
	}
	from, to := p.bounds()
	if err := d.Note("statistics.export", d.FormValue("format"), from+" to "+to); err != nil {
		return err
	}
	ctx := d.Request().Context()
	daily, err := c.Insight.Store.DailyStatistics(ctx, d.Site.Key, consent.ByNothing, from, to)
	if err != nil {
		return err
	}
	var all []statisticRow
	for _, n := range daily {
		all = append(all, statisticRow{n.Day, n.Day, "total", "", n.Outcome, n.Times})
	}
	for _, by := range []consent.Dimension{consent.ByRegion, consent.ByLanguage, consent.ByLayer, consent.ByCategory, consent.BySignal} {
		counts, err := c.Insight.Store.Statistics(ctx, d.Site.Key, by, from, to)
		if err != nil {
			return err
		}
		for _, n := range withoutFew(counts) {
			all = append(all, statisticRow{from, to, string(by), n.Value, n.Outcome, n.Times})
		}
	}
	x, err := begin(d, "statistics-"+d.Site.Key+"-"+from+"-"+to, []string{"from", "to", "dimension", "value", "outcome", "times"})
	for i := 0; err == nil && i < len(all); i++ {
		r := all[i]
		err = x.row(r, r.From, r.To, r.Dimension, r.Value, r.Outcome, strconv.FormatInt(r.Times, 10))
	}
	if err == nil {
		err = x.flush()
	}
	return x.end(err)
}

// withoutFew puts the values together of which there are fewer than fewest.
func withoutFew(counts []consent.Count) []consent.Count {
	sums := map[string]int64{}
	for _, n := range counts {
		sums[n.Value] += n.Times
	}
	var kept []consent.Count
	other := map[string]int64{}
	for _, n := range counts {
		if sums[n.Value] >= fewest {
			kept = append(kept, n)
		} else {
			other[n.Outcome] += n.Times
		}
	}
	for _, outcome := range slices.Sorted(maps.Keys(other)) {
		kept = append(kept, consent.Count{Value: "(others, fewer than " + strconv.Itoa(fewest) + " each)", Outcome: outcome, Times: other[outcome]})
	}
	return kept
}
