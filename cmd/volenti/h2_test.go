package main

import (
	"bytes"
	"crypto/tls"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// Requests that are opened and cancelled by the thousand (CVE-2023-44487), headers that
// never end (CVE-2023-45288), and windows of nothing cost a server little, and keep
// nobody else out.
func TestResetStreams(t *testing.T) {
	dir, trusting := certified(t)
	p := startAs(t, "serve", "https", trusting, publish(t), "--public-url", "https://shop.example",
		"--tls-cert", filepath.Join(dir, "cert"), "--tls-key", filepath.Join(dir, "key"))
	address := strings.TrimPrefix(p.base, "https://")
	config := trusting.Transport.(*http.Transport).TLSClientConfig.Clone()
	config.NextProtos = []string{"h2"}
	before := p.resident()
	// dial begins a connection, and answers what a server asks of it until it ends.
	dial := func() (*http2.Framer, *sync.Mutex) {
		conn, err := tls.Dial("tcp", address, config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if conn.ConnectionState().NegotiatedProtocol != "h2" {
			t.Fatal("HTTP/2 is not spoken")
		}
		if _, err := conn.Write([]byte(http2.ClientPreface)); err != nil {
			t.Fatal(err)
		}
		f, mu := http2.NewFramer(conn, conn), &sync.Mutex{}
		if err := f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}); err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				frame, err := f.ReadFrame()
				if err != nil {
					return
				}
				mu.Lock()
				switch frame := frame.(type) {
				case *http2.SettingsFrame:
					if !frame.IsAck() {
						_ = f.WriteSettingsAck()
					}
				case *http2.PingFrame:
					_ = f.WritePing(true, frame.Data)
				}
				mu.Unlock()
			}
		}()
		return f, mu
	}
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	headers := func(more ...hpack.HeaderField) []byte {
		block.Reset()
		for _, field := range append([]hpack.HeaderField{{Name: ":method", Value: "GET"}, {Name: ":scheme", Value: "https"}, {Name: ":authority", Value: "shop.example"}, {Name: ":path", Value: "/b/shop.js"}}, more...) {
			_ = encoder.WriteField(hpack.HeaderField{Name: field.Name, Value: field.Value, Sensitive: true}) // each block by itself
		}
		return bytes.Clone(block.Bytes())
	}
	request := headers()
	for range 4 {
		f, mu := dial()
		for n := range uint32(1000) {
			mu.Lock()
			err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: 2*n + 1, BlockFragment: request, EndStream: true, EndHeaders: true})
			if err == nil {
				err = f.WriteRSTStream(2*n+1, http2.ErrCodeCancel)
			}
			mu.Unlock()
			if err != nil { // the server has had enough of this connection
				break
			}
		}
		// Headers that go on and on.
		f, mu = dial()
		mu.Lock()
		err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: request})
		filler := headers(hpack.HeaderField{Name: "x-filler", Value: strings.Repeat("x", 8<<10)})
		for n := 0; err == nil && n < 4000; n++ {
			err = f.WriteContinuation(1, false, filler)
		}
		mu.Unlock()
		if err == nil {
			t.Error("32 MB of headers are read")
		}
		// Answers that nobody takes.
		f, mu = dial()
		for n := range uint32(200) {
			mu.Lock()
			err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: 2*n + 1, BlockFragment: request, EndStream: true, EndHeaders: true})
			mu.Unlock()
			if err != nil {
				break
			}
		}
	}
	for range 20 {
		resp, err := trusting.Get(p.base + "/b/shop.js")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK || resp.ProtoMajor != 2 {
			t.Fatalf("somebody else is answered %d by HTTP/%d", resp.StatusCode, resp.ProtoMajor)
		}
	}
	if grown := p.resident() - before; grown > 64<<20 {
		t.Errorf("%d MiB more are resident", grown>>20)
	}
}
