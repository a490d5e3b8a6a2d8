package notice

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// File writes n as a notice file in TOML, which Parse reads back as n. What is as it
// would be anyway is left out, so that the file says what was chosen. The same
// notice gives the same text. Comments of a file it was read from are not in it.
func (n *Notice) File() string {
	w := &fileWriter{}
	w.text("site", n.Site, "")
	w.list("languages", n.Languages)
	w.list("origins", n.Origins)
	if !slices.Equal(n.Policies, []string{"privacy"}) {
		w.list("policies", n.Policies)
	}
	w.text("policy_url", n.PolicyURL, "")
	w.number("validity_months", n.Validity, defaultValidity)
	w.text("posture", n.Posture, postures[0])
	w.text("dnt", n.DNT, dnts[0])
	if plain := plainCategories(n.Categories); plain != nil {
		w.list("categories", plain)
	}
	if len(n.Policies) == 0 {
		w.line("policies = []")
	}
	w.controller(n.Controller)
	w.google(n)
	w.table("look", func() {
		w.look(n.Look, Look{Accent: defaultAccent, Position: positions[0], Theme: themes[0], Reopen: reopens[0], Radius: defaultRadius})
	})
	w.table("blocking", func() {
		w.text("mode", n.Blocking.Mode, blockings[0])
		w.text("unknown", n.Blocking.Unknown, unknowns[0])
		if len(n.Blocking.Allow) > 0 {
			w.list("allow", n.Blocking.Allow)
		}
	})
	w.table("age", func() { w.number("minimum", n.Age.Minimum, 0); w.flag("by_country", n.Age.ByCountry) })
	w.table("share", func() { w.flag("domains", n.Share.Domains) })
	if plainCategories(n.Categories) == nil {
		for _, c := range n.Categories {
			w.category(c)
		}
	}
	for _, o := range n.Overrides {
		w.header("[[override]]")
		w.text("region", o.Region, "*")
		w.text("category", o.Category, "*")
		w.text("model", o.Model, "")
	}
	for _, v := range n.Vendors {
		w.vendor(v)
	}
	for _, t := range n.Tags {
		w.header("[[tag]]")
		w.text("vendor", t.Vendor, "")
		w.text("kind", t.Kind, usualKind(t))
		w.text("src", t.Src, "")
		w.text("template", t.Template, "")
		w.text("id", t.ID, "")
	}
	for _, t := range n.Trials {
		w.header("[[trial]]")
		w.text("key", t.Key, "")
		w.number("percent", t.Percent, 0)
		w.table("trial.look", func() { w.look(t.Look, n.Look) })
		w.wording("trial.wording.", t.Wording)
	}
	w.wording("wording.", n.Wording)
	return w.b.String()
}

// plainCategories are the keys of categories that are all standard ones, as wordings
// have them; nil if one is not.
func plainCategories(all []Category) []string {
	keys := []string{}
	for _, c := range all {
		if !Standard(c.Key) || c.Like != c.Key || len(c.Label)+len(c.About) > 0 {
			return nil
		}
		keys = append(keys, c.Key)
	}
	return keys
}

// A fileWriter writes TOML. A header that nothing follows is not written.
type fileWriter struct {
	b       strings.Builder
	pending string // a header that waits for its first line
}

func (w *fileWriter) line(text string) {
	if w.pending != "" {
		w.b.WriteString("\n" + w.pending + "\n")
		w.pending = ""
	}
	w.b.WriteString(text + "\n")
}

// header begins an element of a list, which counts even if it is empty.
func (w *fileWriter) header(text string) { w.b.WriteString("\n" + text + "\n") }

// table writes a table, if there is something in it.
func (w *fileWriter) table(name string, inside func()) {
	w.pending = "[" + name + "]"
	inside()
	w.pending = ""
}

func (w *fileWriter) text(key, value, otherwise string) {
	if value != otherwise {
		w.line(key + " = " + tomlString(value))
	}
}

