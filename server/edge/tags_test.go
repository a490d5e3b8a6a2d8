package edge

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// A snippet is what a vendor gives sites to paste, in the shape that is in use.
type snippet struct {
	name, host, note string
	markup           string
}

// snippets reads testdata/tags.txt, which banner/test/e2e/edge.test.mjs opens in
// a browser.
func snippets(t *testing.T) (all []snippet) {
	t.Helper()
	b, err := os.ReadFile("testdata/tags.txt")
	if err != nil {
		t.Fatal(err)
	}
	for block := range strings.SplitSeq("\n"+string(b), "\n== ") {
		head, markup, _ := strings.Cut(block, "\n")
		if head == "" {
			continue
		}
		part := strings.Split(head+" | ", " | ")
		all = append(all, snippet{part[0], part[1], part[2], strings.TrimRight(markup, "\n")})
	}
	return all
}

func TestTagsOfTheWebAreHeld(t *testing.T) {
	none, free := shopPage(t, Nothing{}), shopPage(t, granted{"preferences", "analytics", "marketing"})
	held := 0
	for _, s := range snippets(t) {
		if got := rewrite(free, s.markup, 0); got != s.markup {
			t.Errorf("%s: changed though everything is granted\n%s", s.name, got)
		}
		out := rewrite(none, s.markup, 0)
		if again := rewrite(none, out, 0); again != out {
			t.Errorf("%s: not the same when rewritten again\n%s\n%s", s.name, out, again)
		}
		if s.note == "essential" {
			if out != s.markup {
				t.Errorf("%s: held though it is essential\n%s", s.name, out)
			}
			continue
		}
		held++
		if out == s.markup {
			t.Errorf("%s: not held\n%s", s.name, out)
		}
		for _, scripting := range []bool{true, false} {
			tree, err := html.ParseWithOptions(strings.NewReader(out), html.ParseOptionEnableScripting(scripting))
			if err != nil {
				t.Fatal(err)
			}
			for n := range tree.Descendants() {
				if where := live(n, s.host); where != "" {
					t.Errorf("%s: still in %s\n%s", s.name, where, out)
				}
			}
		}
	}
	if held < 69 {
		t.Errorf("%d tags, want at least 69", held)
	}
}

// live says where a browser would find the host in an element.
func live(n *html.Node, host string) string {
	inert := false
	for _, a := range n.Attr {
		inert = inert || n.Data == "script" && a.Key == "type" && a.Val == "text/plain"
	}
	for _, a := range n.Attr {
		fetches := fetching[n.Data][a.Key] != nothing || a.Key == "style" || strings.HasPrefix(a.Key, "on") || a.Key == "href" && n.Namespace != ""
		if fetches && !inert && strings.Contains(strings.ToLower(a.Val), host) {
			return n.Data + " " + a.Key
		}
	}
	within := n.Parent != nil && (n.Parent.Data == "script" || n.Parent.Data == "style") && n.Type == html.TextNode
	if !within || !strings.Contains(n.Data, host) {
		return ""
	}
	for p := n.Parent; p != nil; p = p.Parent {
		if p.Data == "template" && p.Namespace == "" {
			return ""
		}
		for _, a := range p.Attr {
			if a.Key == "type" && a.Val == "text/plain" {
				return ""
			}
		}
	}
	return "the text of " + n.Parent.Data
}
