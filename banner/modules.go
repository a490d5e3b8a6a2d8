package banner

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/catalogue"
	"github.com/volenti-consent/volenti/server/notice"
)

// month is how long a month of validity lasts in the page, in seconds: 30
// days, so that the page never believes a decision longer than the server does.
const month = 30 * 24 * 60 * 60

// facts are what the scripts of all languages have in common.
type facts struct {
	notice   *notice.Notice
	digest   canonical.Digest
	category map[string]int // index by key
	like     string
	unasked  string // choices that answer nothing
	optional int    // vendors that a visitor can refuse
	rules    string // volenti:rules
}

var likeLetter = map[string]byte{"necessary": 'n', "preferences": 'p', "analytics": 'a', "marketing": 'm'}

func factsOf(n *notice.Notice) (*facts, error) {
	if len(n.Languages) == 0 {
		return nil, errors.New("languages: none given; name at least one")
	}
	if len(n.Policies) == 0 {
		return nil, errors.New("policies: none given; the banner must link to one")
	}
	encoded, err := n.Encode()
	if err != nil {
		return nil, err
	}
	f := &facts{notice: n, digest: canonical.Sum(encoded), category: make(map[string]int, len(n.Categories))}
	for i, c := range n.Categories {
		letter, ok := likeLetter[c.Like]
		if !ok {
			return nil, fmt.Errorf("categories[%d].like: %q is not necessary, preferences, analytics or marketing", i, c.Like)
		}
		f.like += string(letter)
		if letter == 'n' {
			f.unasked += "1"
		} else {
			f.unasked += "-"
		}
		f.category[c.Key] = i
	}
	f.unasked += "." + strings.Repeat("-", len(n.Vendors))
	for i, v := range n.Vendors {
		at, ok := f.category[v.Category]
		if !ok {
			return nil, fmt.Errorf("vendors[%d].category: there is no category %q", i, v.Category)
		}
		if f.like[at] != 'n' {
			f.optional++
		}
	}
	if n.Blocks() {
		known, err := catalogue.Load()
		if err != nil {
			return nil, err
		}
		f.rules = rulesModule(n, known)
	}
	return f, nil
}

// tried are the facts as visitors of a trial see them. What is asked, and the
// notice it is asked under, are the same.
func (f *facts) tried(trial string) *facts {
	t := *f
	t.notice = f.notice.Tried(trial)
	return &t
}

// words is the wording of one language, filled in as far as it can be before
// there is a visitor.
type words struct {
	text   notice.Wording
	labels []string // of categories
	abouts []string
}

func (f *facts) wordsOf(language string, given notice.Wording) (*words, error) {
	w := &words{text: maps.Clone(given)}
	var missing []error
	for _, key := range notice.WordingKeys() {
		if given[key] == "" {
			missing = append(missing, fmt.Errorf("%s: the text is missing", key))
		}
	}
	var purposes []string
	for i, c := range f.notice.Categories {
		label, about := given[c.Key], given[c.Key+"_about"]
		if !notice.Standard(c.Key) {
			label, about = f.notice.Text(c.Label, language), f.notice.Text(c.About, language)
		}
		if label == "" || about == "" {
			missing = append(missing, fmt.Errorf("categories[%d]: %s needs a label and an about text", i, c.Key))
		}
		w.labels, w.abouts = append(w.labels, label), append(w.abouts, about)
		if f.like[i] != 'n' {
			purposes = append(purposes, label)
		}
	}
	if err := errors.Join(missing...); err != nil {
		return nil, err
	}
	fill := strings.NewReplacer(
		"{controller}", f.notice.Controller.Name,
		"{n}", strconv.Itoa(f.optional),
		"{purposes}", strings.Join(purposes, separator(language)),
		"{reopen}", given["reopen"],
		"{domains}", strings.Join(f.notice.Hosts(), separator(language)),
	)
	for key, text := range w.text {
		w.text[key] = fill.Replace(text)
	}
	return w, nil
}

// separator joins a list of purposes. Where a language has a mark of its own
// for lists, the common one reads as foreign.
func separator(language string) string {
	switch base, _, _ := strings.Cut(language, "-"); base {
	case "ja", "zh":
		return "、"
	case "ar", "fa", "ur":
		return "، "
	}
	return ", "
}

// module is volenti:wording for a first layer, or for a script without one.
func (w *words) module(surface notice.Surface) string {
	var m module
	ask := map[notice.Surface]string{notice.AskOptOut: "ask_opt_out", notice.AskNotice: "ask_notice"}[surface]
	if ask == "" {
		ask = "ask_opt_in"
	}
	m.export("ask", w.text[ask])
	for _, key := range slices.Sorted(maps.Keys(w.text)) {
		// Texts of categories stand in volenti:notice, beside their category.
		if !strings.HasPrefix(key, "ask_") && !notice.Standard(strings.TrimSuffix(key, "_about")) {
			m.export(key, w.text[key])
		}
	}
	return m.String()
}

