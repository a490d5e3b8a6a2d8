// Package notice holds what the banner asks with: categories, vendors, tags,
// cookies, wording and look. A notice is written by a site owner, linted,
// published, and from then on never changes.
package notice

import (
	"github.com/volenti-consent/volenti/server/canonical"
)

// Schema is the value of a notice's "schema" field.
const Schema = "notice/v1"

// The category every notice has; it is always active and can't be refused.
const Necessary = "necessary"

// A Notice is the checked content of a notice file. Its canonical JSON is what
// is digested, stored and named by receipts. Field order has no meaning; list
// order does: it is the order in which categories and vendors are shown, and
// in which the choices of the cookie are counted.
type Notice struct {
	Schema     string                       `json:"schema"`
	Site       string                       `json:"site"`
	Languages  []string                     `json:"languages"`  // BCP 47; the first is the one used where none fits
	Origins    []string                     `json:"origins"`    // exact origins allowed to embed: "https://shop.example"
	Policies   []string                     `json:"policies"`   // keys of the policies the notice stands on; the first is linked
	PolicyURL  string                       `json:"policy_url"` // where the banner's policy link leads; "" is the archive's page
	Controller Controller                   `json:"controller"`
	Validity   int                          `json:"validity_months"` // 1–13; asked again after it; 6 unless said
	Posture    string                       `json:"posture"`         // "cautious" or "floor"
	DNT        string                       `json:"dnt"`             // "ignore", "opt-out" or "forward"
	Overrides  []Override                   `json:"overrides"`       // stricter than the law table, never laxer
	Google     Google                       `json:"google"`
	Look       Look                         `json:"look"`
	Blocking   Blocking                     `json:"blocking,omitzero"`
	Age        Age                          `json:"age,omitzero"`
	Share      Share                        `json:"share,omitzero"`
	Trials     []Trial                      `json:"trials,omitempty"`
	Categories []Category                   `json:"categories"` // without "necessary" only if nothing necessary is stored
	Vendors    []Vendor                     `json:"vendors"`
	Tags       []Tag                        `json:"tags"`
	Wording    map[string]map[string]string `json:"wording"` // language → wording key → text that replaces ours
}

// A Controller is who asks (GDPR Art. 13(1)(a), Rec. 42).
type Controller struct {
	Name          string `json:"name"`
	Address       string `json:"address"`
	Contact       string `json:"contact"`       // e-mail address or https URL
	Establishment string `json:"establishment"` // ISO country of establishment; an EU or UK one owes that law to everybody (GDPR Art. 3(1))
}

// An Override asks more in a region than the law table does.
type Override struct {
	Region   string `json:"region"`   // "US-TX", "BR", or "*"
	Category string `json:"category"` // a category key, or "*"
	Model    string `json:"model"`    // "opt-in", "opt-out" or "notice"
}

// Google configures Consent Mode v2.
type Google struct {
	Mode             string `json:"mode"`            // "off", "basic" or "advanced"
	WaitForUpdate    int    `json:"wait_for_update"` // milliseconds; 500 unless said
	AdsDataRedaction bool   `json:"ads_data_redaction"`
	URLPassthrough   bool   `json:"url_passthrough"`
}

// Look is the part of the banner's appearance that is configuration. Every
// other property is a CSS custom property of the page.
type Look struct {
	Accent   string `json:"accent"`          // #rrggbb; both buttons wear it, so neither is favoured
	Position string `json:"position"`        // "bottom", "bottom-start", "bottom-end", "top", "center" or "inline" (in the page's own <volenti-banner>)
	Theme    string `json:"theme"`           // "auto", "light" or "dark"
	Reopen   string `json:"reopen"`          // "start", "end" (a corner button) or "none" (the site has its own [data-volenti=open])
	Radius   int    `json:"radius"`          // px, 0–24
	Modal    bool   `json:"modal,omitempty"` // the first layer is a modal dialog: the page waits for an answer
	Logo     string `json:"logo,omitempty"`  // https address of an image of the site's own
}

// Blocking says what becomes of tags that nobody marked.
type Blocking struct {
	Mode    string   `json:"mode,omitempty"`    // "script", "strict" (cookies and storage are guarded by name too) or "off"; "" of earlier versions is "off"
	Unknown string   `json:"unknown,omitempty"` // what neither the notice nor the catalogue knows: "hold", as marketing, or "allow"
	Allow   []string `json:"allow,omitempty"`   // patterns that are never held: "cdn.example", "api.example/search" (catalogue.Pattern)
}

// Age asks how old the visitor is before anything optional (docs/notice-file.md, "age").
type Age struct {
	Minimum   int  `json:"minimum,omitempty"`    // 13 to 21; 0: nobody is asked
	ByCountry bool `json:"by_country,omitempty"` // the law's own age where it is higher (regime.Row.MinorAge)
}

// Share lets a decision count on all origins of the notice, which are then the
// same controller's.
type Share struct {
	Domains bool `json:"domains,omitempty"` // the choice goes along when a visitor follows a link to another of the origins
}

