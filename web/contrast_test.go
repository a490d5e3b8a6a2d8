package web

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestContrast computes the contrast of each pair of colours that meet, in both
// schemes, from the stylesheet itself (WCAG 2.2, 1.4.3: 4.5:1 for text).
func TestContrast(t *testing.T) {
	css, err := embedded.ReadFile("static/volenti.css.d/10-base.css")
	if err != nil {
		t.Fatal(err)
	}
	colour := regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{3,6});`)
	light, rest, ok := strings.Cut(string(css), "@media (prefers-color-scheme: dark)")
	if !ok {
		t.Fatal("no dark scheme")
	}
	dark, _, _ := strings.Cut(rest, "*,\n")
	for scheme, part := range map[string]string{"light": light, "dark": dark} {
		colours := make(map[string]float64)
		for _, m := range colour.FindAllStringSubmatch(part, -1) {
			colours[m[1]] = luminance(t, m[2])
		}
		for _, pair := range [][2]string{
			{"ink", "paper"}, {"soft", "paper"}, {"deep", "paper"}, {"ink", "card"}, {"soft", "card"}, {"deep", "card"},
			{"deep", "wash"}, {"ink", "wash"}, {"soft", "wash"}, {"blue", "blue-wash"}, {"ink", "blue-wash"}, {"soft", "blue-wash"}, {"deep", "blue-wash"},
			{"amber", "amber-wash"}, {"ink", "amber-wash"}, {"soft", "amber-wash"}, {"deep", "amber-wash"},
			{"soft", "grey-wash"}, {"ink", "grey-wash"}, {"deep", "grey-wash"}, {"red", "red-wash"}, {"ink", "red-wash"}, {"paper", "deep"}, {"card", "deep"},
		} {
			a, okA := colours[pair[0]]
			b, okB := colours[pair[1]]
			if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); !okA || !okB || ratio < 4.5 {
				t.Errorf("%s scheme: %s on %s has contrast %.2f", scheme, pair[0], pair[1], ratio)
			}
		}
	}
}

func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	if len(hex) == 4 {
		hex = "#" + strings.Repeat(hex[1:2], 2) + strings.Repeat(hex[2:3], 2) + strings.Repeat(hex[3:4], 2)
	}
	channel := func(at int) float64 {
		n, err := strconv.ParseUint(hex[at:at+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(1) + 0.7152*channel(3) + 0.0722*channel(5)
}
