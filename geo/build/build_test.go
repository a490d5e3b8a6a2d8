package main

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"
)

const (
	head = "# Location Database Export\n#\n# Generated: Thu, 25 Jun 2026 04:33:59 GMT\n# License:   CC BY-SA 4.0\n\n"
	v4   = head + "16777216,16777471,AU\n16777472,16778239,CN\n83886080,100663295,EU\n167772160,167772415,DE\n3221225472,3221225727,??\n"
	v6   = head + "2001:db8::,2001:db8:ffff:ffff:ffff:ffff:ffff:ffff,DE\n2600::,2600:ff:ffff:ffff:ffff:ffff:ffff:ffff,US\n2002::,2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff,XX\n"
)

func TestBuild(t *testing.T) {
	var first, second bytes.Buffer
	r, err := build(strings.NewReader(v4), strings.NewReader(strings.Replace(v6, "25 Jun", "24 Jun", 1)), &first)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := build(strings.NewReader(v4), strings.NewReader(strings.Replace(v6, "25 Jun", "24 Jun", 1)), &second); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same input gives other bytes")
	}
	older := time.Date(2026, 6, 24, 4, 33, 59, 0, time.UTC)
	if !r.date.Equal(older) || r.bytes != int64(first.Len()) || r.ranges != 5 || r.skipped != 3 {
		t.Errorf("report %+v", r)
	}
	db, err := maxminddb.OpenBytes(first.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Verify(); err != nil {
		t.Error(err)
	}
	meta := db.Metadata
	if meta.DatabaseType != "Volenti-Country" || !meta.BuildTime().Equal(older) || !strings.Contains(meta.Description["en"], "CC BY-SA 4.0") {
		t.Errorf("metadata %+v", meta)
	}
	for text, want := range map[string]string{
		"1.0.0.0": "AU", "1.0.0.255": "AU", "1.0.1.0": "CN", "1.0.3.255": "CN", "1.0.4.0": "",
		"5.1.2.3": "EU", "192.0.0.200": "??", "10.0.0.1": "", "2600::1": "US", "2600:100::1": "",
		"2001:db8::1": "", "2002:100::1": "AU", // 6to4 of 1.0.0.0
	} {
		var code string
		if err := db.Lookup(netip.MustParseAddr(text)).DecodePath(&code, "country", "iso_code"); err != nil {
			t.Fatal(err)
		}
		if code != want {
			t.Errorf("%s is in %q, want %q", text, code, want)
		}
	}
}

func TestBuildRefuses(t *testing.T) {
	for name, test := range map[string]struct{ in, want string }{
		"no date":          {"16777216,16777471,AU\n", "Generated"},
		"an unlikely date": {"# Generated: yesterday\n16777216,16777471,AU\n", "line 1"},
		"no ranges":        {head, "no ranges"},
		"two fields":       {head + "16777216,AU\n", "line 6"},
		"no number":        {head + "1.0.0.0,1.0.0.255,AU\n", "line 6"},
		"too large":        {head + "16777216,4294967296,AU\n", "line 6"},
		"backwards":        {head + "16777471,16777216,AU\n", "ends before it begins"},
		"a long code":      {head + "16777216,16777471,AUS\n", "two characters"},
	} {
		if _, err := build(strings.NewReader(test.in), strings.NewReader(v6), &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

func TestRun(t *testing.T) {
	dir := t.TempDir()
	four, six, out := filepath.Join(dir, "geoip"), filepath.Join(dir, "geoip6"), filepath.Join(dir, "out.mmdb")
	for path, text := range map[string]string{four: v4, six: v6, out: "the former one"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := run(filepath.Join(dir, "none"), six, out); err == nil || !strings.Contains(err.Error(), "tor-geoipdb") {
		t.Errorf("a missing input: %v", err)
	}
	if err := run(six, six, out); err == nil {
		t.Error("IPv6 ranges were taken for IPv4")
	}
	if b, err := os.ReadFile(out); err != nil || string(b) != "the former one" {
		t.Errorf("a build that failed left %q, %v", b, err)
	}
	if err := run(four, six, out); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(out); err != nil || len(b) < 100 {
		t.Errorf("%d bytes were written, %v", len(b), err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 3 {
		t.Errorf("left in the folder: %v, %v", entries, err)
	}
}
