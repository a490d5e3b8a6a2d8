package store

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// Any sequence of decisions, publications, acts, erasures, restrictions, restarts and
// crashes leaves a database in which an audit finds nothing, and every proof that was
// handed out before valid. VOLENTI_TAMPER asks for 1,000 of them.
func TestAnyHistoryStands(t *testing.T) {
	histories := 6
	if os.Getenv("VOLENTI_TAMPER") != "" {
		histories = 1000
	}
	folder := t.TempDir()
	for i := range histories {
		w := newWorld(t, filepath.Join(folder, strconv.Itoa(i), "volenti.db"), uint64(i))
		for range 40 + w.random.IntN(80) {
			w.live()
		}
		w.sign()
		w.stands()
		w.close()
		if t.Failed() {
			t.Fatalf("history %d", i)
		}
		w.must(os.RemoveAll(filepath.Dir(w.path)))
	}
}

// The same, of histories that are made as short as they can be where one fails.
func TestHistoriesKeepEarlierProofs(t *testing.T) {
	folder, n := t.TempDir(), 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		w := newWorld(t, filepath.Join(folder, strconv.Itoa(n), "volenti.db"), 7)
		for _, what := range rapid.SliceOfN(rapid.SampledFrom([]func(){
			w.decide, w.decide, w.sign, w.restart, w.crash, w.restrict,
			func() { w.erase("minimised") }, func() { w.erase("shredded") },
		}), 1, 12).Draw(rt, "history") {
			w.n++
			what()
		}
		w.stands()
		w.close()
		w.must(os.RemoveAll(filepath.Dir(w.path)))
		if t.Failed() {
			rt.Fatal("it does not stand")
		}
	})
}
