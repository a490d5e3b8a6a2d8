package markup

import (
	"fmt"
	"slices"
	"strings"

	"github.com/volenti-consent/volenti/server/catalogue"
	"github.com/volenti-consent/volenti/server/notice"
)

// Add is what a notice file lacks for what was found, as lines of TOML to put
// at its end: vendors that the catalogue knows, and hosts that nobody knows as
// vendors to be named. "" is nothing.
func (p *Page) Add(n *notice.Notice, c *catalogue.Catalogue) string {
	var vendors []missing
	var categories []string
	for _, f := range p.Findings {
		switch f.State {
		case Dead:
			if f.Mark.Vendor != "" && !grantable(n, notice.Necessary, f.Mark.Vendor) {
				vendors = gather(vendors, named(c, f))
			}
			if f.Mark.Category == f.Mark.Vendor {
				continue // the vendor's own will be its category
			}
			for _, key := range wordsIn(f.Mark.Category) {
				if !grantable(n, key, "") && !strings.HasPrefix(key, "!") && key != "" && !slices.Contains(categories, key) {
					categories = append(categories, key)
				}
			}
		case Ungated:
			if slices.ContainsFunc(n.Vendors, func(v notice.Vendor) bool { return v.Key == f.Vendor }) {
				continue
			}
			if f.known != nil {
				vendors = gather(vendors, missing{key: f.known.Key, name: f.known.Name, category: f.Category, known: f.known})
			} else if f.host != "" {
				vendors = gather(vendors, missing{key: keyOf(f.host), name: f.host, category: f.Category, hosts: []string{f.host}})
			}
		}
	}
	var b strings.Builder
	for _, key := range categories {
		fmt.Fprintf(&b, "# Nobody is asked about the category %q. Add it to categories, or write one of the notice's into the markup.\n", key)
	}
	for _, v := range vendors {
		v.write(&b)
	}
	return b.String()
}

// missing is a vendor that the notice lacks.
type missing struct {
	key, name, category string
	hosts               []string // that the catalogue does not know
	known               *catalogue.Vendor
}

// gather adds a vendor, or its hosts to the one of its key.
func gather(all []missing, v missing) []missing {
	i := slices.IndexFunc(all, func(o missing) bool { return o.key == v.key })
	if i < 0 {
		return append(all, v)
	}
	for _, host := range v.hosts {
		if !slices.Contains(all[i].hosts, host) {
			all[i].hosts = append(all[i].hosts, host)
		}
	}
	return all
}

// named is the vendor of a mark: by its name in the catalogue, or by what the
// element loads. Its name stays the mark's, by which the banner finds it.
func named(c *catalogue.Catalogue, f Finding) missing {
	name := vendorPrefix.ReplaceAllString(f.Mark.Vendor, "")
	v := missing{key: keyOf(name), name: name, category: notice.Marketing, known: f.known}
	if v.known == nil {
		all := c.Vendors()
		if i := slices.IndexFunc(all, func(o catalogue.Vendor) bool { return fold(o.Key) == fold(name) || fold(o.Name) == fold(name) }); i >= 0 {
			v.known = &all[i]
		} else if f.host != "" {
			v.hosts = []string{f.host}
		}
	}
	if v.known != nil {
		v.key, v.category = v.known.Key, v.known.Category
	}
	return v
}

// keyOf is a key made of a name or a host.
func keyOf(text string) string {
	key := strings.Join(strings.FieldsFunc(strings.ToLower(strings.TrimPrefix(text, "www.")), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}), "-")
	if key == "" || key[0] < 'a' {
		key = "v-" + key
	}
	return strings.Trim(key[:min(len(key), 40)], "-")
}

func (v missing) write(b *strings.Builder) {
	fmt.Fprintf(b, "\n[[vendor]]\nkey = %q\nname = %q\ncategory = %q\n", v.key, v.name, v.category)
	switch {
	case v.known != nil && v.known.Category == notice.Necessary:
		b.WriteString("# The catalogue takes it for essential.\n")
	case v.known != nil:
		fmt.Fprintf(b, "# The catalogue knows its hosts: %s\n", strings.Join(v.known.Hosts[:min(len(v.known.Hosts), 6)], " "))
	}
	if len(v.hosts) > 0 {
		quoted := make([]string, len(v.hosts))
		for i, host := range v.hosts {
			quoted[i] = fmt.Sprintf("%q", host)
		}
		list := strings.Join(quoted, ", ")
		fmt.Fprintf(b, "hosts = [%s]\n# Nobody knows whose they are. If the site itself needs them, write instead, under [blocking]: allow = [%[1]s]\n", list)
	}
}
