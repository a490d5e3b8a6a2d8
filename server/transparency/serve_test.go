package transparency

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/volenti-consent/volenti/server/auditlog"
)

// served is a log on a real port.
func served(t *testing.T, w *world) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc(Prefix+"checkpoint", func(rw http.ResponseWriter, r *http.Request) { w.log.ServeCheckpoint(rw, r) })
	mux.HandleFunc(Prefix+"keys", func(rw http.ResponseWriter, r *http.Request) { w.log.ServeKeys(rw, r) })
	mux.HandleFunc(Prefix+"tile/", func(rw http.ResponseWriter, r *http.Request) { w.log.ServeTile(rw, r) })
	mux.HandleFunc(Prefix+"witness/add-checkpoint", func(rw http.ResponseWriter, r *http.Request) { w.log.Witness.ServeAddCheckpoint(rw, r) })
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

func get(t *testing.T, address string) (*http.Response, []byte) {
	t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, b
}

// A reader knows an address and a key, and uses what others wrote: x/mod/sumdb.
type reader struct {
	t    *testing.T
	base string
	key  note.Verifier
}

func (*reader) Height() int { return 8 }

// path is a tile's as c2sp.org/tlog-tiles has it; x/mod puts the height before.
func (r *reader) path(t tlog.Tile) string {
	return strings.Replace(strings.Replace(t.Path(), "tile/8/", "tile/", 1), "tile/data/", "tile/entries/", 1)
}

func (r *reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, t := range tiles {
		resp, b := get(r.t, r.base+"/log/"+r.path(t))
		if resp.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("%s: %d", r.path(t), resp.StatusCode)
		}
		if got := resp.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
			r.t.Errorf("%s: cached as %q", r.path(t), got)
		}
		if got := resp.Header.Get("Content-Type"); got != "application/octet-stream" {
			r.t.Errorf("%s: served as %q", r.path(t), got)
		}
		all = append(all, b)
	}
	return all, nil
}

func (*reader) SaveTiles([]tlog.Tile, [][]byte) {}

// checkpoint reads and verifies the newest checkpoint.
func (r *reader) checkpoint() tlog.Tree {
	r.t.Helper()
	resp, b := get(r.t, r.base+"/log/checkpoint")
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || got != "text/plain; charset=utf-8" || resp.Header.Get("Cache-Control") != "public, max-age=1" {
		r.t.Fatalf("checkpoint: %d, %q, %q", resp.StatusCode, got, resp.Header.Get("Cache-Control"))
	}
	n, err := note.Open(b, note.VerifierList(r.key))
	if err != nil {
		r.t.Fatal(err)
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[0] != r.key.Name() {
		r.t.Fatalf("checkpoint %q", n.Text)
	}
	// x/mod reads the same lines under a name of its own.
	tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + strings.Join(lines[1:], "\n")))
	if err != nil {
		r.t.Fatal(err)
	}
	return tree
}

func TestOthersReadTheLog(t *testing.T) {
	w := newWorld(t, "shop.example/log")
	base := served(t, w)
	r := &reader{t: t, base: base, key: w.verifier()}
	var before tlog.Tree
	for _, grown := range []int{3, 252, 1, 2, 300} { // 3, 255, 256, 258, 558
		w.grow(grown)
		w.sign()
		tree := r.checkpoint()
		hashes := tlog.TileHashReader(tree, r) // checks every tile against the checkpoint
		if before.N > 0 {
			p, err := tlog.ProveTree(tree.N, before.N, hashes)
			if err != nil {
				t.Fatal(err)
			}
			if err := tlog.CheckTree(p, tree.N, tree.Hash, before.N, before.Hash); err != nil {
				t.Errorf("%d leaves do not continue %d: %v", tree.N, before.N, err)
			}
		}
		before = tree
		for range 5 {
			index := rand.Int64N(tree.N)
			p, err := tlog.ProveRecord(tree.N, index, hashes)
			if err != nil {
				t.Fatal(err)
			}
			if err := tlog.CheckRecord(p, tree.N, tree.Hash, index, tlog.RecordHash(r.entry(tree, index))); err != nil {
				t.Errorf("leaf %d of %d: %v", index, tree.N, err)
			}
		}
	}
	if before.N != 558 {
		t.Errorf("the log has %d leaves", before.N)
	}
}

// entry reads one entry from its bundle.
func (r *reader) entry(tree tlog.Tree, index int64) []byte {
	r.t.Helper()
	tile := tlog.Tile{H: 8, L: -1, N: index / 256, W: int(min(256, tree.N-index/256*256))}
	all, err := r.ReadTiles([]tlog.Tile{tile})
	if err != nil {
		r.t.Fatal(err)
	}
	b := all[0]
	for range index % 256 {
		b = b[2+binary.BigEndian.Uint16(b):]
	}
	return b[2 : 2+binary.BigEndian.Uint16(b)]
}

