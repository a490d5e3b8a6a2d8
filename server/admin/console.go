// Package admin is the console: the pages where operators work. Every page is
// rendered here and works without JavaScript.
package admin

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/request"
	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/web/console"
)

// A Console answers /admin. cmd builds it.
type Console struct {
	Log       *slog.Logger
	Now       func() time.Time
	Pages     *console.Renderer
	Operators operator.Store
	Sites     site.Store
	Notices   notice.Store
	Versions  Versions
	Records   consent.Store
	Cookies   Sealer // seals the console's cookies
	Vault     *operator.Vault
	Passwords *operator.Passwords
	Company   *operator.Company // nil: no sign-in elsewhere
	Throttle  *operator.Throttle
	Address   func(*http.Request) string // of the client, behind proxies; counted, never kept
	PublicURL string                     // "https://consent.example.com", or "" where it is not known
	HTTPS     bool                       // operators reach this server over TLS

	Requests  *request.Service // of visitors, about their data
	Languages []string         // that visitors are written to in

	Insight      Insight
	Transparency Transparency
	Retention    RetentionStore // nil: its pages are not there
	Workshop
}

// A Sealer makes and opens sealed cookies: an operator.Sealer.
type Sealer interface {
	Encode(name string, value any) (string, error)
	Decode(name, value string, into any) error
}

// sites are those an operator may do something on, by key.
func (c *Console) sites(ctx context.Context, o operator.Operator, right operator.Right) ([]site.Site, error) {
	all, err := c.Sites.Sites(ctx)
	if err != nil {
		return nil, err
	}
	var some []site.Site
	for _, s := range all {
		if o.May(right, s.Key) {
			some = append(some, s)
		}
	}
	return some, nil
}
