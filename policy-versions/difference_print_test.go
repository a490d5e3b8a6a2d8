package policyversions

import (
	"strings"
	"testing"
)

func TestPrintDifference(t *testing.T) {
	before := "# Privacy\n\nWho we are.\n\n## Orders\n\nWe keep orders for seven years.\n\nThe law asks for it.\n\n## Cookies\n\nWe set one for the cart and one for the language.\n\n- cart\n- language\n\n## Rights\n\nAsk us.\n"
	after := "# Privacy\n\nWho we are.\n\n## Orders\n\nWe keep orders for five years.\n\nThe law asks for it.\n\n## Rights\n\nAsk us.\n\n## Cookies\n\nWe set one for the cart and one for the language.\n\n- cart\n- language\n- theme\n"
	d := compare(t, before, after)
	for name, c := range map[string]struct {
		print DifferencePrint
		want  string
	}{
		"plain": {DifferencePrint{Before: "privacy 3", After: "privacy 4"}, `--- privacy 3
+++ privacy 4
@@ Orders @@
  ## Orders
~ We keep orders for [-seven-]{+five+} years.
  The law asks for it.
> ## Rights
> Ask us.
  ## Cookies
@@ Cookies @@
  - language
< ## Rights
< Ask us.
+ - theme
`},
	} {
		var b strings.Builder
		if err := d.Print(&b, c.print); err != nil {
			t.Fatal(err)
		}
		if b.String() != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, b.String(), c.want)
		}
	}
	var b strings.Builder
	_ = d.Print(&b, DifferencePrint{Colour: true})
	if got := b.String(); !strings.Contains(got, "\x1b[31;9mseven\x1b[0m\x1b[32mfive\x1b[0m years") || strings.Contains(got, "[-") {
		t.Errorf("in colour:\n%q", got)
	}
	b.Reset()
	_ = compare(t, "We \x1b]0;title\x07 ask\n", "We \x1b[2J tell\n").Print(&b, DifferencePrint{})
	if strings.ContainsAny(b.String(), "\x1b\x07") {
		t.Errorf("it orders the terminal about: %q", b.String())
	}
	b.Reset()
	long := strings.Repeat("word ", 300)
	_ = compare(t, long+"old "+long+"\n", long+"new "+long+"\n").Print(&b, DifferencePrint{})
	if n := len(strings.Fields(b.String())); n > 60 || !strings.Contains(b.String(), "… ") {
		t.Errorf("%d words are shown around one that changed", n)
	}
	b.Reset()
	_ = compare(t, long+"\n\nold\n", long+"\n\nnew\n").Print(&b, DifferencePrint{})
	if n := len(strings.Fields(b.String())); n > 40 {
		t.Errorf("%d words are shown beside a line that changed", n)
	}
	b.Reset()
	_ = compare(t, before, before).Print(&b, DifferencePrint{})
	if b.Len() > 0 {
		t.Errorf("nothing differs:\n%s", b.String())
	}
}
