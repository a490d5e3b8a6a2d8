package store

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// SQLite zeroes deleted content (secure_delete), but where it rebuilds a page of a
// tree to balance it, what stood between the list of cells and the cells stays: old
// copies of cells that now stand on other pages. When such a cell is deleted later, its
// old copy is not. So the gaps of pages are zeroed here, in the file itself: SQLite
// never reads them (sqlite.org/fileformat2.html, 1.6).

// gapsAtOnce is how many pages are zeroed while nobody can write.
const gapsAtOnce = 1000

// mostPages is where a page that continues a long value could pass for one of a tree:
// its first byte is the highest of the number of the next page, and the lowest kind of
// a tree's page is 2.
const mostPages = 2 << 24

// A fileHeader is what the first hundred bytes of the database say about pages.
type fileHeader struct {
	size  int64 // of a page
	count int64 // in the file
}

func headerOf(file *os.File) (h fileHeader, err error) {
	var b [100]byte
	if _, err := file.ReadAt(b[:], 0); err != nil {
		return h, err
	}
	if string(b[:16]) != "SQLite format 3\x00" || b[20] != 0 {
		return h, errors.New("this is no database of this program")
	}
	if h.size = int64(binary.BigEndian.Uint16(b[16:])); h.size == 1 {
		h.size = 1 << 16
	}
	info, err := file.Stat()
	if err == nil {
		h.count = info.Size() / h.size
	}
	return h, err
}

// gapOf is where the gap of a tree's page begins and ends; none for other pages. It is
// not for the first page, which begins otherwise and holds the schema alone.
func gapOf(page []byte) (from, to int) {
	size := 8
	switch page[0] {
	case 2, 5: // inner pages of an index, a table
		size = 12
	case 10, 13: // leaves
	default:
		return 0, 0
	}
	cells := int(binary.BigEndian.Uint16(page[3:]))
	if to = int(binary.BigEndian.Uint16(page[5:])); to == 0 {
		to = 1 << 16
	}
	if from = size + 2*cells; from > to || to > len(page) {
		return 0, 0 // being written just now
	}
	return from, to
}

func zero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// dirtyGaps are the numbers of pages, from 0, in whose gaps something stands, among n
// pages from one on.
func dirtyGaps(file *os.File, h fileHeader, from, n int64) (dirty []int64, err error) {
	b := make([]byte, min(n, h.count-from)*h.size)
	got, err := file.ReadAt(b, from*h.size)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	for i := range int64(got) / h.size {
		page := b[i*h.size : (i+1)*h.size]
		if start, end := gapOf(page); !zero(page[start:end]) {
			dirty = append(dirty, from+i)
		}
	}
	return dirty, nil
}

// openFile opens the file of the database beside SQLite, for as long as SQLite has it
// open: to close it would give up all locks that this process has on it (POSIX, fcntl).
func (db *DB) openFile() (err error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.file == nil {
		db.file, err = os.OpenFile(db.path, os.O_RDWR, 0)
	}
	return err
}

// wipeGaps zeroes all gaps. It reads the whole file, and keeps others from writing for
// the time of gapsAtOnce pages; ok is false if readers of an older state kept it from
// coming to its end.
func (db *DB) wipeGaps(ctx context.Context) (ok bool, _ error) {
	if err := db.openFile(); err != nil {
		return false, err
	}
	h, err := headerOf(db.file)
	if err != nil {
		return false, err
	}
	if h.count >= mostPages {
		return false, errors.New("the database is too large to be cleaned in place: stop the server and run VACUUM on it")
	}
	const chunk = 256
	var dirty []int64
	for from := int64(1); from < h.count; from += chunk {
		some, err := dirtyGaps(db.file, h, from, chunk)
		if err != nil {
			return false, err
		}
		dirty = append(dirty, some...)
		if last := from+chunk >= h.count; len(dirty) >= gapsAtOnce || last && len(dirty) > 0 {
			if ok, err := db.wipe(ctx, h, dirty); !ok || err != nil {
				return ok, err
			}
			dirty = dirty[:0]
		}
		if err := ctx.Err(); err != nil {
			return false, err
		}
	}
	return true, nil
}

// wipe zeroes the gaps of pages while nobody writes and the write-ahead log is empty:
// then every page stands in the file as it is, and is read from there.
func (db *DB) wipe(ctx context.Context, h fileHeader, pages []int64) (ok bool, err error) {
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	ctx = context.WithoutCancel(ctx)
	if ok, err := emptyWAL(ctx, conn); !ok || err != nil {
		return ok, err
	}
	if _, err := conn.ExecContext(ctx, `BEGIN IMMEDIATE`); err != nil {
		return false, err
	}
	// This connection has pages in memory as they were: it must never write them again.
	defer func() { _ = conn.Raw(func(any) error { return driver.ErrBadConn }) }()
	if info, err := os.Stat(db.path + "-wal"); err != nil || info.Size() != 0 {
		_, rolled := conn.ExecContext(ctx, `ROLLBACK`)
		if errors.Is(err, os.ErrNotExist) {
			err = nil
		}
		return false, errors.Join(err, rolled) // another process was quicker
	}
	b := make([]byte, h.size)
	for _, number := range pages {
		if _, err = db.file.ReadAt(b, number*h.size); err != nil {
			break
		}
		from, to := gapOf(b)
		if from == to {
			continue
		}
		if _, err = db.file.WriteAt(make([]byte, to-from), number*h.size+int64(from)); err != nil {
			break
		}
	}
	err = errors.Join(err, db.file.Sync())
	// A change that says nothing: whoever has pages in memory reads them anew. It
	// writes the first page only, in which the schema stands.
	var version int64
	err = errors.Join(err, conn.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version))
	_, changed := conn.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, (version+1)&0xffff))
	_, committed := conn.ExecContext(ctx, `COMMIT`)
	err = errors.Join(err, changed, committed)
	return err == nil, err
}
