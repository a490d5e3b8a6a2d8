package auditlog

import (
	"strings"
	"testing"
)

// A checkpoint that is read says what stands in it, in the one way there is to write
// that; and one that the log did not sign opens nothing.
func FuzzParseCheckpoint(f *testing.F) {
	const root = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	signed := "\n— log.example/x AAAAAAECAwQFBgcICQoLDA0ODw==\n"
	for _, seed := range []string{
		"log.example/x\n0\n" + root + "\n" + signed, "log.example/x\n00\n" + root + "\n" + signed, "log.example/x\n-1\n" + root + "\n" + signed, "\n\n\n\n", "",
		"log.example/x\n9223372036854775808\n" + root + "\n" + signed, "log.example/x\n5\n" + strings.TrimSuffix(root, "=") + "\n" + signed, "log.example/x\n5\n" + root + "\nmore\n" + signed,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCheckpoint([]byte(text))
		if err != nil {
			return
		}
		if !strings.HasPrefix(text, c.Body()) {
			t.Fatalf("%q is read as %q", text, c.Body())
		}
		if c.Head.Size < 0 || c.Origin == "" || strings.Contains(c.Origin, "\n") || string(c.Note) != text {
			t.Fatalf("%q is read as %+v", text, c)
		}
		again, err := ParseCheckpoint(c.Note)
		if err != nil || again.Body() != c.Body() {
			t.Fatalf("%q is read otherwise the second time: %v", text, err)
		}
	})
}
