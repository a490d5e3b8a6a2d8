//go:build unix

package main

import (
	"math"
	"syscall"
)

// descriptorLimit is how many files and connections this process may have open; 0 if
// nobody says.
func descriptorLimit() int {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil || l.Cur > math.MaxInt32 {
		return 0
	}
	return int(l.Cur)
}
