package geo

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func trusting(t testing.TB, texts ...string) Prefixes {
	t.Helper()
	p, err := ParsePrefixes(texts)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func headerOf(lines ...string) http.Header {
	h := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		h.Add(name, value)
	}
	return h
}

func TestClient(t *testing.T) {
	const proxy, visitor = "10.0.0.2", "198.51.100.7"
	tests := []struct {
		name    string
		trusted string // space-separated
		read    string
		peer    string
		header  []string
		want    string
	}{
		{"nothing configured: no header is read", "", "", proxy, []string{"X-Forwarded-For: 6.6.6.6", "Forwarded: for=6.6.6.6", "CF-Connecting-IP: 6.6.6.6", "X-Real-IP: 6.6.6.6"}, proxy},
		{"a header but no trusted proxy", "", "x-forwarded-for", proxy, []string{"X-Forwarded-For: 6.6.6.6"}, proxy},
		{"trusted proxy but no header", "10.0.0.0/8", "", proxy, []string{"X-Forwarded-For: 6.6.6.6"}, proxy},
		{"another peer", "10.0.0.0/8", "x-forwarded-for", "203.0.113.9", []string{"X-Forwarded-For: 6.6.6.6"}, "203.0.113.9"},

		{"the client's own entry stands left", "10.0.0.0/8", "x-forwarded-for", proxy, []string{"X-Forwarded-For: 6.6.6.6, 198.51.100.7"}, visitor},
		{"a load balancer with a public address, trusted", "35.191.0.0/16", "x-forwarded-for", "35.191.0.5", []string{"X-Forwarded-For: 6.6.6.6, 198.51.100.7, 35.191.9.9"}, visitor},
		{"the same, one hop not trusted", "35.191.0.5", "x-forwarded-for", "35.191.0.5", []string{"X-Forwarded-For: 6.6.6.6, 198.51.100.7, 35.191.9.9"}, "35.191.9.9"},
		{"an entry with a port", "10.0.0.0/8", "x-forwarded-for", proxy, []string{"X-Forwarded-For: 198.51.100.7:51234"}, visitor},
		{"unknown at the end", "10.0.0.0/8", "x-forwarded-for", proxy, []string{"X-Forwarded-For: 198.51.100.7, unknown"}, proxy},
		{"unknown behind a trusted hop", "10.0.0.0/8", "x-forwarded-for", proxy, []string{"X-Forwarded-For: 6.6.6.6, unknown, 10.0.0.3"}, "10.0.0.3"},
		{"junk on the left", "10.0.0.0/8", "x-forwarded-for", proxy, []string{"X-Forwarded-For: \x00<script>, ,;;, 198.51.100.7"}, visitor},
		{"two lines", "10.0.0.0/8", "x-forwarded-for", proxy, []string{"X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 198.51.100.7, 10.0.0.3"}, visitor},
		{"two lines, the client's well-formed", "10.0.0.0/8", "x-forwarded-for", proxy, []string{"X-Forwarded-For: 6.6.6.6, 10.0.0.3", "X-Forwarded-For: 198.51.100.7"}, visitor},
		{"all entries trusted", "10.0.0.0/8", "x-forwarded-for", proxy, []string{"X-Forwarded-For: 10.0.0.9, 10.0.0.3"}, "10.0.0.9"},
		{"private and not trusted", "10.0.0.2", "x-forwarded-for", proxy, []string{"X-Forwarded-For: 6.6.6.6, 10.0.0.9, 10.0.0.2"}, "10.0.0.9"},
		{"Forwarded is ignored where XFF is configured", "10.0.0.0/8", "x-forwarded-for", proxy, []string{"Forwarded: for=6.6.6.6", "X-Forwarded-For: 198.51.100.7"}, visitor},
		{"XFF is ignored where Forwarded is configured", "10.0.0.0/8", "forwarded", proxy, []string{"X-Forwarded-For: 6.6.6.6", "Forwarded: for=198.51.100.7"}, visitor},
		{"mapped IPv4", "10.0.0.0/8", "x-forwarded-for", proxy, []string{"X-Forwarded-For: ::ffff:198.51.100.7"}, visitor},
		{"mapped peer", "10.0.0.0/8", "x-forwarded-for", "::ffff:10.0.0.2", []string{"X-Forwarded-For: 198.51.100.7"}, visitor},
		{"mapped trusted range", "::ffff:10.0.0.0/104", "x-forwarded-for", proxy, []string{"X-Forwarded-For: 198.51.100.7"}, visitor},

		{"IPv6 bare", "private", "x-forwarded-for", proxy, []string{"X-Forwarded-For: 2001:db8::7"}, "2001:db8::7"},
		{"IPv6 in brackets", "private", "x-forwarded-for", proxy, []string{"X-Forwarded-For: [2001:db8::7]"}, "2001:db8::7"},
		{"IPv6 with a port", "private", "x-forwarded-for", proxy, []string{"X-Forwarded-For: [2001:db8::7]:443"}, "2001:db8::7"},
		{"quoted", "private", "x-forwarded-for", proxy, []string{`X-Forwarded-For: 6.6.6.6, "[2001:db8::7]:443"`}, "2001:db8::7"},
		{"a zone", "private", "x-forwarded-for", proxy, []string{"X-Forwarded-For: fe80::7%eth0"}, "fe80::7"},
		{"a zone at the peer", "fe80::/10", "x-forwarded-for", "fe80::1%eth0", []string{"X-Forwarded-For: 198.51.100.7"}, visitor},
		{"tabs", "private", "x-forwarded-for", proxy, []string{"X-Forwarded-For: 6.6.6.6,\t198.51.100.7\t"}, visitor},
		{"no header", "private", "x-forwarded-for", proxy, nil, proxy},
		{"an empty entry", "private", "x-forwarded-for", proxy, []string{"X-Forwarded-For: 6.6.6.6,"}, proxy},
		{"an impossible port", "private", "x-forwarded-for", proxy, []string{"X-Forwarded-For: 198.51.100.7:http"}, proxy},
		{"octal", "private", "x-forwarded-for", proxy, []string{"X-Forwarded-For: 0306.051.0144.07"}, proxy},
		{"IPv4 in brackets", "private", "x-forwarded-for", proxy, []string{"X-Forwarded-For: [198.51.100.7]"}, proxy},

		{"Forwarded", "10.0.0.0/8", "forwarded", proxy, []string{`Forwarded: for=6.6.6.6;proto=http, For="[2001:db8:cafe::17]:4711";proto=https;by=203.0.113.43`}, "2001:db8:cafe::17"},
		{"Forwarded, for not first", "10.0.0.0/8", "forwarded", proxy, []string{`Forwarded: proto=https;by=203.0.113.43; for=198.51.100.7`}, visitor},
		{"Forwarded, two hops", "10.0.0.0/8", "forwarded", proxy, []string{`Forwarded: for=6.6.6.6, for=198.51.100.7, for=10.0.0.3`}, visitor},
		{"Forwarded, obfuscated", "10.0.0.0/8", "forwarded", proxy, []string{`Forwarded: for=6.6.6.6, for=_hidden, for="10.0.0.3:_port"`}, "10.0.0.3"},
		{"Forwarded, unknown", "10.0.0.0/8", "forwarded", proxy, []string{`Forwarded: for=6.6.6.6, for=unknown`}, proxy},
		{"Forwarded, for twice", "10.0.0.0/8", "forwarded", proxy, []string{`Forwarded: for=6.6.6.6;for=198.51.100.7`}, proxy},
		{"Forwarded, without for", "10.0.0.0/8", "forwarded", proxy, []string{`Forwarded: for=6.6.6.6, proto=https`}, proxy},
		{"Forwarded, the client's open quote", "10.0.0.0/8", "forwarded", proxy, []string{`Forwarded: for="6.6.6.6, for=198.51.100.7`}, visitor},
		{"Forwarded, the client's open quote before a quoted entry", "10.0.0.0/8", "forwarded", proxy, []string{`Forwarded: for="6.6.6.6, for="[2001:db8::7]"`}, "2001:db8::7"},
		{"Forwarded, comma and semicolon in quotes", "10.0.0.0/8", "forwarded", proxy, []string{`Forwarded: for=198.51.100.7;host="a,for=6.6.6.6;for=6.6.6.6\",b"`}, visitor},
		{"Forwarded, two lines", "10.0.0.0/8", "forwarded", proxy, []string{`Forwarded: for="6.6.6.6`, `Forwarded: for=198.51.100.7`, `Forwarded: for=10.0.0.3`}, visitor},

		{"single address", "10.0.0.0/8", "cf-connecting-ip", proxy, []string{"CF-Connecting-IP: 198.51.100.7", "X-Forwarded-For: 6.6.6.6"}, visitor},
		{"single address, IPv6", "10.0.0.0/8", "True-Client-IP", proxy, []string{"True-Client-IP: 2001:db8::7"}, "2001:db8::7"},
		{"single address sent twice", "10.0.0.0/8", "cf-connecting-ip", proxy, []string{"CF-Connecting-IP: 6.6.6.6", "CF-Connecting-IP: 198.51.100.7"}, proxy},
		{"single address with a list", "10.0.0.0/8", "cf-connecting-ip", proxy, []string{"CF-Connecting-IP: 6.6.6.6, 198.51.100.7"}, proxy},
		{"single address missing", "10.0.0.0/8", "cf-connecting-ip", proxy, nil, proxy},
		{"single address from elsewhere", "10.0.0.0/8", "cf-connecting-ip", "203.0.113.9", []string{"CF-Connecting-IP: 6.6.6.6"}, "203.0.113.9"},
		{"CloudFront, IPv4", "10.0.0.0/8", "cloudfront-viewer-address", proxy, []string{"CloudFront-Viewer-Address: 198.51.100.7:46532"}, visitor},
		{"CloudFront, IPv6 without brackets", "10.0.0.0/8", "CloudFront-Viewer-Address", proxy, []string{"CloudFront-Viewer-Address: 2001:db8::7:443"}, "2001:db8::7"},
		{"CloudFront, IPv6 in full", "10.0.0.0/8", "cloudfront-viewer-address", proxy, []string{"CloudFront-Viewer-Address: 2001:db8:1:2:3:4:5:6:443"}, "2001:db8:1:2:3:4:5:6"},
		{"CloudFront, without a port", "10.0.0.0/8", "cloudfront-viewer-address", proxy, []string{"CloudFront-Viewer-Address: 198.51.100.7"}, proxy},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := Extractor{Trusted: trusting(t, strings.Fields(test.trusted)...), Header: test.read}
			if got := e.Client(addr(t, test.peer), headerOf(test.header...)); got != addr(t, test.want) {
				t.Errorf("Client = %v, want %s", got, test.want)
			}
		})
	}
}

