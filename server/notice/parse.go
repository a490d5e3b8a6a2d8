package notice

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Parse reads a notice file, TOML or YAML by its name or else by its looks,
// fills in what is not said, and lints it. All mistakes are listed at once, in
// the order of the file. The notice is nil where one of them is an error; a
// notice that is there can be published. docs/notice-file.md describes the
// file.
func Parse(file []byte, name string) (*Notice, []Issue) {
	n, _, issues := read(file, name)
	if Failed(issues) {
		return nil, issues
	}
	return n, issues
}

// read reads a file. unread are the issues of what could not be understood; issues
// are those and Lint's, in the order of the file.
func read(file []byte, name string) (n *Notice, unread, issues []Issue) {
	r := &reader{source: readSource(file, name)}
	if len(r.root) == 0 && len(r.issues) > 0 {
		return nil, r.issues, r.issues
	}
	r.spell()
	n = r.notice()
	unread = slices.Clone(r.issues)
	for _, issue := range Lint(n) {
		if !within(issue.Path, unread) {
			issue.Line = r.line(issue.Path)
			r.issues = append(r.issues, issue)
		}
	}
	slices.SortStableFunc(r.issues, func(a, b Issue) int { return cmp.Compare(a.Line, b.Line) })
	return n, unread, few(r.issues)
}

// maxIssues is more than anybody mends at once.
const maxIssues = 500

// few keeps the errors and as many warnings as are worth reading. A file that
// is no notice at all has a mistake in every line.
func few(issues []Issue) []Issue {
	if len(issues) <= maxIssues {
		return issues
	}
	slices.SortStableFunc(issues, func(a, b Issue) int { return cmp.Compare(a.Severity, b.Severity) }) // errors first
	more := len(issues) - maxIssues
	return append(issues[:maxIssues:maxIssues], Issue{Severity: issues[maxIssues].Severity, What: fmt.Sprintf("%d more issues are not listed", more), Remedy: "mend these first"})
}

// A reader turns the values of a source into a notice. What it can't turn it
// blames, and goes on.
type reader struct{ *source }

// within reports whether a path, or what it stands in, could not be read
// anyway: that it is missing, as Lint would say, would mislead.
func within(path string, unread []Issue) bool {
	return slices.ContainsFunc(unread, func(i Issue) bool {
		return i.Path != "" && (path == i.Path || strings.HasPrefix(path, i.Path+".") || strings.HasPrefix(path, i.Path+"["))
	})
}

func (r *reader) blame(path, what, remedy string) { r.fail(path, r.line(path), what, remedy) }

// spell brings [[vendor]] and its like to their plural, with their lines.
func (r *reader) spell() {
	for one, many := range singular {
		value, ok := r.root[one]
		if !ok {
			continue
		}
		if _, both := r.root[many]; both {
			r.blame(one, fmt.Sprintf("stands beside %q, which means the same", many), "write all of them under one of the two")
			delete(r.root, one)
			continue
		}
		delete(r.root, one)
		r.root[many] = value
		for _, path := range slices.Collect(maps.Keys(r.lines)) {
			if rest, ok := strings.CutPrefix(path, one); ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
				r.lines[many+rest] = r.lines[path]
			}
		}
	}
}

func (r *reader) notice() *Notice {
	n := &Notice{
		Schema:    Schema,
		Site:      r.text(r.root, "", "site", ""),
		Languages: r.list(r.root, "", "languages", nil),
		Origins:   r.list(r.root, "", "origins", nil),
		Policies:  r.list(r.root, "", "policies", []string{"privacy"}),
		PolicyURL: r.text(r.root, "", "policy_url", ""),
		Validity:  r.number(r.root, "", "validity_months", defaultValidity),
		Posture:   r.text(r.root, "", "posture", postures[0]),
		DNT:       r.text(r.root, "", "dnt", dnts[0]),
	}
	r.known(r.root, "", "")
	n.Controller = r.controller()
	n.Look = r.look()
	n.Blocking = r.blocking()
	n.Age = r.age()
	n.Share = Share{Domains: r.flag(r.table("share"), "share", "domains")}
	n.Vendors = r.vendors(n.Languages)
	n.Categories = r.categories(n)
	for path, t := range r.tables("overrides") {
		n.Overrides = append(n.Overrides, Override{
			Region:   r.text(t, path, "region", "*"),
			Category: r.text(t, path, "category", "*"),
			Model:    r.text(t, path, "model", ""),
		})
	}
	for path, t := range r.tables("tags") {
		tag := Tag{Vendor: r.text(t, path, "vendor", ""), Src: r.text(t, path, "src", ""), Template: r.text(t, path, "template", ""), ID: r.text(t, path, "id", "")}
		tag.Kind = r.text(t, path, "kind", usualKind(tag))
		if known, ok := templateNamed(tag.Template); ok {
			tag.Template = known.Name
			tag.Vendor = cmp.Or(tag.Vendor, known.Vendor.Key)
		}
		n.Tags = append(n.Tags, tag)
	}
	n.Google = r.google(n.usualMode())
	n.Trials = r.trials(n.Look)
	n.Wording = r.wording()
	return n.complete()
}

