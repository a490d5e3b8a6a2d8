package notice

import (
	"maps"
	"strconv"
	"strings"
)

// Said is a wording as visitors of the notice read it: with what its placeholders
// stand for. What only a moment knows, such as {date}, stays.
func (n *Notice) Said(language string, w Wording) Wording {
	mark := ", "
	switch base, _, _ := strings.Cut(language, "-"); base {
	case "ja", "zh":
		mark = "、"
	case "ar", "fa", "ur":
		mark = "، "
	}
	var purposes []string
	asked := map[string]bool{}
	for _, c := range n.Categories {
		if c.Key == Necessary || c.Like == Necessary {
			continue
		}
		asked[c.Key] = true
		label := w[c.Key]
		if !Standard(c.Key) {
			label = n.Text(c.Label, language)
		}
		purposes = append(purposes, label)
	}
	optional := 0
	for _, v := range n.Vendors {
		if asked[v.Category] {
			optional++
		}
	}
	fill := strings.NewReplacer("{controller}", n.Controller.Name, "{n}", strconv.Itoa(optional), "{purposes}", strings.Join(purposes, mark),
		"{reopen}", w["reopen"], "{domains}", strings.Join(n.Hosts(), mark))
	said := maps.Clone(w)
	for key, text := range said {
		said[key] = fill.Replace(text)
	}
	return said
}