func TestPeer(t *testing.T) {
	for remote, want := range map[string]string{
		"198.51.100.7:1234":          "198.51.100.7",
		"[2001:db8::7]:1234":         "2001:db8::7",
		"[fe80::7%eth0]:1":           "fe80::7",
		"[::ffff:198.51.100.7]:1234": "198.51.100.7",
		"@":                          "invalid IP",
		"":                           "invalid IP",
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = remote
		if got := Peer(r).String(); got != want {
			t.Errorf("Peer(%q) = %s, want %s", remote, got, want)
		}
	}
	e := Extractor{Trusted: trusting(t, "loopback", "private"), Header: "x-forwarded-for"}
	if got := e.Client(netip.Addr{}, headerOf("X-Forwarded-For: 6.6.6.6")); got.IsValid() {
		t.Errorf("a connection without an address has client %v", got)
	}
}

func TestParsePrefixes(t *testing.T) {
	p := trusting(t, "192.0.2.7", "2001:db8::/32", "::ffff:203.0.113.0/120", "loopback", "private", "198.51.100.77/24")
	for text, want := range map[string]bool{
		"192.0.2.7": true, "192.0.2.8": false, "2001:db8:1::1": true, "2001:db9::1": false,
		"203.0.113.200": true, "127.0.0.1": true, "::1": true, "10.9.9.9": true, "172.31.0.1": true,
		"172.32.0.1": false, "fd00::1": true, "198.51.100.1": true, "::ffff:10.0.0.1": true,
	} {
		if got := p.Contains(addr(t, text)); got != want {
			t.Errorf("Contains(%s) = %v, want %v", text, got, want)
		}
	}
	if p.Contains(netip.Addr{}) {
		t.Error("no address is trusted")
	}
	for text, want := range map[string]string{
		"":              "write an address",
		"localhost":     "write an address",
		"10.0.0.0/33":   "write an address",
		"10.0.0.0/8 ":   "write an address",
		"0.0.0.0/0":     "everybody",
		"::/0":          "everybody",
		"::ffff:0:0/96": "everybody",
	} {
		if _, err := ParsePrefixes([]string{"10.0.0.1", text}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParsePrefixes(%q): %v, want %q", text, err, want)
		}
	}
}

