package store

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/operator"
)

// A world is a database with a history: what happens to it is drawn, and everything
// that the log takes in happens sooner or later.
type world struct {
	t        testing.TB
	random   *rand.Rand
	path     string
	db       *DB
	recorder *consent.Recorder
	now      time.Time
	key      *auditlog.LogKey
	witness  *auditlog.WitnessKey
	last     map[string]string // newest receipt of each site
	receipts map[string][]string
	leaves   []proven
	signed   []auditlog.Checkpoint
	accepted int // checkpoints that the log need not continue
	n        int // gives everything another name
}

// proven is a leaf with a proof that somebody keeps outside.
type proven struct {
	leaf  [auditlog.LeafSize]byte
	proof auditlog.Proof
}

func newWorld(t testing.TB, path string, seed uint64) *world {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 14))
	source := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	key, err := auditlog.NewLogKey("consent.example/log", source)
	if err != nil {
		t.Fatal(err)
	}
	witness, err := auditlog.NewWitnessKey("witness.example", source)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, random: random, path: path, now: noon, key: key, witness: witness, last: map[string]string{}, receipts: map[string][]string{}}
	w.open()
	withSites(t, w.db, "shop", "blog")
	return w
}

func (w *world) open() {
	w.t.Helper()
	var err error
	if w.db, err = Open(w.t.Context(), w.path, Options{Readers: 2}); err != nil {
		w.t.Fatal(err)
	}
	w.recorder = consent.NewRecorder(w.db, signer{}, consent.RecorderOptions{Now: func() time.Time { return w.now }})
}

func (w *world) close() {
	w.t.Helper()
	w.must(w.recorder.Close(w.t.Context()))
	w.must(w.db.Close())
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) site() string { return []string{"shop", "blog"}[w.random.IntN(2)] }

// live lets something happen.
func (w *world) live() {
	w.t.Helper()
	w.happens(w.random.IntN(40))
}

// stops are what the process does not outlive.
const stops = 2

func (w *world) happens(what int) {
	w.t.Helper()
	w.now = w.now.Add(time.Duration(w.random.IntN(5000)+1) * time.Millisecond)
	w.n++
	switch what {
	case 0:
		w.must(w.db.AddPublication(w.t.Context(), publication(w.t, w.site(), fmt.Sprint("p", w.n), w.now)))
	case 1:
		_, err := publisher(w.db, w.now).PublishWork(w.t.Context(), worded(fmt.Sprint("v", w.n)), "anna", "")
		w.must(err)
	case 2, 3:
		w.must(w.db.AddAct(w.t.Context(), operator.Act{At: w.now, Operator: "anna", Site: w.site(), What: "notice.publish", Object: fmt.Sprint("o", w.n), Detail: "detail"}))
	case 4, 5:
		w.erase(consent.Minimised)
	case 6, 7:
		w.erase(consent.Shredded)
	case 8:
		w.restrict()
	case 9:
		_, err := w.db.EnterStanding(w.t.Context(), w.now)
		w.must(err)
	case 10:
		w.now = w.now.Add(20 * time.Hour)
	case 11, 12:
		w.sign()
	case 13:
		w.accept()
	case 40 - stops:
		w.restart()
	case 40 - stops + 1:
		w.crash()
	default:
		w.decide()
	}
}

func (w *world) decide() {
	w.t.Helper()
	key := w.site()
	previous := ""
	if w.random.IntN(2) == 0 {
		previous = w.last[key]
	}
	d, err := draftOf(key, fmt.Sprint("d", w.n), previous, w.random.IntN(2) == 0)
	w.must(err)
	got, err := w.recorder.Record(w.t.Context(), d)
	w.must(err)
	w.last[key] = got.Core.ID
	w.receipts[key] = append(w.receipts[key], got.Core.ID)
}

// some are receipts of a site, perhaps such as are gone already.
func (w *world) some() (key string, ids []string) {
	key = w.site()
	for range w.random.IntN(3) + 1 {
		if all := w.receipts[key]; len(all) > 0 {
			ids = append(ids, all[w.random.IntN(len(all))])
		}
	}
	return key, ids
}

func (w *world) erase(how consent.Erasure) {
	w.t.Helper()
	key, ids := w.some()
	_, err := w.db.EraseRecords(w.t.Context(), key, ids, how, consent.ReasonRequested, w.now)
	w.must(err)
}

func (w *world) restrict() {
	w.t.Helper()
	key, ids := w.some()
	leaves, err := w.db.Restrict(w.t.Context(), key, ids, consent.GroundClaims, w.now)
	w.must(err)
	if w.random.IntN(2) == 0 {
		_, err := w.db.Unrestrict(w.t.Context(), key, leaves, operator.Act{At: w.now, Operator: "anna", Site: key, What: "restriction.lift"})
		w.must(err)
	}
}

