package fairness

import (
	"math"
	"strings"
	"testing"
)

// tree makes nodes of a line: "div.a[x=1](p text(hello), button)". It is for
// tests that need no script.
func tree(t *testing.T, p *page, markup string) *node {
	t.Helper()
	n := p.make(elementNode, "")
	i := 0
	for i < len(markup) && strings.IndexByte("(,)", markup[i]) < 0 {
		i++
	}
	head, rest := strings.TrimSpace(markup[:i]), markup[i:]
	if text, ok := strings.CutPrefix(head, "'"); ok {
		n.kind, n.text = textNode, strings.Trim(text, "'")
		return n
	}
	name := strings.FieldsFunc(head, func(r rune) bool { return strings.ContainsRune(".[]", r) })
	n.tag = name[0]
	for _, part := range name[1:] {
		if key, value, ok := strings.Cut(part, "="); ok {
			n.set(key, value)
		} else {
			n.set("class", strings.TrimSpace(n.attr("class")+" "+part))
		}
	}
	if strings.HasPrefix(rest, "(") {
		for _, child := range split(rest[1:len(rest)-1], ',') {
			n.insert(tree(t, p, child), nil)
		}
	}
	return n
}

func TestSelectors(t *testing.T) {
	p := &page{}
	root := tree(t, p, "div.a(p.one[lang=de],p.two(b[data-x=yes no]),button[disabled=],ul(li,li,li))")
	p.make(documentNode, "").insert(root, nil)
	find := func(selector string) []string {
		s, err := parseSelectors(selector)
		if err != nil {
			t.Fatalf("%s: %v", selector, err)
		}
		var all []string
		root.walk(func(n *node) bool {
			if n.element() && s.match(n, situation{}) {
				all = append(all, n.tag)
			}
			return true
		})
		return all
	}
	for selector, want := range map[string]string{
		"p": "p p", "p.one": "p", ".a > p": "p p", ".a b": "b", ".a > b": "", "p + p": "p", "p ~ button": "button", "p:first-child": "p", "li:last-child": "li",
		"li:nth-child(odd)": "li li", "li:nth-child(2n)": "li", "li:not(:first-child)": "li li", ":has(> b)": "p", "div:has(b)": "div", ":is(b, button)": "b button",
		"[data-x~='no']": "b", "[data-x^=yes]": "b", "[data-x='YES NO' i]": "b", "[data-x=yes]": "", ":disabled": "button", "button:enabled": "", ":lang(de)": "p",
		"p, b": "p p b", "*": "div p p b button ul li li li", "button:hover": "", "div:root": "div", ":empty": "p b button li li li",
	} {
		if got := strings.Join(find(selector), " "); got != want {
			t.Errorf("%s found %q, want %q", selector, got, want)
		}
	}
	for _, selector := range []string{"", "p >", "p::slotted(a b)", ":new-thing", "p$", "[a", ":nth-child(x)", "p,,b"} {
		if s, err := parseSelectors(selector); err == nil {
			t.Errorf("%q was read as %v", selector, s)
		}
	}
	for selector, want := range map[string][3]int{"p": {0, 0, 1}, "#a .b": {1, 1, 0}, "p:not(.a, #b)": {1, 0, 1}, ":where(#a) p": {0, 0, 1}, "::slotted(p:first-child)": {0, 1, 2}, ":host([x])": {0, 2, 0}} {
		s, err := parseSelectors(selector)
		if err != nil || s[0].specificity != want {
			t.Errorf("%s weighs %v, %v; want %v", selector, s[0].specificity, err, want)
		}
	}
}

