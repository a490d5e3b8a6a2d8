package main

import (
	"strings"
	"testing"
)

func TestSites(t *testing.T) {
	d := newDesk(t)
	set := func(want int, args ...string) string {
		t.Helper()
		out, exit := volenti(t, append([]string{"site", "set", "--data", d.data}, args...)...)
		if exit != want {
			t.Fatalf("%v: exit %d, want %d\n%s", args, exit, want, out)
		}
		return out
	}
	list := func() string {
		t.Helper()
		out, exit := volenti(t, "site", "list", "--data", d.data)
		if exit != 0 {
			t.Fatal(out)
		}
		return strings.Join(strings.Fields(out), " ")
	}
	const head = "KEY NAME TIME ZONE SECOND PAIR OF EYES "
	if got := list(); got != head+"shop shop Europe/Vienna no" {
		t.Errorf("%s", got)
	}
	set(0, "shop", "--second-pair")
	set(0, "shop", "--name", "Läden", "--time-zone", "America/New_York")
	if got := list(); got != head+"shop Läden America/New_York yes" {
		t.Errorf("%s", got)
	}
	// A shell is one person.
	refused := d.run(2, "import", d.file("privacy.md", "# Privacy\n\nOne.\n"))
	if !strings.Contains(refused, "second pair of eyes") {
		t.Errorf("%s", refused)
	}
	set(0, "shop", "--second-pair=false")
	d.run(0, "import", d.file("privacy.md", "# Privacy\n\nOne.\n"))
	for want, args := range map[string][]string{
		"say what is to change": {"shop"}, "there is no site": {"nobody", "--second-pair"},
		"IANA": {"shop", "--time-zone", "Mars"}, "has no name": {"shop", "--name", ""},
	} {
		if out := set(2, args...); !strings.Contains(out, want) {
			t.Errorf("%v: %s", args, out)
		}
	}
}
