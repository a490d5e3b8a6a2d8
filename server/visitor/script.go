package visitor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/geo"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/server/splice"
)

// Script answers GET /b/{site}.js: the compiled variant that is right for this
// visitor, and a few bytes of boot at its end. Nothing is compiled or
// compressed in a request, and nothing of the request is kept.
type Script struct {
	Directory *Directory
	Locate    func(*http.Request) (geo.Region, geo.Source)
	Laws      *Laws
	Cookies   *Cookies
	Tokens    *consent.Tokens
	Archive   *Archive
	Now       func() time.Time
	Override  bool            // honour ?region=
	Tally     *Tally          // counts first layers while there are trials; nil counts nothing
	Chance    func(n int) int // draws a number below n; nil is rand.IntN

	answers Answers
}

// Get answers the script.
func (s *Script) Get(c echo.Context) error {
	key, ok := strings.CutSuffix(c.Param("file"), ".js")
	if !ok {
		return echo.ErrNotFound
	}
	live, err := s.Directory.Live(key)
	if err != nil {
		return err
	}
	r, now := c.Request(), s.Now()
	who, alike := s.asking(r, live)
	if alike {
		if a := s.answers.slot(now).find(who); a != nil {
			return a.send(c)
		}
	}
	v, err := s.view(r, live, now)
	if err != nil {
		return err
	}
	script, err := live.Script(r.Context(), v.variant)
	if err != nil {
		return err
	}
	if alike && v.archived {
		a, err := made(live, script, v, r)
		if err != nil {
			return err
		}
		s.answers.slot(now).keep(who, a)
		return a.send(c)
	}
	if r.Method == http.MethodGet {
		s.Tally.Add(live, v.variant, script)
	}
	return s.answer(c, live, v, script)
}

// A view is everything that decides which bytes a visitor gets.
type view struct {
	variant notice.Variant
	surface notice.Surface // of the first layer, also where none is shown
	served  consent.Served // without the experience
	law     *regime.Row
	boot    boot

	archived bool // what the token names can be shown again
}

func (s *Script) view(r *http.Request, live *Live, now time.Time) (view, error) {
	region, source := s.region(r)
	ruling := s.Laws.ruling(live.Site, live.Notice, region, source, now)
	start := consent.BucketOf(now)
	v := view{law: ruling.Row, served: consent.Served{Site: live.Site.Key, Law: ruling.Row.ID,
		Region: region.String(), Source: string(source), Bucket: start}, boot: boot{
		from:   consent.Served{Bucket: start}.From().Unix(),
		models: letters(live.Notice, region, ruling),
		gpc:    gpcHeader(r),
		optOut: optedOut(r),
		dnt:    live.Notice.DNT == "opt-out" && dntHeader(r),
		link:   ruling.Link(), binding: ruling.GPC(), change: live.changed(),
	}}
	v.boot.age = s.Laws.age(live.Site, live.Notice, region, source, v.served.From()) // as the decision will be judged
	if reask := ruling.Reask(); reask > live.Notice.Validity {
		v.boot.reask = reask
	}
	v.surface = surfaceOf(v.boot.models)
	v.variant = notice.Variant{
		Kind: notice.KindAsk, Surface: v.surface,
		Language: live.matcher.Match(r.Header.Get("Accept-Language"), r.URL.Query().Get("lang")),
	}
	if err := s.remember(r, live, &v, now); err != nil {
		return view{}, err
	}
	if v.variant.Kind != notice.KindAsk || len(live.Notice.Trials) == 0 {
		err := s.bind(r.Context(), live, &v)
		return v, err
	}
	return s.draw(r, live, v)
}

// bind makes the token. It names the text of the first layer even for those who
// do not get it again: whoever reopens the settings decides under the same
// experience.
func (s *Script) bind(ctx context.Context, live *Live, v *view) error {
	shown := notice.Variant{Kind: notice.KindAsk, Surface: v.surface, Language: v.variant.Language, Trial: v.variant.Trial}
	x, err := live.experience(ctx, shown, v.law)
	if err != nil {
		return err
	}
	v.archived = s.Archive.Keep(ctx, live, x)
	served := v.served
	served.Experience = x.digest
	v.boot.token = s.Tokens.Mint(served)
	return nil
}

