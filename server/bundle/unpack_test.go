package bundle

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"maps"
	"runtime"
	"strings"
	"testing"
)

// plain are a few files as they could stand in a bundle.
func plain() Files {
	return Files{"a.txt": []byte("first"), "b/c.json": []byte("{}"), "b/empty": {}, "z.txt": bytes.Repeat([]byte("long "), 5000)}
}

func packed(t testing.TB, f Files) []byte {
	t.Helper()
	b, err := Pack(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func same(a, b Files) bool { return maps.EqualFunc(a, b, bytes.Equal) }

func TestPackAndUnpack(t *testing.T) {
	first := packed(t, plain())
	if !bytes.Equal(first, packed(t, plain())) {
		t.Error("the same files made two zips")
	}
	got, err := Unpack(first)
	if err != nil || !same(got, plain()) {
		t.Errorf("unpacked: %v", err)
	}
	// Other programs read it, and what they pack is read.
	r, err := zip.NewReader(bytes.NewReader(first), int64(len(first)))
	if err != nil || len(r.File) != len(plain()) {
		t.Fatalf("archive/zip: %v", err)
	}
	for _, method := range []uint16{zip.Store, zip.Deflate} {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		if _, err := w.Create("b/"); err != nil { // a folder
			t.Fatal(err)
		}
		for name, content := range plain() {
			into, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: method, Extra: []byte{9, 9, 2, 0, 1, 2}})
			if err == nil {
				_, err = into.Write(content)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := w.SetComment("packed anew"); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got, err := Unpack(b.Bytes()); err != nil || !same(got, plain()) {
			t.Errorf("packed by another program, method %d: %v", method, err)
		}
	}
}

// entry is a file of a zip as a stranger would write it.
type entry struct {
	name, local  string // local: what the header before the data says; "" is name
	content      []byte
	size         uint32 // of the content, as it is said to be; 0 is its own
	flags        uint16
	method       uint16
	packedAnyway []byte // the data, where that is not the content
}

func zipOf(entries []entry, change func(directory, end []byte)) []byte {
	var b, directory bytes.Buffer
	le := binary.LittleEndian
	for _, e := range entries {
		at := b.Len()
		local, data := e.local, e.content
		if local == "" {
			local = e.name
		}
		if e.packedAnyway != nil {
			data = e.packedAnyway
		}
		if e.size == 0 {
			e.size = uint32(len(e.content))
		}
		h := make([]byte, sizeLocal)
		le.PutUint32(h, signLocal)
		le.PutUint16(h[6:], e.flags)
		le.PutUint16(h[8:], e.method)
		le.PutUint32(h[14:], crc32.ChecksumIEEE(e.content))
		le.PutUint32(h[18:], uint32(len(data)))
		le.PutUint32(h[22:], e.size)
		le.PutUint16(h[26:], uint16(len(local)))
		b.Write(h)
		b.WriteString(local)
		b.Write(data)
		d := make([]byte, sizeCentral)
		le.PutUint32(d, signCentral)
		copy(d[8:12], h[6:10])
		copy(d[16:28], h[14:26])
		le.PutUint16(d[28:], uint16(len(e.name)))
		le.PutUint32(d[42:], uint32(at))
		directory.Write(d)
		directory.WriteString(e.name)
	}
	end := make([]byte, sizeEnd)
	le.PutUint32(end, signEnd)
	le.PutUint16(end[8:], uint16(len(entries)))
	le.PutUint16(end[10:], uint16(len(entries)))
	le.PutUint32(end[12:], uint32(directory.Len()))
	le.PutUint32(end[16:], uint32(b.Len()))
	if change != nil {
		change(directory.Bytes(), end)
	}
	b.Write(directory.Bytes())
	b.Write(end)
	return b.Bytes()
}

// bomb is a deflate stream of many zeros.
func bomb(t *testing.T, n int) []byte {
	t.Helper()
	b := packed(t, Files{"a": make([]byte, n)})
	return b[sizeLocal+1 : len(b)-sizeCentral-1-sizeEnd]
}

func TestUnpackRefuses(t *testing.T) {
	le := binary.LittleEndian
	good := entry{name: "a.txt", content: []byte("first")}
	if _, err := Unpack(zipOf([]entry{good}, nil)); err != nil {
		t.Fatalf("the counter-check: %v", err)
	}
	whole := zipOf([]entry{good}, nil)
	many := make([]entry, MaxFiles+1)
	for i := range many {
		many[i] = entry{name: "f" + itoa(i)}
	}
	for _, c := range []struct {
		name string
		zip  []byte
		says string
	}{
		{"nothing", nil, "no zip"},
		{"something else", []byte("hello, this is no zip at all, but it is long enough"), "no zip"},
		{"cut off", whole[:len(whole)-1], "no zip"},
		{"without its beginning", whole[3:], "directory is not where"},
		{"with something before", append([]byte("xxx"), whole...), "directory is not where"},
		{"with something behind", append(bytes.Clone(whole), 'x'), "something follows"},
		{"out of its folder", zipOf([]entry{{name: "../a.txt"}}, nil), "no name"},
		{"out of its folder, below", zipOf([]entry{{name: "a/../../b"}}, nil), "no name"},
		{"from the root", zipOf([]entry{{name: "/etc/passwd"}}, nil), "no name"},
		{"of another system", zipOf([]entry{{name: `a\b`}}, nil), "no name"},
		{"of a drive", zipOf([]entry{{name: "c:a"}}, nil), "no name"},
		{"with a control character", zipOf([]entry{{name: "a\x00.txt"}}, nil), "no name"},
		{"without a name", zipOf([]entry{{name: ""}}, nil), "no name"},
		{"with a very long name", zipOf([]entry{{name: strings.Repeat("a", 200)}}, nil), "no name"},
		{"a folder with content", zipOf([]entry{{name: "a/", content: []byte("x")}}, nil), "no name"},
		{"twice", zipOf([]entry{good, good}, nil), "twice"},
		{"twice, but for case", zipOf([]entry{good, {name: "A.txt"}}, nil), "twice"},
		{"a file and a folder", zipOf([]entry{{name: "a"}, {name: "a/"}}, nil), "twice"},
		{"two names", zipOf([]entry{{name: "a.txt", local: "b.txt", content: []byte("x")}}, nil), "two ways"},
		{"two sizes", zipOf([]entry{good}, func(d, _ []byte) { le.PutUint32(d[24:], 4) }), "two ways"},
		{"another place", zipOf([]entry{good}, func(d, _ []byte) { le.PutUint32(d[42:], 1) }), "not where"},
		{"the same place", zipOf([]entry{good, {name: "b.txt", content: []byte("other")}}, func(d, _ []byte) { le.PutUint32(d[sizeCentral+5+42:], 0) }), "two ways"},
		{"longer than it is", zipOf([]entry{{name: "a", content: []byte("x"), size: 2}}, nil), "not as long"},
		{"a false checksum", zipOf([]entry{good}, func(d, _ []byte) { d[16] ^= 1 }), "two ways"},
		{"encrypted", zipOf([]entry{{name: "a", flags: 1}}, nil), "encrypted"},
		{"of an unknown method", zipOf([]entry{{name: "a", method: 12}}, nil), "packed in a way"},
		{"no deflate", zipOf([]entry{{name: "a", method: 8, content: []byte("x"), packedAnyway: []byte{0xff, 0xff}}}, nil), "can't be unpacked"},
		{"a bomb that says so", zipOf([]entry{{name: "a", method: 8, size: 1 << 31, packedAnyway: []byte{0}}}, nil), "larger than"},
		{"bombs that come to too much", zipOf([]entry{{name: "a", size: MaxFile}, {name: "b", size: MaxFile}, {name: "c", size: MaxFile}, {name: "d", size: MaxFile}, {name: "e", size: 1}}, nil), "come to more"},
		{"a bomb that says less", zipOf([]entry{{name: "a", method: 8, content: make([]byte, 10), packedAnyway: bomb(t, 1<<20)}}, nil), "longer than it says"},
		{"something behind the stream", zipOf([]entry{{name: "a", method: 8, content: make([]byte, 10), packedAnyway: append(bomb(t, 10), 'x')}}, nil), "belongs to no file"},
		{"too many files", zipOf(many, nil), "more than 4096"},
		{"more files than it counts", zipOf([]entry{good, {name: "b"}}, func(_, end []byte) { le.PutUint16(end[8:], 1); le.PutUint16(end[10:], 1) }), "more files than it counts"},
		{"fewer files than it counts", zipOf([]entry{good}, func(_, end []byte) { le.PutUint16(end[8:], 2); le.PutUint16(end[10:], 2) }), "breaks off"},
		{"in two parts", zipOf([]entry{good}, func(_, end []byte) { le.PutUint16(end[4:], 1) }), "several parts"},
	} {
		_, err := Unpack(c.zip)
		if !errors.Is(err, ErrArchive) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want one that says %q", c.name, err, c.says)
		}
	}
	if _, err := Unpack(make([]byte, MaxArchive+1)); !errors.Is(err, ErrArchive) || !strings.Contains(err.Error(), "64 MiB") {
		t.Errorf("a huge file: %v", err)
	}
}

// A bomb is not unpacked first and judged then.
func TestUnpackStopsABomb(t *testing.T) {
	zip := zipOf([]entry{{name: "a", method: 8, content: make([]byte, 10), packedAnyway: bomb(t, 96<<20)}}, nil)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Unpack(zip)
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; err == nil || taken > 8<<20 {
		t.Errorf("%d bytes were taken for a file of 10: %v", taken, err)
	}
}

// Whatever byte of a zip is changed, its files are the same, or it is refused.
func TestUnpackOfAnAlteredZip(t *testing.T) {
	whole := packed(t, plain())
	for at := range whole {
		for _, mask := range []byte{1, 0x80} {
			b := bytes.Clone(whole)
			b[at] ^= mask
			if got, err := Unpack(b); err == nil && !same(got, plain()) {
				t.Fatalf("byte %d of the zip was changed, and the files are others", at)
			}
		}
	}
}

// FuzzVerify: whatever somebody calls a bundle, it is judged; and whatever holds says
// what one that was given out says.
func FuzzVerify(f *testing.F) {
	known := map[string]bool{}
	for _, zip := range kept(f) {
		f.Add(zip)
		known[VerifyArchive(zip, Trust{}).Receipt.ID] = true
	}
	f.Add(packed(f, plain()))
	f.Add(packed(f, Files{nameManifest: manifest(plain()), nameReceipt: []byte("{}"), nameAbout: []byte(`{"schema":"bundle/v1"}`)}))
	f.Add(zipOf([]entry{{name: "a", method: 8, content: []byte("x"), packedAnyway: []byte{0xff}}}, nil))
	f.Add(zipOf([]entry{{name: "../a"}}, nil))
	f.Fuzz(func(t *testing.T, zip []byte) {
		r := VerifyArchive(zip, Trust{})
		if r.Err() == nil && !known[r.Receipt.ID] {
			t.Error("this was held for a bundle")
		}
		var said bytes.Buffer
		if _, err := r.WriteTo(&said); err != nil || said.Len() == 0 {
			t.Errorf("no report: %v", err)
		}
		if files, err := Unpack(zip); err == nil {
			if again, err := Pack(files); err != nil {
				t.Error(err)
			} else if back, err := Unpack(again); err != nil || !same(back, files) {
				t.Errorf("packed anew: %v", err)
			}
		}
	})
}
