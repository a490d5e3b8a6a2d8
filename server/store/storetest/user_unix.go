//go:build unix

package storetest

import (
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// PostgreSQL does not run as root. Whoever tests as root has it run as its own user,
// or as nobody.
func someoneElse() *syscall.Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	return nil
}

func unprivileged(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Credential: someoneElse(), Setpgid: true}
}

func chown(folder string) error {
	if who := someoneElse(); who != nil {
		return os.Chown(folder, int(who.Uid), int(who.Gid))
	}
	return nil
}

// Kill ends the server's first process as the kernel does when memory is short: the
// others end by themselves, and nothing is written any more.
func (s *Server) Kill() error {
	pid, err := s.Postmaster()
	if err != nil {
		return err
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}
