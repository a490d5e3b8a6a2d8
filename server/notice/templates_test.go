package notice

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"github.com/volenti-consent/volenti/server/catalogue"
)

// withTags is the least notice with these tags and their vendors' ready blocks.
func withTags(t *testing.T, tags string, blocks ...string) *Notice {
	t.Helper()
	n, issues := Parse([]byte("tags = ["+tags+"]\n"+least+strings.Join(blocks, "")), "notice.toml")
	if n == nil {
		t.Fatalf("%s", report(issues))
	}
	return n
}

func everybody(string) bool { return true }

// What a tag says on its line is all it takes, once the vendor is there; and
// where it is not, the remedy is what to paste.
func TestATagNeedsItsVendorAndSaysWhich(t *testing.T) {
	for _, known := range Templates() {
		t.Run(known.Name, func(t *testing.T) {
			line := `"` + strings.ToLower(known.Name) + " " + known.ID + `"`
			_, issues := Parse([]byte("tags = ["+line+"]\n"+least), "notice.toml")
			i := slices.IndexFunc(issues, func(i Issue) bool { return i.Path == "tags[0].vendor" })
			if i < 0 || issues[i].Severity != SeverityError {
				t.Fatalf("a tag of nobody: %s", report(issues))
			}
			_, block, ok := strings.Cut(issues[i].Remedy, ":\n")
			if !ok {
				t.Fatalf("no block in %q", issues[i].Remedy)
			}
			n := withTags(t, line, block)
			if got := n.Tags[0]; got.Vendor != known.Vendor.Key || got.Template != known.Name || got.ID != known.ID {
				t.Errorf("the tag is %+v", got)
			}
			if for_, _ := n.category(n.Vendors[1].Category); for_.Like != known.Vendor.Category {
				t.Errorf("its vendor is asked for as %s", for_.Like)
			}
			if got := n.API(n.Vendors[1]); got != known.API {
				t.Errorf("it is told by %q, want %q", got, known.API)
			}
		})
	}
}

// An id is data that ends in a script: nothing but the vendor's own form is one.
func TestIDsHaveTheVendorsExactForm(t *testing.T) {
	for _, known := range Templates() {
		if !known.id.MatchString(known.ID) {
			t.Errorf("%s: %q is its own example", known.Name, known.ID)
		}
		for _, bad := range []string{"", " ", known.ID + "\n", "\n" + known.ID, known.ID + `"`, known.ID + "'", known.ID + "</script>", `");alert(1);("`,
			known.ID + " ", "../" + known.ID, known.ID + "?x=1", known.ID + "#", "ünïcode", "\u2028", known.ID + "\\", "//evil.example/" + strings.Repeat("9", 400)} {
			if known.id.MatchString(bad) {
				t.Errorf("%s takes %q for an id", known.Name, bad)
			}
		}
	}
	for _, tt := range []struct {
		template, id string
		want         bool
	}{
		{"Matomo", "stats.shop.example/matomo/12", true}, {"Matomo", "stats.shop.example:8443/1", true}, {"Matomo", "stats.shop.example", false},
		{"Matomo", "https://stats.shop.example/1", false}, {"Matomo", "stats.shop.example//1", false}, {"Matomo", "user@stats.example/1", false},
		{"Plausible", "pa-AbC_123-xyz", true}, {"Plausible", "shop", false}, {"Plausible", "shop.example/x", false},
		{"PostHog", "phc_abcdefghijklmnopqrst", true}, {"PostHog", "phc_abcdefghijklmnopqrst@evil.example", false},
		{"GA4", "G-abc", false}, {"GA4", "UA-12345-1", false}, {"Ads", "AW-1234567890/label", false},
	} {
		if got := templates[tt.template].id.MatchString(tt.id); got != tt.want {
			t.Errorf("%s %s: %v, want %v", tt.template, tt.id, got, tt.want)
		}
	}
}

