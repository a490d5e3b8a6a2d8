package assets

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"
)

func TestFilesAreServedUnderTheirDigestAndNowhereElse(t *testing.T) {
	set, err := Read(fstest.MapFS{
		"static/a.css": {Data: []byte("a{}")}, "static/b.js": {Data: []byte("b()")}, "static/c.svg": {Data: []byte("<svg/>")}, "other/d.css": {Data: []byte("d")},
		"static/e.css.d/20-last.css": {Data: []byte("z{}")}, "static/e.css.d/10-first.css": {Data: []byte("y{}")},
	}, "static", "admin/assets/")
	if err != nil || len(set) != 4 {
		t.Fatal(set, err)
	}
	ask := func(method, at, policy string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		set.Handler(policy).ServeHTTP(w, httptest.NewRequest(method, at, nil))
		return w
	}
	for name, want := range map[string]struct{ kind, text string }{
		"a.css": {"text/css; charset=utf-8", "a{}"}, "e.css": {"text/css; charset=utf-8", "y{}z{}"}, "b.js": {"text/javascript; charset=utf-8", "b()"}, "c.svg": {"image/svg+xml", "<svg/>"},
	} {
		at, err := set.Path(name)
		if err != nil {
			t.Fatal(err)
		}
		w := ask(http.MethodGet, "/"+at, "default-src 'none'")
		h := w.Header()
		if w.Code != 200 || w.Body.String() != want.text || h.Get("Content-Type") != want.kind || h.Get("Cache-Control") != "public, max-age=31536000, immutable" ||
			h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Security-Policy") != "default-src 'none'" {
			t.Errorf("%s: %d %v", at, w.Code, h)
		}
		if w := ask(http.MethodHead, "/"+at, ""); w.Code != 200 || w.Body.Len() > 0 || w.Header().Values("Content-Security-Policy") != nil {
			t.Errorf("HEAD %s: %d %v", at, w.Code, w.Header())
		}
		for _, wrong := range []string{"/admin/assets/0000000000000000/" + name, "/admin/assets/" + name, "/admin/assets/../" + at, "/admin/assets/x/y"} {
			if w := ask(http.MethodGet, wrong, ""); w.Code != 404 || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d %v", wrong, w.Code, w.Header())
			}
		}
		if string(set.Bytes(name)) != want.text || !set.Has("/"+at) || set.Has("/"+name) {
			t.Errorf("%s is not found again", name)
		}
	}
	if _, err := set.Path("d.css"); err == nil || set.Bytes("d.css") != nil {
		t.Error("a file of another folder is found")
	}
	if _, err := Read(fstest.MapFS{"static/e.exe": {}}, "static", ""); err == nil {
		t.Error("a kind of file that nobody knows is served")
	}
}
