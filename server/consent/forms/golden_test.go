package forms

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files of the newest versions anew")

// frozen holds each version of each form that was ever written to its golden files:
// SHA-256 over all of them. A row is never changed and never removed. Whoever changes
// what a form says gives it a new version, a folder of its own, and a row here.
var frozen = map[string]string{
	"receipt/v1":     "29b84c570567133b7d9dbfe20cfdb32a8da06af07818f3c5bff10a6f87fec6cf",
	"receipt-jws/v1": "ccd7883be11daa6edf6cbf0c66326ce072463bc837ce7f1a33c2134faf2941ad",
	"27560/v1":       "f46a28d5569711e452a7f1956a95e52e890f8d32dc0c02d49b7c7d5f65e31722",
	"kantara/v1":     "07a826142fae1826296f4605048bdf0051268b2957897c7c5fe9a3bbdaf4b436",

	// The same of receipts whose ids are of 20 bytes in base 32.
	"receipt/v1/base32":     "dadec1f3f66e5e4ecd8b54750ed740813b68929fefd30ef4a703db3e8595ad58",
	"receipt-jws/v1/base32": "df02dc3e621986ed4b86b927b332867d58daa0fdb9fe8d2f7f1c6ae91abbe608",
	"27560/v1/base32":       "15bd254964c965ba38dc1530d9c5eefa9e714f3e82aac985ff95c06bc60e6628",
	"kantara/v1/base32":     "c70814e2f5dc878db7b4352a7c5b05ae8af1a4ca75fcf9db7c378a5b46f68a7b",
}

// folderOf is where the golden files of a version are.
func folderOf(version string) string {
	return filepath.Join("testdata", strings.ReplaceAll(version, "/", "-"))
}

// Nothing that was handed out once may be said otherwise under the same version.
func TestGoldenFormsAreFrozen(t *testing.T) {
	for _, f := range All() {
		for _, name := range cases {
			ids, of := path.Split(name)
			path := filepath.Join(folderOf(path.Join(f.Version, ids)), f.Name+"."+of+f.Extension)
			got := append(written(t, f.Name, name), '\n')
			if *update {
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatalf("%v; a new version is written with -update", err)
			}
			if !bytes.Equal(want, got) {
				t.Errorf("%s: the form says something else than it did. Give it a new version (docs/receipt-forms.md); -update shows the difference", path)
			}
		}
	}
	for version, want := range frozen {
		if got := sumOf(t, version); got != want {
			t.Errorf("the golden files of %s were changed, or some are gone: they sum to %s, not %s. Restore them; what is new needs a new version", version, got, want)
		}
	}
}

// Each form that can be verified at all still is, in every version there ever was.
func TestOldFormsVerifyForEver(t *testing.T) {
	folders, err := filepath.Glob(filepath.Join("testdata", "*-v*"))
	if err != nil || len(folders) != len(frozen) {
		t.Fatalf("%d folders of golden files, %d frozen versions, %v", len(folders), len(frozen), err)
	}
	seen := 0
	for _, folder := range folders {
		for _, path := range filesIn(t, folder) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.Base(path)
			v, err := Verify(b, keysOf(t))
			if form, _, _ := strings.Cut(name, "."); form == "kantara" {
				if _, err := ReadKantara(bytes.TrimSpace(b)); err != nil {
					t.Errorf("%s: %v", path, err)
				}
				continue // plain JSON: nothing in it is signed
			}
			if err != nil {
				t.Errorf("%s: %v", path, err)
			}
			if v.Form.Signed() != (v.KeyID != "") || strings.Contains(name, ".jws") != v.Form.Signed() && !strings.HasSuffix(name, ".jwt") {
				t.Errorf("%s: read as %s, signed by %q", path, v.Form.Name, v.KeyID)
			}
			if !strings.HasSuffix(name, ".jwt") && !slices.ContainsFunc(cases, func(c string) bool {
				return bytes.Contains(wire(t, c+".json"), []byte(v.Report.ID)) && v.Report.ID != ""
			}) {
				t.Errorf("%s: it is of receipt %q", path, v.Report.ID)
			}
			seen++
		}
	}
	if want := len(cases) * (len(All()) - 1); seen < want {
		t.Errorf("%d documents were verified, there are at least %d", seen, want)
	}
}

func TestUnknownForms(t *testing.T) {
	if _, err := Of("pdf"); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "27560-record") {
		t.Errorf("%v", err)
	}
	for accept, want := range map[string]string{
		"": "receipt", "*/*": "receipt", "application/json": "receipt", "text/html,*/*;q=0.8": "receipt",
		"application/ld+json": "27560", "Application/LD+JSON; profile=x, */*": "27560", "application/jose": "jws",
		"application/jwt;q=0.5": "kantara-jwt", "application/ld+json;q=0, application/jose": "jws", "text/plain": "receipt",
	} {
		if got := For(accept).Name; got != want {
			t.Errorf("Accept %q: %s, want %s", accept, got, want)
		}
	}
}

func filesIn(t *testing.T, folder string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.*"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: %v", folder, err)
	}
	slices.Sort(paths)
	return paths
}

func sumOf(t *testing.T, version string) string {
	t.Helper()
	sum := sha256.New()
	for _, path := range filesIn(t, folderOf(version)) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		sum.Write([]byte(filepath.Base(path) + "\n"))
		sum.Write(b)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
