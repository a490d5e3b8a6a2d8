package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/server/request"
)

// lived makes an installation in which decisions were recorded, and stops its server.
func lived(t *testing.T) (data string) {
	t.Helper()
	data = publish(t)
	text := strings.Replace(string(mustRead(t, "testdata/shop.toml")), `languages = ["en", "de"]`, `languages = ["en"]`, 1)
	file := filepath.Join(t.TempDir(), "shop.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, exit := volenti(t, "notice", "publish", file, "--data", data); exit != 0 {
		t.Fatal(out)
	}
	p := start(t, data)
	v := p.open(nil)
	for _, id := range []string{"d0", "d1", "d2"} {
		if status, body, err := v.decide(id); err != nil || status != 201 {
			t.Fatal(status, err, string(body))
		}
	}
	if err := p.stop(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	return data
}

// regionDatabase makes one of today in which a range of addresses is in one country.
func regionDatabase(t *testing.T, ranges string) (path string) {
	t.Helper()
	folder := t.TempDir()
	path = filepath.Join(folder, "regions.mmdb")
	for name, text := range map[string]string{"v4": ranges, "v6": "2a00::,2a00:ffff:ffff:ffff:ffff:ffff:ffff:ffff,DE\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(time.Now().UTC().Format("# Generated: Mon, 02 Jan 2006 15:04:05 GMT\n")+text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("go", "run", "../../geo/build", "-v4", filepath.Join(folder, "v4"), "-v6", filepath.Join(folder, "v6"), "-o", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// copied is a copy of an installation, to be broken.
func copied(t *testing.T, data string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "data")
	err := filepath.WalkDir(data, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(data, path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return os.Mkdir(filepath.Join(to, rel), info.Mode().Perm())
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, info.Mode().Perm())
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// A patient is an installation and what the doctor is told of it.
type patient struct {
	t    *testing.T
	data string
	now  time.Time
	disk disk
	gone error                // instead of the disk
	sync func(*os.File) error // of the disk
	set  []string             // flags of serve

	within  time.Duration // for the check of the file
	regions string        // file of a region database
}

func (p *patient) path(name string) string { return filepath.Join(p.data, name) }

func (p *patient) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// sql changes the database behind the program's back.
func (p *patient) sql(texts ...string) {
	p.t.Helper()
	db, err := sql.Open("sqlite3", p.path("volenti.db"))
	p.must(err)
	for _, text := range texts {
		_, err := db.Exec(text)
		p.must(err)
	}
	p.must(db.Close())
}

// spoilIndex writes over a page that is read by a check of the whole file alone.
func (p *patient) spoilIndex() {
	p.t.Helper()
	db, err := sql.Open("sqlite3", p.path("volenti.db"))
	p.must(err)
	var page, size int64
	p.must(db.QueryRow(`SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_master WHERE name = 'webhook_delivery_at'`).Scan(&page, &size))
	p.must(db.Close())
	f, err := os.OpenFile(p.path("volenti.db"), os.O_RDWR, 0)
	p.must(err)
	_, err = f.WriteAt(bytes.Repeat([]byte{0xA5}, 64), (page-1)*size)
	p.must(err)
	p.must(f.Close())
}

// diagnose examines it, in this process.
func (p *patient) diagnose() *doctor {
	p.t.Helper()
	cfg, wrong := readFlags(p.t, append([]string{"--data", p.data, "--geo-database", p.regions}, p.set...)...)
	d := &doctor{cfg: cfg, now: func() time.Time { return p.now }, disk: func(string) (disk, error) { return p.disk, p.gone }, flush: p.sync, within: p.within}
	d.examine(p.t.Context(), wrong, false)
	return d
}

func readFlags(t *testing.T, args ...string) (*Config, []error) {
	t.Helper()
	flags := addConfigFlags(pflag.NewFlagSet("doctor", pflag.ContinueOnError))
	if err := flags.set.Parse(args); err != nil {
		t.Fatal(err)
	}
	return flags.read(func(string) string { return "" })
}

// Every illness is told by the check it belongs to, with a mend; and what is sound is
// met with silence.
func TestDoctorTellsWhatIsBroken(t *testing.T) {
	sound, world, network := lived(t), regionDatabase(t, "16777216,3758096383,DE\n"), regionDatabase(t, "134744064,134744319,US\n")
	large := disk{free: 1 << 40, nodes: 1 << 20, left: 1 << 20}
	month := 30 * 24 * time.Hour
	for name, c := range map[string]struct {
		spoil func(p *patient)
		want  []string // level and check of everything that is told
		says  string   // in one of the texts or mends
	}{
		"nothing": {func(*patient) {}, nil, ""},
		"a setting": {func(p *patient) { p.set = []string{"--listen", "nowhere"} },
			[]string{"problem configuration"}, "127.0.0.1:8080"},
		"a secret others can read": {func(p *patient) {
			file := filepath.Join(p.t.TempDir(), "token")
			p.must(os.WriteFile(file, []byte("0123456789abcdef"), 0o644))
			p.must(os.Chmod(file, 0o644))
			p.set = []string{"--metrics-token-file", file}
		}, []string{"problem configuration", "problem configuration.files"}, "chmod 600"},
		"a region database that is not there": {func(p *patient) { p.set = []string{"--geo-database", p.path("none.mmdb")} },
			[]string{"problem configuration.files", "problem regions"}, "none.mmdb"},
		"a region database of one network": {func(p *patient) { p.set = []string{"--geo-database", network} },
			[]string{"problem regions"}, "strictest law"},
		"no folder":   {func(p *patient) { p.data = p.path("elsewhere") }, []string{"problem data", "problem database"}, "--data"},
		"no database": {func(p *patient) { p.must(os.Remove(p.path("volenti.db"))) }, []string{"problem database"}, "start the server once"},
		"a database others can read": {func(p *patient) { p.must(os.Chmod(p.path("volenti.db"), 0o640)) },
			[]string{"problem data.owner"}, "chmod go="},
		"a network disk":   {func(p *patient) { p.disk.kind = "nfs" }, []string{"problem disk.kind"}, "disk of this machine"},
		"a disk in memory": {func(p *patient) { p.disk.kind = "tmpfs" }, []string{"problem disk.kind"}, "gone after a restart"},
		"a container":      {func(p *patient) { p.disk.kind = "overlay" }, []string{"problem disk.kind"}, "mount a volume"},
		"a stick":          {func(p *patient) { p.disk.kind = "fat" }, []string{"problem disk.kind"}, "without owners"},
		"a program's disk": {func(p *patient) { p.disk.kind = "fuse" }, []string{"hint disk.kind"}, "not a network"},
		"a disk that does not answer": {func(p *patient) { p.gone = errors.New("stale file handle") },
			[]string{"problem disk.growth", "problem disk.kind", "problem disk.space"}, "could not be checked: stale"},
		"a disk that loses": {func(p *patient) { p.sync = func(*os.File) error { return syscall.EIO } }, []string{"problem disk.sync"}, "replace the disk"},
		"a slow disk": {func(p *patient) {
			p.sync = func(*os.File) error { time.Sleep(slowSync + time.Millisecond); return nil }
		}, []string{"hint disk.sync"}, "each decision waits"},
		"a full disk": {func(p *patient) { p.disk.free = 1 << 20 }, []string{"problem disk.space"}, "1024 KiB left"},
		"no inodes":   {func(p *patient) { p.disk.left = 3 }, []string{"problem disk.space"}, "3 more files"},
		"a disk that fills": {func(p *patient) {
			p.now, p.disk.free = p.now.AddDate(0, 0, 7), 300<<20
			p.must(os.WriteFile(p.path("backup.last"), []byte(`{"at":"`+p.now.Format(time.RFC3339)+`"}`), 0o600))
			p.must(os.Truncate(p.path("volenti.db"), 1<<30))
		}, []string{"problem disk.growth"}, "full in"},
		"a damaged database": {func(p *patient) {
			f, err := os.OpenFile(p.path("volenti.db"), os.O_RDWR, 0)
			p.must(err)
			info, err := f.Stat()
			p.must(err)
			for at := int64(4096 * 8); at < info.Size(); at += 4096 {
				_, err = f.WriteAt(bytes.Repeat([]byte{0xA5}, 512), at)
				p.must(err)
			}
			p.must(f.Close())
		}, nil, "damaged"},
		"a damaged page":                        {func(p *patient) { p.spoilIndex() }, []string{"problem database.file"}, "the database is damaged"},
		"a damaged page that is not looked for": {func(p *patient) { p.spoilIndex(); p.within = 0 }, nil, ""},
		"a database too large to check":         {func(p *patient) { p.within = time.Nanosecond }, []string{"hint database.file"}, "not checked to its end"},
		"no database at all in it": {func(p *patient) { p.must(os.WriteFile(p.path("volenti.db"), bytes.Repeat([]byte("no"), 4096), 0o600)) },
			[]string{"problem database.opens"}, "volenti restore"},
		"a database that can't be written": {func(p *patient) { // as on a full disk
			p.must(os.RemoveAll(p.path("volenti.db-wal")))
			p.must(os.Mkdir(p.path("volenti.db-wal"), 0o700))
		}, []string{"problem database.opens"}, "make room on its disk"},
		"a newer database": {func(p *patient) { p.sql(`INSERT INTO schema_migration (version, name) VALUES (9999, 'later')`) },
			[]string{"problem database.opens"}, "newer version"},
		"an older database": {func(p *patient) {
			p.sql(`DELETE FROM schema_migration WHERE version = (SELECT MAX(version) FROM schema_migration)`)
		},
			[]string{"hint database.opens"}, "start the server"},
		"another journal": {func(p *patient) { p.sql(`PRAGMA journal_mode = DELETE`) }, []string{"problem database.engine"}, "journal_mode = delete"},
		"a write-ahead log that grows": {func(p *patient) {
			p.must(os.WriteFile(p.path("volenti.db-wal"), nil, 0o600))
			p.must(os.Truncate(p.path("volenti.db-wal"), largeWAL+1))
		}, []string{"problem database.engine"}, "old state"},
		"no keys": {func(p *patient) { p.must(os.RemoveAll(p.path("keys"))) },
			[]string{"problem keys", "problem log"}, "from a backup"},
		"a key others can read": {func(p *patient) { p.must(os.Chmod(p.path("keys/secrets.json"), 0o644)) },
			[]string{"problem data.owner", "problem keys"}, "chmod 600"},
		"no secrets": {func(p *patient) { p.must(os.Remove(p.path("keys/secrets.json"))) }, []string{"problem keys"}, "asked again"},
		"other keys": {func(p *patient) {
			mine, err := filepath.Glob(p.path("keys/receipt-*.pem"))
			p.must(err)
			for _, path := range mine {
				p.must(os.Remove(path))
			}
			if out, exit := volenti(p.t, "key", "list", "--data", p.data); exit != 0 { // makes one
				p.t.Fatal(out)
			}
		}, []string{"problem keys.records"}, "put receipt-"},
		"no key that signs": {func(p *patient) {
			mine, err := filepath.Glob(p.path("keys/receipt-*.pem"))
			p.must(err)
			for _, path := range mine {
				if !strings.HasSuffix(path, ".pub.pem") {
					p.must(os.Remove(path))
				}
			}
		}, []string{"problem keys", "problem keys.records"}, "signs"},
		"an old key": {func(p *patient) {
			mine, err := filepath.Glob(p.path("keys/receipt-*.pem"))
			p.must(err)
			p.must(os.Chtimes(mine[0], time.Time{}, p.now.AddDate(-4, 0, 0)))
		}, []string{"hint keys"}, "key rotate"},
		"a clock that is slow": {func(p *patient) { p.now = p.now.Add(-time.Hour) }, []string{"hint sites.policies", "problem clock"}, "NTP"},
		"an older database in its place": {func(p *patient) {
			p.must(os.WriteFile(p.path("volenti.db"), mustRead(p.t, filepath.Join(publish(p.t), "volenti.db")), 0o600))
			p.now = time.Now()
		}, []string{"hint sites.notices", "problem log"}, "log accept"},
		"no pinned file": {func(p *patient) { p.must(os.Remove(p.path("log.checkpoint"))) }, []string{"hint log"}, "rolled back"},
		"a place of pins that is away": {func(p *patient) { p.set = []string{"--log-pins", p.path("pins")} },
			[]string{"problem log.pins"}, "three days"},
		"a pin of today": {func(p *patient) {
			p.set = []string{"--log-pins", p.path("pins")}
			p.sql(`INSERT INTO pin (place, day, checkpoint, at, answer) VALUES ('` + p.path("pins") + `', 'today', 1, ` + strconv.FormatInt(p.now.UnixMilli(), 10) + `, x'00')`)
		}, nil, ""},
		"a witness that is away": {func(p *patient) {
			key, err := auditlog.NewWitnessKey("witness.example/w", rand.Reader)
			p.must(err)
			p.now, p.set = p.now.Add(2*time.Hour), []string{"--log-witnesses", key.VerifierKey() + " https://witness.example/w"}
		}, []string{"problem log.pins"}, "not cosigned"},
		"never backed up": {func(p *patient) { p.now = p.now.AddDate(0, 0, 10) }, []string{"hint backup"}, "backup.folder"},
		"backups that ended": {func(p *patient) {
			folder := p.t.TempDir()
			p.must(os.Chmod(folder, 0o700))
			p.must(os.WriteFile(p.path("backup.last"), []byte(`{"at":"`+p.now.Format(time.RFC3339)+`"}`), 0o600))
			p.now, p.set = p.now.AddDate(0, 0, 4), []string{"--backup-folder", folder}
		}, []string{"problem backup"}, "the last backup is of"},
		"backups by hand that ended": {func(p *patient) {
			p.must(os.WriteFile(p.path("backup.last"), []byte(`{"at":"`+p.now.Format(time.RFC3339)+`"}`), 0o600))
			p.now = p.now.AddDate(0, 0, 10)
		}, []string{"hint backup"}, "the last backup is of"},
		"half a note of a backup": {func(p *patient) { p.must(os.WriteFile(p.path("backup.last"), []byte("{"), 0o600)) },
			[]string{"problem backup"}, "could not be checked"},
		"a site without a notice": {func(p *patient) {
			if out, exit := volenti(p.t, "site", "add", "blog", "--name", "Blog", "--data", p.data); exit != 0 {
				p.t.Fatal(out)
			}
		}, []string{"hint sites.notices"}, "tags stay shut"},
		"a version that is scheduled": {func(p *patient) {
			if out, exit := volenti(p.t, "policy", "import", "testdata/privacy.md", "--site", "shop", "--policy", "terms", "--effective", "2099-01-01", "--data", p.data); exit != 0 {
				p.t.Fatal(out)
			}
		}, []string{"hint sites.policies"}, "1 January 2099"},
		"a day before its policy": {func(p *patient) { p.now = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC) },
			[]string{"hint sites.policies", "problem clock", "problem sites.notices"}, "nothing is in force"},
		"a draft nobody approves": {func(p *patient) {
			p.sql(`INSERT INTO policy_work (id, site, policy, revision, language, title, markdown, translations, material, summary, grace, state, changed_by, submitted_by, changed_at) VALUES ('w', 'shop', 'privacy', 1, 'en', 'T', '# T', '[]', 0, '', 0, 'submitted', 'a', 'a', 1)`)
		}, []string{"hint sites.policies"}, "another's approval"},
		"a draft whose day has passed": {func(p *patient) {
			p.sql(`INSERT INTO policy_work (id, site, policy, revision, language, title, markdown, translations, material, summary, grace, effective, state, changed_by, submitted_by, changed_at) VALUES ('w', 'shop', 'privacy', 1, 'en', 'T', '# T', '[]', 0, '', 0, 1, 'draft', 'a', '', 1)`)
		}, []string{"hint sites.policies"}, "was to be in force"},
		"a request nobody answers": {func(p *patient) {
			p.must(withRequests(p.t.Context(), home{data: p.data}, func(s *request.Service) error {
				table, err := regime.Load()
				if err != nil {
					return err
				}
				_, _, err = s.Receive(p.t.Context(), request.Intake{Site: "shop", Kind: request.Access, Language: "de", Region: "DE", Cookie: strings.Repeat("9", 32), Text: "all of it", By: "visitor",
					Ruling: table.For(regime.Visitor{Country: "DE"}, "", regime.Cautious, 20261121)})
				return err
			}))
			p.now = p.now.Add(2 * month)
			p.must(os.WriteFile(p.path("backup.last"), []byte(`{"at":"`+p.now.Format(time.RFC3339)+`"}`), 0o600))
		}, []string{"problem requests", "hint regions", "problem retention"}, "overdue"},
		"events that don't arrive": {func(p *patient) {
			p.sql(`INSERT INTO webhook (id, site, url, events, secret, until, off, created_at) VALUES ('h', 'shop', 'https://crm.example/', '', x'00', 0, 0, 1)`,
				`INSERT INTO webhook_delivery (id, webhook, site, event, object, at, body, attempts, next_at, status, problem, done_at) VALUES ('e', 'h', 'shop', 'request.received', '', 1, x'00', 9, 9999999999999, 500, 'HTTP 500', 0)`)
		}, []string{"problem deliveries"}, "webhook"},
		"mails that don't leave": {func(p *patient) {
			p.sql(`INSERT INTO request_mail (id, site, request, about, at, attempts, next_at) VALUES ('m', 'shop', 'r', 'received', 1, 9, 9999999999999)`)
		}, []string{"problem deliveries"}, "mail server"},
		"a job that does not run": {func(p *patient) {
			p.now = p.now.AddDate(9, 0, 0)
			p.must(os.WriteFile(p.path("backup.last"), []byte(`{"at":"`+p.now.Format(time.RFC3339)+`"}`), 0o600))
		}, []string{"problem retention", "hint laws", "hint regions", "hint keys"}, "retention run"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &patient{t: t, data: copied(t, sound), now: time.Now(), disk: large, sync: (*os.File).Sync, within: time.Minute, regions: world}
			c.spoil(p)
			d := p.diagnose()
			slices.Sort(c.want)
			told := d.told()
			if c.want != nil && !slices.Equal(told, c.want) || c.want == nil && c.says == "" && len(told) > 0 {
				t.Errorf("told %v, want %v\n%+v", told, c.want, d.found)
			}
			if c.says != "" && !slices.ContainsFunc(d.found, func(f complaint) bool { return strings.Contains(f.What+" "+f.Mend, c.says) }) {
				t.Errorf("nothing about %q in %+v", c.says, d.found)
			}
			for _, f := range d.found {
				if f.What == "" || f.Mend == "" || f.Check == "" {
					t.Errorf("%+v", f)
				}
			}
		})
	}
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Whoever asks the doctor finds everything as it was: beside a server that runs, and
// beside one that was killed, whose write-ahead log is still to be checked.
func TestDoctorChangesNothing(t *testing.T) {
	data := publish(t)
	p := start(t, data)
	v := p.open(nil)
	for _, id := range []string{"d0", "d1"} {
		if status, _, err := v.decide(id); err != nil || status != 201 {
			t.Fatal(status, err)
		}
	}
	out, exit := volenti(t, "doctor", "--data", data, "--json")
	var told doctorJSON
	if err := json.Unmarshal([]byte(out), &told); err != nil || len(told.Checked) < 20 {
		t.Fatalf("%v\n%s", err, out)
	}
	if exit > 1 || told.Sound != (exit == 0) {
		t.Errorf("exit %d\n%s", exit, out)
	}
	if status, _, err := v.decide("d2"); err != nil || status != 201 {
		t.Error(status, err)
	}
	_ = p.stop(syscall.SIGKILL)
	before := contents(t, data)
	if before["volenti.db-wal"] == "" {
		t.Fatal("the kill left no write-ahead log: this shows nothing")
	}
	volenti(t, "doctor", "--data", data)
	after := contents(t, data)
	for name := range before {
		if name != "volenti.db-shm" && before[name] != after[name] {
			t.Errorf("%s was changed", name)
		}
	}
	for name := range after {
		if _, was := before[name]; !was {
			t.Errorf("%s is new", name)
		}
	}
}

// contents are the files of a folder.
func contents(t *testing.T, folder string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		rel, err := filepath.Rel(folder, path)
		all[rel] = string(mustRead(t, path))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestDoctorExits(t *testing.T) {
	data, world := lived(t), regionDatabase(t, "16777216,3758096383,DE\n")
	if out, exit := volenti(t, "doctor", "--no-such-flag"); exit != 2 {
		t.Errorf("a wrong call: %d\n%s", exit, out)
	}
	if out, exit := volenti(t, "doctor", "--data", data, "--listen", "nowhere"); exit != 1 || !strings.Contains(out, "mend: ") {
		t.Errorf("a wrong setting: %d\n%s", exit, out)
	}
	if d, err := diskOf(data); err != nil || d.kind != "" || d.free < fewestBytes {
		t.Skipf("this disk is itself one to complain of: %+v, %v", d, err)
	}
	if out, exit := volenti(t, "doctor", "--data", data, "--geo-database", world); exit != 0 || out != "" {
		t.Errorf("a sound one: %d\n%s", exit, out)
	}
	// The limits of a shell count where no server runs.
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "sh", "-c", `ulimit -n 256; exec "$0" doctor --data "$1" --geo-database "$2"`, binary, data, world)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "may open 256 files") {
		t.Errorf("%v\n%s", err, out)
	}
}

// Disks are told by what the kernel calls them.
func TestDisksAreTold(t *testing.T) {
	if _, err := os.Stat("/dev/shm"); errors.Is(err, fs.ErrNotExist) {
		t.Skip("there is no /dev/shm here")
	}
	d, err := diskOf("/dev/shm")
	if err != nil || d.kind != "tmpfs" || d.whole == 0 {
		t.Errorf("%+v, %v", d, err)
	}
}
