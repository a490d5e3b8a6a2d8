package policyversions

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/volenti-consent/volenti/server/canonical"
)

var update = flag.Bool("update", false, "write the golden files anew")

// letters is s without all that is neither letter nor digit: what importing may
// never change, whatever it does to the shape of a text.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, norm.NFD.String(s))
}

func mustImport(t testing.TB, raw, name string) Draft {
	t.Helper()
	d, err := Import([]byte(raw), name)
	if err != nil {
		t.Fatalf("import %q: %v", name, err)
	}
	return d
}

func digestOf(t *testing.T, d Draft) canonical.Digest {
	t.Helper()
	d.Language = "en"
	b, err := d.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	return canonical.Sum(b)
}

// again imports a draft's own text and fails where anything differs.
func again(t *testing.T, d Draft) {
	t.Helper()
	twice := mustImport(t, d.Markdown, "again.md")
	if twice.Markdown != d.Markdown {
		t.Fatalf("importing the text again changes it\nfirst:  %q\nsecond: %q", d.Markdown, twice.Markdown)
	}
	if twice.Title != d.Title || digestOf(t, twice) != digestOf(t, d) {
		t.Fatalf("importing the text again gives another title: %q, then %q", d.Title, twice.Title)
	}
	if len(twice.Changes) != 0 {
		t.Fatalf("importing the text again reports changes: %v", twice.Changes)
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
	}
}

// TestWildTexts imports texts that are wild in the ways of real ones. The golden
// files are the canonical bytes: a change in them changes digests that receipts name.
func TestWildTexts(t *testing.T) {
	files, err := filepath.Glob("testdata/wild/*")
	if err != nil || len(files) < 6 {
		t.Fatalf("the wild texts are missing: %v %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			d := mustImport(t, string(raw), file)
			if !bytes.Equal(d.Original, raw) {
				t.Error("Original is not the bytes that were given")
			}
			again(t, d)
			d.Language = "en"
			canon, err := d.Canonical()
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Base(file)+".json", append(canon, '\n'))
			r, err := Render(d.Text)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Base(file)+".html", []byte(r.HTML))
			assertSafe(t, r.HTML)
			var changes strings.Builder
			for _, c := range d.Changes {
				changes.WriteString(c.What + "\n")
			}
			golden(t, filepath.Base(file)+".changes", []byte(changes.String()))
		})
	}
}

// TestRealTexts imports texts of the shapes that published policies come in out of
// archives and web pages: ours in testdata/shapes, and besides those that a checkout
// has beside it.
func TestRealTexts(t *testing.T) {
	shapes, err := filepath.Glob("testdata/shapes/*-*.md")
	if err != nil || len(shapes) != 5 {
		t.Fatalf("%d texts in testdata/shapes, %v", len(shapes), err)
	}
	beside, _ := filepath.Glob("../../shared/policies/*-*.md")
	for _, file := range append(shapes, beside...) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			d := mustImport(t, string(raw), file)
			again(t, d)
			body := string(raw)
			if len(d.Provenance) > 0 {
				_, body, _ = strings.Cut(body, "\n")
			}
			if letters(d.Markdown) != letters(body) {
				t.Error("the text lost or gained letters")
			}
			if strings.ContainsAny(d.Markdown, "\u00a0•\r\t") || strings.Contains(d.Markdown, "\n\n\n") || strings.Contains(d.Markdown, " \n") {
				t.Error("the text is not tidy")
			}
			r, err := Render(d.Text)
			if err != nil {
				t.Fatal(err)
			}
			assertSafe(t, r.HTML)
			if strings.Contains(r.HTML, "<pre>") {
				t.Error("an indented list came out as a block of code")
			}
			if lists := strings.Count(string(raw), "\n  • ") + strings.Count(string(raw), "\n  * ") + strings.Count(string(raw), "\n    * "); strings.Count(r.HTML, "<li>") < lists {
				t.Errorf("%d list entries rendered, the source has %d", strings.Count(r.HTML, "<li>"), lists)
			}
		})
	}
}

