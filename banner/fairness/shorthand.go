package fairness

import (
	"slices"
	"strings"
)

var sides = []string{"top", "right", "bottom", "left"}

// parts are the properties that a shorthand sets.
var parts = func() map[string][]string {
	all := map[string][]string{
		"font":       {"font-size", "font-weight", "font-style", "font-family", "line-height"},
		"background": {"background-color", "background-image"},
		"gap":        {"row-gap", "column-gap"}, "inset": sides,
		"inset-inline": {"left", "right"}, "inset-block": {"top", "bottom"}, "inset-inline-start": {"left"}, "inset-inline-end": {"right"},
		"flex": {"flex-grow", "flex-shrink", "flex-basis"}, "flex-flow": {"flex-direction", "flex-wrap"},
		"grid-template": {"grid-template-rows", "grid-template-columns"},
		"grid":          {"grid-template-rows", "grid-template-columns", "grid-auto-rows", "grid-auto-columns", "grid-auto-flow"},
		"place-items":   {"align-items", "justify-items"}, "place-content": {"align-content", "justify-content"}, "place-self": {"align-self", "justify-self"},
		"overflow-x": {"overflow"}, "overflow-y": {"overflow"},
		"inline-size": {"width"}, "block-size": {"height"}, "max-inline-size": {"max-width"}, "min-inline-size": {"min-width"}, "max-block-size": {"max-height"}, "min-block-size": {"min-height"},
		"background-clip": nil,
	}
	for _, name := range []string{"margin", "padding"} {
		for _, side := range sides {
			all[name] = append(all[name], name+"-"+side)
		}
		all[name+"-inline"] = []string{name + "-left", name + "-right"}
		all[name+"-block"] = []string{name + "-top", name + "-bottom"}
		all[name+"-inline-start"], all[name+"-inline-end"] = []string{name + "-left"}, []string{name + "-right"}
		all[name+"-block-start"], all[name+"-block-end"] = []string{name + "-top"}, []string{name + "-bottom"}
	}
	for _, what := range []string{"width", "style", "color"} {
		for _, side := range sides {
			all["border"] = append(all["border"], "border-"+side+"-"+what)
			all["border-"+what] = append(all["border-"+what], "border-"+side+"-"+what)
			all["border-"+side] = append(all["border-"+side], "border-"+side+"-"+what)
		}
	}
	all["border-inline-start"], all["border-inline-end"] = all["border-left"], all["border-right"]
	all["border-block-start"], all["border-block-end"] = all["border-top"], all["border-bottom"]
	return all
}()

func covers(shorthand, name string) bool { return slices.Contains(parts[shorthand], name) }

// part is what a shorthand says of one of its properties; "" is its initial
// value. Direction is not minded: sizes are what is compared.
func part(shorthand, name, text string) (string, bool) {
	switch text {
	case "inherit", "initial", "unset", "revert":
		return text, true
	}
	switch {
	case shorthand == "font":
		return fontPart(name, text)
	case shorthand == "background":
		return backgroundPart(name, text), true
	case shorthand == "flex":
		return flexPart(name, text), true
	case shorthand == "grid" || shorthand == "grid-template":
		return gridPart(name, text), true
	case strings.HasPrefix(shorthand, "border") && !slices.Contains([]string{"border-width", "border-style", "border-color"}, shorthand):
		return borderPart(name, text), true
	}
	words := split(text, ' ')
	if len(words) == 0 {
		return "", false
	}
	at := func(i int) string { // top right bottom left, and pairs
		switch len(words) {
		case 1:
			return words[0]
		case 2:
			return words[i%2]
		case 3:
			return words[[]int{0, 1, 2, 1}[i]]
		}
		return words[i]
	}
	members := parts[shorthand]
	if len(members) == 4 {
		return at(slices.IndexFunc(sides, func(side string) bool { return strings.Contains(name+"-", "-"+side+"-") || name == side })), true
	}
	i := slices.Index(members, name)
	return words[min(i, len(words)-1)], true
}