// sign makes a checkpoint, has it cosigned now and then, and keeps a proof outside.
func (w *world) sign() {
	w.t.Helper()
	ctx := w.t.Context()
	head, err := w.db.Head(ctx)
	w.must(err)
	if head.Size == 0 || len(w.signed) > 0 && w.signed[len(w.signed)-1].Head == head {
		return
	}
	c, err := w.key.Sign(head, w.now)
	w.must(err)
	w.must(w.db.KeepCheckpoint(ctx, c))
	w.signed = append(w.signed, c)
	if w.random.IntN(2) == 0 {
		line, err := w.witness.Cosign(c, w.now)
		w.must(err)
		w.must(w.db.KeepCosignatures(ctx, c, map[string]string{fmt.Sprintf("%s+%08x", w.witness.Name(), w.witness.KeyHash()): line}))
	}
	index := w.random.Int64N(head.Size)
	hashes, err := auditlog.ProveInclusion(w.db.Hashes(ctx), head, index)
	w.must(err)
	leaves, err := w.db.Leaves(ctx, index, 1)
	w.must(err)
	w.leaves = append(w.leaves, proven{leaves[0], auditlog.Proof{Index: index, Hashes: hashes, Checkpoint: c.Note}})
}

// accept goes on as with a backup that was restored.
func (w *world) accept() {
	w.t.Helper()
	if len(w.signed) == 0 || w.random.IntN(4) > 0 {
		return
	}
	last := w.signed[len(w.signed)-1]
	what := fmt.Sprintf("%s %d %s", last.Origin, last.Head.Size, last.Head.Root)
	w.must(w.db.AcceptLog(w.t.Context(), last.Note, "cli", what, "restored a backup", w.now))
	w.accepted = len(w.signed)
	w.sign()
}

func (w *world) restart() {
	w.t.Helper()
	w.close()
	w.open()
}

// crash goes on with the files as a process that was killed leaves them.
func (w *world) crash() {
	w.t.Helper()
	files := map[string][]byte{}
	for _, end := range []string{"", "-wal"} {
		b, err := os.ReadFile(w.path + end)
		if err == nil {
			files[end] = b
		}
	}
	w.must(w.recorder.Close(w.t.Context()))
	w.must(w.db.Close())
	for end, b := range files {
		w.must(os.WriteFile(w.path+end, b, 0o600))
	}
	w.open()
}

// auditing is all that an auditor can be given.
func (w *world) auditing() Auditing {
	return Auditing{
		Receipts: signer{}.keys(), Log: []note.Verifier{w.key.Verifier(), w.witness}, Outside: w.signed,
		Encoded: func(coding string, form, source []byte) error {
			if (coding != "br" || !bytes.Equal(form, source)) && !bytes.Equal(form, append([]byte(coding+" "), source...)) {
				return consent.ErrDamaged
			}
			return nil
		},
	}
}

// stands makes sure that nothing is found, and that whatever was proven still is.
func (w *world) stands() {
	w.t.Helper()
	ctx := w.t.Context()
	a, err := w.db.AuditAll(ctx, w.auditing())
	w.must(err)
	for _, f := range a.Findings {
		w.t.Errorf("a false alarm: %v", f)
	}
	if a.Unverified != 0 || a.Checkpoints != int64(len(w.signed)-w.accepted) {
		w.t.Errorf("%d checkpoints hold of %d, %d unverified", a.Checkpoints, len(w.signed), a.Unverified)
	}
	for _, p := range w.leaves {
		if _, _, err := p.proof.Verify(p.leaf, w.key.Verifier()); err != nil {
			w.t.Errorf("a proof of leaf %d: %v", p.proof.Index, err)
		}
	}
	for i, old := range w.signed {
		for _, later := range w.signed[i:] {
			proof, err := auditlog.ProveConsistency(w.db.Hashes(ctx), old.Head, later.Head)
			w.must(err)
			if err := auditlog.CheckConsistency(proof, old.Head, later.Head); err != nil {
				w.t.Errorf("checkpoints of %d and %d leaves: %v", old.Head.Size, later.Head.Size, err)
			}
		}
	}
	for _, p := range w.leaves { // and the log can prove it anew
		hashes, err := auditlog.ProveInclusion(w.db.Hashes(ctx), a.Head, p.proof.Index)
		w.must(err)
		if err := auditlog.CheckInclusion(hashes, a.Head, p.proof.Index, p.leaf); err != nil {
			w.t.Errorf("leaf %d: %v", p.proof.Index, err)
		}
	}
}