func TestTagsWithMistakesAreNamed(t *testing.T) {
	meta := templates["Meta"].block()
	for _, tt := range []struct{ name, tags, vendor, path, what string }{
		{"unknown template", `"Metta 12345"`, meta, "tags[0].template", "Metta"},
		{"id of another form", `"Meta G-12345"`, meta, "tags[0].id", "not an id of Meta"},
		{"no id", `"Meta"`, meta, "tags[0].id", "missing"},
		{"too many words", `"Meta 12345 meta please"`, meta, "tags[0].vendor", "not a vendor"},
		{"another vendor's key", `"Meta 12345 pixel"`, meta, "tags[0].vendor", "pixel"},
		{"template and address", `{ template = "Meta", id = "12345", src = "https://a.example/b.js" }`, meta, "tags[0].src", "knows its address"},
		{"template and kind", `{ template = "Meta", id = "12345", kind = "pixel" }`, meta, "tags[0].kind", "no kind"},
		{"kind without template", `{ vendor = "meta", kind = "template" }`, meta, "tags[0].template", "missing"},
		{"an id without template", `{ vendor = "meta", src = "https://a.example/b.js", id = "1" }`, meta, "tags[0].id", "template"},
		{"a category that asks less", `"Meta 12345"`, strings.Replace(meta, "marketing", "analytics", 1), "tags[0].vendor", "under analytics"},
		{"a category that asks nothing", `"Meta 12345"`, strings.Replace(meta, "marketing", "necessary", 1), "tags[0].vendor", "nobody is asked"},
		{"an adapter nobody knows", `"Meta 12345"`, meta + "[[vendor]]\nkey = \"o\"\nname = \"O\"\ncategory = \"analytics\"\napi = \"metta\"\n", "vendors[2].api", "metta"},
	} {
		_, issues := Parse([]byte("tags = ["+tt.tags+"]\n"+least+tt.vendor), "notice.toml")
		if !slices.ContainsFunc(issues, func(i Issue) bool { return i.Path == tt.path && strings.Contains(i.What, tt.what) && i.Remedy != "" }) {
			t.Errorf("%s: nothing about %q at %s:\n%s", tt.name, tt.what, tt.path, report(issues))
		}
	}
}

// A pretendPage is a page of which the tags' script sees nothing but what it
// writes to it.
const pretendPage = `
const put = [], listeners = [];
class EventTarget { addEventListener(type, f) { listeners.push([type, f]) } }
class Document extends EventTarget {
  createElement(name) { return { name, attributes: {}, setAttribute(k, v) { this.attributes[k] = String(v) } } }
  get documentElement() { return { append: (el) => put.push(el) } }
}
const document = new Document(), window = globalThis, console = { warn(...a) { throw new Error(a.join(' ')) } };
`

func TestTemplatesRun(t *testing.T) {
	address := regexp.MustCompile(`^https://([^/]+)/`)
	for _, known := range Templates() {
		t.Run(known.Name, func(t *testing.T) {
			n := withTags(t, `"`+known.Name+" "+known.ID+`"`, known.block())
			script, err := n.TagScript(n.Vendors[1].Category, everybody)
			if err != nil {
				t.Fatal(err)
			}
			vm := goja.New()
			for _, source := range []string{pretendPage, string(script)} {
				if _, err := vm.RunString(source); err != nil {
					t.Fatalf("%v in\n%s", err, source)
				}
			}
			loads, err := vm.RunString(`put.map((el) => [el.name, el.type, el.async, el.attributes['data-category'], el.attributes['data-service'], el.attributes['data-src']].join(' ')).join('\n')`)
			if err != nil {
				t.Fatal(err)
			}
			fields := strings.Fields(loads.String())
			if len(fields) != 6 || strings.Join(fields[:5], " ") != "script text/plain true "+n.Vendors[1].Category+" "+known.Vendor.Key {
				t.Fatalf("it puts into the page: %s", loads)
			}
			host := address.FindStringSubmatch(fields[5])
			if host == nil || !slices.Contains(known.Hosts, host[1]) && (known.Hosts[0] != "*" || !strings.HasPrefix(known.ID, host[1]+"/")) {
				t.Errorf("it loads %s, which is none of %v", fields[5], known.Hosts)
			}
		})
	}
}