func fontPart(name, text string) (string, bool) {
	words := split(text, ' ')
	for i, word := range words {
		size, line, _ := strings.Cut(word, "/")
		if _, known := sizes[size]; !known && !strings.ContainsAny(size[:1], "0123456789.(") && !strings.HasPrefix(size, "max(") && !strings.HasPrefix(size, "min(") && !strings.HasPrefix(size, "c") && size != "smaller" && size != "larger" {
			continue
		}
		if slices.Contains([]string{"100", "200", "300", "400", "500", "600", "700", "800", "900"}, size) || size[0] >= '1' && !strings.ContainsFunc(size, func(r rune) bool { return r >= 'a' && r <= 'z' || r == '%' }) {
			continue // a weight
		}
		switch name {
		case "font-size":
			return size, true
		case "line-height":
			if line == "" {
				line = "normal"
			}
			return line, true
		case "font-family":
			return strings.Join(words[i+1:], " "), true
		case "font-weight", "font-style":
			for _, before := range words[:i] {
				style := before == "italic" || before == "oblique"
				if style == (name == "font-style") && before != "normal" {
					return before, true
				}
			}
			return initial[name], true
		}
	}
	return "", false
}

func backgroundPart(name, text string) string {
	for _, word := range split(text, ' ') {
		f, _, called := function(word)
		image := called && (strings.HasSuffix(f, "gradient") || f == "url" || f == "image-set")
		if name == "background-image" {
			if image {
				return word
			}
			continue
		}
		if _, err := colour(word, false, black); err == nil && !image {
			return word
		}
		if called && !image && name == "background-color" {
			return word // a colour in a way that is not understood, which is then said
		}
	}
	return initial[name]
}

func flexPart(name, text string) string {
	words := split(text, ' ')
	values := map[string]string{"flex-grow": "1", "flex-shrink": "1", "flex-basis": "0px"}
	switch text {
	case "none":
		values = map[string]string{"flex-grow": "0", "flex-shrink": "0", "flex-basis": "auto"}
	case "auto":
		values["flex-basis"] = "auto"
	default:
		numbers := 0
		for _, word := range words {
			if strings.Trim(word, "0123456789.") == "" {
				values[[]string{"flex-grow", "flex-shrink"}[min(numbers, 1)]] = word
				numbers++
			} else {
				values["flex-basis"] = word
			}
		}
	}
	return values[name]
}

func gridPart(name, text string) string {
	rows, columns, _ := strings.Cut(text, "/")
	if pieces := split(text, '/'); len(pieces) == 2 {
		rows, columns = pieces[0], pieces[1]
	}
	side := map[bool]string{true: strings.TrimSpace(rows), false: strings.TrimSpace(columns)}[strings.HasSuffix(name, "rows")]
	auto, flows := strings.CutPrefix(side, "auto-flow")
	if name == "grid-auto-flow" {
		if strings.HasPrefix(strings.TrimSpace(columns), "auto-flow") {
			return "column"
		}
		return "row"
	}
	if strings.HasPrefix(name, "grid-auto") == flows {
		return strings.TrimSpace(auto)
	}
	return ""
}

var lines = []string{"none", "hidden", "solid", "dashed", "dotted", "double", "groove", "ridge", "inset", "outset"}

func borderPart(name, text string) string {
	width, style, color := "medium", "none", "currentcolor"
	for _, word := range split(text, ' ') {
		switch {
		case slices.Contains(lines, word):
			style = word
		case word[0] >= '0' && word[0] <= '9' || word == "thin" || word == "medium" || word == "thick" || word[0] == '.':
			width = word
		default:
			color = word
		}
	}
	switch {
	case strings.HasSuffix(name, "-width"):
		return width
	case strings.HasSuffix(name, "-style"):
		return style
	}
	return color
}