func TestSameWordsSameDigest(t *testing.T) {
	const text = "# Privacy\n\nWe keep nothing – at all.\n\n- no names\n- no numbers\n\nExample Ltd\\\nCork\n"
	want := digestOf(t, mustImport(t, text, "p.md"))
	for name, same := range map[string]string{
		"Windows line ends":  strings.ReplaceAll(text, "\n", "\r\n"),
		"old Mac line ends":  strings.ReplaceAll(text, "\n", "\r"),
		"byte order mark":    "\ufeff" + text,
		"no-break spaces":    strings.ReplaceAll(text, " ", "\u00a0"),
		"blanks at ends":     strings.ReplaceAll(text, "\n", " \n"),
		"more blank lines":   strings.ReplaceAll(text, "\n\n", "\n \n\n\n"),
		"no last line end":   strings.TrimSpace(text),
		"typographic bullet": strings.ReplaceAll(text, "- no", "  • no"),
		"star bullet":        strings.ReplaceAll(text, "- no", "* no"),
		"bullet and dash":    strings.ReplaceAll(text, "- no", " •\u00a0-  no"),
		"word bullet":        strings.ReplaceAll(text, "- no", "\uf0b7\tno"),
		"deep bullets":       strings.ReplaceAll(text, "- no", "      - no"),
		"break by blanks":    strings.ReplaceAll(text, "\\\n", "  \n"),
		"break by tag":       strings.ReplaceAll(text, "\\\n", "<br>\n"),
		"anchor":             strings.ReplaceAll(text, "We keep", `<a name="x"></a>We keep`),
	} {
		if got := digestOf(t, mustImport(t, same, "p.md")); got != want {
			t.Errorf("%s: another digest, of %q", name, mustImport(t, same, "p.md").Markdown)
		}
	}
	for name, other := range map[string]string{
		"one letter":  strings.ReplaceAll(text, "nothing", "Nothing"),
		"one mark":    strings.ReplaceAll(text, "all.", "all!"),
		"dash":        strings.ReplaceAll(text, "–", "-"),
		"emphasis":    strings.ReplaceAll(text, "nothing", "*nothing*"),
		"list order":  strings.ReplaceAll(text, "- no names\n- no numbers", "- no numbers\n- no names"),
		"line break":  strings.ReplaceAll(text, "\\\n", "\n"),
		"new heading": strings.ReplaceAll(text, "We keep", "## We keep"),
	} {
		if digestOf(t, mustImport(t, other, "p.md")) == want {
			t.Errorf("%s: the same digest", name)
		}
	}
	de := mustImport(t, text, "p.md")
	de.Language = "de"
	if b, _ := de.Canonical(); canonical.Sum(b) == want {
		t.Error("another language has the same digest")
	}
}

