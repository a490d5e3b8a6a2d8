package catalogue

import "testing"

func TestParsePattern(t *testing.T) {
	for text, want := range map[string]Pattern{
		"doubleclick.net":             {"doubleclick.net", ""},
		"www.google.com/maps":         {"www.google.com", "/maps"},
		"a_b.example/":                {"a_b.example", "/"},
		"xn--bcher-kva.example/%C3/a": {"xn--bcher-kva.example", "/%C3/a"},
		"localhost":                   {"localhost", ""},
		"192.0.2.7/x":                 {"192.0.2.7", "/x"},
	} {
		if got, err := ParsePattern(text); err != nil || got != want || got.String() != text {
			t.Errorf("%q: %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "/", "/maps", "*.example", "https://a.example", "a.example:443", "[2001:db8::7]", "A.example", "bücher.example", ".example", "a..example", "a.example.",
		"a.example/?q", "a.example/#x", "a.example/a b", "a.example/ü", "a example", "user@a.example"} {
		if got, err := ParsePattern(text); err == nil {
			t.Errorf("%q was read as %+v", text, got)
		}
	}
}

func TestPatternMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, host, path string
		want                bool
	}{
		{"a.example", "a.example", "/", true},
		{"a.example", "x.a.example", "/y", true},
		{"a.example", "xa.example", "/", false},
		{"a.example", "a.example.evil.test", "/", false},
		{"a.example", "example", "/", false},
		{"a.example", "", "/", false},
		{"a.example/maps", "a.example", "/maps", true},
		{"a.example/maps", "x.a.example", "/maps/embed", true},
		{"a.example/maps", "a.example", "/", false},
		{"a.example/maps", "a.example", "/x/maps", false},
		{"a.example/maps/", "a.example", "/maps", false},
	} {
		p, err := ParsePattern(tt.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Match(tt.host, tt.path); got != tt.want {
			t.Errorf("%s, %s%s: %v", tt.pattern, tt.host, tt.path, got)
		}
	}
}

func TestCompareOrdersTheMoreSpecificFirst(t *testing.T) {
	ordered := []string{"cdn.long.example", "a.example/maps/embed", "a.example/maps", "b.example/maps", "a.example", "b.example"}
	for i := range ordered {
		for j := range ordered {
			a, _ := ParsePattern(ordered[i])
			b, _ := ParsePattern(ordered[j])
			if got := Compare(a, b); (got < 0) != (i < j) || (got == 0) != (i == j) {
				t.Errorf("Compare(%s, %s) = %d", a, b, got)
			}
		}
	}
}
