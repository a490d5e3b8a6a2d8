package consent

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// noticedAs is a note that was shown as it counts when it is sent again: one of its
// kind for each decision and each set of versions, whichever page shows it, and
// whenever. What is left is also what its request is.
func noticedAs(d Decision, policies map[string]Policy) Decision {
	var told strings.Builder
	told.WriteString(d.Previous)
	for _, key := range sortedKeys(policies) {
		fmt.Fprintf(&told, "\n%s %d", key, policies[key].Number)
	}
	sum := sha256.Sum256([]byte(told.String()))
	return Decision{ID: "noticed-" + hex.EncodeToString(sum[:16]), Action: d.Action, Surface: d.Surface, Previous: d.Previous}
}

// mayFollow refuses a note that was shown to nobody we know: it belongs to a decision
// made under an earlier version, by the browser that the record of it names.
func (c *Core) mayFollow(previous *Entry) error {
	if c.Action != Noticed {
		return nil
	}
	bad := &Invalid{}
	if previous == nil || previous.Personal == nil {
		bad.add("previous", "no such receipt", "send the id of the decision in force; who has not decided is told of nothing")
		return bad
	}
	before, err := ParseCore(previous.Core)
	if err != nil {
		return fmt.Errorf("receipt %s: %w: %w", previous.ReceiptID, ErrDamaged, err)
	}
	for key, p := range c.Policies {
		if had, known := before.Policies[key]; known && p.Number > had.Number {
			return nil
		}
	}
	bad.add("action", "no policy has changed since that decision", "send it only where a note was shown")
	return bad
}