// constants are the members of VOLENTI (src/virtual.d.ts). esbuild puts them in
// the place of their names, and leaves out what then can't happen.
func (f *facts) constants(language string, surface notice.Surface, p parts) map[string]string {
	n := f.notice
	scheme := n.Look.Theme
	if scheme != "light" && scheme != "dark" {
		scheme = "light dark"
	}
	blocking := ""
	if n.Blocks() {
		blocking = n.Blocking.Mode
	}
	all := map[string]string{}
	for name, value := range map[string]any{
		"site": n.Site, "gateDigest": p.gate.Short(), "settingsDigest": p.settings.Short(), "blockDigest": p.block.Short(),
		"blocking": blocking,
		"surface":  surface, "language": language, "rtl": notice.RTL(language),
		"position": n.Look.Position, "scheme": scheme, "accent": n.Look.Accent, "onAccent": onAccent(n.Look.Accent),
		"radius": n.Look.Radius, "reopenAt": n.Look.Reopen, "policyURL": n.PolicyURL, "dnt": n.DNT,
		"age": n.Age.Minimum, "share": n.Share.Domains,
		"modal": n.Look.Modal, "logo": n.Look.Logo, "controller": n.Controller.Name,
		"reload": slices.ContainsFunc(n.Vendors, func(v notice.Vendor) bool { return v.Reload }),
	} {
		all["VOLENTI."+name] = literal(value)
	}
	for name, value := range f.adapterConstants() {
		all["VOLENTI."+name] = literal(value)
	}
	return all
}

type (
	detail struct {
		Label string `json:"label"`
		About string `json:"about"`
	}
	storedDetail struct {
		Name     string `json:"name"`
		Kind     int    `json:"kind"`
		Duration string `json:"duration"`
		Purpose  string `json:"purpose"`
		Foreign  bool   `json:"foreign,omitempty"`
	}
	vendorDetail struct {
		Country string         `json:"country"`
		URL     string         `json:"url"`
		OptOut  string         `json:"optOut,omitempty"`
		Stored  []storedDetail `json:"stored"`
	}
)

// parts are the digests of the modules that other scripts of the same language
// fetch, each empty while it is being compiled.
type parts struct{ gate, settings, block canonical.Digest }

// module is volenti:notice.
func (f *facts) module(language string, w *words) string {
	n := f.notice
	keys := make([]string, len(n.Categories))
	details := make([]detail, len(n.Categories))
	for i, c := range n.Categories {
		keys[i], details[i] = c.Key, detail{w.labels[i], w.abouts[i]}
	}
	names := make([]string, len(n.Vendors))
	vendors := make([][2]any, len(n.Vendors))
	vendorDetails := make([]vendorDetail, len(n.Vendors))
	stored := [][3]any{}
	reloads, holders := []int{}, []byte{}
	kinds := map[string]int{"cookie": 0, "local": 1, "session": 2, "indexeddb": 3, "cache": 4, "worker": 5}
	for i, v := range n.Vendors {
		names[i], vendors[i] = v.Name, [2]any{v.Key, f.category[v.Category]}
		vendorDetails[i] = vendorDetail{Country: v.Country, URL: v.PolicyURL, OptOut: v.OptOutURL, Stored: []storedDetail{}}
		holder := v.OptOutURL != "" || v.PolicyURL != ""
		for _, s := range v.Entries {
			kind := kinds[s.Kind]
			if s.Foreign {
				holder = true
			} else {
				stored = append(stored, [3]any{s.Name, kind, i})
			}
			vendorDetails[i].Stored = append(vendorDetails[i].Stored, storedDetail{s.Name, kind, s.Duration, n.Text(s.Purpose, language), s.Foreign})
		}
		if v.Reload {
			reloads = append(reloads, i)
		}
		holders = append(holders, bit(holder))
	}

	var m module
	m.export("validity", n.Validity*month)
	m.export("origins", n.Origins)
	m.export("notice", f.digest.Short())
	m.export("categories", keys)
	m.export("like", f.like)
	m.export("unasked", f.unasked)
	m.export("none", n.None())
	m.export("labels", w.labels)
	m.export("vendors", vendors)
	m.export("vendorNames", names)
	m.export("stored", stored)
	m.export("registered", f.registered())
	m.export("reloads", reloads)
	m.export("holders", string(holders))
	m.export("policyKey", n.Policies[0])
	m.export("controller", map[string]string{"name": n.Controller.Name, "address": n.Controller.Address, "contact": n.Controller.Contact})
	m.export("details", details)
	m.export("vendorDetails", vendorDetails)
	return m.String()
}

// bit is how choices and their like write a yes and a no.
func bit(yes bool) byte {
	if yes {
		return '1'
	}
	return '0'
}

// A module is the text of an ECMAScript module of constants.
type module struct{ bytes.Buffer }

// export adds a constant.
func (m *module) export(name string, value any) {
	fmt.Fprintf(m, "export const %s = %s\n", name, literal(value))
}

// literal is a value as ECMAScript writes it. JSON is a subset of that since
// 2019; objects are frozen by nobody writing to them.
func literal(value any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		panic(err) // strings, numbers, and lists of them always encode
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// onAccent is black or white, whichever has the higher contrast on an accent
// colour of the form #rrggbb (WCAG 2.2, "contrast ratio"). On any colour one
// of them reaches 4.5:1.
func onAccent(accent string) string {
	rgb, err := strconv.ParseUint(strings.TrimPrefix(accent, "#"), 16, 24)
	if err != nil {
		return "#fff"
	}
	linear := func(shift int) float64 {
		c := float64(rgb>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	luminance := 0.2126*linear(16) + 0.7152*linear(8) + 0.0722*linear(0)
	if 1.05/(luminance+0.05) >= (luminance+0.05)/0.05 {
		return "#fff"
	}
	return "#000"
}
