package admin

import (
	"context"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/web/console"
)

// A LogStore reads the transparency log. Each call reads as many rows as it returns,
// or some for each level of the tree: pages are as quick with ten million records.
type LogStore interface {
	auditlog.Reader
	// LatestCheckpoint and CheckpointOf fail with auditlog.ErrNoCheckpoint.
	LatestCheckpoint(ctx context.Context) (auditlog.Checkpoint, error)
	CheckpointOf(ctx context.Context, size int64) (auditlog.Checkpoint, error)
	// LogList is newest first; the zero Place ends it.
	LogList(ctx context.Context, q auditlog.PlacedQuery) ([]auditlog.Placed, auditlog.Place, error)
	// LogLeaf fails with auditlog.ErrNotInLog.
	LogLeaf(ctx context.Context, index int64) (auditlog.Opened, error)
}

// Transparency is what the pages of the log need.
type Transparency struct {
	Store LogStore // nil: the pages are not there
	// Keys are the public keys of the log, the one that signs first; none where it has
	// signed nothing yet.
	Keys func() ([]string, error)
	// Pins are where checkpoints were pinned last; nil: nowhere.
	Pins func(ctx context.Context, n int) ([]console.LogPin, error)
}

func (c *Console) transparencyRoutes() []Route {
	var all []Route
	for _, base := range []string{"/admin/log", "/admin/sites/:site/log"} {
		base += "/entries"
		all = append(all,
			Route{Method: http.MethodGet, Path: base, Right: operator.ReadLog, Handle: c.showEntries},
			Route{Method: http.MethodGet, Path: base + "/entries.csv", Right: operator.ReadLog, Handle: c.exportEntries},
			Route{Method: http.MethodGet, Path: base + "/entries.json", Right: operator.ReadLog, Handle: c.exportEntries},
			Route{Method: http.MethodGet, Path: base + "/checkpoint", Right: operator.ReadLog, Handle: c.downloadCheckpoint},
			Route{Method: http.MethodGet, Path: base + "/check", Right: operator.ReadLog, Handle: c.showCheck},
			Route{Method: http.MethodPost, Path: base + "/check", Right: operator.ReadLog, Handle: c.checkCheckpoint},
			Route{Method: http.MethodGet, Path: base + "/:leaf", Right: operator.ReadLog, Handle: c.showLeaf},
			Route{Method: http.MethodGet, Path: base + "/:leaf/proof", Right: operator.ReadLog, Handle: c.downloadProof},
		)
	}
	return all
}

// entriesBase is where the pages of the log are for a desk, from the server's root.
func entriesBase(d *Desk) string {
	if d.Site.Key != "" {
		return "admin/sites/" + d.Site.Key + "/log/entries"
	}
	return "admin/log/entries"
}

// logTrail leads up from what stands below the list.
func logTrail(d *Desk) []console.Step {
	return []console.Step{{Path: entriesBase(d), Label: "Transparency log"}}
}

// entryKinds are what can be asked for, in the order of the list.
var entryKinds = []console.LogChoice{
	{Key: "consent", Label: "decision"}, {Key: "policy-version", Label: "policy version"}, {Key: "publication", Label: "banner"},
	{Key: "act", Label: "console act"}, {Key: "tombstone", Label: "erasure"}, {Key: "standing", Label: "unchanged that day"},
}

func kindWord(kind auditlog.Kind) string {
	for _, k := range entryKinds {
		if string(kind) == k.Key+"/v1" {
			return k.Label
		}
	}
	return string(kind)
}

// entriesQuery is what a page of the log asks for. On a site's log it is that site's,
// whatever the form says.
func (c *Console) entriesQuery(d *Desk) (q auditlog.PlacedQuery, filter url.Values) {
	filter = url.Values{}
	for _, k := range entryKinds {
		if d.QueryParam("kind") == k.Key {
			q.Kind = auditlog.Kind(k.Key + "/v1")
			filter.Set("kind", k.Key)
		}
	}
	switch of := d.QueryParam("of"); {
	case d.Site.Key != "":
		q.Site = d.Site.Key
	case of == "-":
		q.Server = true
		filter.Set("of", of)
	case of != "":
		q.Site = of
		filter.Set("of", of)
	}
	q.Most = logPage
	parts := strings.Split(d.QueryParam("below"), ".")
	if len(parts) == 3 { // anything else is the newest
		q.After.Index, _ = strconv.ParseInt(parts[0], 10, 64)
		q.After.Record, _ = strconv.ParseInt(parts[1], 10, 64)
		q.After.RecordReceived, _ = strconv.ParseInt(parts[2], 10, 64)
	}
	return q, filter
}

