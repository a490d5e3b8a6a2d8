package request

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
)

// ExportSchema is the value of the "schema" field of data.json in what is handed over.
const ExportSchema = "held-data/v1"

// exported is data.json: all that this server holds about whoever asked.
type exported struct {
	Schema     string            `json:"schema"`
	Site       string            `json:"site"`
	Controller string            `json:"controller"`
	Made       string            `json:"made"`     // RFC 3339
	Receipts   []json.RawMessage `json:"receipts"` // as docs/wire.md has them; each verifies by itself
	Requests   []exportedRequest `json:"requests"`
	Statistics string            `json:"statistics"`
}

type exportedRequest struct {
	ID       string         `json:"id"`
	Kind     Kind           `json:"kind"`
	State    State          `json:"state"`
	Received string         `json:"received"`
	Due      string         `json:"due"`
	Address  string         `json:"address,omitempty"`
	Steps    []exportedStep `json:"steps"`
}

type exportedStep struct {
	At   string `json:"at"`
	What What   `json:"what"`
	Text string `json:"text,omitempty"`
}

const saysOfStatistics = "Statistics of this server are counts by day. They name nobody and can't be taken apart by person."

// copy makes the zip that is handed over: data.json, every receipt as a file of its own,
// and a page for people.
func (s *Service) copy(ctx context.Context, r Request, held []*consent.Entry) (*File, error) {
	where, err := s.Sites.Site(ctx, r.Site)
	if err != nil {
		return nil, err
	}
	data := exported{Schema: ExportSchema, Site: r.Site, Controller: where.Name, Made: s.now().Format(time.RFC3339), Statistics: saysOfStatistics,
		Receipts: []json.RawMessage{}, Requests: []exportedRequest{}}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	put := func(name string, content []byte) error {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: s.now()})
		if err == nil {
			_, err = w.Write(content)
		}
		return err
	}
	for _, e := range held {
		receipt, err := consent.EncodeReceipt(e)
		if err != nil {
			return nil, err
		}
		data.Receipts = append(data.Receipts, receipt)
		if err := put("receipts/"+e.ReceiptID+".json", receipt); err != nil {
			return nil, err
		}
	}
	if data.Requests, err = s.exportRequests(ctx, r, held); err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(data, "", "  ")
	if err != nil {
		return nil, err
	}
	page, err := s.page(r, data, held, where.Location())
	if err != nil {
		return nil, err
	}
	for name, content := range map[string][]byte{"data.json": text, "index.html": page} {
		if err := put(name, content); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return &File{Name: "data-" + r.Site + "-" + r.ID + ".zip", Sealed: s.Seals.Seal("file "+r.ID, b.Bytes()), Until: s.now().Add(fileLasts)}, nil
}

// exportRequests are this request and the others by the same receipts.
func (s *Service) exportRequests(ctx context.Context, r Request, held []*consent.Entry) ([]exportedRequest, error) {
	all, err := s.Store.OfReceipts(ctx, r.Site, append(idsOf(held), r.Receipts...))
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(all, func(o Request) bool { return o.ID == r.ID }) {
		all = append(all, r)
	}
	out := make([]exportedRequest, 0, len(all))
	for _, o := range all {
		x := exportedRequest{ID: o.ID, Kind: o.Kind, State: o.State, Received: o.ReceivedAt.UTC().Format(time.RFC3339), Due: o.Due.UTC().Format(time.RFC3339)}
		if x.Address, err = s.Address(o); err != nil {
			return nil, err
		}
		steps, err := s.Store.Steps(ctx, o.ID)
		if err != nil {
			return nil, err
		}
		for _, step := range steps {
			said, err := s.Said(o, step)
			if err != nil {
				return nil, err
			}
			if step.What.Visible() {
				x.Steps = append(x.Steps, exportedStep{step.At.UTC().Format(time.RFC3339), step.What, said})
			}
		}
		out = append(out, x)
	}
	return out, nil
}

// page is index.html: one file that needs no other, in the visitor's language.
func (s *Service) page(r Request, data exported, held []*consent.Entry, zone *time.Location) ([]byte, error) {
	w := &writing{words: s.Words, lang: r.Language}
	title := w.say("req_export_title", "site", data.Controller)
	w.put(`<!doctype html><html lang="` + html.EscapeString(r.Language) + `" dir="` + s.Words.Direction(r.Language) + `"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">` +
		`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><title>` + title + `</title>` +
		`<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}table{border-collapse:collapse;width:100%}td,th{text-align:start;vertical-align:top;padding:.4rem;border-bottom:1px solid gray}code{overflow-wrap:anywhere}div{overflow-x:auto}</style>` +
		`<h1>` + title + `</h1><p>` + w.say("req_export_what") + `</p><p><time>` + data.Made + `</time></p>`)
	if len(held) == 0 {
		w.put(`<p>` + w.say("req_done_nothing") + `</p>`)
	} else {
		w.put(`<div><table>`)
		for _, e := range held {
			core, err := consent.ParseCore(e.Core)
			if err != nil {
				return nil, err
			}
			w.put(`<tr><th scope="row">` + time.UnixMilli(core.GivenAt).In(zone).Format("2006-01-02 15:04 MST") + `</th><td>` + choicesSaid(core) +
				`</td><td>` + html.EscapeString(core.Language+" · "+core.Region+" · "+core.Law) + `</td><td><code>` + html.EscapeString(policiesSaid(core)) +
				`</code></td><td><a href="receipts/` + e.ReceiptID + `.json"><code>` + e.ReceiptID + `</code></a></td></tr>`)
		}
		w.put(`</table></div>`)
	}
	for _, o := range data.Requests {
		w.put(`<h2>` + w.say("req_one", "id", o.ID) + `</h2><p>` + w.say("req_"+name(o.Kind)) + `</p><ul>`)
		for _, step := range o.Steps {
			w.put(`<li><time>` + step.At + `</time> ` + w.say("req_step_"+strings.ReplaceAll(string(step.What), "-", "_")))
			if step.Text != "" {
				w.put(`<blockquote dir="auto" style="white-space:pre-wrap">` + html.EscapeString(step.Text) + `</blockquote>`)
			}
			w.put(`</li>`)
		}
		w.put(`</ul>`)
	}
	w.put(`<p>` + w.say("req_done_statistics") + `</p></html>`)
	return w.b.Bytes(), w.err
}

// name is a kind as keys of words have it.
func name(k Kind) string { return strings.ReplaceAll(string(k), "-", "_") }

// writing puts a page together; the first error stays.
type writing struct {
	b     bytes.Buffer
	words Words
	lang  string
	err   error
}

func (w *writing) put(s string) { w.b.WriteString(s) }

// say is a text of our words, escaped.
func (w *writing) say(key string, pairs ...string) string {
	text, err := w.words.Text(w.lang, key, pairs...)
	if err != nil && w.err == nil {
		w.err = err
	}
	return html.EscapeString(text)
}

func choicesSaid(core consent.Core) string {
	var all []string
	for _, list := range []map[string]consent.Choice{core.Categories, core.Vendors} {
		for _, key := range slices.Sorted(maps.Keys(list)) {
			all = append(all, html.EscapeString(fmt.Sprintf("%s: %s", key, list[key])))
		}
	}
	return strings.Join(all, "<br>")
}

func policiesSaid(core consent.Core) string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(core.Policies)) {
		p := core.Policies[key]
		all = append(all, fmt.Sprintf("%s %d (%s)", key, p.Number, p.Digest.Short()))
	}
	return strings.Join(all, ", ")
}
