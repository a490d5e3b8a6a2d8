package admin

import (
	"context"
	"net/http"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/consent/forms"
	"github.com/volenti-consent/volenti/server/embedding"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/server/site"
)

// An Insight is what the pages of sites, statistics, receipts and embedding stand
// on. Its zero members are left out of the pages.
type Insight struct {
	Store InsightStore
	Keys  func() consent.PublicKeys // those of receipts, past ones too
	Forms forms.Signer              // signs forms of receipts
	// Bundle is the evidence bundle of a receipt, as a zip.
	Bundle func(ctx context.Context, site, receiptID string) ([]byte, error)
	Table  *regime.Table
	Lines  *embedding.Maker
	// Regions is what is to be said of the region database's age, or "".
	Regions func() string
	// Outdated reports whether this program would compile a site's notice into other
	// scripts than those published. It answers at once, false while it does not know yet.
	Outdated func(site string, latest notice.Latest) bool
}

// An InsightStore is what these pages read. All of it is quick however much is kept.
type InsightStore interface {
	consent.StatisticsStore
	consent.SearchStore
	notice.ShowingStore
	auditlog.Reader
	// Latest are the newest publications of all sites, by site.
	Latest(ctx context.Context) (map[string]notice.Latest, error)
	// AskScripts are the first layers ever published for a site, by digest.
	AskScripts(ctx context.Context, site string) (map[canonical.Digest]notice.Variant, error)
	// ChangeSite keeps all of a site but its key and CreatedAt; site.ErrUnknown.
	ChangeSite(ctx context.Context, s site.Site) error
}

func (c *Console) overviewRoutes() []Route {
	const of = "/admin/sites/:site"
	return []Route{
		{Method: http.MethodGet, Path: "/admin", Handle: c.home},
		{Method: http.MethodGet, Path: "/admin/sites/new", Right: operator.WriteSites, Handle: c.newSite},
		{Method: http.MethodPost, Path: "/admin/sites/new", Right: operator.WriteSites, Fresh: true, Handle: c.addSite},
		{Method: http.MethodGet, Path: of + "/settings", Right: operator.WriteSites, Handle: c.siteSettings},
		{Method: http.MethodPost, Path: of + "/settings", Right: operator.WriteSites, Fresh: true, Handle: c.changeSite},

		{Method: http.MethodGet, Path: of, Right: operator.ReadStatistics, Handle: c.statistics},
		{Method: http.MethodPost, Path: of + "/statistics/export", Right: operator.ReadStatistics, Handle: c.exportStatistics},

		{Method: http.MethodGet, Path: of + "/receipts", Right: operator.ReadReceipts, Handle: c.receipts},
		{Method: http.MethodPost, Path: of + "/receipts/find", Right: operator.ReadReceipts, Handle: c.findReceipt},
		{Method: http.MethodPost, Path: of + "/receipts/export", Right: operator.ReadReceipts, Fresh: true, Handle: c.exportReceipts},
		{Method: http.MethodGet, Path: of + "/receipts/:receipt", Right: operator.ReadReceipts, Handle: c.receipt},
		{Method: http.MethodGet, Path: of + "/receipts/:receipt/file", Right: operator.ReadReceipts, Handle: c.receiptFile},
		{Method: http.MethodGet, Path: of + "/receipts/:receipt/bundle", Right: operator.ReadReceipts, Handle: c.receiptBundle},

		{Method: http.MethodGet, Path: of + "/embed", Right: operator.ReadNotices, Handle: c.embed},
		{Method: http.MethodPost, Path: of + "/embed", Right: operator.WriteNotices, Handle: c.pin},
	}
}