// The id reaches the vendor's own call as it stands.
func TestTemplatesCallAsTheVendorsDo(t *testing.T) {
	for name, want := range map[string]string{
		"GA4":       `dataLayer.map((a) => [a[0], String(a[1]).slice(0, 1)].join(' ')).join() === 'js ' + String(new Date()).slice(0, 1) + ',config G'`,
		"GTM":       `dataLayer[0].event === 'gtm.js' && dataLayer[0]['gtm.start'] > 0`,
		"Meta":      `fbq === _fbq && fbq.loaded && fbq.queue.map((a) => [].join.call(a)).join(';') === 'init,1234567890;track,PageView'`,
		"UET":       `Array.isArray(uetq) && listeners[0][0] === 'load'`,
		"Clarity":   `clarity('set', 1) === undefined && clarity.q[0][0] === 'set'`,
		"LinkedIn":  `_linkedin_data_partner_ids.join() === '1234567' && lintrk.q.length === 0`,
		"TikTok":    `ttq._i.C4ABCDEFGHIJKLMNOPQR._u.endsWith('/events.js') && ttq[0][0] === 'page' && (ttq.grantConsent(), ttq[1][0] === 'grantConsent')`,
		"Pinterest": `pintrk.queue.join(';') === 'load,2612345678901;page'`,
		"Reddit":    `rdt.callQueue.map((a) => [].join.call(a)).join(';') === 'init,a2_abcdefgh1234;track,PageVisit'`,
		"Snap":      `snaptr.queue[1][1] === 'PAGE_VIEW'`,
		"X":         `[].join.call(twq.queue[0]) === 'config,o1abc'`,
		"Hotjar":    `_hjSettings.hjid === 1234567`,
		"HubSpot":   `disableHubSpotCookieBanner && put[0].attributes.id === 'hs-script-loader'`,
		"Matomo":    `_paq.join(';') === 'setTrackerUrl,https://stats.shop.example/matomo.php;setSiteId,3;trackPageView;enableLinkTracking'`,
		"Plausible": `put[0].attributes['data-domain'] === 'shop.example'`,
		"PostHog":   `posthog._i[0][1].api_host === 'https://eu.i.posthog.com' && (posthog.capture('x'), posthog[0].join() === 'capture,x')`,
		"Segment":   `analytics[0].join() === 'page' && analytics._writeKey.length === 32`,
		"Mixpanel":  `mixpanel._i[0][0].length === 32 && (mixpanel.track('x'), mixpanel[0].join() === 'track,x')`,
		"Ads":       `gtag !== undefined && dataLayer[1][1] === 'AW-123456789'`,
	} {
		known := templates[name]
		n := withTags(t, `"`+name+" "+known.ID+`"`, known.block())
		script, err := n.TagScript(n.Vendors[1].Category, everybody)
		if err != nil {
			t.Fatal(err)
		}
		got, err := goja.New().RunString(pretendPage + string(script) + want)
		if err != nil || !got.ToBoolean() {
			t.Errorf("%s: not %s (%v)", name, want, err)
		}
	}
	if len(templates) != 19 {
		t.Errorf("%d templates, and not every one of them is tested", len(templates))
	}
}

// Google's accounts share one gtag.js.
func TestSeveralAccountsLoadOneScript(t *testing.T) {
	n := withTags(t, `"GA4 G-AAAA1111", "GA4 G-BBBB2222"`, templates["GA4"].block())
	script, err := n.TagScript(Analytics, everybody)
	if err != nil {
		t.Fatal(err)
	}
	got, err := goja.New().RunString(pretendPage + string(script) + `put.length + ' ' + dataLayer.filter((a) => a[0] === 'config').map((a) => a[1]).join()`)
	if err != nil || got.String() != "1 G-AAAA1111,G-BBBB2222" {
		t.Errorf("%v %v", got, err)
	}
}

