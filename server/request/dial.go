package request

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// ErrPrivate is returned for an address that leads into the operator's own network.
var ErrPrivate = errors.New("this address is of this machine or of a private network: list its network in hooks.private_networks if that is meant")

// reserved are networks that no other system of a controller is reached under from
// the internet (IANA special-purpose registries), beside those that netip.Addr knows.
var reserved = prefixes("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10")

func prefixes(all ...string) (out []netip.Prefix) {
	for _, p := range all {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

// Reachable judges an address at the moment it is dialled, after its name was resolved:
// whatever a name, a redirect or a notation says, this is where the bytes would go.
func Reachable(address netip.Addr, allowed []netip.Prefix) error {
	address = address.Unmap().WithZone("")
	within := func(p netip.Prefix) bool { return p.Contains(address) }
	if slices.ContainsFunc(allowed, within) {
		return nil
	}
	if !address.IsValid() || !address.IsGlobalUnicast() || address.IsPrivate() || slices.ContainsFunc(reserved, within) {
		return ErrPrivate
	}
	return nil
}

// NewHookClient is how hooks are called: never where Reachable says no, at ports 80 and
// 443 alone, but for the allowed networks; through no proxy; following no redirect,
// since what is signed is meant for one address.
func NewHookClient(allowed []netip.Prefix) *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return err
		}
		ip, err := netip.ParseAddr(host)
		if err != nil {
			return fmt.Errorf("%q: %w", host, ErrPrivate)
		}
		if err := Reachable(ip, allowed); err != nil {
			return err
		}
		inside := slices.ContainsFunc(allowed, func(p netip.Prefix) bool { return p.Contains(ip.Unmap().WithZone("")) })
		if n, err := strconv.Atoi(port); err != nil || (n != 443 && n != 80 && !inside) {
			return fmt.Errorf("port %s: hooks are called at ports 80 and 443", port)
		}
		return nil
	}}
	return &http.Client{
		Timeout: 15 * time.Second, // Standard Webhooks recommends 15 to 30
		Transport: &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: 5 * time.Second, ResponseHeaderTimeout: 10 * time.Second,
			DisableKeepAlives: true, MaxResponseHeaderBytes: 32 << 10, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
