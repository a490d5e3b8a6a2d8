package edge_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/volenti-consent/volenti/server/catalogue"
	"github.com/volenti-consent/volenti/server/edge"
	"github.com/volenti-consent/volenti/server/notice"
)

// allowed are the categories that a visitor granted.
type allowed map[string]bool

func (a allowed) Allows(category, _ string) bool { return a[category] }

// A Go site puts the gate before its own handler. Whoever has not decided gets
// pages in which nothing is left to fetch from a vendor.
func Example() {
	known, err := catalogue.Load()
	if err != nil {
		panic(err)
	}
	n := &notice.Notice{
		Origins:    []string{"https://www.shop.example"},
		Categories: []notice.Category{{Key: "necessary", Like: "necessary"}, {Key: "analytics", Like: "analytics"}},
		Vendors:    []notice.Vendor{{Key: "counter", Category: "analytics", Hosts: []string{"stats.example"}}},
	}
	rules := notice.NewRules(n, known)
	site := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, `<script src="https://stats.example/count.js"></script>`)
	})
	gate := edge.New(edge.Options{Decide: func(r *http.Request) edge.Decision {
		d := edge.Decision{Rules: rules, Categories: []string{"necessary", "analytics"}, State: "refused"}
		if _, err := r.Cookie("yes"); err == nil { // a real one is signed: see visitor.Grants
			d.Grants, d.State = allowed{"analytics": true}, "granted"
		}
		return d
	}})(site)

	for _, cookie := range []string{"", "yes=1"} {
		r := httptest.NewRequest(http.MethodGet, "https://www.shop.example/", nil)
		r.Header.Set("Cookie", cookie)
		w := httptest.NewRecorder()
		gate.ServeHTTP(w, r)
		fmt.Println(w.Body)
	}
	// Output:
	// <script type="text/plain" data-category="analytics" data-service="counter" data-src="https://stats.example/count.js"></script>
	// <script src="https://stats.example/count.js"></script>
}
