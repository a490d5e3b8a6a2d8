package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/admin"
	"github.com/volenti-consent/volenti/server/transparency"
	"github.com/volenti-consent/volenti/web"
)

// bare is a server without sites: routes and middleware are all there.
func bare(t *testing.T, ready func(context.Context) error) *Server {
	t.Helper()
	pages, err := web.New()
	if err != nil {
		t.Fatal(err)
	}
	return New(Deps{Log: slog.New(slog.DiscardHandler), Now: time.Now, Pages: pages, Ready: ready, Console: &admin.Console{},
		Transparency: transparency.New(transparency.Options{Witness: &transparency.Cosigner{}}), PublicLog: true})
}

func fine(context.Context) error { return nil }

// Whatever answers GET answers HEAD.
func TestHeadIsRoutedWhereGetIs(t *testing.T) {
	routes := map[string]bool{}
	for _, r := range bare(t, fine).echo.Routes() {
		routes[r.Method+" "+r.Path] = true
	}
	for route := range routes {
		if path, ok := strings.CutPrefix(route, "GET "); ok && !routes["HEAD "+path] {
			t.Errorf("GET %s has no HEAD", path)
		}
	}
}

// HEAD says what GET would: status and header, problems too.
func TestHeadSaysWhatGetWould(t *testing.T) {
	server := httptest.NewServer(bare(t, func(context.Context) error { return context.DeadlineExceeded }))
	defer server.Close()
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 503, "/openapi.json": 200, "/.well-known/gpc.json": 200, "/nothing": 404} {
		for _, accept := range []string{"*/*", "text/html"} {
			var headers [2]http.Header
			for i, method := range []string{http.MethodGet, http.MethodHead} {
				req, err := http.NewRequest(method, server.URL+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Accept", accept)
				resp, err := server.Client().Do(req)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(resp.Body)
				if err != nil {
					t.Fatal(err)
				}
				_ = resp.Body.Close()
				if resp.StatusCode != want || (method == http.MethodHead) != (len(body) == 0) {
					t.Errorf("%s %s: %d with %d bytes, want %d", method, path, resp.StatusCode, len(body), want)
				}
				resp.Header.Del("Date")
				resp.Header.Del("Content-Length") // HEAD may leave it out
				headers[i] = resp.Header
			}
			if a, b := headers[0], headers[1]; !slices.Equal(lines(a), lines(b)) {
				t.Errorf("%s: HEAD answers %v, GET %v", path, b, a)
			}
		}
	}
}

func lines(h http.Header) (all []string) {
	for name, values := range h {
		all = append(all, name+": "+strings.Join(values, " | "))
	}
	slices.Sort(all)
	return all
}

// net/http cancels a request's context when the client closes its sending half.
// Who does so still waits for the answer.
func TestAClientThatHasFinishedSendingIsAnswered(t *testing.T) {
	entered := make(chan struct{})
	cancelled := make(chan error, 1)
	s := bare(t, func(ctx context.Context) error {
		close(entered)
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond): // net/http sees the end of the stream long before
		}
		cancelled <- ctx.Err()
		return ctx.Err()
	})
	server := httptest.NewServer(s)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-entered
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	if err := <-cancelled; err != nil {
		t.Errorf("the handler was told to give up: %v", err)
	}
	if !strings.HasPrefix(string(answer), "HTTP/1.1 200 ") {
		t.Errorf("answered %q", answer)
	}
}

// A handler that waits for ever is ended, and the client told.
func TestAHandlerHasALimit(t *testing.T) {
	var left time.Duration
	s := bare(t, func(ctx context.Context) error {
		end, ok := ctx.Deadline()
		if !ok {
			t.Error("there is no limit")
		}
		left = time.Until(end)
		return context.DeadlineExceeded
	})
	got := ask(t, s, http.MethodGet, "/readyz", nil)
	if left <= 0 || left > answerWithin {
		t.Errorf("the limit is %s away, want at most %s", left, answerWithin)
	}
	if got.Code != http.StatusServiceUnavailable || got.Header().Get("Retry-After") == "" || got.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %v", got.Code, got.Header())
	}
}

// A panic and an error that nobody foresaw are a 500 without detail, and the server goes on.
func TestAPanicIsAnswered(t *testing.T) {
	s := bare(t, fine)
	s.echo.GET("/panics", func(echo.Context) error { panic("with a secret") })
	s.echo.GET("/fails", func(echo.Context) error { return errors.New("with a secret") })
	for _, path := range []string{"/panics", "/fails"} {
		got := ask(t, s, http.MethodGet, path, nil)
		if got.Code != http.StatusInternalServerError || strings.Contains(got.Body.String(), "secret") {
			t.Errorf("%s: %d %s", path, got.Code, got.Body)
		}
	}
	if again := ask(t, s, http.MethodGet, "/healthz", nil); again.Code != http.StatusOK {
		t.Errorf("after a panic: %d", again.Code)
	}
}

func ask(t *testing.T, s *Server, method, path string, header http.Header) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for name, values := range header {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}
