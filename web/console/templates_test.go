package console

import "testing"

// What is parsed when it is rendered first must parse.
func TestEveryTemplateParses(t *testing.T) {
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	if len(r.pages) < 30 {
		t.Errorf("only %d templates", len(r.pages))
	}
	for name := range r.pages {
		if _, err := r.parsed(name); err != nil {
			t.Error(err)
		}
	}
}
