package web

import "github.com/volenti-consent/volenti/server/canonical"

// Stylesheet is the style sheet of the pages, by the first 16 digits of its digest,
// which pages name it by; nil for one of another version.
func (r *Renderer) Stylesheet(short string) []byte {
	if css := r.assets.Bytes("volenti.css"); canonical.Sum(css).Short() == short {
		return css
	}
	return nil
}
