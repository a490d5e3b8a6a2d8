package main

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// forgetProgram lets go of the pages of this program's file that nobody can have
// written to: mappings that are not writable, and of which no page is the process's own.
// (What the dynamic linker has filled in and then protected is its own.) A page that is
// read afterwards is mapped anew.
func forgetProgram() {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return // no /proc: it stays as it is
	}
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer f.Close()
	for _, m := range unwritten(f, program) {
		_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, m.from, m.to-m.from, syscall.MADV_DONTNEED) // a wish
	}
}

// A mapping is a range of addresses.
type mapping struct{ from, to uintptr }

// unwritten finds them in proc_pid_smaps(5).
func unwritten(smaps io.Reader, program string) (all []mapping) {
	var m mapping
	ours := false
	for lines := bufio.NewScanner(smaps); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) == 3 && words[0] == "Anonymous:" {
			if ours && words[1] == "0" {
				all = append(all, m)
			}
			continue
		}
		if len(words) < 5 || len(words[1]) != 4 { // not a mapping's first line
			continue
		}
		from, to, _ := strings.Cut(words[0], "-")
		first, bad := strconv.ParseUint(from, 16, 64)
		last, worse := strconv.ParseUint(to, 16, 64)
		m = mapping{uintptr(first), uintptr(last)}
		ours = bad == nil && worse == nil && words[1][:2] == "r-" && strings.HasSuffix(lines.Text(), " "+program)
	}
	return all
}
