package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/store"
	"github.com/volenti-consent/volenti/server/transparency"
)

// oldKey is how long one key signs before a new one is a good idea.
const oldKey = 3 * 365 * 24 * time.Hour

// keys are those in the folder, without making one.
func (d *doctor) keys(db *store.DB) []examination {
	folder := keysFolder(d.cfg.Data)
	return []examination{{"keys", func(context.Context) error {
		store, err := d.cfg.home().keyStore(db)
		if err != nil {
			d.problem("give this node the file with keys.secret_file", "%v", err)
			return nil
		}
		r, err := consent.ReportKeys(store)
		if errors.Is(err, fs.ErrNotExist) {
			d.problem("put the folder back from a backup before the server starts: it would make new keys, and receipts signed so far would verify under none", "there are no keys in %s", folder)
			return nil
		}
		if err != nil {
			return err
		}
		for _, err := range r.Wrong {
			d.problem("do what the error says; the server does not start otherwise", "%v", err)
		}
		if r.Signs == "" && len(r.Wrong) == 0 {
			d.problem("put receipt-….pem back from a backup", "no key in %s signs", folder)
		}
		if !r.Secrets && len(r.Wrong) == 0 {
			d.problem("put it back from a backup; the server makes a new one otherwise, and visitors are asked again", "secrets.json is not in %s", folder)
		}
		if age := d.now().Sub(r.Since); r.Signs != "" && !r.Since.IsZero() && age > oldKey {
			d.hint("volenti key rotate, and restart the server", "the key that signs is %d years old", int(age.Hours()/24/365))
		}
		return nil
	}}}
}

// A write-ahead log that is larger is not brought home any more: somebody reads an old
// state of the database.
const largeWAL = 256 << 20

// vitals are what the engine, the file and the log are asked.
func (d *doctor) vitals(db *store.DB) []examination {
	var v store.Vitals
	return []examination{
		{"database.engine", func(ctx context.Context) (err error) {
			if v, err = db.Vitals(ctx); err != nil {
				return err
			}
			if v.Trust != nil {
				d.problem("build it with a newer github.com/mattn/go-sqlite3", "%v", v.Trust)
			}
			for _, setting := range v.Unsafe {
				d.problem("SQLite: put it on a disk of this machine and start the server, which sets the mode itself; PostgreSQL: switch it on", "with %s in %s an answer can be lost", setting, v.Engine)
			}
			if v.WAL > largeWAL {
				d.problem("end whatever has the database open for long: a backup that hangs, a shell", "the write-ahead log is %s long: somebody reads an old state of the database and keeps it from being brought home", inBytes(v.WAL))
			}
			return nil
		}},
		{"database.file", func(ctx context.Context) error {
			if d.within <= 0 {
				return nil
			}
			limited, cancel := context.WithTimeout(ctx, d.within)
			defer cancel()
			err := db.QuickCheck(limited)
			switch {
			case errors.Is(err, consent.ErrDamaged):
				d.problem("stop the server, keep a copy of the folder, and put the newest backup in its place with volenti restore", "the database is damaged: %v", err)
			case limited.Err() != nil && ctx.Err() == nil:
				d.hint("check a backup of it: volenti backup checks what it made", "the database (%s) was not checked to its end within %s", inBytes(v.Bytes), d.within)
			case err != nil:
				return err
			}
			return nil
		}},
		{"disk.growth", func(context.Context) error { return d.growth(v) }},
		{"keys.records", func(context.Context) error {
			keys, err := d.cfg.home().keyStore(db)
			if err != nil {
				return nil //nolint:nilerr // told before
			}
			r, err := consent.ReportKeys(keys)
			if err != nil {
				return nil //nolint:nilerr // told before
			}
			for _, id := range v.Signed {
				if _, ok := r.Public[id]; !ok {
					d.problem("put receipt-"+id+".pub.pem or .pem back from a backup of the keys: receipts signed with it verify under no other", "records are signed with key %s, which is not in %s", id, keysFolder(d.cfg.Data))
				}
			}
			return nil
		}},
		{"clock", func(context.Context) error {
			if ahead := v.Newest.Sub(d.now()); ahead > time.Minute {
				d.problem("set the clock, and keep it so with NTP: a decision would be dated before one that was made earlier", "the newest record is %s ahead of this machine's clock", ahead.Round(time.Second))
			}
			return nil
		}},
		{"log", func(ctx context.Context) error { return d.log(ctx, db) }},
		{"log.pins", func(ctx context.Context) error { return d.pins(ctx, db) }},
		{"backup", func(context.Context) error { return d.backups(v) }},
	}
}

