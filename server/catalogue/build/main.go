// Command build makes server/catalogue/third-party.json, the part of the
// catalogue that comes from the npm package third-party-web (MIT, Patrick
// Hulce).
//
//	npm pack third-party-web && tar xzf third-party-web-*.tgz
//	go run ./server/catalogue/build -package package
//
// It is run by hand when a new version of the package is to be taken over; then
// its LICENSE is compared with LICENSE-third-party-web, and names that the
// command prints are taken out of entities.go. The same package gives the same
// bytes.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/volenti-consent/volenti/server/catalogue"
)

func main() {
	from := flag.String("package", "package", "unpacked npm package third-party-web, a `folder`")
	own := flag.String("own", "server/catalogue/own.json", "our own part of the catalogue, a `file`")
	out := flag.String("o", "server/catalogue/third-party.json", "the `file` to write")
	flag.Parse()
	if err := run(*from, *own, *out); err != nil {
		fmt.Fprintln(os.Stderr, "build the catalogue:", err)
		os.Exit(1)
	}
}

func run(from, own, out string) error {
	var about struct {
		Version string `json:"version"`
		License string `json:"license"`
	}
	if err := readJSON(filepath.Join(from, "package.json"), &about); err != nil {
		return err
	}
	if about.License != "MIT" {
		return fmt.Errorf("the package's licence is now %q: see whether it may still be shipped", about.License)
	}
	var entities []entity
	if err := readJSON(filepath.Join(from, "dist", "entities.json"), &entities); err != nil {
		return err
	}
	usage, err := os.Open(filepath.Join(from, "dist", "domain-map.csv"))
	if err != nil {
		return err
	}
	defer usage.Close()
	ranks, err := readUsage(usage)
	if err != nil {
		return err
	}
	var ours struct {
		Vendors []catalogue.Vendor `json:"vendors"`
	}
	if err := readJSON(own, &ours); err != nil {
		return err
	}
	made, err := convert(entities, ours.Vendors, ranks)
	if err != nil {
		return err
	}
	made.source = fmt.Sprintf("third-party-web %s, © Patrick Hulce, MIT: LICENSE-third-party-web", about.Version)
	if err := os.WriteFile(out, made.encode(), 0o644); err != nil { //nolint:gosec // it is source, which everybody may read
		return err
	}
	fmt.Printf("%s: %d vendors, %d ranks of ours; left out as anybody's: %d\n", out, len(made.vendors), len(made.ranks), made.left)
	if len(made.gone) > 0 {
		fmt.Printf("in entities.go, and not in the package: %q\n", made.gone)
	}
	return nil
}

func readJSON(path string, into any) error {
	file, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(file, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// encode writes one vendor a line, so that a new version can be read as a
// difference.
func (m *made) encode() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "{\n  \"source\": %s,\n  \"ranks\": %s,\n  \"vendors\": [\n", text(m.source), text(m.ranks))
	for i, v := range m.vendors {
		if i > 0 {
			b.WriteString(",\n")
		}
		b.WriteString("    " + text(v))
	}
	b.WriteString("\n  ]\n}\n")
	return []byte(b.String())
}

func text(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // strings and numbers always encode
	}
	return strings.TrimSuffix(b.String(), "\n")
}
