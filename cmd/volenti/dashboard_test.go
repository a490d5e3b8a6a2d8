package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The dashboard's queries are ones Prometheus reads, and the routes and labels they ask
// by are ones that a server tells: a query by another would show an empty panel.
func TestDashboardShowsWhatAServerTells(t *testing.T) {
	text, err := os.ReadFile("../../docs/operate/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard any
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	queries := queriesOf(dashboard)
	if len(queries) < 10 {
		t.Fatalf("%d queries were found: %q", len(queries), queries)
	}
	told := measured(t)
	route, by := regexp.MustCompile(`route="[^"]+"`), regexp.MustCompile(`by \((\w+)\)`)
	rules := "groups:\n- name: dashboard\n  rules:\n"
	for n, query := range queries {
		for _, found := range route.FindAllString(query, -1) {
			if !strings.Contains(told, found) {
				t.Errorf("no request is counted by %s, which this asks for: %s", found, query)
			}
		}
		for _, found := range by.FindAllStringSubmatch(query, -1) {
			if !strings.Contains(told, found[1]+`="`) {
				t.Errorf("nothing is told by %s, which this asks for: %s", found[1], query)
			}
		}
		rules += fmt.Sprintf("  - record: query_%d\n    expr: %q\n", n, strings.ReplaceAll(query, "$__rate_interval", "5m"))
	}
	file := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), find(t, "promtool", "../../bin/promtool"), "check", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// queriesOf are the values of all members expr.
func queriesOf(value any) (all []string) {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			if text, ok := member.(string); ok && name == "expr" {
				all = append(all, text)
			}
			all = append(all, queriesOf(member)...)
		}
	case []any:
		for _, member := range v {
			all = append(all, queriesOf(member)...)
		}
	}
	return all
}
