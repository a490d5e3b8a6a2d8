package geo

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestNames(t *testing.T) {
	now := time.Date(2026, 11, 22, 23, 59, 59, 0, time.UTC)
	name := func(naming Naming, address string) string {
		return Namer{naming, []byte("secret"), func() time.Time { return now }}.Name(netip.MustParseAddr(address))
	}
	for address, network := range map[string]string{
		"203.0.113.77": "203.0.113.0/24", "::ffff:203.0.113.77": "203.0.113.0/24", "2001:db8:1:2::77": "2001:db8:1::/48",
	} {
		if got := name(Unnamed, address); got != "" {
			t.Errorf("%s dropped: %q", address, got)
		}
		if got := name(Truncated, address); got != network {
			t.Errorf("%s truncated: %q, want %q", address, got, network)
		}
		keyed := name(Keyed, address)
		if len(keyed) != 32 || strings.Contains(keyed, "203") && strings.Contains(keyed, ".") || keyed != name(Keyed, address) {
			t.Errorf("%s keyed: %q", address, keyed)
		}
		now = now.Add(time.Second) // midnight
		if name(Keyed, address) == keyed {
			t.Errorf("%s has the same name on another day", address)
		}
		now = now.Add(-time.Second)
	}
	if name(Keyed, "203.0.113.77") == name(Keyed, "203.0.113.78") || name(Keyed, "::ffff:203.0.113.77") != name(Keyed, "203.0.113.77") {
		t.Error("addresses and names are not one to one")
	}
	other := Namer{Keyed, []byte("another"), func() time.Time { return now }}
	if other.Name(netip.MustParseAddr("203.0.113.77")) == name(Keyed, "203.0.113.77") {
		t.Error("the name does not need the secret")
	}
	if got := (Namer{Keyed, nil, time.Now}).Name(netip.Addr{}); got != "" {
		t.Errorf("of no address: %q", got)
	}
	for _, bad := range []Naming{"", "raw", "Keyed"} {
		if bad.Check() == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}
