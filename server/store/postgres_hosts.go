package store

import (
	"context"
	"net"
	"slices"
	"strconv"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
)

// hosts is which of several hosts of a connection string took us last. It is asked first:
// else each new connection would wait for one that is silent and stands before it. One
// that is no primary any more refuses, and the others are asked in their order.
type hosts struct {
	mu   sync.Mutex
	host string // guarded by mu
	port uint16 // guarded by mu
}

// order puts that host first in a config. What was tried with it, TLS or not, keeps its order.
func (h *hosts) order(config *pgconn.Config) {
	h.mu.Lock()
	host, port := h.host, h.port
	h.mu.Unlock()
	if host == "" {
		return
	}
	all := append([]*pgconn.FallbackConfig{{Host: config.Host, Port: config.Port, TLSConfig: config.TLSConfig}}, config.Fallbacks...)
	slices.SortStableFunc(all, func(a, b *pgconn.FallbackConfig) int {
		rank := func(c *pgconn.FallbackConfig) int {
			if c.Host == host && c.Port == port {
				return 0
			}
			return 1
		}
		return rank(a) - rank(b)
	})
	config.Host, config.Port, config.TLSConfig, config.Fallbacks = all[0].Host, all[0].Port, all[0].TLSConfig, all[1:]
}

// follow has a config tell which host an address is of, and returns what is told of the
// address that took us.
func (h *hosts) follow(config *pgconn.Config) (took func(address string)) {
	type place struct {
		host string
		port uint16
	}
	places := map[string]place{}
	named := []place{{config.Host, config.Port}}
	for _, f := range config.Fallbacks {
		named = append(named, place{f.Host, f.Port})
	}
	for _, p := range named {
		_, address := pgconn.NetworkAddress(p.host, p.port)
		places[address] = p
	}
	lookup := config.LookupFunc
	config.LookupFunc = func(ctx context.Context, host string) ([]string, error) {
		found, err := lookup(ctx, host)
		for _, ip := range found {
			for _, p := range named {
				if p.host == host {
					places[net.JoinHostPort(ip, strconv.Itoa(int(p.port)))] = p
				}
			}
		}
		return found, err
	}
	return func(address string) {
		if p, ok := places[address]; ok {
			h.mu.Lock()
			h.host, h.port = p.host, p.port
			h.mu.Unlock()
		}
	}
}
