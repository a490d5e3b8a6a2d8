package express

import (
	"bytes"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// An exchange is a request and its answer. It is used again by the next one, but for the
// text of the request's header: handlers may keep parts of that.
type exchange struct {
	request http.Request
	address url.URL
	values  []string // what request.Header's values are parts of
	sent    body     // of the request

	header http.Header // of the answer
	status int         // 0: none yet
	body   []byte
	out    []byte
	names  []string
}

var exchanges = sync.Pool{New: func() any {
	x := &exchange{header: http.Header{}}
	x.request = http.Request{Method: http.MethodGet, URL: &x.address, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}}
	return x
}}

// mostKept bounds what an exchange that waits for its next use holds of its last one's.
const mostKept = 64 << 10

func (x *exchange) clear() {
	clear(x.request.Header)
	clear(x.header)
	clear(x.values)
	x.values, x.status = x.values[:0], 0
	x.sent.Reset(nil)
	x.request.Body, x.request.ContentLength = nil, 0
	x.request.Host, x.request.RequestURI, x.request.RemoteAddr, x.address = "", "", "", url.URL{}
	x.body, x.out = x.body[:0], x.out[:0]
	if cap(x.body)+cap(x.out) > mostKept {
		x.body, x.out = nil, nil
	}
}

// mostFields is how many header fields a request may have here; a browser sends some fifteen.
const mostFields = 64

// A body is the request's, which has come in whole.
type body struct{ bytes.Reader }

// Close is there for http.Request.
func (*body) Close() error { return nil }

// parse makes the request of the bytes that p begins with, if all of it is there and
// nothing in it is out of the ordinary, and tells how many bytes it has; 0: it is not for
// us, and nothing was made. It takes less than net/http does, and nothing differently.
// The body stays where it is.
func (x *exchange) parse(p []byte, takes func(method string, path []byte) bool) int {
	method := http.MethodGet
	if bytes.HasPrefix(p, []byte("POST /")) {
		method = http.MethodPost
	} else if !bytes.HasPrefix(p, []byte("GET /")) {
		return 0
	}
	end := bytes.Index(p, []byte("\r\n\r\n"))
	if end < 0 {
		return 0
	}
	line, _, _ := bytes.Cut(p[:end], []byte("\r\n"))
	target, plain := bytes.CutSuffix(line[len(method)+1:], []byte(" HTTP/1.1"))
	path, _, _ := bytes.Cut(target, []byte("?"))
	if !plain || !only(path, inPath) || !only(target, inTarget) || !takes(method, path) {
		return 0
	}
	text := string(p[:end+len("\r\n")]) // the one thing that is allocated
	x.request.Method, x.request.RequestURI = method, text[len(method)+1:len(method)+1+len(target)]
	x.address.Path, x.address.RawQuery, _ = strings.Cut(x.request.RequestURI, "?")
	x.address.ForceQuery = len(path)+1 == len(target)
	end += len("\r\n\r\n")
	if !x.fields(text[len(line)+len("\r\n"):]) || !x.content(p[end:]) {
		x.clear()
		return 0
	}
	return end + int(x.request.ContentLength)
}

// content finds the body at the beginning of what follows the header.
func (x *exchange) content(behind []byte) bool {
	x.request.Body = http.NoBody
	lengths := x.request.Header["Content-Length"]
	if lengths == nil {
		return true
	}
	n, err := strconv.Atoi(lengths[0])
	if x.request.Method == http.MethodGet || len(lengths) > 1 || err != nil || n <= 0 || n > len(behind) || lengths[0] != strconv.Itoa(n) {
		return false
	}
	x.sent.Reset(behind[:n])
	x.request.Body, x.request.ContentLength = &x.sent, int64(n)
	return true
}

