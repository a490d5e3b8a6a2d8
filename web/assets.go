package web

import (
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/volenti-consent/volenti/server/canonical"
)

// An asset is an embedded file. Its address holds a part of its digest, so it can
// be kept by browsers for as long as they like.
type asset struct {
	path  string // "assets/0123456789abcdef/volenti.css", from the root
	kind  string // media type
	bytes []byte
}

func readAssets() (map[string]asset, error) {
	assets := make(map[string]asset)
	err := fs.WalkDir(embedded, "static", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := embedded.ReadFile(file)
		if err != nil {
			return err
		}
		name := path.Base(file)
		kind := mime.TypeByExtension(path.Ext(name))
		switch path.Ext(name) { // not left to the machine's own table
		case ".css":
			kind = "text/css; charset=utf-8"
		case ".js":
			kind = "text/javascript; charset=utf-8"
		case ".svg":
			kind = "image/svg+xml"
		}
		if kind == "" {
			return fmt.Errorf("%s: unknown kind of file", file)
		}
		assets[name] = asset{"assets/" + canonical.Sum(b).Short() + "/" + name, kind, b}
		return nil
	})
	return assets, err
}

// DeclarationScript is the script that fills the cookie declaration into pages of
// a site: static/declaration.js.
func (r *Renderer) DeclarationScript() []byte { return r.assets["declaration.js"].bytes }

// HasAsset reports whether a path, "/assets/…", is that of one of ours.
func (r *Renderer) HasAsset(file string) bool {
	a, ok := r.assets[path.Base(file)]
	return ok && file == "/"+a.path
}

// Assets serves the stylesheet and the icon at /assets/{digest}/{name}. Any other
// address, one with another file's digest too, is 404.
func (r *Renderer) Assets() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		a, ok := r.assets[path.Base(req.URL.Path)]
		if !ok || strings.TrimPrefix(req.URL.Path, "/") != a.path {
			w.Header().Set("Cache-Control", "no-store")
			http.NotFound(w, req)
			return
		}
		h := w.Header()
		h.Set("Content-Type", a.kind)
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", ContentSecurityPolicy)
		if req.Method != http.MethodHead {
			_, _ = w.Write(a.bytes)
		}
	})
}