// A Trial is another look or wording of the first layer, shown to a share of
// visitors who have not decided, by chance and without an identifier.
type Trial struct {
	Key     string                       `json:"key"`
	Percent int                          `json:"percent"` // of visitors, 1–99; the rest sees the notice as it is
	Look    Look                         `json:"look,omitzero"`
	Wording map[string]map[string]string `json:"wording,omitempty"`
}

// A Category groups vendors by purpose.
type Category struct {
	Key   string            `json:"key"`
	Like  string            `json:"like"`  // which switch of the law table applies: "necessary", "preferences", "analytics" or "marketing"
	Label map[string]string `json:"label"` // by language; empty for the four standard keys
	About map[string]string `json:"about"`
}

// A Vendor is somebody whose tags a site loads.
type Vendor struct {
	Key       string   `json:"key"`
	Name      string   `json:"name"`
	Category  string   `json:"category"`
	Country   string   `json:"country"` // where the data goes, ISO 3166-1; "" unknown
	PolicyURL string   `json:"policy_url"`
	Entries   []Stored `json:"entries"`               // what it stores on the device
	Hosts     []string `json:"hosts,omitempty"`       // patterns of what it loads (catalogue.Pattern); more than the catalogue knows, and before it
	API       string   `json:"api,omitempty"`         // the adapter that tells it what was decided: "meta", "matomo"; "" is the catalogue's, "none" is none
	Reload    bool     `json:"reload,omitempty"`      // its tag can't be unloaded: the page is loaded anew when it is withdrawn
	OptOutURL string   `json:"opt_out_url,omitempty"` // where a visitor has removed what it holds itself
}

// A Stored is a cookie declaration: one thing kept on the visitor's device.
type Stored struct {
	Name     string            `json:"name"`                // exact, or a prefix with a final "*"
	Kind     string            `json:"kind"`                // "cookie", "local", "session", "indexeddb", "cache" or "worker" (the path of a service worker's script)
	Duration string            `json:"duration"`            // "session", "persistent", or "13 months", "2 years", "1 day" …
	Purpose  map[string]string `json:"purpose"`             // by language
	HTTPOnly bool              `json:"http_only,omitempty"` // of a cookie that script can't see: the server deletes it, on domains it shares with the page
	Foreign  bool              `json:"foreign,omitempty"`   // kept on the vendor's own domain, where nobody but the vendor can delete it
}

// A Tag is something a vendor wants loaded without markup in the page.
type Tag struct {
	Vendor   string `json:"vendor"`
	Kind     string `json:"kind"` // "script", "pixel", "frame" or "template"
	Src      string `json:"src"`
	Template string `json:"template,omitempty"` // of kind "template": "GA4", "Ads", "Meta" …
	ID       string `json:"id,omitempty"`       // the account's, as the vendor writes it: "G-XXXXXXXXXX"
}

// An Issue is one mistake in a notice file.
type Issue struct {
	Path     string   `json:"path"`     // in the words of the file, as JSONPath without the "$.": "vendors[2].category"
	Line     int      `json:"line"`     // 0 if unknown
	Severity Severity `json:"severity"` // an error keeps the notice from being published
	What     string   `json:"what"`     // what is wrong
	Remedy   string   `json:"remedy"`   // what to write instead

	Rule string `json:"rule,omitempty"` // the design rule it breaks, with its number and source; only of what was found in the compiled banner
}

// A Severity says what an Issue means for publishing.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"   // the notice can't be published
	SeverityWarning Severity = "warning" // it can; somebody should think about it
)

// A Variant names one compiled script of a notice.
type Variant struct {
	Kind     Kind
	Surface  Surface // of KindAsk; empty otherwise
	Language string
	Trial    string // of KindAsk: the key of the trial it is for; "" is the notice as it is
}

// A Kind is what a compiled script is for.
type Kind string

// The kinds of compiled script.
const (
	KindAsk      Kind = "ask"      // first in the page, with the first layer: a visitor who has not decided
	KindKept     Kind = "kept"     // first in the page: a visitor whose decision is known
	KindBlock    Kind = "block"    // what holds tags that nobody marked: a module that the gate fetches
	KindGuarded  Kind = "guarded"  // the same, where something may not load, and what nobody marked is held
	KindGate     Kind = "gate"     // what releases, remembers and reports: a module that the ones above fetch
	KindSettings Kind = "settings" // the second layer: a module, fetched when asked for
)

// A Surface is the shape of the first layer.
type Surface string

// The surfaces, strictest first.
const (
	AskOptIn  Surface = "opt-in"
	AskOptOut Surface = "opt-out"
	AskNotice Surface = "notice"
)

// A Script is one compiled variant.
type Script struct {
	Variant
	Digest canonical.Digest
	Source []byte // a JavaScript expression statement short of its argument list; see docs/wire.md
}

// A Compiler makes a notice's scripts. It is given the wording of every
// language of the notice, complete, and returns all variants, or an error that
// names the mistake. The same input gives the same bytes.
type Compiler interface {
	Compile(n *Notice, wordings map[string]Wording) ([]Script, error)
}

// A Wording is the texts of one language by wording key; see wording.go for
// the keys. Texts hold placeholders such as {vendors}; none holds markup.
type Wording map[string]string
