//go:build !unix

package socket

import (
	"context"
	"errors"
	"os"
)

const (
	heirVariable = "VOLENTI_SUCCEEDS"
	ready        = 'r'
)

type predecessor struct{}

func (*predecessor) say(byte) error { return nil }

func (*Set) succeed(string) error { return nil }

// Signals ask a process to be succeeded: here, none.
func Signals() []os.Signal { return nil }

// Succeeds reports whether this process takes over from one that still serves.
func (*Set) Succeeds() bool { return false }

// Alone returns when the predecessor is gone.
func (*Set) Alone(context.Context) error { return nil }

// Program is where the running program will be found again.
func Program() (string, error) { return os.Executable() }

// Succeed hands sockets over on Unix only.
func (*Set) Succeed(context.Context, string, []string) (int, error) { return 0, errors.ErrUnsupported }

// Release lets a successor go on.
func (*Set) Release() error { return nil }
