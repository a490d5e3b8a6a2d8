package consent

import (
	"fmt"
	"time"
)

// mostBehind is how far the clock may be behind the newest record. Within it time stands
// still until the clock has caught up, as after a correction by NTP. Beyond it either
// this clock is wrong or the one that dated the newest record was, and nobody could
// stand behind a receipt's date.
const mostBehind = 5 * time.Minute

// ErrClock: the clock is further behind the newest record than a correction explains.
// It is an ErrUnavailable.
var ErrClock = fmt.Errorf("the clock is more than %v behind the newest record; set it right, or, if it was wrong before, start once with --clock-set-back: %w", mostBehind, ErrUnavailable)

// Clock reports whether records can be dated just now: nil, ErrClock, or why the clock is
// not believed.
func (r *Recorder) Clock() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, err := r.date()
	return err
}

// date is when a record that comes now is received: never before the one it follows.
// The caller holds mu.
func (r *Recorder) date() (time.Time, error) {
	if err := r.options.Wrong(); err != nil {
		return time.Time{}, err
	}
	now := r.options.Now().UTC().Truncate(time.Millisecond)
	switch behind := r.last.Sub(now); {
	case behind > mostBehind:
		return now, fmt.Errorf("%w: it is %s, and a record is of %s", ErrClock, now.Format(time.RFC3339), r.last.Format(time.RFC3339))
	case behind > 0:
		return r.last, nil
	}
	return now, nil
}
