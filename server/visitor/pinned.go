package visitor

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/splice"
)

// Pinned answers scripts that pages name by digest and check by integrity, and
// the boots that such scripts fetch. A pinned script never changes, so it is
// answered, with the notice it was made of, for as long as a page names it: what
// was published since then is not in it.
type Pinned struct {
	Script *Script
	Store  consent.Store

	mu    sync.Mutex
	known map[canonical.Digest]*pinned // guarded by mu
}

// A pinned is one pinned script, unpacked.
type pinned struct {
	pin     notice.Pin
	digest  canonical.Digest
	source  []byte
	encoded splice.Encoded

	live *Live // with the policies of of
	of   *Live // what the site served when live was made
}

// kindPinned is the kind of the artifact; volenti embed --pinned keeps it.
const kindPinned = "pinned"

// mostPinned bounds the memory of strangers' questions; only what is there is kept.
const mostPinned = 256

// Get answers GET /b/:site/pinned/:file, for a year.
func (p *Pinned) Get(c echo.Context) error {
	name, ok := strings.CutSuffix(c.Param("file"), ".js")
	if !ok {
		return echo.ErrNotFound
	}
	live, err := p.Script.Directory.Live(c.Param("site"))
	if err != nil {
		return err
	}
	found, err := p.find(c, live, name)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	h.Set("Access-Control-Allow-Origin", "*") // without CORS no browser checks integrity
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	tag := etag(found.digest, nil, negotiate(c.Request().Header.Get("Accept-Encoding")))
	h.Set("ETag", tag)
	if match(c.Request().Header.Get("If-None-Match"), tag) {
		return c.NoContent(http.StatusNotModified)
	}
	coding, prefix := splice.Identity, found.source
	if b := found.encoded[negotiate(c.Request().Header.Get("Accept-Encoding"))]; b != nil {
		coding, prefix = negotiate(c.Request().Header.Get("Accept-Encoding")), b
	}
	return send(c, coding, prefix, nil)
}

// Boot answers GET /v1/sites/:site/boot?pinned={digest}: what the banner script
// carries at its end, and which of the first layers is right for this visitor.
func (p *Pinned) Boot(c echo.Context) error {
	r := c.Request()
	h := c.Response().Header()
	h.Set("Cache-Control", "private, no-store")
	live, err := p.Script.Directory.Live(c.Param("site"))
	if err != nil {
		return err
	}
	h.Add("Vary", "Origin")
	if r.Header.Get("Origin") != "" {
		if err := allow(c, live.Notice); err != nil {
			return err
		}
	}
	found, err := p.find(c, live, c.QueryParam("pinned"))
	if err != nil {
		return err
	}
	served, err := p.serve(c, live, found)
	if err != nil {
		return err
	}
	asked := r.Clone(r.Context())
	query := asked.URL.Query()
	query.Set("lang", found.pin.Language)
	asked.URL.RawQuery = query.Encode()
	v, err := p.Script.view(asked, served, p.Script.Now())
	if err != nil {
		return err
	}
	body := v.boot.append(nil)
	body = bytes.TrimSuffix(bytes.TrimPrefix(body, []byte("(")), []byte("});\n"))
	body = fmt.Appendf(body, `,"v":%q}`, surfaceOf(v.boot.models))
	return c.Blob(http.StatusOK, "application/json", append(body, '\n'))
}

// find is the pinned script of a digest; consent.ErrUnknownArtifact where there is
// none of this site.
func (p *Pinned) find(c echo.Context, live *Live, name string) (*pinned, error) {
	digest, err := canonical.ParseDigest(name)
	if err != nil {
		return nil, consent.ErrUnknownArtifact
	}
	p.mu.Lock()
	found := p.known[digest]
	p.mu.Unlock()
	if found == nil {
		kept, err := p.Store.Artifact(c.Request().Context(), digest)
		if err != nil {
			return nil, err
		}
		pin, err := notice.ParsePin(kept.Bytes)
		if err != nil || kept.Kind != kindPinned {
			return nil, consent.ErrUnknownArtifact
		}
		encoded, err := splice.Compress(kept.Bytes)
		if err != nil {
			return nil, err
		}
		found = &pinned{pin: pin, digest: digest, source: kept.Bytes, encoded: encoded}
		p.mu.Lock()
		if p.known == nil || len(p.known) >= mostPinned {
			p.known = map[canonical.Digest]*pinned{}
		}
		p.known[digest] = found
		p.mu.Unlock()
	}
	if found.pin.Site != live.Site.Key {
		return nil, consent.ErrUnknownArtifact
	}
	return found, nil
}

// serve is the site as the pinned script has it: its notice and scripts, under the
// policies of now.
func (p *Pinned) serve(c echo.Context, live *Live, found *pinned) (*Live, error) {
	p.mu.Lock()
	made, of := found.live, found.of
	p.mu.Unlock()
	if made != nil && of == live {
		return made, nil
	}
	made, err := p.unpack(c, live, found.pin)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	found.live, found.of = made, live
	p.mu.Unlock()
	return made, nil
}

// unpack finds what a pin names. All of it was published, so it is kept.
func (p *Pinned) unpack(c echo.Context, live *Live, pin notice.Pin) (*Live, error) {
	ctx := c.Request().Context()
	noticeText, err := p.Store.Artifact(ctx, pin.Notice)
	if err != nil {
		return nil, fmt.Errorf("notice of a pinned script: %w", err)
	}
	n, err := notice.Decode(noticeText.Bytes)
	if err != nil {
		return nil, err
	}
	n.Trials = nil // a page that names one script shows that
	publication := &notice.Publication{Site: live.Site.Key, Notice: pin.Notice, PublishedAt: live.Publication.PublishedAt,
		Wordings: map[string]canonical.Digest{pin.Language: pin.Wording}}
	policies := map[string]policyversions.Version{}
	for _, key := range n.Policies {
		if v, ok := live.Policies[key]; ok {
			policies[key] = v
		}
	}
	made, err := newLive(live.Site, n, publication, policies, live.shelf)
	if err != nil {
		return nil, err
	}
	made.changes = live.changes
	for surface, digest := range pin.Scripts {
		made.scripts[notice.Variant{Kind: notice.KindAsk, Surface: surface, Language: pin.Language}] = digest
	}
	return made, nil
}