func TestTagsAreThoseOfTheCategoryThatAreAllowed(t *testing.T) {
	n := withTags(t, `"GA4 G-AAAA1111", "Meta 1234567", { vendor = "v", src = "https://v.example/a.js?b=c&d" }, { vendor = "v", kind = "pixel", src = "https://v.example/p.gif" }, { vendor = "v", kind = "frame", src = "https://v.example/f" }`,
		templates["GA4"].block(), templates["Meta"].block())
	of := func(category string, vendors ...string) string {
		script, err := n.TagScript(category, func(v string) bool { return slices.Contains(vendors, v) })
		if err != nil {
			t.Fatal(err)
		}
		if script == nil {
			return ""
		}
		got, err := goja.New().RunString(pretendPage + string(script) + `put.map((el) => el.name + (el.hidden ? '*' : '') + ' ' + el.attributes['data-src'].split('/').slice(2).join('/')).join('; ')`)
		if err != nil {
			t.Fatal(err)
		}
		return got.String()
	}
	all := []string{"v", "ga4", "meta"}
	for _, tt := range []struct {
		category string
		vendors  []string
		want     string
	}{
		{"analytics", all, "script www.googletagmanager.com/gtag/js?id=G-AAAA1111; script v.example/a.js?b=c&d; img* v.example/p.gif; iframe* v.example/f"},
		{"analytics", []string{"ga4", "meta"}, "script www.googletagmanager.com/gtag/js?id=G-AAAA1111"},
		{"marketing", all, "script connect.facebook.net/en_US/fbevents.js"},
		{"marketing", []string{"ga4"}, ""},
		{"preferences", all, ""},
		{"necessary", all, ""},
		{"", all, ""},
		{"analytics", nil, ""},
	} {
		if got := of(tt.category, tt.vendors...); got != tt.want {
			t.Errorf("%s for %v: %q, want %q", tt.category, tt.vendors, got, tt.want)
		}
	}
}

// A notice that did not pass Lint, as an attacker of the store could write it.
func TestIDsAndAddressesAreNeverCode(t *testing.T) {
	n := &Notice{Categories: []Category{{Key: "a", Like: Analytics}}, Vendors: []Vendor{{Key: `v"]);alert(1);//`, Category: "a"}}}
	n.Tags = []Tag{{Vendor: n.Vendors[0].Key, Kind: "script", Src: "https://x.example/\"</script><script>alert(1)//\u2028"}}
	script, err := n.TagScript("a", everybody)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(script), "</script") || strings.Contains(string(script), "\u2028") {
		t.Errorf("it could leave a script element: %s", script)
	}
	if _, err := goja.New().RunString("function alert() { throw new Error('ran') }" + pretendPage + string(script)); err != nil {
		t.Error(err)
	}
	n.Tags = []Tag{{Vendor: n.Vendors[0].Key, Kind: "template", Template: "Meta", ID: `1");alert(1)`}}
	if script, err := n.TagScript("a", everybody); err == nil {
		t.Errorf("an id of no form: %s", script)
	}
	n.Tags = []Tag{{Vendor: n.Vendors[0].Key, Kind: "../../etc/passwd"}}
	if script, err := n.TagScript("a", everybody); err == nil {
		t.Errorf("a kind of no form: %s", script)
	}
}