func TestExtractorValidate(t *testing.T) {
	trusted := trusting(t, "loopback")
	for _, test := range []struct {
		e    Extractor
		want string
	}{
		{Extractor{}, ""},
		{Extractor{Trusted: trusted}, ""},
		{Extractor{Trusted: trusted, Header: "x-forwarded-for"}, ""},
		{Extractor{Header: "x-forwarded-for"}, "trusted_proxies"},
		{Extractor{Trusted: trusted, Header: "X Forwarded For"}, "not the name of a header"},
		{Extractor{Trusted: trusted, Header: "X-Real-IP:"}, "not the name of a header"},
	} {
		err := test.e.Validate()
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("Validate(%+v) = %v, want %q", test.e, err, test.want)
		}
	}
}

func TestPublic(t *testing.T) {
	for text, want := range map[string]bool{
		"8.8.8.8": true, "2600::1": true, "2a00:1450::1": true, "64:ff9b::808:808": true, "1.1.1.1": true,
		"0.0.0.0": false, "10.1.1.1": false, "100.64.0.1": false, "100.128.0.1": true, "127.9.9.9": false,
		"169.254.1.1": false, "172.16.0.1": false, "192.0.0.9": false, "192.0.2.1": false, "192.168.1.1": false,
		"198.19.0.1": false, "198.51.100.1": false, "203.0.113.1": false, "239.1.1.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "::ffff:10.0.0.1": false, "::ffff:8.8.8.8": true, "fe80::1%eth0": false,
		"fd12::1": false, "2001:db8::1": false, "3fff::1": false, "2001:0:1::1": false, "ff02::1": false, "100::1": false,
	} {
		if got := Public(addr(t, text)); got != want {
			t.Errorf("Public(%s) = %v, want %v", text, got, want)
		}
	}
	if Public(netip.Addr{}) {
		t.Error("no address is public")
	}
}

