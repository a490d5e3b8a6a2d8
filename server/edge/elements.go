package edge

import (
	"bytes"
	"html"
	"strings"

	tokens "golang.org/x/net/html"

	"github.com/volenti-consent/volenti/server/notice"
)

// textual are the elements behind whose start tag the tokenizer reads text up
// to the end tag.
var textual = names("iframe noembed noframes noscript plaintext script style textarea title xmp")

// A textElement is one of these whose start tag was read.
type textElement struct {
	name    string // "" if there is none
	reading reading
	tag     []byte // the start tag, where it waits for the text
	edit    edit
	found   finding
	how     hiding // of a script's text that is too long: behind what is dealt with
	tooLong bool   // part of the text is dealt with
	dropped bool   // and the rest is left out
}

// start deals with a start tag.
func (w *Writer) start(raw []byte, before string) {
	t := &w.tag
	if !readTag(t, raw) {
		w.z.NextIsNotRawText()
		w.write(withoutTags(raw, false))
		return
	}
	w.embed.start(w, t)
	certain := w.place.certain()
	how := w.place.start(t)
	inSVG := how == asMarkup && (t.name == "script" || t.name == "style") && !t.closed
	if !textual[t.name] || how == asMarkup && !inSVG {
		w.z.NextIsNotRawText()
		e, f := w.hold(t)
		if href := t.attr("href"); t.name == "base" && href != nil && !f.held() {
			w.page.base(t.text(*href))
		}
		w.put(t, &e, &f)
		w.embed.started(t)
		switch {
		case string(raw) == "<meta>":
			w.before = "meta"
		case certain && t.name == "template" && t.attr("data-category") != nil:
			w.before = "template"
		}
		return
	}
	if how == fenced && before != "meta" {
		// A <meta> ends foreign content, if this is any (HTML, "A start tag whose
		// tag name is one of"), so that what follows is text for certain.
		w.writeString("<meta>")
	}
	w.element = textElement{name: t.name, reading: how, tag: append(w.element.tag[:0], raw...)}
	readTag(t, w.element.tag)
	w.element.edit, w.element.found = w.hold(t)
	switch {
	case t.name == "plaintext":
		w.put(t, &w.element.edit, &w.element.found)
		w.forever()
	case t.name == "style" && before == "template":
		w.put(t, &w.element.edit, &w.element.found)
		w.element.tag = w.element.tag[:0] // it is marked: its template is what waits
	case t.name != "script" && t.name != "style":
		w.put(t, &w.element.edit, &w.element.found)
	}
}

// forever passes the rest of the page on: behind <plaintext> everything is text.
func (w *Writer) forever() {
	pass := func(p []byte) {
		if w.element.reading == either {
			p = withoutTags(p, false)
		}
		w.write(p)
	}
	pass(w.z.Buffered())
	for w.in.more() {
		pass(w.in.rest)
		w.in.rest = nil
	}
	w.open, w.broken, w.element.name = true, true, ""
}

// text deals with the text of the element whose start tag came before, and
// reports whether raw was that. Without text, the start tag still waits.
func (w *Writer) text(kind tokens.TokenType, raw []byte, full bool) bool {
	el := &w.element
	if kind != tokens.TextToken {
		if !el.tooLong {
			w.judge(nil)
		}
		w.open = true // if this is the end of the page
		el.name = ""
		return false
	}
	w.open = true // until the end tag comes
	if !full {
		if !el.tooLong {
			w.judge(raw)
		} else if !el.dropped {
			w.write(el.lockstep(raw))
		}
		el.name = ""
		return true
	}
	cut, prefix := el.cut(raw)
	if len(raw)-cut > w.max/2 {
		w.broken = true // no place is found to go on from
		return true
	}
	again := bytes.Clone(raw[cut:])
	w.tooLong(raw[:cut], prefix)
	w.tokenize(prefix, again)
	return true
}

// tooLong deals with a part of a text that fills the buffer. What has to be
// judged is left out; all else passes.
func (w *Writer) tooLong(part []byte, prefix string) {
	el, t := &w.element, &w.tag
	first := !el.tooLong
	el.tooLong = true
	switch el.name {
	case "script":
		// Where a browser ends it must be settled by the part alone.
		judged := first && executable(t) || prefix != "<script>"
		if first && !judged {
			w.put(t, &el.edit, &el.found)
		} else if first {
			w.leaveOut(t)
		}
		el.dropped = el.dropped || judged
	case "style":
		if first && len(el.tag) > 0 {
			w.leaveOut(t)
			el.dropped = true
		}
	case "noscript":
		el.dropped = true
	}
	if !el.dropped {
		w.write(el.lockstep(part))
	}
}

