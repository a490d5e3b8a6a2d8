package visitor

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/splice"
	"github.com/volenti-consent/volenti/web"
)

// optOutFragment stands before a pass in the address of a site's page
// (banner/src/gate/carried.ts). What stands there reaches no server and no log.
const optOutFragment = "#opt-out-volenti="

// stateTried: the page was opened, and its script has not answered.
const stateTried = "tried"

// placeOf names a page of a site in a run. No site's key has a space in it.
func placeOf(live *Live, origin string) string { return live.Site.Key + " " + origin }

// sells reports whether a notice asks for anything that an opt-out is about.
func sells(n *notice.Notice) bool {
	return slices.ContainsFunc(n.Categories, func(c notice.Category) bool { return c.Like == notice.Marketing })
}

// carries reports whether the script that is published for a site takes an opt-out out of
// the page's address. One that was published by an earlier version does not.
// That is read once; where it can't be just now, the visitor is told to open the site.
func carries(ctx context.Context, live *Live) bool {
	live.mu.Lock()
	known := live.carries
	live.mu.Unlock()
	if known != nil {
		return *known
	}
	does := false
	script, err := live.Script(ctx, notice.Variant{Kind: notice.KindGate, Language: live.Notice.Languages[0]})
	if err == nil {
		var source []byte
		source, err = live.shelf.store.Content(ctx, script, splice.Identity) // no visitor wants it so: it is not held
		does = bytes.Contains(source, []byte(optOutFragment))
	}
	if err != nil && !errors.Is(err, notice.ErrUnpublished) {
		return false
	}
	live.mu.Lock()
	live.carries = &does
	live.mu.Unlock()
	return does
}

// ahead notes what is to be done at the pages of a site that are reached by themselves:
// browsers keep apart what each of its origins stores.
func (o *OptOut) ahead(ctx context.Context, live *Live, states map[string]string) {
	for _, origin := range live.Notice.Origins {
		switch {
		case !sells(live.Notice):
			states[placeOf(live, origin)] = stateOut
		case carries(ctx, live):
			states[placeOf(live, origin)] = stateTodo
		}
	}
}

// onItsOwn is what is said of a site that is reached by its own pages alone. The visitor
// is told to open it himself where nothing can be carried there, or was, and nobody
// answered.
func (o *OptOut) onItsOwn(r *http.Request, live *Live, made run, on bool, lang string) web.OptOutSite {
	site := web.OptOutSite{Name: live.Site.Name}
	tried := !carries(r.Context(), live)
	if on && sells(live.Notice) {
		site.State = stateTodo
	}
	out := len(live.Notice.Origins) > 0
	for _, origin := range live.Notice.Origins {
		switch made.states[placeOf(live, origin)] {
		case stateOut:
		case stateTried:
			tried, out = true, false
		default:
			out = false
		}
	}
	if out {
		site.State = stateOut
	} else if tried && len(live.Notice.Origins) > 0 {
		site.Link = live.Notice.Origins[0] + "/"
		site.Reopen = live.words(live.matcher.Match(r.Header.Get("Accept-Language"), lang))["reopen"]
	}
	return site
}

// page seals an opt-out for a page of a site that is left, and is that page's address;
// "" where there is none. again is a new click: then those that were tried are tried anew,
// once nothing else is left.
func (o *OptOut) page(ctx context.Context, id string, made run, again bool) (string, error) {
	for _, left := range []string{stateTodo, stateTried} {
		if left == stateTried && !again {
			break
		}
		for _, live := range o.Directory.All() {
			for _, origin := range live.Notice.Origins {
				place := placeOf(live, origin)
				if made.states[place] != left {
					continue
				}
				pass, err := o.Passes.Seal(passPage, live.Site.Key, o.Now().Add(runLasts), []byte(id+" "+origin))
				if err != nil {
					return "", err
				}
				return origin + "/" + optOutFragment + pass, o.Runs.MarkRun(ctx, id, map[string]string{place: stateTried}, o.Now())
			}
		}
	}
	return "", nil
}

// brought is an opt-out that the page of a site took out of its address.
type brought struct {
	run    string
	places map[string]string
}

// bring judges what a page of a site says to have brought. It fails with
// consent.ErrHandover unless this server sealed it for a page of that site just now.
// Which decision it makes is recorded under a name of its own, so that it makes one.
func (o *OptOut) bring(live *Live, origin, pass string) (*brought, error) {
	if o == nil {
		return nil, consent.ErrHandover
	}
	note, err := o.Passes.Open(passPage, live.Site.Key, pass)
	if err != nil {
		return nil, consent.ErrHandover
	}
	run, opened, ok := strings.Cut(string(note), " ")
	if !ok {
		return nil, consent.ErrHandover
	}
	// A site may lead from one of its origins to another: then the first has no page.
	return &brought{run, map[string]string{placeOf(live, opened): stateOut, placeOf(live, origin): stateOut}}, nil
}

// done says on the list that a site has recorded the opt-out.
func (o *OptOut) done(ctx context.Context, b *brought) error {
	return o.Runs.MarkRun(context.WithoutCancel(ctx), b.run, b.places, o.Now())
}

// Back answers GET /opt-out/back/:site/:pass, where a page leads once it has opted out: on
// to what is left, and in the end to the list. It changes nothing; what it leads to is
// the server's own word, sealed.
func (o *OptOut) Back(c echo.Context) error {
	r := c.Request()
	c.Response().Header().Set("Cache-Control", "private, no-store")
	if r.Method != http.MethodGet {
		return c.NoContent(http.StatusNoContent)
	}
	if dest := r.Header.Get("Sec-Fetch-Dest"); dest != "" && dest != "document" {
		return ErrForm
	}
	const list = "../../../opt-out"
	note, err := o.Passes.Open(passPage, c.Param("site"), c.Param("pass"))
	if err != nil {
		return c.Redirect(http.StatusSeeOther, list)
	}
	id, _, _ := strings.Cut(string(note), " ")
	made, ok, err := o.of(r.Context(), id)
	if err != nil {
		return err
	}
	if !ok {
		return c.Redirect(http.StatusSeeOther, list)
	}
	return o.onward(c, id, made, 1)
}
