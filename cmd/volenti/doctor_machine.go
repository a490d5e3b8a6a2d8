package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// files are those that the settings name: whether they can be read, and by whom.
func (d *doctor) files(context.Context) error {
	c := d.cfg
	for _, f := range []struct {
		setting, path string
		secret        bool
	}{
		{"geo.database", c.GeoDatabase, false},
		{"metrics.token_file", c.MetricsToken, true},
		{"oidc.secret_file", c.OIDCSecretFile, true},
		{"smtp.password_file", c.SMTPPasswordFile, true},
		{"tls.cert", c.TLSCert, false},
		{"tls.key", c.TLSKey, true},
		{"backup.passphrase_file", c.BackupPassphrase, true},
	} {
		if f.path == "" {
			continue
		}
		info, err := os.Stat(f.path)
		if err == nil {
			var open *os.File
			if open, err = os.Open(f.path); err == nil {
				err = open.Close()
			}
		}
		switch {
		case err != nil:
			d.problem("put the file there, and give it to the user that serves", "%s: %v", f.setting, err)
		case f.secret && info.Mode().Perm()&0o077 != 0:
			d.problem("chmod 600 "+f.path, "%s: others can read %s", f.setting, f.path)
		}
	}
	return nil
}

// machine is what the folder, the disk and the limits of the process are asked.
func (d *doctor) machine() []examination {
	if info, err := os.Stat(d.cfg.Data); err != nil || !info.IsDir() {
		return []examination{{"data", func(context.Context) error {
			d.problem("name the folder of the server with --data, or in its file with --config", "the data folder %s is not there", d.cfg.Data)
			return nil
		}}}
	}
	return []examination{
		{"data.owner", d.owner},
		{"disk.kind", d.kind},
		{"disk.space", d.space},
		{"disk.sync", d.sync},
		{"limits", d.limits},
	}
}

// owner looks for files that the server's user can't write, or others can read.
func (d *doctor) owner(context.Context) error {
	top, err := os.Stat(d.cfg.Data)
	if err != nil {
		return err
	}
	owner := ownerOf(top)
	if me := os.Geteuid(); me != 0 && me != owner {
		d.problem(fmt.Sprintf("run it as the user with number %d, or give the folder to yours", owner), "the data folder %s belongs to another user", d.cfg.Data)
		return nil
	}
	return filepath.WalkDir(d.cfg.Data, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // gone since the folder was read
		}
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if is := ownerOf(info); is != owner {
			d.problem(fmt.Sprintf("chown %d %s; run the commands of volenti as the user that serves", owner, path), "%s belongs to user %d, the data folder to %d: the server may be unable to use it", path, is, owner)
		}
		if info.Mode().Perm()&0o077 != 0 && !strings.HasSuffix(path, ".pub.pem") && !strings.HasSuffix(path, ".pub") && filepath.Base(path) != "log.checkpoint" && path != d.cfg.Data {
			d.problem("chmod go= "+path, "others can read %s", path)
		}
		return nil
	})
}

// A disk is what holds a folder.
type disk struct {
	kind        string // of file system, or "" where it is of no interest
	whole, free int64  // bytes; free is for whoever is not root
	nodes, left int64  // files it can hold, and how many more
}

// What file systems call themselves (statfs(2)).
var fileSystems = map[int64]string{
	0x6969: "nfs", 0x517B: "smb", 0xFF534D42: "smb", 0xFE534D42: "smb", 0x01021997: "9p", 0x65735546: "fuse", 0x5346414F: "afs", 0x0BD00BD0: "lustre",
	0x47504653: "gpfs", 0x00C36400: "ceph", 0x73757245: "coda", 0x01021994: "tmpfs", 0x858458F6: "ramfs", 0x794C7630: "overlay", 0x4D44: "fat", 0x2011BAB0: "exfat",
}

