package consent

import (
	"bytes"
	"testing"

	"github.com/volenti-consent/volenti/server/canonical"
)

// A record holds its token's digest. Whoever has the key it was made with makes it
// again; nobody else can, and it says what the record says.
func TestATokenIsMadeAgain(t *testing.T) {
	core := Core{Site: "shop", Experience: canonical.Sum([]byte("shown")), Law: "eu-gdpr", Region: "-", RegionSource: "header", TokenFrom: 1_795_000_200_000}
	key, other := bytes.Repeat([]byte("k"), 32), bytes.Repeat([]byte("o"), 32)
	served := ServedOf(core)
	token := NewTokens(key).Mint(served)
	want := canonical.Sum([]byte(token))
	if got, ok := NewTokens(other, key).Again(served, want); !ok || got != token {
		t.Errorf("by an older key: %q, %v, want %q", got, ok, token)
	}
	if got, ok := NewTokens(other).Again(served, want); ok {
		t.Errorf("without the key: %q", got)
	}
	if !served.Says(token) {
		t.Errorf("%q does not say what it was made of", token)
	}
	for name, change := range map[string]func(*Core){
		"site": func(c *Core) { c.Site = "blog" }, "experience": func(c *Core) { c.Experience = canonical.Sum(nil) }, "law": func(c *Core) { c.Law = "x" },
		"region": func(c *Core) { c.Region = "DE" }, "source": func(c *Core) { c.RegionSource = "database" }, "time": func(c *Core) { c.TokenFrom += Bucket.Milliseconds() },
	} {
		c := core
		change(&c)
		if ServedOf(c).Says(token) {
			t.Errorf("of another %s, and it says the same", name)
		}
		if _, ok := NewTokens(key).Again(ServedOf(c), want); ok {
			t.Errorf("of another %s, and it was made again", name)
		}
	}
	if served.Says("") || served.Says("x") {
		t.Error("nothing says what a token says")
	}
}
