package demo

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

//go:embed shop.html shop.css panel.js icon.svg
var files embed.FS

var page = template.Must(template.ParseFS(files, "shop.html"))

// Options of a Handler.
type Options struct {
	Vendors      *Vendors // read first-party, so that watching is no third-party request
	VendorOrigin string   // where the vendors are served: "http://127.0.0.1:8081"
	Base         string   // where the banner is served; "" is the shop's own origin
	Languages    []string // of the notice, BCP 47
}

// What the page lists.
type (
	regionLink   struct{ Code, Name string } // as the banner script's region parameter wants it
	languageLink struct{ Tag, Name string }
	vendorRow    struct{ Key, Name, Category string } // keys of the notice
	lamp         struct{ Name, About, Price, Picture string }
	view         struct {
		Run, Vendors, Script string
		Language, Region     string // as asked for; "" if not
		Languages            []languageLink
		Regions              []regionLink
		Rows                 []vendorRow
		Lamps                []lamp
	}
)

var regions = []regionLink{
	{"", "wherever you are"}, {"DE", "Germany"}, {"FR", "France"}, {"GB", "United Kingdom"}, {"CH", "Switzerland"},
	{"US-CA", "California"}, {"US-TX", "Texas"}, {"US-NY", "New York"}, {"CA-QC", "Quebec"}, {"BR", "Brazil"},
	{"JP", "Japan"}, {"KR", "South Korea"}, {"IN", "India"}, {"AU", "Australia"},
}

var rows = []vendorRow{
	{"ga4", "Analytics: script and inline", "analytics"},
	{"chain", "Order chain A, B, C, D", "analytics"},
	{"youtube", "Video frame", "preferences"},
	{"reviews", "Reviews in a template", "preferences"},
	{"google-ads", "Remarketing script", "marketing"},
	{"meta", "Tracking pixel", "marketing"},
	{"social", "Like button", "marketing"},
}

var lamps = []lamp{
	{"Noctis", "Table lamp, blown opal glass", "$189", "mushroom"},
	{"Orbita", "Pendant, brass and milk glass", "$245", "globe"},
	{"Arcus", "Floor lamp, marble foot", "$420", "arc"},
	{"Grus", "Desk lamp, oiled ash", "$159", "desk"},
	{"Kumo", "Paper lantern, kozo and wire", "$95", "lantern"},
	{"Faro", "Wall lamp, spun aluminium", "$130", "cone"},
}

// Handler serves the shop beneath /demo/. The page runs under a policy as
// strict as they come: scripts by host and hash, styles by file, Trusted Types.
func Handler(o Options) http.Handler {
	languages := names(o.Languages)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /demo/{$}", func(w http.ResponseWriter, r *http.Request) {
		v := view{
			Run: random(), Vendors: o.VendorOrigin,
			Languages: languages, Regions: regions, Rows: rows, Lamps: lamps,
		}
		query := url.Values{}
		if l := r.URL.Query().Get("lang"); slices.Contains(o.Languages, l) {
			v.Language = l
			query.Set("lang", l)
		}
		if code := r.URL.Query().Get("region"); code != "" && slices.ContainsFunc(regions, func(l regionLink) bool { return l.Code == code }) {
			v.Region = code
			query.Set("region", code)
		}
		v.Script = o.Base + (&url.URL{Path: "/b/" + Site + ".js", RawQuery: query.Encode()}).String()
		var b bytes.Buffer
		if err := page.Execute(&b, v); err != nil {
			http.Error(w, "the demo page could not be written: "+err.Error(), http.StatusInternalServerError)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", policy(b.Bytes(), o))
		h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(b.Bytes())
	})
	for name, kind := range map[string]string{"shop.css": "text/css; charset=utf-8", "panel.js": script, "icon.svg": "image/svg+xml"} {
		body, err := files.ReadFile(name)
		if err != nil {
			panic(err) // embedded above
		}
		mux.HandleFunc("GET /demo/"+name, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Cache-Control", "no-cache")
			_, _ = w.Write(body)
		})
	}
	mux.HandleFunc("GET /demo/counts", o.Vendors.ServeCounts)
	mux.Handle("GET /demo", http.RedirectHandler("/demo/", http.StatusMovedPermanently))
	return mux
}

func policy(page []byte, o Options) string {
	return fmt.Sprintf("default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "+
		"script-src 'self' %s %s %s; style-src 'self'; img-src 'self' %s; frame-src %s; connect-src 'self' %s; "+
		"require-trusted-types-for 'script'; trusted-types consent",
		o.Base, o.VendorOrigin, strings.Join(hashes(page), " "), o.VendorOrigin, o.VendorOrigin, o.Base)
}

// hashes are the policy's sources for the inline scripts of a page, those that
// wait for consent: they run as they stand, so their hash allows them (CSP 3,
// "hash-source").
func hashes(page []byte) (sources []string) {
	z := html.NewTokenizer(bytes.NewReader(page))
	for inline := false; ; {
		switch z.Next() {
		case html.ErrorToken:
			return sources
		case html.StartTagToken:
			inline = z.Token().Data == "script"
		case html.TextToken:
			if inline {
				sum := sha256.Sum256(z.Raw())
				sources = append(sources, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
			}
		default:
			inline = false
		}
	}
}

// names lists languages under the names they have in themselves.
func names(tags []string) []languageLink {
	links := make([]languageLink, 0, len(tags))
	for _, tag := range tags {
		name := display.Self.Name(language.Make(tag))
		if name == "" {
			name = tag
		}
		links = append(links, languageLink{tag, name})
	}
	return links
}

func random() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand
	return hex.EncodeToString(b[:])
}
