// Command charts draws the charts of the documentation from the tables of measured figures
// that stand beside them. The same table gives the same bytes.
//
//	go run ./docs/charts    # in the root of the sources
package main

import (
	"log"
	"os"
	"path/filepath"
)

const folder = "docs/charts"

func main() {
	table, err := os.ReadFile(filepath.Join(folder, "growth.tsv"))
	if err != nil {
		log.Fatal(err)
	}
	svg, err := growth(table)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "growth.svg"), svg, 0o644); err != nil { //nolint:gosec // to be read by everybody
		log.Fatal(err)
	}
}
