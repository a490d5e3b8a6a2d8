package console

import (
	"bytes"
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"
)

// A Host is the page around a previewed banner: something like a website, that
// reads and looks like none.
type Host struct {
	Root     string // leads to the server's root
	Script   string // of the banner, from there
	Nonce    string
	Language string
	Dark     bool
	RTL      bool
	Inline   bool // the banner stands in the page
}

var host = sync.OnceValues(func() (*template.Template, error) {
	return template.ParseFS(embedded, "templates/bare/host.html")
})

// Render writes the page, all of it or, on an error, nothing.
func (h Host) Render(w io.Writer) error {
	t, err := host()
	if err != nil {
		return fmt.Errorf("render host page: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, h); err != nil {
		return fmt.Errorf("render host page: %w", err)
	}
	_, err = b.WriteTo(w)
	return err
}

// Part renders one part of a page's template, for what a script puts in its place.
func (r *Renderer) Part(page, part string, data any) (string, error) {
	t, err := r.parsed(page)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := t.ExecuteTemplate(&b, part, data); err != nil {
		return "", fmt.Errorf("render %s of %s: %w", part, page, err)
	}
	return b.String(), nil
}
