package catalogue

import "testing"

func TestWhatADataAddressBringsAlong(t *testing.T) {
	for text, want := range map[string][2]string{
		"data:text/html,<p>": {"text/html", "<p>"},
		" \n DA\tTA:Text/HTML;charset=utf-8,%3Cp%3e%zz%4\n": {"text/html", "<p>%zz%4"},
		"data:text/javascript;base64,YSg p\f":               {"text/javascript", "a()"},
		"data:text/javascript;charset=utf-8 ; base64 ,YQ==": {"text/javascript", "a"},
		"data:text/javascript;base64,%59%51":                {"text/javascript", "a"},
		"data:text/javascript;base64,*":                     {"text/javascript", ""},
		"data:text/javascript;notbase64,YQ":                 {"text/javascript", "YQ"},
		"data:,x":                                           {"", "x"},
		"data:text/html":                                    {"text/html", ""},
	} {
		media, content, ok := Data(text)
		if !ok || media != want[0] || content != want[1] {
			t.Errorf("%q: %q, %q, %v; want %q", text, media, content, ok, want)
		}
	}
	for _, text := range []string{"", "data", "dat%61:,x", "https://a.example/data:,x", "1data:,x", ":data:,x"} {
		if media, content, ok := Data(text); ok {
			t.Errorf("%q: %q, %q, want none", text, media, content)
		}
	}
}

func TestCutScheme(t *testing.T) {
	for text, want := range map[string][2]string{
		"https://a.example/?x:y":     {"https", "//a.example/?x:y"},
		"\x00 Java\nScript\t:a()\r ": {"javascript", "a()"},
		"a+b-c.1:x":                  {"a+b-c.1", "x"},
		"//a.example:80/":            {"", "//a.example:80/"},
		"?a:b":                       {"", "?a:b"},
		":x":                         {"", ":x"},
		"1a:x":                       {"", "1a:x"},
		"[a:x":                       {"", "[a:x"},
		"x":                          {"", "x"},
	} {
		if scheme, rest := CutScheme(text); scheme != want[0] || rest != want[1] {
			t.Errorf("%q: %q, %q; want %q", text, scheme, rest, want)
		}
	}
}
