// Package integrations holds what sites put around the banner: here the part that
// is made for one server. The rest are files to be copied.
package integrations

import (
	_ "embed"
	"net/url"
	"strings"
)

//go:embed gtm/template.tpl
var template string

const placeholder = "https://consent.example.com"

// TagManager is the template for Google Tag Manager, made for the server at base:
// the address stands in its permission to inject scripts, which knows no field.
func TagManager(base string) string {
	text := strings.ReplaceAll(template, `"`+placeholder+`/*"`, `"`+base+`/*"`)
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "https" {
		return text // Tag Manager allows https only, and says so
	}
	text = strings.ReplaceAll(text, `"defaultValue": "`+placeholder+`"`, `"defaultValue": "`+base+`"`)
	return strings.ReplaceAll(text, `'`+placeholder, `'`+base)
}