// placed is an entry as a page shows it. Whoever knows a receipt's id may do with it
// what its visitor may: it is shown to those who may read receipts.
func (c *Console) placed(d *Desk, p auditlog.Placed) console.LogLeafRow {
	row := console.LogLeafRow{Index: p.Index, Kind: kindWord(p.Kind), Site: p.Site, About: p.Object, At: p.At, Day: p.Day}
	switch p.Kind {
	case auditlog.Consent:
		row.About = ""
		if p.Object != "" && d.Operator.May(operator.ReadReceipts, p.Site) {
			row.Receipt, row.ReceiptShown = "admin/sites/"+p.Site+"/receipts/"+p.Object, p.Object
		}
	case auditlog.Tombstone:
		row.About = ""
	case auditlog.Standing:
		row.About = p.Day
	case auditlog.Publication:
		row.About = "number " + p.Object
	case auditlog.Act:
		row.About = p.What + ", number " + p.Object
	}
	return row
}

// showEntries answers GET /admin/log/entries and /admin/sites/:site/log/entries.
func (c *Console) showEntries(d *Desk) error {
	ctx, t := d.Request().Context(), c.Transparency
	if t.Store == nil {
		return echo.ErrNotFound
	}
	q, filter := c.entriesQuery(d)
	head, err := t.Store.Head(ctx)
	if err != nil {
		return err
	}
	list, next, err := t.Store.LogList(ctx, q)
	if err != nil {
		return err
	}
	page := &console.LogEntries{Base: entriesBase(d), Acts: strings.TrimSuffix(entriesBase(d), "/entries"), Size: console.Number(head.Size), OneSite: d.Site.Key != "",
		Query: template.URL(filter.Encode()), Later: q.After != auditlog.Place{}, Filtered: len(filter) > 0} //nolint:gosec // encoded
	page.Title, page.Sub = "Transparency log", "What was entered here can't be changed or taken back unseen, not even by whoever runs this server."
	for _, p := range list {
		page.List = append(page.List, c.placed(d, p))
	}
	if next != (auditlog.Place{}) {
		filter.Set("below", strconv.FormatInt(next.Index, 10)+"."+strconv.FormatInt(next.Record, 10)+"."+strconv.FormatInt(next.RecordReceived, 10))
		page.Older = template.URL(filter.Encode()) //nolint:gosec // encoded
	}
	for _, k := range entryKinds {
		k.Chosen = d.QueryParam("kind") == k.Key
		page.Kinds = append(page.Kinds, k)
	}
	if !page.OneSite {
		sites, err := c.Sites.Sites(ctx)
		if err != nil {
			return err
		}
		page.OfSites = append(page.OfSites, console.LogChoice{Key: "-", Label: "The server itself", Chosen: q.Server})
		for _, s := range sites {
			page.OfSites = append(page.OfSites, console.LogChoice{Key: s.Key, Label: s.Name, Chosen: s.Key == q.Site})
		}
	}
	if err := c.standsAt(ctx, page); err != nil {
		return err
	}
	return d.Show(page)
}

// standsAt fills in what was signed, and where that is kept.
func (c *Console) standsAt(ctx context.Context, page *console.LogEntries) error {
	t := c.Transparency
	newest, err := t.Store.LatestCheckpoint(ctx)
	if err != nil && !errors.Is(err, auditlog.ErrNoCheckpoint) {
		return err
	}
	if err == nil {
		page.Origin = newest.Origin
		page.Checkpoint = checkpointView(newest)
	}
	if t.Keys != nil {
		keys, err := t.Keys()
		if err != nil {
			return err
		}
		for i, key := range keys {
			about := "Key of the log"
			if i > 0 {
				about = "Key of before"
			}
			page.Keys = append(page.Keys, console.LogVerifierKey{About: about, Key: key})
		}
	}
	if t.Pins != nil {
		page.Pins, err = t.Pins(ctx, 5)
		return err
	}
	return nil
}

// checkpointView is a checkpoint as pages show it. Cosignatures were verified when
// they were kept.
func checkpointView(cp auditlog.Checkpoint) *console.LogCheckpoint {
	v := &console.LogCheckpoint{Size: console.Number(cp.Head.Size), Root: cp.Head.Root.String(), At: cp.At, Note: string(cp.Note)}
	for _, s := range auditlog.Signatures(cp.Note) {
		if s.Name == cp.Origin {
			continue
		}
		at, _ := auditlog.CosignedAt(s)
		v.Cosigned = append(v.Cosigned, console.LogCosigned{Witness: s.Name, At: at})
	}
	return v
}

