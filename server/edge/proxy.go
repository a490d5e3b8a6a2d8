package edge

import (
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"
)

// ProxyOptions say how a site is reached and told who asks.
type ProxyOptions struct {
	Upstream *url.URL
	// Trusted reports whether a request came by way of a proxy whose word counts:
	// then what it forwards goes on, and else it does not.
	Trusted func(*http.Request) bool
	// Unreachable answers instead of a site that does not: 502, or 504 where it
	// takes too long. Nothing of the answer was sent yet.
	Unreachable func(w http.ResponseWriter, r *http.Request, status int)
	// Patience is how long a site may take until its header is there.
	Patience time.Duration
	Log      *slog.Logger
}

// NewProxy makes a reverse proxy for one site. The site gets the host that the
// browser asked for, X-Forwarded-For, -Host and -Proto, and all else as it came;
// uploads, streams and WebSockets pass as they go.
func NewProxy(o ProxyOptions) http.Handler {
	transport := &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          512,
		MaxIdleConnsPerHost:   512, // they are all the same host's
		IdleConnTimeout:       60 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: o.Patience,
		DisableCompression:    true, // what the browser takes is asked for
	}
	proxy := &httputil.ReverseProxy{
		Transport:     transport,
		FlushInterval: -1, // as the site does
		ErrorLog:      log.New(io.Discard, "", 0),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(o.Upstream)
			r.Out.Host = r.In.Host
			trusted := o.Trusted != nil && o.Trusted(r.In)
			if trusted {
				r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
			}
			r.SetXForwarded()
			if trusted {
				for _, name := range []string{"X-Forwarded-Proto", "X-Forwarded-Host"} {
					if v := r.In.Header[name]; len(v) > 0 {
						r.Out.Header[name] = v
					}
				}
			}
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if errors.Is(err, context.Canceled) || r.Context().Err() != nil {
				panic(http.ErrAbortHandler) // nobody is there any more
			}
			status := http.StatusBadGateway
			if wait, ok := errors.AsType[net.Error](err); ok && wait.Timeout() {
				status = http.StatusGatewayTimeout
			}
			if o.Log != nil {
				o.Log.ErrorContext(r.Context(), "the site does not answer", "upstream", o.Upstream.Redacted(), "status", status, "error", err)
			}
			o.Unreachable(w, r, status)
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A server of short answers has deadlines that an upload, a stream or a
		// socket would run into. Where there are none, this fails and is not needed.
		deadlines := http.NewResponseController(w)
		_ = deadlines.SetReadDeadline(time.Time{})
		_ = deadlines.SetWriteDeadline(time.Time{})
		proxy.ServeHTTP(w, r)
	})
}