func TestImportMarkdown(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"list at the fourth column", "Intro:\n\n    * a\n\n    * b\n", "Intro:\n\n- a\n\n- b\n"},
		{"levels of two", "- a\n  - b\n    - c\n- d", "- a\n  - b\n    - c\n- d\n"},
		{"levels of four", "1. a\n    * b\n        * c\n2. d", "1. a\n   - b\n     - c\n2. d\n"},
		{"levels under a number", "1. a\n  - b\n", "1. a\n   - b\n"},
		{"paragraph of an entry", "- a\n\n    more of a\n\nnot a", "- a\n\n  more of a\n\nnot a\n"},
		{"lazy line", "* a\ngoes on", "- a\n  goes on\n"},
		{"heading ends a list", "* a\n# b", "- a\n# b\n"},
		{"numbered heading", "  1. #### A\n\ntext\n\n  2. #### B\ntext", "1. #### A\n\ntext\n\n2. #### B\ntext\n"},
		{"sentence with a number", "as said in section\n5. it holds", "as said in section\n5. it holds\n"},
		{"sentence with a dash", "ours\n– and yours", "ours\n– and yours\n"},
		{"dashes as bullets", "Two:\n\n– a\n– b", "Two:\n\n- a\n- b\n"},
		{"footnote star", "a price\n*\nb", "a price\n*\nb\n"},
		{"emphasis is no bullet", "*a* b\n**c** d", "*a* b\n**c** d\n"},
		{"bullet on its own line", "•\na\n•\nb", "- a\n- b\n"},
		{"number on its own line", "x\n\n1.\n\ny", "x\n\n1.\n\ny\n"},
		{"bullet without text", "a\n\n•\n\nb", "a\n\nb\n"},
		{"rules", "a\n\n- - -\n\nb\n\n___\n\nc\n* * *\nd", "a\n\n***\n\nb\n\n***\n\nc\n***\nd\n"},
		{"underlined heading", "Title\n---\n\nText\n===\nx", "Title\n---\n\nText\n===\nx\n"},
		{"rule after a list", "- a\n---\nb", "- a\n***\nb\n"},
		{"break", "a  \nb  \n\nc  ", "a\\\nb\n\nc\n"},
		{"no break in a table", "| a |  \n| - |  \n| b |  ", "| a |\n| - |\n| b |\n"},
		{"indented address", "To:\n\n    Example Ltd\n    Cork", "To:\n\nExample Ltd\\\nCork\n"},
		{"code block", "```\n  • x\n\n\n  y\n```\n• z", "```\n  • x\n\n\n  y\n```\n- z\n"},
		{"open code block", "~~~\nx\n\n", "~~~\nx\n"},
		{"anchors", `<a name="a"></a># x` + "\n\n" + `see <a id=b>here</a>`, "# x\n\nsee here\n"},
		{"link", `see <a class="x" href="https://a.example/b?c=1&amp;d=2">this</a>.`, "see [this](https://a.example/b?c=1&d=2).\n"},
		{"unsafe link", `see <a href="javascript:x()">this</a>.`, "see this.\n"},
		{"comparison", "5 < 6 and 7 > 3 <https://a.example> `<b>`", "5 < 6 and 7 > 3 <https://a.example> `<b>`\n"},
		{"block", "a\n\n<div class=x>\n<p>b <b>c</b></p><p>d</p>\n</div>\n\ne", "a\n\nb **c**\n\nd\n\ne\n"},
		{"block in a list", "- <p>a</p>\n  <p>b</p>\n- c", "- a\n\n  b\n\n- c\n"},
		{"block in a quotation", "> <p>a</p>\n> <p>b</p>\n\nc", "> a\n>\n> b\n>\n>\n\nc\n"},
		{"words stay apart", "a</p><p>b", "a  b\n"},
		{"script", "a <script>x()</script> b\n\n<script>\ny()\n</script>", "a  b\n"},
		{"comment", "a <!-- x --> b\n\n<!-- y -->", "a  b\n"},
		{"nested disguise", "<<b>i>x</i>", "x\n"},
		{"override", "a \u202eb\u202c", "a b\u202c\n"},
		{"composed", "u\u0308", "ü\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := mustImport(t, tt.in, "p.md")
			if d.Markdown != tt.want {
				t.Errorf("got  %q\nwant %q", d.Markdown, tt.want)
			}
			again(t, d)
		})
	}
}

