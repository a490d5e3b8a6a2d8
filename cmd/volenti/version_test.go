package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What a release says of itself is stamped, and the banner's sources in it are those of
// the repository, told in the way its comment says.
func TestVersionSaysWhatTheProgramIsMadeOf(t *testing.T) {
	out, exit := volenti(t, "version", "--json")
	var v programOut
	if err := json.Unmarshal([]byte(out), &v); err != nil || exit != 0 || v.Version == "" || !strings.HasPrefix(v.Go, "go1") || v.SQLite == "" || v.Laws == "" || v.Regions == "" {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command("sh", "-c", "find src -type f | LC_ALL=C sort | xargs sha256sum | sha256sum")
	cmd.Dir = "../../banner"
	sum, err := cmd.Output()
	if err != nil || !strings.HasPrefix(string(sum), v.Banner+" ") {
		t.Errorf("banner %s, its sources %s (%v)", v.Banner, sum, err)
	}
	if out, _ := volenti(t, "version"); !strings.HasPrefix(out, "volenti ") || !strings.Contains(out, v.Banner) {
		t.Error(out)
	}
	stamped := filepath.Join(t.TempDir(), "volenti")
	if out, err := exec.Command("go", "build", "-ldflags", "-X main.released=1.2.3-test", "-o", stamped, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := exec.Command(stamped, "version").Output(); err != nil || !strings.HasPrefix(string(out), "volenti 1.2.3-test\n") {
		t.Errorf("%v\n%s", err, out)
	}
}

// The bill of materials names what is in the binary, the same each time, and nothing
// that only tests use.
func TestBillOfMaterials(t *testing.T) {
	write := func() string {
		cmd := exec.Command("go", "run", "./.ci/sbom", binary)
		cmd.Dir = "../.."
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	text := write()
	var bill struct {
		Format     string `json:"bomFormat"`
		Components []struct {
			Name string `json:"name"`
			PURL string `json:"purl"`
		} `json:"components"`
	}
	if err := json.Unmarshal([]byte(text), &bill); err != nil || bill.Format != "CycloneDX" || len(bill.Components) < 40 {
		t.Fatalf("%v\n%.400s", err, text)
	}
	named := map[string]bool{}
	for _, c := range bill.Components {
		if !strings.HasPrefix(c.PURL, "pkg:golang/") || named[c.PURL] {
			t.Errorf("%+v", c)
		}
		named[c.Name], named[c.PURL] = true, true
	}
	for name, want := range map[string]bool{"std": true, "github.com/mattn/go-sqlite3": true, "github.com/evanw/esbuild": true, "github.com/letsencrypt/pebble/v2": false, "pgregory.net/rapid": false} {
		if named[name] != want {
			t.Errorf("%s: %v", name, named[name])
		}
	}
	if write() != text {
		t.Error("another bill of the same binary")
	}
}

// What the documentation, the image and a release are built by is one line.
func TestOneWayToBuild(t *testing.T) {
	docker, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	if regexp.MustCompile(`go build`).Match(docker) || !strings.Contains(string(docker), "make static") {
		t.Error("the image is not built as a release is")
	}
}
