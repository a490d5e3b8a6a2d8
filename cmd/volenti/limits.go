package main

import (
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/geo"
	"github.com/volenti-consent/volenti/server"
	"github.com/volenti-consent/volenti/server/limit"
	"github.com/volenti-consent/volenti/server/metrics"
)

// What is not the client's own may be saved up for ten seconds.
const saved = 10

// rate is what one of several nodes grants of an allowance, none of which asks another:
// its share, rounded up. Where one of them is down, less is granted than was said.
func rate(perSecond, nodes int) limit.Rate {
	share := func(n int) int { return (n + nodes - 1) / nodes }
	return limit.Rate{PerSecond: share(perSecond), Burst: share(saved * perSecond)}
}

// limits are those of the settings. full tells whether the recorder's queue is.
func limits(cfg *Config, full func() bool, count *metrics.Metrics) (*server.Limits, error) {
	trusted, err := geo.ParsePrefixes(cfg.TrustedProxies)
	if err != nil {
		return nil, usage(err)
	}
	extractor := geo.Extractor{Trusted: trusted, Header: strings.ToLower(cfg.AddressHeader)}
	computing := max(1, runtime.GOMAXPROCS(0)-1)
	return &server.Limits{
		Clients:   limit.New(limit.Options{By: limit.By(cfg.LimitBy)}),
		Client:    func(r *http.Request) netip.Addr { return counted(extractor, r, cfg.LimitLocal) },
		Decisions: rate(cfg.LimitDecisions, cfg.LimitNodes),
		Reads:     rate(cfg.LimitReads, cfg.LimitNodes),
		Console:   rate(cfg.LimitConsole, cfg.LimitNodes),
		Sites:     rate(cfg.LimitSite, cfg.LimitNodes),
		// One processor is left to all others, and to those who are refused: whoever
		// computes keeps a processor for ten milliseconds at a time, and a refusal would
		// wait for its turn behind several such.
		//
		// As many may wait as a page, a program and a few colleagues ask for at once. Whoever
		// waits costs a goroutine, the header and, of an operator, the form. An answer takes
		// 2 to 60 ms, so those who wait get a place in time. Under a flood all places to wait
		// are taken, and whoever comes is told at once.
		Costly:      limit.NewGate(computing, 32*computing, 4*time.Second),
		Exports:     limit.NewGate(4, 32, 4*time.Second),
		Full:        full,
		Connections: limit.NewConnections(connections(cfg.LimitConnections), func() { count.Refused("connections") }),
	}, nil
}

// counted is the address whose allowance a request is taken from. A proxy that does
// not name its client has none, and neither has an address of this machine or its
// private network: that is nearly always a proxy which nobody named in
// geo.trusted_proxies, and behind it all visitors would share one allowance.
func counted(e geo.Extractor, r *http.Request, local bool) netip.Addr {
	a := e.Client(geo.Peer(r), r.Header)
	if e.Trusted.Contains(a) || !local && (a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast()) {
		return netip.Addr{}
	}
	return a
}

// connections is how many may be open: what was said, or 8192, which take 128 MiB at
// most; and no more than three quarters of the descriptors, so that some are left for
// the database.
func connections(said int) int {
	if said <= 0 {
		said = 8192
	}
	if descriptors := descriptorLimit(); descriptors > 0 {
		said = min(said, max(descriptors*3/4, 16))
	}
	return said
}
