package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/store/storetest"
)

// shopOrigin is the only origin of testdata/shop.toml.
const shopOrigin = "https://shop.example"

// publish makes a data folder with one site, its policy and its notice, the way
// an operator does. Where tests run on PostgreSQL (storetest.Engine), all commands and
// servers of this test find a database there, by their environment.
func publish(t testing.TB) (data string) {
	t.Helper()
	if storetest.OnPostgres() {
		secret, exit := volenti(t, "key", "secret")
		if exit != 0 {
			t.Fatal(secret)
		}
		t.Setenv(secretVariable, strings.TrimSpace(secret))
		t.Setenv("VOLENTI_STORE_DSN", storetest.Postgres(t, nil))
	}
	data = filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	publishAt(t, "--data", data)
	return data
}

// publishAt does so where flags say.
func publishAt(t testing.TB, flags ...string) {
	t.Helper()
	for _, args := range [][]string{
		{"site", "add", "shop", "--name", "Shop"},
		{"policy", "import", "testdata/privacy.md", "--site", "shop", "--policy", "privacy", "--effective", "2026-01-01"},
		{"notice", "publish", "testdata/shop.toml"},
	} {
		if out, exit := volenti(t, append(args, flags...)...); exit != 0 {
			t.Fatalf("volenti %v: exit %d\n%s", args, exit, out)
		}
	}
}

// A visit is a page of the shop in one browser: the token it was served, and the
// connections it keeps.
type visit struct {
	base   string
	token  string
	client *http.Client
	header http.Header // sent with everything
}

var servedToken = regexp.MustCompile(`"t":"([^"]+)"`)

// open serves the script to a new visit.
func (p *process) open(header http.Header) *visit {
	p.t.Helper()
	// Idle connections end here first: the server closes them after 75 seconds.
	v := &visit{base: p.base, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second}}, header: header}
	p.t.Cleanup(v.client.CloseIdleConnections)
	status, script, err := v.get("/b/shop.js")
	if err != nil || status != http.StatusOK {
		p.t.Fatalf("the script: %d %v\n%s", status, err, script)
	}
	found := servedToken.FindSubmatch(script)
	if found == nil {
		p.t.Fatalf("no token in:\n%s", script)
	}
	v.token = string(found[1])
	return v
}

func (v *visit) get(path string) (status int, body []byte, err error) {
	return v.do(http.MethodGet, path, nil)
}

// decide sends the decision of an id: for one id always the same one.
func (v *visit) decide(id string) (status int, receipt []byte, err error) {
	body, err := json.Marshal(consent.Decision{
		ID: id, Token: v.token, Action: consent.Save, Surface: consent.OnBanner, At: 1,
		Categories: map[string]bool{"preferences": true, "analytics": id[len(id)-1]%2 == 0, "marketing": false}, Vendors: map[string]bool{},
	})
	if err != nil {
		return 0, nil, err
	}
	return v.do(http.MethodPost, "/v1/sites/shop/decisions", body)
}

func (v *visit) do(method, path string, body []byte) (status int, answer []byte, err error) {
	req, err := http.NewRequest(method, v.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header = v.header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Origin", shopOrigin)
	}
	resp, err := v.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// keys are the public keys of the server.
func (v *visit) keys(t testing.TB) consent.PublicKeys {
	t.Helper()
	_, document, err := v.get("/.well-known/jwks.json")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := consent.ParsePublicKeys(document)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// place is what tells receipts apart: the id and the leaf of the log.
func place(receipt []byte) (id string, leaf int64, err error) {
	var r struct {
		ID   string `json:"id"`
		Leaf *struct {
			Index int64 `json:"index"`
		} `json:"leaf"`
	}
	if err := json.Unmarshal(receipt, &r); err != nil {
		return "", 0, err
	}
	if r.ID == "" || r.Leaf == nil {
		return "", 0, fmt.Errorf("not a receipt: %.200s", receipt)
	}
	return r.ID, r.Leaf.Index, nil
}