func (w *fileWriter) number(key string, value, otherwise int) {
	if value != otherwise {
		w.line(key + " = " + strconv.Itoa(value))
	}
}

func (w *fileWriter) flag(key string, on bool) {
	if on {
		w.line(key + " = true")
	}
}

func (w *fileWriter) list(key string, values []string) {
	if len(values) == 0 && key != "categories" {
		return
	}
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = tomlString(v)
	}
	w.line(key + " = [" + strings.Join(quoted, ", ") + "]")
}

// byLanguage writes a text by language in one line, languages in order.
func (w *fileWriter) byLanguage(key string, texts map[string]string) {
	if len(texts) == 0 {
		return
	}
	var parts []string
	for _, language := range slices.Sorted(maps.Keys(texts)) {
		parts = append(parts, tomlKey(language)+" = "+tomlString(texts[language]))
	}
	w.line(key + " = { " + strings.Join(parts, ", ") + " }")
}

func (w *fileWriter) controller(c Controller) {
	w.table("controller", func() {
		w.text("name", c.Name, "")
		w.text("address", c.Address, "")
		w.text("contact", c.Contact, "")
		w.text("establishment", c.Establishment, "")
	})
}

func (w *fileWriter) google(n *Notice) {
	w.table("google", func() {
		w.text("mode", n.Google.Mode, n.usualMode())
		w.number("wait_for_update", n.Google.WaitForUpdate, defaultWait)
		w.flag("ads_data_redaction", n.Google.AdsDataRedaction)
		w.flag("url_passthrough", n.Google.URLPassthrough)
	})
}

// look writes a look as far as it is not the usual one.
func (w *fileWriter) look(l, usual Look) {
	w.text("accent", l.Accent, usual.Accent)
	w.text("position", l.Position, usual.Position)
	w.text("theme", l.Theme, usual.Theme)
	w.text("reopen", l.Reopen, usual.Reopen)
	w.number("radius", l.Radius, usual.Radius)
	if l.Modal != usual.Modal {
		w.line("modal = " + strconv.FormatBool(l.Modal))
	}
	w.text("logo", l.Logo, usual.Logo)
}

func (w *fileWriter) category(c Category) {
	w.header("[[category]]")
	w.text("key", c.Key, "")
	like := Marketing
	if Standard(c.Key) {
		like = c.Key
	}
	w.text("like", c.Like, like)
	w.byLanguage("label", c.Label)
	w.byLanguage("about", c.About)
}

func (w *fileWriter) vendor(v Vendor) {
	w.header("[[vendor]]")
	w.text("key", v.Key, "")
	w.text("name", v.Name, "")
	w.text("category", v.Category, "")
	w.text("country", v.Country, "")
	w.text("policy_url", v.PolicyURL, "")
	w.list("hosts", v.Hosts)
	w.text("api", v.API, "")
	w.flag("reload", v.Reload)
	w.text("opt_out_url", v.OptOutURL, "")
	for _, s := range v.Entries {
		w.header("[[vendor.stores]]")
		w.text("name", s.Name, "")
		w.text("kind", s.Kind, kinds[0])
		w.text("duration", s.Duration, usualLifetime[s.Kind])
		w.byLanguage("purpose", s.Purpose)
		w.flag("http_only", s.HTTPOnly)
		w.flag("foreign", s.Foreign)
	}
}

func (w *fileWriter) wording(prefix string, all map[string]map[string]string) {
	for _, language := range slices.Sorted(maps.Keys(all)) {
		w.table(prefix+tomlKey(language), func() {
			for _, key := range slices.Sorted(maps.Keys(all[language])) {
				w.line(tomlKey(key) + " = " + tomlString(all[language][key]))
			}
		})
	}
}

// tomlKey is a key, quoted where TOML wants it.
func tomlKey(key string) string {
	if bare.MatchString(key) {
		return key
	}
	return tomlString(key)
}

// tomlString is a basic string of TOML.
func tomlString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
