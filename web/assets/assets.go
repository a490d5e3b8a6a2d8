// Package assets serves embedded files at addresses that hold a part of their
// digest, so that browsers may keep them for as long as they like.
package assets

import (
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/volenti-consent/volenti/server/canonical"
)

// A Set is the files of one folder, by name.
type Set map[string]asset

type asset struct {
	path  string // "assets/0123456789abcdef/volenti.css", from the server's root
	kind  string // media type
	bytes []byte
}

// kinds are not left to the machine's own table.
var kinds = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// Read reads all files under folder; at is where they are served, "assets/". A
// folder "volenti.css.d" is the file volenti.css: its parts in the order of their
// names, joined, so that a reader asks once. An error is a mistake in
// them: a kind of file that there is no media type for.
func Read(files fs.FS, folder, at string) (Set, error) {
	set := Set{}
	err := fs.WalkDir(files, folder, func(file string, d fs.DirEntry, err error) error {
		name, parts := strings.CutSuffix(path.Base(file), ".d")
		if err != nil || d.IsDir() && !parts {
			return err
		}
		b, err := joined(files, file, d)
		if err != nil {
			return err
		}
		kind, ok := kinds[path.Ext(name)]
		if !ok {
			return fmt.Errorf("%s: unknown kind of file", file)
		}
		set[name] = asset{at + canonical.Sum(b).Short() + "/" + name, kind, b}
		if d.IsDir() {
			return fs.SkipDir
		}
		return nil
	})
	return set, err
}

// joined is a file, or what the parts in a folder make.
func joined(files fs.FS, file string, d fs.DirEntry) ([]byte, error) {
	if !d.IsDir() {
		return fs.ReadFile(files, file)
	}
	parts, err := fs.ReadDir(files, file) // sorted by name
	var all []byte
	for _, part := range parts {
		b, err := fs.ReadFile(files, path.Join(file, part.Name()))
		if err != nil {
			return nil, err
		}
		all = append(all, b...)
	}
	return all, err
}

// Path is where a file is served, from the server's root. Templates call it.
func (s Set) Path(name string) (string, error) {
	a, ok := s[name]
	if !ok {
		return "", fmt.Errorf("there is no asset %q", name)
	}
	return a.path, nil
}

// Bytes is a file itself; nil if there is none of that name.
func (s Set) Bytes(name string) []byte { return s[name].bytes }

// Has reports whether a path, "/assets/…", is that of one of the files.
func (s Set) Has(at string) bool {
	a, ok := s[path.Base(at)]
	return ok && at == "/"+a.path
}

// Handler serves the files to everybody, with a Content-Security-Policy unless
// that is "". Any other address, one with another file's digest too, is 404.
func (s Set) Handler(policy string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		h := w.Header()
		if !s.Has(req.URL.Path) {
			h.Set("Cache-Control", "no-store")
			http.NotFound(w, req)
			return
		}
		a := s[path.Base(req.URL.Path)]
		h.Set("Content-Type", a.kind)
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("X-Content-Type-Options", "nosniff")
		if policy != "" {
			h.Set("Content-Security-Policy", policy)
		}
		if req.Method != http.MethodHead {
			_, _ = w.Write(a.bytes)
		}
	})
}
