package server

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/limit"
	"github.com/volenti-consent/volenti/server/metrics"
)

// Limits say how often a client and a site may ask, and how much is done at once.
// Whatever is zero or nil limits nothing.
type Limits struct {
	Clients *limit.Limiter
	Client  func(*http.Request) netip.Addr // the address that is counted; none: nobody to tell apart

	Decisions limit.Rate // decisions, and whatever else visitors send, of a client
	Reads     limit.Rate // costly answers, of a client
	Console   limit.Rate // everything of the console, of a client
	Sites     limit.Rate // decisions of a site

	Costly  *limit.Gate // answers that are computed anew each time
	Exports *limit.Gate // answers that run as long as their client takes them

	Full        func() bool // the recorder's queue takes no more
	Connections *limit.Connections
}

// classes of what a route costs. What is free is answered out of memory, or is
// hardly dearer than the refusal.
const (
	free limit.Class = iota
	write
	read
	console
)

// A cost is what one request of a route takes.
type cost struct {
	class limit.Class
	gate  door
}

// A door is which of the gates of Limits a request goes through.
type door int

const (
	open door = iota
	costly
	exports
)

func (l *Limits) gate(d door) *limit.Gate {
	return [...]*limit.Gate{open: nil, costly: l.Costly, exports: l.Exports}[d]
}

// costs are those of the visitor's routes that cost something, without HEAD, which
// costs what GET does. Every route that changes anything is here or is the console's.
var costs = map[string]cost{
	"POST /v1/sites/:site/decisions":             {class: write},
	"POST /privacy/:site/decide":                 {class: write},
	"POST /privacy/:site/choices":                {class: write},
	"POST /privacy/:site/held":                   {class: write},
	"POST /privacy/:site/link":                   {class: write},
	"GET /privacy/:site/take/:pass":              {class: write},
	"POST /opt-out":                              {class: write},
	"GET /opt-out/take/:pass":                    {class: write},
	"GET /opt-out/next":                          {class: write},
	"GET /opt-out/back/:site/:pass":              {class: write},
	"POST /privacy/:site/requests":               {class: write},
	"POST /privacy/:site/requests/:id":           {class: write},
	"POST /privacy/:site/requests/:id/confirm":   {class: write},
	"POST /log/witness/add-checkpoint":           {class: write},
	"GET /privacy/:site/requests/:id/data":       {class: read, gate: costly},
	"GET /v1/sites/:site/receipts/:id":           {class: read},
	"GET /v1/sites/:site/receipts/:id/governing": {class: read},
	"GET /v1/sites/:site/receipts/:id/proof":     {class: read},
	"GET /v1/sites/:site/receipts/:id/bundle":    {class: read, gate: costly},
	"GET /v1/sites/:site/receipts/:id/shown":     {class: read, gate: costly},
	"GET /v1/sites/:site/archive/:digest":        {class: read},
	"GET /policies/:site/:policy/diff/:pair":     {class: read, gate: costly},
	"GET /policies/:site/:policy/feed.atom":      {class: read, gate: costly},

	"POST /admin/sites/:site/receipts/export":         {class: console, gate: exports},
	"GET /admin/sites/:site/receipts/:receipt/bundle": {class: console, gate: costly},
	"POST /admin/sites/:site/requests/export":         {class: console, gate: exports},
	"POST /admin/sites/:site/retention/export":        {class: console, gate: exports},
	"POST /admin/sites/:site/retention/try":           {class: console, gate: costly},
	"POST /admin/sites/:site/statistics/export":       {class: console, gate: exports},
	"POST /v1/sites/:site/policies/:policy/versions":  {class: console, gate: costly},
	"POST /admin/sites/:site/policies/:policy":        {class: console, gate: costly},
	"POST /admin/sites/:site/new-policy":              {class: console, gate: costly},
	"POST /admin/sites/:site/receipts/find":           {class: console, gate: costly},
	"GET /admin/log/acts.csv":                         {class: console, gate: exports},
	"GET /admin/log/acts.json":                        {class: console, gate: exports},
	"GET /admin/sites/:site/log/acts.csv":             {class: console, gate: exports},
	"GET /admin/sites/:site/log/acts.json":            {class: console, gate: exports},
	"GET /admin/sites/:site/log/entries/entries.csv":  {class: console, gate: exports},
	"GET /admin/sites/:site/log/entries/entries.json": {class: console, gate: exports},
	"GET /admin/log/entries/entries.csv":              {class: console, gate: exports},
	"GET /admin/log/entries/entries.json":             {class: console, gate: exports},
	"GET /admin/sites/:site/log/entries/check":        {class: console, gate: costly},
	"POST /admin/sites/:site/log/entries/check":       {class: console, gate: costly},
	"GET /admin/log/entries/check":                    {class: console, gate: costly},
	"POST /admin/log/entries/check":                   {class: console, gate: costly},
}