func TestLengths(t *testing.T) {
	u := units{font: 10, percent: 200, width: 320, height: 640}
	for text, want := range map[string]float64{
		"0": 0, "12px": 12, "1.5em": 15, ".5em": 5, "2rem": 32, "50%": 100, "10vw": 32, "44vh": 281.6, "calc(100% - 2em)": 180, "min(46em, 100% - 2em)": 180,
		"max(44px,2.75em)": 44, "clamp(1px, 5px, 3px)": 3, "calc((1px + 2px) * 3)": 9, "max(12px,env(safe-area-inset-bottom))": 12, "-4px": -4, "calc(8px * 1.5)": 12,
	} {
		if got, ok := u.length(text); !ok || math.Abs(got-want) > 1e-9 {
			t.Errorf("%s is %g, %v; want %g", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "auto", "1fr", "12furlongs", "calc(1px", "min()", "1px 2px"} {
		if got, ok := u.length(text); ok {
			t.Errorf("%q is %g", text, got)
		}
	}
	if got, ok := (units{font: 10, percent: unknown}).length("50%"); ok {
		t.Errorf("half of what is not known is %g", got)
	}
}

func TestColours(t *testing.T) {
	for text, want := range map[string]paint{
		"#fff": white, "#1d4ed8": {29 / 255.0, 78 / 255.0, 216 / 255.0, 1}, "#8886": {136 / 255.0, 136 / 255.0, 136 / 255.0, 0.4}, "rgb(255 0 0 / 50%)": {1, 0, 0, 0.5},
		"rgba(255,0,0,.5)": {1, 0, 0, 0.5}, "hsl(120, 100%, 25%)": {0, 0.5, 0, 1}, "transparent": {}, "currentcolor": {0.5, 0.5, 0.5, 1}, "light-dark(#fff, #000)": white,
		"color-mix(in srgb, #fff, #000)": {0.5, 0.5, 0.5, 1}, "color-mix(in srgb, #fff 25%, #000)": {0.25, 0.25, 0.25, 1}, "Canvas": white, "gold": {1, 215 / 255.0, 0, 1},
	} {
		got, err := colour(text, false, paint{0.5, 0.5, 0.5, 1})
		if err != nil || math.Abs(got.r-want.r)+math.Abs(got.g-want.g)+math.Abs(got.b-want.b)+math.Abs(got.a-want.a) > 0.001 {
			t.Errorf("%s is %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "blurple", "#12", "oklch(1 2 3)", "rgb(1)", "color-mix(in oklab, red, blue)"} {
		if got, err := colour(text, false, black); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
	// WCAG's own examples: black on white is 21, #777 on white 4.48.
	gray, _ := colour("#777", false, black)
	if a, b := contrast(black, white), contrast(gray, white); math.Abs(a-21) > 0.01 || math.Abs(b-4.48) > 0.01 {
		t.Errorf("contrasts are %g and %g", a, b)
	}
}

// laid lays out a tree under a sheet, on a small telephone.
func laid(t *testing.T, sheet, markup string) (*page, *layout) {
	t.Helper()
	p := &page{}
	document := p.make(documentNode, "")
	document.sheets = func() []string { return []string{sheet} }
	document.insert(tree(t, p, markup), nil)
	c := &cascade{screen: screens[0], rules: parseSheet}
	l := arrange(c, document)
	if c.failed != nil {
		t.Fatal(c.failed)
	}
	return p, l
}

func (l *layout) boxOf(p *page, class string) box {
	for _, n := range p.nodes {
		if n.attr("class") == class {
			return l.boxes[n]
		}
	}
	return box{}
}

// The boxes are what a browser makes of the same.
func TestLayout(t *testing.T) {
	for name, tt := range map[string]struct {
		sheet, markup string
		want          map[string]box
	}{
		"blocks": {"div{margin:10px;padding:5px;border:1px solid red} p{margin:0;height:20px}", "div.a(p.b,p.c)",
			map[string]box{"a": {10, 10, 300, 52}, "b": {16, 16, 288, 20}, "c": {16, 36, 288, 20}}},
		"equal columns": {"div{display:grid;grid-template-columns:1fr 1fr;gap:8px} p{margin:0;height:30px}", "div.a(p.b,p.c,p.d)",
			map[string]box{"a": {0, 0, 320, 68}, "b": {0, 0, 156, 30}, "c": {164, 0, 156, 30}, "d": {0, 38, 156, 30}}},
		"equal rows": {"div{display:grid;grid:auto-flow 1fr/1fr 1fr} p{margin:0} .b{min-height:50px}", "div.a(p.b,p.c,p.d)",
			map[string]box{"c": {160, 0, 160, 50}, "d": {0, 50, 160, 50}}},
		"as many columns as fit": {"div{display:grid;grid-template-columns:repeat(auto-fit,minmax(100px,1fr));gap:10px} p{margin:0;height:9px}", "div.a(p.b,p.c)",
			map[string]box{"b": {0, 0, 155, 9}, "c": {165, 0, 155, 9}}},
		"over all columns": {"div{display:grid;grid-template-columns:1fr 1fr} p{margin:0;height:9px} .c{grid-column:1/-1}", "div.a(p.b,p.c)",
			map[string]box{"c": {0, 9, 320, 9}}},
		"another order": {"div{display:grid} p{margin:0;height:9px} .b{order:1}", "div.a(p.b,p.c)",
			map[string]box{"b": {0, 9, 320, 9}, "c": {0, 0, 320, 9}}},
		"a row that grows": {"div{display:flex;gap:20px} p{margin:0;height:9px;width:40px} .b{flex:1}", "div.a(p.b,p.c)",
			map[string]box{"b": {0, 0, 260, 9}, "c": {280, 0, 40, 9}}},
		"a row that wraps": {"div{display:flex;flex-wrap:wrap} p{margin:0;height:9px;width:200px}", "div.a(p.b,p.c)",
			map[string]box{"c": {0, 9, 200, 9}}},
		"a column that gives way": {"div{display:flex;flex-direction:column;height:100px} p{margin:0;height:80px} .b{overflow:auto;flex:1;height:auto}", "div.a(p.b(p.d,p.e),p.c)",
			map[string]box{"b": {0, 0, 320, 20}, "c": {0, 20, 320, 80}}},
		"fixed at the bottom": {"div{position:fixed;inset:auto 12px 12px;max-width:200px;margin:auto;height:40px}", "section(div.a)",
			map[string]box{"a": {60, 588, 200, 40}}},
		"fixed in the middle": {"div{position:fixed;inset:0;width:100px;height:40px;margin:auto}", "section(div.a)",
			map[string]box{"a": {110, 300, 100, 40}}},
		"a limit of height": {"div{display:grid;grid-template-rows:minmax(0,1fr) auto;max-height:100px} p{margin:0;height:90px} .c{height:40px}", "div.a(p.b,p.c)",
			map[string]box{"a": {0, 0, 320, 100}, "c": {0, 60, 320, 40}}},
		"queries": {"p{margin:0;height:10px} @media (max-width:30em){.b{height:20px}} @media (min-width:600px){.b{height:99px}} @media print{.b{height:98px}} .a{container-type:inline-size} @container (width >= 20em){.c{height:30px}}",
			"div.a(p.b,p.c)", map[string]box{"b": {0, 0, 320, 20}, "c": {0, 20, 320, 30}}},
	} {
		t.Run(name, func(t *testing.T) {
			p, l := laid(t, tt.sheet, tt.markup)
			for class, want := range tt.want {
				got := l.boxOf(p, class)
				if math.Abs(got.x-want.x)+math.Abs(got.y-want.y)+math.Abs(got.w-want.w)+math.Abs(got.h-want.h) > 0.1 {
					t.Errorf("%s is %v, want %v", class, got, want)
				}
			}
		})
	}
}

// Of two declarations the right one counts: by importance, by tree, by weight,
// by order.
func TestCascade(t *testing.T) {
	p := &page{}
	document := p.make(documentNode, "")
	host, shadow, slot, light := p.make(elementNode, "div"), p.make(fragmentNode, ""), p.make(elementNode, "slot"), p.make(elementNode, "button")
	light.set("class", "x")
	document.insert(host, nil)
	host.insert(light, nil)
	host.shadow, shadow.host = shadow, host
	shadow.insert(slot, nil)
	style := func(outer, inner, property string) string {
		document.sheets, shadow.sheets = func() []string { return []string{outer} }, func() []string { return []string{inner} }
		c := &cascade{screen: screens[0], rules: parseSheet, memo: map[*node]*style{}}
		got := c.style(light).get(property)
		if c.failed != nil {
			t.Fatal(c.failed)
		}
		return got
	}
	for _, tt := range []struct{ outer, inner, property, want string }{
		{"button{opacity:.1}", "::slotted(button){opacity:.2}", "opacity", ".1"},
		{"button{opacity:.1!important}", "::slotted(button){opacity:.2!important}", "opacity", ".2"},
		{"button{opacity:.1} .x{opacity:.3}", "", "opacity", ".3"},
		{".x{opacity:.1} button{opacity:.3}", "", "opacity", ".1"},
		{".x{opacity:.1} .x{opacity:.3}", "", "opacity", ".3"},
		{"button{opacity:.1!important} .x{opacity:.3}", "", "opacity", ".1"},
		{".x{padding:1px 2px;padding-left:3px}", "", "padding-left", "3px"},
		{".x{padding-left:3px;padding:1px 2px}", "", "padding-left", "2px"},
		{"", "::slotted(*){all:initial!important} ::slotted(button){color:red!important}", "font-weight", "400"},
		{"div{--c:red} .x{color:var(--c)}", "", "color", "red"},
		{".x{color:var(--c, blue)}", "", "color", "blue"},
		{"", ":host{--c:green} ::slotted(button){color:var(--c)!important}", "color", "green"},
		{".x{font:600 12px/1.2 serif}", "", "font-weight", "600"},
		{".x{font:600 12px/1.2 serif}", "", "line-height", "1.2"},
		{".x{border:1px solid red;border-color:blue}", "", "border-top-color", "blue"},
		{".x{background:url(a) gold}", "", "background-color", "gold"},
		{"div{letter-spacing:2px}", "", "letter-spacing", "2px"},
		{"", ".y{opacity:.5} :host(.no){opacity:.6}", "opacity", "1"},
	} {
		if got := style(tt.outer, tt.inner, tt.property); got != tt.want {
			t.Errorf("%s | %s: %s is %q, want %q", tt.outer, tt.inner, tt.property, got, tt.want)
		}
	}
}

func TestSheetsThatCantBeReadAreRefused(t *testing.T) {
	for _, text := range []string{"p{color:red", "p{color}", "@layer x{p{color:red}}", "@import 'x';", "p{b{color:red}}", "} p{}", "p:state(x){color:red}", "@new{p{}}"} {
		if rules, err := parseSheet(text); err == nil {
			t.Errorf("%q was read as %v", text, rules)
		}
	}
	rules, err := parseSheet("/* x */ @charset 'utf-8'; @keyframes a{from{top:0}50%{top:1px}} @media (min-width:1px){@supports (display:grid){p,b{color:red!important}}}")
	if err != nil || len(rules) != 1 || len(rules[0].selectors) != 2 || len(rules[0].conditions) != 2 || !rules[0].declarations[0].important {
		t.Errorf("%v, %v", rules, err)
	}
}

func TestWords(t *testing.T) {
	for _, tt := range []struct {
		language, label string
		refuses, agrees bool
	}{
		{"en", "Reject all", true, false}, {"en", "Accept all", false, true}, {"en", "Settings", false, false}, {"fr", "Continuer sans accepter", true, true},
		{"es", "No acepto", true, true}, {"de", "Nicht zustimmen", true, true}, {"pt-BR", "Recusar", true, false}, {"zh-Hant", "全部拒絕", true, false}, {"en", "OK", false, false},
	} {
		if refusal(tt.language, tt.label) != tt.refuses || agreement(tt.language, tt.label) != tt.agrees {
			t.Errorf("%s %q: refuses %v, agrees %v", tt.language, tt.label, refusal(tt.language, tt.label), agreement(tt.language, tt.label))
		}
	}
}
