package forms

import (
	"embed"
	"slices"
	"strings"
)

// Schemas are JSON Schemas (draft 2020-12) of the forms. A file never changes what it
// lets through once it was released: a new version of a form has a file of its own.
//
//go:embed schemas/*.json
var schemas embed.FS

// Schema is the JSON Schema of a form's version by its file name, "receipt-v1.json";
// false if there is none.
func Schema(name string) ([]byte, bool) {
	if !slices.Contains(Schemas(), name) {
		return nil, false
	}
	b, err := schemas.ReadFile("schemas/" + name)
	return b, err == nil
}

// Schemas are the file names of all schemas, sorted.
func Schemas() (names []string) {
	entries, err := schemas.ReadDir("schemas")
	if err != nil {
		panic(err) // embedded: it is there, or nothing was built
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".json") {
			names = append(names, e.Name())
		}
	}
	return names
}
