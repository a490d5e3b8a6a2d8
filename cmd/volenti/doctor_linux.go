package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

func diskOf(path string) (disk, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return disk{}, fmt.Errorf("file system of %s: %w", path, err)
	}
	return disk{kind: fileSystems[int64(uint32(s.Type))], whole: int64(s.Blocks) * s.Bsize, free: int64(s.Bavail) * s.Bsize, nodes: int64(s.Files), left: int64(s.Ffree)}, nil
}

func ownerOf(info os.FileInfo) int {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(s.Uid)
	}
	return -1
}

// shareable maps a page of a file, as the index of a write-ahead log is mapped.
func shareable(f *os.File) error {
	memory, err := syscall.Mmap(int(f.Fd()), 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return err
	}
	return syscall.Munmap(memory)
}

// serverOf is the process, other than this one, that has a file open; 0 if there is
// none that this user may look at.
func serverOf(path string) int {
	path, err := filepath.Abs(path)
	if err != nil {
		return 0
	}
	open, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return 0
	}
	for _, fd := range open {
		if to, err := os.Readlink(fd); err != nil || to != path {
			continue
		}
		pid, err := strconv.Atoi(strings.Split(fd, "/")[2])
		if err == nil && pid != os.Getpid() {
			return pid
		}
	}
	return 0
}

// openFiles is how many files a process may have open.
func openFiles(pid int) (n int64, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	if err != nil {
		return 0, false
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "Max open files"); ok {
			fields := strings.Fields(rest)
			if len(fields) == 0 {
				return 0, false
			}
			n, err := strconv.ParseInt(fields[0], 10, 64)
			return n, err == nil // "unlimited" is none
		}
	}
	return 0, false
}

// memoryLimit is that of a process's control group (cgroup v2), if there is one.
func memoryLimit(pid int) (n int64, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return 0, false
	}
	_, group, found := strings.Cut(string(text), "0::")
	if !found {
		return 0, false
	}
	group, _, _ = strings.Cut(group, "\n")
	most, err := os.ReadFile(filepath.Join("/sys/fs/cgroup", filepath.Clean("/"+group), "memory.max"))
	if err != nil {
		return 0, false
	}
	n, err = strconv.ParseInt(strings.TrimSpace(string(most)), 10, 64)
	return n, err == nil
}
