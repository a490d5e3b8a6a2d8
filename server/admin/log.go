package admin

import (
	"encoding/csv"
	"encoding/json"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/web/console"
)

func (c *Console) logRoutes() []Route {
	var all []Route
	for _, base := range []string{"/admin/log", "/admin/sites/:site/log"} {
		all = append(all,
			Route{Method: http.MethodGet, Path: base, Right: operator.ReadLog, Handle: c.showLog},
			Route{Method: http.MethodGet, Path: base + "/acts.csv", Right: operator.ReadLog, Handle: c.exportCSV},
			Route{Method: http.MethodGet, Path: base + "/acts.json", Right: operator.ReadLog, Handle: c.exportJSON},
		)
	}
	return all
}

const logPage = 50

// logQuery is what a page of the log asks for. On a site's log it is that site's,
// whatever the form says.
func (c *Console) logQuery(d *Desk) operator.ActQuery {
	q := operator.ActQuery{Operator: d.QueryParam("operator"), What: d.QueryParam("what"), Most: logPage}
	switch key := d.QueryParam("of"); {
	case d.Site.Key != "":
		q.Sites = []string{d.Site.Key}
	case key == "-":
		q.Sites = []string{""}
	case key != "":
		q.Sites = []string{key}
	}
	q.Below, _ = strconv.ParseInt(d.QueryParam("below"), 10, 64) // anything else is the newest
	return q
}

// actors are operators' by id, and those of others who act.
func (c *Console) actors(d *Desk) (map[string]string, error) {
	all, err := c.Operators.Operators(d.Request().Context())
	if err != nil {
		return nil, err
	}
	names := map[string]string{"cli": "command line"}
	for _, o := range all {
		names[o.ID] = o.Name
	}
	return names, nil
}

func nameIn(names map[string]string, id string) string {
	if name, ok := names[id]; ok {
		return name
	}
	return id
}

// showLog answers GET /admin/log and /admin/sites/:site/log.
func (c *Console) showLog(d *Desk) error {
	ctx, q := d.Request().Context(), c.logQuery(d)
	acts, err := c.Operators.Acts(ctx, q)
	if err != nil {
		return err
	}
	names, err := c.actors(d)
	if err != nil {
		return err
	}
	page := &console.Log{Who: q.Operator, What: q.What, Of: d.QueryParam("of"), OneSite: d.Site.Key != "", Base: strings.TrimPrefix(d.Request().URL.Path, "/"), Kinds: kinds}
	page.Title, page.Sub = "Log", "What operators and programs did. Nothing here can be changed or taken back."
	filter := url.Values{}
	for _, name := range []string{"operator", "what", "of"} {
		if v := d.QueryParam(name); v != "" {
			filter.Set(name, v)
		}
	}
	page.Query = template.URL(filter.Encode()) //nolint:gosec // encoded
	for _, a := range acts {
		page.List = append(page.List, console.LogRow{At: a.At, Who: nameIn(names, a.Operator), Site: a.Site, What: a.What, Object: a.Object, Detail: a.Detail})
	}
	if len(acts) == logPage {
		filter.Set("below", strconv.FormatInt(acts[len(acts)-1].Seq, 10))
		page.Older = template.URL(filter.Encode()) //nolint:gosec // encoded
	}
	if !page.OneSite { // who else works here is the server's business
		all, err := c.Operators.Operators(ctx)
		if err != nil {
			return err
		}
		for _, o := range all {
			page.People = append(page.People, console.LogChoice{Key: o.ID, Label: o.Name, Chosen: o.ID == q.Operator})
		}
		sites, err := c.Sites.Sites(ctx)
		if err != nil {
			return err
		}
		for _, s := range sites {
			page.OfSites = append(page.OfSites, console.LogChoice{Key: s.Key, Label: s.Name, Chosen: s.Key == page.Of})
		}
	}
	return d.Show(page)
}

// kinds are the nouns that acts begin with.
var kinds = []console.LogChoice{
	{Key: "session.", Label: "sign-in and sign-out"}, {Key: "passkey.", Label: "passkeys"}, {Key: "password.", Label: "passwords"},
	{Key: "codes.", Label: "codes"}, {Key: "recovery-code.", Label: "recovery codes"}, {Key: "operator.", Label: "operators"}, {Key: "token.", Label: "tokens"},
	{Key: "site.", Label: "sites"}, {Key: "policy.", Label: "policies"}, {Key: "draft.", Label: "drafts"}, {Key: "notice.", Label: "banners"}, {Key: "receipt.", Label: "receipts"}, {Key: "request.", Label: "requests"}, {Key: "webhook.", Label: "webhooks"},
}

// eachAct calls do for every act of a query, newest first, page by page, so that a
// long log is never in memory at once.
func (c *Console) eachAct(d *Desk, do func(operator.Act) error) error {
	q := c.logQuery(d)
	q.Most = 500
	for {
		acts, err := c.Operators.Acts(d.Request().Context(), q)
		if err != nil {
			return err
		}
		for _, a := range acts {
			if err := do(a); err != nil {
				return err
			}
		}
		if len(acts) < q.Most {
			return nil
		}
		q.Below = acts[len(acts)-1].Seq
	}
}

// export begins an answer that is a file.
func (d *Desk) export(kind, name string) io.Writer {
	h := d.Response().Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "sandbox")
	d.Response().WriteHeader(http.StatusOK)
	return d.Response()
}

// exportCSV answers GET /admin/log/acts.csv.
func (c *Console) exportCSV(d *Desk) error {
	names, err := c.actors(d)
	if err != nil {
		return err
	}
	w := csv.NewWriter(d.export("text/csv; charset=utf-8", "acts.csv"))
	if err := w.Write([]string{"number", "at", "who", "id", "site", "what", "object", "detail"}); err != nil {
		return err
	}
	err = c.eachAct(d, func(a operator.Act) error {
		row := []string{strconv.FormatInt(a.Seq, 10), a.At.UTC().Format(time.RFC3339Nano), nameIn(names, a.Operator), a.Operator, a.Site, a.What, a.Object, a.Detail}
		for i := range row {
			row[i] = PlainCell(row[i])
		}
		return w.Write(row)
	})
	w.Flush()
	if err == nil {
		err = w.Error()
	}
	return err
}

// PlainCell is a cell of CSV that no spreadsheet takes for a formula (OWASP, CSV
// injection): one that begins like one gets an apostrophe before it.
func PlainCell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// exportJSON answers GET /admin/log/acts.json: one array, one act a line.
func (c *Console) exportJSON(d *Desk) error {
	names, err := c.actors(d)
	if err != nil {
		return err
	}
	w := d.export("application/json", "acts.json")
	before := "[\n"
	err = c.eachAct(d, func(a operator.Act) error {
		b, err := json.Marshal(map[string]any{"number": a.Seq, "at": a.At.UnixMilli(), "who": nameIn(names, a.Operator), "operator": a.Operator,
			"site": a.Site, "what": a.What, "object": a.Object, "detail": a.Detail})
		if err != nil {
			return err
		}
		_, err = io.WriteString(w, before+string(b))
		before = ",\n"
		return err
	})
	if err != nil {
		return err
	}
	if before == "[\n" {
		_, err = io.WriteString(w, "[]\n")
		return err
	}
	_, err = io.WriteString(w, "\n]\n")
	return err
}