// leafOf finds the entry of the path. On a site's log there is only what is the site's.
func (c *Console) leafOf(d *Desk) (auditlog.Opened, error) {
	if c.Transparency.Store == nil {
		return auditlog.Opened{}, echo.ErrNotFound
	}
	index, err := strconv.ParseInt(d.Param("leaf"), 10, 64)
	if err != nil || index < 0 {
		return auditlog.Opened{}, echo.ErrNotFound
	}
	o, err := c.Transparency.Store.LogLeaf(d.Request().Context(), index)
	if errors.Is(err, auditlog.ErrNotInLog) || err == nil && d.Site.Key != "" && o.Site != d.Site.Key {
		return o, echo.ErrNotFound
	}
	return o, err
}

// proofOf is the proof of a leaf under the newest checkpoint, verified; false where
// that does not cover the leaf yet.
func (c *Console) proofOf(ctx context.Context, o auditlog.Opened) (p auditlog.Proof, under auditlog.Checkpoint, covered bool, err error) {
	under, err = c.Transparency.Store.LatestCheckpoint(ctx)
	if errors.Is(err, auditlog.ErrNoCheckpoint) || err == nil && o.Index >= under.Head.Size {
		return p, under, false, nil
	}
	if err != nil {
		return p, under, false, err
	}
	hashes, err := auditlog.ProveInclusion(c.Transparency.Store.Hashes(ctx), under.Head, o.Index)
	if err == nil {
		err = auditlog.CheckInclusion(hashes, under.Head, o.Index, o.Leaf)
	}
	return auditlog.Proof{Index: o.Index, Hashes: hashes, Checkpoint: under.Note}, under, true, err
}

// showLeaf answers GET …/log/entries/:leaf.
func (c *Console) showLeaf(d *Desk) error {
	o, err := c.leafOf(d)
	if err != nil {
		return err
	}
	page := &console.LogLeaf{Base: entriesBase(d), Row: c.placed(d, o.Placed), Leaf: base64.StdEncoding.EncodeToString(o.Leaf[:]), Core: string(o.Core),
		Minimised: o.Minimised, Erased: o.Erased, Hidden: o.Hidden, Tombstone: o.Tombstone}
	page.Title, page.Trail = "Leaf "+strconv.FormatInt(o.Index, 10), logTrail(d)
	if o.Kind == auditlog.Consent && !d.Operator.May(operator.ReadReceipts, o.Site) {
		page.Withheld = o.Core != nil
		page.Core = ""
	}
	p, under, covered, err := c.proofOf(d.Request().Context(), o)
	switch {
	case errors.Is(err, auditlog.ErrInclusion), errors.Is(err, auditlog.ErrDamaged):
		page.Failed = err.Error()
	case err != nil:
		return err
	}
	if covered {
		page.Under = checkpointView(under)
		for _, h := range p.Hashes {
			page.Proof = append(page.Proof, h.String())
		}
	}
	return d.Show(page)
}

// downloadProof answers GET …/log/entries/:leaf/proof.
func (c *Console) downloadProof(d *Desk) error {
	o, err := c.leafOf(d)
	if err != nil {
		return err
	}
	p, _, covered, err := c.proofOf(d.Request().Context(), o)
	if err != nil {
		return err
	}
	if !covered {
		return echo.NewHTTPError(http.StatusNotFound, "no checkpoint covers this leaf yet")
	}
	_, err = d.export("text/plain; charset=utf-8", "leaf-"+strconv.FormatInt(o.Index, 10)+".tlog-proof").Write(p.Encode())
	return err
}

// downloadCheckpoint answers GET …/log/entries/checkpoint.
func (c *Console) downloadCheckpoint(d *Desk) error {
	if c.Transparency.Store == nil {
		return echo.ErrNotFound
	}
	cp, err := c.Transparency.Store.LatestCheckpoint(d.Request().Context())
	if errors.Is(err, auditlog.ErrNoCheckpoint) {
		return echo.ErrNotFound
	}
	if err != nil {
		return err
	}
	_, err = d.export("text/plain; charset=utf-8", "checkpoint-"+strconv.FormatInt(cp.Head.Size, 10)+".txt").Write(cp.Note)
	return err
}
