package store

import (
	"net"
	"time"
)

// silence is after how long without a sign of life a connection to the database counts as
// lost: the machine at its other end may be gone without a word, and TCP alone waits for a
// quarter of an hour.
const silence = 6 * time.Second

// dialer makes connections that notice so, whether a query is on its way or an answer is
// awaited.
func dialer() *net.Dialer {
	return &net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: silence / 3, Interval: silence / 3, Count: 2},
		Control:         unanswered,
	}
}
