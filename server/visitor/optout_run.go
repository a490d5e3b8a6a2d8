package visitor

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// What an opt-out came to at a site, as web.OptOutSite says it.
const (
	stateOut     = "out"
	stateAlready = "already"
	stateBack    = "back"
	stateIn      = "in"
	stateTodo    = "todo"
	stateRefused = "refused"
)

const (
	// runLasts is how long results are kept. Nothing in them says whose they are.
	runLasts = 10 * time.Minute
	// mostRuns bounds what is kept at once. Beyond that an opt-out counts where it was
	// made, and the rest is begun by another click.
	mostRuns = 4096
	// passLasts is how long an opt-out is on its way from one address to the next.
	passLasts = 2 * time.Minute
	// longestWay is how many addresses are gone through at once: browsers follow twenty
	// redirects (Fetch, "HTTP-redirect fetch").
	longestWay = 15
)

// A RunStore keeps opt-outs that are on their way, for all nodes of this server.
type RunStore interface {
	// KeepRun keeps a run by its random name until a time, and what it came to so far by
	// place; false where there are as many as most, and then it keeps nothing.
	KeepRun(ctx context.Context, id, run string, states map[string]string, until, now time.Time, most int) (kept bool, err error)
	// MarkRun says what a run came to at places. One that is over stays over.
	MarkRun(ctx context.Context, id string, states map[string]string, now time.Time) error
	// Run is a run and what it came to; false where there is none of that name any more.
	Run(ctx context.Context, id string, now time.Time) (run string, states map[string]string, ok bool, err error)
}

// A run is one opt-out on its way through the addresses of this server and the pages of
// its sites.
type run struct {
	On   bool   `json:"on"`
	Home string `json:"home"` // address of this server's root where it began
	Lang string `json:"lang,omitempty"`

	states map[string]string // by site, and by page of a site (placeOf)
}

// host is where it began.
func (r run) host() string { return hostOf(strings.TrimSuffix(r.Home, "/")) }

// of is the run of a name that somebody brought; false where there is none.
func (o *OptOut) of(ctx context.Context, id string) (made run, ok bool, err error) {
	if o.Runs == nil || id == "" {
		return run{}, false, nil
	}
	text, states, ok, err := o.Runs.Run(ctx, id, o.Now())
	if err != nil || !ok {
		return run{}, false, err
	}
	if err := json.Unmarshal([]byte(text), &made); err != nil {
		return run{}, false, fmt.Errorf("an opt-out on its way: %w", err)
	}
	made.states = states
	return made, true, nil
}

// begin keeps what was done where the visitor is, and what is left; the run's name is
// random, and "" where it could not be kept: what was done stands all the same.
func (o *OptOut) begin(r *http.Request, origin *url.URL, on bool, lang string) string {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails
	id, host := hex.EncodeToString(raw[:]), hostOfRequest(r, o.PublicURL)
	made, states := run{On: on, Lang: lang, Home: origin.Scheme + "://" + origin.Host + "/"}, map[string]string{}
	if from, err := url.Parse(r.Referer()); err == nil && from.Scheme == origin.Scheme && from.Host == origin.Host && strings.HasSuffix(from.EscapedPath(), "/opt-out") {
		made.Home = from.Scheme + "://" + from.Host + strings.TrimSuffix(from.EscapedPath(), "opt-out")
	}
	for _, live := range o.Directory.All() {
		switch at, _ := o.reach(live, host); at {
		case reachedHere:
			states[live.Site.Key] = stateOf(on, optedOut(r))
		case reachedThere:
			states[live.Site.Key] = stateTodo
		case reachedByItself:
			if on {
				o.ahead(r.Context(), live, states)
			}
		}
	}
	text, err := json.Marshal(made)
	if err != nil {
		return ""
	}
	if kept, err := o.Runs.KeepRun(r.Context(), id, string(text), states, o.Now().Add(runLasts), o.Now(), mostRuns); err != nil || !kept {
		return ""
	}
	return id
}

func stateOf(on, before bool) string {
	switch {
	case on && before:
		return stateAlready
	case on:
		return stateOut
	}
	return stateBack
}

