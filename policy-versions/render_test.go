package policyversions

import (
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// allowed is what may stand in a rendering, element by attribute. It is written
// out here, apart from the sanitizer's own list, so that the two check each other.
var allowed = map[string][]string{
	"p": nil, "br": nil, "hr": nil, "em": nil, "strong": nil, "del": nil, "code": nil, "pre": nil, "blockquote": nil,
	"ul": nil, "ol": {"start"}, "li": nil, "h2": {"id"}, "h3": {"id"}, "h4": {"id"}, "h5": {"id"}, "h6": {"id"},
	"table": nil, "thead": nil, "tbody": nil, "tr": nil, "th": {"align"}, "td": {"align"},
	"div": {"class", "tabindex"}, "a": {"href", "rel"},
}

// assertSafe parses a rendering as a browser does and fails on anything that could
// run, load, style or lead to where a policy may not lead.
func assertSafe(t *testing.T, rendered string) {
	t.Helper()
	body := &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body}
	nodes, err := html.ParseFragment(strings.NewReader(rendered), body)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes {
		checkNode(t, n, rendered)
		for d := range n.Descendants() {
			checkNode(t, d, rendered)
		}
	}
}

func checkNode(t *testing.T, n *html.Node, rendered string) {
	t.Helper()
	switch n.Type {
	case html.TextNode:
		return
	case html.ElementNode:
	default:
		t.Fatalf("a node of type %v in %q", n.Type, rendered)
	}
	attrs, ok := allowed[n.Data]
	if !ok || n.Namespace != "" {
		t.Fatalf("<%s> in %q", n.Data, rendered)
	}
	rel := ""
	for _, a := range n.Attr {
		if !slices.Contains(attrs, a.Key) {
			t.Fatalf("%s on <%s> in %q", a.Key, n.Data, rendered)
		}
		if a.Key == "rel" {
			rel = a.Val
		}
	}
	for _, a := range n.Attr {
		switch {
		case a.Key == "href":
			checkLink(t, a.Val, rel, rendered)
		case a.Key == "id" && !strings.HasPrefix(a.Val, "s-"):
			t.Fatalf("id %q in %q", a.Val, rendered)
		}
	}
}

// checkLink reads href as browsers do: blanks and controls at its ends and tabs and
// line ends anywhere are ignored, and a backslash is a slash (WHATWG URL).
func checkLink(t *testing.T, href, rel, rendered string) {
	t.Helper()
	seen := strings.Map(func(r rune) rune {
		switch r {
		case '\t', '\n', '\r':
			return -1
		case '\\':
			return '/'
		}
		return r
	}, strings.TrimFunc(href, func(r rune) bool { return r <= ' ' }))
	if strings.ContainsFunc(seen, unicode.IsControl) {
		t.Fatalf("a control character in the link %q of %q", href, rendered)
	}
	u, err := url.Parse(seen)
	if err != nil {
		t.Fatalf("the link %q of %q: %v", href, rendered, err)
	}
	if !slices.Contains([]string{"", "http", "https", "mailto"}, strings.ToLower(u.Scheme)) {
		t.Fatalf("the link %q of %q", href, rendered)
	}
	leaves := u.Host != "" || u.Scheme == "http" || u.Scheme == "https" || strings.HasPrefix(seen, "//")
	if leaves && rel != "nofollow noopener noreferrer" {
		t.Fatalf("the link %q leads elsewhere with rel=%q in %q", href, rel, rendered)
	}
}

// visible is the text of a rendering.
func visible(t *testing.T, rendered string) string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(rendered))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for d := range doc.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

func TestNothingActiveIsRendered(t *testing.T) {
	raw, err := os.ReadFile("testdata/xss.txt")
	if err != nil {
		t.Fatal(err)
	}
	payloads := strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n%%\n")
	if len(payloads) < 200 {
		t.Fatalf("only %d payloads", len(payloads))
	}
	for _, payload := range payloads {
		// As it stands, in case it reached the archive by another way than Import.
		r, err := Render(Text{Title: "x", Language: "en", Markdown: payload})
		if err != nil {
			t.Fatalf("%q: %v", payload, err)
		}
		assertSafe(t, r.HTML)
		// Through each kind of import, alone and within a sentence.
		for _, name := range []string{"p.md", "p.html", "p.txt"} {
			for _, in := range []string{"Policy\n\n" + payload, "Policy\n\nbefore " + payload + " after"} {
				d, err := Import([]byte(in), name)
				if err != nil {
					t.Fatalf("%s %q: %v", name, in, err)
				}
				again(t, d)
				r, err := Render(d.Text)
				if err != nil {
					t.Fatalf("%s %q: %v", name, in, err)
				}
				assertSafe(t, r.HTML)
			}
		}
	}
}

