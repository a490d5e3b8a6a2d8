package visitor_test

import (
	"strings"
	"testing"
)

// holds reports whether what a visitor gets holds tags that nobody marked.
func (w *world) holds(header ...string) bool {
	w.t.Helper()
	return strings.Contains(w.get("/b/shop.js", header...).Body.String(), "sendBeacon")
}

func TestUnmarkedTagsAreHeldForWhoeverRefusedSomething(t *testing.T) {
	w := newWorld(t)
	w.publish("Accept all", "ga4:analytics", "meta:marketing")
	if !w.holds() {
		t.Error("nothing is held before a decision")
	}
	token := w.boot().T
	some := map[string]bool{"preferences": true, "analytics": true, "marketing": false}
	_, yes := w.decide("yes", token, all(true), nil)
	_, no := w.decide("no", token, some, nil)
	_, less := w.decide("less", token, all(true), map[string]bool{"meta": false})
	for _, tt := range []struct {
		what   string
		region string
		header []string
		want   bool
	}{
		{"all is granted", "DE", []string{"Cookie", yes}, false},
		{"a category is refused", "DE", []string{"Cookie", no}, true},
		{"a vendor is refused", "DE", []string{"Cookie", less}, true},
		{"a signal stands against it", "DE", []string{"Cookie", yes, "Sec-GPC", "1"}, true},
		{"refused where the law has all on", "US-NY", []string{"Cookie", no}, true},
	} {
		w.region = tt.region
		if got := w.holds(tt.header...); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.what, got, tt.want)
		}
		if w.get("/b/shop.js", tt.header...).Code != 200 || w.asks(tt.header[1]) {
			t.Errorf("%s: want the script of somebody who decided", tt.what)
		}
	}

	w.more = "\n[blocking]\nmode = \"off\"\n"
	w.publish("Accept all", "ga4:analytics", "meta:marketing")
	w.region = "DE"
	if w.holds() || w.holds("Cookie", no) {
		t.Error("something is held though the notice says that nothing is")
	}
}

// Those scripts leave the judgement to the gate: what they are told may load is
// the server's, and nothing where that is only what is necessary.
func TestScriptsThatDoNotJudgeAreToldWhatMayLoad(t *testing.T) {
	w := newWorld(t)
	w.publish("Accept all", "ga4:analytics", "meta:marketing")
	token := w.boot().T
	_, yes := w.decide("yes", token, all(true), nil)
	_, no := w.decide("no", token, all(false), nil)
	_, some := w.decide("some", token, map[string]bool{"preferences": false, "analytics": true, "marketing": true}, map[string]bool{"meta": false})
	for _, tt := range []struct {
		what   string
		region string
		header []string
		may    string
	}{
		{"nobody decided", "US-NY", nil, ""},
		{"all is granted", "DE", []string{"Cookie", yes}, "1111.11"},
		{"all is refused", "DE", []string{"Cookie", no}, ""},
		{"all is refused, the law has all on", "US-NY", []string{"Cookie", no}, ""},
		{"some is granted", "DE", []string{"Cookie", some}, "1011.10"},
		{"granted before there was a signal", "DE", []string{"Cookie", yes, "Sec-GPC", "1"}, "1110.10"},
		{"the same, the law has all on", "US-NY", []string{"Cookie", yes, "Sec-GPC", "1"}, "1110.10"},
	} {
		w.region = tt.region
		if b := w.boot(tt.header...); b.Q != tt.may {
			t.Errorf("%s: %q, want %q", tt.what, b.Q, tt.may)
		}
	}
}
