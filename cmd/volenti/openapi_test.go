package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// A description is the document a running server publishes about itself.
type description struct {
	t       *testing.T
	tree    map[string]any
	schemas *jsonschema.Compiler
	covered map[string]bool // "get /healthz 200", answers that were held against their schema
}

const described = "openapi.json"

func describe(t *testing.T, base string) *description {
	t.Helper()
	resp, err := http.Get(base + "/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	tree, err := jsonschema.UnmarshalJSON(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	d := &description{t: t, tree: tree.(map[string]any), schemas: jsonschema.NewCompiler(), covered: map[string]bool{}}
	d.schemas.DefaultDraft(jsonschema.Draft2020)
	d.schemas.AssertFormat()
	if err := d.schemas.AddResource(described, tree); err != nil {
		t.Fatal(err)
	}
	return d
}

// at follows a JSON pointer, references too. It returns where that led.
func (d *description) at(parts ...string) (node map[string]any, pointer []string) {
	node = d.tree
	for _, part := range parts {
		next, _ := node[part].(map[string]any)
		if to, ok := next["$ref"].(string); ok {
			next, pointer = d.at(strings.Split(strings.TrimPrefix(to, "#/"), "/")...)
		} else {
			pointer = append(slices.Clip(pointer), part)
		}
		if node = next; node == nil {
			return nil, nil
		}
	}
	return node, pointer
}

// check holds an answer against what the document says of it.
func (d *description) check(method, path string, resp *http.Response, body []byte) {
	d.t.Helper()
	status := strconv.Itoa(resp.StatusCode)
	where := []string{"paths", path, strings.ToLower(method), "responses"}
	answer, pointer := d.at(append(where, status)...)
	if answer == nil {
		if answer, pointer = d.at(append(where, "default")...); answer == nil {
			d.t.Errorf("%s %s: the answer %s is not described", method, path, status)
			return
		}
	}
	d.covered[strings.ToLower(method)+" "+path+" "+status] = true
	content, _ := answer["content"].(map[string]any)
	if len(body) == 0 {
		if content != nil {
			d.t.Errorf("%s %s %s: no body, and %v is described", method, path, status, slices.Collect(maps.Keys(content)))
		}
		return
	}
	media, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || content[media] == nil {
		d.t.Errorf("%s %s %s: media type %q is not described", method, path, status, resp.Header.Get("Content-Type"))
		return
	}
	if !strings.HasSuffix(media, "json") {
		return
	}
	if err := d.valid(append(slices.Clip(pointer), "content", media, "schema"), body); err != nil {
		d.t.Errorf("%s %s %s: %v\n%s", method, path, status, err, body)
	}
}

func (d *description) valid(pointer []string, text []byte) error {
	escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D")
	at := described + "#"
	for _, part := range pointer {
		at += "/" + escape.Replace(part)
	}
	schema, err := d.schemas.Compile(at)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// share publishes the shop's notice again, with a second domain that its decisions count on.
func share(t *testing.T, data string) {
	t.Helper()
	text, err := os.ReadFile("testdata/shop.toml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "shop.toml")
	text = append(bytes.Replace(text, []byte(`["https://shop.example"]`), []byte(`["https://shop.example", "https://outlet.example"]`), 1), "\n[share]\ndomains = true\n"...)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, exit := volenti(t, "notice", "publish", file, "--data", data); exit != 0 {
		t.Fatalf("publish: exit %d\n%s", exit, out)
	}
}

// cookieOf is the cookie that a decision brings.
func cookieOf(t *testing.T, p *process, decision string) string {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, p.base+"/v1/sites/shop/decisions", strings.NewReader(decision))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"Origin": {shopOrigin}, "Content-Type": {"application/json"}}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if len(resp.Cookies()) != 1 {
		t.Fatalf("a decision brings %d and the cookies %v", resp.StatusCode, resp.Cookies())
	}
	return resp.Cookies()[0].Name + "=" + resp.Cookies()[0].Value
}

// What the binary answers is what its document says, for every operation.
func TestAnswersAreAsDescribed(t *testing.T) {
	data := publish(t)
	share(t, data)
	lines, _ := printed(t, data, "--pinned")
	pinned := pinnedTag.FindStringSubmatch(lines)[2]
	token, err := os.ReadFile(desk{t, data, t.TempDir()}.token("policies:publish"))
	if err != nil {
		t.Fatal(err)
	}
	program := http.Header{"Authorization": {"Bearer " + strings.TrimSpace(string(token))}, "Content-Type": {"application/json"}}
	p := start(t, data)
	v := p.open(nil)
	d := describe(t, p.base)
	decision := func(change map[string]any) string {
		body := map[string]any{"id": "described", "token": v.token, "categories": map[string]any{"preferences": false, "analytics": true, "marketing": false},
			"vendors": map[string]any{}, "action": "save", "surface": "banner", "at": 1, "gpc": true, "dnt": false}
		maps.Copy(body, change)
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	_, receipt, err := v.do(http.MethodPost, "/v1/sites/shop/decisions", []byte(decision(nil)))
	if err != nil {
		t.Fatal(err)
	}
	var kept struct {
		ID   string `json:"id"`
		Core struct {
			Experience string `json:"experience"`
			Notice     string `json:"notice"`
			Law        string `json:"law"`
		} `json:"core"`
	}
	if err := json.Unmarshal(receipt, &kept); err != nil {
		t.Fatal(err)
	}
	decided := http.Header{"Origin": {shopOrigin}, "Cookie": {cookieOf(t, p, decision(map[string]any{"id": "handed"}))}}
	_, experience, err := v.get("/v1/sites/shop/archive/" + kept.Core.Experience)
	if err != nil {
		t.Fatal(err)
	}
	var shown struct{ Script, Wording, Tags, Law string }
	if err := json.Unmarshal(experience, &shown); err != nil {
		t.Fatal(err)
	}
	const tags, publishes = "/v1/sites/{site}/tags/{file}", "/v1/sites/{site}/policies/{policy}/versions"
	const decisions, archive, versions = "/v1/sites/{site}/decisions", "/v1/sites/{site}/archive/{digest}", "/policies/{site}/{policy}/versions"
	asJSON, asPage := http.Header{"Accept": {"application/json"}}, http.Header{"Accept": {"text/html,application/json;q=0.5"}}
	fromShop := http.Header{"Origin": {shopOrigin}, "Content-Type": {"application/json"}}
	for _, tt := range []struct {
		operation, address string // of the document, and an address of it
		header             http.Header
		body               string
		want               int
	}{
		{"post " + decisions, "/v1/sites/shop/decisions", fromShop, decision(map[string]any{"id": "again", "previous": kept.ID}), 201},
		{"post " + decisions, "/v1/sites/shop/decisions", fromShop, decision(map[string]any{"action": "maybe", "extra": 1}), 400},
		{"post " + decisions, "/v1/sites/shop/decisions", fromShop, decision(map[string]any{"token": "1.shop.x"}), 400},
		{"post " + decisions, "/v1/sites/shop/decisions", fromShop, decision(map[string]any{"gpc": false}), 409},
		{"post " + decisions, "/v1/sites/shop/decisions", fromShop, strings.Repeat(" ", 17<<10), 413},
		{"post " + decisions, "/v1/sites/shop/decisions", http.Header{"Origin": {shopOrigin}, "Content-Type": {"text/plain"}}, "{}", 415},
		{"post " + decisions, "/v1/sites/shop/decisions", http.Header{"Origin": {"https://evil.example"}}, "{}", 403},
		{"post " + decisions, "/v1/sites/nobody/decisions", fromShop, "{}", 404},
		{"options " + decisions, "/v1/sites/shop/decisions", http.Header{"Origin": {shopOrigin}}, "", 204},
		{"options " + decisions, "/v1/sites/shop/decisions", nil, "", 403},
		{"get /v1/sites/{site}/receipts/{receipt}", "/v1/sites/shop/receipts/" + kept.ID, nil, "", 200},
		{"get /v1/sites/{site}/receipts/{receipt}", "/v1/sites/shop/receipts/" + kept.ID + "?form=27560", nil, "", 200},
		{"get /v1/sites/{site}/receipts/{receipt}", "/v1/sites/shop/receipts/" + kept.ID + "?form=kantara", nil, "", 200},
		{"get /v1/sites/{site}/receipts/{receipt}", "/v1/sites/shop/receipts/" + kept.ID, http.Header{"Accept": {"application/jose"}}, "", 200},
		{"get /v1/sites/{site}/receipts/{receipt}", "/v1/sites/shop/receipts/" + kept.ID + "?form=kantara-jwt", nil, "", 200},
		{"get /v1/sites/{site}/receipts/{receipt}", "/v1/sites/shop/receipts/" + kept.ID + "?form=pdf", nil, "", 400},
		{"get /schemas/{name}", "/schemas/27560-v1.json", nil, "", 200},
		{"get /schemas/{name}", "/schemas/none.json", nil, "", 404},
		{"get /v1/sites/{site}/receipts/{receipt}", "/v1/sites/shop/receipts/nothing", nil, "", 404},
		{"get /v1/sites/{site}/receipts/{receipt}", "/v1/sites/shop/receipts/" + kept.ID, http.Header{"Origin": {"null"}}, "", 403},
		{"get /v1/sites/{site}/receipts/{receipt}/governing", "/v1/sites/shop/receipts/" + kept.ID + "/governing", nil, "", 200},
		{"get /v1/sites/{site}/receipts/{receipt}/governing", "/v1/sites/shop/receipts/" + kept.ID + "/governing?at=2000-01-01T00:00:00Z", nil, "", 400},
		{"get /v1/sites/{site}/receipts/{receipt}/governing", "/v1/sites/shop/receipts/" + kept.ID + "/governing?at=now", nil, "", 400},
		{"get /v1/sites/{site}/receipts/{receipt}/governing", "/v1/sites/shop/receipts/nothing/governing", nil, "", 404},
		{"get /v1/sites/{site}/receipts/{receipt}/governing", "/v1/sites/shop/receipts/" + kept.ID + "/governing", http.Header{"Origin": {"null"}}, "", 403},
		{"get " + archive, "/v1/sites/shop/archive/" + kept.Core.Experience, nil, "", 200},
		{"get " + archive, "/v1/sites/shop/archive/" + kept.Core.Notice, nil, "", 200},
		{"get " + archive, "/v1/sites/shop/archive/" + shown.Wording, nil, "", 200},
		{"get " + archive, "/v1/sites/shop/archive/" + shown.Tags, nil, "", 200},
		{"get " + archive, "/v1/sites/shop/archive/" + shown.Law, nil, "", 200},
		{"get " + archive, "/v1/sites/shop/archive/" + shown.Script, nil, "", 200},
		{"get " + archive, "/v1/sites/shop/archive/0", nil, "", 404},
		{"get /v1/sites/{site}/boot", "/v1/sites/shop/boot?pinned=" + pinned, nil, "", 200},
		{"get /v1/sites/{site}/boot", "/v1/sites/shop/boot?pinned=" + pinned, http.Header{"Origin": {"https://evil.example"}}, "", 403},
		{"get /v1/sites/{site}/boot", "/v1/sites/shop/boot", nil, "", 404},
		{"get /v1/sites/{site}/declaration", "/v1/sites/shop/declaration", nil, "", 200},
		{"get /v1/sites/{site}/declaration", "/v1/sites/shop/declaration?lang=de", nil, "", 200},
		{"get /v1/sites/{site}/declaration", "/v1/sites/shop/declaration", http.Header{"If-None-Match": {"*"}}, "", 304},
		{"get /v1/sites/{site}/declaration", "/v1/sites/nobody/declaration", nil, "", 404},
		{"get /v1/sites/{site}/changes", "/v1/sites/shop/changes?lang=de", nil, "", 200},
		{"get /v1/sites/{site}/changes", "/v1/sites/shop/changes", http.Header{"If-None-Match": {"*"}}, "", 304},
		{"get /v1/sites/{site}/changes", "/v1/sites/nobody/changes", nil, "", 404},
		{"get /v1/sites/{site}/handover", "/v1/sites/shop/handover?to=https://outlet.example", decided, "", 200},
		{"get /v1/sites/{site}/handover", "/v1/sites/shop/handover?to=" + shopOrigin, decided, "", 204},
		{"get /v1/sites/{site}/handover", "/v1/sites/shop/handover?to=https://evil.example", decided, "", 403},
		{"get /v1/sites/{site}/handover", "/v1/sites/shop/handover?to=https://outlet.example", nil, "", 403},
		{"get /v1/sites/{site}/handover", "/v1/sites/nobody/handover", nil, "", 404},
		{"get " + tags, "/v1/sites/shop/tags/analytics.js?receipt=" + kept.ID, nil, "", 200},
		{"get " + tags, "/v1/sites/shop/tags/analytics.js?vendors=nobody&receipt=" + kept.ID, nil, "", 403},
		{"get " + tags, "/v1/sites/shop/tags/marketing.js?receipt=" + kept.ID, nil, "", 403},
		{"get " + tags, "/v1/sites/shop/tags/analytics.js", nil, "", 403},
		{"get " + tags, "/v1/sites/shop/tags/nothing.js", nil, "", 404},
		{"get /v1/sites/{site}/csp", "/v1/sites/shop/csp", nil, "", 204},
		{"get /v1/sites/{site}/csp", "/v1/sites/shop/csp?report-only", asJSON, "", 200},
		{"get /v1/sites/{site}/csp", "/v1/sites/nobody/csp", nil, "", 404},
		{"get /v1/sites/{site}/receipts/{receipt}/proof", "/v1/sites/shop/receipts/" + kept.ID + "/proof", nil, "", 200},
		{"get /v1/sites/{site}/receipts/{receipt}/proof", "/v1/sites/shop/receipts/" + kept.ID + "/proof", http.Header{"Origin": {"null"}}, "", 403},
		{"get /v1/sites/{site}/receipts/{receipt}/proof", "/v1/sites/shop/receipts/nothing/proof", nil, "", 404},
		{"get /v1/sites/{site}/receipts/{receipt}/bundle", "/v1/sites/shop/receipts/" + kept.ID + "/bundle", nil, "", 200},
		{"get /v1/sites/{site}/receipts/{receipt}/bundle", "/v1/sites/shop/receipts/nothing/bundle", nil, "", 404},
		{"get /v1/sites/{site}/receipts/{receipt}/bundle", "/v1/sites/shop/receipts/" + kept.ID + "/bundle", http.Header{"Origin": {"null"}}, "", 403},
		{"get /v1/sites/{site}/receipts/{receipt}/shown", "/v1/sites/shop/receipts/" + kept.ID + "/shown", nil, "", 200},
		{"get /v1/sites/{site}/receipts/{receipt}/shown", "/v1/sites/shop/receipts/nothing/shown", nil, "", 404},
		{"get /log/keys", "/log/keys", nil, "", 200},
		{"get /.well-known/jwks.json", "/.well-known/jwks.json", nil, "", 200},
		{"get /.well-known/gpc.json", "/.well-known/gpc.json", nil, "", 200},
		{"get /policies/{site}/{policy}", "/policies/shop/privacy", asJSON, "", 200},
		{"get /policies/{site}/{policy}", "/policies/shop/privacy", asPage, "", 200},
		{"get /policies/{site}/{policy}", "/policies/shop/privacy", http.Header{"If-None-Match": {"*"}}, "", 304},
		{"get /policies/{site}/{policy}", "/policies/shop/nothing", asJSON, "", 404},
		{"get /policies/{site}/{policy}", "/policies/shop/nothing", asPage, "", 404},
		{"get " + versions, "/policies/shop/privacy/versions", asJSON, "", 200},
		{"get " + versions, "/policies/shop/privacy/versions", asPage, "", 200},
		{"get " + versions + "/{number}", "/policies/shop/privacy/versions/1", asJSON, "", 200},
		{"get " + versions + "/{number}", "/policies/shop/privacy/versions/2", asJSON, "", 404},
		{"get " + versions + "/{number}/canonical", "/policies/shop/privacy/versions/1/canonical", nil, "", 200},
		{"get " + versions + "/{number}/entry", "/policies/shop/privacy/versions/1/entry", nil, "", 200},
		{"get " + versions + "/{number}/entry", "/policies/shop/privacy/versions/9/entry", nil, "", 404},
		{"get " + versions + "/{number}", "/policies/shop/privacy/versions/1.md", nil, "", 200},
		{"get " + versions + "/{number}", "/policies/shop/privacy/versions/1?lang=fr", asJSON, "", 404},
		{"get " + versions + "/{number}", "/policies/shop/privacy/versions/1", http.Header{"Accept": {"image/png"}}, "", 406},
		{"get " + versions + ".json", "/policies/shop/privacy/versions.json", nil, "", 200},
		{"get /policies/{site}/{policy}/diff/{pair}", "/policies/shop/privacy/diff/1..1", asJSON, "", 200},
		{"get /policies/{site}/{policy}/diff/{pair}", "/policies/shop/privacy/diff/1..1", asPage, "", 200},
		{"get /policies/{site}/{policy}/diff/{pair}", "/policies/shop/privacy/diff/1..2", asJSON, "", 404},
		{"get /policies/{site}/{policy}/diff/{pair}", "/policies/shop/privacy/diff/1", asJSON, "", 400},
		{"get /policies/{site}/{policy}/timemap", "/policies/shop/privacy/timemap", nil, "", 200},
		{"get /policies/{site}/{policy}/timemap", "/policies/shop/privacy/timemap", asJSON, "", 200},
		{"get /policies/{site}/{policy}/timemap.json", "/policies/shop/privacy/timemap.json", nil, "", 200},
		{"post " + publishes, "/v1/sites/shop/policies/privacy/versions", program, `{"language":"en","text":"# Privacy\u00a0policy\n\nWe ask.\n","translations":[{"language":"de","text":"# Datenschutz\n"}]}`, 201},
		{"post " + publishes, "/v1/sites/shop/policies/privacy/versions", program, `{"language":"en","text":"# Privacy policy\n\nWe ask.\n","translations":[{"language":"de","text":"# Datenschutz\n"}]}`, 200},
		{"post " + publishes, "/v1/sites/shop/policies/privacy/versions", program, `{"language":"en","text":" "}`, 422},
		{"post " + publishes, "/v1/sites/shop/policies/privacy/versions", program, `{"language":"en","text":"# Earlier\n","effective":"2001-01-01"}`, 409},
		{"post " + publishes, "/v1/sites/shop/policies/privacy/versions", program, `{"language":"en","text":"` + strings.Repeat("a", 5<<20) + `"}`, 413},
		{"post " + publishes, "/v1/sites/other/policies/privacy/versions", program, "{}", 404},
		{"post " + publishes, "/v1/sites/shop/policies/privacy/versions", http.Header{"Authorization": {"Bearer nothing"}}, "{}", 401},
		{"get /healthz", "/healthz", nil, "", 200},
		{"get /readyz", "/readyz", nil, "", 200},
		{"get /openapi.json", "/openapi.json", nil, "", 200},
		{"get /openapi.json", "/openapi.json", http.Header{"If-None-Match": {"*"}}, "", 304},
	} {
		method, path, _ := strings.Cut(tt.operation, " ")
		req, err := http.NewRequest(strings.ToUpper(method), p.base+tt.address, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		if tt.header != nil {
			req.Header = tt.header.Clone()
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != tt.want {
			t.Errorf("%s %s: %d, want %d\n%.300s", method, tt.address, resp.StatusCode, tt.want, body)
		}
		d.check(method, path, resp, body)
	}
	for path, operations := range d.tree["paths"].(map[string]any) {
		for method := range operations.(map[string]any) {
			responses, _ := d.at("paths", path, method, "responses")
			for status := range responses {
				at := fmt.Sprintf("%s %s %s", method, path, status)
				if strings.HasPrefix(status, "20") && !d.covered[at] {
					t.Errorf("%s is described and was not seen", at)
				}
			}
		}
	}
}

// The server takes the decisions its document calls valid, and no others.
func TestDecisionsAreTakenAsDescribed(t *testing.T) {
	p := start(t, publish(t))
	v := p.open(nil)
	d := describe(t, p.base)
	valid := fmt.Sprintf(`{"id":"%%s","token":%q,"categories":{"analytics":true},"action":"save","surface":"banner","at":1}`, v.token)
	for i, change := range []struct {
		old, new string
		ok       bool
	}{
		{"", "", true},
		{`"at":1`, `"at":1,"vendors":{},"gpc":true,"dnt":false`, true},
		{`"at":1`, `"at":1,"open":["ga4"]`, true},
		{`"at":1`, `"at":1,"open":["ga4","ga4"]`, false},
		{`"at":1`, `"at":1,"open":"meta"`, false},
		{`"at":1`, `"at":1,"extra":1`, false},
		{`"at":1`, `"at":1,"of_age":"16"`, false},
		{`"at":1`, `"at":1,"of_age":0`, false},
		{`"at":1`, `"at":1,"of_age":22`, false},
		{`"at":1`, `"at":1,"handover":""`, false},
		{`"at":1`, `"at":-1`, false},
		{`"at":1`, `"at":1.5`, false},
		{`"at":1`, `"at":9007199254740992`, false},
		{`,"at":1`, ``, false},
		{`"save"`, `"keep"`, false},
		{`"banner"`, `"page"`, false},
		{`true`, `"yes"`, false},
		{`"analytics"`, `"-analytics"`, false},
		{`"analytics"`, `"` + strings.Repeat("a", 65) + `"`, false},
		{`"at":1`, `"at":1,"previous":"` + strings.Repeat("0", 31) + `"`, false},
		{`"id":"d`, `"id":"ä`, false},
		{`"id":"d`, `"id":"` + strings.Repeat("d", 64), false},
	} {
		body := []byte(strings.Replace(fmt.Sprintf(valid, "d"+strconv.Itoa(i)), change.old, change.new, 1))
		says := d.valid([]string{"components", "schemas", "Decision"}, body)
		status, answer, err := v.do(http.MethodPost, "/v1/sites/shop/decisions", body)
		if err != nil {
			t.Fatal(err)
		}
		if (says == nil) != change.ok || (status == http.StatusCreated) != change.ok {
			t.Errorf("%s: the document says %v, the server %d %s", body, says, status, answer)
		}
	}
}
