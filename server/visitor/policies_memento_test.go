package visitor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
)

func readAll(t *testing.T, answer *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// manyVersions is an archive of versions at random times, some in the same second,
// one that was replaced before it took effect, and one that lies ahead.
func manyVersions(t *testing.T, random *rand.Rand, many int) *policySite {
	t.Helper()
	ps := newPolicySite(t)
	ps.versions = nil
	published := at(t, "2019-12-01")
	publish := func(effective time.Time) {
		d, err := policyversions.Import(fmt.Appendf(nil, "# Policy \"%d\" \\\\ one\n\nThis is version number %d.\n", len(ps.versions)+1, len(ps.versions)+1), "p.md")
		if err != nil {
			t.Fatal(err)
		}
		d.Language = "en"
		p := policyversions.Publisher{Store: ps.shelf, Now: func() time.Time { return published }}
		if _, err := p.Publish(t.Context(), "shop", "privacy", d, effective); err != nil {
			t.Fatal(err)
		}
	}
	moment := at(t, "2020-01-01")
	for range many {
		publish(moment)
		moment = moment.Add(time.Duration(random.Int64N(int64(90*24*time.Hour))) + time.Millisecond)
	}
	publish(moment)
	publish(moment) // takes the place of the one before
	publish(moment.Add(300 * time.Millisecond))
	ps.now = moment.Add(time.Hour)
	publish(ps.now.Add(48 * time.Hour))
	return ps
}

// TestMementoClient lets a client that knows RFC 7089 alone find its way.
func TestMementoClient(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 7089))
	ps := manyVersions(t, random, 30)
	client := &mementoClient{t, ps}
	original, _ := url.Parse("https://consent.example.com/policies/shop/privacy")
	timegate, timemap := client.discover(original)

	// What there is to find: the versions that are or were in force.
	type truth struct {
		at     time.Time
		number int
	}
	var all []truth
	for i, v := range ps.versions {
		replaced := i+1 < len(ps.versions) && ps.versions[i+1].Effective.Equal(v.Effective)
		if !replaced && !v.Effective.After(ps.now) {
			all = append(all, truth{v.Effective.Truncate(time.Second), v.Number})
		}
	}
	first, last := all[0].at, all[len(all)-1].at
	wanted := func(at time.Time) truth {
		best := all[0]
		for _, a := range all {
			if !a.at.After(at) {
				best = a
			}
		}
		return best
	}
	moments := []time.Time{first.AddDate(-5, 0, 0), first.Add(-time.Second), first, last, last.Add(time.Second), ps.now, ps.now.AddDate(1, 0, 0), {}}
	for range 20 {
		moments = append(moments, first.Add(time.Duration(random.Int64N(int64(last.Sub(first))))).Truncate(time.Second))
	}
	for _, moment := range moments {
		got := client.negotiate(timegate, original, moment)
		want := wanted(moment)
		if moment.IsZero() {
			want = all[len(all)-1]
		}
		if !got.at.Equal(want.at) || !strings.Contains(got.body, fmt.Sprintf("This is version number %d.", want.number)) {
			t.Errorf("at %v: the memento of %v, want version %d of %v", moment, got.at, want.number, want.at)
		}
	}

	// The map lists the same, in their order, and walking leads through it both ways.
	mapped := client.timeMap(timemap, original)
	if len(mapped) != len(all) {
		t.Fatalf("the TimeMap has %d mementos, want %d", len(mapped), len(all))
	}
	for i, l := range mapped {
		title := fmt.Sprintf(`Policy "%d" \ one`, all[i].number)
		if !client.datetime(l.params["datetime"]).Equal(all[i].at) || !strings.HasSuffix(l.to.Path, fmt.Sprintf("/versions/%d", all[i].number)) || l.params["title"] != title {
			t.Errorf("memento %d of the TimeMap is %v, want %v", i, l, all[i])
		}
	}
	walk := func(from mementoAnswer, step func(mementoAnswer) *webLink) (steps []string) {
		for here := from; ; {
			steps = append(steps, here.to.String())
			link := step(here)
			if link == nil || len(steps) > len(all) {
				return steps
			}
			here = client.memento(link.to, original)
		}
	}
	addresses := make([]string, len(mapped))
	for i, l := range mapped {
		addresses[i] = l.to.String()
	}
	forth := walk(client.memento(mapped[0].to, original), func(a mementoAnswer) *webLink { return a.next })
	back := walk(client.memento(mapped[len(mapped)-1].to, original), func(a mementoAnswer) *webLink { return a.prev })
	if !slices.Equal(forth, addresses) {
		t.Errorf("walking forth led through %q, want %q", forth, addresses)
	}
	if slices.Reverse(back); !slices.Equal(back, addresses) {
		t.Errorf("walking back led through %q, want %q", back, addresses)
	}
	middle := client.memento(mapped[len(mapped)/2].to, original)
	if got := client.one(middle.links, "first").to.String(); got != addresses[0] {
		t.Errorf("first is %s", got)
	}
	if got := client.one(middle.links, "last").to.String(); got != addresses[len(addresses)-1] {
		t.Errorf("last is %s", got)
	}
}

