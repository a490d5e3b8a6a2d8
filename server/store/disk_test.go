//go:build linux

package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// diskDecisions are made by each process on a disk that fails: enough for the
// write-ahead log to be copied into the file once by itself.
const diskDecisions = 160

// shim compiles testdata/disk.c: what stands between SQLite and the disk.
func shim(t *testing.T) (library string) {
	t.Helper()
	library = filepath.Join(t.TempDir(), "disk.so")
	out, err := exec.CommandContext(t.Context(), "gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", library, "testdata/disk.c", "-ldl", "-lpthread").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return library
}

// A diskFault is one call to the disk that fails.
type diskFault struct {
	at    int
	kinds string // of calls that count
	how   string // once, from, half, kill
	errno syscall.Errno
}

func (f diskFault) String() string { return fmt.Sprintf("%s-%s-%d-%s", f.kinds, f.how, f.at, f.errno) }

// A ran is what a process on such a disk has left.
type ran struct {
	receipts map[string]string // answered, by decision
	last     []string          // the last words, answers and refusals, in their order
	journal  []byte
	exit     error
	stderr   string
}

func runOnDisk(t *testing.T, library, path string, f diskFault) ran {
	t.Helper()
	return runRoleOnDisk(t, "disk", library, path, f)
}

func runRoleOnDisk(t *testing.T, role, library, path string, f diskFault) ran {
	t.Helper()
	journal := path + ".written" // beside it: no file of the database
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), "VOLENTI_STORE_TEST_CHILD="+role, "VOLENTI_STORE_TEST_PATH="+path, "VOLENTI_STORE_TEST_NAME=n",
		"LD_PRELOAD="+library, "DISK_JOURNAL="+journal, "DISK_FAIL="+strconv.Itoa(f.at), "DISK_KINDS="+f.kinds, "DISK_HOW="+f.how, "DISK_ERRNO="+strconv.Itoa(int(f.errno)))
	// What is told goes the way of what is written, so that both have one order.
	out, err := os.OpenFile(journal, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	var stderr strings.Builder
	cmd.Stdout, cmd.Stderr = out, &stderr
	r := ran{exit: cmd.Run(), receipts: map[string]string{}, stderr: stderr.String()}
	if r.journal, err = os.ReadFile(journal); err != nil {
		t.Fatal(err)
	}
	for _, o := range operations(t, r.journal) {
		if o.kind != 'A' {
			continue
		}
		decision, receipt, _ := strings.Cut(o.text, " ")
		r.last = append(r.last, decision)
		if decision != "refused" {
			r.receipts[decision] = receipt
		}
	}
	return r
}

// An operation is a line of the journal: a write (W), a truncation (T), a sync that
// worked (S) or failed (F), a removal (U), or an answer the process has given (A).
type operation struct {
	kind, file byte
	at         int64
	bytes      []byte
	text       string
}

func operations(t *testing.T, journal []byte) (all []operation) {
	t.Helper()
	for len(journal) > 0 {
		if journal[0] == 'n' || journal[0] == 'r' { // n-17 5f3a…, refused 17
			line, rest, whole := bytes.Cut(journal, []byte("\n"))
			if whole {
				all = append(all, operation{kind: 'A', text: string(line)})
			}
			journal = rest
			continue
		}
		if len(journal) < 14 || !strings.ContainsRune("WTSFU", rune(journal[0])) {
			t.Fatalf("the journal holds %.20q", journal)
		}
		n := int(binary.LittleEndian.Uint32(journal[10:]))
		all = append(all, operation{kind: journal[0], file: journal[1], at: int64(binary.LittleEndian.Uint64(journal[2:])), bytes: journal[14:][:n]})
		journal = journal[14+n:]
	}
	return all
}

// A platter is what stands on the disk itself, by file: what was synced, and what the
// system would write some time.
type platter struct {
	random *rand.Rand
	files  map[byte]*[]byte
	later  map[byte][]operation
}

