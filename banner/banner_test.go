package banner

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/andybalholm/brotli"
	"github.com/evanw/esbuild/pkg/api"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/notice"
)

// shop is an everyday notice: four categories, six vendors, Consent Mode in basic mode.
//
// Only Google is told: what a further adapter adds is measured apart.
func shop(languages ...string) *notice.Notice {
	text := func(en string) map[string]string { return map[string]string{"en": en} }
	entry := func(name, kind, duration, purpose string) notice.Stored {
		return notice.Stored{Name: name, Kind: kind, Duration: duration, Purpose: text(purpose)}
	}
	return &notice.Notice{
		Schema: notice.Schema, Site: "shop", Languages: languages, Origins: []string{"https://shop.example"},
		Policies:   []string{"privacy"},
		Controller: notice.Controller{Name: "Example Shop Ltd", Address: "1 High Street, Dublin", Contact: "privacy@shop.example", Establishment: "IE"},
		Validity:   6, Posture: "cautious", DNT: "ignore",
		Google:   notice.Google{Mode: "basic", WaitForUpdate: 500},
		Look:     notice.Look{Accent: "#0a5bd3", Position: "bottom", Theme: "auto", Reopen: "start", Radius: 8},
		Blocking: notice.Blocking{Mode: "script", Unknown: "hold"},
		Categories: []notice.Category{
			{Key: "necessary", Like: "necessary"}, {Key: "preferences", Like: "preferences"},
			{Key: "analytics", Like: "analytics"}, {Key: "marketing", Like: "marketing"},
		},
		Vendors: []notice.Vendor{
			{Key: "shop", Name: "Example Shop", Category: "necessary", Country: "IE", PolicyURL: "https://shop.example/privacy",
				Entries: []notice.Stored{entry("session", "cookie", "session", "Keeps you signed in and your cart filled.")}},
			{Key: "youtube", Name: "YouTube", Category: "preferences", Country: "US", PolicyURL: "https://policies.google.com/privacy",
				Entries: []notice.Stored{entry("yt-remote-device-id", "local", "persistent", "Remembers how videos were played.")}},
			{Key: "ga4", Name: "Google Analytics", Category: "analytics", Country: "US", PolicyURL: "https://policies.google.com/privacy",
				Entries: []notice.Stored{entry("_ga", "cookie", "2 years", "Tells visits apart."), entry("_ga_*", "cookie", "2 years", "Keeps the state of a visit.")}},
			{Key: "clarity", Name: "Microsoft Clarity", Category: "analytics", Country: "US", API: "none", PolicyURL: "https://privacy.microsoft.com/privacystatement",
				Entries: []notice.Stored{entry("_clck", "cookie", "1 year", "Tells visitors apart."), entry("_clsk", "cookie", "1 day", "Joins the pages of a visit.")}},
			{Key: "meta", Name: "Meta Pixel", Category: "marketing", Country: "US", API: "none", PolicyURL: "https://www.facebook.com/privacy/policy",
				Entries: []notice.Stored{entry("_fbp", "cookie", "3 months", "Measures whether advertising works.")}},
			{Key: "google-ads", Name: "Google Ads", Category: "marketing", Country: "US", PolicyURL: "https://policies.google.com/privacy",
				Entries: []notice.Stored{entry("_gcl_au", "cookie", "3 months", "Measures whether advertising works.")}},
		},
	}
}

func wordings(t testing.TB, n *notice.Notice) map[string]notice.Wording {
	t.Helper()
	all := make(map[string]notice.Wording, len(n.Languages))
	for _, l := range n.Languages {
		all[l] = n.WordingFor(l)
	}
	return all
}

func compile(t testing.TB, n *notice.Notice) []notice.Script {
	t.Helper()
	scripts, err := Compiler{}.Compile(n, wordings(t, n))
	if err != nil {
		t.Fatal(err)
	}
	return scripts
}

// The boots are as long as those of real answers are: to a visitor who has not
// decided, and to one who has.
const (
	token       = `"t":"1.shop.n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg.eu-gdpr-eprivacy.DE.d.2992144.mPvLkUqbV3ZJwGzJt9yq0w"`
	boot        = `({` + token + `,"m":"-iii","n":1795286400});` + "\n"
	bootGuarded = `({` + token + `,"m":"-iii","n":1795286400,"c":"1110.------","a":1795286400,"u":1810838400,"s":1,"i":"f81d4fae7dec11d0a76500a0c91e6bf6","q":"1110.111100"});` + "\n"
	bootKept    = `({` + token + `,"m":"-iii","n":1795286400,"c":"1111.------","a":1795286400,"u":1810838400,"s":1,"i":"f81d4fae7dec11d0a76500a0c91e6bf6"});` + "\n"
)

