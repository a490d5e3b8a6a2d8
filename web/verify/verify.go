// Package verify is a page that checks evidence bundles in a browser: one file, which
// asks nothing of any network and works from disk as well.
package verify

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
)

//go:embed page.html page.css *.js
var files embed.FS

// scripts are put into one, in this order.
var scripts = [...]string{"bytes.js", "zip.js", "log.js", "receipt.js", "parts.js", "bundle.js", "page.js"}

// Policy is the page's Content-Security-Policy, which stands in it as well. Its own
// script and style are named by digest; nothing else runs, and nothing is fetched.
func Policy() string { p, _ := assembled(); return p }

// Page is the page. It is the same for everybody.
func Page() []byte { _, p := assembled(); return []byte(p) }

// Script is the page's script without the page: what checks, for other engines.
func Script() string {
	var b strings.Builder
	b.WriteString("'use strict';\n")
	for _, name := range scripts {
		b.WriteString(read(name))
	}
	return b.String()
}

var assembled = sync.OnceValues(func() (policy, page string) {
	style, script := read("page.css"), Script()
	policy = fmt.Sprintf("default-src 'none'; script-src '%s'; style-src '%s'; base-uri 'none'; form-action 'none'", digest(script), digest(style))
	return policy, strings.NewReplacer("{{policy}}", policy, "{{style}}", style, "{{script}}", script).Replace(read("page.html"))
})

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

func read(name string) string {
	b, err := files.ReadFile(name)
	if err != nil {
		panic("verify: " + err.Error()) // it is embedded
	}
	return string(b)
}
