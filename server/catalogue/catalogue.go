// Package catalogue knows who is behind an address: host and path → vendor →
// category. It is what tells a tag that nobody marked from a part of the page.
package catalogue

import (
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
//
//go:embed own.json
var own []byte

// Load reads the embedded catalogue, once.
var Load = sync.OnceValues(func() (*Catalogue, error) { return read(own) })

func read(lists ...[]byte) (*Catalogue, error) {
	c := &Catalogue{byKey: map[string]*Vendor{}, byHost: map[string][]Entry{}}
	for _, list := range lists {
		var vendors []Vendor
		if err := json.Unmarshal(list, &vendors); err != nil {
			return nil, fmt.Errorf("catalogue: %w", err)
		}
		c.vendors = append(c.vendors, vendors...)
	}
	for i := range c.vendors {
		v := &c.vendors[i]
		if _, twice := c.byKey[v.Key]; twice {
			return nil, fmt.Errorf("catalogue: %s is there twice", v.Key)
		}
		c.byKey[v.Key] = v
		for _, text := range v.Hosts {
			p, err := ParsePattern(text)
			if err != nil {
				return nil, fmt.Errorf("catalogue: %s: %q %w", v.Key, text, err)
			}
			c.byHost[p.Host] = append(c.byHost[p.Host], Entry{p, v})
		}
	}
	for _, entries := range c.byHost {
		slices.SortFunc(entries, func(a, b Entry) int { return Compare(a.Pattern, b.Pattern) })
	}
	return c, nil
}

// Match finds who is behind an address: the entry with the longest host, and of
// those the longest path. Host is in lower case, without port.
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