func TestImportPlainTextShowsItself(t *testing.T) {
	const in = "Privacy\n\nOur *file* is [not] _here_ but in __init__ and a_b: <b> &amp; C:\\x `y` ~~z~~\n# not a heading\n| a | b |\n|---|---|\n\nhttps://a.example/b_c_d?e=f_g and me_too@a.example"
	d := mustImport(t, in, "p.txt")
	if d.Format != "markdown" { // "# not a heading" reads as Markdown: the file says so
		t.Fatalf("format %q", d.Format)
	}
	in2 := strings.Replace(in, "\n# not a heading", "", 1)
	d = mustImport(t, in2, "p.txt")
	if d.Format != "text" {
		t.Fatalf("format %q", d.Format)
	}
	again(t, d)
	r, err := Render(d.Text)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(strings.Fields(visible(t, r.HTML)), " "), strings.Join(strings.Fields(in2), " "); got != want {
		t.Errorf("the page shows %q\nthe text says %q", got, want)
	}
	for _, href := range []string{`href="https://a.example/b_c_d?e=f_g"`, `href="mailto:me_too@a.example"`} {
		if !strings.Contains(r.HTML, href) {
			t.Errorf("no %s in %s", href, r.HTML)
		}
	}
}

func TestFormatOf(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"a.md", "x", "markdown"},
		{"a.MARKDOWN", "x", "markdown"},
		{"a.txt", "x", "text"},
		{"a", "x", "text"},
		{"a.txt", "# x", "markdown"},
		{"a.txt", "see [x](y)", "markdown"},
		{"a.htm", "x", "html"},
		{"a", "<!DOCTYPE html><p>x", "html"},
		{"a.txt", "\n<!-- saved -->\n<html><p>x", "html"},
		{"a.md", "<p>x</p>\n\n# y", "markdown"},
		{"a.md", "<html><p>x</p></html>", "html"},
	}
	for _, tt := range tests {
		if got := formatOf(tt.name, tt.text); got != tt.want {
			t.Errorf("formatOf(%q, %q) = %q, want %q", tt.name, tt.text, got, tt.want)
		}
	}
}

func TestImportHTMLReportsWhatItLeavesOut(t *testing.T) {
	raw, err := os.ReadFile("testdata/wild/page.html")
	if err != nil {
		t.Fatal(err)
	}
	d := mustImport(t, string(raw), "page.html")
	for _, want := range []Change{{"<nav> left out", 1}, {"<script> left out", 2}, {"<style> left out", 1}, {"<iframe> left out", 1}, {"<button> left out", 1}, {droppedOutside, 3}} {
		if !slices.Contains(d.Changes, want) {
			t.Errorf("%v is not among the changes %v", want, d.Changes)
		}
	}
	if d.Title != "Privacy & cookies" {
		t.Errorf("title %q", d.Title)
	}
	if strings.Contains(d.Markdown, "Home") || strings.Contains(d.Markdown, "track") {
		t.Errorf("menu or script in the text: %s", d.Markdown)
	}
}

func TestTitle(t *testing.T) {
	long := strings.Repeat("word ", 60)
	tests := []struct{ name, in, want string }{
		{"a.md", "Updated: May\n\n## Privacy *policy* &amp; \\[more\\]\n", "Privacy policy & [more]"},
		{"a.md", "# \n\n# Second\n", "Second"},
		{"a.md", "First\nsecond\n", "First"},
		{"a.md", "***\n\n1. Item\n", "Item"},
		{"a.md", "# a&#8238;b &nbsp; c", "ab c"},
		{"a.md", long, strings.TrimSpace(strings.Repeat("word ", 31)) + "…"},
		{"a.html", "<title>Shop | Privacy</title><p>x", "Shop | Privacy"},
		{"a.md", "---\ntitle: 'T'\n---\ntext", "T"},
		{"a.md", "```\ncode\n```", "code"},
	}
	for _, tt := range tests {
		d := mustImport(t, tt.in, tt.name)
		if d.Title != tt.want {
			t.Errorf("title of %q is %q, want %q", tt.in, d.Title, tt.want)
		}
		again(t, d)
	}
}

