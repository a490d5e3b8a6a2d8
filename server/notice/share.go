package notice

import (
	"net/url"
	"slices"
)

// Hosts are the hosts of the notice's origins, each once, in their order: the
// domains on which a shared decision counts (Share).
func (n *Notice) Hosts() []string {
	var hosts []string
	for _, origin := range n.Origins {
		if u, err := url.Parse(origin); err == nil && u.Hostname() != "" && !slices.Contains(hosts, u.Hostname()) {
			hosts = append(hosts, u.Hostname())
		}
	}
	return hosts
}
