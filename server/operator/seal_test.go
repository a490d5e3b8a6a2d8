package operator

import (
	"bytes"
	"strings"
	"testing"
)

// What was sealed opens in the one spelling that it was given, and in no other that
// decodes to the same bytes.
func TestWhatIsSealedHasOneSpelling(t *testing.T) {
	s, err := NewSealer(bytes.Repeat([]byte{7}, 96))
	if err != nil {
		t.Fatal(err)
	}
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	padded := 0
	for n := range 6 { // so long that 0, 1 and 2 signs fill it up
		text := strings.Repeat("x", n)
		sealed, err := s.Encode("console", text)
		if err != nil {
			t.Fatal(err)
		}
		var opened string
		if err := s.Decode("console", sealed, &opened); err != nil || opened != text {
			t.Fatalf("%q: %q %v", sealed, opened, err)
		}
		end := len(strings.TrimRight(sealed, "="))
		padded += len(sealed) - end
		others := []string{sealed + "\n", sealed[:9] + "\r\n" + sealed[9:], sealed[:end], sealed + "="}
		for _, letter := range letters {
			others = append(others, sealed[:end-1]+string(letter)+sealed[end:])
		}
		for _, other := range others {
			if err := s.Decode("console", other, &opened); err == nil && other != sealed {
				t.Errorf("%q opens as %q", other, sealed)
			}
		}
	}
	if padded == 0 {
		t.Error("none was filled up")
	}
}
