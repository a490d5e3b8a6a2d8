package transparency

import (
	"crypto/rand"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/operator"
)

func TestSignedOnceAndOnlyWhatGrew(t *testing.T) {
	w := newWorld(t, "shop.example/log")
	empty := w.sign()
	w.grow(3)
	three := w.sign()
	if again := w.sign(); string(again.Note) != string(three.Note) {
		t.Error("nothing was added, and another checkpoint was made")
	}
	for _, c := range []auditlog.Checkpoint{empty, three} {
		n, err := note.Open(c.Note, note.VerifierList(w.verifier()))
		if err != nil || n.Text != c.Body() {
			t.Errorf("%q: %v", c.Note, err)
		}
	}
	if empty.Head != auditlog.Empty() || three.Head.Size != 3 || !strings.HasPrefix(string(three.Note), "shop.example/log\n3\n") {
		t.Errorf("%d, then %q", empty.Head.Size, three.Note)
	}
	pinned, err := ReadPinned(w.pinned())
	if err != nil || pinned.Head != three.Head {
		t.Errorf("pinned is %+v, %v", pinned.Head, err)
	}
	w.again()
	if err := w.check(); err != nil {
		t.Errorf("after a clean stop: %v", err)
	}
	w.grow(1)
	w.again()
	if err := w.check(); err != nil {
		t.Errorf("after a stop before the next checkpoint: %v", err)
	}
	if c := w.sign(); c.Head.Size != 4 {
		t.Errorf("signed %d leaves", c.Head.Size)
	}
}

// Two processes of one installation sign one log.
func TestProcessesSignOneLog(t *testing.T) {
	w := newWorld(t, "shop.example/log")
	other := New(w.log.Options)
	w.grow(1)
	one, err := other.Sign(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := w.sign(); string(got.Note) != string(one.Note) {
		t.Error("the same head has two checkpoints")
	}
	w.grow(1)
	if c := w.sign(); c.Head.Size != 2 {
		t.Errorf("%d leaves", c.Head.Size)
	}
	if c, err := other.Sign(t.Context()); err != nil || c.Head.Size != 2 {
		t.Errorf("%d leaves, %v", c.Head.Size, err)
	}
	// Whoever is behind must not sign what was overtaken.
	late, err := w.key.Sign(one.Head, noon)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.db.KeepCheckpoint(t.Context(), late); !errors.Is(err, auditlog.ErrFork) {
		t.Errorf("an overtaken checkpoint: %v", err)
	}
}

func TestADatabaseThatDisagreesIsRefused(t *testing.T) {
	for name, change := range map[string]struct {
		do   func(t *testing.T, w *world, backup string)
		want error
		says string
	}{
		"rolled back": {func(t *testing.T, w *world, backup string) {
			copyFile(t, backup, w.database())
		}, auditlog.ErrFork, "volenti log accept"},
		"rolled back, then grown past it": {func(t *testing.T, w *world, backup string) {
			copyFile(t, backup, w.database())
			w.open()
			w.grow(9)
			w.close()
		}, auditlog.ErrFork, "are not those that were signed"},
		"a leaf changed, and all above it": {func(t *testing.T, w *world, _ string) {
			rewrite(t, w, 1)
		}, auditlog.ErrFork, "database holds a checkpoint of 5 leaves"},
		"signed again, with the same key, without the file": {func(t *testing.T, w *world, _ string) {
			if err := os.Remove(w.pinned()); err != nil {
				t.Fatal(err)
			}
			rewrite(t, w, 4)
		}, auditlog.ErrFork, ""},
		"rolled back to between the leaves and their checkpoint": {func(t *testing.T, w *world, _ string) {
			raw(t, w, `DROP TRIGGER checkpoint_kept`, `DELETE FROM checkpoint WHERE size = 5`)
		}, auditlog.ErrFork, "lost a checkpoint"},
		"a checkpoint changed": {func(t *testing.T, w *world, _ string) {
			raw(t, w, `DROP TRIGGER checkpoint_fixed`, `UPDATE checkpoint SET size = size - 1`)
		}, auditlog.ErrDamaged, ""},
		"a checkpoint of somebody else": {func(t *testing.T, w *world, _ string) {
			key, err := auditlog.NewLogKey("shop.example/log", rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			c, err := key.Sign(auditlog.Empty(), noon)
			if err == nil {
				err = writeFile(w.pinned(), c.Note)
			}
			if err != nil {
				t.Fatal(err)
			}
		}, ErrAnother, "volenti log accept"},
		"no checkpoint": {func(t *testing.T, w *world, _ string) {
			if err := writeFile(w.pinned(), []byte("shop.example/log\n5\n")); err != nil {
				t.Fatal(err)
			}
		}, auditlog.ErrCheckpoint, "put the file back"},
		"the key is lost": {func(_ *testing.T, w *world, _ string) { w.key = nil }, ErrAnother, "keys/log.key"},
		"another key": {func(t *testing.T, w *world, _ string) {
			var err error
			if w.key, err = auditlog.NewLogKey("blog.example/log", rand.Reader); err != nil {
				t.Fatal(err)
			}
		}, ErrAnother, "blog.example/log"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "shop.example/log")
			w.grow(3)
			w.sign()
			w.close()
			backup := w.folder + "/backup"
			copyFile(t, w.database(), backup)
			w.open()
			w.grow(2)
			w.sign()
			if err := w.check(); err != nil {
				t.Fatalf("before anything happened: %v", err)
			}
			w.close()
			change.do(t, w, backup)
			key := w.key
			w.open()
			err := Check(t.Context(), w.db, key, w.pinned())
			if !errors.Is(err, change.want) || !strings.Contains(err.Error(), change.says) {
				t.Errorf("%v", err)
			}
		})
	}
}

