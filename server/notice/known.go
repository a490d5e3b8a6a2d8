package notice

import (
	"slices"

	"github.com/volenti-consent/volenti/server/catalogue"
)

// KnownVendors are those of whom something is known, the ones with a template first,
// then the most used on the web: with key, name and the purpose they take at least.
func KnownVendors() []Vendor {
	var all []Vendor
	seen := map[string]bool{}
	add := func(v Vendor) {
		if !seen[v.Key] {
			seen[v.Key] = true
			all = append(all, v)
		}
	}
	for _, t := range Templates() {
		add(Vendor{Key: t.Vendor.Key, Name: t.Vendor.Name, Category: t.Vendor.Category})
	}
	// The catalogue is embedded; one that can't be read fails its own tests.
	if known, err := catalogue.Load(); err == nil {
		for _, v := range known.Vendors() {
			add(Vendor{Key: v.Key, Name: v.Name, Category: v.Category})
		}
	}
	return all
}

// KnownVendor is a vendor with all that is known of it. One that nobody knows is
// there for marketing, the strictest, until somebody says what it is for.
func KnownVendor(key string) Vendor {
	for _, t := range Templates() {
		if t.Vendor.Key == key {
			v := t.Vendor
			v.Entries = slices.Clone(v.Entries)
			return v
		}
	}
	for _, v := range KnownVendors() {
		if v.Key == key {
			return v
		}
	}
	return Vendor{Key: key, Category: Marketing}
}
