// Package integrations holds what sites put around the banner: here the part that
// is made for one server. The rest are files to be copied.
package integrations

import (
	_ "embed"
	"strings"
)

//go:embed gtm/template.tpl
var template string

// example is the server that the template in the repository names.
const example = "https://consent.example.com"

// TagManager is the template for Google Tag Manager, made for the server at base:
// the address stands in its permission to inject scripts, which can't be a field.
func TagManager(base string) string { return strings.ReplaceAll(template, example, base) }
