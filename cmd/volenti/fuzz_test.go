package main

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Keys out of a backup are put into their folder and nowhere else, whatever the names
// in it are.
func FuzzUnpackKeys(f *testing.F) {
	packed := func(names ...string) []byte {
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		for _, name := range names {
			_ = w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: 3})
			_, _ = w.Write([]byte("key"))
		}
		_ = w.Close()
		return out.Bytes()
	}
	for _, seed := range [][]byte{nil, packed("signing.pem", "console.json"), packed("../out"), packed("/etc/out"), packed("a/b"), packed("."), packed(".."), packed("a", "a"), packed(strings.Repeat("n", 99)), []byte("not a tar")} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		outer := t.TempDir()
		folder := filepath.Join(outer, "keys")
		_ = unpackFolder(text, folder)
		above, err := os.ReadDir(outer)
		if err != nil || len(above) != 1 {
			t.Fatalf("beside the folder: %v %v", above, err)
		}
		inside, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		size := 0
		for _, entry := range inside {
			info, err := entry.Info()
			if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
				t.Fatalf("%s: %v %v", entry.Name(), info.Mode(), err)
			}
			size += int(info.Size())
		}
		if size > len(text) {
			t.Fatalf("%d bytes out of %d", size, len(text))
		}
	})
}

// A list of erasures is read whole, or refused.
func FuzzReadErasures(f *testing.F) {
	line := `{"leaf":1,"hash":"` + strings.Repeat("0", 64) + `","site":"shop","how":"shredded","reason":"requested","day":"2026-11-22"}`
	for _, seed := range []string{"", line, line + "\n" + line, line + "\n\n", strings.Replace(line, "1", "-1", 1), "[]", "null", line + line} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file := filepath.Join(t.TempDir(), "erasures.ndjson")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		all, err := readErasures([]string{file})
		if err != nil {
			return
		}
		lines := 0
		for l := range strings.SplitSeq(text, "\n") {
			if len(bytes.TrimSpace([]byte(l))) > 0 {
				lines++
			}
		}
		if len(all) != lines {
			t.Fatalf("%d erasures of %d lines", len(all), lines)
		}
		for _, e := range all {
			if e.Leaf < 0 || len(e.Hash) != 64 || e.Check() != nil {
				t.Fatalf("%+v", e)
			}
		}
	})
}
