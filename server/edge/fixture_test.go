package edge

import (
	"bytes"
	"net/url"

	"github.com/volenti-consent/volenti/server/catalogue"
	"github.com/volenti-consent/volenti/server/notice"
)

// shopNotice asks for all four standard categories, and names a few vendors.
func shopNotice() *notice.Notice {
	n := &notice.Notice{
		Site: "shop", Origins: []string{"https://www.shop.example"},
		Blocking: notice.Blocking{Mode: "script", Unknown: "hold", Allow: []string{"cdn.friend.example"}},
		Vendors: []notice.Vendor{
			{Key: "ga4", Category: "analytics", Hosts: []string{"google-analytics.com", "www.googletagmanager.com/gtag/js"}},
			{Key: "counter", Category: "analytics", Hosts: []string{"tracker.example", "www.shop.example/metrics"}},
			{Key: "ads", Category: "marketing", Hosts: []string{"ads.example"}},
			{Key: "meta", Category: "marketing", Hosts: []string{"connect.facebook.net", "www.facebook.com/tr"}},
			{Key: "films", Category: "preferences", Hosts: []string{"films.example"}},
			{Key: "pay", Category: "necessary", Hosts: []string{"pay.example", "ads.example/pay"}},
		},
	}
	for _, key := range []string{"necessary", "preferences", "analytics", "marketing"} {
		n.Categories = append(n.Categories, notice.Category{Key: key, Like: key})
	}
	return n
}

// granted are keys of categories, and "category/vendor" pairs.
type granted []string

func (g granted) Allows(category, vendor string) bool {
	for _, key := range g {
		if key == category || key == category+"/"+vendor {
			return true
		}
	}
	return false
}

func shopPage(t failing, grants Grants) page {
	t.Helper()
	known, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse("https://www.shop.example/lamps/index.html")
	if err != nil {
		t.Fatal(err)
	}
	return page{url: u, judge: notice.NewRules(shopNotice(), known), grants: grants,
		marked: []string{"necessary", "preferences", "analytics", "marketing"}}
}

// rewrite passes a page through a Writer in pieces of so many bytes; 0 is all
// at once.
func rewrite(p page, in string, pieces int) string {
	var out bytes.Buffer
	feed(newWriter(&out, p, nil), in, pieces)
	return out.String()
}

// feed writes a page and closes. A buffer beneath takes everything.
func feed(w *Writer, in string, pieces int) {
	for rest := []byte(in); len(rest) > 0; {
		n := len(rest)
		if pieces > 0 {
			n = min(pieces, n)
		}
		_, _ = w.Write(rest[:n])
		rest = rest[n:]
	}
	_ = w.Close()
}

// failing is what tests of all kinds have.
type failing interface {
	Helper()
	Fatal(...any)
	Errorf(string, ...any)
}
