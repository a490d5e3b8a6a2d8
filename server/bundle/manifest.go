package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// manifest lists every file but itself with its SHA-256, by name, in the form that
// sha256sum -c reads.
func manifest(f Files) []byte {
	var b bytes.Buffer
	for _, name := range f.names() {
		if name != nameManifest {
			sum := sha256.Sum256(f[name])
			fmt.Fprintf(&b, "%s  %s\n", hex.EncodeToString(sum[:]), name)
		}
	}
	return b.Bytes()
}

// checkManifest makes sure that the manifest names these files and no others, each
// with its digest.
func checkManifest(f Files) error {
	text, ok := f[nameManifest]
	if !ok {
		return errors.New("there is no " + nameManifest)
	}
	want := manifest(f)
	if bytes.Equal(text, want) {
		return nil
	}
	listed := map[string]string{}
	for line := range strings.Lines(string(text)) {
		digest, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if _, twice := listed[name]; !ok || twice || !strings.HasSuffix(line, "\n") {
			return fmt.Errorf("the line %.100q of %s has another form, or is there twice", line, nameManifest)
		}
		listed[name] = digest
	}
	for line := range strings.Lines(string(want)) {
		digest, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		switch listed[name] {
		case digest:
		case "":
			return fmt.Errorf("%s is not listed", name)
		default:
			return fmt.Errorf("%s was altered", name)
		}
		delete(listed, name)
	}
	for name := range listed {
		return fmt.Errorf("%.200q is missing", name)
	}
	return fmt.Errorf("%s is not in order of names", nameManifest)
}
