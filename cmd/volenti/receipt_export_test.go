package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/consent/forms"
)

// An operator writes a receipt in each form, and whoever gets it checks it with the
// published keys alone.
func TestReceiptsAreExportedAndVerify(t *testing.T) {
	data, folder := publish(t), t.TempDir()
	p := start(t, data)
	receipt, _ := p.decided("one")
	keys := filepath.Join(folder, "jwks.json")
	if err := os.WriteFile(keys, p.fetch("/.well-known/jwks.json"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, f := range forms.All() {
		file := filepath.Join(folder, f.Name)
		if out, exit := volenti(t, "receipt", "export", receipt, "--form", f.Name, "--data", data, "-o", file, "--public-url", "https://consent.example.com"); exit != 0 {
			t.Fatalf("%s: exit %d\n%s", f.Name, exit, out)
		}
		out, exit := volenti(t, "receipt", "verify", file, "--keys", keys)
		if want := map[bool]int{true: exitInvalid}[f.Name == "kantara"]; exit != want {
			t.Errorf("%s: verify exits %d, want %d\n%s", f.Name, exit, want, out)
		}
		if f.Signed() && !strings.Contains(out, "signed as a whole, as "+f.Name) {
			t.Errorf("%s: %s", f.Name, out)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(strings.Replace(string(b), receipt, strings.Repeat("0", 32), 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, exit := volenti(t, "receipt", "verify", file, "--keys", keys); exit != exitInvalid && strings.Contains(string(b), receipt) {
			t.Errorf("%s with another id: verify exits %d\n%s", f.Name, exit, out)
		}
	}
	for _, call := range [][]string{{"receipt", "export", receipt, "--form", "pdf", "--data", data}, {"receipt", "export", strings.Repeat("0", 32), "--data", data}} {
		if out, exit := volenti(t, call...); exit != exitUsage {
			t.Errorf("%v: exit %d\n%s", call, exit, out)
		}
	}
}