func (r *reader) controller() Controller {
	t := r.table("controller")
	return Controller{
		Name:          r.text(t, "controller", "name", ""),
		Address:       r.text(t, "controller", "address", ""),
		Contact:       r.text(t, "controller", "contact", ""),
		Establishment: r.text(t, "controller", "establishment", ""),
	}
}

func (r *reader) google(usual string) Google {
	t := r.table("google")
	return Google{
		Mode:             r.text(t, "google", "mode", usual),
		WaitForUpdate:    r.number(t, "google", "wait_for_update", defaultWait),
		AdsDataRedaction: r.flag(t, "google", "ads_data_redaction"),
		URLPassthrough:   r.flag(t, "google", "url_passthrough"),
	}
}

func (r *reader) look() Look {
	return r.lookOf(r.table("look"), "look", Look{Accent: defaultAccent, Position: positions[0], Theme: themes[0], Reopen: reopens[0], Radius: defaultRadius})
}

// lookOf reads a look; what it does not say is as in otherwise.
func (r *reader) lookOf(t map[string]any, path string, otherwise Look) Look {
	look := Look{
		Accent:   strings.ToLower(r.text(t, path, "accent", otherwise.Accent)),
		Position: r.text(t, path, "position", otherwise.Position),
		Theme:    r.text(t, path, "theme", otherwise.Theme),
		Reopen:   r.text(t, path, "reopen", otherwise.Reopen),
		Radius:   r.number(t, path, "radius", otherwise.Radius),
		Modal:    otherwise.Modal,
		Logo:     r.text(t, path, "logo", otherwise.Logo),
	}
	if _, said := t["modal"]; said {
		look.Modal = r.flag(t, path, "modal")
	}
	return look
}

func (r *reader) blocking() Blocking {
	t := r.table("blocking")
	return Blocking{
		Mode:    r.text(t, "blocking", "mode", blockings[0]),
		Unknown: r.text(t, "blocking", "unknown", unknowns[0]),
		Allow:   r.list(t, "blocking", "allow", nil),
	}
}

func (r *reader) age() Age {
	t := r.table("age")
	return Age{Minimum: r.number(t, "age", "minimum", 0), ByCountry: r.flag(t, "age", "by_country")}
}

// trials reads them; a trial looks as the notice does but for what it says.
func (r *reader) trials(usual Look) []Trial {
	var list []Trial
	for path, t := range r.tables("trials") {
		trial := Trial{Key: r.text(t, path, "key", ""), Percent: r.number(t, path, "percent", 0), Look: usual}
		switch look := t["look"].(type) {
		case nil:
		case map[string]any:
			r.known(look, member(path, "look"), "look")
			trial.Look = r.lookOf(look, member(path, "look"), usual)
		default:
			r.blame(member(path, "look"), "is not a table", "write its keys as in [look]")
		}
		trial.Wording = r.wordingOf(t, member(path, "wording"))
		list = append(list, trial)
	}
	return list
}

// shortTag reads a tag in one line: "GA4 G-XXXXXXXXXX", or "GA4 G-XXXXXXXXXX my-vendor"
// where the vendor's key is not the template's own.
func shortTag(line string) map[string]any {
	t := map[string]any{}
	for i, word := range strings.Fields(line) {
		switch i {
		case 0:
			t["template"] = word
		case 1:
			t["id"] = word
		case 2:
			t["vendor"] = word
		default: // a key has no blanks: what is too much is found to be no vendor
			t["vendor"] = line
		}
	}
	return t
}