func costOf(method, path string) cost {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if c, ok := costs[method+" "+path]; ok {
		return c
	}
	if strings.HasPrefix(path, "/admin") && path != "/admin/assets/*" {
		return cost{class: console}
	}
	return cost{class: free}
}

// allow lets a request pass, or says why not.
func (l *Limits) allow(c cost, r *http.Request) error {
	var rate limit.Rate
	switch c.class {
	case write:
		rate = l.Decisions
	case read:
		rate = l.Reads
	case console:
		rate = l.Console
	default:
		return nil
	}
	if l.Client != nil {
		if err := l.Clients.Client(c.class, rate, l.Client(r)); err != nil {
			return err
		}
	}
	if c.class == write && l.Full != nil && l.Full() {
		return consent.ErrBusy
	}
	return nil
}

// Admit takes one decision from the allowance of a site: a visitor.Decisions.Admit.
// Whoever is not counted as a client is not counted for a site.
func (l *Limits) Admit(r *http.Request, site string) error {
	if l.Client == nil || !l.Client(r).IsValid() {
		return nil
	}
	return l.Clients.Site(write, l.Sites, site)
}

// reason is what a refusal is counted and logged as; "" for all other errors.
func reason(err error) string {
	switch p := problemOf(err); p.Type {
	case "slow-down":
		return "rate"
	case "busy", "crowded":
		return p.Type
	}
	return ""
}

// limits refuses what is too much before anything is read or computed for it.
func limits(l *Limits, count *metrics.Metrics, tell *seldom) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			took := costOf(c.Request().Method, c.Path())
			if took.class == free && took.gate == open {
				return next(c)
			}
			err := l.allow(took, c.Request())
			switch {
			case err != nil:
			case took.class == console:
				err = next(c) // and through its gate, once it is known who asks
			default:
				err = l.through(took, next, c)
			}
			if err == nil {
				return nil
			}
			if why := reason(err); why != "" {
				count.Refused(why)
				tell.refused(c.Request().Context(), why)
			}
			return err
		}
	}
}

// through answers in a place of the route's gate.
func (l *Limits) through(took cost, next echo.HandlerFunc, c echo.Context) error {
	gate := l.gate(took.gate)
	if err := gate.Enter(c.Request().Context()); err != nil {
		return err
	}
	defer gate.Leave()
	return next(c)
}

// admitted lets who was let in by the console through the gate of the route: a stranger,
// or a form that is not the operator's, takes no place there.
func admitted(l *Limits) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			return l.through(costOf(c.Request().Method, c.Path()), next, c)
		}
	}
}

// seldom logs refusals, one line in ten seconds: a flood must not fill the disk with
// lines about itself.
type seldom struct {
	log  *slog.Logger
	now  func() time.Time
	next atomic.Int64 // Unix nanoseconds
	more atomic.Int64 // that were not told
}

func (s *seldom) refused(ctx context.Context, why string) {
	s.more.Add(1)
	now, next := s.now().UnixNano(), s.next.Load()
	if now < next || !s.next.CompareAndSwap(next, now+int64(10*time.Second)) {
		return
	}
	s.log.WarnContext(ctx, "requests refused", "reason", why, "refused", s.more.Swap(0))
}