func compressed(t testing.TB, source []byte) int {
	t.Helper()
	var b bytes.Buffer
	w := brotli.NewWriterLevel(&b, brotli.BestCompression)
	if _, err := w.Write(source); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Len()
}

// The budgets are what goes over the wire with brotli: the compressed script,
// and the boot as it is.
func TestScriptsStayWithinTheirBudgets(t *testing.T) {
	tests := []struct {
		kind   notice.Kind
		tail   int
		budget int
	}{
		{notice.KindAsk, len(boot), 8000},
		{notice.KindKept, len(bootKept), 1500},
		{notice.KindGuarded, len(bootGuarded), 4000},
		{notice.KindBlock, 0, 4500},
		{notice.KindGate, 0, 12350},
		{notice.KindSettings, 0, 5000},
	}
	scripts := compile(t, shop("en"))
	for _, test := range tests {
		for _, s := range scripts {
			if s.Kind != test.kind {
				continue
			}
			size := compressed(t, s.Source) + test.tail
			t.Logf("%s %s: %d bytes of %d (%d before compression)", s.Kind, s.Surface, size, test.budget, len(s.Source))
			if size > test.budget {
				t.Errorf("%s %s is %d bytes, want %d at most", s.Kind, s.Surface, size, test.budget)
			}
		}
	}
}

// The first layer carries the wording of its language, and no language may make
// it much heavier.
func TestFirstLayerIsSmallInEveryLanguage(t *testing.T) {
	n := shop(notice.Languages()...)
	for _, s := range compile(t, n) {
		if s.Kind != notice.KindAsk {
			continue
		}
		if size := compressed(t, s.Source) + len(boot); size > 8700 {
			t.Errorf("%s %s is %d bytes, want 8700 at most", s.Language, s.Surface, size)
		}
	}
}

func TestCompileMakesEveryVariantOnce(t *testing.T) {
	n := shop("en", "de", "ar")
	type key struct {
		kind     notice.Kind
		surface  notice.Surface
		language string
	}
	seen := map[key]bool{}
	for _, s := range compile(t, n) {
		k := key{s.Kind, s.Surface, s.Language}
		if seen[k] {
			t.Errorf("%v was made twice", k)
		}
		seen[k] = true
		if s.Digest != canonical.Sum(s.Source) {
			t.Errorf("%v: the digest is not that of the source", k)
		}
	}
	for _, l := range n.Languages {
		for _, k := range []key{
			{notice.KindAsk, notice.AskOptIn, l}, {notice.KindAsk, notice.AskOptOut, l}, {notice.KindAsk, notice.AskNotice, l},
			{notice.KindKept, "", l}, {notice.KindGuarded, "", l}, {notice.KindBlock, "", l}, {notice.KindGate, "", l}, {notice.KindSettings, "", l},
		} {
			if !seen[k] {
				t.Errorf("%v is missing", k)
			}
			delete(seen, k)
		}
	}
	for k := range seen {
		t.Errorf("%v was not asked for", k)
	}
}

// A digest names bytes, so a notice that is compiled again must come out the same.
func TestCompilingTwiceGivesTheSameBytes(t *testing.T) {
	n := shop("en", "de")
	first, second := compile(t, n), compile(t, n)
	for i := range first {
		if !bytes.Equal(first[i].Source, second[i].Source) {
			t.Errorf("%s %s %s differs", first[i].Kind, first[i].Surface, first[i].Language)
		}
	}
}

// The server appends the argument list to what stands first in the page; the
// gate and the second layer are modules (docs/wire.md).
func TestScriptsHaveTheFormOfTheWire(t *testing.T) {
	exports := map[notice.Kind]string{notice.KindGate: `[\w$]+ as attach,[\w$]+ as start`, notice.KindSettings: `[\w$]+ as note,[\w$]+ as open`, notice.KindBlock: `[\w$]+ as createBlock,[\w$]+ as more`}
	digests := map[notice.Kind]string{}
	scripts := compile(t, shop("en"))
	for _, s := range scripts {
		text := string(s.Source)
		if name := exports[s.Kind]; name != "" {
			digests[s.Kind] = s.Digest.Short()
			if !regexp.MustCompile(`export\{` + name + `\};?$`).MatchString(text) {
				t.Errorf("%s does not end by exporting %s: …%s", s.Kind, name, text[max(0, len(text)-60):])
			}
		} else if !strings.HasPrefix(text, "(boot=>{") || !strings.HasSuffix(text, "})") {
			t.Errorf("%s is not the text of a function: %.20s…%s", s.Kind, text, text[len(text)-20:])
		}
	}
	names := map[notice.Kind][]notice.Kind{ // which modules a script fetches
		notice.KindAsk: {notice.KindGate}, notice.KindKept: {notice.KindGate}, notice.KindGuarded: {notice.KindGate},
		notice.KindGate: {notice.KindSettings, notice.KindBlock},
	}
	for _, s := range scripts {
		for kind, digest := range digests {
			if got, want := strings.Contains(string(s.Source), digest), slices.Contains(names[s.Kind], kind); got != want {
				t.Errorf("%s names the digest of %s: %v, want %v", s.Kind, kind, got, want)
			}
		}
	}
}

