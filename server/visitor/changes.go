package visitor

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
)

// mostChanges bounds what one note lists.
const mostChanges = 8

// material lists the material changes among a policy's versions that are or were in force at a
// time, newest first. The first version changes nothing.
func material(all []policyversions.Version, at time.Time) (some []policyversions.Version) {
	for _, v := range all {
		standing, _ := policyversions.StandingOf(all, v.Number, at)
		came := standing.State == policyversions.InForce || standing.State == policyversions.Superseded
		if v.Material && v.Number > 1 && came && !v.From().After(at) {
			some = append(some, v)
		}
	}
	return some
}

// changed is the first whole second at which the newest material change was in
// force, Unix seconds; 0 if there was none. Who decided in the second before may
// have seen either text, and is told.
func (l *Live) changed() int64 {
	if len(l.changes) == 0 {
		return 0
	}
	return l.changes[0].From().Unix() + 1
}

// Changes tells visitors who decided under an earlier version what has changed.
type Changes struct{ Directory *Directory }

type changeJSON struct {
	Policy   string `json:"policy"`
	Number   int    `json:"number"`
	Title    string `json:"title"`
	From     int64  `json:"from"`  // Unix milliseconds: in force since
	Binds    int64  `json:"binds"` // Unix milliseconds: for those who decided before
	Summary  string `json:"summary"`
	Language string `json:"language"` // of Summary, BCP 47
	Address  string `json:"address"`  // from the server's root: what the note links to
}

// Get answers GET /v1/sites/{site}/changes?lang=de: the material changes of the
// site's policies, newest first. It is the same for everybody: which of them a
// visitor has not been told of, the page knows.
func (h *Changes) Get(c echo.Context) error {
	live, err := h.Directory.Live(c.Param("site"))
	if err != nil {
		return err
	}
	language := live.matcher.Match("", c.QueryParam("lang"))
	list := make([]changeJSON, 0, len(live.changes))
	for _, v := range live.changes {
		summary, in := v.SummaryIn(language)
		list = append(list, changeJSON{Policy: v.Policy, Number: v.Number, Title: v.Title, From: v.From().UnixMilli(), Binds: v.Binds().UnixMilli(),
			Summary: summary, Language: in, Address: "/policies/" + live.Site.Key + "/" + v.Policy + "/versions/" + strconv.Itoa(v.Number)})
	}
	body, err := json.Marshal(map[string]any{"changes": list})
	if err != nil {
		return fmt.Errorf("encode changes: %w", err)
	}
	header := c.Response().Header()
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Cross-Origin-Resource-Policy", "cross-origin")
	header.Set("Cache-Control", "public, max-age=60")
	return answerBytes(c, "application/json", body)
}