// Next answers GET /opt-out/next?run=…: it leads to the first place that is left.
func (o *OptOut) Next(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "private, no-store")
	if c.Request().Method != http.MethodGet {
		return c.NoContent(http.StatusNoContent)
	}
	id := c.QueryParam("run")
	made, ok, err := o.of(c.Request().Context(), id)
	if err != nil {
		return err
	}
	if !ok {
		return c.Redirect(http.StatusSeeOther, "../opt-out")
	}
	return o.onward(c, id, made, 0)
}

// onward leads to where a run goes next: an address that has not been asked, a page that
// has not been opened, or home. gone is how many redirects that took so far; 0 is a new
// click, which tries again what was tried.
func (o *OptOut) onward(c echo.Context, id string, made run, gone byte) error {
	ctx, home := c.Request().Context(), made.host()
	if gone < longestWay {
		for _, live := range o.Directory.All() {
			at, address := o.reach(live, home)
			if at != reachedThere || made.states[live.Site.Key] != stateTodo && (made.states[live.Site.Key] != stateRefused || gone > 0) {
				continue
			}
			pass, err := o.Passes.Seal(passOptOut, address, o.Now().Add(passLasts), append([]byte{gone + 1}, id...))
			if err != nil {
				return err
			}
			return c.Redirect(http.StatusSeeOther, address+"/opt-out/take/"+pass)
		}
	}
	page, err := o.page(ctx, id, made, gone == 0)
	if err != nil {
		return err
	}
	if page != "" {
		return c.Redirect(http.StatusSeeOther, page)
	}
	query := url.Values{"run": {id}}
	if made.Lang != "" {
		query.Set("lang", made.Lang)
	}
	return c.Redirect(http.StatusSeeOther, made.Home+"opt-out?"+query.Encode())
}

// Take answers GET /opt-out/take/:pass at another address of this server, which the
// visitor's browser opens as a page: it sets the cookie there and leads on. A pass is
// for one address, counts once, and for two minutes; what it carries is the run's name.
func (o *OptOut) Take(c echo.Context) error {
	r := c.Request()
	c.Response().Header().Set("Cache-Control", "private, no-store")
	if mode := r.Header.Get("Sec-Fetch-Dest"); mode != "" && mode != "document" {
		return ErrForm // in a frame or a picture the cookie would be somebody else's
	}
	if r.Method != http.MethodGet {
		return c.NoContent(http.StatusNoContent) // whoever asks for the header alone uses nothing up
	}
	address, note, err := o.arrived(r, c.Param("pass"))
	if err != nil {
		return err
	}
	if len(note) < 2 {
		return ErrForm
	}
	id := string(note[1:])
	made, ok, err := o.of(r.Context(), id)
	if err != nil {
		return err
	}
	if !ok {
		return ErrForm
	}
	var sites []string
	for _, live := range o.Directory.All() {
		if at, by := o.reach(live, made.host()); at == reachedThere && by == address {
			sites = append(sites, live.Site.Key)
		}
	}
	state := stateOf(made.On, optedOut(r))
	switch _, err := o.Passes.Use(r.Context(), passOptOut, address, c.Param("pass")); {
	case errors.Is(err, ErrPass):
		state = stateRefused
	case err != nil:
		return err
	case made.On:
		o.set(c, strings.HasPrefix(address, "https:"), optOutLasts)
	default:
		o.set(c, strings.HasPrefix(address, "https:"), -1)
	}
	if state != stateRefused || len(sites) > 0 && made.states[sites[0]] == stateTodo { // else it was done: somebody comes this way again
		done := map[string]string{}
		for _, site := range sites {
			done[site], made.states[site] = state, state
		}
		if err := o.Runs.MarkRun(r.Context(), id, done, o.Now()); err != nil {
			return err
		}
	}
	return o.onward(c, id, made, note[0])
}

// arrived finds the address that a pass was made for, which must be the one it came to.
func (o *OptOut) arrived(r *http.Request, pass string) (address string, note []byte, _ error) {
	host := hostOfRequest(r, "")
	for _, address := range o.Addresses {
		if hostOf(address) != host {
			continue
		}
		if note, err := o.Passes.Open(passOptOut, address, pass); err == nil {
			return address, note, nil
		}
	}
	return "", nil, ErrForm
}
