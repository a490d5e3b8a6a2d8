package notice

import (
	"slices"

	"github.com/volenti-consent/volenti/server/catalogue"
)

// Sources are the patterns of all that a page may load where a visitor's
// answers are these: what the notice always allows, the page's own sites, and
// the addresses of its vendors that are necessary or granted, those the notice
// names and those the catalogue does. May tells who may load: a vendor of a
// category. A vendor of the catalogue that the notice does not have is not
// among them: a list of all that Judge lets pass would have thousands of hosts.
func (r *Rules) Sources(may func(category, vendor string) bool) []catalogue.Pattern {
	var all []catalogue.Pattern
	add := func(texts []string) {
		for _, text := range texts {
			if p, err := catalogue.ParsePattern(text); err == nil && !slices.Contains(all, p) {
				all = append(all, p)
			}
		}
	}
	add(r.n.FirstParty())
	add(r.n.Blocking.Allow)
	for _, v := range r.n.Vendors {
		if verdict := r.of(v, ByNotice); !verdict.Free() && !may(verdict.Category, verdict.Vendor) {
			continue
		}
		add(v.Hosts)
		if known := r.catalogue.Vendor(v.Key); known != nil {
			add(known.Hosts)
		}
	}
	return all
}
