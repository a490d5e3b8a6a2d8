package consent

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// Whatever the clock does, no record is dated before the one it follows, all verify, and
// what can't be dated is refused until the clock is right again.
func TestClockJumps(t *testing.T) {
	const day = 24 * time.Hour
	last := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	for name, jumps := range map[string][]time.Duration{
		"corrections":    {time.Second, -time.Second, 5 * time.Minute, -5 * time.Minute, -time.Millisecond, time.Nanosecond},
		"a day":          {day, -day, day, -6 * time.Minute, time.Minute, -day, 2 * day},
		"ten years":      {-3650 * day, 3650 * day, 3650 * day, -3650 * day},
		"a leap second":  {time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC).Sub(noon), 500 * time.Millisecond, 499 * time.Millisecond, -999 * time.Millisecond, time.Second},
		"32 bits end":    {time.Unix(1<<31-1, 0).Sub(noon), time.Second, -time.Second, -day, time.Second},
		"the last year":  {last.Sub(noon) / 31, -day},
		"before records": {-10 * 3650 * day, -3650 * day},
	} {
		t.Run(name, func(t *testing.T) {
			now, newest := noon, noon
			store := newMemory()
			r := recorderOn(t, store, RecorderOptions{Now: func() time.Time { return now }, Newest: noon})
			for i, jump := range append([]time.Duration{0}, jumps...) {
				now = now.Add(jump)
				_, err := r.Record(t.Context(), draftNamed(t, fmt.Sprint(i)))
				if tooFar := newest.Sub(now.Truncate(time.Millisecond)) > 5*time.Minute; errors.Is(err, ErrClock) != tooFar || errors.Is(r.Clock(), ErrClock) != tooFar || (err != nil) != tooFar {
					t.Fatalf("jump %d, by %v, to %v: %v", i, jump, now, err)
				}
				if err == nil && now.After(newest) {
					newest = now
				}
			}
			before := noon.UnixMilli()
			for i, e := range store.entries {
				if e.ReceivedAt < before || int64(i) != e.Index {
					t.Errorf("record %d, leaf %d, is %v before the one it follows", i, e.Index, time.Duration(before-e.ReceivedAt)*time.Millisecond)
				}
				before = e.ReceivedAt
				if _, err := Verify(receiptOf(t, e), newTestKey(7).keys()); err != nil {
					t.Errorf("record %d: %v", i, err)
				}
			}
			if !errors.Is(ErrClock, ErrUnavailable) {
				t.Error("the page would not send it again")
			}
		})
	}
}

// While somebody who knows says that the clock is wrong nothing is dated, and then all is.
func TestClockThatIsNotBelieved(t *testing.T) {
	wrong := fmt.Errorf("an hour off: %w", ErrUnavailable)
	said := wrong
	r := recorderOn(t, newMemory(), RecorderOptions{Wrong: func() error { return said }})
	if _, err := r.Record(t.Context(), draftNamed(t, "a")); !errors.Is(err, wrong) || !errors.Is(r.Clock(), wrong) {
		t.Errorf("%v, %v", err, r.Clock())
	}
	said = nil
	if _, err := r.Record(t.Context(), draftNamed(t, "a")); err != nil || r.Clock() != nil {
		t.Errorf("%v, %v", err, r.Clock())
	}
}
