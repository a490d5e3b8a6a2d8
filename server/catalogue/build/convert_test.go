package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/catalogue"
)

const usage = "www.most.example,*.most.example,ad\ncdn.shared.example,x,cdn\nour.example,x,ad\nlow.example,x,ad\n"

func TestConvert(t *testing.T) {
	places, err := readUsage(strings.NewReader(usage))
	if err != nil {
		t.Fatal(err)
	}
	own := []catalogue.Vendor{
		{Key: "hotjar", Name: "Hotjar", Category: "analytics", Hosts: []string{"our.example"}},
		{Key: "paths", Name: "Paths", Category: "marketing", Hosts: []string{"www.most.example/tr", "low.example"}},
	}
	for _, key := range sameAs {
		own = append(own, catalogue.Vendor{Key: key, Name: key, Category: "marketing"})
	}
	own = append(own, catalogue.Vendor{Key: "klaro", Name: "Klaro", Category: "necessary", Hosts: []string{"klaro.example"}})
	m, err := convert([]entity{
		{"Most Used!", "ad", []string{"*.most.example", "*.Most.Example", "192.0.2.1"}},
		{"Hotjar", "ad", []string{"*.hotjar.example"}},
		{"Stripe", "utility", []string{"stripe.example"}},
		{"Amazon CloudFront", "utility", []string{"*.cloudfront.net"}},
		{"Some Utility", "utility", []string{"u.example"}},
		{"24 Hosting", "hosting", []string{"h.example"}},
		{"24 Chat", "customer-success", []string{"c.example"}},
		{"Klaro", "ad", []string{"klaro-ads.example"}},
		{"Only Buckets", "cdn", []string{"commondatastorage.googleapis.com"}},
	}, own, places)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := json.Marshal(m.vendors)
	want := `[{"key":"hotjar","name":"Hotjar","category":"analytics","hosts":["hotjar.example"]},` +
		`{"key":"klaro-more","name":"Klaro","category":"marketing","hosts":["klaro-ads.example"]},` +
		`{"key":"most-used","name":"Most Used!","category":"marketing","hosts":["most.example"],"rank":1},` +
		`{"key":"some-utility","name":"Some Utility","category":"preferences","hosts":["u.example"]},` +
		`{"key":"stripe","name":"Stripe","category":"necessary","hosts":["stripe.example"]},` +
		`{"key":"v-24-chat","name":"24 Chat","category":"preferences","hosts":["c.example"]}]`
	if string(got) != want {
		t.Errorf("vendors\n%s\nwant\n%s", got, want)
	}
	if m.ranks["hotjar"] != 2 || m.ranks["paths"] != 3 {
		t.Errorf("ranks %v: want hotjar 2, and paths 3 by the host that it has to itself", m.ranks)
	}
	if slices.Contains(m.gone, "Stripe") || !slices.Contains(m.gone, "PayPal") {
		t.Errorf("gone: %q; want PayPal, which is in entities.go, and not Stripe", m.gone)
	}
	if m.left != 2 {
		t.Errorf("%d left out, want the host of anybody and the hosting company", m.left)
	}
}

func TestConvertRefuses(t *testing.T) {
	var own []catalogue.Vendor
	for _, key := range sameAs {
		own = append(own, catalogue.Vendor{Key: key})
	}
	for what, entities := range map[string][]entity{
		"a new category":            {{"A", "blockchain", nil}},
		"a host that is none":       {{"A", "ad", []string{"https://a.example"}}},
		"one key in two categories": {{"A B", "ad", nil}, {"A-B", "analytics", nil}},
	} {
		if _, err := convert(entities, own, nil); err == nil {
			t.Errorf("%s was taken", what)
		}
	}
	if _, err := convert(nil, nil, nil); err == nil {
		t.Error("a name of ours that own.json lacks was taken")
	}
	if _, err := readUsage(strings.NewReader("no comma\n")); err == nil {
		t.Error("a line of another form was read")
	}
}

func TestEntitiesNameCategories(t *testing.T) {
	for name, category := range categoryOf {
		switch category {
		case "", "necessary", "preferences", "analytics", "marketing":
		default:
			t.Errorf("%s: there is no category %q", name, category)
		}
	}
}

func TestRun(t *testing.T) {
	from := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(from, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("package.json", `{"version": "1.2.3", "license": "MIT"}`)
	write("dist/entities.json", `[{"name": "A", "category": "ad", "domains": ["*.most.example"]}]`)
	write("dist/domain-map.csv", usage)
	out := filepath.Join(from, "out.json")
	if err := run(from, "../own.json", out); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	want := "{\n  \"source\": \"third-party-web 1.2.3, © Patrick Hulce, MIT: LICENSE-third-party-web\",\n  \"ranks\": {},\n  \"vendors\": [\n" +
		`    {"key":"a","name":"A","category":"marketing","hosts":["most.example"],"rank":1}` + "\n  ]\n}\n"
	if string(file) != want {
		t.Errorf("wrote\n%s\nwant\n%s", file, want)
	}
	write("package.json", `{"version": "1.2.4", "license": "CC-BY-NC-4.0"}`)
	if err := run(from, "../own.json", out); err == nil || !strings.Contains(err.Error(), "CC-BY-NC-4.0") {
		t.Errorf("another licence: %v", err)
	}
}