// usualKind is that of a tag which does not say it.
func usualKind(t Tag) string {
	if t.Template != "" {
		return "template"
	}
	return tagKinds[0]
}

// categories reads them; where none is given, they are necessary and those
// standard ones that vendors name.
func (r *reader) categories(n *Notice) []Category {
	if _, given := r.root["categories"]; !given {
		list := []Category{{Key: Necessary, Like: Necessary}}
		for _, key := range likes[1:] {
			if slices.ContainsFunc(n.Vendors, func(v Vendor) bool { return v.Category == key }) {
				list = append(list, Category{Key: key, Like: key})
			}
		}
		return list
	}
	var list []Category
	for path, t := range r.tables("categories") {
		c := Category{Key: r.text(t, path, "key", "")}
		like := Marketing // the strictest: who does not say what it is like gets the most asked
		if Standard(c.Key) {
			like = c.Key
		}
		c.Like = r.text(t, path, "like", like)
		c.Label = r.byLanguage(t, path, "label", n.Languages)
		c.About = r.byLanguage(t, path, "about", n.Languages)
		list = append(list, c)
	}
	return list
}

func (r *reader) vendors(languages []string) []Vendor {
	var list []Vendor
	for path, t := range r.tables("vendors") {
		v := Vendor{
			Key:       r.text(t, path, "key", ""),
			Name:      r.text(t, path, "name", ""),
			Category:  r.text(t, path, "category", ""),
			Country:   r.text(t, path, "country", ""),
			PolicyURL: r.text(t, path, "policy_url", ""),
			Hosts:     r.list(t, path, "hosts", nil),
			API:       r.text(t, path, "api", ""),
			Reload:    r.flag(t, path, "reload"),
			OptOutURL: r.text(t, path, "opt_out_url", ""),
		}
		for at, s := range r.tablesIn(t, path, "stores") {
			kind := r.text(s, at, "kind", kinds[0])
			v.Entries = append(v.Entries, Stored{
				Name:     r.text(s, at, "name", ""),
				Kind:     kind,
				Duration: r.text(s, at, "duration", usualLifetime[kind]),
				Purpose:  r.byLanguage(s, at, "purpose", languages),
				HTTPOnly: r.flag(s, at, "http_only"),
				Foreign:  r.flag(s, at, "foreign"),
			})
		}
		list = append(list, v)
	}
	return list
}

// usualLifetime is what a kind of storage does where nothing else is said; of
// a cookie it must be said.
var usualLifetime = map[string]string{"local": "persistent", "session": "session", "indexeddb": "persistent", "cache": "persistent", "worker": "persistent"}

func (r *reader) wording() map[string]map[string]string {
	return r.wordingOf(r.root, "wording")
}

// wordingOf reads the texts under the key "wording" of a table.
func (r *reader) wordingOf(t map[string]any, section string) map[string]map[string]string {
	all := map[string]map[string]string{}
	given, ok := t["wording"].(map[string]any)
	if _, there := t["wording"]; there && !ok {
		r.blame(section, "is not a table", "write its keys under ["+section+"]")
	}
	for _, language := range slices.Sorted(maps.Keys(given)) {
		path := member(section, language)
		texts, ok := given[language].(map[string]any)
		if !ok {
			r.blame(path, "is not a table", "write the texts of each language by themselves, as in [wording.de]")
			continue
		}
		all[language] = map[string]string{}
		for _, key := range slices.Sorted(maps.Keys(texts)) {
			all[language][key] = r.text(texts, path, key, "")
		}
	}
	return all
}

// known blames the keys of a table that mean nothing.
func (r *reader) known(t map[string]any, path, section string) {
	for _, key := range slices.Sorted(maps.Keys(t)) {
		if slices.Contains(fileKeys[section], key) {
			continue
		}
		what := fmt.Sprintf("%q is not a key of a notice file", clip(key))
		if section != "" {
			what = fmt.Sprintf("%q is not a key of %s", clip(key), section)
		}
		var remedy string
		switch other, ok := otherSection(section, key); {
		case ok && other == "": // in TOML, whatever follows a [table] is the table's
			remedy = "move it to the top of the file, before the first [table]"
		case Nearest(key, fileKeys[section]) != "":
			remedy = fmt.Sprintf("did you mean %q?", Nearest(key, fileKeys[section]))
		case ok:
			remedy = "it belongs to " + other
		default:
			remedy = "leave it out, or write " + suggest(key, fileKeys[section])
		}
		r.blame(member(path, key), what, remedy)
	}
}

