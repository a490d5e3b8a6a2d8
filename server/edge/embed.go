package edge

import (
	"bytes"
	"html"
	"net/url"
	"strings"
)

// maxHead is how much of a page's head is kept at most to see whether the page
// brings its own script. One that stands further below is put in twice, which
// does no harm: the second does nothing.
const maxHead = 64 << 10

// An embed puts the line of the page's script first into the head of a page that
// does not have it. A nil one puts in nothing.
type embed struct {
	line  string // the markup
	path  string // "/b/shop.js": a script whose address ends so is it
	state embedState
	kept  []byte // what follows the place for the line
}

type embedState byte

const (
	atStart   embedState = iota // nothing seen that is part of a page
	inPage                      // a whole page: it began with a doctype, or <html>
	keeping                     // behind the place for the line
	isSettled                   // put in, there already, or not wanted
)

// newEmbed makes an embed for the script at src; nonce is that of the page's
// Content-Security-Policy, or "".
func newEmbed(src, nonce string) *embed {
	if src == "" {
		return nil
	}
	path := src
	if u, err := url.Parse(src); err == nil {
		path = u.Path
	}
	line := `<script src="` + html.EscapeString(src) + `"`
	if nonce != "" {
		line += ` nonce="` + html.EscapeString(nonce) + `"`
	}
	if i := strings.LastIndex(path, "/b/"); i > 0 {
		path = path[i:]
	}
	return &embed{line: line + "></script>", path: path}
}

// keep takes what is written behind the place for the line.
func (e *embed) keep(p []byte) bool {
	if e == nil || e.state != keeping {
		return false
	}
	e.kept = append(e.kept, p...)
	return true
}

// settle puts the line in where its place was found, and passes on what was
// kept.
func (e *embed) settle(w *Writer) {
	if e == nil || e.state != keeping {
		return
	}
	e.give(w, e.line)
}

func (e *embed) give(w *Writer, line string) {
	e.state = isSettled
	if w.err == nil && line != "" {
		_, w.err = w.out.Write([]byte(line))
	}
	if w.err == nil && len(e.kept) > 0 {
		_, w.err = w.out.Write(e.kept)
	}
	e.kept = nil
}

func (e *embed) doctype() {
	if e != nil && e.state == atStart {
		e.state = inPage
	}
}

// text: text that stands before any head begins the body.
func (e *embed) text(w *Writer, raw []byte) {
	if e == nil || len(bytes.Trim(raw, " \t\n\f\r\xef\xbb\xbf")) == 0 {
		return
	}
	switch e.state {
	case atStart:
		e.state = isSettled // a part of a page
	case inPage:
		e.state = keeping
		e.settle(w)
	case keeping:
		if len(e.kept) > maxHead {
			e.settle(w)
		}
	}
}

// inHead are the elements that may stand in a head.
var inHead = names("base basefont bgsound link meta noframes noscript script style template title")

// start takes a start tag that is about to be written.
func (e *embed) start(w *Writer, t *tag) {
	if e == nil {
		return
	}
	switch {
	case e.state == atStart && (t.name == "html" || t.name == "head"):
		e.state = inPage
	case e.state == atStart:
		e.state = isSettled
	}
	if e.state == inPage && t.name != "html" && t.name != "head" {
		e.state = keeping
	}
	switch {
	case e.state != keeping:
	case t.name == "script" && e.is(t.get("src")):
		e.give(w, "")
	case !inHead[t.name] || len(e.kept) > maxHead:
		e.settle(w)
	}
}

// started takes a start tag that was written.
func (e *embed) started(t *tag) {
	if e != nil && e.state == inPage && t.name == "head" {
		e.state = keeping
	}
}

// early reports whether text may pass before it is known what comes behind it.
func (e *embed) early() bool { return e == nil || e.state >= keeping }

// is reports whether an address is that of the page's script.
func (e *embed) is(src string) bool {
	path, _, _ := strings.Cut(strings.TrimSpace(src), "?")
	path, _, _ = strings.Cut(path, "#")
	return e.path != "" && strings.HasSuffix(path, e.path)
}

// end takes an end tag that is about to be written.
func (e *embed) end(w *Writer, name string) {
	if e != nil && e.state == keeping && (name == "head" || name == "body" || name == "html") {
		e.settle(w)
	}
}
