package visitor

import (
	"errors"
	"testing"
)

// The key of a form is good for its site, what was served and what was held, in the one
// spelling that was handed out.
func TestFormKeysHaveOneSpelling(t *testing.T) {
	c := testCookies(t)
	key, err := c.FormKey("demo", "token", "receipt")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.CheckForm(key, "demo", "token", "receipt"); err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{"", key + "\n", key[:9] + "\r\n" + key[9:], key + "=", key + "A", key[:len(key)-1], key[1:]} {
		if err := c.CheckForm(other, "demo", "token", "receipt"); !errors.Is(err, ErrForm) {
			t.Errorf("%q: %v", other, err)
		}
	}
	for _, of := range [][3]string{{"shop", "token", "receipt"}, {"demo", "other", "receipt"}, {"demo", "token", ""}} {
		if err := c.CheckForm(key, of[0], of[1], of[2]); !errors.Is(err, ErrForm) {
			t.Errorf("of %v: %v", of, err)
		}
	}
}
