package bundle

import (
	"bytes"
	"cmp"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"regexp"
	"slices"
	"strings"
)

// Bounds of what is read, in bytes. A bundle of fifty languages and a policy as a
// file of a word processor stays far below them.
const (
	MaxArchive = 64 << 20
	MaxFile    = 32 << 20
	MaxTotal   = 128 << 20
	MaxFiles   = 4096
)

// ErrArchive: a file that is no zip, or one that two programs could read differently.
var ErrArchive = errors.New("this is not a bundle that can be relied on")

// fileName: what every file system keeps apart and none takes for a way out.
var fileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}(/[A-Za-z0-9][A-Za-z0-9._-]{0,99}){0,9}$`)

// Signatures of the parts of a zip (APPNOTE.TXT 4.3).
const (
	signLocal   = 0x04034b50
	signCentral = 0x02014b50
	signEnd     = 0x06054b50
	signData    = 0x08074b50

	sizeLocal   = 30
	sizeCentral = 46
	sizeEnd     = 22
)

// member is one file as the directory at the end of the zip says it is.
type member struct {
	name         string
	method       uint16
	streamed     bool // sizes stand behind the data as well
	crc          uint32
	packed, size int64
	at, end      int64 // of the local header, and behind the data
}

// Unpack reads a zip into memory. It is stricter than programs that only want the
// files: what stands in one place and is contradicted in another, what overlaps,
// what lies where no file is, and names that some systems hold for the same or for
// a way out of a folder are refused. A zip that was packed anew by another program
// is read all the same. It needs no more memory than MaxTotal beside the zip itself.
func Unpack(zip []byte) (Files, error) {
	bad := func(format string, args ...any) (Files, error) {
		return nil, fmt.Errorf("%w: %s", ErrArchive, fmt.Sprintf(format, args...))
	}
	if len(zip) > MaxArchive {
		return bad("it is larger than %d MiB", MaxArchive>>20)
	}
	members, directory, err := readDirectory(zip)
	if err != nil {
		return nil, err
	}
	if err := checkNames(members); err != nil {
		return nil, err
	}
	files, reached := Files{}, int64(0)
	slices.SortStableFunc(members, func(a, b member) int { return cmp.Compare(a.at, b.at) })
	for i := range members {
		m := &members[i]
		data, err := m.data(zip[:directory])
		if err != nil {
			return nil, err
		}
		if m.at != reached {
			return bad("before %s there is what belongs to no file", m.name)
		}
		reached = m.end
		content, err := m.unpack(data)
		if err != nil {
			return nil, err
		}
		if !strings.HasSuffix(m.name, "/") {
			files[m.name] = content
		}
	}
	if reached != directory {
		return bad("behind the last file there is what belongs to none")
	}
	return files, nil
}

// readDirectory reads the directory, which ends where the zip does.
func readDirectory(zip []byte) ([]member, int64, error) {
	bad := func(what string) ([]member, int64, error) { return nil, 0, fmt.Errorf("%w: %s", ErrArchive, what) }
	end := -1
	for at := len(zip) - sizeEnd; at >= 0 && at >= len(zip)-sizeEnd-0xffff; at-- {
		if binary.LittleEndian.Uint32(zip[at:]) == signEnd {
			end = at
			break
		}
	}
	if end < 0 {
		return bad("it is no zip, or its end is missing")
	}
	u16 := func(at int) int { return int(binary.LittleEndian.Uint16(zip[end+at:])) }
	u32 := func(at int) int64 { return int64(binary.LittleEndian.Uint32(zip[end+at:])) }
	count, size, start := u16(10), u32(12), u32(16)
	switch {
	case end+sizeEnd+u16(20) != len(zip):
		return bad("something follows its end")
	case u16(4) != 0, u16(6) != 0, u16(8) != count:
		return bad("it is in several parts")
	case count > MaxFiles:
		return bad(fmt.Sprintf("it holds more than %d files", MaxFiles))
	case start+size != int64(end):
		return bad("its directory is not where it says (zips of more than 4 GiB are not read)")
	}
	members := make([]member, 0, count)
	total, rest := int64(0), zip[start:end]
	for range count {
		if len(rest) < sizeCentral || binary.LittleEndian.Uint32(rest) != signCentral {
			return bad("its directory breaks off")
		}
		u16 := func(at int) int { return int(binary.LittleEndian.Uint16(rest[at:])) }
		u32 := func(at int) int64 { return int64(binary.LittleEndian.Uint32(rest[at:])) }
		name, extra, comment := u16(28), u16(30), u16(32)
		if len(rest) < sizeCentral+name+extra+comment {
			return bad("its directory breaks off")
		}
		m := member{name: string(rest[sizeCentral : sizeCentral+name]), method: uint16(u16(10)), streamed: u16(8)&8 != 0,
			crc: uint32(u32(16)), packed: u32(20), size: u32(24), at: u32(42)}
		switch {
		case u16(8)&1 != 0:
			return bad(fmt.Sprintf("%.100q is encrypted", m.name))
		case m.method != 0 && m.method != 8:
			return bad(fmt.Sprintf("%.100q is packed in a way that is not read here: pack it with store or deflate", m.name))
		case m.size > MaxFile:
			return bad(fmt.Sprintf("%.100q is larger than %d MiB", m.name, MaxFile>>20))
		}
		if total += m.size; total > MaxTotal {
			return bad(fmt.Sprintf("its files come to more than %d MiB", MaxTotal>>20))
		}
		members, rest = append(members, m), rest[sizeCentral+name+extra+comment:]
	}
	if len(rest) != 0 {
		return bad("its directory holds more files than it counts")
	}
	return members, start, nil
}

// checkNames refuses names that lead somewhere, and two that some system holds for
// the same.
func checkNames(members []member) error {
	seen := map[string]bool{}
	for _, m := range members {
		folder := strings.HasSuffix(m.name, "/")
		if !fileName.MatchString(strings.TrimSuffix(m.name, "/")) || folder && m.size != 0 {
			return fmt.Errorf("%w: %.100q is no name of a file of a bundle", ErrArchive, m.name)
		}
		key := strings.ToLower(strings.TrimSuffix(m.name, "/"))
		if seen[key] {
			return fmt.Errorf("%w: %.100q is there twice", ErrArchive, m.name)
		}
		seen[key] = true
	}
	return nil
}

// data finds the member's bytes, and makes sure that what stands before them says
// the same as the directory.
func (m *member) data(zip []byte) ([]byte, error) {
	bad := func(what string) ([]byte, error) { return nil, fmt.Errorf("%w: %s %s", ErrArchive, m.name, what) }
	if m.at+sizeLocal > int64(len(zip)) || binary.LittleEndian.Uint32(zip[m.at:]) != signLocal {
		return bad("is not where the directory says")
	}
	h := zip[m.at:]
	u16 := func(at int) int64 { return int64(binary.LittleEndian.Uint16(h[at:])) }
	u32 := func(at int) int64 { return int64(binary.LittleEndian.Uint32(h[at:])) }
	from := m.at + sizeLocal + u16(26) + u16(28)
	m.end = from + m.packed
	if m.end > int64(len(zip)) {
		return bad("breaks off")
	}
	said := [3]int64{int64(m.crc), m.packed, m.size}
	local := [3]int64{u32(14), u32(18), u32(22)}
	if string(h[sizeLocal:sizeLocal+u16(26)]) != m.name || uint16(u16(8)) != m.method || (u16(6)&8 != 0) != m.streamed || u16(6)&1 != 0 ||
		local != said && (!m.streamed || local != [3]int64{}) {
		return bad("is described in two ways")
	}
	if m.streamed {
		behind := zip[m.end:]
		if len(behind) >= 4 && binary.LittleEndian.Uint32(behind) == signData {
			behind, m.end = behind[4:], m.end+4
		}
		if len(behind) < 12 {
			return bad("breaks off")
		}
		for i, want := range said {
			if int64(binary.LittleEndian.Uint32(behind[4*i:])) != want {
				return bad("is described in two ways")
			}
		}
		m.end += 12
	}
	return zip[from : from+m.packed], nil
}

// unpack is the member's content, no byte more than it says it has.
func (m *member) unpack(data []byte) ([]byte, error) {
	bad := func(what string) ([]byte, error) { return nil, fmt.Errorf("%w: %s %s", ErrArchive, m.name, what) }
	content := data
	if m.method == 8 {
		from := bytes.NewReader(data)
		r := flate.NewReader(from)
		var err error
		if content, err = io.ReadAll(io.LimitReader(r, m.size+1)); err != nil {
			return bad("can't be unpacked")
		}
		if n, _ := r.Read(make([]byte, 1)); n != 0 || int64(len(content)) > m.size {
			return bad("is longer than it says")
		}
		if from.Len() != 0 {
			return bad("is followed by what belongs to no file")
		}
	}
	if int64(len(content)) != m.size {
		return bad("is not as long as it says")
	}
	if crc32.ChecksumIEEE(content) != m.crc {
		return bad("does not match its checksum")
	}
	return content, nil
}