// draw settles by chance which trial a visitor sees who has not decided. A
// browser that asks whether what it keeps still holds sees the same again: its
// tag says which of the few that is, and is the same for all visitors. Nothing
// else is remembered, by us or by the page.
func (s *Script) draw(r *http.Request, live *Live, v view) (view, error) {
	if kept := r.Header.Get("If-None-Match"); kept != "" {
		for _, trial := range append([]notice.Trial{{}}, live.Notice.Trials...) {
			same := v
			same.variant.Trial = trial.Key
			if err := s.bind(r.Context(), live, &same); err != nil {
				return view{}, err
			}
			script, err := live.Script(r.Context(), same.variant)
			if err != nil {
				return view{}, err
			}
			if match(kept, same.tag(script, r)) {
				return same, nil
			}
		}
	}
	chance := s.Chance
	if chance == nil {
		chance = rand.IntN //nolint:gosec // a look is drawn, no secret
	}
	v.variant.Trial = live.Notice.Draw(chance(100))
	err := s.bind(r.Context(), live, &v)
	return v, err
}

// locate finds the visitor's region. The address is forgotten here.
func (s *Script) region(r *http.Request) (geo.Region, geo.Source) {
	if s.Override {
		if region, ok := geo.ParseRegion(r.URL.Query().Get("region")); ok {
			return region, geo.FromOverride
		}
	}
	return s.Locate(r)
}

// remember reads the cookie and settles which kind of script this visitor gets.
func (s *Script) remember(r *http.Request, live *Live, v *view, now time.Time) error {
	memory, ok, bad := s.Cookies.Read(r, live.Site.Key, now)
	if bad {
		v.boot.void = now.Unix()
	}
	if !ok {
		return nil
	}
	said, ok := s.Archive.Carry(r.Context(), live, memory, now)
	if !ok {
		v.boot.void = now.Unix()
		return nil
	}
	said.admit(live.Notice, v.boot.models, memory.Implied)
	said.mature(live.Notice, v.boot.age, memory.Age)
	v.boot.decided, v.boot.memory, v.boot.carried = true, memory, said
	if said.unanswered(live.Notice, v.boot.models) {
		return nil // he said something, but not to all that is asked here: the script that asks, knowing what he said
	}
	v.variant.Kind, v.variant.Surface = notice.KindKept, ""
	may := live.Notice.Resolve(v.boot.models, &notice.Standing{Choices: notice.Choices(said.choices), Implied: memory.Implied, Signal: memory.Signal}, v.boot.signal())
	v.boot.may = beyond(live.Notice, may)
	if !live.Notice.Holds(may) {
		return nil
	}
	guarded := notice.Variant{Kind: notice.KindGuarded, Language: v.variant.Language}
	_, err := live.Script(r.Context(), guarded)
	if errors.Is(err, notice.ErrUnpublished) {
		return nil // what was published by an earlier version has none
	}
	v.variant = guarded
	return err
}

// beyond is what may load, or nothing where that is only what is necessary:
// a script that is told nothing lets nothing else load.
func beyond(n *notice.Notice, may notice.Choices) notice.Choices {
	if may == n.None() {
		return ""
	}
	return may
}

// dntHeader: the browser sent DNT: 1. Names are in the form that net/http keeps them
// in; any other costs an allocation to look up.
func dntHeader(r *http.Request) bool {
	values := r.Header["Dnt"]
	return len(values) > 0 && values[0] == "1"
}

// gpcHeader: only the exact value 1 counts, on any line (W3C GPC § 3.2).
func gpcHeader(r *http.Request) bool {
	for _, v := range r.Header["Sec-Gpc"] {
		if strings.Trim(v, " \t") == "1" {
			return true
		}
	}
	return false
}

// answer sends the bytes. They depend on the address, so no shared cache may
// keep them. The tag of a returning visitor's script is made without the time
// of the decision, and one with choices by vendor is not kept at all: what a
// browser repeats to us must not tell visitors apart. Nor is one that voids what
// the page keeps: it speaks of what was decided before this moment only.
func (s *Script) answer(c echo.Context, live *Live, v view, script canonical.Digest) error {
	h := c.Response().Header()
	h["Content-Type"], h["Cross-Origin-Resource-Policy"], h["Vary"] = scriptType, anyOrigin, scriptVary
	tail := v.boot.append(make([]byte, 0, 512))
	if v.boot.void != 0 || v.boot.decided && apart(v.boot.choices) {
		h.Set("Cache-Control", "private, no-store")
	} else {
		h.Set("Cache-Control", freshness(live.Notice, v.variant.Kind))
		tag := v.tag(script, c.Request())
		h.Set("ETag", tag)
		if match(c.Request().Header.Get("If-None-Match"), tag) {
			return c.NoContent(http.StatusNotModified)
		}
	}
	coding, prefix, err := live.shelf.coded(c.Request().Context(), script, negotiate(c.Request().Header.Get("Accept-Encoding")))
	if err != nil {
		return err
	}
	return send(c, coding, prefix, tail)
}