// What the catalogue says of a vendor's adapter, the banner has.
func TestAPIs(t *testing.T) {
	n := withTags(t, `"Meta 1234567 pixel"`, strings.Replace(templates["Meta"].block(), `"meta"`, `"pixel"`, 1),
		"[[vendor]]\nkey = \"clarity\"\nname = \"C\"\ncategory = \"analytics\"\n",
		"[[vendor]]\nkey = \"ga4\"\nname = \"G\"\ncategory = \"analytics\"\napi = \"none\"\n",
		"[[vendor]]\nkey = \"blog\"\nname = \"B\"\ncategory = \"necessary\"\napi = \"wp\"\n")
	for i, want := range []string{"", "meta", "clarity", "", "wp"} {
		if got := n.API(n.Vendors[i]); got != want {
			t.Errorf("%s is told by %q, want %q", n.Vendors[i].Key, got, want)
		}
	}
	if got := n.Told("wp"); !slices.Equal(got, []int{4}) {
		t.Errorf("wp tells %v", got)
	}
}

// Consent Mode is on where there is somebody to read it, and the file does not
// say otherwise.
func TestConsentModeIsBasicUnlessSaid(t *testing.T) {
	ga4 := templates["GA4"].block()
	for _, tt := range []struct{ name, file, want string }{
		{"nobody reads it", least, "off"},
		{"a vendor of Google's", least + ga4, "basic"},
		{"a container", "tags = [\"GTM GTM-AAAA111\"]\n" + least + templates["GTM"].block(), "basic"},
		{"said", least + "[google]\nmode = \"off\"\n" + ga4, "off"},
		{"said too", least + "[google]\nmode = \"advanced\"\n", "advanced"},
		{"only how long to wait", least + "[google]\nwait_for_update = 100\n" + ga4, "basic"},
	} {
		n, issues := Parse([]byte(tt.file), "notice.toml")
		if n == nil {
			t.Fatalf("%s: %s", tt.name, report(issues))
		}
		if n.Google.Mode != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, n.Google.Mode, tt.want)
		}
	}
}

// docs/tags.md lists every template with all that matters of it, and every
// adapter.
func TestTemplatesAndAdaptersAreDocumented(t *testing.T) {
	b, err := os.ReadFile("../../docs/tags.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(b)
	for _, known := range Templates() {
		hosts, api := "`"+strings.Join(known.Hosts, "`, `")+"`", "–"
		if known.Hosts[0] == "*" {
			hosts = "the host in the id"
		}
		if known.API != "" {
			api = "`" + known.API + "`"
		}
		row := "| `" + known.Name + "` | `" + known.ID + "` | `" + known.Vendor.Key + "` | " + known.Vendor.Category + " | " + hosts + " | " + api + " |\n"
		if !strings.Contains(doc, row) {
			t.Errorf("no row %s", row)
		}
	}
	for _, api := range APIs() {
		if !strings.Contains(doc, "\n| `"+api+"` | ") {
			t.Errorf("adapter %s has no row", api)
		}
	}
	if got, want := strings.Count(doc, "\n| `"), len(templates)+len(apis); got != want {
		t.Errorf("%d rows, want %d", got, want)
	}
}

// What the catalogue says, the banner has; and what a template loads, the
// catalogue knows, or automatic blocking would take it for a stranger's.
func TestTemplatesAndCatalogueAgree(t *testing.T) {
	c, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range c.Vendors() {
		if v.API != "" && !slices.Contains(apis, v.API) {
			t.Errorf("%s names the adapter %s, and there is none", v.Key, v.API)
		}
	}
	for _, known := range Templates() {
		v := c.Vendor(known.Vendor.Key)
		if known.Hosts[0] == "*" {
			continue
		}
		if v == nil {
			t.Errorf("%s: the catalogue has no vendor %s", known.Name, known.Vendor.Key)
			continue
		}
		if v.Category != known.Vendor.Category {
			t.Errorf("%s is %s, in the catalogue %s", known.Name, known.Vendor.Category, v.Category)
		}
		for _, host := range known.Hosts {
			if _, ok := c.Match(host, "/"); !ok {
				t.Errorf("%s: the catalogue does not know %s", known.Name, host)
			}
		}
	}
}