// Whatever a client writes in front, the entry of the trusted proxy decides.
func FuzzXForwardedFor(f *testing.F) {
	for _, seed := range []string{"", "6.6.6.6", "unknown", `"`, `\"`, "10.0.0.9", "[::1", "[2001:db8::1]:80", ",,,", "fe80::1%25eth0", "1.2.3.4:99999"} {
		f.Add(seed)
	}
	e := Extractor{Trusted: trusting(f, "10.0.0.0/8"), Header: "x-forwarded-for"}
	peer, visitor := addr(f, "10.0.0.2"), addr(f, "198.51.100.7")
	f.Fuzz(func(t *testing.T, written string) {
		for _, appended := range []string{"198.51.100.7", "198.51.100.7:5", "198.51.100.7, 10.0.0.3"} {
			if got := e.Client(peer, http.Header{"X-Forwarded-For": {written + ", " + appended}}); got != visitor {
				t.Errorf("%q in front of %q gives %v", written, appended, got)
			}
			if got := e.Client(peer, http.Header{"X-Forwarded-For": {written, appended}}); got != visitor {
				t.Errorf("%q on the line before %q gives %v", written, appended, got)
			}
		}
		got := e.Client(peer, http.Header{"X-Forwarded-For": {written}})
		if !got.IsValid() || got.Zone() != "" || got.Is4In6() {
			t.Errorf("%q gives %v", written, got)
		}
	})
}

func FuzzForwarded(f *testing.F) {
	for _, seed := range []string{"", "for=6.6.6.6", `for="`, `for="\"`, `for="a\\"`, `for=6.6.6.6;by="`, `"`, `\`, `for="[::1]:80";proto=https`, "for=_x, for=unknown", `host="a,b;for=1.1.1.1"`} {
		f.Add(seed)
	}
	e := Extractor{Trusted: trusting(f, "10.0.0.0/8"), Header: "forwarded"}
	peer, four, six := addr(f, "10.0.0.2"), addr(f, "198.51.100.7"), addr(f, "2001:db8::7")
	f.Fuzz(func(t *testing.T, written string) {
		for appended, want := range map[string]netip.Addr{
			`for=198.51.100.7`:                            four,
			`for="198.51.100.7:80";host="a,\"b\";c"`:      four,
			`by=_me;for="[2001:db8::7]:_p", for=10.0.0.3`: six,
		} {
			if got := e.Client(peer, http.Header{"Forwarded": {written + ", " + appended}}); got != want {
				t.Errorf("%q in front of %q gives %v", written, appended, got)
			}
			if got := e.Client(peer, http.Header{"Forwarded": {written, appended}}); got != want {
				t.Errorf("%q on the line before %q gives %v", written, appended, got)
			}
		}
		if got := e.Client(peer, http.Header{"Forwarded": {written}}); !got.IsValid() || got.Zone() != "" || got.Is4In6() {
			t.Errorf("%q gives %v", written, got)
		}
	})
}