func TestPathsOfTiles(t *testing.T) {
	w := newWorld(t, "shop.example/log")
	base := served(t, w)
	w.grow(300)
	w.sign()
	w.grow(250) // not signed
	for path, want := range map[string]int{
		"tile/0/000":            8192,
		"tile/0/001.p/44":       44 * 32,
		"tile/0/001.p/1":        32,
		"tile/1/000.p/1":        32,
		"tile/entries/000":      256 * 34,
		"tile/entries/001.p/44": 44 * 34,

		"tile/0/001.p/45":       0, // not signed yet
		"tile/0/001":            0,
		"tile/entries/001.p/45": 0,
		"tile/1/000":            0,
		"tile/1/000.p/2":        0,
		"tile/2/000.p/1":        0,
		"tile/63/000.p/1":       0,
		"tile/64/000.p/1":       0,
		"tile/0/000.p/256":      0, // a full tile is written without a width
		"tile/0/000.p/0":        0,
		"tile/0/000.p/01":       0,
		"tile/0/001.p/+1":       0,
		"tile/00/000":           0,
		"tile/0/0":              0,
		"tile/0/0000":           0,
		"tile/0/x000/000":       0,
		"tile/0/x001":           0,
		"tile/0/001/000":        0,
		"tile/0/000/":           0,
		"tile/0/%30%30%30":      0,
		"tile/-1/000":           0,
		"tile/data/000":         0,
		"tile/8/0/000":          0,
		"tile/0/x999/x999/x999/x999/x999/x999/x999/x999/999": 0,
		"tile/":        0,
		"tile/entries": 0,
	} {
		resp, b := get(t, base+"/log/"+path)
		switch {
		case want > 0 && (resp.StatusCode != http.StatusOK || len(b) != want):
			t.Errorf("%s: %d, %d bytes, want %d", path, resp.StatusCode, len(b), want)
		case want == 0 && (resp.StatusCode != http.StatusNotFound || resp.Header.Get("Cache-Control") != "no-store"):
			t.Errorf("%s: %d, cached as %q", path, resp.StatusCode, resp.Header.Get("Cache-Control"))
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodHead, base+"/log/tile/0/000", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusOK || resp.ContentLength != 8192 {
		t.Errorf("HEAD: %v, %v", resp, err)
	}
	resp.Body.Close()
}

func TestTilePathsOfLargeLogs(t *testing.T) {
	for path, want := range map[string]tlog.Tile{
		"5/x001/x234/067":        {H: 8, L: 5, N: 1234067, W: 256},
		"0/x123/999.p/255":       {H: 8, L: 0, N: 123999, W: 255},
		"entries/x001/000.p/200": {H: 8, L: -1, N: 1000, W: 200},
	} {
		if got, ok := parseTile(path); !ok || got != want || tilePath(got) != path {
			t.Errorf("%s: %+v, %v, and back %s", path, got, ok, tilePath(got))
		}
	}
	// The example of c2sp.org/tlog-tiles: a log of 70,000.
	for path, want := range map[string]bool{
		"0/272": true, "0/273.p/112": true, "0/273.p/113": false, "0/273": false, "1/000": true, "1/001.p/17": true, "1/001.p/18": false,
		"2/000.p/1": true, "2/000.p/2": false, "3/000.p/1": false, "entries/272": true, "entries/273": false,
	} {
		tile, ok := parseTile(path)
		if !ok || covered(tile, 70_000) != want {
			t.Errorf("%s of 70,000: %v", path, !want)
		}
	}
}

func TestProofsVerifyOffline(t *testing.T) {
	w := newWorld(t, "shop.example/log")
	w.grow(5)
	w.sign()
	w.grow(2)
	leaves, err := w.db.Leaves(t.Context(), 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	for index, leaf := range leaves {
		text, err := w.log.Proof(t.Context(), int64(index))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(text, fmt.Appendf(nil, "c2sp.org/tlog-proof@v1\nindex %d\n", index)) {
			t.Errorf("%.60q", text)
		}
		p, err := auditlog.ParseProof(text)
		if err != nil {
			t.Fatal(err)
		}
		c, _, err := p.Verify(leaf, w.verifier())
		if want := int64(5); index >= 5 && c.Head.Size != 7 || index < 5 && err == nil && c.Head.Size < want || err != nil {
			t.Errorf("leaf %d under %d leaves: %v", index, c.Head.Size, err)
		}
		if _, _, err := p.Verify(leaves[(index+1)%len(leaves)], w.verifier()); err == nil {
			t.Errorf("the proof of leaf %d holds for another", index)
		}
	}
	if _, err := w.log.Proof(t.Context(), 7); err == nil || !strings.Contains(err.Error(), "no such leaf") {
		t.Errorf("a leaf that is not there: %v", err)
	}
}

func TestKeysAreShown(t *testing.T) {
	w := newWorld(t, "shop.example/log")
	base := served(t, w)
	_, b := get(t, base+"/log/keys")
	var keys struct{ Origin, Key string }
	if err := json.Unmarshal(b, &keys); err != nil {
		t.Fatal(err)
	}
	if v, err := note.NewVerifier(keys.Key); err != nil || keys.Origin != "shop.example/log" || v.Name() != keys.Origin {
		t.Errorf("%s: %v", b, err)
	}
	if resp, _ := get(t, base+"/log/checkpoint"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("before anything was signed: %d", resp.StatusCode)
	}
}

// Keep signs by itself, and at the stop what came last.
func TestKeepSignsWhatGrows(t *testing.T) {
	w := newWorld(t, "shop.example/log")
	w.log.Every = time.Millisecond
	stop, done := kept(t, w)
	w.grow(3)
	until(t, "3 leaves are signed", func() bool { return w.log.Newest().Head.Size == 3 })
	stop()
	<-done
	w.again()
	w.log.Every = time.Hour
	stop, done = kept(t, w)
	until(t, "it has begun", func() bool { return w.log.Newest().Head.Size == 3 })
	w.grow(1)
	stop()
	<-done
	if got := w.log.Newest().Head.Size; got != 4 {
		t.Errorf("%d leaves are signed after the stop", got)
	}
}