// raw changes a database behind the store's back.
func raw(t *testing.T, w *world, texts ...string) {
	t.Helper()
	db, err := sql.Open("sqlite3", w.database())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, text := range texts {
		if _, err := db.Exec(text); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
	}
}

// rewrite gives the database another leaf, and all hashes that follow from it: what
// somebody does who may write to it.
func rewrite(t *testing.T, w *world, at int) {
	t.Helper()
	w.open()
	defer w.close()
	leaves, err := w.db.Leaves(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	leaves[at][0] ^= 1
	_, head, nodes, err := auditlog.Edge{}.Append(leaves)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", w.database())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	exec := func(text string, args ...any) {
		t.Helper()
		if _, err := db.Exec(text, args...); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
	}
	for _, trigger := range []string{"log_leaf_fixed", "log_node_fixed", "log_head_grows"} {
		exec(`DROP TRIGGER ` + trigger)
	}
	exec(`UPDATE log_leaf SET leaf = ?1 WHERE position = ?2`, leaves[at][:], at)
	for _, n := range nodes {
		exec(`UPDATE log_node SET hash = ?1 WHERE position = ?2`, n.Hash[:], n.Index)
	}
	exec(`UPDATE log_head SET root = ?1`, head.Root[:])
}

// A running server does not sign what it finds forked, either.
func TestAForkIsNotSigned(t *testing.T) {
	w := newWorld(t, "shop.example/log")
	w.grow(3)
	before := w.sign()
	w.close()
	rewrite(t, w, 1)
	w.open()
	w.grow(1)
	if c, err := w.log.Sign(t.Context()); !errors.Is(err, auditlog.ErrFork) {
		t.Fatalf("signed %q: %v", c.Note, err)
	}
	if pinned, err := ReadPinned(w.pinned()); err != nil || pinned.Head != before.Head {
		t.Errorf("pinned: %+v, %v", pinned.Head, err)
	}
}

func TestAcceptGoesOnAndSaysSo(t *testing.T) {
	w := newWorld(t, "shop.example/log")
	w.grow(3)
	w.sign()
	w.close()
	backup := w.folder + "/backup"
	copyFile(t, w.database(), backup)
	w.open()
	w.grow(1)
	early := w.sign()
	w.grow(1)
	lost := w.sign()
	longer := lost.Head
	longer.Size++
	later, err := w.key.Sign(longer, noon)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := auditlog.NewLogKey("blog.example/log", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := stranger.Sign(early.Head, noon)
	if err != nil {
		t.Fatal(err)
	}
	w.close()
	copyFile(t, backup, w.database())
	w.open()
	if err := w.check(); err == nil {
		t.Fatal("a rolled back database was not refused")
	}
	a, err := Accept(t.Context(), w.db, w.key, w.pinned(), "cli", "the disk died", noon)
	if err != nil {
		t.Fatal(err)
	}
	if a.Before.Head != lost.Head || a.Now.Head.Size != 4 {
		t.Errorf("before %d leaves, now %d", a.Before.Head.Size, a.Now.Head.Size)
	}
	w.again()
	if err := w.check(); err != nil {
		t.Errorf("after it was accepted: %v", err)
	}
	// Other nodes have files of their own, of what they saw signed before.
	for name, other := range map[string]struct {
		c    auditlog.Checkpoint
		kept time.Time
		ok   bool
	}{
		"the same":           {lost, noon.Add(-time.Minute), true},
		"an earlier one":     {early, noon.Add(-time.Minute), true},
		"a later one":        {later, noon.Add(-time.Minute), false},
		"what is kept since": {early, noon.Add(time.Minute), false},
		"of another log":     {foreign, noon.Add(-time.Minute), false},
	} {
		file := filepath.Join(t.TempDir(), PinnedFile)
		if err := errors.Join(os.WriteFile(file, other.c.Note, 0o600), os.Chtimes(file, other.kept, other.kept)); err != nil {
			t.Fatal(err)
		}
		if err := Check(t.Context(), w.db, w.key, file); (err == nil) != other.ok {
			t.Errorf("%s in the file of another node: %v", name, err)
		}
	}
	acts, err := w.db.Acts(t.Context(), operator.ActQuery{What: "log."})
	if err != nil || len(acts) != 1 || acts[0].Detail != "the disk died" || !strings.Contains(acts[0].Object, lost.Head.Root.String()) {
		t.Errorf("acts %+v, %v", acts, err)
	}
	if _, _, err := w.db.LogEntry(t.Context(), auditlog.Act, "4"); err != nil {
		t.Errorf("its entry: %v", err)
	}
	w.grow(3) // past the size of what was lost
	if c := w.sign(); c.Head.Size != 7 {
		t.Errorf("%d leaves", c.Head.Size)
	}
	if c, err := w.db.CheckpointOf(t.Context(), 7); err != nil || c.Head.Size != 7 {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestAcceptAfterTheLogWasAltered(t *testing.T) {
	w := newWorld(t, "shop.example/log")
	w.grow(3)
	w.sign()
	w.close()
	rewrite(t, w, 1)
	w.open()
	other, err := auditlog.NewLogKey("shop.example/log-2", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Accept(t.Context(), w.db, other, w.pinned(), "cli", "an experiment", noon); err != nil {
		t.Fatal(err)
	}
	w.key = other
	w.again()
	if err := w.check(); err != nil {
		t.Errorf("after it was accepted: %v", err)
	}
	all, _, err := w.db.Checkpoints(t.Context(), 0, 10)
	if err != nil || len(all) != 2 || all[0].Origin != "shop.example/log" || all[1].Origin != "shop.example/log-2" {
		t.Errorf("%d checkpoints, %v", len(all), err)
	}
}
