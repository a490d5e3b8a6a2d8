package notice

import "testing"

func TestUnmarkedTagsAreHeldWhereSomethingIsRefused(t *testing.T) {
	asks := []Category{{Key: "necessary", Like: Necessary}, {Key: "ads", Like: Marketing}}
	for _, tt := range []struct {
		what       string
		mode       string
		unknown    string
		categories []Category
		now        Choices
		want       bool
	}{
		{"all is granted", "script", "hold", asks, "11.1", false},
		{"a category is refused", "script", "hold", asks, "10.0", true},
		{"a vendor is refused", "strict", "hold", asks, "11.0", true},
		{"nothing is held", "off", "hold", asks, "10.0", false},
		{"a notice of before", "", "", asks, "10.0", false},
		{"nobody is asked about what is unknown", "script", "hold", asks[:1], "1.", true},
		{"what is unknown is allowed", "script", "allow", asks[:1], "1.", false},
	} {
		n := &Notice{Categories: tt.categories, Blocking: Blocking{Mode: tt.mode, Unknown: tt.unknown}}
		if got := n.Holds(tt.now); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.what, got, tt.want)
		}
	}
}
