package request_test

import (
	"slices"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/request"
)

func TestLimiter(t *testing.T) {
	now := noon
	l := &request.Limiter{Now: func() time.Time { return now }, Each: 2, Whole: 3}
	got := []bool{l.Allow("shop", "a"), l.Allow("shop", "a"), l.Allow("shop", "a"), l.Allow("shop", "b"), l.Allow("shop", "c"), l.Allow("blog", "a")}
	if !slices.Equal(got, []bool{true, true, false, true, false, true}) {
		t.Errorf("%v", got)
	}
	now = now.Add(time.Hour)
	if !l.Allow("shop", "a") {
		t.Error("an hour later it is still too much")
	}
}
