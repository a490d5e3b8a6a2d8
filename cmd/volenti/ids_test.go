package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/bundle"
	"github.com/volenti-consent/volenti/server/consent"
)

// ofBefore is a data folder whose ids are 32 hexadecimal digits: their minute, and 96 random
// bits. In handed-out are the receipts that a browser got: later replaces replaced.
func ofBefore(t *testing.T) (data string, receipts map[string][]byte) {
	t.Helper()
	f, err := os.Open("testdata/ids-of-before.tgz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, receipts = filepath.Join(t.TempDir(), "data"), map[string][]byte{}
	for r := tar.NewReader(unzipped); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return data, receipts
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeDir {
			continue
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if name, handed := strings.CutPrefix(h.Name, "handed-out/"); handed {
			receipts[strings.TrimSuffix(name, ".json")] = b
			continue
		}
		path := filepath.Join(data, filepath.FromSlash(h.Name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, b, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

// Ids of before open what they opened: at every address, with every command, as the receipt
// that a new decision replaces, and for erasure.
func TestIDsOfBeforeOpenWhatTheyOpened(t *testing.T) {
	data, handedOut := ofBefore(t)
	p := start(t, data, "--clock-set-back") // the clock here may be any
	v := p.open(nil)
	ids := map[string]string{}
	for name, receipt := range handedOut {
		report, err := consent.Verify(receipt, v.keys(t))
		if err != nil || strings.Trim(report.ID, "0123456789abcdef") != "" {
			t.Fatalf("%s is of %q: %v", name, report.ID, err)
		}
		id := report.ID
		ids[name] = id
		at := "/v1/sites/shop/receipts/" + id
		for path, want := range map[string]string{
			at: string(receipt), at + "/proof": "c2sp.org/tlog-proof@v1", at + "/shown": "<iframe", at + "/governing": `"receipt":"` + id + `"`,
			at + "?form=27560": id, at + "?form=kantara": id, "/privacy/shop/choices?receipt=" + id: "/receipts/" + id + `"`,
		} {
			if status, body, err := v.get(path); err != nil || status != http.StatusOK || !bytes.Contains(body, []byte(want)) {
				t.Errorf("%s: %s: %d %v %.300s", name, path, status, err, body)
			}
		}
		status, zip, err := v.get(at + "/bundle")
		if err != nil || status != http.StatusOK {
			t.Fatalf("%s: bundle: %d %v", name, status, err)
		}
		if report := bundle.VerifyArchive(zip, bundle.Trust{Keys: v.keys(t)}); report.Err() != nil {
			t.Errorf("%s: bundle: %v", name, report.Err())
		}
		for _, args := range [][]string{{"receipt", "export", id}, {"log", "proof", id}, {"receipt", "bundle", id, "--site", "shop", "--out", filepath.Join(t.TempDir(), "bundle.zip")}} {
			if said, exit := volenti(t, append(args, "--data", data)...); exit != 0 {
				t.Errorf("%s: %v: exit %d\n%s", name, args, exit, said)
			}
		}
	}
	if len(ids) != 4 {
		t.Fatalf("%d receipts were handed out", len(ids))
	}

	body := `{"id":"withdrawn","token":"` + v.token + `","categories":{"preferences":false,"analytics":false,"marketing":false},"action":"withdraw","surface":"settings","at":1,"previous":"` + ids["later"] + `"}`
	status, answer, err := v.do(http.MethodPost, "/v1/sites/shop/decisions", []byte(body))
	if err != nil || status != http.StatusCreated {
		t.Fatalf("withdrawal: %d %v %s", status, err, answer)
	}
	withdrawal, err1 := consent.Verify(answer, v.keys(t))
	later, err2 := consent.Verify(handedOut["later"], v.keys(t))
	if err := errors.Join(err1, err2); err != nil || withdrawal.Core.Previous != ids["later"] || withdrawal.Personal.Subject != later.Personal.Subject {
		t.Errorf("%v: %s replaces %q and is of %s, not of %s", err, withdrawal.ID, withdrawal.Core.Previous, withdrawal.Personal.Subject, later.Personal.Subject)
	}

	if said, exit := volenti(t, "erasure", "run", "--site", "shop", "--how", "shredded", ids["erased"], "--data", data); exit != 0 {
		t.Fatalf("erasure: exit %d\n%s", exit, said)
	}
	if status, _, err := v.get("/v1/sites/shop/receipts/" + ids["erased"]); err != nil || status != http.StatusNotFound {
		t.Errorf("what was erased: %d %v", status, err)
	}
	if said, exit := volenti(t, "log", "audit", "--data", data); exit != 0 {
		t.Errorf("audit: exit %d\n%s", exit, said)
	}
}
