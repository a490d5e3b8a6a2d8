// Package socket keeps listening sockets open beyond one process, so that a restart
// loses no connection: they come from the service manager (sd_listen_fds(3)), from the
// process that this one succeeds, or are opened here.
package socket

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
)

// firstDescriptor is SD_LISTEN_FDS_START: sockets of a service manager begin here.
const firstDescriptor = 3

// Main is the name of the socket that visitors reach. A service manager's socket
// with a name that nobody asks for is this one.
const Main = "main"

// A Set is the listening sockets of a process.
type Set struct {
	mu     sync.Mutex
	given  []*given // not taken yet; guarded by mu
	taken  []*given // what this process listens on; guarded by mu
	before *predecessor
	heir   *os.File // held open until this process has finished; guarded by mu
}

// A given is a socket with its name, and the address in the settings that it was
// opened for; "" is any: the service manager's unit says where it listens.
type given struct {
	name, address string
	listener      *net.TCPListener
}

// Inherit takes over the sockets that this process was started with. What says so in
// the environment is removed: it is not meant for our own children.
func Inherit() (*Set, error) {
	s := &Set{}
	text, pid, count, names := os.Getenv(heirVariable), os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_FDNAMES")
	for _, name := range []string{heirVariable, "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		if err := os.Unsetenv(name); err != nil {
			return nil, err
		}
	}
	if text != "" {
		return s, s.succeed(text)
	}
	if count == "" || pid != strconv.Itoa(os.Getpid()) {
		return s, nil
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 {
		return nil, fmt.Errorf("LISTEN_FDS is %q, which is no number of sockets", count)
	}
	called := strings.Split(names, ":")
	for i := range n {
		g := &given{}
		if i < len(called) {
			g.name = called[i]
		}
		if g.listener, err = listenerOf(firstDescriptor + i); err != nil {
			return nil, fmt.Errorf("socket %d of the service manager: %w; it must be a listening TCP socket (ListenStream=)", i+1, err)
		}
		s.given = append(s.given, g)
	}
	return s, nil
}

// listenerOf takes over a descriptor.
func listenerOf(descriptor int) (*net.TCPListener, error) {
	f := os.NewFile(uintptr(descriptor), "socket")
	if f == nil {
		return nil, os.ErrInvalid
	}
	l, err := net.FileListener(f) // a copy, closed when another program is started
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return nil, errors.Join(errors.New("it is not one of TCP"), l.Close())
	}
	return tcp, nil
}

// Listen is the socket of a name: the one this process was given for the address, or a
// new one.
func (s *Set) Listen(ctx context.Context, name, address string) (net.Listener, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.find(name, address)
	if g == nil {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		tcp, ok := l.(*net.TCPListener)
		if !ok {
			return nil, errors.Join(errors.ErrUnsupported, l.Close())
		}
		g = &given{name, address, tcp}
	}
	g.name = name
	s.taken = append(s.taken, g)
	return g.listener, nil
}

// find takes a socket out of those that were given.
func (s *Set) find(name, address string) *given {
	at := -1
	for i, g := range s.given {
		if g.address != "" && g.address != address {
			continue
		}
		if g.name == name {
			at = i
			break
		}
		if name == Main && at < 0 && g.address == "" {
			at = i
		}
	}
	if at < 0 {
		return nil
	}
	g := s.given[at]
	s.given = append(s.given[:at], s.given[at+1:]...)
	return g
}

// Shared reports whether connections that this process does not accept any more wait
// for another one.
func (s *Set) Shared() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.taken {
		if g.address == "" {
			return true
		}
	}
	return false
}

// Ready tells the service manager and the predecessor that this process serves, and
// closes the sockets nobody has asked for.
func (s *Set) Ready() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, g := range s.given {
		errs = append(errs, g.listener.Close())
	}
	s.given = nil
	errs = append(errs, Notify("MAINPID="+strconv.Itoa(os.Getpid())+"\nREADY=1"), s.before.say(ready))
	return errors.Join(errs...)
}
