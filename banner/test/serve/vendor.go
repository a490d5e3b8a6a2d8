package main

import (
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A vendor counts what is fetched from it and answers as vendors do. Scripts
// add their name to the page's list `ran`. The query says how it answers:
// wait=300 (milliseconds), hang, status=500, write=… (document.write), late=…
// (document.write from a timer), cookie=name.
type vendor struct {
	mu   sync.Mutex
	hits []string // paths with query, in order of arrival
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Cache-Control", "no-store")
	switch r.URL.Path {
	case "/hits":
		v.mu.Lock()
		defer v.mu.Unlock()
		writeJSON(w, http.StatusOK, append([]string{}, v.hits...))
		return
	case "/reset":
		v.mu.Lock()
		v.hits = nil
		v.mu.Unlock()
		return
	}
	v.mu.Lock()
	v.hits = append(v.hits, r.URL.RequestURI())
	v.mu.Unlock()
	q := r.URL.Query()
	if q.Has("hang") {
		<-r.Context().Done()
		return
	}
	if wait, err := time.ParseDuration(q.Get("wait") + "ms"); err == nil {
		select {
		case <-time.After(wait):
		case <-r.Context().Done():
			return
		}
	}
	if status, err := strconv.Atoi(q.Get("status")); err == nil {
		w.WriteHeader(status)
	}
	name := strings.TrimSuffix(path.Base(r.URL.Path), path.Ext(r.URL.Path))
	switch path.Ext(r.URL.Path) {
	case ".js":
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprintf(w, "(window.ran = window.ran || []).push(%q);\n", name)
		if text := q.Get("write"); text != "" {
			fmt.Fprintf(w, "document.write(%q);\n", text)
		}
		if text := q.Get("late"); text != "" {
			fmt.Fprintf(w, "setTimeout(() => document.write(%q), 50);\n", text)
		}
		if key := q.Get("cookie"); key != "" {
			fmt.Fprintf(w, "document.cookie = %q;\n", key+"=1;path=/")
		}
	case ".css":
		w.Header().Set("Content-Type", "text/css")
		fmt.Fprint(w, "body { --vendor: 1 }")
	case ".gif":
		w.Header().Set("Content-Type", "image/gif")
		fmt.Fprint(w, "GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")
	default:
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, "<!doctype html><title>%s</title>", name)
	}
}
