//go:build unix

package socket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// heirVariable tells a process that it succeeds another: that one's id, and the names
// and addresses of the sockets, which follow after the two pipes.
const heirVariable = "VOLENTI_SUCCEEDS"

// Signals ask a process to be succeeded. In a terminal SIGHUP is not one of them:
// whoever closes the terminal wants what runs in it to end.
func Signals() []os.Signal {
	signals := []os.Signal{syscall.SIGUSR2}
	if terminal, err := os.Open("/dev/tty"); err == nil {
		_ = terminal.Close()
	} else if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// What an heir says.
const (
	ready = 'r' // it serves: stop accepting, finish, go
	quiet = 'q' // it must be alone before it can serve: the same, and it waits for the end
)

// A predecessor is the process that this one succeeds; nil is none.
type predecessor struct {
	tell *os.File
	gone *os.File // ends when it has ended
}

func (p *predecessor) say(what byte) error {
	if p == nil || p.tell == nil {
		return nil
	}
	_, err := p.tell.Write([]byte{what})
	err = errors.Join(err, p.tell.Close())
	p.tell = nil
	return err
}

// succeed takes over what Succeed gave.
func (s *Set) succeed(text string) error {
	parent, list, _ := strings.Cut(text, " ")
	if parent != strconv.Itoa(os.Getppid()) {
		return nil // meant for somebody else
	}
	s.before = &predecessor{os.NewFile(firstDescriptor, "predecessor"), os.NewFile(firstDescriptor+1, "predecessor")}
	syscall.CloseOnExec(firstDescriptor)
	syscall.CloseOnExec(firstDescriptor + 1)
	for i, field := range strings.Fields(list) {
		name, address, _ := strings.Cut(field, "@")
		address, err := url.QueryUnescape(address)
		if err != nil {
			return fmt.Errorf("%s: %w", heirVariable, err)
		}
		l, err := listenerOf(firstDescriptor + 2 + i)
		if err != nil {
			return fmt.Errorf("socket %s of the process before: %w", name, err)
		}
		s.given = append(s.given, &given{name, address, l})
	}
	return nil
}

// Succeeds reports whether this process takes over from one that still serves.
func (s *Set) Succeeds() bool { return s.before != nil }

// Alone returns when the predecessor has finished what it accepted and is gone.
// Connections wait meanwhile; none is refused.
func (s *Set) Alone(ctx context.Context) error {
	if s.before == nil {
		return nil
	}
	// This process is to be the service by the time that one ends.
	if err := errors.Join(Notify("MAINPID="+strconv.Itoa(os.Getpid())), s.before.say(quiet)); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, s.before.gone)
		ended <- err
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Program is where the running program will be found again: an upgrade puts another
// file there. It is asked for before the working folder can change.
func Program() (string, error) {
	path, err := exec.LookPath(os.Args[0])
	if err != nil { // whoever started this called it otherwise
		return os.Executable()
	}
	return filepath.Abs(path)
}

// Succeed starts the program with args (its own name first), gives it the sockets, and
// returns when it serves or waits for Release. An error means that it is gone again and
// that this process is to go on.
func (s *Set) Succeed(ctx context.Context, program string, args []string) (pid int, err error) {
	if os.Getpid() == 1 {
		return 0, errors.New("the first process of a container can't be succeeded, the container would end: replace the container")
	}
	if err := Notify(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", monotonic())); err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, Notify("READY=1"))
		}
	}()
	said, tell, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer said.Close()
	gone, held, err := os.Pipe()
	if err != nil {
		return 0, errors.Join(err, tell.Close())
	}
	pid, err = s.start(program, args, tell, gone)
	err = errors.Join(err, tell.Close(), gone.Close())
	if err != nil {
		return 0, errors.Join(fmt.Errorf("start %s: %w", program, err), held.Close())
	}
	stop := context.AfterFunc(ctx, func() { _ = said.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	var answer [1]byte
	if _, err := io.ReadFull(said, answer[:]); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it ended before it served; what it said stands above")
		} else {
			err = fmt.Errorf("it did not serve in time: %w", err)
		}
		_ = syscall.Kill(pid, syscall.SIGKILL)
		var status syscall.WaitStatus
		for {
			if _, again := syscall.Wait4(pid, &status, 0, nil); again != syscall.EINTR { //nolint:errorlint // an errno
				break
			}
		}
		return 0, errors.Join(err, held.Close())
	}
	s.mu.Lock()
	s.heir = held
	s.mu.Unlock()
	return pid, nil
}

// Release lets a successor go on that waits until this process has finished; the end of
// the process does the same.
func (s *Set) Release() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.heir == nil {
		return nil
	}
	err := s.heir.Close()
	s.heir = nil
	return err
}

// start runs the program with the two pipes and the sockets. It takes descriptors, not
// files: os.File.Fd would make the sockets blocking, for this process, too, as the flag
// is the socket's.
func (s *Set) start(program string, args []string, tell, gone *os.File) (pid int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	files := []uintptr{0, 1, 2, tell.Fd(), gone.Fd()}
	var named []string
	for _, g := range s.taken {
		raw, err := g.listener.SyscallConn()
		if err != nil {
			return 0, err
		}
		copied := -1
		if again := raw.Control(func(fd uintptr) { copied, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) }); again != nil || err != nil {
			return 0, errors.Join(again, err)
		}
		defer unix.Close(copied) //nolint:errcheck // a copy
		files = append(files, uintptr(copied))
		named = append(named, g.name+"@"+url.QueryEscape(g.address))
	}
	env := append(os.Environ(), heirVariable+"="+strconv.Itoa(os.Getpid())+" "+strings.Join(named, " "))
	pid, _, err = syscall.StartProcess(program, args, &syscall.ProcAttr{Env: env, Files: files}) //nolint:gosec // our own program
	return pid, err
}

// monotonic is CLOCK_MONOTONIC in microseconds: by it a service manager tells reloads apart.
func monotonic() int64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return 0
	}
	return now.Nano() / 1000
}
