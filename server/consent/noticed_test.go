package consent

import (
	"maps"
	"testing"
	"time"
)

// A note that was shown leaves one record for each decision and each change: sent
// again, from whichever page, it is the same.
func TestAShownNoteIsRecordedOnce(t *testing.T) {
	q, token := question(t, inEurope)
	first, _, previous := sealedAt(t, draftOf(t, decisionFor(token, "a"), q), nil, noon)
	_ = previous
	q.Policies = maps.Clone(q.Policies)
	p := q.Policies["privacy"]
	p.Number++
	q.Policies["privacy"] = p
	shown := func(id string, at time.Time) Draft {
		d := decisionFor(token, id)
		d.Action, d.Surface, d.Categories, d.Vendors = Noticed, OnChange, map[string]bool{}, map[string]bool{}
		d.Previous, d.At = first.ReceiptID, at.UnixMilli()
		return draftOf(t, d, q)
	}
	one, again := shown("x", noon), shown("y", noon.Add(time.Hour))
	if one.decision.ID != again.decision.ID || one.request != again.request || one.decision.ID == "x" {
		t.Errorf("%q %s, and again %q %s", one.decision.ID, one.request, again.decision.ID, again.request)
	}
	_, core, _ := sealedAt(t, one, first, noon.Add(time.Minute))
	if core.State != Informed || core.Basis != Implied || core.has(Granted) || core.has(Refused) || core.Previous != first.ReceiptID || core.Policies["privacy"].Number != p.Number {
		t.Errorf("%+v", core)
	}
	if err := one.core.mayFollow(first); err != nil {
		t.Errorf("after the decision: %v", err)
	}
	p.Number++
	q.Policies["privacy"] = p
	if next := shown("x", noon); next.decision.ID == one.decision.ID {
		t.Error("the next change is taken for the one before")
	}
	p.Number -= 2
	q.Policies["privacy"] = p
	same := shown("x", noon)
	less := *first
	less.Personal = nil
	for name, err := range map[string]error{
		"nothing has changed":     same.core.mayFollow(first),
		"nobody decided":          one.core.mayFollow(nil),
		"nobody knows who it was": one.core.mayFollow(&less),
	} {
		if len(problemPaths(t, err)) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	const receipt = `"previous":"0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"`
	for text, ok := range map[string]bool{
		`{"id":"a","token":"1.x","categories":{},"action":"noticed","surface":"change","at":1,` + receipt + `}`:           true,
		`{"id":"a","token":"1.x","categories":{},"action":"noticed","surface":"change","at":1}`:                           false,
		`{"id":"a","token":"1.x","categories":{},"action":"noticed","surface":"banner","at":1,` + receipt + `}`:           false,
		`{"id":"a","token":"1.x","categories":{"ads":true},"action":"noticed","surface":"change","at":1,` + receipt + `}`: false,
	} {
		if _, err := Decode([]byte(text)); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}
