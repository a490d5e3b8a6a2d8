package geo

import (
	"bytes"
	"net"
	"net/netip"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// fixture makes a database in memory: what GeoLite2, DB-IP and others look like,
// with a handful of networks.
func fixture(t testing.TB, kind string, built int64, networks map[string]mmdbtype.Map) []byte {
	t.Helper()
	return versioned(t, 6, kind, built, networks)
}

func versioned(t testing.TB, version int, kind string, built int64, networks map[string]mmdbtype.Map) []byte {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{
		IPVersion:               version,
		BuildEpoch:              built,
		DatabaseType:            kind,
		IncludeReservedNetworks: true,
		RecordSize:              24,
	})
	if err != nil {
		t.Fatal(err)
	}
	for network, record := range networks {
		_, n, err := net.ParseCIDR(network)
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Insert(n, record); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := tree.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

type (
	m = mmdbtype.Map
	l = mmdbtype.Slice
	s = mmdbtype.String
)

// countryOf is a record of GeoLite2-Country.
func countryOf(code string) m {
	return m{
		"country":            m{"iso_code": s(code), "is_in_european_union": mmdbtype.Bool(false)},
		"registered_country": m{"iso_code": s("US")},
	}
}

// cityOf is a record of GeoLite2-City.
func cityOf(code string, subdivisions ...string) m {
	list := l{}
	for _, sub := range subdivisions {
		list = append(list, m{"iso_code": s(sub), "names": m{"en": s("a name")}})
	}
	return m{
		"city":         m{"names": m{"en": s("Somewhere")}},
		"country":      m{"iso_code": s(code)},
		"subdivisions": list,
		"location":     m{"latitude": mmdbtype.Float64(1.5), "time_zone": s("Etc/UTC")},
	}
}

func addr(t testing.TB, text string) netip.Addr {
	t.Helper()
	a, err := netip.ParseAddr(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
