package server

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// notJSON are the routes that answer something else than JSON; all others must
// stand in the document.
var notJSON = []string{
	"/opt-out", "/metrics", "/opt-out/next", "/opt-out/take/:pass", "/opt-out/back/:site/:pass", "/privacy/:site/decide", "/privacy/:site/held", "/privacy/:site/link", "/privacy/:site/take/:pass",
	"/privacy/:site/requests", "/privacy/:site/requests/:id", "/privacy/:site/requests/:id/data", "/privacy/:site/requests/:id/confirm",
	"/b/:file", "/b/:site/:file", "/b/:site/declaration.js", "/b/:site/pinned/:file", "/assets/*",
	"/log/verify", "/privacy/:site", "/privacy/:site/choices", "/privacy/:site/cookies",
	"/log/checkpoint", "/log/tile/*", "/log/witness/add-checkpoint",
	"/policies/:site", "/policies/:site/:policy/versions/:number/original", "/policies/:site/:policy/feed.atom", "/policies/:site/:policy/timegate",
	"/policies/:site/:policy/at", "/policies/:site/:policy/at/:date", "/policies/:site/:policy/diff",
}

func TestEveryJSONAddressIsDescribed(t *testing.T) {
	var document struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct {
			OperationID string                    `json:"operationId"`
			Parameters  []map[string]string       `json:"parameters"`
			Responses   map[string]map[string]any `json:"responses"`
		} `json:"paths"`
		Components struct {
			Parameters map[string]struct {
				Name string `json:"name"`
				In   string `json:"in"`
			} `json:"parameters"`
		} `json:"components"`
	}
	if err := json.Unmarshal(openAPIDocument, &document); err != nil {
		t.Fatal(err)
	}
	if document.OpenAPI != "3.1.0" {
		t.Errorf("the document is of OpenAPI %q", document.OpenAPI)
	}
	variable := regexp.MustCompile(`\{[a-z]+\}|:[a-z]+`)
	shape := func(path string) string { return variable.ReplaceAllString(path, "{}") }

	described, ids := map[string]bool{}, map[string]bool{}
	for path, operations := range document.Paths {
		for method, op := range operations {
			described[strings.ToUpper(method)+" "+shape(path)] = true
			if op.OperationID == "" || ids[op.OperationID] {
				t.Errorf("%s %s: operationId %q is missing or taken", method, path, op.OperationID)
			}
			ids[op.OperationID] = true
			if len(op.Responses) == 0 {
				t.Errorf("%s %s: no answers", method, path)
			}
			var named []string
			for _, p := range op.Parameters {
				declared := document.Components.Parameters[strings.TrimPrefix(p["$ref"], "#/components/parameters/")]
				if declared.In == "path" {
					named = append(named, "{"+declared.Name+"}")
				}
			}
			if want := variable.FindAllString(path, -1); !slices.Equal(named, want) {
				t.Errorf("%s %s: path parameters %v, want %v", method, path, named, want)
			}
		}
	}
	routed := map[string]bool{}
	for _, r := range bare(t, fine).echo.Routes() {
		if r.Method == http.MethodHead || slices.Contains(notJSON, r.Path) || strings.HasPrefix(r.Path, "/admin") {
			continue
		}
		routed[r.Method+" "+shape(r.Path)] = true
	}
	for route := range routed {
		if !described[route] {
			t.Errorf("%s is routed and not described in openapi.json", route)
		}
	}
	for operation := range described {
		if !routed[operation] {
			t.Errorf("%s is described in openapi.json and not routed", operation)
		}
	}
}

func TestReferencesOfTheDocumentLeadSomewhere(t *testing.T) {
	var document any
	if err := json.Unmarshal(openAPIDocument, &document); err != nil {
		t.Fatal(err)
	}
	used := 0
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if to, ok := v["$ref"].(string); ok {
				used++
				at := document
				for part := range strings.SplitSeq(strings.TrimPrefix(to, "#/"), "/") {
					members, _ := at.(map[string]any)
					at = members[part]
				}
				if at == nil {
					t.Errorf("%s leads nowhere", to)
				}
			}
			for _, member := range v {
				walk(member)
			}
		case []any:
			for _, element := range v {
				walk(element)
			}
		}
	}
	walk(document)
	if used == 0 {
		t.Error("no reference was found")
	}
}

func TestTheDocumentIsServedWithATag(t *testing.T) {
	s := bare(t, fine)
	first := ask(t, s, http.MethodGet, "/openapi.json", nil)
	tag := first.Header().Get("ETag")
	if first.Code != http.StatusOK || tag == "" || first.Body.String() != string(openAPIDocument) || first.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%d, ETag %q, %s, %d bytes", first.Code, tag, first.Header().Get("Content-Type"), first.Body.Len())
	}
	for have, want := range map[string]int{tag: 304, `W/` + tag: 304, `"other", ` + tag: 304, "*": 304, `"other"`: 200} {
		again := ask(t, s, http.MethodGet, "/openapi.json", http.Header{"If-None-Match": {have}})
		if again.Code != want || (want == 304) != (again.Body.Len() == 0) {
			t.Errorf("If-None-Match %s: %d with %d bytes, want %d", have, again.Code, again.Body.Len(), want)
		}
	}
}
