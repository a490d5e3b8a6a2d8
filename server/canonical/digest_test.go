package canonical_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/canonical"
)

// Digests are those of SHA-256, and have one spelling.
func TestDigests(t *testing.T) {
	const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // FIPS 180-4, example
	if got := canonical.Sum([]byte("abc")); got != abc {
		t.Errorf("Sum = %s", got)
	}
	for _, good := range []string{abc, strings.Repeat("0", 64), strings.Repeat("9", 64), strings.Repeat("a", 64), strings.Repeat("f", 64)} {
		if d, err := canonical.ParseDigest(good); err != nil || string(d) != good {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", abc[1:], abc + "0", strings.ToUpper(abc), "/" + abc[1:], ":" + abc[1:], "`" + abc[1:], "g" + abc[1:], " " + abc[1:], "é" + abc[2:]} {
		if d, err := canonical.ParseDigest(bad); d != "" || !errors.Is(err, canonical.ErrDigest) {
			t.Errorf("%q: %s %v", bad, d, err)
		}
	}
	for d, want := range map[canonical.Digest]string{abc: "ba7816bf8f01cfea", "ba78": "ba78", "": ""} {
		if got := d.Short(); got != want {
			t.Errorf("%s.Short() = %s", d, got)
		}
	}
}

// What has no canonical form is refused, by whichever way it comes.
func TestWhatHasNoCanonicalForm(t *testing.T) {
	if b, err := canonical.Encode(make(chan int)); b != nil || err == nil {
		t.Errorf("Encode = %s, %v", b, err)
	}
	for _, text := range []string{"", "{", `{"a":1,"a":2}`, `{}{}`} {
		if b, err := canonical.Transform([]byte(text)); b != nil || err == nil {
			t.Errorf("Transform(%q) = %s, %v", text, b, err)
		}
	}
	if b, err := canonical.Transform([]byte(` {"b": 1, "a": "\u20ac"} `)); err != nil || string(b) != `{"a":"€","b":1}` {
		t.Errorf("Transform = %s, %v", b, err)
	}
	var into struct {
		A any `json:"a"`
	}
	if err := canonical.Decode([]byte(`{`), &into); err == nil {
		t.Error("half an object was read")
	}
	var part struct {
		A once `json:"a"`
	}
	if err := canonical.Decode([]byte(`{"a":1}`), &part); err == nil {
		t.Error("what can't be written again was read")
	}
}

// once can be read and not written.
type once struct{}

func (*once) UnmarshalJSON([]byte) error  { return nil }
func (once) MarshalJSON() ([]byte, error) { return nil, errors.New("not written") }
