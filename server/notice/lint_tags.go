package notice

import (
	"fmt"
	"slices"
)

func (l *linter) tags() {
	if !l.few("tags", len(l.n.Tags), maxTags) {
		return
	}
	for i, t := range l.n.Tags {
		path := fmt.Sprintf("tags[%d]", i)
		l.oneOf(path+".kind", t.Kind, tagKinds)
		if t.Kind == tagTemplate || t.Template != "" {
			l.templated(path, t)
			continue
		}
		l.tagVendor(path, t)
		if t.ID != "" {
			l.fail(path+".id", "belongs to tags with a template", "write the whole address as src")
		}
		if t.Src == "" {
			l.fail(path+".src", "is missing", "write the address the tag is loaded from")
		} else {
			l.url(path+".src", t.Src)
		}
	}
}

// tagVendor finds the vendor of a tag among those that are asked for.
func (l *linter) tagVendor(path string, t Tag) (Vendor, bool) {
	i := slices.IndexFunc(l.n.Vendors, func(v Vendor) bool { return v.Key == t.Vendor })
	if i >= 0 {
		return l.n.Vendors[i], true
	}
	remedy := "write " + suggest(t.Vendor, l.vendorKeys()) + ", or add the vendor"
	if known, ok := templates[t.Template]; ok {
		if known.Vendor.Key != t.Vendor {
			remedy = "leave the vendor out, or add one with this key"
		} else {
			remedy = "add the vendor, and correct what your account does otherwise:\n" + known.block()
		}
	}
	l.fail(path+".vendor", fmt.Sprintf("%q is not a vendor of this notice", clip(t.Vendor)), remedy)
	return Vendor{}, false
}

func (l *linter) vendorKeys() []string {
	keys := make([]string, len(l.n.Vendors))
	for i, v := range l.n.Vendors {
		keys[i] = v.Key
	}
	return keys
}

// templated checks a tag that is made by a template: all of it is the id, whose
// form is exact, and what it is asked for as.
func (l *linter) templated(path string, t Tag) {
	names := make([]string, 0, len(templates))
	for _, known := range Templates() {
		names = append(names, known.Name)
	}
	known, ok := templates[t.Template]
	switch {
	case t.Template == "":
		l.fail(path+".template", "is missing", "write "+suggest("", names))
	case !ok:
		l.fail(path+".template", fmt.Sprintf("there is no template %q", clip(t.Template)), "write "+suggest(t.Template, names)+", or the tag's address as src")
	case t.Kind != tagTemplate:
		l.fail(path+".kind", "a template has no kind of its own", "leave it out")
	}
	if t.Src != "" {
		l.fail(path+".src", "a template knows its address", "leave it out")
	}
	if !ok {
		return
	}
	switch {
	case t.ID == "":
		l.fail(path+".id", "is missing", fmt.Sprintf("write the account's, such as %q", known.ID))
	case !known.id.MatchString(t.ID):
		l.fail(path+".id", fmt.Sprintf("%q is not an id of %s", clip(t.ID), known.Name), fmt.Sprintf("write it as it stands in the account, such as %q", known.ID))
	}
	v, ok := l.tagVendor(path, t)
	if !ok {
		return
	}
	if c, ok := l.n.category(v.Category); ok && slices.Index(likes, c.Like) < slices.Index(likes, known.Vendor.Category) {
		what := fmt.Sprintf("%s is asked for under %s", known.Name, c.Key)
		remedy := fmt.Sprintf("give the vendor %q a category that is like %q", v.Key, known.Vendor.Category)
		if c.Like == Necessary {
			l.fail(path+".vendor", what+", so nobody is asked", remedy)
		} else {
			l.warn(path+".vendor", what, remedy)
		}
	}
}