// growth is how long the disk lasts at the pace of the whole life of the database.
func (d *doctor) growth(v store.Vitals) error {
	is, err := d.disk(d.cfg.Data)
	if err != nil {
		return err
	}
	age := d.now().Sub(v.First).Hours() / 24
	if v.First.IsZero() || age < 7 {
		return nil // a first week says little
	}
	if left := float64(is.free) / (float64(v.Bytes) / age); left < fewestDays {
		d.problem("enlarge the disk, or keep records shorter: volenti retention", "the disk of %s is full in %d days if the database grows as it did", d.cfg.Data, int(left))
	}
	return nil
}

// log is held against what was signed of it, as at a start.
func (d *doctor) log(ctx context.Context, db *store.DB) error {
	keys, err := d.cfg.home().keyStore(db)
	if err != nil {
		return nil //nolint:nilerr // told before
	}
	key, err := consent.ReadLogKey(keys)
	if err != nil && !consent.NoLogKey(err) {
		return err
	}
	if err := transparency.Check(ctx, db, key, d.cfg.home().pinnedFile()); err != nil {
		d.problem("put the newer database back; to go on with this one: volenti log accept", "%v", err)
		return nil
	}
	head, err := db.Head(ctx)
	if err != nil {
		return err
	}
	if _, err := os.Stat(d.cfg.home().pinnedFile()); errors.Is(err, fs.ErrNotExist) && head.Size > 0 && key != nil {
		d.hint("start the server: it writes the file; put the old one back first if you have it", "%s is missing: nothing beside the database shows that it was not rolled back", d.cfg.home().pinnedFile())
	}
	return nil
}

// latePin is how old the newest pin of a place, or the newest line of a witness, may be.
const latePin = 3 * 24 * time.Hour

func (d *doctor) pins(ctx context.Context, db *store.DB) error {
	all, err := db.Pins(ctx, 1000)
	if err != nil {
		return err
	}
	for _, place := range d.cfg.LogPins {
		var newest time.Time
		for _, p := range all {
			if p.Place == place && p.At.After(newest) {
				newest = p.At
			}
		}
		if d.now().Sub(newest) > latePin {
			d.problem("see the server's log for what the place answers", "no checkpoint was pinned at %s for three days", place)
		}
	}
	witnesses, err := d.cfg.witnesses()
	if err != nil || len(witnesses) == 0 {
		return nil //nolint:nilerr // told with the configuration
	}
	c, err := db.LatestCheckpoint(ctx)
	if err != nil {
		return nil //nolint:nilerr // nothing is signed yet
	}
	for _, w := range witnesses {
		if !bytes.Contains(c.Note, []byte("\n— "+w.Key.Name()+" ")) && d.now().Sub(c.At) > time.Hour {
			d.problem("see the server's log for what it answers", "witness %s has not cosigned the newest checkpoint", w.Key.Name())
		}
	}
	return nil
}

// backups asks when the last one was made, by volenti or by another program that says so.
func (d *doctor) backups(v store.Vitals) error {
	last, err := d.cfg.newestBackup()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	old := 8 * 24 * time.Hour
	if d.cfg.BackupEvery > 0 {
		old = 2*d.cfg.BackupEvery + time.Hour
	}
	age := d.now().Sub(last.At)
	switch {
	case age <= old || v.First.IsZero() || d.now().Sub(v.First) < old:
	case last.At.IsZero():
		d.hint("set backup.folder, or run volenti backup every night", "no backup was ever made with volenti backup")
	case d.cfg.BackupFolder != "":
		d.problem("see the server's log for why it fails", "the last backup is of %s", last.At.Format("2 January 2006 15:04 MST"))
	default:
		d.hint("set backup.folder, or run volenti backup every night", "the last backup is of %s", last.At.Format("2 January 2006 15:04 MST"))
	}
	return nil
}

// told is the list of what was found, for tests and for whoever reads a program.
func (d *doctor) told() []string {
	var all []string
	for _, c := range d.found {
		all = append(all, fmt.Sprintf("%s %s", c.Level, c.Check))
	}
	slices.Sort(all)
	return slices.Compact(all)
}