// cut finds where to part a text that fills the buffer, and what to put before
// the rest so that it is read on as what it is.
func (el *textElement) cut(text []byte) (at int, prefix string) {
	at, prefix = len(text), "<"+el.name+">"
	if el.name == "script" {
		read := scriptData(text, el.how)
		el.how = read.there
		switch el.how {
		case hidden:
			prefix += "<!--x"
		case double:
			prefix += "<!--<script>x"
		}
		return read.at, prefix
	}
	if i := bytes.LastIndexByte(text, '<'); i >= at-16 {
		at = i
	}
	return at, prefix
}

// lockstep is text that is read alike where the place leaves open how.
func (el *textElement) lockstep(text []byte) []byte {
	switch {
	case el.reading == asMarkup:
		return withoutTags(text, true)
	case el.reading == either:
		return withoutTags(text, false)
	case el.name == "script":
		return agree(text)
	}
	return text
}

// judge writes the start tag of a script or style sheet, as it must be for what
// stands in it, and the text.
func (w *Writer) judge(text []byte) {
	el, t := &w.element, &w.tag
	switch el.name {
	case "script":
		if executable(t) && t.attr("src") == nil {
			w.holdText(t, text, w.page.script)
		}
		w.put(t, &el.edit, &el.found)
	case "style":
		if len(el.tag) == 0 {
			break
		}
		if kind := t.get("type"); kind != "" && !strings.EqualFold(kind, "text/css") {
			w.put(t, &el.edit, &el.found)
			break
		}
		var f finding
		if el.reading == asText && w.place.certain() {
			if f = w.styleText(text); f.held() {
				w.found.join(&f)
				w.writeString("<template" + f.marks() + ">")
				w.wrapped = true
			}
		} else {
			w.holdText(t, text, w.page.style)
		}
		w.put(t, &el.edit, &el.found)
	case "noscript":
		text = w.noscript(text)
	}
	w.write(el.lockstep(text))
}

func (w *Writer) styleText(text []byte) (f finding) {
	w.page.style(string(text), &f)
	return f
}

// holdText judges the text of an element; what is held by it is held by its
// start tag. In foreign content it is read with its character references.
func (w *Writer) holdText(t *tag, text []byte, judge func(string, *finding) bool) {
	el := &w.element
	var f finding
	if !judge(string(text), &f) && el.reading != asText {
		judge(html.UnescapeString(string(text)), &f)
	}
	if granted, marked := w.page.ownMarks(t); f.held() && (!granted || !marked) {
		el.found.join(&f)
	}
}

// leaveOut makes an element that is too long to be judged one that does
// nothing, and without marks nothing ever wakes it.
func (w *Writer) leaveOut(t *tag) {
	e := edit{first: ` type="text/plain"`}
	e.dropped("type")
	e.dropped("src")
	e.dropped("data-category")
	w.buf = e.apply(w.buf[:0], t)
	w.write(w.buf)
}

// noscript rewrites what a browser without scripts reads as markup, and others
// as text. It must not swallow the end tag.
func (w *Writer) noscript(text []byte) []byte {
	part := w.within(text)
	w.found.join(&part.found)
	w.place.join(&part.place)
	w.page.bases = part.page.bases
	return part.out.(*bytes.Buffer).Bytes()
}

// maxDepth bounds pages within pages. Deeper ones are held.
const maxDepth = 4

// within rewrites a part of the page that is markup by itself. If it ends within
// a tag, a comment or a text, that is made text, so that it ends where it ends.
func (w *Writer) within(text []byte) *Writer {
	var out bytes.Buffer
	part := newWriter(&out, w.page, nil)
	part.depth, part.max = w.depth+1, w.max
	if part.depth > maxDepth {
		part.found.add(notice.Verdict{Category: notice.Marketing})
		out.Write(withoutTags(text, false))
		part.in.stop()
		return part
	}
	_, _ = part.Write(text) // a buffer takes everything
	_ = part.Close()
	if part.open {
		all := bytes.Clone(out.Bytes())
		out.Truncate(part.whole)
		out.Write(withoutTags(all[part.whole:], false))
	}
	return part
}
