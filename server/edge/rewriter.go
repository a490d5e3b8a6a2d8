package edge

import (
	"bytes"
	"errors"
	"io"

	"golang.org/x/net/html"
)

// MaxToken is how many bytes one tag, or the text of one script or style sheet,
// may have: so much is held in memory while it is judged. A larger script or
// style sheet is left out; before a larger tag the page ends.
const MaxToken = 8 << 20

// A Writer takes HTML and passes it on with everything moved aside that may not
// be fetched. What it need not touch passes byte for byte, as soon as it is
// written; it keeps no more than one token. Close ends the page.
type Writer struct {
	page  page
	out   io.Writer
	embed *embed // nil: the page's script is not put in
	max   int
	depth int // of pages within pages

	in    source
	seen  int // bytes of the page in tokens that are dealt with
	early int // bytes behind them that are written already
	skip  int // bytes of the next tokens that were never in the page

	z       *html.Tokenizer
	place   place
	tag     tag
	before  string // the tag before, where it matters for the next: "meta" or "template"
	element textElement
	buf     []byte // a tag that is put together
	wrapped bool   // a template is to be closed behind the style sheet
	broken  bool   // nothing more is written
	err     error  // of out
	found   finding
	written int // bytes
	whole   int // of these, bytes before the token or element that the page may end in
	open    bool
}

// newWriter makes a Writer for one page.
func newWriter(out io.Writer, p page, e *embed) *Writer {
	w := &Writer{page: p, out: out, embed: e, max: MaxToken}
	w.in.idle = w.ahead
	w.in.start(w.run)
	return w
}

// Write passes on what is settled by p and all before it. Its error is the one
// of the writer beneath.
func (w *Writer) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	w.in.give(p)
	return len(p), w.err
}

// Flush passes on what was kept only to see whether the page brings its own
// script.
func (w *Writer) Flush() error {
	w.embed.settle(w)
	return w.err
}

// Close ends the page and passes on what is left of it.
func (w *Writer) Close() error {
	w.in.end()
	w.embed.settle(w)
	return w.err
}

// ahead writes the beginning of a text that is being read: a page may wait long
// before it goes on. What begins with '<' is no text.
func (w *Writer) ahead() {
	pending := w.in.given - w.seen - w.early
	if w.element.name != "" || w.skip > 0 || !w.embed.early() || pending <= 0 || pending > len(w.in.chunk) {
		return
	}
	text := w.in.chunk[len(w.in.chunk)-pending:]
	if n := bytes.IndexByte(text, '<'); n >= 0 {
		text = text[:n]
	}
	w.write(text)
	w.early += len(text)
}

// write passes bytes on.
func (w *Writer) write(p []byte) {
	if w.broken || w.err != nil || len(p) == 0 {
		return
	}
	w.written += len(p)
	if !w.embed.keep(p) {
		_, w.err = w.out.Write(p)
	}
}

func (w *Writer) writeString(s string) { w.write([]byte(s)) }

// tokenize begins anew: with prefix, which is not in the page, with the bytes
// of a token that is to be read again, and with what was not read yet.
func (w *Writer) tokenize(prefix string, again []byte) {
	rest := append(append([]byte(prefix), again...), w.buffered()...)
	w.skip = len(prefix)
	w.seen -= len(again)
	w.z = html.NewTokenizer(io.MultiReader(bytes.NewReader(rest), &w.in))
	w.z.SetMaxBuf(w.max)
}

func (w *Writer) buffered() []byte {
	if w.z == nil {
		return nil
	}
	return w.z.Buffered()
}

// run deals with token after token until the page ends.
func (w *Writer) run() {
	w.tokenize("", nil)
	for !w.broken && w.err == nil {
		allowed, certain := w.place.cdata()
		w.z.AllowCDATA(allowed && certain)
		kind := w.z.Next()
		raw := w.z.Raw()
		full := len(raw) >= w.max
		if n := min(w.skip, len(raw)); n > 0 {
			w.skip -= n
			if raw = raw[n:]; kind != html.TextToken {
				continue
			}
		}
		w.seen += len(raw)
		early := min(w.early, len(raw))
		w.early = 0
		if w.element.name != "" && w.text(kind, raw, full) {
			continue
		}
		if kind == html.ErrorToken && w.end(raw) {
			return
		}
		w.token(kind, raw[early:], full)
	}
	for w.broken && w.in.more() { // to the end, and to nobody
		w.in.rest = nil
	}
}

// end reports whether the page is over.
func (w *Writer) end(raw []byte) bool {
	if !errors.Is(w.z.Err(), html.ErrBufferExceeded) {
		if len(raw) > 0 { // within a tag, which a browser leaves out
			w.open, w.whole = true, w.written
			w.write(raw)
		}
		return true
	}
	if len(raw) == 0 { // a text that filled the buffer ended right there
		w.tokenize("", nil)
	} else {
		w.broken = true
	}
	return false
}

// token deals with what is no text of an element.
func (w *Writer) token(kind html.TokenType, raw []byte, full bool) {
	before := w.before
	w.before = ""
	w.whole, w.open = w.written, false
	if w.broken = full && kind != html.TextToken; w.broken {
		return
	}
	switch kind {
	case html.TextToken:
		w.embed.text(w, raw)
		w.plain(raw, full)
	case html.StartTagToken, html.SelfClosingTagToken:
		w.start(raw, before)
	case html.EndTagToken:
		name := endName(raw)
		w.place.end(name)
		w.embed.end(w, name)
		w.write(raw)
		if w.wrapped && name == "style" {
			w.wrapped = false
			w.writeString("</template>")
		}
	case html.CommentToken:
		w.comment(raw)
	case html.DoctypeToken:
		w.embed.doctype()
		w.open = raw[len(raw)-1] != '>'
		w.write(raw)
	}
}

// plain passes text on. One that fills the buffer may end within a tag, or in a
// CDATA section, of which no more can be told.
func (w *Writer) plain(raw []byte, full bool) {
	switch {
	case bytes.HasPrefix(raw, []byte("<![CDATA[")):
		w.open = !bytes.HasSuffix(raw, []byte("]]>"))
		w.broken = full && w.open
		w.write(raw)
	case full:
		cut := len(raw)
		if i := bytes.LastIndexByte(raw, '<'); i >= 0 && i >= cut-2 {
			cut = i
		}
		again := bytes.Clone(raw[cut:])
		w.write(raw[:cut])
		w.tokenize("", again)
	default:
		w.write(raw)
	}
}

// comment passes a comment on. "<![CDATA[" begins one only outside foreign
// content: within it begins text, up to "]]>".
func (w *Writer) comment(raw []byte) {
	if bytes.HasPrefix(raw, []byte("<!--")) {
		w.open = !bytes.HasSuffix(raw, []byte("-->")) && !bytes.HasSuffix(raw, []byte("--!>")) && string(raw) != "<!-->"
	} else {
		w.open = raw[len(raw)-1] != '>'
	}
	if bytes.HasPrefix(raw, []byte("<![CDATA[")) && !bytes.HasSuffix(raw, []byte("]]>")) {
		if _, certain := w.place.cdata(); !certain {
			raw = withoutTags(raw, false)
		}
	}
	w.write(raw)
}

// endName is the name of an end tag, in lower case.
func endName(raw []byte) string {
	i := 2
	for i < len(raw) && !space(raw[i]) && raw[i] != '/' && raw[i] != '>' {
		i++
	}
	return lower(raw[2:i])
}
