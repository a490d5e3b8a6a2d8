package visitor

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
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
	// runLasts is how long results are remembered. Nothing in them says whose they are.
	runLasts = 10 * time.Minute
	// mostRuns bounds what is remembered at once.
	mostRuns = 4096
	// passLasts is how long an opt-out is on its way from one address to the next.
	passLasts = 2 * time.Minute
	// longestWay is how many addresses are gone through at once: browsers follow twenty
	// redirects (Fetch, "HTTP-redirect fetch").
	longestWay = 15
)

// A run is one opt-out on its way through the addresses of this server.
type run struct {
	on     bool
	home   string // address of this server's root where it began
	lang   string
	ends   time.Time
	states map[string]string // by site; never changed, only replaced
}

// runs are kept in memory: what a node forgets by stopping is what the visitor reads
// on the page, not what he did.
type runs struct {
	mu  sync.Mutex
	all map[string]run // guarded by mu
}

func (rs *runs) of(id string, now time.Time) (run, bool) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	r, ok := rs.all[id]
	return r, ok && now.Before(r.ends)
}

func (rs *runs) keep(id string, r run, now time.Time) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.all == nil {
		rs.all = map[string]run{}
	}
	if len(rs.all) >= mostRuns {
		for old, made := range rs.all {
			if !now.Before(made.ends) || len(rs.all) >= mostRuns {
				delete(rs.all, old)
			}
		}
	}
	rs.all[id] = r
}

// mark notes what an address did, for all sites that are reached by it.
func (rs *runs) mark(id string, sites []string, state string) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	r, ok := rs.all[id]
	if !ok {
		return
	}
	next := make(map[string]string, len(r.states))
	for site, before := range r.states {
		next[site] = before
	}
	for _, site := range sites {
		next[site] = state
	}
	r.states = next
	rs.all[id] = r
}

// begin remembers what was done where the visitor is, and what is left; the run's name
// is random.
func (o *OptOut) begin(r *http.Request, origin *url.URL, on bool, lang string) string {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails
	id, host := hex.EncodeToString(raw[:]), hostOfRequest(r, o.PublicURL)
	made := run{on: on, lang: lang, home: origin.Scheme + "://" + origin.Host + "/", ends: o.Now().Add(runLasts), states: map[string]string{}}
	if from, err := url.Parse(r.Referer()); err == nil && from.Scheme == origin.Scheme && from.Host == origin.Host && strings.HasSuffix(from.EscapedPath(), "/opt-out") {
		made.home = from.Scheme + "://" + from.Host + strings.TrimSuffix(from.EscapedPath(), "opt-out")
	}
	for _, live := range o.Directory.All() {
		switch at, _ := o.reach(live, host); at {
		case reachedHere:
			made.states[live.Site.Key] = stateOf(on, optedOut(r))
		case reachedThere:
			made.states[live.Site.Key] = stateTodo
		case reachedByItself:
		}
	}
	o.runs.keep(id, made, o.Now())
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

// Next answers GET /opt-out/next?run=…: it leads to the first address that is left.
func (o *OptOut) Next(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "private, no-store")
	id := c.QueryParam("run")
	made, ok := o.runs.of(id, o.Now())
	if !ok {
		return c.Redirect(http.StatusSeeOther, "../opt-out")
	}
	to, err := o.onward(id, made, hostOf(strings.TrimSuffix(made.home, "/")), 0)
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, to)
}

// onward is where a run goes next: to an address that has not been asked, or home.
func (o *OptOut) onward(id string, made run, home string, gone byte) (string, error) {
	if gone < longestWay {
		for _, live := range o.Directory.All() {
			at, address := o.reach(live, home)
			if at != reachedThere || made.states[live.Site.Key] != stateTodo && (made.states[live.Site.Key] != stateRefused || gone > 0) {
				continue
			}
			pass, err := o.Passes.Seal(passOptOut, address, o.Now().Add(passLasts), append([]byte{gone + 1}, id...))
			if err != nil {
				return "", err
			}
			return address + "/opt-out/take/" + pass, nil
		}
	}
	query := url.Values{"run": {id}}
	if made.lang != "" {
		query.Set("lang", made.lang)
	}
	return made.home + "opt-out?" + query.Encode(), nil
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
	made, ok := o.runs.of(id, o.Now())
	if !ok {
		return ErrForm
	}
	home := hostOf(strings.TrimSuffix(made.home, "/"))
	var sites []string
	for _, live := range o.Directory.All() {
		if at, by := o.reach(live, home); at == reachedThere && by == address {
			sites = append(sites, live.Site.Key)
		}
	}
	state := stateOf(made.on, optedOut(r))
	switch _, err := o.Passes.Use(r.Context(), passOptOut, address, c.Param("pass")); {
	case errors.Is(err, ErrPass):
		state = stateRefused
	case err != nil:
		return err
	case made.on:
		o.set(c, strings.HasPrefix(address, "https:"), optOutLasts)
	default:
		o.set(c, strings.HasPrefix(address, "https:"), -1)
	}
	if state != stateRefused || len(sites) > 0 && made.states[sites[0]] == stateTodo { // else it was done: somebody comes this way again
		o.runs.mark(id, sites, state)
	}
	made, _ = o.runs.of(id, o.Now())
	to, err := o.onward(id, made, home, note[0])
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, to)
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
