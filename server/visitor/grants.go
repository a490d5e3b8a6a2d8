package visitor

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/notice"
)

// Grants are what a visitor's decision, the law of his region and his signals
// come to for one site: the judgement that his page makes (docs/wire.md), made
// by the server.
type Grants struct {
	Live    *Live
	Choices notice.Choices // granted or refused, for every category and vendor
}

// Allows reports whether a vendor of a category may load, or with vendor "" what
// is of the category and of no vendor of the notice. Unknown names may not.
func (g Grants) Allows(category, vendor string) bool {
	return g.Choices.Grants(g.Live.Notice, category, vendor)
}

// State names the notice and the grants: 16 hexadecimal digits, the same for
// all visitors with the same ones, so they tell nobody apart.
func (g Grants) State() string {
	return canonical.Sum([]byte(string(g.Live.Publication.Notice) + " " + string(g.Choices))).Short()
}

// Grants finds out what may load in the page that a request is for, which may
// be any of the site's own. A cookie that is forged, expired or of no use grants
// nothing, whatever the law: the page asks again. It fails as Directory.Live
// does, or where the notice of the cookie can't be read just now.
func (s *Script) Grants(r *http.Request, site string) (Grants, error) {
	live, err := s.Directory.Live(site)
	if err != nil {
		return Grants{}, err
	}
	// A page's own query means nothing here, but for the region of tests.
	ours := *r
	ours.URL = &url.URL{Path: r.URL.Path}
	if s.Override {
		ours.URL.RawQuery = url.Values{"region": r.URL.Query()["region"]}.Encode()
	}
	may, err := (&Tags{Script: s}).allowed(&ours, live)
	if errors.Is(err, ErrNotGranted) {
		return Grants{live, live.Notice.Resolve("", nil, true)}, nil // as if the law asked for opt-in
	}
	if err != nil {
		return Grants{}, err
	}
	return Grants{live, may}, nil
}
