package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"
)

// blogOrigin is the only origin of the second site.
const blogOrigin = "https://blog.example"

// twoSites is a data folder with the shop and a blog, of two controllers.
func twoSites(t *testing.T) (data string) {
	t.Helper()
	data = publish(t)
	text, err := os.ReadFile("testdata/shop.toml")
	if err != nil {
		t.Fatal(err)
	}
	other := strings.NewReplacer(`"shop"`, `"blog"`, shopOrigin, blogOrigin).Replace(string(text))
	file := filepath.Join(t.TempDir(), "blog.toml")
	if err := os.WriteFile(file, []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"site", "add", "blog", "--name", "Blog"}, {"policy", "import", "testdata/privacy.md", "--site", "blog", "--policy", "privacy", "--effective", "2026-01-01"}, {"notice", "publish", file}} {
		if out, exit := volenti(t, append(args, "--data", data)...); exit != 0 {
			t.Fatalf("volenti %v: exit %d\n%s", args, exit, out)
		}
	}
	return data
}

// A browser is one visitor's: what it says of itself, and the cookies it keeps.
type browser struct {
	t       *testing.T
	base    string
	canary  string
	cookies []string
}

func (b *browser) ask(method, path, origin string, body []byte, header ...string) (*http.Response, []byte) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, b.base+path, bytes.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("User-Agent", "Mozilla/5.0 "+b.canary)
	req.Header.Set("X-Forwarded-For", "203.0.113."+fmt.Sprint(len(b.canary)))
	req.Header.Set("Accept-Language", "en")
	if origin != "" {
		req.Header.Set("Origin", origin)
		req.Header.Set("Content-Type", "application/json")
	}
	if len(b.cookies) > 0 {
		req.Header.Set("Cookie", strings.Join(b.cookies, "; "))
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp, answer
}

// decide answers a site's banner, always in the same way; the receipt's id.
func (b *browser) decide(site, origin, id string) (receipt string, all [][]byte) {
	b.t.Helper()
	_, script := b.ask(http.MethodGet, "/b/"+site+".js", "", nil)
	found := servedToken.FindSubmatch(script)
	if found == nil {
		b.t.Fatalf("no token in the script of %s", site)
	}
	body := fmt.Appendf(nil, `{"id":%q,"token":%q,"categories":{"preferences":false,"analytics":true,"marketing":false},"vendors":{},"action":"save","surface":"settings","at":1,"gpc":false,"dnt":false}`, id, found[1])
	resp, answer := b.ask(http.MethodPost, "/v1/sites/"+site+"/decisions", origin, body)
	var got struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(answer, &got); err != nil || resp.StatusCode != http.StatusCreated {
		b.t.Fatalf("%s: %d %s", site, resp.StatusCode, answer)
	}
	for _, c := range resp.Cookies() {
		b.cookies = append(b.cookies, c.Name+"="+c.Value)
		// What stands in it, and its code; not the second it was made in.
		raw, err := base64.URLEncoding.DecodeString(c.Value)
		part := bytes.SplitN(raw, []byte("|"), 3)
		if err != nil || len(part) != 3 {
			b.t.Fatalf("the cookie %q", c.Value)
		}
		inner, err := base64.URLEncoding.DecodeString(string(part[1]))
		if err != nil {
			b.t.Fatal(err)
		}
		all = append(all, inner, part[2])
	}
	return got.ID, append(all, answer, []byte(resp.Header.Get("ETag")))
}

// lasting is how long a piece has to be to tell one browser from others: twelve
// characters, 48 bits where they are hexadecimal digits.
const lasting = 12

var (
	moments = regexp.MustCompile(`1[789]\d{8,11}`)
	ids     = regexp.MustCompile(`[0-9a-hjkmnp-tv-z]{7}([0-9a-hjkmnp-tv-z]{25})`)
	runs    = regexp.MustCompile(`[0-9A-Za-z_-]{12,}`)
)