// What lies ahead, and what was replaced before it took effect, is no memento.
func TestWhatNeverWasInForceIsNoMemento(t *testing.T) {
	ps := newPolicySite(t)
	client := &mementoClient{t, ps}
	ahead := ps.get("/policies/shop/privacy/versions/3")
	if got := ahead.Header().Get("Memento-Datetime"); got != "" || ahead.Code != http.StatusOK {
		t.Errorf("a scheduled version: %d, Memento-Datetime %q", ahead.Code, got)
	}
	base, _ := url.Parse("https://a.example/policies/shop/privacy/versions/3")
	links := parseLinks(t, strings.Join(ahead.Header().Values("Link"), ", "), base)
	if got := client.one(links, "original").to.Path; got != "/policies/shop/privacy" {
		t.Errorf("its original is %s", got)
	}
	for _, l := range links {
		if l.is("memento") {
			t.Errorf("it names the memento %v", l)
		}
	}
	ps.now = at(t, "2026-07-01")
	if got := ps.get("/policies/shop/privacy/versions/3").Header().Get("Memento-Datetime"); got != "Tue, 30 Jun 2026 22:00:00 GMT" {
		t.Errorf("from its day on its Memento-Datetime is %q", got)
	}
	ps.now = at(t, "2026-02-01")
	if ps.get("/policies/shop/privacy/timegate"); !errors.Is(ps.err, ErrNotInForce) {
		t.Errorf("a TimeGate without mementos: %v", ps.err)
	}
	original, _ := url.Parse("https://a.example/policies/shop/privacy")
	if got := client.timeMap(original.JoinPath("timemap"), original); len(got) != 0 {
		t.Errorf("a TimeMap of what lies ahead: %v", got)
	}
}

func TestAcceptDatetime(t *testing.T) {
	ps := newPolicySite(t)
	for _, tt := range []struct {
		headers []string
		version string // "": refused
	}{
		{[]string{"Fri, 01 May 2026 00:00:00 GMT"}, "2"},
		{[]string{"Thu, 30 Apr 2026 22:00:00 GMT"}, "2"}, // midnight in Vienna
		{[]string{"Thu, 30 Apr 2026 21:59:59 GMT"}, "1"},
		{[]string{"Thu, 30 Apr 1998 21:59:59 GMT"}, "1"},
		{[]string{"Wed, 01 Jul 2099 00:00:00 GMT"}, "2"},
		{nil, "2"},
		{[]string{""}, ""},
		{[]string{"yesterday"}, ""},
		{[]string{"2026-05-01T00:00:00Z"}, ""},
		{[]string{"Sat, 01 May 2026 00:00:00 GMT"}, ""}, // it was a Friday
		{[]string{"Fri, 01 May 2026 00:00:00 +0200"}, ""},
		{[]string{"Fri, 01 May 2026 00:00:00 UTC"}, ""},
		{[]string{"Fri, 1 May 2026 00:00:00 GMT"}, ""},
		{[]string{"Friday, 01-May-26 00:00:00 GMT"}, ""},
		{[]string{"Fri, 31 Apr 2026 00:00:00 GMT"}, ""},
		{[]string{" Fri, 01 May 2026 00:00:00 GMT"}, ""},
		{[]string{"Fri, 01 May 2026 00:00:00 GMT", "Fri, 01 May 2026 00:00:00 GMT"}, ""},
	} {
		r, _ := http.NewRequest(http.MethodGet, "/policies/shop/privacy/timegate", nil)
		if tt.headers != nil {
			r.Header["Accept-Datetime"] = tt.headers
		}
		w := ps.do(r)
		if tt.version == "" {
			if !errors.Is(ps.err, ErrDatetime) || w.Header().Get("Vary") != "accept-datetime" {
				t.Errorf("%q: %v, %v", tt.headers, ps.err, w.Header())
			}
			continue
		}
		if got := w.Header().Get("Location"); w.Code != http.StatusFound || got != "../../../policies/shop/privacy/versions/"+tt.version {
			t.Errorf("%q: %d to %q, want version %s", tt.headers, w.Code, got, tt.version)
		}
	}
}

func TestTimeMapAsJSON(t *testing.T) {
	ps := newPolicySite(t)
	for _, w := range []struct{ path, accept string }{{"timemap", "application/json"}, {"timemap.json", "*/*"}} {
		var got struct {
			Original string `json:"original_uri"`
			Mementos struct {
				First, Last struct{ Datetime, URI string }
				List        []struct {
					Datetime time.Time
					URI      string
				}
			}
		}
		body := ps.get("/policies/shop/privacy/"+w.path, "Accept", w.accept).Body.Bytes()
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		if got.Original != "/policies/shop/privacy" || len(got.Mementos.List) != 2 || !got.Mementos.List[1].Datetime.Equal(at(t, "2026-05-01")) ||
			got.Mementos.Last.URI != "/policies/shop/privacy/versions/2" || got.Mementos.First.URI != "/policies/shop/privacy/versions/1" {
			t.Errorf("%s: %s", w.path, body)
		}
	}
}
