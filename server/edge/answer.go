package edge

import (
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
)

// An answer is the ResponseWriter that a handler gets. It settles what becomes
// of the answer when its header and the first bytes are there: a page goes
// through a Writer, all else passes.
type answer struct {
	http.ResponseWriter
	request  *http.Request
	decision Decision
	page     page
	asked    bool // the browser asks whether a page it keeps is still good

	status  int    // 0 until the handler gave one
	begun   []byte // of the body, until its type is known
	settled bool
	body    io.Writer
	chain   []io.Closer // from the first to the last
	flush   []func() error
	pooled  *coding
	encoder encoder
	failed  error
}

// ask is the request as the handler gets it: asking for no coding that can't be
// read, and about pages in this state only.
func (a *answer) ask() *http.Request {
	r := a.request.Clone(a.request.Context())
	if accept := strings.Join(r.Header.Values("Accept-Encoding"), ","); accept != "" {
		r.Header.Set("Accept-Encoding", readable(accept))
	}
	shown := shows(r.Header)
	a.asked = restate(r.Header, a.decision.State, shown)
	if shown {
		r.Header.Del("Range") // a part of a page can't be judged
		r.Header.Del("If-Range")
	}
	return r
}

// shows reports whether a browser asks for a page to show.
func shows(h http.Header) bool {
	switch h.Get("Sec-Fetch-Dest") {
	case "document", "iframe", "frame", "object", "embed":
		return true
	case "":
		return strings.Contains(h.Get("Accept"), "text/html")
	}
	return false
}

// Unwrap lets http.ResponseController reach what is beneath, to hijack the
// connection or to set deadlines.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader takes the status. Early hints pass at once, without links that
// may not be fetched.
func (a *answer) WriteHeader(status int) {
	if status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		a.page.holdHeaders(a.Header())
		a.ResponseWriter.WriteHeader(status)
		return
	}
	if a.status != 0 {
		return
	}
	a.status = status
	if !a.hasBody() {
		a.settle()
	}
}

func (a *answer) hasBody() bool {
	return a.request.Method != http.MethodHead && a.status >= 200 && a.status != http.StatusNoContent && a.status != http.StatusNotModified
}

func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if !a.settled {
		if a.begun = append(a.begun, p...); len(a.begun) < sniffed && needsSniffing(a.Header()) {
			return len(p), nil
		}
		a.settle()
		return len(p), a.failed
	}
	return a.write(p)
}

func (a *answer) write(p []byte) (int, error) {
	if a.failed != nil {
		return 0, a.failed
	}
	if _, a.failed = a.body.Write(p); a.failed != nil {
		return 0, a.failed
	}
	return len(p), nil
}

// sniffed is how many bytes of a body tell its type (MIME Sniffing § 5.2).
const sniffed = 512

// needsSniffing reports whether browsers find out by themselves what an answer
// is (MIME Sniffing § 5.1).
func needsSniffing(h http.Header) bool {
	media, _ := mediaType(h)
	switch media {
	case "", "*/*", "unknown/unknown", "application/unknown":
		return true
	}
	return !strings.Contains(media, "/")
}

// mediaType is an answer's type without parameters, and its charset.
func mediaType(h http.Header) (media, charset string) {
	lines := h.Values("Content-Type")
	if len(lines) == 0 {
		return "", ""
	}
	text := lines[len(lines)-1]
	if i := strings.LastIndexByte(text, ','); i >= 0 && strings.Contains(text[i:], "/") {
		text = text[i+1:] // several in one: the last counts
	}
	media, params, _ := strings.Cut(text, ";")
	if _, parsed, err := mime.ParseMediaType(text); err == nil {
		return strings.ToLower(strings.TrimSpace(media)), parsed["charset"]
	}
	for param := range strings.SplitSeq(params, ";") {
		if name, value, ok := strings.Cut(strings.TrimSpace(param), "="); ok && strings.EqualFold(name, "charset") && charset == "" {
			charset = strings.Trim(value, `"' `)
		}
	}
	return strings.ToLower(strings.TrimSpace(media)), charset
}