// pieces are all that is in data of that length, in the letters that names, codes and
// digests are written in. The times of acts are not, nor the seven digits of an id that
// hold its minute: two sites that were visited in the same second are in every log of the
// world.
func pieces(data ...[]byte) map[string]struct{} {
	all := map[string]struct{}{}
	for _, d := range data {
		d = ids.ReplaceAll(moments.ReplaceAll(d, []byte("~")), []byte("~$1"))
		for _, run := range runs.FindAll(d, -1) {
			for i := 0; i+lasting <= len(run); i++ {
				all[string(run[i:i+lasting])] = struct{}{}
			}
		}
	}
	return all
}

// joins are the pieces that two sites have of one browser and not of another.
func joins(one, two map[string]struct{}, others ...map[string]struct{}) (both []string) {
	for piece := range one {
		_, there := two[piece]
		for _, other := range others {
			if _, common := other[piece]; common {
				there = false
			}
		}
		if there {
			both = append(both, piece)
		}
	}
	slices.Sort(both)
	return both
}

// rows are those of all tables, each as text: binary in hexadecimal digits.
func rows(t *testing.T, data string) map[string]bool {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(data, "volenti.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var tables []string
	each := func(query string, do func(values []any)) {
		t.Helper()
		found, err := db.QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer found.Close()
		columns, err := found.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for found.Next() {
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := found.Scan(into...); err != nil {
				t.Fatal(err)
			}
			do(values)
		}
		if err := found.Err(); err != nil {
			t.Fatal(err)
		}
	}
	each(`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`, func(v []any) { tables = append(tables, fmt.Sprint(v[0])) })
	all := map[string]bool{}
	for _, table := range tables {
		each(`SELECT * FROM "`+table+`"`, func(values []any) {
			text := table
			for _, v := range values {
				if b, ok := v.([]byte); ok && !utf8.Valid(b) {
					v = hex.EncodeToString(b)
				} else if ok {
					v = string(b)
				}
				text += fmt.Sprintf(" | %v", v)
			}
			all[text] = true
		})
	}
	return all
}

// Two sites of one server can't find out that a visitor of the one is the same as one of
// the other: whatever is stored, answered or set for a browser on both has nothing in
// common that another browser's has not (row M7 of the obligations).
func TestTwoSitesCannotBeJoined(t *testing.T) {
	data := twoSites(t)
	p := start(t, data)
	one := &browser{t: t, base: p.base, canary: "canary-of-the-first-visitor"}
	two := &browser{t: t, base: p.base, canary: "canary-of-another-visitor-who-differs"}
	var receipts []string
	seen := func(b *browser, site, origin, id string) map[string]struct{} {
		before := rows(t, data)
		receipt, all := b.decide(site, origin, id)
		receipts = append(receipts, receipt)
		_, kept := b.ask(http.MethodGet, "/v1/sites/"+site+"/receipts/"+receipt, origin, nil)
		_, policy := b.ask(http.MethodGet, "/v1/sites/"+site+"/csp", origin, nil, "Accept", "application/json")
		_, page := b.ask(http.MethodGet, "/privacy/"+site, "", nil)
		all = append(all, kept, policy, formKeys.ReplaceAll(page, nil))
		for row := range rows(t, data) {
			if !before[row] {
				all = append(all, []byte(row))
			}
		}
		return pieces(all...)
	}
	// What is kept once for all visitors is kept before.
	first := &browser{t: t, base: p.base, canary: "canary-of-the-very-first"}
	seen(first, "shop", shopOrigin, "q0")
	seen(first, "blog", blogOrigin, "h5")
	// The names that pages give their decisions are theirs; here they have nothing in common.
	oneShop, twoShop := seen(one, "shop", shopOrigin, "aq3"), seen(two, "shop", shopOrigin, "zw8")
	oneBlog, twoBlog := seen(one, "blog", blogOrigin, "b7k"), seen(two, "blog", blogOrigin, "m1p")
	if got := joins(oneShop, oneBlog, twoShop, twoBlog); len(got) != 0 {
		t.Errorf("the first visitor's records on two sites have in common: %q", got[:min(len(got), 20)])
	}
	if got := joins(twoShop, twoBlog, oneShop, oneBlog); len(got) != 0 {
		t.Errorf("the other visitor's records on two sites have in common: %q", got[:min(len(got), 20)])
	}
	// It would be found: what a browser says of itself is longer than a piece.
	for piece := range pieces([]byte(one.canary)) {
		oneShop[piece], oneBlog[piece] = struct{}{}, struct{}{}
	}
	if len(joins(oneShop, oneBlog, twoShop, twoBlog)) == 0 {
		t.Error("a mark on both would not be found")
	}
	// Nobody reads one site's records by the other's address.
	for i, other := range []string{"blog", "shop", "blog", "blog", "shop", "shop"} {
		if resp, _ := one.ask(http.MethodGet, "/v1/sites/"+other+"/receipts/"+receipts[i], "", nil); resp.StatusCode != http.StatusNotFound {
			t.Errorf("receipt %d opens at %s: %d", i, other, resp.StatusCode)
		}
	}
	if err := p.stop(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for _, never := range append(receipts, "canary", "203.0.113.") {
		if strings.Contains(p.log.String(), never) {
			t.Errorf("the log holds %q", never)
		}
	}
}

var (
	routed   = regexp.MustCompile(`(?m)^\t+get\("([^"]+)"`)
	formKeys = regexp.MustCompile(`name="(key|form)" value="[^"]*"`)
	requests = regexp.MustCompile(`[0-9a-f]{16}`)
)

// No answer tells one visitor from another who is in the same state: not by a tag, a
// date, a cookie, or any byte that a cache keeps (row M5). It is asked of every address
// there is; a new one that is not in the table fails.
func TestNothingThatIsCachedIdentifies(t *testing.T) {
	p := start(t, publish(t))
	one := &browser{t: t, base: p.base, canary: "canary-of-the-first-visitor"}
	two := &browser{t: t, base: p.base, canary: "canary-of-another-visitor-who-differs"}
	_, declaration := one.ask(http.MethodGet, "/v1/sites/shop/declaration", "", nil)
	var said struct {
		Notice string `json:"notice"`
	}
	if err := json.Unmarshal(declaration, &said); err != nil {
		t.Fatal(err)
	}
	nothing := strings.Repeat("0", 32)
	paths := map[string]string{
		"/b/:file": "/b/shop.js", "/b/:site/declaration.js": "/b/shop/declaration.js", "/b/:site/pinned/:file": "/b/shop/pinned/" + said.Notice + ".js",
		"/v1/sites/:site/boot": "/v1/sites/shop/boot", "/b/:site/:file": "/b/shop/" + said.Notice + ".js", "/v1/sites/:site/handover": "/v1/sites/shop/handover?to=https://x.example",
		"/v1/sites/:site/changes": "/v1/sites/shop/changes", "/v1/sites/:site/receipts/:id": "/v1/sites/shop/receipts/" + nothing, "/v1/sites/:site/receipts/:id/governing": "/v1/sites/shop/receipts/" + nothing + "/governing",
		"/v1/sites/:site/archive/:digest": "/v1/sites/shop/archive/" + said.Notice, "/v1/sites/:site/tags/:file": "/v1/sites/shop/tags/analytics.js", "/v1/sites/:site/csp": "/v1/sites/shop/csp",
		"/opt-out/next": "/opt-out/next?run=x", "/opt-out/take/:pass": "/opt-out/take/x", "/opt-out/back/:site/:pass": "/opt-out/back/shop/x", "/privacy/:site/take/:pass": "/privacy/shop/take/x",
		"/policies/:site/:policy/versions/:number/original": "/policies/shop/privacy/versions/1/original", "/policies/:site/:policy/at/:date": "/policies/shop/privacy/at/2026-05-01",
		"/policies/:site/:policy/diff/:pair": "/policies/shop/privacy/diff/1..1", "/assets/*": "/assets/x/volenti.css", "/log/tile/*": "/log/tile/0/000", "/schemas/:name": "/schemas/receipt-v1.json",
	}
	simple := strings.NewReplacer(":site", "shop", ":policy", "privacy", ":number", "1", ":id", nothing)
	source, err := os.ReadFile("../../server/routes.go")
	if err != nil {
		t.Fatal(err)
	}
	var templates []string
	for _, m := range routed.FindAllSubmatch(source, -1) {
		if path := string(m[1]); path != "/" && path != "/demo" { // of the demonstration
			templates = append(templates, path)
		}
	}
	if len(templates) < 40 {
		t.Fatalf("only %d addresses were found", len(templates))
	}
	// Headers that name the moment, and nobody.
	own := func(h http.Header) http.Header {
		h = h.Clone()
		h.Del("Date")
		return h
	}
	compare := func(path, state string) {
		t.Helper()
		a, first := one.ask(http.MethodGet, path, "", nil)
		b, second := two.ask(http.MethodGet, path, "", nil)
		again, _ := one.ask(http.MethodGet, path, "", nil)
		if fmt.Sprint(own(a.Header)) != fmt.Sprint(own(b.Header)) || fmt.Sprint(own(a.Header)) != fmt.Sprint(own(again.Header)) || a.StatusCode != b.StatusCode {
			t.Errorf("%s %s: headers differ:\n%v\n%v\n%v", state, path, a.Header, b.Header, again.Header)
		}
		for _, name := range []string{"Set-Cookie", "Server-Timing", "Clear-Site-Data", "NEL", "Report-To", "Reporting-Endpoints", "Accept-CH", "Alt-Svc"} {
			if a.Header.Get(name) != "" {
				t.Errorf("%s %s: %s: %s", state, path, name, a.Header.Get(name))
			}
		}
		if state == "undecided" {
			if !strings.Contains(a.Header.Get("Cache-Control"), "no-store") { // what nobody keeps may have a form's key or a request's number
				if !bytes.Equal(first, second) {
					t.Errorf("%s: what is kept of it differs", path)
				}
			} else if x, y := requests.ReplaceAll(formKeys.ReplaceAll(first, nil), nil), requests.ReplaceAll(formKeys.ReplaceAll(second, nil), nil); !bytes.Equal(x, y) {
				t.Errorf("%s: answers differ:\n%.2000s\n%.2000s", path, x, y)
			}
		}
		for _, said := range [][]byte{first, second, []byte(fmt.Sprint(a.Header, b.Header))} {
			if bytes.Contains(said, []byte("canary")) || bytes.Contains(said, []byte("203.0.113.")) {
				t.Errorf("%s %s repeats what the browser says of itself", state, path)
			}
		}
		if tag := a.Header.Get("ETag"); tag != "" && a.StatusCode == http.StatusOK {
			if kept, _ := two.ask(http.MethodGet, path, "", nil, "If-None-Match", tag); kept.StatusCode != http.StatusNotModified || kept.Header.Get("ETag") != tag {
				t.Errorf("%s %s: one visitor's tag %s is not the other's: %d %s", state, path, tag, kept.StatusCode, kept.Header.Get("ETag"))
			}
		}
	}
	for _, state := range []string{"undecided", "decided"} {
		for _, template := range templates {
			path, named := paths[template]
			if !named {
				if path = simple.Replace(template); strings.ContainsAny(path, ":*") {
					t.Errorf("%s is a new address: say in this test how it is asked for", template)
					continue
				}
			}
			compare(path, state)
		}
		if state == "undecided" {
			one.decide("shop", shopOrigin, "aq3")
			two.decide("shop", shopOrigin, "zw8")
		}
	}
}
