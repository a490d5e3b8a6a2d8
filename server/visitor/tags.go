package visitor

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
)

// Errors of Tags.
var (
	ErrUnknownCategory = errors.New("the notice has no such category")
	// ErrNotGranted is answered to whoever does not allow what is asked for, and
	// to whoever shows a decision that can't be read: the closed side.
	ErrNotGranted = errors.New("nothing of this category is allowed")
)

// Tags answers GET /v1/sites/{site}/tags/{category}.js: the registered tags of
// those vendors of the category that this visitor allows. It judges by itself,
// by cookie or receipt, law and signals; that the page asked proves nothing.
type Tags struct {
	Script *Script
	Store  consent.Store
}

// Get answers the tags. With ?vendors= only theirs; with ?receipt= the decision
// of that receipt's browser counts too, where its cookie can't come along.
func (t *Tags) Get(c echo.Context) error {
	h := c.Response().Header()
	h.Set("Cache-Control", "private, no-store")
	h.Set("Vary", "Cookie, Sec-GPC, DNT")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // the page is another origin as a rule
	key, ok := strings.CutSuffix(c.Param("file"), ".js")
	if !ok {
		return echo.ErrNotFound
	}
	live, err := t.Script.Directory.Live(c.Param("site"))
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(live.Notice.Categories, func(category notice.Category) bool { return category.Key == key }) {
		return ErrUnknownCategory
	}
	may, err := t.allowed(c.Request(), live)
	if err != nil {
		return err
	}
	var only []string
	if list := c.QueryParam("vendors"); list != "" {
		only = strings.Split(list, ",")
	}
	script, err := live.Notice.TagScript(key, func(vendor string) bool {
		return may.Grants(live.Notice, key, vendor) && (only == nil || slices.Contains(only, vendor))
	})
	if err != nil {
		return err
	}
	if script == nil {
		return ErrNotGranted
	}
	h.Set("Content-Length", strconv.Itoa(len(script)))
	return c.Blob(http.StatusOK, "text/javascript; charset=utf-8", script)
}

// allowed is what may load in this visitor's page now.
func (t *Tags) allowed(r *http.Request, live *Live) (notice.Choices, error) {
	now := t.Script.Now()
	region, source := t.Script.region(r)
	models := letters(live.Notice, region, t.Script.Laws.ruling(live.Site, live.Notice, region, source, now))
	age := t.Script.Laws.age(live.Site, live.Notice, region, source, now)
	signal := gpcHeader(r) || optedOut(r) || live.Notice.DNT == "opt-out" && dntHeader(r)
	memory, known, bad := t.Script.Cookies.Read(r, live.Site.Key, now)
	if id := r.URL.Query().Get("receipt"); id != "" {
		recorded, ok, err := t.recorded(r.Context(), live, id, now)
		if err != nil {
			return "", err
		}
		if ok && (!known || recorded.Decided.After(memory.Decided)) {
			memory, known = recorded, true
		}
		bad = bad || !ok
	}
	if !known {
		if bad {
			return "", ErrNotGranted
		}
		return live.Notice.Resolve(models, nil, signal), nil
	}
	said, ok := t.Script.Archive.Carry(r.Context(), live, memory, now)
	if !ok {
		return "", ErrNotGranted
	}
	said.admit(live.Notice, models, memory.Implied)
	said.mature(live.Notice, age, memory.Age)
	return live.Notice.Resolve(models, &notice.Standing{Choices: notice.Choices(said.choices), Implied: memory.Implied, Signal: memory.Signal}, signal), nil
}

// maxNotes is how many records in a row only say that a note was shown or read.
const maxNotes = 40

// recorded is what the browser of a receipt decided last, as its cookie would
// remember it. A receipt that is not this site's, whose person was erased, or
// whose decision has ended is of no use (false).
func (t *Tags) recorded(ctx context.Context, live *Live, id string, now time.Time) (Memory, bool, error) {
	entry, err := t.Store.Entry(ctx, live.Site.Key, id)
	if errors.Is(err, consent.ErrUnknownReceipt) {
		return Memory{}, false, nil
	}
	if err != nil || entry.Subject == "" {
		return Memory{}, false, err
	}
	all, err := t.Store.EntriesOfSubject(ctx, live.Site.Key, entry.Subject, maxNotes)
	if err != nil {
		return Memory{}, false, err
	}
	for _, e := range all {
		core, err := consent.ParseCore(e.Core)
		if err != nil {
			return Memory{}, false, err
		}
		if core.Surface == consent.OnChange {
			continue // nothing was chosen
		}
		n, ok := t.Script.Archive.earlier(ctx, live, core.Notice.Short())
		if !ok {
			return Memory{}, false, nil
		}
		m := remembered(n, core)
		return m, now.Before(m.until()), nil
	}
	return Memory{}, false, nil
}

// decidedAt is when the choice of a record was made, in Unix milliseconds: by the
// server's clock, but that one which was taken over from another domain was made
// there, so that the newer of two is the one that was chosen later.
func decidedAt(core consent.Core) int64 {
	if core.Action == consent.Share {
		return core.GivenAt
	}
	return core.ReceivedAt
}

// remembered is what a cookie remembers of a record by itself.
func remembered(n *notice.Notice, core consent.Core) Memory {
	m := Memory{
		Site: core.Site, Receipt: core.ID, Notice: core.Notice.Short(),
		Decided: time.Unix(decidedAt(core)/1000, 0), Ends: time.UnixMilli(core.ValidUntil),
		Implied: core.Basis == consent.Implied, Signal: core.Signals.Any(), Age: core.ConfirmedAge(), Choices: choicesOf(n, core),
	}
	if core.RefusalsUntil != 0 {
		m.Rests = time.UnixMilli(core.RefusalsUntil)
	}
	return m
}