// What would open a page to injected markup or code, or fail under Trusted
// Types. document.write is wrapped, never called; so are the setters of markup,
// which parse what the page would have had parsed anyway.
var forbidden = regexp.MustCompile(`(\.|\[")(innerHTML|outerHTML|insertAdjacentHTML)|\.writeln?\(|\beval\(|new Function|\bFunction\(|setTimeout\(["'` + "`" + `]|javascript:|\.style\s*=|"style"|debugger|console\.(log|error)`)

func TestScriptsHoldNothingForbidden(t *testing.T) {
	for _, s := range compile(t, shop("en")) {
		for _, at := range forbidden.FindAllIndex(s.Source, -1) {
			t.Errorf("%s %s: %s", s.Kind, s.Surface, s.Source[max(0, at[0]-30):min(len(s.Source), at[1]+30)])
		}
	}
}

// Lowering a script to the oldest target must change nothing, or some browser
// of the last four years can't read it.
func TestScriptsKeepToTheTargetSyntax(t *testing.T) {
	lower := func(source []byte, target api.Target) string {
		r := api.Transform(string(source), api.TransformOptions{Target: target, Charset: api.CharsetUTF8, MinifyWhitespace: true})
		if len(r.Errors) > 0 {
			t.Fatal(problems(r.Errors))
		}
		return string(r.Code)
	}
	if lower([]byte("a ||= b"), target) == lower([]byte("a ||= b"), api.ESNext) {
		t.Fatal("this test would not see newer syntax")
	}
	for _, s := range compile(t, shop("en")) {
		if lower(s.Source, target) != lower(s.Source, api.ESNext) {
			t.Errorf("%s %s uses syntax newer than the target", s.Kind, s.Surface)
		}
	}
}

// What a notice does not use is not in its scripts.
func TestConsentModeIsLeftOutWhereItIsOff(t *testing.T) {
	n := shop("en")
	for _, mode := range []string{"off", "basic"} {
		n.Google.Mode = mode
		for _, s := range compile(t, n) {
			if got, want := bytes.Contains(s.Source, []byte("ad_storage")), mode == "basic" && s.Kind != notice.KindSettings && s.Kind != notice.KindBlock; got != want {
				t.Errorf("%s with Consent Mode %s: has it %v, want %v", s.Kind, mode, got, want)
			}
		}
	}
}

// Texts come from the wordings and the notice, filled in, and as text whatever they hold.
func TestTextsAreFilledIn(t *testing.T) {
	n := shop("de")
	n.Controller.Name = `Bücher "& Mehr" </script> ${x}`
	w := wordings(t, n)
	w["de"]["ask_opt_in"] = "{controller} fragt mit {n} Partnern: {purposes}, siehe {reopen}."
	scripts, err := Compiler{}.Compile(n, w)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`Bücher "& Mehr" </script> ${x} fragt mit 5 Partnern: %s, %s, %s, siehe %s.`,
		w["de"]["preferences"], w["de"]["analytics"], w["de"]["marketing"], w["de"]["reopen"])
	for _, s := range scripts {
		if s.Surface == notice.AskOptIn && !strings.Contains(unquote(string(s.Source)), unquote(want)) {
			t.Errorf("the text is not in the first layer: want %s", want)
		}
	}
}

