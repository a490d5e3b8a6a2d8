//go:build unix

package consent

import (
	"os"
	"syscall"
)

// lockFile waits until f is ours; the lock ends with f or with the process.
func lockFile(f *os.File) error {
	for {
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != syscall.EINTR { //nolint:errorlint // an errno
			return err
		}
	}
}