func TestSetAside(t *testing.T) {
	const notice = "> *The following text is extracted and transformed from the a.example privacy policy that was archived on 2020-01-02. Please check it.*\n\n"
	d := mustImport(t, notice+"# P\n\ntext", "a.txt")
	if d.Markdown != "# P\n\ntext\n" || len(d.Provenance) != 1 || !strings.HasPrefix(d.Provenance[0], "The following text") {
		t.Errorf("notice: %q, %q", d.Markdown, d.Provenance)
	}
	d = mustImport(t, "# P\n\n"+notice, "a.md")
	if len(d.Provenance) != 0 || !strings.Contains(d.Markdown, "extracted") {
		t.Errorf("a notice within the text is part of it: %q", d.Markdown)
	}
	d = mustImport(t, "---\nLast updated: May 2020\n---\n\ntext", "a.md")
	if !strings.Contains(d.Markdown, "Last updated: May 2020") {
		t.Errorf("a line of the policy was taken for front matter: %q", d.Markdown)
	}
	d = mustImport(t, "---\nlayout: page\n", "a.md")
	if !strings.Contains(d.Markdown, "layout: page") {
		t.Errorf("front matter that does not end: %q", d.Markdown)
	}
}

func TestImportRefuses(t *testing.T) {
	tests := []struct {
		name, in string
		want     error
	}{
		{"a.md", "", ErrEmpty},
		{"a.md", " \n\u00a0\n***\n", ErrEmpty},
		{"a.html", "<script>x()</script>", ErrEmpty},
		{"a.md", "one\ntwo \xff", ErrEncoding},
		{"a.txt", "\xff\xfea\x00", ErrEncoding},
		{"a.md", strings.Repeat("a", MaxOriginal+1), ErrTooLarge},
		{"a.md", strings.Repeat(">", 1000) + "a", ErrTooDeep},
		{"a.md", strings.Repeat("- ", 1000) + "a", ErrTooDeep},
		{"a.md", strings.Repeat("1. ", 1000) + "a", ErrTooDeep},
		{"a.md", strings.Repeat("[a](", 5000), ErrTooMuchMarkup},
		{"a.md", "x" + strings.Repeat("<a href=b>", 5000), ErrTooMuchMarkup},
		{"a.html", strings.Repeat("<div>", 1000) + "a", ErrTooDeep},
		{"a.md", strings.Repeat("<div>", 300) + "a", ErrTooDeep},
	}
	for _, tt := range tests {
		if _, err := Import([]byte(tt.in), tt.name); !errors.Is(err, tt.want) {
			t.Errorf("import of %.20q…: %v, want %v", tt.in, err, tt.want)
		}
	}
	if _, err := Import([]byte("one\ntwo \xff"), "a.md"); !strings.Contains(err.Error(), "line 2") {
		t.Errorf("the error does not say where: %v", err)
	}
}

// TestRepetition feeds each step what would make it work in the square of the
// length. There is no stopwatch: at this size, squared, it would not end in time.
func TestRepetition(t *testing.T) {
	for _, piece := range []string{
		"[", "*a ", "**a *", "<", "`", "`a``", "[a](", "![", "a\n", "- a\n", "<a href=x>b ", "<a href=x>b</a> ", "<b>x ", "<script> ",
		"<!-- ", "_a_ ", "~~a ", "&amp;", "|a", "|a\n|-\n", "> a\n", "\\", "# a\n", "[a]: b\n", "[a] ", "a<br>\n", "http://a.b ", "a@b.c ",
		"  - a\n", "a  \n", "</a> ", "• ", "e\u0301",
	} {
		in := "x " + strings.Repeat(piece, MaxOriginal/len(piece)/32)
		d, err := Import([]byte(in), "a.md")
		if errors.Is(err, ErrTooMuchMarkup) || errors.Is(err, ErrTooDeep) {
			continue
		}
		if err != nil {
			t.Fatalf("%q: %v", piece, err)
		}
		if _, err := Render(d.Text); err != nil {
			t.Fatalf("%q: %v", piece, err)
		}
	}
}