// table is a top-level table, empty if it is not there.
func (r *reader) table(key string) map[string]any {
	switch t := r.root[key].(type) {
	case map[string]any:
		r.known(t, key, key)
		return t
	case nil:
	default:
		r.blame(key, "is not a table", "write its keys under ["+key+"]")
	}
	return nil
}

// tables goes through a list of tables at the top of the file, with their paths.
func (r *reader) tables(section string) iter.Seq2[string, map[string]any] {
	return r.tablesIn(r.root, "", section)
}

func (r *reader) tablesIn(parent map[string]any, path, section string) iter.Seq2[string, map[string]any] {
	path = member(path, section)
	var list []any
	switch v := parent[section].(type) {
	case nil:
	case []any:
		list = v
	default:
		r.blame(path, "is not a list", "write one table for each")
	}
	return func(yield func(string, map[string]any) bool) {
		for i, element := range list {
			at := fmt.Sprintf("%s[%d]", path, i)
			t, ok := element.(map[string]any)
			if key, short := element.(string); short && section == "categories" {
				t, ok = map[string]any{"key": key}, true
			} else if short && section == "tags" {
				t, ok = shortTag(key), true
			}
			if !ok {
				r.blame(at, "is not a table", "write its keys and values")
				t = map[string]any{}
			}
			r.known(t, at, section)
			if !yield(at, t) {
				return
			}
		}
	}
}

// text is a text in one line, without what keyboards and line breaks add.
func (r *reader) text(t map[string]any, path, key, otherwise string) string {
	switch v := t[key].(type) {
	case nil:
	case string:
		return tidy(v)
	default:
		r.blame(member(path, key), "is not a text", `write it in quotes`)
	}
	return otherwise
}

// tidy brings a text to normalization form C and every run of blanks and line
// breaks to one space. Spaces of other kinds mean something and stay.
func tidy(s string) string {
	words := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" \t\r\n", r) })
	return norm.NFC.String(strings.Join(words, " "))
}

func (r *reader) list(t map[string]any, path, key string, otherwise []string) []string {
	at := member(path, key)
	switch v := t[key].(type) {
	case nil:
		return otherwise
	case string: // one alone needs no brackets
		return []string{tidy(v)}
	case []any:
		texts := make([]string, 0, len(v))
		for i, element := range v {
			text, ok := element.(string)
			if !ok {
				r.blame(fmt.Sprintf("%s[%d]", at, i), "is not a text", "write it in quotes")
			}
			texts = append(texts, tidy(text))
		}
		return texts
	}
	r.blame(at, "is not a list", `write a list of texts, such as ["one", "two"]`)
	return otherwise
}

func (r *reader) number(t map[string]any, path, key string, otherwise int) int {
	switch v := t[key].(type) {
	case nil:
	case int64:
		return int(max(math.MinInt32, min(v, math.MaxInt32)))
	default:
		r.blame(member(path, key), "is not a whole number", fmt.Sprintf("write digits without quotes, such as %d", otherwise))
	}
	return otherwise
}

func (r *reader) flag(t map[string]any, path, key string) bool {
	switch v := t[key].(type) {
	case nil:
	case bool:
		return v
	default:
		r.blame(member(path, key), "is neither true nor false", "write true or false, without quotes")
	}
	return false
}

// byLanguage is a text by language. A text alone is in the notice's first.
func (r *reader) byLanguage(t map[string]any, path, key string, languages []string) map[string]string {
	texts := map[string]string{}
	switch v := t[key].(type) {
	case nil:
	case string:
		if len(languages) > 0 {
			texts[languages[0]] = tidy(v)
		}
	case map[string]any:
		for _, language := range slices.Sorted(maps.Keys(v)) {
			texts[language] = r.text(v, member(path, key), language, "")
		}
	default:
		r.blame(member(path, key), "is not a text", `write a text in quotes, or one for each language, such as { en = "…", de = "…" }`)
	}
	return texts
}
