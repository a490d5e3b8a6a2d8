package geo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"
)

func embedded(t testing.TB) *Database {
	t.Helper()
	d, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestEmbedded(t *testing.T) {
	d := embedded(t)
	for text, want := range map[string]string{
		"128.101.101.101":      "US", // University of Minnesota
		"130.241.0.1":          "SE", // Gothenburg
		"141.76.1.1":           "DE", // TU Dresden
		"132.206.1.1":          "CA", // McGill
		"200.160.0.8":          "BR", // NIC.br
		"155.198.1.1":          "GB", // Imperial College
		"130.59.1.1":           "CH", // SWITCH
		"2001:620:0:1::1":      "CH",
		"2001:8b0::1":          "GB",
		"::ffff:141.76.1.1":    "DE",
		"2002:8d4c:0101::1":    "DE", // 6to4 of 141.76.1.1
		"10.1.2.3":             "",
		"2001:db8::1":          "",
		"fe80::1%eth0":         "",
		"255.255.255.255":      "",
		"2001:620:0:1::1%eth0": "CH",
	} {
		if got := d.Lookup(addr(t, text)); got.Country != want || got.Subdivision != "" {
			t.Errorf("Lookup(%s) = %v, want %q", text, got, want)
		}
	}
	if got := d.Lookup(netip.Addr{}); got != (Region{}) {
		t.Errorf("Lookup of no address = %v, want the zero region", got)
	}
}

func TestEmbeddedInfo(t *testing.T) {
	i := embedded(t).Info()
	if i.Type != "Volenti-Country" || !i.IPv6 || i.Subdivisions || i.Path != "" {
		t.Errorf("Info() = %+v", i)
	}
	if i.Built.Before(time.Date(2026, 6, 25, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("built %s: older than the first release's data", i.Built)
	}
	if len(countryDatabase) > 8<<20 {
		t.Errorf("%d bytes are embedded, want at most 8 MiB", len(countryDatabase))
	}
}

// Every record of the embedded file must be whole, and readable by others too.
func TestEmbeddedVerifies(t *testing.T) {
	r, err := maxminddb.OpenBytes(countryDatabase)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Verify(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(r.Metadata.Description["en"], "IPFire Location Database") || !strings.Contains(r.Metadata.Description["en"], "CC BY-SA 4.0") {
		t.Errorf("the file's description %q lacks the credit that its licence asks", r.Metadata.Description["en"])
	}
	codes, seen := map[string]bool{}, map[uintptr]bool{}
	for result := range r.Networks() {
		if seen[result.Offset()] {
			continue
		}
		seen[result.Offset()] = true
		var code string
		if err := result.DecodePath(&code, "country", "iso_code"); err != nil {
			t.Fatal(err)
		}
		codes[code] = true
	}
	for _, code := range []string{"DE", "US", "AX", "RE", "EU", "AP", "??"} {
		if !codes[code] {
			t.Errorf("no network has code %s: codes must stand as the source wrote them", code)
		}
	}
}

func TestPseudoCodesAreUnknown(t *testing.T) {
	d, err := OpenBytes(fixture(t, "GeoLite2-Country", 1, map[string]m{
		"1.0.0.0/24": countryOf("DE"),
		"1.0.1.0/24": countryOf("EU"),
		"1.0.2.0/24": countryOf("AP"),
		"1.0.3.0/24": countryOf("??"),
		"1.0.4.0/24": countryOf("XX"),
		"1.0.5.0/24": countryOf("ZZ"),
		"1.0.6.0/24": countryOf("T1"),
		"1.0.7.0/24": countryOf("A1"),
		"1.0.8.0/24": countryOf(""),
		"1.0.9.0/24": {"registered_country": m{"iso_code": s("US")}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"DE", "EU", "AP", "", "", "", "", "", "", "", ""}
	for i, want := range want {
		a := netip.AddrFrom4([4]byte{1, 0, byte(i), 7})
		for range 2 { // decoded, then cached
			if got := d.Lookup(a); got != (Region{Country: want}) {
				t.Errorf("Lookup(%s) = %v, want %q", a, got, want)
			}
		}
	}
}

func TestLayouts(t *testing.T) {
	tests := []struct {
		kind string
		in   m
		want string
	}{
		{"GeoLite2-Country", countryOf("DE"), "DE"},
		{"GeoIP2-City", cityOf("US", "CA"), "US-CA"},
		{"GeoLite2-City", cityOf("GB", "ENG", "CMD"), "GB-ENG"},
		{"GeoLite2-City", cityOf("US"), "US"},
		{"DBIP-Location (compat=City)", cityOf("CA", "QC"), "CA-QC"},
		{"DBIP-City-Lite", m{"country": m{"iso_code": s("US")}, "subdivisions": l{m{"names": m{"en": s("California")}}}}, "US-CA"},
		{"DBIP-City-Lite", m{"country": m{"iso_code": s("CA")}, "subdivisions": l{m{"names": m{"en": s("Québec")}}}}, "CA-QC"},
		{"DBIP-City-Lite", m{"country": m{"iso_code": s("DE")}, "subdivisions": l{m{"names": m{"en": s("Saxony")}}}}, "DE"},
		{"country ipvAll", m{"country_code": s("FR")}, "FR"},
		{"city ipv4", m{"country_code": s("US"), "state1": s("Washington, D.C."), "city": s("Washington")}, "US-DC"},
		{"ipinfo lite", m{"country": s("United States"), "country_code": s("US"), "asn": s("AS1")}, "US"},
		{"ipinfo standard_country", m{"country": s("NO")}, "NO"},
		{"iplocate", m{"country_code": s("US"), "region_code": s("TX")}, "US-TX"},
		{"GeoLite2-City", cityOf("US", "C A"), "US"},
		{"GeoLite2-City", cityOf("US", "CALIF"), "US"},
		{"odd", m{"country_code": s("us"), "region_code": s("tx")}, "US-TX"},
	}
	for _, test := range tests {
		d, err := OpenBytes(fixture(t, test.kind, 1, map[string]m{"1.2.0.0/16": test.in, "2600::/24": test.in}))
		if err != nil {
			t.Errorf("%s: %v", test.kind, err)
			continue
		}
		for _, a := range []string{"1.2.3.4", "::ffff:1.2.3.4", "2600::7", "2600::7%en0"} {
			if got := d.Lookup(addr(t, a)); got.String() != test.want {
				t.Errorf("%s: Lookup(%s) = %v, want %s", test.kind, a, got, test.want)
			}
		}
		if got := d.Lookup(addr(t, "9.9.9.9")); got != (Region{}) {
			t.Errorf("%s: an address without data is in %v", test.kind, got)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	whole := fixture(t, "GeoLite2-Country", 1, map[string]m{"1.0.0.0/24": countryOf("DE"), "2.0.0.0/8": countryOf("FR")})
	tests := []struct {
		name string
		b    []byte
		want string
	}{
		{"empty", nil, "fetch it again"},
		{"a web page", []byte("<html>log in to download</html>"), "fetch it again"},
		{"cut short", whole[:len(whole)/2], "fetch it again"},
		{"no countries", fixture(t, "GeoLite2-ASN", 1, map[string]m{"1.0.0.0/24": {"autonomous_system_organization": s("X")}}), "holds no countries"},
		{"six bytes of the tree are missing", append(append([]byte{}, whole[:64]...), whole[70:]...), "damaged"},
		{"a record is overwritten", bytes.Replace(whole, []byte("\x48iso_code"), []byte("\xe8iso_code"), 1), "damaged"},
	}
	for _, test := range tests {
		path := filepath.Join(t.TempDir(), "x.mmdb")
		if err := os.WriteFile(path, test.b, 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := Open(path)
		if err == nil || d != nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: Open = %v, %v; want an error with the path and %q", test.name, d, err, test.want)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none.mmdb")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

// A file of one version answers "unknown" for the other and never fails.
func TestOneVersionOnly(t *testing.T) {
	four := versioned(t, 4, "GeoLite2-Country", 1, map[string]m{"1.0.0.0/24": countryOf("DE")})
	six := fixture(t, "GeoLite2-Country", 1, map[string]m{"2600::/24": countryOf("US")})
	for _, test := range []struct {
		file []byte
		ipv6 bool
		addr string
		want string
	}{
		{four, false, "1.0.0.1", "DE"},
		{four, false, "::ffff:1.0.0.1", "DE"},
		{four, false, "2600::1", ""},
		{six, true, "2600::1", "US"},
		{six, true, "1.0.0.1", ""},
	} {
		d, err := OpenBytes(test.file)
		if err != nil {
			t.Fatal(err)
		}
		if d.Info().IPv6 != test.ipv6 {
			t.Errorf("Info().IPv6 = %v, want %v", d.Info().IPv6, test.ipv6)
		}
		if got := d.Lookup(addr(t, test.addr)); got.Country != test.want {
			t.Errorf("Lookup(%s) = %v, want %q", test.addr, got, test.want)
		}
	}
}

func TestWarning(t *testing.T) {
	built := time.Date(2026, 6, 25, 4, 33, 59, 0, time.UTC)
	day := 24 * time.Hour
	tests := []struct {
		info Info
		age  time.Duration
		want string
	}{
		{Info{Type: "Volenti-Country"}, 60 * day, ""},
		{Info{Type: "Volenti-Country"}, 61 * day, "embedded"},
		{Info{Type: "DBIP-City-Lite", Path: "/a.mmdb"}, 60 * day, ""},
		{Info{Type: "DBIP-City-Lite", Path: "/a.mmdb"}, 61 * day, "/a.mmdb is of 2026-06-25, 61 days old"},
		{Info{Type: "GeoLite2-City", Path: "/a.mmdb"}, 30 * day, ""},
		{Info{Type: "GeoLite2-City", Path: "/a.mmdb"}, 31 * day, "geoipupdate"},
	}
	for _, test := range tests {
		test.info.Built = built
		got := test.info.Warning(built.Add(test.age))
		if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s after %s: %q, want %q", test.info.Type, test.age, got, test.want)
		}
	}
}

// More records than the cache holds: answers stay right, whichever are kept.
func TestCacheOverflows(t *testing.T) {
	networks := map[string]m{}
	const records = cacheSlots + cacheSlots/2
	for i := range records {
		networks[fmt.Sprintf("20.%d.%d.0/24", i>>8, i&255)] = m{
			"country":      m{"iso_code": s("US")},
			"subdivisions": l{m{"iso_code": s(fmt.Sprintf("%c%c", 'A'+i%26, 'A'+i/26%26))}},
			"city":         m{"name": s(fmt.Sprint(i))},
		}
	}
	d, err := OpenBytes(fixture(t, "GeoLite2-City", 1, networks))
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for worker := range 4 {
		wait.Go(func() {
			for n := range records {
				i := (n*7 + worker) % records
				want := fmt.Sprintf("US-%c%c", 'A'+i%26, 'A'+i/26%26)
				if got := d.Lookup(netip.AddrFrom4([4]byte{20, byte(i >> 8), byte(i), 9})).String(); got != want {
					t.Errorf("record %d is %s, want %s", i, got, want)
					return
				}
			}
		})
	}
	wait.Wait()
}

// randomIPv4 is random addresses of all of IPv4; randomIPv6 of the networks that
// the embedded database knows, since nearly all of IPv6 is empty.
func randomIPv4(n int) []netip.Addr {
	random := rand.New(rand.NewPCG(1, 2))
	list := make([]netip.Addr, n)
	for i := range list {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], random.Uint32())
		list[i] = netip.AddrFrom4(b)
	}
	return list
}

func randomIPv6(t testing.TB, n int) []netip.Addr {
	r, err := maxminddb.OpenBytes(countryDatabase)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	var list []netip.Addr
	for result := range r.NetworksWithin(netip.MustParsePrefix("2400::/6")) {
		b := result.Prefix().Addr().As16()
		binary.BigEndian.PutUint64(b[8:], random.Uint64())
		list = append(list, netip.AddrFrom16(b))
	}
	random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	if len(list) < n {
		t.Fatalf("only %d IPv6 networks are known", len(list))
	}
	return list[:n]
}

func TestLookupAllocatesNothing(t *testing.T) {
	d := embedded(t)
	for name, list := range map[string][]netip.Addr{"IPv4": randomIPv4(1 << 14), "IPv6": randomIPv6(t, 1<<14)} {
		found := 0
		for _, a := range list {
			if d.Lookup(a) != (Region{}) {
				found++
			}
		}
		if found < len(list)/2 {
			t.Fatalf("%s: only %d of %d addresses have a region", name, found, len(list))
		}
		i := 0
		if n := testing.AllocsPerRun(1<<14, func() { d.Lookup(list[i%len(list)]); i++ }); n != 0 {
			t.Errorf("%s: %v allocations a lookup", name, n)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	d := embedded(b)
	v4, v6 := randomIPv4(1<<16), randomIPv6(b, 1<<16)
	mixed := make([]netip.Addr, 0, 1<<16)
	for i := range 1 << 15 {
		mixed = append(mixed, v4[i], v6[i])
	}
	for name, list := range map[string][]netip.Addr{"v4": v4, "v6": v6, "mixed": mixed} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				d.Lookup(list[i&(1<<16-1)])
			}
		})
	}
}
