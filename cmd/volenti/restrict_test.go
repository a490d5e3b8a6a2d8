package main

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
)

// V2, over HTTP: every address that answers something of one receipt answers 404 while
// it is restricted, to its holder as to anybody, and as before when that is lifted.
func TestRestrictedReceiptsAreNotAnswered(t *testing.T) {
	data := publish(t)
	v := start(t, data).open(nil)
	status, receipt, err := v.decide("d")
	if err != nil || status != http.StatusCreated {
		t.Fatal(status, err)
	}
	id, _, err := place(receipt)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../server/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var api struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(text, &api); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for path, methods := range api.Paths {
		if methods["get"] != nil && strings.Contains(path, "/receipts/{") {
			before, rest, _ := strings.Cut(strings.Replace(path, "{site}", "shop", 1), "{")
			_, rest, _ = strings.Cut(rest, "}")
			paths = append(paths, before+id+rest)
		}
	}
	if len(paths) < 4 {
		t.Fatalf("only %q", paths)
	}
	statuses := func() map[string]int {
		all := map[string]int{}
		for _, path := range paths {
			status, _, err := v.get(path)
			if err != nil {
				t.Fatal(err)
			}
			all[path] = status
		}
		return all
	}
	before := statuses()
	run := func(args ...string) {
		t.Helper()
		if out, exit := volenti(t, append(args, "--site", "shop", "--data", data)...); exit != 0 {
			t.Fatalf("volenti %v: exit %d\n%s", args, exit, out)
		}
	}
	run("erasure", "restrict", "--ground", "contested", id)
	for path, status := range statuses() {
		if status != http.StatusNotFound {
			t.Errorf("%s: %d while it is restricted", path, status)
		}
	}
	if status, _, err := v.decide("d"); err != nil || status != http.StatusConflict {
		t.Errorf("sent again: %d, %v", status, err)
	}
	_, leaf, err := place(receipt)
	if err != nil {
		t.Fatal(err)
	}
	number, err := json.Marshal(leaf)
	if err != nil {
		t.Fatal(err)
	}
	run("erasure", "unrestrict", "--why", "examined", string(number))
	for path, status := range statuses() {
		if status != before[path] || strings.HasSuffix(path, id) && status != http.StatusOK {
			t.Errorf("%s: %d after it was lifted, %d before", path, status, before[path])
		}
	}
	if _, again, err := v.get("/v1/sites/shop/receipts/" + id); err != nil || string(again) != string(receipt) {
		t.Errorf("another receipt: %v", err)
	}
}