// settle decides what becomes of the body, and sends the header.
func (a *answer) settle() {
	a.settled = true
	h := a.Header()
	a.page.holdHeaders(h)
	a.body = a.ResponseWriter
	if a.request.Method == http.MethodHead {
		a.body = io.Discard // net/http would tell the length of what is written
	}
	coded, known := codingOf(h.Values("Content-Encoding"))
	secret := a.hasBody() && needsSniffing(h) && len(a.begun) > 0 // what it is, only browsers will know
	if secret && coded == nil && known {
		h.Set("Content-Type", http.DetectContentType(a.begun))
		secret = false
	}
	media, label := mediaType(h)
	switch {
	case a.status == http.StatusSwitchingProtocols:
	case a.status == http.StatusNotModified:
		if a.asked { // or else the browser keeps something that never came through here
			private(h, a.decision.State)
		}
	case media == "text/html" && a.status == http.StatusPartialContent:
		a.refusePart(h)
	case media == "text/html" && known:
		private(h, a.decision.State)
		if a.hasBody() {
			a.rewrite(h, coded, label)
		}
	case secret, media == "text/html", strings.HasSuffix(media, "+xml"), media == "text/xml", media == "application/xml", strings.HasPrefix(media, "multipart/x-mixed"):
		// Read as something else than HTML, or not to be read here: the browser
		// itself has to hold what may not load.
		h.Add("Content-Security-Policy", a.policy())
	}
	a.ResponseWriter.WriteHeader(a.status)
	if begun := a.begun; len(begun) > 0 {
		a.begun = nil
		_, _ = a.write(begun)
	}
}

func (a *answer) policy() string {
	if a.decision.Policy != nil {
		return a.decision.Policy()
	}
	return "default-src 'self' 'unsafe-inline' data: blob:"
}

// refusePart answers that there are no parts. Of a page, nobody needs any.
func (a *answer) refusePart(h http.Header) {
	for _, name := range []string{"Content-Range", "Content-Length", "Content-Encoding", "Content-Type", "ETag"} {
		h.Del(name)
	}
	h.Set("Accept-Ranges", "none")
	a.status, a.begun, a.body = http.StatusRequestedRangeNotSatisfiable, nil, io.Discard
}

// rewrite puts the chain together that a page goes through: decoded, read as
// UTF-8, judged, and encoded again.
func (a *answer) rewrite(h http.Header, coded *coding, label string) {
	var out io.Writer = a.ResponseWriter
	if coded != nil {
		a.pooled, a.encoder = coded, coded.encoder(out)
		out = a.encoder
		a.flush = append(a.flush, a.encoder.Flush)
		a.chain = append(a.chain, a.encoder)
	}
	var e *embed
	if shown := a.request.Header.Get("Sec-Fetch-Dest"); a.status < 500 && (shown == "" || shown == "document") {
		e = newEmbed(a.decision.Script, nonceOf(h))
	}
	w := newWriter(out, a.page, e)
	read := newCharset(label, w)
	a.flush = append(a.flush, w.Flush)
	a.chain = append(a.chain, w, read)
	a.body = read
	if coded != nil {
		d := newDecoder(coded, read)
		a.chain = append(a.chain, d)
		a.body = d
	}
	slices.Reverse(a.chain) // what comes first ends first
	slices.Reverse(a.flush)
}

// nonceOf is the nonce that the page's own policy asks of scripts.
func nonceOf(h http.Header) string {
	for _, policy := range h.Values("Content-Security-Policy") {
		for directive := range strings.SplitSeq(policy, ";") {
			words := strings.Fields(directive)
			if len(words) < 2 || !slices.Contains([]string{"script-src", "script-src-elem", "default-src"}, strings.ToLower(words[0])) {
				continue
			}
			for _, word := range words[1:] {
				if nonce, ok := strings.CutPrefix(word, "'nonce-"); ok {
					return strings.TrimSuffix(nonce, "'")
				}
			}
		}
	}
	return ""
}

// Flush implements http.Flusher.
func (a *answer) Flush() { _ = a.FlushError() }

// FlushError sends what is settled so far.
func (a *answer) FlushError() error {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if !a.settled && len(a.begun) == 0 && needsSniffing(a.Header()) {
		return nil // nothing to tell the type by
	}
	if !a.settled {
		a.settle()
	}
	for _, flush := range a.flush {
		if err := flush(); err != nil && a.failed == nil {
			a.failed = err
		}
	}
	if a.failed != nil {
		return a.failed
	}
	return http.NewResponseController(a.ResponseWriter).Flush()
}

// finish ends the answer as the handler left it.
func (a *answer) finish() error {
	if a.status != 0 && !a.settled {
		a.settle()
	}
	chain := a.chain
	a.chain = nil
	for _, part := range chain {
		if err := part.Close(); err != nil && a.failed == nil {
			a.failed = err
		}
	}
	if a.failed == nil && a.encoder != nil {
		a.pooled.pool.Put(a.encoder)
	}
	return a.failed
}

// abort stops what finish has not ended: the handler panicked.
func (a *answer) abort() {
	for _, part := range a.chain {
		switch part := part.(type) {
		case *Writer:
			part.broken = true
			part.in.stop()
		case *decoder:
			part.in.stop()
		}
	}
}