// powerCut is what is left of the files after the first so many operations. Of what was
// not synced each write is there, is not, or is there in part: a disk has no order.
func powerCut(all []operation, random *rand.Rand) map[byte][]byte {
	p := platter{random, map[byte]*[]byte{}, map[byte][]operation{}}
	for i, o := range all {
		switch o.kind {
		case 'W', 'T':
			p.later[o.file] = append(p.later[o.file], o)
		case 'S':
			for _, o := range p.later[o.file] {
				p.write(o)
			}
			p.later[o.file] = nil
		case 'F': // the system has given up on it: some is there, and no later sync brings the rest
			p.some(o.file)
		case 'U':
			if i < len(all)-1 || random.IntN(2) == 0 {
				delete(p.files, o.file)
				p.later[o.file] = nil
			}
		}
	}
	for file := range p.later {
		p.some(file)
	}
	left := map[byte][]byte{}
	for file, b := range p.files {
		left[file] = *b
	}
	return left
}

// some of what was not synced reaches the disk.
func (p *platter) some(file byte) {
	const none, all, each = 0, 1, 2
	fate := p.random.IntN(3)
	for _, o := range p.later[file] {
		switch {
		case fate == none, fate == each && p.random.IntN(2) == 0:
		case fate == each && o.kind == 'W' && p.random.IntN(2) == 0:
			p.tear(o)
		default:
			p.write(o)
		}
	}
	p.later[file] = nil
}

// tear writes a part: a beginning, or some sectors.
func (p *platter) tear(o operation) {
	const sector = 512
	if p.random.IntN(2) == 0 {
		o.bytes = o.bytes[:p.random.IntN(len(o.bytes)+1)]
		p.write(o)
		return
	}
	for at := 0; at < len(o.bytes); {
		end := min(len(o.bytes), at+sector-int(o.at+int64(at))%sector)
		if p.random.IntN(2) == 0 {
			p.write(operation{kind: 'W', file: o.file, at: o.at + int64(at), bytes: o.bytes[at:end]})
		}
		at = end
	}
}

func (p *platter) write(o operation) {
	if p.files[o.file] == nil {
		p.files[o.file] = new([]byte)
	}
	b := p.files[o.file]
	end := int(o.at) + len(o.bytes)
	if o.kind == 'T' && end < len(*b) {
		*b = (*b)[:end]
	}
	if end > len(*b) {
		*b = append(*b, make([]byte, end-len(*b))...)
	}
	copy((*b)[o.at:], o.bytes)
}

// put writes such files; the database is there, empty, from before.
func put(t *testing.T, folder string, left map[byte][]byte) (path string) {
	t.Helper()
	path = filepath.Join(folder, "volenti.db")
	for file, suffix := range map[byte]string{'d': "", 'w': "-wal", 'j': "-journal"} {
		b, ok := left[file]
		if !ok && file != 'd' {
			continue
		}
		if err := os.WriteFile(path+suffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// many is how often something is tried: a few times in CI, else as a variable says.
func many(few int, variable string) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil {
		return n
	}
	return few
}

// without is words but for one.
func without(words []string, not string) []string {
	return slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == not })
}

// answeredIn is what was answered within so many operations.
func answeredIn(all []operation) map[string]string {
	receipts := map[string]string{}
	for _, o := range all {
		if decision, receipt, _ := strings.Cut(o.text, " "); o.kind == 'A' && decision != "refused" {
			receipts[decision] = receipt
		}
	}
	return receipts
}