// unquote undoes the escapes that differ by the quotes esbuild chose.
func unquote(s string) string { return strings.NewReplacer(`\`, "").Replace(s) }

func TestMistakesAreNamed(t *testing.T) {
	source := func(name, text string) fs.FS {
		files := fstest.MapFS{}
		err := fs.WalkDir(embedded, "src", func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := embedded.ReadFile(p)
			files[strings.TrimPrefix(p, "src/")] = &fstest.MapFile{Data: b}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if text == "" {
			delete(files, name)
		} else {
			files[name] = &fstest.MapFile{Data: []byte(text)}
		}
		return files
	}
	noText := func(n *notice.Notice) map[string]notice.Wording {
		w := wordings(t, n)
		delete(w["en"], "accept")
		return w
	}
	tests := []struct {
		name     string
		sources  fs.FS
		change   func(*notice.Notice)
		wordings func(*notice.Notice) map[string]notice.Wording
		want     string
	}{
		{"syntax", source("gate/signals.ts", "export const gpc = () => true;\nexport const dnt = ;"), nil, nil, "banner/src/gate/signals.ts:2:20"},
		{"missing file", source("gate/tags.ts", ""), nil, nil, "gate/tags.ts"},
		{"missing export", source("gate/signals.ts", "export const gpc = () => true;"), nil, nil, `"dnt"`},
		{"dependency", source("gate/signals.ts", "import 'left-pad';"), nil, nil, "the banner has no dependencies"},
		{"style sheet", source("ui/reopen.css", "button {"), nil, nil, "ui/reopen.css:1"},
		{"missing text", nil, nil, noText, "wording of en: accept: the text is missing"},
		{"missing language", nil, nil, func(*notice.Notice) map[string]notice.Wording { return nil }, "wording of en"},
		{"category without a label", nil, func(n *notice.Notice) {
			n.Categories = append(n.Categories, notice.Category{Key: "social", Like: "marketing"})
		}, nil, "categories[4]: social needs a label"},
		{"category like nothing", nil, func(n *notice.Notice) { n.Categories[1].Like = "fun" }, nil, `categories[1].like: "fun"`},
		{"vendor without a category", nil, func(n *notice.Notice) { n.Vendors[2].Category = "fun" }, nil, `vendors[2].category: there is no category "fun"`},
		{"no language", nil, func(n *notice.Notice) { n.Languages = nil }, nil, "languages"},
		{"no policy", nil, func(n *notice.Notice) { n.Policies = nil }, nil, "policies"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n := shop("en")
			if test.change != nil {
				test.change(n)
			}
			w := wordings(t, n)
			if test.wordings != nil {
				w = test.wordings(n)
			}
			scripts, err := Compiler{Sources: test.sources}.Compile(n, w)
			if err == nil || scripts != nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error does not say %q:\n%v", test.want, err)
			}
		})
	}
}

// An adapter that is not listed would never run, and nobody would notice.
func TestEveryAdapterIsListed(t *testing.T) {
	var listed, there []string
	for _, a := range adapters {
		listed = append(listed, a.name)
	}
	files, err := fs.Glob(embedded, "src/adapters/*.ts")
	if err != nil || len(files) == 0 {
		t.Fatal("no adapters", err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(path.Base(f), ".ts")
		there = append(there, name)
		b, err := embedded.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, half := range []string{"start", "change"} {
			if !regexp.MustCompile(`(?m)^export const ` + half + `(: Adapter\['` + half + `'\])? = `).Match(b) {
				t.Errorf("adapters/%s.ts does not export %s of an Adapter", name, half)
			}
		}
	}
	slices.Sort(listed)
	slices.Sort(there)
	if !slices.Equal(listed, there) {
		t.Errorf("modules.go lists %v, the folder holds %v", listed, there)
	}
}

// Gate, adapters and ui know of one another only what stands in gate/.
func TestImportsGoOneWay(t *testing.T) {
	from := regexp.MustCompile(`(?m)^(?:import|export)[^'"]*from '(\.[^']+)'`)
	allowed := map[string]string{ // folder → what it may reach
		"gate":     `^gate/|^\.\./volenti$`,
		"adapters": `^gate/(types|adapter)$`,
		"ui":       `^ui/|^gate/(types|decide|page|age|part)$`,
		"entry":    `^(gate|ui|adapters|entry)/|^\.\./volenti$`,
	}
	err := fs.WalkDir(embedded, "src", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(p) != ".ts" || strings.HasSuffix(p, ".d.ts") {
			return err
		}
		b, err := embedded.ReadFile(p)
		name := strings.TrimPrefix(p, "src/")
		for _, m := range from.FindAllSubmatch(b, -1) {
			target := path.Join(path.Dir(name), string(m[1]))
			if rule := allowed[path.Dir(name)]; rule == "" || !regexp.MustCompile(rule).MatchString(target) {
				t.Errorf("%s may not import %s", name, target)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTextOnTheAccentIsReadable(t *testing.T) {
	for accent, want := range map[string]string{"#000000": "#fff", "#ffffff": "#000", "#0a5bd3": "#fff", "#ffd400": "#000", "#757575": "#fff", "#767676": "#000"} {
		if got := onAccent(accent); got != want {
			t.Errorf("on %s: %s, want %s", accent, got, want)
		}
	}
}

// Every notice can be compiled, one without categories, vendors or tags too.
func TestASmallNoticeCompiles(t *testing.T) {
	n := shop("en")
	n.Categories, n.Vendors, n.Google.Mode = nil, nil, "off"
	if scripts := compile(t, n); len(scripts) != len(n.Variants()) {
		t.Errorf("%d scripts, want %d", len(scripts), len(n.Variants()))
	}
}