// Values of headers that every answer shares; nobody changes them.
var (
	scriptType = []string{"text/javascript; charset=utf-8"}
	anyOrigin  = []string{"cross-origin"}
	scriptVary = []string{"Accept-Encoding, Accept-Language, Sec-GPC, DNT"}
)

// freshness is how long a browser may repeat an answer to itself without asking.
// One for somebody who allowed everything holds nothing back until the gate is
// there: after a withdrawal, the next page would run what nobody marked. All
// others are as strict as what the page keeps.
func freshness(n *notice.Notice, kind notice.Kind) string {
	if kind == notice.KindKept && (n.Blocking.Mode == "script" || n.Blocking.Mode == "strict") {
		return "private, no-cache"
	}
	return "private, max-age=300, stale-while-revalidate=3600"
}

// tag is the ETag of an answer, made without the time of the decision.
func (v view) tag(script canonical.Digest, r *http.Request) string {
	shared := v.boot
	shared.memory, shared.ends, shared.rests = Memory{Signal: shared.memory.Signal}, time.Time{}, time.Time{}
	return etag(script, shared.append(make([]byte, 0, 512)), negotiate(r.Header.Get("Accept-Encoding")))
}

// ByDigest answers a compiled variant alone, for a year.
func (s *Script) ByDigest(c echo.Context) error {
	name, ok := strings.CutSuffix(c.Param("file"), ".js")
	if !ok {
		return echo.ErrNotFound
	}
	live, err := s.Directory.Live(c.Param("site"))
	if err != nil {
		return err
	}
	script, err := s.Archive.Script(c.Request().Context(), live, name)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	h.Set("Access-Control-Allow-Origin", "*") // modules are fetched with CORS; the bytes are the same for all
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	tag := etag(script, nil, negotiate(c.Request().Header.Get("Accept-Encoding")))
	h.Set("ETag", tag)
	if match(c.Request().Header.Get("If-None-Match"), tag) {
		return c.NoContent(http.StatusNotModified)
	}
	coding, prefix, err := live.shelf.coded(c.Request().Context(), script, negotiate(c.Request().Header.Get("Accept-Encoding")))
	if err != nil {
		return err
	}
	return send(c, coding, prefix, nil)
}

// send writes a script in a coding, and its tail.
func send(c echo.Context, coding string, prefix, tail []byte) error {
	beginning, end := splice.Beginning(coding, prefix), splice.AppendEnd(make([]byte, 0, len(tail)+splice.MaxOverhead), coding, prefix, tail)
	h := c.Response().Header()
	if coding != splice.Identity {
		h.Set("Content-Encoding", coding)
	}
	h.Set("Content-Length", strconv.Itoa(len(beginning)+len(end)))
	return writeWhole(c, beginning, end)
}

// negotiate picks the smallest coding that Accept-Encoding allows. A coding
// with q=0 is not wanted (RFC 9110 § 12.5.3); other weights don't matter to us.
func negotiate(accept string) string {
	var br, zstd, gzip bool
	for part := range strings.SplitSeq(accept, ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if q := strings.ReplaceAll(params, " ", ""); strings.HasPrefix(q, "q=0") && strings.Trim(q[3:], ".0") == "" {
			continue
		}
		switch strings.ToLower(strings.TrimSpace(name)) {
		case splice.Brotli:
			br = true
		case splice.Zstd:
			zstd = true
		case splice.Gzip:
			gzip = true
		}
	}
	switch {
	case br:
		return splice.Brotli
	case zstd:
		return splice.Zstd
	case gzip:
		return splice.Gzip
	}
	return splice.Identity
}

func etag(script canonical.Digest, tail []byte, coding string) string {
	sum := sha256.Sum256(append([]byte(script), tail...))
	return `"` + hex.EncodeToString(sum[:12]) + "-" + coding + `"`
}

// match compares weakly, as RFC 9110 § 13.1.2 asks of If-None-Match.
func match(header, tag string) bool {
	if header == "" {
		return false
	}
	for part := range strings.SplitSeq(header, ",") {
		part = strings.TrimPrefix(strings.TrimSpace(part), "W/")
		if part == tag || part == "*" {
			return true
		}
	}
	return false
}
