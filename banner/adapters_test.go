package banner

import (
	"bytes"
	"testing"

	"github.com/volenti-consent/volenti/server/notice"
)

// withAdapter is the shop with one vendor that is told by the adapter, or by
// none.
func withAdapter(name string) *notice.Notice {
	n := shop("en")
	n.Google.Mode = "off"
	if name == "gtag" {
		n.Google.Mode = "basic"
	}
	for i := range n.Vendors {
		n.Vendors[i].API = "none"
	}
	n.Vendors[len(n.Vendors)-1].API = name
	return n
}

// A site pays for the vendors it has: what each adapter adds to the scripts
// that hold it, with brotli.
func TestEachAdapterIsSmall(t *testing.T) {
	const most = 300
	size := func(name string) map[notice.Variant]int {
		sizes := map[notice.Variant]int{}
		for _, s := range compile(t, withAdapter(name)) {
			sizes[s.Variant] = compressed(t, s.Source)
		}
		return sizes
	}
	without := size("none")
	for _, a := range adapters {
		with := size(a.name)
		for variant, bytes := range with {
			added := bytes - without[variant]
			if variant.Kind == notice.KindAsk && variant.Surface == notice.AskOptIn || variant.Kind == notice.KindGate || variant.Kind == notice.KindKept {
				t.Logf("%s adds %d bytes to %s", a.name, added, variant.Kind)
			}
			if added > most {
				t.Errorf("%s adds %d bytes to %s %s, want %d at most", a.name, added, variant.Kind, variant.Surface, most)
			}
		}
	}
}

// A constant that is not named in full is not put in its place, and then is not
// there when the page asks for it.
func TestNoConstantIsLeftForThePage(t *testing.T) {
	for _, a := range adapters {
		for _, s := range compile(t, withAdapter(a.name)) {
			if bytes.Contains(s.Source, []byte("VOLENTI")) {
				t.Errorf("%s: %s names a constant of the compiler", a.name, s.Kind)
			}
		}
	}
}
