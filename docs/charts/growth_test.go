package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

// The chart is what its table says, well-formed, and can be heard.
func TestGrowthIsDrawnOfItsTable(t *testing.T) {
	table, err := os.ReadFile("growth.tsv")
	if err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile("growth.svg")
	if err != nil {
		t.Fatal(err)
	}
	drawn, err := growth(table)
	if err != nil || !bytes.Equal(drawn, kept) {
		t.Errorf("%v; the chart is not of this table: go run ./docs/charts", err)
	}
	for d := xml.NewDecoder(bytes.NewReader(kept)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	_, desc, _ := strings.Cut(string(kept), "<desc")
	desc, _, _ = strings.Cut(desc, "</desc>")
	lines := strings.Split(strings.TrimSpace(string(table)), "\n")[1:]
	if got := strings.Count(desc, "receipts, ids"); got != len(lines) {
		t.Errorf("the description tells of %d figures, the table has %d", got, len(lines))
	}
	for _, bad := range []string{"x\n1\t2", "x\n1000\ta\t1\tmany", "x\n1000\tminute first\t2\t1", "x\n10\tminute first\t1\t1", "x\n1000\tminute first\t1\t9", "x\n1000\tin no order\t1\t1"} {
		if _, err := growth([]byte(bad)); err == nil {
			t.Errorf("%q is drawn", bad)
		}
	}
}
