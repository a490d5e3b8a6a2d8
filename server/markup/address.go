package markup

import (
	"regexp"
	"slices"
	"strings"
)

// loads are the attributes by which elements fetch at once, by element; "*" on
// any.
var loads = map[string][]string{
	"*":      {"background"},
	"script": {"src"}, "iframe": {"src"}, "frame": {"src"}, "img": {"src"}, "embed": {"src"}, "object": {"data"},
	"audio": {"src"}, "video": {"src", "poster"}, "source": {"src"}, "track": {"src"}, "input": {"src"},
	"image": {"href", "xlink:href"}, "use": {"href", "xlink:href"}, "feimage": {"href", "xlink:href"},
}

// fetching are the kinds of link that make a browser ask for something, or
// connect.
var fetching = []string{"stylesheet", "preload", "modulepreload", "prefetch", "prerender", "preconnect", "dns-prefetch", "icon", "apple-touch-icon", "mask-icon", "manifest", "import"}

// addresses are what an element fetches at once, each as it stands there.
func addresses(el element) []string {
	var found []string
	add := func(address string) {
		if address = strings.TrimSpace(address); address != "" && !strings.HasPrefix(address, "#") && !slices.Contains(found, address) {
			found = append(found, address)
		}
	}
	if el.tag == "script" && !runs(strings.ToLower(el.attr["type"])) {
		return nil
	}
	for _, name := range slices.Concat(loads[el.tag], loads["*"]) {
		add(el.attr[name])
	}
	switch el.tag {
	case "img", "source":
		for _, address := range candidates(el.attr["srcset"]) {
			add(address)
		}
	case "link":
		for _, rel := range strings.Fields(strings.ToLower(el.attr["rel"])) {
			if slices.Contains(fetching, rel) {
				add(el.attr["href"])
				for _, address := range candidates(el.attr["imagesrcset"]) {
					add(address)
				}
			}
		}
	case "style":
		for _, address := range inStyle(el.text) {
			add(address)
		}
	}
	for _, address := range inStyle(el.attr["style"]) {
		add(address)
	}
	return found
}

// candidates are the addresses of a srcset (HTML, "parse a srcset attribute").
func candidates(set string) []string {
	var found []string
	for set = strings.TrimLeft(set, " \t\n\r\f,"); set != ""; set = strings.TrimLeft(set, " \t\n\r\f,") {
		address, rest, _ := cutSpace(set)
		if trimmed := strings.TrimRight(address, ","); trimmed != address {
			found, set = append(found, trimmed), rest
			continue
		}
		found = append(found, address)
		depth := 0
		end := strings.IndexFunc(rest, func(r rune) bool {
			switch r {
			case '(':
				depth++
			case ')':
				depth--
			}
			return r == ',' && depth <= 0
		})
		if end < 0 {
			break
		}
		set = rest[end:]
	}
	return found
}

func cutSpace(text string) (before, after string, found bool) {
	i := strings.IndexAny(text, " \t\n\r\f")
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i:], true
}

// styleAddress is url(…) and @import "…" of CSS; escapes in addresses are not
// read.
var styleAddress = regexp.MustCompile(`(?i)url\(\s*(?:"([^"]*)"|'([^']*)'|([^"')\s]+))\s*\)|@import\s+(?:"([^"]*)"|'([^']*)')`)

// styleComment is a comment of CSS.
var styleComment = regexp.MustCompile(`(?s)/\*.*?\*/`)

func inStyle(css string) []string {
	if css == "" {
		return nil
	}
	var found []string
	for _, m := range styleAddress.FindAllStringSubmatch(styleComment.ReplaceAllString(css, " "), -1) {
		found = append(found, strings.Join(m[1:], ""))
	}
	return found
}
