package console

import (
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/volenti-consent/volenti/server/canonical"
)

// An asset is an embedded file. Its address holds a part of its digest, so that
// browsers may keep it for as long as they like.
type asset struct {
	path  string // "admin/assets/0123456789abcdef/console.css", from the root
	kind  string // media type
	bytes []byte
}

var kinds = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

func (r *Renderer) readAssets() error {
	return fs.WalkDir(embedded, "static", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := embedded.ReadFile(file)
		if err != nil {
			return err
		}
		name := path.Base(file)
		kind, ok := kinds[path.Ext(name)]
		if !ok {
			return fmt.Errorf("%s: unknown kind of file", file)
		}
		r.assets[name] = asset{"admin/assets/" + canonical.Sum(b).Short() + "/" + name, kind, b}
		return nil
	})
}

func (r *Renderer) asset(name string) (string, error) {
	a, ok := r.assets[name]
	if !ok {
		return "", fmt.Errorf("there is no asset %q", name)
	}
	return a.path, nil
}

// Assets serves style, script and icons at /admin/assets/{digest}/{name}, to
// everybody: they say nothing.
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
		if req.Method != http.MethodHead {
			_, _ = w.Write(a.bytes)
		}
	})
}
