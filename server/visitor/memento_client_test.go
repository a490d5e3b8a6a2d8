package visitor

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// A mementoClient knows RFC 7089 and nothing of this server: from the address of an
// original it finds the way by Link headers, status codes and dates alone.
type mementoClient struct {
	t       *testing.T
	handler http.Handler
}

// A webLink is one link of a Link header (RFC 8288) or of a TimeMap (RFC 6690).
type webLink struct {
	to     *url.URL
	rels   []string
	params map[string]string
}

func (l webLink) is(rel string) bool { return slices.Contains(l.rels, rel) }

func (m *mementoClient) get(method string, to *url.URL, header http.Header) *http.Response {
	m.t.Helper()
	r := httptest.NewRequest(method, to.RequestURI(), nil)
	r.Host = to.Host
	for name, values := range header {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	m.handler.ServeHTTP(w, r)
	answer := w.Result()
	answer.Request = &http.Request{URL: to}
	return answer
}

// parseLinks reads links as both RFCs have them: commas and semicolons count outside
// of quoted strings and angle brackets only.
func parseLinks(t *testing.T, text string, base *url.URL) (links []webLink) {
	t.Helper()
	for text = strings.TrimSpace(text); text != ""; {
		rest, ok := strings.CutPrefix(text, "<")
		reference, rest, closed := strings.Cut(rest, ">")
		if !ok || !closed {
			t.Fatalf("no link at %.80q", text)
		}
		to, err := base.Parse(reference)
		if err != nil {
			t.Fatalf("link %q: %v", reference, err)
		}
		link := webLink{to: to, params: map[string]string{}}
		for rest = strings.TrimSpace(rest); strings.HasPrefix(rest, ";"); rest = strings.TrimSpace(rest) {
			name, value, _ := strings.Cut(strings.TrimSpace(rest[1:]), "=")
			if quoted, ok := strings.CutPrefix(value, `"`); ok {
				var b strings.Builder
				i := 0
				for ; i < len(quoted) && quoted[i] != '"'; i++ {
					if quoted[i] == '\\' {
						i++
					}
					b.WriteByte(quoted[i])
				}
				if i >= len(quoted) {
					t.Fatalf("an open quotation mark in %.80q", text)
				}
				link.params[strings.TrimSpace(name)], rest = b.String(), quoted[i+1:]
				continue
			}
			end := strings.IndexAny(value+",", ",;")
			link.params[strings.TrimSpace(name)], rest = value[:end], value[end:]
		}
		link.rels = strings.Fields(link.params["rel"])
		links = append(links, link)
		if rest != "" && !strings.HasPrefix(rest, ",") {
			t.Fatalf("neither the end nor a comma at %.80q", rest)
		}
		text = strings.TrimSpace(strings.TrimPrefix(rest, ","))
	}
	return links
}

func (m *mementoClient) links(answer *http.Response) []webLink {
	m.t.Helper()
	return parseLinks(m.t, strings.Join(answer.Header.Values("Link"), ", "), answer.Request.URL)
}

// one is the address of the only link of a relation; it ends the test if there is
// another number of them.
func (m *mementoClient) one(links []webLink, rel string) webLink {
	m.t.Helper()
	var found []webLink
	for _, l := range links {
		if l.is(rel) {
			found = append(found, l)
		}
	}
	if len(found) != 1 {
		m.t.Fatalf("%d links with the relation %q in %v", len(found), rel, links)
	}
	return found[0]
}

// datetime reads a date as the RFC writes it (section 2.1): RFC 1123, in GMT.
func (m *mementoClient) datetime(value string) time.Time {
	m.t.Helper()
	at, err := time.Parse("Mon, 02 Jan 2006 15:04:05 GMT", value)
	if err != nil {
		m.t.Fatalf("datetime: %v", err)
	}
	return at
}

// A mementoAnswer is a memento as the client came to it.
type mementoAnswer struct {
	at         time.Time
	links      []webLink
	to         *url.URL
	body       string
	prev, next *webLink
}

// discover finds the TimeGate and the TimeMap of an original (section 4.1.1).
func (m *mementoClient) discover(original *url.URL) (timegate, timemap *url.URL) {
	m.t.Helper()
	answer := m.get(http.MethodHead, original, nil)
	if answer.StatusCode != http.StatusOK {
		m.t.Fatalf("original: %d", answer.StatusCode)
	}
	if answer.Header.Get("Memento-Datetime") != "" {
		m.t.Error("an original that changes says it is a memento")
	}
	links := m.links(answer)
	return m.one(links, "timegate").to, m.one(links, "timemap").to
}

// negotiate asks a TimeGate (section 4.1.2) and follows it. A zero time sends no
// Accept-Datetime.
func (m *mementoClient) negotiate(timegate, original *url.URL, wanted time.Time) mementoAnswer {
	m.t.Helper()
	header := http.Header{}
	if !wanted.IsZero() {
		header.Set("Accept-Datetime", wanted.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"))
	}
	answer := m.get(http.MethodGet, timegate, header)
	if answer.StatusCode != http.StatusFound {
		m.t.Fatalf("TimeGate for %v: %d", wanted, answer.StatusCode)
	}
	vary := strings.ToLower(strings.Join(answer.Header.Values("Vary"), ","))
	if !strings.Contains(vary, "accept-datetime") {
		m.t.Errorf("a TimeGate's Vary is %q", vary)
	}
	if answer.Header.Get("Memento-Datetime") != "" {
		m.t.Error("a TimeGate that redirects has a Memento-Datetime (section 4.1.2 forbids it)")
	}
	links := m.links(answer)
	if got := m.one(links, "original").to.String(); got != original.String() {
		m.t.Errorf("the TimeGate is one of %s, not of %s", got, original)
	}
	m.one(links, "timemap")
	to, err := timegate.Parse(answer.Header.Get("Location"))
	if err != nil || answer.Header.Get("Location") == "" {
		m.t.Fatalf("Location %q: %v", answer.Header.Get("Location"), err)
	}
	return m.memento(to, original)
}

// memento reads a memento and holds it to section 4.1.3.
func (m *mementoClient) memento(to, original *url.URL) mementoAnswer {
	m.t.Helper()
	answer := m.get(http.MethodGet, to, nil)
	if answer.StatusCode != http.StatusOK {
		m.t.Fatalf("memento %s: %d", to, answer.StatusCode)
	}
	links := m.links(answer)
	if got := m.one(links, "original").to.String(); got != original.String() {
		m.t.Errorf("%s is a memento of %s, not of %s", to, got, original)
	}
	m.one(links, "timegate")
	m.one(links, "timemap")
	a := mementoAnswer{at: m.datetime(answer.Header.Get("Memento-Datetime")), links: links, to: to, body: readAll(m.t, answer)}
	for _, l := range links {
		if !l.is("memento") {
			continue
		}
		m.datetime(l.params["datetime"])
		if l.is("prev") {
			a.prev = &l
		}
		if l.is("next") {
			a.next = &l
		}
		if l.to.String() == to.String() && l.params["datetime"] != answer.Header.Get("Memento-Datetime") {
			m.t.Errorf("%s calls itself of %s and %s", to, l.params["datetime"], answer.Header.Get("Memento-Datetime"))
		}
	}
	return a
}

// timeMap reads a TimeMap (section 5).
func (m *mementoClient) timeMap(to, original *url.URL) (mementos []webLink) {
	m.t.Helper()
	answer := m.get(http.MethodGet, to, http.Header{"Accept": {"application/link-format"}})
	if kind := answer.Header.Get("Content-Type"); answer.StatusCode != http.StatusOK || kind != "application/link-format" {
		m.t.Fatalf("TimeMap: %d %s", answer.StatusCode, kind)
	}
	// RFC 6690, 2.1: relative references start at the root of the server.
	links := parseLinks(m.t, readAll(m.t, answer), to.ResolveReference(&url.URL{Path: "/"}))
	if got := m.one(links, "original").to.String(); got != original.String() {
		m.t.Errorf("a TimeMap of %s, not of %s", got, original)
	}
	self := m.one(links, "self")
	if self.to.String() != to.String() || self.params["type"] != "application/link-format" {
		m.t.Errorf("the TimeMap calls itself %v", self)
	}
	m.one(links, "timegate")
	for _, l := range links {
		if l.is("memento") {
			mementos = append(mementos, l)
		}
	}
	if len(mementos) > 0 {
		first, last := mementos[0].params["datetime"], mementos[len(mementos)-1].params["datetime"]
		if self.params["from"] != first || self.params["until"] != last || !mementos[0].is("first") || !mementos[len(mementos)-1].is("last") {
			m.t.Errorf("the TimeMap is from %s until %s, its mementos from %s until %s", self.params["from"], self.params["until"], first, last)
		}
	}
	return mementos
}
