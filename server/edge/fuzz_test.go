package edge

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"pgregory.net/rapid"
)

// FuzzWriter holds the Writer to what must be true of any page.
func FuzzWriter(f *testing.F) {
	for _, seed := range []string{
		`<p>Lamps</p><script src="https://tracker.example/t.js"></script>`,
		`<svg><style><![CDATA[<]]></style></svg><noscript><img src=//tracker.example></noscript>`,
		`<svg><foreignObject><p></svg><title><!--</title>`, `<select><style></select><img src=//tracker.example></style>`,
		`<script><!-- <1 <script></script> <!-- </script><img src=//tracker.example>-->`,
		`<iframe srcdoc="&lt;img src=//tracker.example>" style="a:url(//tracker.example)">`,
		`<base href=//tracker.example><img srcset="a 1x, b 2x"><template><col><style></template>`,
		`<math><mi><mglyph><annotation-xml encoding=text/html><svg></math><plaintext>`,
		"<img/=/src=//tracker.example\x00 a=\"&copy=\"><![CDATA[><!doctype \">",
	} {
		f.Add([]byte(seed), uint8(3))
	}
	f.Fuzz(func(t *testing.T, in []byte, size uint8) { sound(t, string(in), int(size%17)) })
}

// Random bytes seldom nest. These pieces, in any order, do.
func TestAnyNesting(t *testing.T) {
	pieces := strings.Split("<svg>|</svg>|<svg/>|<math>|</math>|<mi>|</mi>|<mglyph>|<annotation-xml encoding=text/html>|<annotation-xml>|<foreignObject>|</foreignObject>|<desc>|</desc>|<title>|</title>|<style>|</style>|<script>|</script>|<textarea>|</textarea>|<noscript>|</noscript>|<select>|</select>|<option>|<template>|</template>|<col>|<colgroup>|<table>|</table>|<tr>|<td>|</td>|<caption>|<frameset>|<frame src=//tracker.example>|<p>|</p>|<b>|</b>|<div>|</div>|<a>|<font color=x>|<br>|</br>|<xmp>|</xmp>|<iframe>|</iframe>|<noembed>|<noframes>|</noframes>|<plaintext>|<!--|-->|<![CDATA[|]]>|<!doctype html>|<html>|<head>|</head>|<body>|</body>|text|\"|'| title=\"|<i title='|>|<1 |<img src=//tracker.example>|<input>|<form>|<button>|<li>|<h1>|<ruby><rt>|<object data=//tracker.example>|<base href=//tracker.example>|<img src=x>", "|")
	rapid.Check(t, func(r *rapid.T) {
		in := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 14).Draw(r, "page"), "")
		sound(r, in, rapid.IntRange(0, 9).Draw(r, "size"))
	})
}

// sound is what must be true of any page.
func sound(t failing, in string, size int) {
	t.Helper()
	none := shopPage(t, Nothing{})
	out := rewrite(none, in, size)
	if whole := rewrite(none, in, 0); whole != out {
		t.Errorf("in pieces of %d it is another page\n%q\n%q\n%q", size, in, out, whole)
	}
	if again := rewrite(none, out, 0); again != out {
		t.Errorf("not the same when rewritten again\n%q\n%q\n%q", in, out, again)
	}
	if strings.IndexByte(in, '<') < 0 && out != in {
		t.Errorf("text was changed\n%q", out)
	}
	for _, scripting := range []bool{true, false} {
		tree, err := html.ParseWithOptions(strings.NewReader(out), html.ParseOptionEnableScripting(scripting))
		if err != nil {
			continue // nested too deep for that parser
		}
		p := none
		for n := range tree.Descendants() {
			for _, a := range n.Attr {
				if n.Data == "base" && a.Key == "href" {
					p.base(a.Val)
				}
			}
		}
		for n := range tree.Descendants() {
			for _, a := range n.Attr {
				var f finding
				loads := fetching[n.Data][a.Key] == reference && n.Data != "link" && n.Data != "input" && n.Data != "script"
				if loads && !ownMark(n) && p.reference(a.Val, &f) {
					t.Errorf("with scripting %v, <%s %s=%q> is there\n%q\n%q", scripting, n.Data, a.Key, a.Val, in, out)
				}
			}
		}
	}
}

// ownMark reports whether an element is marked by the page, which may free it.
func ownMark(n *html.Node) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "data-category" })
}

// FuzzTag holds the reader of tags to the tokenizer's, which is another's.
func FuzzTag(f *testing.F) {
	for _, seed := range []string{`<a b=c d="e" f='g' h i=/>`, `<a/=/b==c"d'>`, "<A\tB\n=\r\"&amp;&copy=\"\f/>", `<a b=c b=d B>`, "<a \x00b\x00=\x00>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		z := html.NewTokenizer(strings.NewReader(in))
		for {
			kind := z.Next()
			if kind == html.ErrorToken {
				return
			}
			if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
				continue
			}
			raw := bytes.Clone(z.Raw())
			token := z.Token()
			var got tag
			if !readTag(&got, raw) {
				t.Fatalf("%q is no tag", raw)
			}
			nul := strings.NewReplacer("\x00", "�")
			if nul.Replace(got.name) != token.Data {
				t.Errorf("%q: name %q, want %q", raw, got.name, token.Data)
			}
			if len(got.attrs) != len(token.Attr) {
				t.Fatalf("%q: attributes %+v, want %v", raw, got.attrs, token.Attr)
			}
			for i, a := range got.attrs {
				value := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(nul.Replace(string(raw[a.value:max(a.value, a.valueEnd)])))
				if nul.Replace(a.name) != token.Attr[i].Key || a.value > 0 && !strings.Contains(value, "&") && value != token.Attr[i].Val {
					t.Errorf("%q: attribute %q=%q, want %v", raw, a.name, value, token.Attr[i])
				}
			}
			e := edit{first: ` data-x="y"`}
			if len(got.attrs) > 0 {
				e.renamed(got.attrs[0].name, "data-z")
			}
			changed := e.apply(nil, &got)
			var again tag
			if !readTag(&again, changed) {
				t.Fatalf("%q became %q, which is no tag", raw, changed)
			}
			if again.name != got.name || again.closed != got.closed || again.attr("data-x") == nil || len(got.attrs) > 0 && (again.attr("data-z") == nil || again.get("data-z") != got.text(got.attrs[0])) {
				t.Errorf("%q became %q", raw, changed)
			}
		}
	})
}
