package store

import "syscall"

// tcpUserTimeout is TCP_USER_TIMEOUT (RFC 5482; linux/tcp.h): how long what was sent may
// stay unacknowledged, in milliseconds.
const tcpUserTimeout = 18

func unanswered(network, _ string, c syscall.RawConn) (err error) {
	if network == "unix" {
		return nil
	}
	if failed := c.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(silence.Milliseconds()))
	}); failed != nil {
		return failed
	}
	return err
}
