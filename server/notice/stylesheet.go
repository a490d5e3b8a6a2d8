package notice

import "regexp"

// stylesheet is how a page of the server names its style sheet: web/assets.
var stylesheet = regexp.MustCompile(`<link rel="stylesheet" href="[./]*assets/([0-9a-f]{16})/`)

// Stylesheet is the style sheet that an archived page was shown with: the first 16
// digits of its digest, which the page names it by; "" where it names none.
func Stylesheet(page []byte) string {
	if found := stylesheet.FindSubmatch(page); found != nil {
		return string(found[1])
	}
	return ""
}
