package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/volenti-consent/volenti/server/catalogue"
)

// An entity is one of third-party-web's.
type entity struct {
	Name     string   `json:"name"`
	Category string   `json:"category"`
	Domains  []string `json:"domains"` // "*.hotjar.com", "mc.yandex.ru"
}

// made is what the file will hold.
type made struct {
	source  string
	ranks   map[string]int // of our own vendors
	vendors []catalogue.Vendor
	left    int      // entities left out
	gone    []string // names of entities.go that the package has no more
}

// readUsage reads hosts as seen by HTTP Archive, the most used first: each
// one's place in that order, from 1.
func readUsage(r io.Reader) (map[string]int, error) {
	places := map[string]int{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		host, _, ok := strings.Cut(lines.Text(), ",")
		if !ok {
			return nil, fmt.Errorf("usage, line %d: want host,domain,category", n)
		}
		for ; host != ""; _, host, _ = strings.Cut(host, ".") {
			if _, seen := places[host]; !seen {
				places[host] = n
			}
		}
	}
	return places, lines.Err()
}

// convert sorts entities into our categories. Several that are one vendor of
// ours, or of one name, become one.
func convert(entities []entity, own []catalogue.Vendor, places map[string]int) (*made, error) {
	m := &made{ranks: map[string]int{}}
	ours := map[string]catalogue.Vendor{}
	for _, v := range own {
		ours[v.Key] = v
	}
	byKey := map[string]*catalogue.Vendor{}
	there := map[string]bool{}
	for _, e := range entities {
		there[e.Name] = true
		category, ok := categoryOf[e.Name]
		if !ok {
			if category, ok = categories[e.Category]; !ok {
				return nil, fmt.Errorf("%s: category %q is new: say in entities.go what it is", e.Name, e.Category)
			}
		}
		key := cmp.Or(sameAs[e.Name], slug(e.Name))
		if category == "" {
			m.left++
			continue
		}
		// What we take for essential makes nothing else of that name essential.
		if known, ok := ours[key]; ok && known.Category == "necessary" && category != known.Category {
			key += "-more"
		}
		v := byKey[key]
		if v == nil {
			v = &catalogue.Vendor{Key: key, Name: e.Name, Category: category, Hosts: []string{}}
			byKey[key] = v
		}
		if known, ok := ours[key]; ok {
			v.Name, v.Category = known.Name, known.Category
		} else if v.Category != category {
			return nil, fmt.Errorf("%s is %s and %s: say in entities.go which", key, v.Category, category)
		}
		for _, domain := range e.Domains {
			host := strings.ToLower(strings.TrimPrefix(domain, "*."))
			if _, err := catalogue.ParsePattern(host); err != nil {
				return nil, fmt.Errorf("%s: %q %w", e.Name, domain, err)
			}
			if !noHosts[host] && !isNumber(host) && !slices.Contains(v.Hosts, host) {
				v.Hosts = append(v.Hosts, host)
			}
		}
	}
	for name := range sameAs {
		if _, ok := ours[sameAs[name]]; !ok {
			return nil, fmt.Errorf("entities.go: %s is not a vendor of own.json", sameAs[name])
		}
	}
	for _, names := range []map[string]string{categoryOf, sameAs} {
		for name := range names {
			if !there[name] && !slices.Contains(m.gone, name) {
				m.gone = append(m.gone, name)
			}
		}
	}
	slices.Sort(m.gone)
	m.rank(byKey, own, places)
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		if v := byKey[key]; len(v.Hosts) > 0 {
			slices.Sort(v.Hosts)
			m.vendors = append(m.vendors, *v)
		}
	}
	return m, nil
}

// rank numbers all vendors by the place of their most used host. A vendor that
// shares its host with others by path takes part by hosts it has to itself,
// where it has such.
func (m *made) rank(byKey map[string]*catalogue.Vendor, own []catalogue.Vendor, places map[string]int) {
	type placed struct {
		key   string
		place int
	}
	best := func(hosts []string) int {
		whole, part := 0, 0
		for _, text := range hosts {
			host, _, path := strings.Cut(text, "/")
			into := &whole
			if path {
				into = &part
			}
			if place := places[host]; place > 0 && (*into == 0 || place < *into) {
				*into = place
			}
		}
		return cmp.Or(whole, part)
	}
	var order []placed
	for _, v := range own {
		order = append(order, placed{v.Key, best(v.Hosts)})
	}
	for key, v := range byKey {
		if !slices.ContainsFunc(own, func(o catalogue.Vendor) bool { return o.Key == key }) {
			order = append(order, placed{key, best(v.Hosts)})
		}
	}
	order = slices.DeleteFunc(order, func(p placed) bool { return p.place == 0 })
	slices.SortFunc(order, func(a, b placed) int { return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.key, b.key)) })
	for i, p := range order {
		if v, ok := byKey[p.key]; ok && !slices.ContainsFunc(own, func(o catalogue.Vendor) bool { return o.Key == p.key }) {
			v.Rank = i + 1
		} else {
			m.ranks[p.key] = i + 1
		}
	}
}

// slug is a key as notices have them: a–z, 0–9, inner hyphens, 40 of them.
func slug(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	key := strings.Join(words, "-")
	if key == "" || key[0] < 'a' {
		key = "v-" + key
	}
	return strings.TrimRight(key[:min(len(key), 40)], "-")
}

func isNumber(host string) bool { return strings.Trim(host, "0123456789.") == "" }