// kind refuses what a write-ahead log can't be on, and what is gone after a restart.
func (d *doctor) kind(context.Context) error {
	is, err := d.disk(d.cfg.Data)
	if err != nil {
		return err
	}
	const move = "stop the server and move the data folder to a disk of this machine"
	switch is.kind {
	case "nfs", "smb", "9p", "afs", "lustre", "gpfs", "ceph", "coda":
		d.problem(move+", or use PostgreSQL", "%s is on a network file system (%s): the write-ahead log needs memory shared on one machine, and records can be lost", d.cfg.Data, is.kind)
	case "fuse":
		d.hint("make sure it is a disk of this machine and not a network; "+move+" otherwise", "%s is on a file system of a program (fuse)", d.cfg.Data)
	case "tmpfs", "ramfs":
		d.problem(move, "%s is in memory (%s): everything in it is gone after a restart", d.cfg.Data, is.kind)
	case "overlay":
		d.problem("mount a volume there", "%s is in the layer of a container: everything in it goes with the container", d.cfg.Data)
	case "fat", "exfat":
		d.problem(move, "%s is on a file system without owners (%s): anybody can read the keys", d.cfg.Data, is.kind)
	}
	return nil
}

// Room that is left on a disk before somebody has to look.
const (
	fewestBytes = 256 << 20
	fewestDays  = 30
	fewestFiles = 1000
)

func (d *doctor) space(context.Context) error {
	is, err := d.disk(d.cfg.Data)
	if err != nil {
		return err
	}
	const mend = "make room or enlarge the disk: decisions are refused with 503 once it is full"
	if is.nodes > 0 && is.left < fewestFiles {
		d.problem(mend, "the disk of %s has room for %d more files only", d.cfg.Data, is.left)
	}
	if is.free < fewestBytes {
		d.problem(mend, "the disk of %s has %s left", d.cfg.Data, inBytes(is.free))
	}
	return nil
}

// slowSync is how long the disk may take to keep something: each decision waits for it.
const slowSync = 100 * time.Millisecond

// sync has the disk keep a file of its own a few times.
func (d *doctor) sync(context.Context) (err error) {
	f, err := os.CreateTemp(d.cfg.Data, ".doctor-*")
	if err != nil {
		d.problem("give the folder to the user that serves, and mount its disk to be written", "nothing can be written into %s: %v", d.cfg.Data, err)
		return nil
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	var took []time.Duration
	for range 9 {
		begun := time.Now()
		_, err := f.WriteAt(make([]byte, 4096), 0)
		if err = errors.Join(err, d.flush(f)); err != nil {
			d.problem("replace the disk: what it answers for can be lost", "the disk of %s does not keep what is written (%v)", d.cfg.Data, err)
			return nil
		}
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	if median := took[len(took)/2]; median > slowSync {
		d.hint("use a faster disk, or one that others use less", "the disk takes %s to keep a page: each decision waits for that", median.Round(time.Millisecond))
	}
	// What the write-ahead log's index needs.
	if err := shareable(f); err != nil {
		d.problem("put the data folder on a disk of this machine", "files in %s can't be shared in memory (%v), which the write-ahead log needs", d.cfg.Data, err)
	}
	return nil
}

// What a server with a few thousand visitors at once needs.
const (
	fewestOpenFiles = 4096
	fewestMemory    = 192 << 20
)

// limits are those of the server that runs, else of this process.
func (d *doctor) limits(context.Context) error {
	pid, whose := serverOf(d.cfg.home().file()), "the running server"
	if pid == 0 {
		pid, whose = os.Getpid(), "this shell"
	}
	if n, ok := openFiles(pid); ok && n < fewestOpenFiles {
		d.hint("raise it: LimitNOFILE=65536 in the systemd unit, ulimit -n in a shell, ulimits in a compose file", "%s may open %d files; each visitor's connection is one", whose, n)
	}
	if n, ok := memoryLimit(pid); ok && n < fewestMemory {
		d.hint("give it 512 MiB", "%s may use %s of memory", whose, inBytes(n))
	}
	return nil
}

// inBytes writes a size for people.
func inBytes(n int64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 10<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	default:
		return fmt.Sprintf("%d KiB", n>>10)
	}
}