// The power fails at any moment: what was answered is there, and the log holds.
func TestPowerFails(t *testing.T) {
	library := shim(t)
	r := runOnDisk(t, library, filepath.Join(t.TempDir(), "volenti.db"), diskFault{})
	if r.exit != nil || len(r.receipts) != diskDecisions {
		t.Fatalf("%v, %d answered: %s", r.exit, len(r.receipts), r.stderr)
	}
	all := operations(t, r.journal)
	copied := slices.ContainsFunc(all[:len(all)*3/4], func(o operation) bool { return o.file == 'd' && o.kind == 'S' && o.at == 0 })
	if !copied {
		t.Error("the write-ahead log was never copied into the file")
	}
	for i := range many(25, "VOLENTI_TEST_CUTS") {
		random := rand.New(rand.NewPCG(13, uint64(i)))
		cut := all[:random.IntN(len(all)+1)]
		path := put(t, t.TempDir(), powerCut(cut, random))
		db, err := Open(t.Context(), path, Options{})
		if err != nil {
			t.Errorf("cut %d, after %d of %d operations: %v", i, len(cut), len(all), err)
			continue
		}
		allThere(t, db, answeredIn(cut))
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Fatalf("cut %d, after %d of %d operations", i, len(cut), len(all))
		}
	}
}

// Any write or sync fails, once or from then on, whole or in part, or the process ends
// there. What was answered is there: for whoever opens the files as they are, and for
// whoever opens them after the power has failed, too. And after a sync that failed
// nothing is answered any more.
func TestTheNthCallToTheDiskFails(t *testing.T) {
	library := shim(t)
	r := runOnDisk(t, library, filepath.Join(t.TempDir(), "volenti.db"), diskFault{})
	calls := map[string]int{}
	for _, o := range operations(t, r.journal) {
		switch o.kind {
		case 'W', 'T':
			calls["w"]++
		case 'S':
			calls["s"]++
		}
	}
	if r.exit != nil || calls["w"] < 500 || calls["s"] < 100 {
		t.Fatalf("%v, %v: %s", r.exit, calls, r.stderr)
	}
	ways := []diskFault{
		{kinds: "w", how: "once", errno: syscall.EIO}, {kinds: "w", how: "half", errno: syscall.ENOSPC}, {kinds: "w", how: "from", errno: syscall.ENOSPC},
		{kinds: "s", how: "once", errno: syscall.EIO}, {kinds: "s", how: "from", errno: syscall.EIO}, {kinds: "w", how: "kill"}, {kinds: "s", how: "kill"},
	}
	tries := many(21, "VOLENTI_TEST_FAULTS")
	stopped, refusedOnce := 0, 0
	for i := range tries {
		f := ways[i%len(ways)]
		random := rand.New(rand.NewPCG(12, uint64(i)))
		if f.at = 1 + random.IntN(calls[f.kinds]); tries >= 2000 {
			f.at = 1 + (i/len(ways))*calls[f.kinds]/(tries/len(ways)+1) // from the first to the last
		}
		t.Run(f.String(), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "volenti.db")
			r := runOnDisk(t, library, path, f)
			all := operations(t, r.journal)
			if f.how != "kill" && r.exit != nil && len(r.last) > 0 && len(r.last) < diskDecisions {
				t.Errorf("neither answered nor refused: %v, %s", r.exit, r.stderr)
			}
			failed := slices.IndexFunc(all, func(o operation) bool { return o.kind == 'F' })
			refused := slices.Index(r.last, "refused")
			if failed >= 0 && refused >= 0 {
				// Of two who ask, the other one's answer may have been on its way to us.
				if late := without(r.last[refused:], "refused"); len(late) > 1 {
					t.Errorf("%v were answered after a sync had failed", late)
				}
				stopped++
			}
			if f.how == "once" && f.kinds == "w" && refused >= 0 {
				refusedOnce++
				// At most the one batch: both who asked may have been in it.
				if n := len(r.last) - len(without(r.last, "refused")); n > 2 {
					t.Errorf("one write failed, and %d of %d were not kept", n, len(r.last))
				}
			}
			cut := put(t, t.TempDir(), powerCut(all, random))
			for _, path := range []string{path, cut} {
				db, err := Open(t.Context(), path, Options{})
				if err != nil {
					t.Errorf("after %d answers: %v", len(r.receipts), err)
					continue
				}
				allThere(t, db, r.receipts)
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if stopped == 0 || refusedOnce == 0 {
		t.Errorf("%d processes stopped at a failed sync, %d were refused a write once: the faults hit nothing", stopped, refusedOnce)
	}
}
