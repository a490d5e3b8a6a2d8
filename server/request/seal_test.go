package request_test

import (
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/request"
)

// What is sealed opens in its place alone, with this key or one before.
func TestSeals(t *testing.T) {
	old, key := make([]byte, 32), []byte(strings.Repeat("k", 32))
	before, _ := request.NewSeals(old)
	now, err := request.NewSeals(key, old)
	if err != nil {
		t.Fatal(err)
	}
	sealed := before.Seal("contact a", []byte("ada@visitors.example"))
	if text, err := now.Open("contact a", sealed); err != nil || string(text) != "ada@visitors.example" {
		t.Errorf("%s, %v", text, err)
	}
	if _, err := now.Open("contact b", sealed); err == nil {
		t.Error("it opens in another place")
	}
	sealed[len(sealed)-1] ^= 1
	if _, err := now.Open("contact a", sealed); err == nil {
		t.Error("it opens although it was altered")
	}
	if strings.Contains(string(sealed), "ada") || !now.Knows(request.ToRead, "a", before.Key(request.ToRead, "a")) || before.Knows(request.ToRead, "a", now.Key(request.ToRead, "a")) {
		t.Error("the keys are not what they are to be")
	}
	if _, err := request.NewSeals([]byte("short")); err == nil {
		t.Error("a short key is taken")
	}
}
