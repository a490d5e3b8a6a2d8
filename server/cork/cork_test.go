package cork_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/cork"
)

// serve answers on a real port with handler.
func serve(t *testing.T, handler http.HandlerFunc) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: handler, ConnContext: cork.Context}
	done := make(chan error, 1)
	go func() { done <- s.Serve(cork.Listener(l)) }()
	t.Cleanup(func() { _ = s.Close(); <-done })
	return l.Addr().String()
}

// letters are so many bytes that are seen to be in their order.
func letters(size int) []byte {
	p := make([]byte, size)
	for i := range p {
		p[i] = byte('a' + (i+i>>8+size)%26)
	}
	return p
}

// The answer to a request is what it asks for: a size, and how it is written.
func handler(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		size, _ := strconv.Atoi(r.URL.Query().Get("size"))
		p := letters(size)
		w.Header().Set("Content-Type", "text/plain")
		switch r.URL.Path {
		case "/plain":
			_, _ = w.Write(p)
			return
		case "/unsized": // against the contract, and still whole
		case "/bighead":
			w.Header().Set("X-Filling", strings.Repeat("x", 5000))
			w.Header().Set("Content-Length", strconv.Itoa(size))
		case "/wrapped":
			w.Header().Set("Content-Length", strconv.Itoa(size))
			w = struct{ http.ResponseWriter }{w}
		case "/absent":
			w.WriteHeader(http.StatusNotModified)
			return
		default:
			w.Header().Set("Content-Length", strconv.Itoa(size))
		}
		if r.URL.Query().Has("status") {
			w.WriteHeader(http.StatusOK)
		}
		cut, _ := strconv.Atoi(r.URL.Query().Get("cut"))
		cut = min(cut, size)
		if n, err := cork.Write(w, r, p[:cut], p[cut:]); err != nil || n != len(p) {
			t.Errorf("%s: %d of %d written: %v", r.URL, n, len(p), err)
		}
	}
}

// Whatever is asked in whatever order over one connection, also before earlier answers
// were read, every answer comes whole and in its turn.
func TestAnswersComeWhole(t *testing.T) {
	address := serve(t, handler(t))
	random := rand.New(rand.NewPCG(1, 9))
	for range 30 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		var asked []*http.Request
		var lines bytes.Buffer
		for range 20 {
			method := []string{http.MethodGet, http.MethodGet, http.MethodGet, http.MethodHead}[random.IntN(4)]
			path := []string{"/", "/", "/plain", "/unsized", "/bighead", "/wrapped", "/absent"}[random.IntN(7)]
			size := []int{0, 1, 300, 3000, 4096, 8000, 70000, 900000}[random.IntN(8)]
			address := fmt.Sprintf("%s?size=%d", path, size)
			if random.IntN(2) == 0 {
				address += "&status"
			}
			address += fmt.Sprintf("&cut=%d", []int{0, 1, 5000, 1 << 20}[random.IntN(4)])
			asked = append(asked, httptest.NewRequest(method, address, nil))
			fmt.Fprintf(&lines, "%s %s HTTP/1.1\r\nHost: x\r\n\r\n", method, address)
		}
		go func() { _, _ = c.Write(lines.Bytes()) }()
		in := bufio.NewReader(c)
		for _, r := range asked {
			resp, err := http.ReadResponse(in, r)
			if err != nil {
				t.Fatalf("%s %s: %v", r.Method, r.URL, err)
			}
			body, err := io.ReadAll(resp.Body)
			size, _ := strconv.Atoi(r.URL.Query().Get("size"))
			if r.Method == http.MethodHead || r.URL.Path == "/absent" {
				size = 0
			}
			if err != nil || len(body) != size || !bytes.Equal(body, letters(size)) {
				t.Fatalf("%s %s: %d bytes, %v", r.Method, r.URL, len(body), err)
			}
		}
		_ = c.Close()
	}
}

func TestOldClientsAreAnswered(t *testing.T) {
	address := serve(t, handler(t))
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET /?size=8000 HTTP/1.0\r\n\r\n")
	all, err := io.ReadAll(c)
	if err != nil || !bytes.HasSuffix(all, append([]byte("\r\n\r\n"), letters(8000)...)) {
		t.Errorf("%d bytes, %v: %.200s", len(all), err, all)
	}
}

// Nothing of an answer waits for the handler's end.
func TestNothingStaysBehind(t *testing.T) {
	read := make(chan struct{})
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		handler(t)(w, r)
		<-read
	})
	for _, size := range []int{0, 100, 8000} {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "GET /?size=%d HTTP/1.1\r\nHost: x\r\n\r\n", size)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); err != nil || len(body) != size {
			t.Errorf("%d of %d bytes, %v", len(body), size, err)
		}
		read <- struct{}{}
		_ = c.Close()
	}
}

// A client that goes away in the middle is an error, and the connection is not used on.
func TestClientsThatGoAway(t *testing.T) {
	failed := make(chan error, 1)
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		p := make([]byte, 64<<20)
		w.Header().Set("Content-Length", strconv.Itoa(len(p)))
		n, err := cork.Write(w, r, p[:32<<20], p[32<<20:])
		if err == nil || n >= len(p) {
			t.Errorf("%d bytes written to nobody, %v", n, err)
		}
		failed <- err
	})
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := io.CopyN(io.Discard, c, 1000); err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	<-failed
	if len(failed) > 0 {
		t.Error("the request behind it was answered, too")
	}
}

// A connection that is taken over, as by a WebSocket, is a plain one.
func TestTakenOver(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		_, _ = c.Write([]byte("one "))
		_, _ = io.Copy(c, strings.NewReader("two "))
		_, _ = c.Write([]byte("three"))
	})
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if all, err := io.ReadAll(c); err != nil || string(all) != "one two three" {
		t.Errorf("%q, %v", all, err)
	}
}

func TestWritersOfOthers(t *testing.T) {
	rec := httptest.NewRecorder()
	if n, err := cork.Write(rec, httptest.NewRequest(http.MethodGet, "/", nil), []byte("all "), []byte("of it")); n != 9 || err != nil || rec.Body.String() != "all of it" {
		t.Errorf("%d, %v, %q", n, err, rec.Body)
	}
}
