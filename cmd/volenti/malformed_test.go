package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A raw request is what goes over the line, in pieces that can be spoiled.
type rawRequest struct {
	method, target, protocol string
	header                   [][2]string
	body                     []byte
	end                      string // of a line
}

func (r *rawRequest) set(name, value string) {
	r.header = slices.DeleteFunc(r.header, func(h [2]string) bool { return strings.EqualFold(h[0], name) })
	r.add(name, value)
}

func (r *rawRequest) add(name, value string) { r.header = append(r.header, [2]string{name, value}) }

func (r *rawRequest) bytes() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s %s%s", r.method, r.target, r.protocol, r.end)
	framed := false
	for _, h := range r.header {
		fmt.Fprintf(&b, "%s: %s%s", h[0], h[1], r.end)
		framed = framed || strings.EqualFold(h[0], "Content-Length") || strings.EqualFold(h[0], "Transfer-Encoding")
	}
	if len(r.body) > 0 && !framed {
		fmt.Fprintf(&b, "Content-Length: %d%s", len(r.body), r.end)
	}
	b.WriteString(r.end)
	b.Write(r.body)
	return b.Bytes()
}

// strangeTexts stand where something else is expected.
var strangeTexts = []string{"", " ", "\x00", "%00", "%", "%zz", "%ff%fe", "..", "../../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "....//", "\\..\\", "'", "\"", "`", "<svg/onload=x>",
	"${7*7}", "{{7*7}}", "1' OR '1'='1", "; DROP TABLE records;--", "$(id)", "-1", "0", "9007199254740993", "1e400", "NaN", "null", "true", "[]", "{}", "__proto__", "constructor",
	"2026-13-45T99:99:99Z", "9999-12-31T23:59:59Z", "-292277022399-01-01", "\u202e", "\ufeff", "İıſK", "👩‍👩‍👧‍👦", "\xff\xfe\x80", "xn--80ak6aa92e.com", "CON", ".", "~", "#", "?", "&&&", "a=b&a=c",
	"999999999999999999999..1", "1..", "..1", "1..1..1", "javascript:x", "//evil.example", "http://[::1", "*", ",", ";", "=", "\t", "\r", "\n", "\v", strings.Repeat("1", 400), strings.Repeat("A", 5000), strings.Repeat("%41", 2000), strings.Repeat("../", 300)}