// fields reads header fields, each with its line end.
func (x *exchange) fields(text string) bool {
	for text != "" {
		var line string
		line, text, _ = strings.Cut(text, "\r\n")
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || len(x.values) == mostFields || !only(name, inName) || !only(value, inValue) {
			return false
		}
		name, value = textproto.CanonicalMIMEHeaderKey(name), strings.Trim(value, " \t")
		switch name {
		case "Host":
			if x.request.Host != "" || value == "" || !only(value, inHost) {
				return false
			}
			x.request.Host = value
			continue
		case "Connection":
			if !strings.EqualFold(value, "keep-alive") {
				return false
			}
		case "Transfer-Encoding", "Trailer", "Upgrade", "Expect", "Pragma", "Http2-Settings":
			return false // a body in pieces, another protocol, or what net/http makes something of
		}
		x.values = append(x.values, value)
		if others := x.request.Header[name]; others != nil {
			x.request.Header[name] = append(others, value)
		} else {
			x.request.Header[name] = x.values[len(x.values)-1 : len(x.values) : len(x.values)]
		}
	}
	return x.request.Host != ""
}

// Which bytes a part of a request may have.
const (
	inPath = 1 << iota
	inTarget
	inName
	inValue
	inHost
)

var kinds = func() (of [256]byte) {
	for b := byte('\t'); b < 0x7f; b++ {
		letter := b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'z'
		if letter || strings.IndexByte("-._~/", b) >= 0 {
			of[b] |= inPath
		}
		if letter || strings.IndexByte("-._~/?=&%+,;:@!$*()'", b) >= 0 {
			of[b] |= inTarget
		}
		if letter || strings.IndexByte("-_", b) >= 0 {
			of[b] |= inName
		}
		if letter || strings.IndexByte("-.:[]", b) >= 0 {
			of[b] |= inHost
		}
		if b == '\t' || b >= ' ' {
			of[b] |= inValue
		}
	}
	return of
}()

func only[T []byte | string](s T, kind byte) bool {
	for i := range len(s) {
		if kinds[s[i]]&kind == 0 {
			return false
		}
	}
	return true
}

// Header, WriteHeader and Write are a http.ResponseWriter's.
func (x *exchange) Header() http.Header { return x.header }

func (x *exchange) WriteHeader(status int) {
	if x.status == 0 && status >= http.StatusOK { // none of ours informs beforehand
		x.status = status
	}
}

func (x *exchange) Write(p []byte) (int, error) {
	x.WriteHeader(http.StatusOK)
	if !hasBody(x.status) {
		return 0, http.ErrBodyNotAllowed
	}
	x.body = append(x.body, p...)
	return len(p), nil
}

func hasBody(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// bytes is the answer as it is sent, and whether the connection ends with it.
func (x *exchange) bytes(now time.Time) (answer []byte, last bool) {
	x.WriteHeader(http.StatusOK)
	h := x.header
	b := append(x.out[:0], "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(x.status), 10)
	b = append(append(append(b, ' '), http.StatusText(x.status)...), "\r\n"...)
	x.names = x.names[:0]
	for name := range h {
		x.names = append(x.names, name)
	}
	slices.Sort(x.names)
	for _, name := range x.names {
		switch name {
		case "Content-Length", "Transfer-Encoding", "Connection", "Date":
			continue
		case "Content-Type":
			if x.status == http.StatusNotModified { // RFC 9110 § 15.4.5
				continue
			}
		}
		for _, value := range h[name] {
			b = append(append(b, name...), ": "...)
			b = append(appendValue(b, value), "\r\n"...)
		}
	}
	if _, set := h["Content-Type"]; !set && len(x.body) > 0 && h["Content-Encoding"] == nil {
		b = append(append(append(b, "Content-Type: "...), http.DetectContentType(x.body)...), "\r\n"...)
	}
	b = append(now.UTC().AppendFormat(append(b, "Date: "...), http.TimeFormat), "\r\n"...)
	if hasBody(x.status) {
		b = append(strconv.AppendInt(append(b, "Content-Length: "...), int64(len(x.body)), 10), "\r\n"...)
	}
	if last = h.Get("Connection") == "close"; last {
		b = append(b, "Connection: close\r\n"...)
	}
	x.out = append(append(b, "\r\n"...), x.body...)
	return x.out, last
}

// appendValue keeps a field on its line, as net/http does.
func appendValue(b []byte, value string) []byte {
	from := len(b)
	b = append(b, strings.Trim(value, " \t\r\n")...)
	for i, c := range b[from:] {
		if c == '\r' || c == '\n' {
			b[from+i] = ' '
		}
	}
	return b
}
