package notice

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Differing is one field in which two notices are not the same. A field that one
// of them does not have is "" there.
type Differing struct {
	Path          string // in the words of the file, lists by key: "vendors[ga4].name"
	Before, After string
}

// Differences are the fields in which two notices differ, in the order of their
// paths. The order of lists counts as one field. Before may be nil.
func Differences(before, after *Notice) []Differing {
	a, b := map[string]string{}, map[string]string{}
	if before != nil {
		flatten(a, "", before.complete())
	}
	flatten(b, "", after.complete())
	var all []Differing
	for path, value := range b {
		if a[path] != value {
			all = append(all, Differing{path, a[path], value})
		}
	}
	for path, value := range a {
		if _, still := b[path]; !still && value != "" {
			all = append(all, Differing{path, value, ""})
		}
	}
	slices.SortFunc(all, func(x, y Differing) int { return cmp.Compare(x.Path, y.Path) })
	return all
}

// flatten writes every field of a value under its path.
func flatten(into map[string]string, path string, value any) {
	b, err := json.Marshal(value)
	if err != nil {
		return // of text, numbers and lists of them: it always encodes
	}
	var plain any
	if json.Unmarshal(b, &plain) == nil {
		flattenPlain(into, path, plain)
	}
}

func flattenPlain(into map[string]string, path string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			flattenPlain(into, member(path, key), v[key])
		}
	case []any:
		var order []string
		for i, element := range v {
			name := nameOf(element, i)
			order = append(order, name)
			if _, table := element.(map[string]any); table {
				flattenPlain(into, path+"["+name+"]", element)
			}
		}
		into[path] = strings.Join(order, ", ")
	case nil:
	default:
		into[path] = fmt.Sprint(v)
	}
}

// nameOf is what an element of a list is called: its key, its name, or itself.
func nameOf(element any, i int) string {
	switch e := element.(type) {
	case map[string]any:
		for _, key := range []string{"key", "template", "name", "src", "region"} {
			if name, ok := e[key].(string); ok && name != "" {
				if kind, ok := e["kind"].(string); ok && key == "name" {
					name += " (" + kind + ")"
				}
				return name
			}
		}
	default:
		return fmt.Sprint(e)
	}
	return fmt.Sprint(i + 1)
}