// spoilers each make something else of a request that is wrong.
var spoilers = []struct {
	name  string
	spoil func(*rand.Rand, *rawRequest) []byte
}{
	{"method", func(n *rand.Rand, r *rawRequest) []byte {
		r.method = any1(n, "", "get", "GETT", "TRACE", "TRACK", "CONNECT", "PROPFIND", "OPTIONS", "HEAD", "PUT", "DELETE", "PATCH", "PRI", "G\x00ET", "GET\t", "\x80", "GET,POST", strings.Repeat("A", 9000))
		return r.bytes()
	}},
	{"protocol", func(n *rand.Rand, r *rawRequest) []byte {
		r.protocol = any1(n, "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/3", "HTTP/1.2", "HTTP/1", "http/1.1", "HTTP/1.1 ", "HTTP/01.1", "FTP/1.1", "", "HTTP/99999999999999999999.1")
		return r.bytes()
	}},
	{"absolute target", func(n *rand.Rand, r *rawRequest) []byte {
		r.target = any1(n, "http://evil.example"+r.target, "//evil.example/", "*", "evil.example:443", "http://", "http://[::1", "\\\\evil\\x", "https://u:p@evil.example/", strings.Repeat("/", 5000), "/./"+r.target, r.target+"/..;/admin", "?", "")
		return r.bytes()
	}},
	{"traversal", func(n *rand.Rand, r *rawRequest) []byte {
		at := strings.LastIndexByte(r.target, '/') + 1
		r.target = r.target[:at] + strings.Repeat(any1(n, "../", "..%2f", "..%5c", "%2e%2e/", "..%c0%af", "....//", "..;/", "%252e%252e%252f"), 1+n.IntN(12)) + any1(n, "etc/passwd", "data/volenti.db", "keys/console.json", ".env")
		return r.bytes()
	}},
	{"target with more", func(n *rand.Rand, r *rawRequest) []byte { r.target += strange(n); return r.bytes() }},
	{"query", func(n *rand.Rand, r *rawRequest) []byte {
		r.target += "?" + any1(n, "lang", "region", "at", "used", "form", "to", "next", "site", "why", "page", "from", "q", "kind", "since", "x[]", "%00") + "=" + strange(n)
		return r.bytes()
	}},
	{"long query", func(n *rand.Rand, r *rawRequest) []byte {
		r.target += "?" + strings.Repeat(any1(n, "a=1&", "lang=en&", "%41", ";"), n.IntN(6000))
		return r.bytes()
	}},
	{"part of the path", func(n *rand.Rand, r *rawRequest) []byte {
		parts := strings.Split(r.target, "/")
		parts[n.IntN(len(parts))] = strange(n)
		r.target = strings.Join(parts, "/")
		return r.bytes()
	}},
	{"bytes of the path", func(n *rand.Rand, r *rawRequest) []byte {
		b := []byte(r.target)
		for range 1 + n.IntN(4) {
			b[n.IntN(len(b))] = byte(n.IntN(256))
		}
		r.target = string(b)
		return r.bytes()
	}},
	{"name of a header", func(n *rand.Rand, r *rawRequest) []byte {
		r.add(any1(n, "", " ", "X Y", "X:Y", "X\x00", "\x80", ":authority", "X\tY", "Content-Length ", " Host", "Transfer-Encoding\v", strings.Repeat("a", 20_000)), "v")
		return r.bytes()
	}},
	{"value of a header", func(n *rand.Rand, r *rawRequest) []byte {
		r.set(any1(n, "Origin", "Referer", "User-Agent", "Accept-Language", "If-None-Match", "If-Modified-Since", "Accept", "Accept-Encoding", "Accept-Datetime", "Content-Type", "Range", "Authorization", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
			"Forwarded", "X-Real-IP", "CF-IPCountry", "CF-Connecting-IP", "Sec-GPC", "DNT", "Sec-Fetch-Site", "X-HTTP-Method-Override", "X-Original-URL", "Expect", "TE", "Trailer", "Via", "Cookie"),
			any1(n, strange(n), "\x00", "\xff\xfe\x80", ", , ,", "bytes=0-"+strings.Repeat("9", 40), "bytes="+strings.Repeat("0-1,", 1000), `"`+strings.Repeat(`\"`, 500), ";q=2;q=NaN", "en;q="+strings.Repeat("9", 300), `W/"a", *`, "999.999.999.999", "::1%eth0", "null", strings.Repeat("a", 40_000)))
		return r.bytes()
	}},
	{"many headers", func(n *rand.Rand, r *rawRequest) []byte {
		for i := range n.IntN(3000) {
			r.add("X-"+strconv.Itoa(i), "v")
		}
		return r.bytes()
	}},
	{"folded header", func(n *rand.Rand, r *rawRequest) []byte {
		r.add("X-Folded", "a"+any1(n, "\r\n b", "\n b", "\r b", "\r\n\t", "\r\n"))
		return r.bytes()
	}},
	{"host", func(n *rand.Rand, r *rawRequest) []byte {
		r.set("Host", any1(n, "", strange(n), "a b", "[::1", "x:99999", "x@y", "localhost:-1", strings.Repeat("h", 9000)))
		if n.IntN(3) == 0 {
			r.add("Host", "other")
		}
		return r.bytes()
	}},
	{"no host", func(_ *rand.Rand, r *rawRequest) []byte {
		r.header = slices.DeleteFunc(r.header, func(h [2]string) bool { return h[0] == "Host" })
		return r.bytes()
	}},
	{"cookie", func(n *rand.Rand, r *rawRequest) []byte {
		r.set("Cookie", any1(n, "volenti="+strange(n), "volenti", "=", ";;;;", "volenti=\""+strange(n), strings.Repeat("volenti=MXxzaG9w; ", 150), "__Host-console="+strange(n), strings.Repeat("a=b; ", 3000), "volenti="+strings.Repeat("A", 60_000)))
		return r.bytes()
	}},
	{"length", func(n *rand.Rand, r *rawRequest) []byte {
		r.set("Content-Length", any1(n, "-1", "+1", "0x10", "1e3", "99999999999999999999", "5, 5", "5;", "", "0", " ", "10", "9223372036854775807", "NaN"))
		return r.bytes()
	}},
	{"two lengths", func(n *rand.Rand, r *rawRequest) []byte {
		r.add("Content-Length", "5")
		r.add("Content-Length", any1(n, "6", "5", "0"))
		return r.bytes()
	}},
	{"chunks", func(n *rand.Rand, r *rawRequest) []byte {
		r.set("Transfer-Encoding", "chunked")
		r.body = []byte(any1(n, "zz\r\nabc\r\n0\r\n\r\n", "-1\r\n", "FFFFFFFFFFFFFFFFF\r\n", "5\r\nab", "5;"+strings.Repeat("x", 5000)+"\r\nabcde\r\n0\r\n\r\n", "0\r\nX: y\r\n\r\n", "5\nabcde\n0\n\n", "0x5\r\nabcde\r\n0\r\n\r\n", strings.Repeat("1\r\na\r\n", 2000)+"0\r\n\r\n"))
		return r.bytes()
	}},
	{"encodings of transfer", func(n *rand.Rand, r *rawRequest) []byte {
		r.set("Transfer-Encoding", any1(n, "gzip", "gzip, chunked", "chunked, chunked", "identity", "xchunked", " chunked", "chunked\x00", "Chunked;q=1"))
		if n.IntN(2) == 0 {
			r.add("Content-Length", "3")
		}
		return r.bytes()
	}},
	{"two at once", func(n *rand.Rand, r *rawRequest) []byte { b := r.bytes(); return append(b, b[:n.IntN(len(b)+1)]...) }},
	{"JSON", func(n *rand.Rand, r *rawRequest) []byte {
		r.posted("application/json")
		text := string(r.body)
		switch n.IntN(12) {
		case 0:
			text = text[:n.IntN(len(text)+1)]
		case 1:
			text += text
		case 2:
			text = strings.Replace(text, "{", `{"__proto__":{"x":true},`, 1)
		case 3:
			text = strings.Replace(text, "{", `{"id":1,"id":2,`, 1)
		case 4:
			text = strings.Repeat("[", 1+n.IntN(20_000)) + text
		case 5:
			text = strings.Repeat(`{"a":`, 1+n.IntN(5000)) + "1"
		case 6:
			text = strings.ReplaceAll(text, `"`, `'`)
		case 7:
			text = strings.Replace(text, `"`, `"\ud800`, 1)
		case 8:
			text = "[" + strings.Repeat("1,", n.IntN(50_000)) + "1]"
		default: // a value that is something else
			values := regexp.MustCompile(`:("[^"]*"|[0-9]+|true|false|\{\})`).FindAllStringIndex(text, -1)
			if len(values) > 0 {
				at := values[n.IntN(len(values))]
				text = text[:at[0]+1] + any1(n, "null", "-1", "1e308", "1.5", `""`, `"x"`, "[]", "[null]", `{"a":{}}`, "true", strconv.Quote(strange(n))) + text[at[1]:]
			}
		}
		r.body = []byte(text)
		return r.bytes()
	}},
	{"form", func(n *rand.Rand, r *rawRequest) []byte {
		r.posted("application/x-www-form-urlencoded")
		r.body = []byte(any1(n, "a=%zz", "=&=&=", strings.Repeat("a=1&", n.IntN(4000)), "choice="+strange(n), "receipt="+strange(n), "token="+strange(n)+"&analytics=on", "kind="+strange(n)+"&mail="+strange(n), "email="+strange(n)+"&password="+strange(n), "%00=%00", "\xff\xfe"))
		return r.bytes()
	}},
	{"parts", func(n *rand.Rand, r *rawRequest) []byte {
		r.posted(any1(n, "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=b", "multipart/form-data; boundary="+strings.Repeat("b", 500)))
		r.body = []byte(any1(n, "--b\r\n", "--b--", "--b\r\nContent-Disposition: form-data; name=\"receipt\"; filename=\"../x\"\r\n\r\nx\r\n--b--\r\n", strings.Repeat("--b\r\n\r\n", 2000)))
		return r.bytes()
	}},
	{"bytes of the body", func(n *rand.Rand, r *rawRequest) []byte {
		r.posted("")
		for range 1 + n.IntN(8) {
			r.body[n.IntN(len(r.body))] = byte(n.IntN(256))
		}
		return r.bytes()
	}},
	{"media type", func(n *rand.Rand, r *rawRequest) []byte {
		r.posted(any1(n, "", "text/plain", "application/json; charset=utf-7", "application/json; charset="+strings.Repeat("x", 3000), "application/xml", "application/json\x00", "application/json, text/html", "APPLICATION/JSON", "/", ";"))
		return r.bytes()
	}},
	{"compressed", func(n *rand.Rand, r *rawRequest) []byte {
		r.posted("")
		r.set("Content-Encoding", any1(n, "gzip", "br", "deflate", "zstd", "gzip, gzip", "identity", "xxx"))
		return r.bytes()
	}},
	{"XML", func(_ *rand.Rand, r *rawRequest) []byte {
		r.posted("application/xml")
		r.body = []byte(`<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;"><!ENTITY x SYSTEM "file:///etc/passwd">]><l>&b;&x;</l>`)
		return r.bytes()
	}},
	{"large body", func(n *rand.Rand, r *rawRequest) []byte {
		r.posted("")
		r.body = bytes.Repeat([]byte("x"), n.IntN(200_000))
		return r.bytes()
	}},
	{"expectation", func(n *rand.Rand, r *rawRequest) []byte {
		r.set("Expect", any1(n, "100-continue", "100-Continue", "200-ok", "100-continue, x"))
		return r.bytes()
	}},
	{"upgrade", func(n *rand.Rand, r *rawRequest) []byte {
		r.set("Connection", any1(n, "Upgrade", "Upgrade, HTTP2-Settings", "keep-alive, Content-Length"))
		r.set("Upgrade", any1(n, "websocket", "h2c", "TLS/1.0", strings.Repeat("x", 3000)))
		return r.bytes()
	}},
	{"range", func(n *rand.Rand, r *rawRequest) []byte {
		r.set("Range", any1(n, "bytes=0-0", "bytes=-1", "bytes=5-1", "bytes=0-,0-,0-", "items=0-1", "bytes=9999999999-"))
		return r.bytes()
	}},
	{"line ends", func(n *rand.Rand, r *rawRequest) []byte {
		r.end = any1(n, "\n", "\r", "\n\r", "\r\r\n", "\x00")
		return r.bytes()
	}},
	{"injected line", func(n *rand.Rand, r *rawRequest) []byte {
		r.target += any1(n, "%0d%0aX-Inj:1", "\rX-Inj:1", "\nX-Inj:1", "%E5%98%8A%E5%98%8DX-Inj:1", "?x=%0d%0a%0d%0a<x>")
		return r.bytes()
	}},
	{"HTTP/2 preface", func(n *rand.Rand, _ *rawRequest) []byte {
		return append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), noise(n, 64)...)
	}},
	{"TLS", func(n *rand.Rand, _ *rawRequest) []byte {
		return append([]byte{0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3}, noise(n, 64)...)
	}},
	{"noise", func(n *rand.Rand, _ *rawRequest) []byte { return noise(n, 1+n.IntN(2000)) }},
	{"cut short", func(n *rand.Rand, r *rawRequest) []byte { b := r.bytes(); return b[:n.IntN(len(b))] }},
	{"bits", func(n *rand.Rand, r *rawRequest) []byte {
		b := r.bytes()
		for range 1 + n.IntN(6) {
			b[n.IntN(len(b))] ^= 1 << n.IntN(8)
		}
		return b
	}},
	{"a piece out", func(n *rand.Rand, r *rawRequest) []byte {
		b := r.bytes()
		i, j := n.IntN(len(b)), n.IntN(len(b))
		return append(b[:min(i, j):min(i, j)], b[max(i, j):]...)
	}},
}

