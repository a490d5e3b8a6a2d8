package notice

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what was made (-update writes it anew):\n%s", path, got)
	}
}

// documented is the example of the documentation.
func documented(t testing.TB) []byte {
	t.Helper()
	doc, err := os.ReadFile("../../docs/notice-file.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, ok := bytes.Cut(doc, []byte("```toml\n"))
	example, _, ok2 := bytes.Cut(example, []byte("```\n"))
	if !ok || !ok2 {
		t.Fatal("docs/notice-file.md has no example")
	}
	return example
}

// shop is the notice of the documentation's example, for tests to spoil.
func shop(t testing.TB) *Notice {
	t.Helper()
	n, issues := Parse(documented(t), "shop.toml")
	if len(issues) > 0 {
		t.Fatalf("the documentation's example has issues: %v", issues)
	}
	return n
}

func report(issues []Issue) []byte {
	var b bytes.Buffer
	for _, i := range issues {
		b.WriteString(string(i.Severity) + ": " + i.String() + "\n")
	}
	return b.Bytes()
}

func TestParseReportsAllMistakesByLine(t *testing.T) {
	for _, file := range []string{"mistakes.toml", "mistakes.yaml"} {
		b, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		n, issues := Parse(b, file)
		if n != nil {
			t.Errorf("%s: a notice came out of it", file)
		}
		for _, i := range issues {
			if i.What == "" || i.Remedy == "" || i.Path == "" || i.Line == 0 {
				t.Errorf("%s: %+v lacks path, line, what or remedy", file, i)
			}
		}
		golden(t, strings.Replace(file, ".", "_", 1)+".golden", report(issues))
	}
}

func TestParseYAMLAsTOML(t *testing.T) {
	b, err := os.ReadFile("testdata/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	n, issues := Parse(b, "shop.yaml")
	if len(issues) > 0 {
		t.Fatalf("%s", report(issues))
	}
	got, err := n.Encode()
	if err != nil {
		t.Fatal(err)
	}
	want, err := shop(t).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("testdata/shop.yaml is not the notice of docs/notice-file.md any more")
	}
}

// Windows ends lines with two characters; they are one line end.
func TestParseCountsLinesOfWindows(t *testing.T) {
	for _, file := range []string{"mistakes.toml", "mistakes.yaml"} {
		b, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		_, want := Parse(b, file)
		_, got := Parse(bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")), file)
		if !bytes.Equal(report(got), report(want)) {
			t.Errorf("%s: got\n%s", file, report(got))
		}
	}
}

const least = `
site = "shop"
languages = "en"
origins = "https://shop.example"
[controller]
name = "Shop"
address = "Vienna"
contact = "a@shop.example"
establishment = "AT"
[[vendor]]
key = "v"
name = "V"
category = "analytics"
`

func TestParseFillsInDefaults(t *testing.T) {
	n, issues := Parse([]byte(least), "")
	if len(issues) > 0 {
		t.Fatalf("%s", report(issues))
	}
	if n.Validity != 6 || n.Posture != "cautious" || n.DNT != "ignore" || !slices.Equal(n.Policies, []string{"privacy"}) {
		t.Errorf("validity %d, posture %s, dnt %s, policies %v", n.Validity, n.Posture, n.DNT, n.Policies)
	}
	if n.Google != (Google{Mode: "off", WaitForUpdate: 500}) {
		t.Errorf("google %+v", n.Google)
	}
	if n.Look != (Look{Accent: "#1d4ed8", Position: "bottom", Theme: "auto", Reopen: "start", Radius: 8}) {
		t.Errorf("look %+v", n.Look)
	}
	if got := []string{n.Categories[0].Key, n.Categories[1].Key}; len(n.Categories) != 2 || got[0] != Necessary || got[1] != Analytics {
		t.Errorf("categories %+v, want necessary and the one its vendor names", n.Categories)
	}
}

func TestParseOwnCategory(t *testing.T) {
	n, issues := Parse([]byte(least+`
[[category]]
key = "analytics"
[[category]]
key = "chat"
label = "  Live
" 
`), "notice.toml")
	if n != nil || len(issues) == 0 {
		t.Error("a text with a line break in plain quotes is not TOML")
	}
	n, issues = Parse([]byte(least+`
[[category]]
key = "analytics"
[[category]]
key = "chat"
label = """
  Live
  chat
"""
about = { en = "Cafe\u0301." }
`), "notice.toml")
	if n == nil {
		t.Fatalf("%s", report(issues))
	}
	chat := n.Categories[1]
	if chat.Like != Marketing {
		t.Errorf("like %q, want the strictest", chat.Like)
	}
	if chat.Label["en"] != "Live chat" || chat.About["en"] != "Café." {
		t.Errorf("label %q, about %q: want one line, in normalization form C", chat.Label["en"], chat.About["en"])
	}
}

func TestParseRefusesWholeFiles(t *testing.T) {
	tests := []struct{ name, file, text, line, what string }{
		{"nothing", "a.toml", "", "", "is missing"},
		{"nothing in YAML", "a.yaml", "# only a comment\n", "", "is missing"},
		{"not TOML", "a.toml", "site = \"shop\"\nlanguages = [\n", "line 2", "not TOML"},
		{"a key twice in TOML", "a.toml", "site = \"a\"\n\nsite = \"b\"\n", "line 3", "already been defined"},
		{"not YAML", "a.yaml", "site: shop\nlanguages: [en\norigins: x\n", "line", "not YAML"},
		{"a key twice in YAML", "a.yaml", "site: a\ndnt: ignore\nsite: b\n", "line 3", "already defined"},
		{"a key twice, once in quotes", "a.yaml", "wording:\n  en:\n    ok: a\n    'ok': b\n", "line 4", ""},
		{"a list for a file", "a.yaml", "- site\n", "line 1", "not a table"},
		{"two documents", "a.yaml", "site: a\n---\nsite: b\n", "line 3", "more than one document"},
		{"an anchor", "a.yaml", "site: &s shop\nlanguages: [*s]\n", "line 1", "anchors"},
		{"a merge key", "a.yaml", "look:\n  <<: {radius: 4}\n", "line 2", "merge keys"},
		{"a tag", "a.yaml", "site: !!binary c2hvcA==\n", "line 1", "tags"},
		{"Latin-1", "a.toml", "site = \"shop\"\n# Sch\xf6n\n", "line 2", "not UTF-8"},
		{"too long", "a.toml", "# " + strings.Repeat("x", maxFile), "", "bytes"},
		{"too deep", "a.yaml", "site: " + strings.Repeat("[", 100_000), "", "too deep"},
		{"too deep in dashes", "a.yaml", strings.Repeat("- ", 100_000), "", "too deep"},
		{"too deep in dots", "a.toml", "[a" + strings.Repeat(`."a"`, 100_000) + "]", "", "too deep"},
		{"too many lines", "a.yaml", strings.Repeat("\n", maxLines+1), "", "too long"},
		{"an endless line", "a.yaml", "site: " + strings.Repeat("a", maxLine), "", "too long"},
		{"too deep in TOML", "a.toml", "site = " + strings.Repeat("[", 100_000), "", "too deep"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n, issues := Parse([]byte(test.text), test.file)
			if n != nil {
				t.Fatal("a notice came out of it")
			}
			if got := string(report(issues)); !strings.Contains(got, test.what) || !strings.Contains(got, test.line) {
				t.Errorf("got\n%swant %q at %q", got, test.what, test.line)
			}
		})
	}
}

func TestParseListsNoMoreThanAnybodyMends(t *testing.T) {
	var file strings.Builder
	for i := range 2000 {
		file.WriteString("k" + strconv.Itoa(i) + " = 1\n")
	}
	n, issues := Parse([]byte(file.String()), "x.toml")
	if n != nil || len(issues) != maxIssues+1 || !strings.Contains(issues[maxIssues].What, "more issues") {
		t.Errorf("%d issues, the last %v", len(issues), issues[len(issues)-1])
	}
}

// A divider in a comment is no nesting.
func TestParseSkipsComments(t *testing.T) {
	divider := "# " + strings.Repeat("[{.-", 100) + "\n"
	if n, issues := Parse([]byte(divider+least+divider), "x.toml"); n == nil || len(issues) > 0 {
		t.Errorf("%s", report(issues))
	}
}

func TestParseSeesTheFormat(t *testing.T) {
	for text, want := range map[string]string{
		"site = 'a'\n":                      "toml",
		"# a: comment\n\n[controller]\n":    "toml",
		"site: a\n":                         "yaml",
		"---\nsite: a\n":                    "yaml",
		`{"site": "a=b"}`:                   "yaml",
		"site: 'https://a.example/?b=c'\n":  "yaml",
		"origins = ['https://a.example']\n": "toml",
	} {
		if got := format([]byte(text), "notice"); got != want {
			t.Errorf("%q was taken for %s", text, got)
		}
	}
	if format([]byte("site: a"), "x.TOML") != "toml" || format([]byte("site = 1"), "x.json") != "yaml" {
		t.Error("the file's name does not decide")
	}
}

// Every value of a TOML file has its line, and the line is the one it is on.
func TestTOMLLines(t *testing.T) {
	const text = `# one
top = 1 # two
"quoted key" = '''
three '' to
five''''
dotted.a.b = [ 1, # six
  """
eight
\"""" , { x = 1, y = [2] },
  1979-05-27 07:32:00, # ten
]

[plain] # twelve
k = "a # no comment"
[ plain . "sub table" ]
k = { a.b = 1,
  c = "\\" } # sixteen

[[list]]
k = """\
  20 \
  21"""
  [[list.inner]]
  k = 20
  [[list.inner]]
  k = 22
  [list.inner.deep]
  k = 24
[[list]]
  [[list.inner]]
  k = 27
`
	s := readSource([]byte(text), "x.toml")
	if len(s.issues) > 0 {
		t.Fatal(s.issues)
	}
	for path, want := range map[string]int{
		"top": 2, "['quoted key']": 3, "dotted": 6, "dotted.a.b": 6, "dotted.a.b[0]": 6, "dotted.a.b[1]": 7,
		"dotted.a.b[2].x": 9, "dotted.a.b[2].y[0]": 9, "dotted.a.b[3]": 10, "plain.k": 14, "plain['sub table']": 15,
		"plain['sub table'].k.a.b": 16, "plain['sub table'].k.c": 17, "list[0].k": 20, "list[0].inner[0].k": 24,
		"list[0].inner[1].k": 26, "list[0].inner[1].deep.k": 28, "list[1]": 29, "list[1].inner[0].k": 31,
	} {
		if got := s.lines[path]; got != want {
			t.Errorf("%s is said to be on line %d, want %d", path, got, want)
		}
	}
	everyValueHasALine(t, s)
}

func TestYAMLLines(t *testing.T) {
	const text = `# one

top: 1 # three
block: |
  five

  seven
folded: >-
  nine
  ten
"quoted key": "twelve
  thirteen"
plain: fourteen
  fifteen
list:
  # seventeen
  - a
  -
    key: twenty
    inner:
      - {x: 1, y: [2,
          3]}
  - - nested
last: {a: 1,
  b: 2}
`
	s := readSource([]byte(text), "x.yaml")
	if len(s.issues) > 0 {
		t.Fatal(s.issues)
	}
	for path, want := range map[string]int{
		"top": 3, "block": 4, "folded": 8, "['quoted key']": 11, "plain": 13, "list": 15, "list[0]": 17, "list[1].key": 19,
		"list[1].inner[0].x": 21, "list[1].inner[0].y[1]": 22, "list[2][0]": 23, "last": 24, "last.b": 25,
	} {
		if got := s.lines[path]; got != want {
			t.Errorf("%s is said to be on line %d, want %d", path, got, want)
		}
	}
	everyValueHasALine(t, s)
}

func everyValueHasALine(t *testing.T, s *source) {
	t.Helper()
	var walk func(path string, v any)
	walk = func(path string, v any) {
		if s.lines[path] == 0 && path != "" {
			t.Errorf("%s has no line", path)
		}
		switch v := v.(type) {
		case map[string]any:
			for key, value := range v {
				walk(member(path, key), value)
			}
		case []any:
			for i, value := range v {
				walk(path+"["+strconv.Itoa(i)+"]", value)
			}
		}
	}
	walk("", s.root)
}

func FuzzParse(f *testing.F) {
	for _, file := range []string{"mistakes.toml", "mistakes.yaml", "shop.yaml"} {
		b, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, strings.HasSuffix(file, ".toml"))
	}
	f.Add(documented(f), true)
	f.Add([]byte(least), true)
	f.Add([]byte("a = { b = '''\n''' , c.d = [[1],[2]] }\n[[x.y]]\n[x.y.z]\n\"\\u00e4\" = 1"), true)
	f.Fuzz(func(t *testing.T, file []byte, isTOML bool) {
		name := "f.yaml"
		if isTOML {
			name = "f.toml"
		}
		if s := readSource(file, name); isTOML && len(s.issues) == 0 {
			everyValueHasALine(t, s)
		}
		n, issues := Parse(file, name)
		if (n == nil) != Failed(issues) {
			t.Fatalf("notice %v with issues %v", n != nil, issues)
		}
		lines := bytes.Count(file, []byte("\n")) + bytes.Count(file, []byte("\r")) + 1 // to YAML, either ends a line
		for _, i := range issues {
			if i.What == "" || i.Remedy == "" || i.Line < 0 || i.Line > lines {
				t.Errorf("%+v in a file of %d lines", i, lines)
			}
		}
		if n == nil {
			return
		}
		b, err := n.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		if b2, err := again.Encode(); err != nil || !bytes.Equal(b, b2) {
			t.Errorf("read and written again it is\n%s\n%s (%v)", b, b2, err)
		}
	})
}
