// Package catalogue knows who is behind an address: host and path → vendor →
// category. It is what tells a tag that nobody marked from a part of the page.
package catalogue

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
)

// A Vendor is somebody whose addresses pages of others load.
type Vendor struct {
	Key      string   `json:"key"`            // as notices name vendors: "meta"
	Name     string   `json:"name"`           // "Meta Pixel"
	Category string   `json:"category"`       // "necessary", "preferences", "analytics" or "marketing"
	Hosts    []string `json:"hosts"`          // patterns
	API      string   `json:"api,omitempty"`  // the banner's adapter that can tell it what was decided
	Rank     int      `json:"rank,omitempty"` // 1 is the most used on the web; 0 unknown
}

// An Entry is one pattern of one vendor.
type Entry struct {
	Pattern Pattern
	Vendor  *Vendor
}

// A Catalogue finds vendors by address. It never changes.
type Catalogue struct {
	vendors []Vendor
	byKey   map[string]*Vendor
	byHost  map[string][]Entry // each list in the order of Compare
}

// own.json is ours: what lists by host alone get wrong, and what they miss.
// third-party.json is made of third-party-web (LICENSE-third-party-web) by
// build; where the two meet, ours counts.
var (
	//go:embed own.json
	own []byte
	//go:embed third-party.json
	thirdParty []byte
)

// A list is one of the embedded files.
type list struct {
	Source  string         `json:"source"`
	Ranks   map[string]int `json:"ranks"` // of vendors of the lists before, by key
	Vendors []Vendor       `json:"vendors"`
}

// Load reads the embedded catalogue, once.
var Load = sync.OnceValues(func() (*Catalogue, error) { return read(own, thirdParty) })

func read(files ...[]byte) (*Catalogue, error) {
	lists := make([]list, len(files))
	for i, file := range files {
		if err := json.Unmarshal(file, &lists[i]); err != nil {
			return nil, fmt.Errorf("catalogue: list %d: %w", i+1, err)
		}
	}
	vendors, err := merge(lists)
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	return index(vendors)
}

// merge joins lists, the one that counts first. A vendor that is there already
// gains the hosts that are new; a host that an earlier list knows, by itself or
// by a domain above, is the earlier list's. The most used vendor comes first.
func merge(lists []list) ([]Vendor, error) {
	var all []Vendor
	at := map[string]int{}
	known := &Catalogue{byHost: map[string][]Entry{}}
	for i, l := range lists {
		var fresh []Pattern
		names := map[string]bool{}
		for _, v := range l.Vendors {
			if names[v.Key] {
				return nil, fmt.Errorf("list %d: %s is there twice", i+1, v.Key)
			}
			names[v.Key] = true
			hosts := make([]string, 0, len(v.Hosts))
			for _, text := range v.Hosts {
				p, err := ParsePattern(text)
				if err != nil {
					return nil, fmt.Errorf("list %d: %s: %q %w", i+1, v.Key, text, err)
				}
				if _, ok := known.Match(p.Host, p.Path); !ok {
					hosts, fresh = append(hosts, text), append(fresh, p)
				}
			}
			if j, ok := at[v.Key]; ok {
				all[j].Hosts = append(all[j].Hosts, hosts...)
			} else if len(hosts) > 0 {
				at[v.Key] = len(all)
				v.Hosts = hosts
				all = append(all, v)
			}
		}
		for _, p := range fresh {
			known.add(Entry{Pattern: p})
		}
		for key, rank := range l.Ranks {
			if j, ok := at[key]; ok {
				all[j].Rank = rank
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Vendor) int {
		return cmp.Or(cmp.Compare(min(1, b.Rank), min(1, a.Rank)), cmp.Compare(a.Rank, b.Rank))
	})
	return all, nil
}

func index(vendors []Vendor) (*Catalogue, error) {
	c := &Catalogue{vendors: vendors, byKey: make(map[string]*Vendor, len(vendors)), byHost: make(map[string][]Entry, 2*len(vendors))}
	for i := range c.vendors {
		v := &c.vendors[i]
		c.byKey[v.Key] = v
		for _, text := range v.Hosts {
			p, err := ParsePattern(text)
			if err != nil {
				return nil, fmt.Errorf("catalogue: %s: %q %w", v.Key, text, err)
			}
			c.add(Entry{p, v})
		}
	}
	return c, nil
}

// add puts an entry in its place among those of the same host.
func (c *Catalogue) add(e Entry) {
	entries := c.byHost[e.Pattern.Host]
	at, _ := slices.BinarySearchFunc(entries, e, func(a, b Entry) int { return Compare(a.Pattern, b.Pattern) })
	c.byHost[e.Pattern.Host] = slices.Insert(entries, at, e)
}

// Match finds who is behind an address: the entry with the longest host, and of
// those the longest path. Host is in lower case, without port and final dot.
func (c *Catalogue) Match(host, path string) (Entry, bool) {
	for rest := host; rest != ""; rest = parent(rest) {
		for _, e := range c.byHost[rest] {
			if e.Pattern.Match(host, path) {
				return e, true
			}
		}
	}
	return Entry{}, false
}

// parent is the domain above, "" above the last.
func parent(host string) string {
	for i := range len(host) {
		if host[i] == '.' {
			return host[i+1:]
		}
	}
	return ""
}

// Vendor is the vendor of that key, or nil.
func (c *Catalogue) Vendor(key string) *Vendor { return c.byKey[key] }

// Vendors are all of them, the most used first. The list is not to be changed.
func (c *Catalogue) Vendors() []Vendor { return c.vendors }