func TestCheckHref(t *testing.T) {
	tests := []struct {
		href         string
		external, ok bool
	}{
		{"https://a.example/b", true, true},
		{"HTTPS://a.example", true, true},
		{"http://a.example:81/?q#f", true, true},
		{"//a.example/b", true, true},
		{"mailto:a@b.example", false, true},
		{"/terms", false, true},
		{"terms.html?x=1#y", false, true},
		{"../x", false, true},
		{"#cookies", false, true},
		{"?q", false, true},
		{"", false, false},
		{"javascript:alert(1)", false, false},
		{"JavaScript:alert(1)", false, false},
		{" javascript:alert(1)", false, false},
		{"java\tscript:alert(1)", false, false},
		{"data:text/html,x", false, false},
		{"ftp://a.example", false, false},
		{"tel:123", false, false},
		{"https:a.example", true, false},
		{"https:///a.example", true, false},
		{"///a.example", false, false},
		{"/\\a.example", false, false},
		{"\\\\a.example", false, false},
		{"%zz", false, false},
		{"mailto:", false, false},
	}
	for _, tt := range tests {
		external, ok := checkHref(tt.href)
		if ok != tt.ok || ok && external != tt.external {
			t.Errorf("checkHref(%q) = %v, %v; want %v, %v", tt.href, external, ok, tt.external, tt.ok)
		}
	}
}

func TestRender(t *testing.T) {
	tests := []struct{ name, title, in, want string }{
		{"title is the page's", "Privacy policy", "# Privacy *policy*\n\nx", "<p>x</p>\n"},
		{"another first heading stays", "Other", "# Privacy\n\nx", "<h2 id=\"s-privacy\">Privacy</h2>\n<p>x</p>\n"},
		{"levels without holes", "T", "#### a\n\n### b\n\n###### c\n\n# d", "<h2 id=\"s-a\">a</h2>\n<h3 id=\"s-b\">b</h3>\n<h4 id=\"s-c\">c</h4>\n<h2 id=\"s-d\">d</h2>\n"},
		{"same headings", "T", "# a\n\n# A!\n\n# ?!", "<h2 id=\"s-a\">a</h2>\n<h2 id=\"s-a-2\">A!</h2>\n<h2 id=\"s-section\">?!</h2>\n"},
		{"empty heading", "T", "#\n\nx", "<p>x</p>\n"},
		{"link out", "T", "[a](https://a.example)", `<p><a href="https://a.example" rel="nofollow noopener noreferrer">a</a></p>` + "\n"},
		{"link within the site", "T", "[a](/b)", "<p><a href=\"/b\">a</a></p>\n"},
		{"bare addresses", "T", "a@b.example, https://c.example.", `<p><a href="mailto:a@b.example">a@b.example</a>, <a href="https://c.example" rel="nofollow noopener noreferrer">https://c.example</a>.</p>` + "\n"},
		{"place on the page", "T", "# Our cookies\n\n[a](#our-cookies) [b](#old)", "<h2 id=\"s-our-cookies\">Our cookies</h2>\n<p><a href=\"#s-our-cookies\">a</a> b</p>\n"},
		{"picture", "T", "a ![the *logo*](https://a.example/l.png)", "<p>a the <em>logo</em></p>\n"},
		{"stray tags", "T", "a <b>b</b> <a name=x></a>c", "<p>a b c</p>\n"},
		{"stray block", "T", "<div>a<script>x()</script><p>b</div>", "<p>a   b</p>\n"},
		{"numbered on", "T", "3. a\n4. b", "<ol start=\"3\">\n<li>a</li>\n<li>b</li>\n</ol>\n"},
		{"escapes", "T", "a < b & \"c\" 'd'", "<p>a &lt; b &amp; &#34;c&#34; &#39;d&#39;</p>\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Render(Text{Title: tt.title, Markdown: tt.in})
			if err != nil {
				t.Fatal(err)
			}
			if strings.Join(strings.Fields(r.HTML), " ") != strings.Join(strings.Fields(tt.want), " ") {
				t.Errorf("got  %q\nwant %q", r.HTML, tt.want)
			}
			if again, _ := Render(Text{Title: tt.title, Markdown: tt.in}); again.HTML != r.HTML {
				t.Error("another rendering of the same text")
			}
		})
	}
}

func TestHeadingsAreListed(t *testing.T) {
	r, err := Render(Text{Title: "T", Markdown: "## Über *uns*\n\n1. #### ملفات\n"})
	if err != nil {
		t.Fatal(err)
	}
	want := []Heading{{2, "s-über-uns", "Über uns"}, {3, "s-ملفات", "ملفات"}}
	if !slices.Equal(r.Headings, want) {
		t.Errorf("headings %v, want %v", r.Headings, want)
	}
	for _, h := range want {
		if !strings.Contains(r.HTML, `id="`+h.ID+`"`) {
			t.Errorf("no id %q in %s", h.ID, r.HTML)
		}
	}
}
