package bundle

import (
	"bytes"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"
	"time"
)

//go:embed pages/README.txt
var readmeText string

var readmePage = template.Must(template.New("readme").Parse(readmeText))

// readme is README.txt: for somebody who has to judge, and has never heard of us.
func (e *evidence) readme(f Files) ([]byte, error) {
	c := e.core
	at := func(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05 UTC") }
	data := map[string]any{
		"ID": c.ID, "Site": c.Site, "Controller": c.Controller.Name, "Asked": at(c.TokenFrom), "Given": at(c.GivenAt), "Received": at(c.ReceivedAt),
		"State": c.State, "Action": c.Action, "Surface": c.Surface, "Basis": c.Basis, "Language": c.Language, "Region": c.Region, "Source": c.RegionSource,
		"Law": fmt.Sprintf("%s, %s; row %s of the table of %s", e.law.Name, e.law.Law, c.Law, c.LawTable), "Replay": nameReplay,
		"Page": e.page(f), "Token": f[nameToken] != nil, "Told": e.told(), "Boot": !e.page(f), "Minimised": e.minimised,
		"Unbound": false, "Key": e.keyID, "Origin": e.origin, "Size": e.size,
		"Browser": "told apart from others by a random number alone",
	}
	if e.minimised {
		data["Browser"] = "not told apart from others: that half of the record was removed"
	}
	var categories, policies []string
	for _, key := range slices.Sorted(maps.Keys(c.Categories)) {
		categories = append(categories, fmt.Sprintf("%s: %s (the law asks for: %s)", key, strings.ReplaceAll(string(c.Categories[key]), "_", " "), c.Models[key]))
	}
	for _, key := range slices.Sorted(maps.Keys(c.Policies)) {
		p := c.Policies[key]
		policies = append(policies, fmt.Sprintf("%s, version %d, in force since %s", key, p.Number, at(p.Effective)))
	}
	for _, p := range e.policies {
		if p.chain[len(p.chain)-1].Original == "" {
			data["Unbound"] = true
		}
	}
	var open []string
	if !e.page(f) {
		open = e.boot("").Open
	}
	if e.told() {
		open = append(open, "Which of the changes the visitor had read of before: the note told at most of those in derived/changes.json")
	}
	data["Categories"], data["Policies"], data["Open"] = categories, policies, wrap(open)
	var b bytes.Buffer
	if err := readmePage.Execute(&b, data); err != nil {
		return nil, fmt.Errorf("readme: %w", err)
	}
	return b.Bytes(), nil
}

// wrap breaks paragraphs of a list into lines of 78 characters.
func wrap(all []string) []string {
	out := make([]string, 0, len(all))
	for _, text := range all {
		var b strings.Builder
		width := 2
		for i, word := range strings.Fields(text) {
			switch n := len([]rune(word)); {
			case i == 0:
				width += n
			case width+1+n > 78:
				b.WriteString("\n  ")
				width = 2 + n
			default:
				b.WriteByte(' ')
				width += 1 + n
			}
			b.WriteString(word)
		}
		out = append(out, b.String())
	}
	return out
}
