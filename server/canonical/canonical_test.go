package canonical_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/canonical"
)

// What is read in part says something else: Decode takes exactly what Encode made.
func TestDecodeIsExact(t *testing.T) {
	type entry struct {
		Day  string `json:"day"`
		Site string `json:"site"`
	}
	var e entry
	if err := canonical.Decode([]byte(`{"day":"2026-05-17","site":"shop"}`), &e); err != nil || e != (entry{"2026-05-17", "shop"}) {
		t.Fatalf("Decode = %v, %v", e, err)
	}
	for name, text := range map[string]string{
		"a member missing":       `{"day":"2026-05-17"}`,
		"another case":           `{"Day":"2026-05-17","site":"shop"}`,
		"order":                  `{"site":"shop","day":"2026-05-17"}`,
		"space":                  `{"day": "2026-05-17","site":"shop"}`,
		"escapes":                `{"day":"2026-05-17","site":"sh\u006fp"}`,
		"said twice":             `{"day":"2026-05-17","site":"shop","site":"shop"}`,
		"text after it":          `{"day":"2026-05-17","site":"shop"} `,
		"another value after it": `{"day":"2026-05-17","site":"shop"}{}`,
	} {
		var e entry
		if err := canonical.Decode([]byte(text), &e); !errors.Is(err, canonical.ErrNotExact) {
			t.Errorf("%s: Decode = %v, want ErrNotExact", name, err)
		}
	}
	if err := canonical.Decode([]byte(`{"day":"2026-05-17","kept":1,"site":"shop"}`), &e); err == nil || !strings.Contains(err.Error(), "kept") {
		t.Errorf("a member nobody knows: %v", err)
	}
}