// posted makes it a request with a body.
func (r *rawRequest) posted(media string) {
	if r.method == http.MethodGet {
		r.method = http.MethodPost
	}
	if media != "" {
		r.set("Content-Type", media)
	}
	if len(r.body) == 0 {
		r.body = []byte(`{"a":1,"b":[true,"x"]}`)
	}
}

func any1(n *rand.Rand, of ...string) string { return of[n.IntN(len(of))] }
func strange(n *rand.Rand) string            { return strangeTexts[n.IntN(len(strangeTexts))] }

func noise(n *rand.Rand, size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(n.IntN(256))
	}
	return b
}

// sendRaw sends bytes on a connection of their own, with nothing behind them, and reads
// the first answer; status 0 is none, where the connection was closed.
func (p *process) sendRaw(request []byte) (status int, answer []byte, err error) {
	conn, err := net.Dial("tcp", p.address())
	if err != nil {
		return 0, nil, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Minute)) // however busy the machine
	go func() {
		_, _ = conn.Write(request)
		_ = conn.(*net.TCPConn).CloseWrite()
	}()
	var got bytes.Buffer
	_, err = io.Copy(&got, io.LimitReader(conn, 1<<20))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return 0, got.Bytes(), err
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(got.Bytes())), nil)
	if err != nil { // none, or not one of HTTP: "HTTP/1.0 400 …" of a TLS hello is
		return 0, got.Bytes(), nil
	}
	_ = resp.Body.Close()
	return resp.StatusCode, got.Bytes(), nil
}
