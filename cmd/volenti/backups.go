package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/store"
)

// A madeBackup says of the newest backup what the data folder keeps of it.
type madeBackup struct {
	At     time.Time `json:"at"`
	File   string    `json:"file"`
	Leaves int64     `json:"leaves"`
}

// lastBackupFile stands beside the database, since the copy can't say that it was made.
const lastBackupFile = "backup.last"

// lastBackup is the newest backup of a data folder; fs.ErrNotExist if none is known.
func lastBackup(data string) (last madeBackup, err error) {
	text, err := os.ReadFile(filepath.Join(data, lastBackupFile))
	if err != nil {
		return last, err
	}
	if err := json.Unmarshal(text, &last); err != nil {
		return last, fmt.Errorf("%s: %w", lastBackupFile, err)
	}
	return last, nil
}

// makeBackup copies the database of a data folder into a new file, and remembers when.
func makeBackup(ctx context.Context, db *store.DB, data, path string, keys []byte) (store.Backup, error) {
	b, err := db.Backup(ctx, path, keys, time.Now().UTC().Truncate(time.Millisecond))
	if err != nil {
		return b, err
	}
	text, err := json.Marshal(madeBackup{b.At, path, b.Head.Size})
	if err != nil {
		return b, err
	}
	note := filepath.Join(data, lastBackupFile)
	if err := os.WriteFile(note+".new", append(text, '\n'), 0o600); err != nil {
		return b, fmt.Errorf("the backup is made, but not noted: %w", err)
	}
	return b, os.Rename(note+".new", note)
}

// newestBackup is the newest that is known: the one noted in the data folder, or that
// another node has put into the folder which both have; fs.ErrNotExist if there is none.
func (c *Config) newestBackup() (madeBackup, error) {
	last, err := lastBackup(c.Data)
	if c.BackupFolder == "" {
		return last, err
	}
	all, failed := (&backupJob{cfg: c}).made()
	if failed == nil && len(all) > 0 && all[len(all)-1].at.After(last.At) {
		return madeBackup{At: all[len(all)-1].at, File: all[len(all)-1].path}, nil
	}
	return last, err
}

// A backupJob makes those of the running server; of several nodes, those of the one that
// does the timed jobs.
type backupJob struct {
	db   *store.DB
	keys consent.KeyStore
	cfg  *Config
	log  *slog.Logger
	now  func() time.Time
}

const (
	backupPrefix = "volenti-"
	backupTime   = "20060102T150405Z"
	backupSuffix = ".db"
	backupAgain  = 10 * time.Minute // after one that failed
)

// keep makes a backup whenever the newest one in the folder is old enough, until ctx ends.
func (b *backupJob) keep(ctx context.Context) {
	for {
		wait, err := b.due()
		if err == nil && wait <= 0 {
			err = b.make(ctx)
			wait = b.cfg.BackupEvery
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			b.log.ErrorContext(ctx, "backup not made; it is tried again", "error", err, "again", min(backupAgain, b.cfg.BackupEvery))
			wait = min(backupAgain, b.cfg.BackupEvery)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// due is how long it is until the next one; none or less is now.
func (b *backupJob) due() (time.Duration, error) {
	all, err := b.made()
	if err != nil || len(all) == 0 {
		return 0, err
	}
	return all[len(all)-1].at.Add(b.cfg.BackupEvery).Sub(b.now()), nil
}

// make makes one, and removes what is too old.
func (b *backupJob) make(ctx context.Context) error {
	var sealed []byte
	if b.cfg.BackupPassphrase != "" {
		pass, err := readPassphrase(nil, b.cfg.BackupPassphrase)
		if err != nil {
			return err
		}
		packed, err := packKeys(b.keys)
		if err != nil {
			return err
		}
		sealed = sealKeys(packed, pass)
	}
	path := filepath.Join(b.cfg.BackupFolder, backupPrefix+b.now().UTC().Format(backupTime)+backupSuffix)
	// Left by a stop in the middle; nobody else writes under these names.
	broken, err := filepath.Glob(filepath.Join(b.cfg.BackupFolder, backupPrefix+"*"+backupSuffix+".making"))
	if err != nil {
		return err
	}
	for _, name := range broken {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	done, err := makeBackup(ctx, b.db, b.cfg.Data, path, sealed)
	if err != nil {
		return err
	}
	b.log.InfoContext(ctx, "backup made", "file", path, "leaves", done.Head.Size, "keys", sealed != nil)
	return b.prune()
}

type backupFile struct {
	path string
	at   time.Time
}

// made are the server's own backups in the folder, oldest first.
func (b *backupJob) made() (all []backupFile, err error) {
	entries, err := os.ReadDir(b.cfg.BackupFolder)
	if err != nil {
		return nil, fmt.Errorf("backup.folder: %w", err)
	}
	for _, e := range entries {
		stem, ours := strings.CutPrefix(e.Name(), backupPrefix)
		stem, is := strings.CutSuffix(stem, backupSuffix)
		if at, err := time.Parse(backupTime, stem); ours && is && err == nil {
			all = append(all, backupFile{filepath.Join(b.cfg.BackupFolder, e.Name()), at})
		}
	}
	slices.SortFunc(all, func(a, b backupFile) int { return a.at.Compare(b.at) })
	return all, nil
}

func (b *backupJob) prune() error {
	all, err := b.made()
	if err != nil {
		return err
	}
	var failed []error
	for ; len(all) > b.cfg.BackupKeep; all = all[1:] {
		failed = append(failed, os.Remove(all[0].path))
	}
	return errors.Join(failed...)
}

// validateBackup refuses a folder that goes with the data, and keys that are not sealed.
func (c *Config) validateBackup() (wrong []error) {
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	if c.BackupFolder == "" {
		if c.BackupPassphrase != "" {
			bad("backup.passphrase_file counts only with backup.folder; take it out, or name the folder")
		}
		return wrong
	}
	if within(c.Data, c.BackupFolder) {
		bad("backup.folder = %q is in the data folder, and goes with it; name one on another disk", c.BackupFolder)
	} else if info, err := os.Stat(c.BackupFolder); err != nil {
		bad("backup.folder: %w; make it with: mkdir -m 700 %s", err, c.BackupFolder)
	} else if !info.IsDir() || info.Mode().Perm()&0o077 != 0 {
		bad("backup.folder = %q can be read by others and holds all records; run: chmod 700 %[1]s", c.BackupFolder)
	}
	if c.BackupEvery < time.Minute {
		bad("backup.every = %s is too short: each is a copy of the whole database; write for example 24h", c.BackupEvery)
	}
	if c.BackupKeep < 1 {
		bad("backup.keep = %d keeps none; write for example 14", c.BackupKeep)
	}
	if c.BackupPassphrase != "" {
		if _, err := readSecret(c.BackupPassphrase); err != nil {
			bad("backup.passphrase_file: %w", err)
		} else if _, err := readPassphrase(nil, c.BackupPassphrase); err != nil {
			bad("backup.passphrase_file: %w", err)
		}
	}
	return wrong
}

// within reports whether a path is a folder or beneath it.
func within(folder, path string) bool {
	folder, err1 := filepath.Abs(folder)
	path, err2 := filepath.Abs(path)
	if err1 != nil || err2 != nil {
		return false
	}
	rel, err := filepath.Rel(folder, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}
