package notice

import (
	"slices"
	"strings"
)

// Blocks reports whether tags that nobody marked are held in the page.
func (n *Notice) Blocks() bool { return n.Blocking.Mode == "script" || n.Blocking.Mode == "strict" }

// Holds reports whether some unmarked tag is held where this may load: where
// something is refused, and where unknown tags go with a category that the notice
// does not ask for, so that nobody can grant it.
func (n *Notice) Holds(now Choices) bool {
	if !n.Blocks() {
		return false
	}
	marketing := slices.ContainsFunc(n.Categories, func(c Category) bool { return c.Like == Marketing })
	return strings.IndexByte(string(now), byte(Refused)) >= 0 || !marketing && n.Blocking.Unknown != "allow"
}
