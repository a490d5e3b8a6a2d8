package transparency

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/volenti-consent/volenti/server/auditlog"
)

// witness makes w a witness of other logs.
func (w *world) witness(name string, others ...*world) {
	w.t.Helper()
	key, err := auditlog.NewWitnessKey(name, rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	w.log.Witness = &Cosigner{Key: key, Store: w.db, Now: w.clock.now, Logs: map[string]note.Verifier{}}
	for _, other := range others {
		w.log.Witness.Logs[other.key.Origin()] = other.verifier()
	}
}

// of is how w, on a port, is a witness to others.
func (w *world) of(base string) Witness {
	w.t.Helper()
	got, err := ParseWitness(w.log.Witness.Key.VerifierKey() + " " + base + "/log/witness/")
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

func TestServersWitnessOneAnother(t *testing.T) {
	one, two := newWorld(t, "shop.example/log"), newWorld(t, "blog.example/log")
	one.witness("shop.example/witness", two)
	two.witness("blog.example/witness", one)
	atOne, atTwo := served(t, one), served(t, two)
	one.log.Witnesses, two.log.Witnesses = []Witness{two.of(atTwo)}, []Witness{one.of(atOne)}
	for _, w := range []*world{one, two} {
		w.log.Every = time.Millisecond
		kept(t, w)
	}
	for _, size := range []int{2, 300} {
		one.grow(size - int(one.log.Newest().Head.Size))
		two.grow(size - int(two.log.Newest().Head.Size))
		for _, pair := range []struct {
			of, by *world
			base   string
		}{{one, two, atOne}, {two, one, atTwo}} {
			verifiers := note.VerifierList(pair.of.verifier(), pair.by.log.Witness.Key)
			until(t, "the checkpoint is cosigned", func() bool {
				_, b := get(t, pair.base+"/log/checkpoint")
				n, err := note.Open(b, verifiers)
				return err == nil && len(n.Sigs) == 2 && strings.HasPrefix(n.Text, fmt.Sprintf("%s\n%d\n", pair.of.key.Origin(), size))
			})
		}
	}
	// The proof of an early leaf carries the cosignature, and says when.
	text, err := one.log.Proof(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	p, err := auditlog.ParseProof(text)
	if err != nil {
		t.Fatal(err)
	}
	leaves, err := one.db.Leaves(t.Context(), 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	_, cosigned, err := p.Verify(leaves[0], one.verifier(), two.log.Witness.Key)
	if err != nil || len(cosigned) != 1 {
		t.Fatalf("%d cosignatures: %v", len(cosigned), err)
	}
	if at, ok := auditlog.CosignedAt(cosigned[0]); !ok || !at.Equal(noon) {
		t.Errorf("cosigned at %v", at)
	}
	// It is kept, so it is there after a start.
	c, err := one.db.LatestCheckpoint(t.Context())
	if err != nil || bytes.Count(c.Note, []byte("\n— ")) != 2 {
		t.Errorf("kept: %s, %v", c.Note, err)
	}
	again := New(one.log.Options)
	if _, err := again.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := again.cosigned(); !bytes.Equal(got.Note, c.Note) {
		t.Errorf("after a start: %s, want %s", got.Note, c.Note)
	}
}

// submission is one add-checkpoint of w's log as it stands.
func submission(t *testing.T, w *world, old int64) []byte {
	t.Helper()
	c := w.sign()
	proof, err := auditlog.ProveConsistency(w.db.Hashes(t.Context()), auditlog.Head{Size: old}, c.Head)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "old %d\n", old)
	for _, h := range proof {
		fmt.Fprintf(&b, "%s\n", h)
	}
	fmt.Fprintf(&b, "\n%s", c.Note)
	return b.Bytes()
}

func post(t *testing.T, address string, body []byte) (status int, media, text string) {
	t.Helper()
	resp, err := http.Post(address, "text/plain", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Content-Type"), string(b)
}

func TestAWitnessRefusesAFork(t *testing.T) {
	w, log := newWorld(t, "witness.example/log"), newWorld(t, "shop.example/log")
	w.witness("witness.example", log)
	base := served(t, w) + "/log/witness/add-checkpoint"
	log.grow(3)
	first := submission(t, log, 0)
	if status, _, text := post(t, base, first); status != 200 || !strings.HasPrefix(text, "— witness.example ") {
		t.Fatalf("the first checkpoint: %d %s", status, text)
	}
	log.grow(2)
	good := submission(t, log, 3)
	// Another log of the same name and key, which begins otherwise.
	fork := newWorld(t, "shop.example/log")
	fork.key = log.key
	fork.again()
	fork.grow(3)
	same := submission(t, fork, 3)
	fork.grow(4)
	forked := submission(t, fork, 3)
	unknown := newWorld(t, "blog.example/log")
	unknown.grow(1)
	stranger := newWorld(t, "shop.example/log") // with a key of its own
	stranger.grow(1)
	with := func(b []byte, from, to string) []byte { return bytes.Replace(b, []byte(from), []byte(to), 1) }
	for name, test := range map[string]struct {
		body   []byte
		status int
		text   string
	}{
		"a fork":                   {forked, 422, ""},
		"a fork of the same size":  {same, 409, "3\n"},
		"from nothing again":       {submission(t, log, 0), 409, "3\n"},
		"from an earlier size":     {submission(t, log, 2), 409, "3\n"},
		"rolled back":              {with(first, "old 0", "old 5"), 400, ""},
		"what it was told before":  {first, 409, "3\n"},
		"a log that is not known":  {submission(t, unknown, 0), 404, ""},
		"signed by somebody else":  {submission(t, stranger, 0), 403, ""},
		"without a proof":          {append([]byte("old 3\n\n"), log.sign().Note...), 422, ""},
		"a proof of nothing":       {with(good, "\n\n", "\n"+auditlog.Empty().Root.String()+"\n\n"), 422, ""},
		"no old size":              {with(good, "old 3\n", ""), 400, ""},
		"an old size that is odd":  {with(good, "old 3\n", "old 03\n"), 400, ""},
		"a hash that is short":     {with(good, "old 3\n", "old 3\nAAAA\n"), 400, ""},
		"too many hashes":          {with(good, "old 3\n", "old 3\n"+strings.Repeat(auditlog.Empty().Root.String()+"\n", 64)), 400, ""},
		"too large":                {append(bytes.Clone(good), make([]byte, 64<<10)...), 400, ""},
		"no checkpoint":            {[]byte("old 3\n\nshop.example/log\n"), 400, ""},
		"nothing":                  {nil, 400, ""},
		"a signature that is torn": {with(good, "— shop.example/log ", "— shop.example/log A"), 0, ""},
	} {
		status, media, text := post(t, base, test.body)
		if test.status == 0 {
			test.status = 403
		}
		if status != test.status || (test.text != "" && (text != test.text || media != "text/x.tlog.size")) || strings.Contains(text, "—") {
			t.Errorf("%s: %d %s %.80q, want %d %q", name, status, media, text, test.status, test.text)
		}
	}
	if c, err := w.db.Witnessed(t.Context(), "shop.example/log"); err != nil || c.Head.Size != 3 {
		t.Errorf("after all that it remembers %d leaves: %v", c.Head.Size, err)
	}
	if status, _, text := post(t, base, good); status != 200 {
		t.Errorf("what continues: %d %s", status, text)
	}
	if status, _, _ := post(t, base, submission(t, log, 5)); status != 200 {
		t.Errorf("the same again, for a new time: %d", status)
	}
	// It never goes back, also not after a start.
	w.again()
	if _, err := w.db.Witness(t.Context(), auditlog.Empty(), auditlog.Checkpoint{Origin: "shop.example/log", Head: auditlog.Empty()}); !errors.Is(err, auditlog.ErrFork) {
		t.Errorf("rolled back: %v", err)
	}
}

// Of two submissions at once that both continue what was cosigned, one is.
func TestAWitnessSaysOneThing(t *testing.T) {
	w, log := newWorld(t, "witness.example/log"), newWorld(t, "shop.example/log")
	w.witness("witness.example", log)
	log.grow(3)
	first := submission(t, log, 0)
	fork := newWorld(t, "shop.example/log")
	fork.key = log.key
	fork.again()
	fork.grow(3)
	other := submission(t, fork, 0)
	// Both have passed every check when the first of them is kept.
	var ready, wait sync.WaitGroup
	ready.Add(2)
	w.log.Witness.Store = &meeting{WitnessStore: w.db, all: &ready}
	done := make(chan error, 2)
	for _, body := range [][]byte{first, other} {
		wait.Go(func() {
			_, err := w.log.Witness.Cosign(t.Context(), body)
			done <- err
		})
	}
	wait.Wait()
	one, two := <-done, <-done
	if (one == nil) == (two == nil) {
		t.Errorf("of two forks: %v and %v", one, two)
	}
	if refused, ok := errors.AsType[*refused](errors.Join(one, two)); !ok || refused.status != 409 || refused.size != 3 {
		t.Errorf("the other one: %v", errors.Join(one, two))
	}
}

// meeting has everybody wait until all have read.
type meeting struct {
	WitnessStore
	all *sync.WaitGroup
}

func (m *meeting) Witness(ctx context.Context, old auditlog.Head, c auditlog.Checkpoint) (auditlog.Checkpoint, error) {
	m.all.Done()
	m.all.Wait()
	return m.WitnessStore.Witness(ctx, old, c)
}

// A witness that is away, or mad, stops nothing; it is asked again.
func TestAWitnessThatIsAwayStopsNothing(t *testing.T) {
	log, good := newWorld(t, "shop.example/log"), newWorld(t, "witness.example/log")
	good.witness("witness.example", log)
	backend := served(t, good)
	line := ""
	for name, answer := range map[string]http.HandlerFunc{
		"away":    nil,
		"error":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"nothing": func(http.ResponseWriter, *http.Request) {},
		"garbage": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "yes") },
		"endless": func(w http.ResponseWriter, _ *http.Request) { w.Write(bytes.Repeat([]byte("— x AAAA\n"), 1<<16)) },
		"size of words": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusConflict)
			io.WriteString(w, "many")
		},
		"elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, backend+r.URL.Path, http.StatusTemporaryRedirect)
		},
		"a line of another checkpoint": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, line) },
		"a longer log": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusConflict)
			io.WriteString(w, "999\n")
		},
		"always another size": func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			w.WriteHeader(http.StatusConflict)
			fmt.Fprintf(w, "%d\n", len(b)%3)
		},
	} {
		t.Run(name, func(t *testing.T) {
			log.grow(1)
			c := log.sign()
			var err error
			if line, err = good.log.Witness.Key.Cosign(auditlog.Checkpoint{Note: []byte("shop.example/log\n0\n" + auditlog.Empty().Root.String() + "\n\n")}, noon); err != nil {
				t.Fatal(err)
			}
			s := httptest.NewServer(answer)
			if answer == nil {
				s.Close()
			}
			defer s.Close()
			if _, err := log.log.ask(t.Context(), good.of(s.URL), log.log.Newest(), 0); err == nil {
				t.Error("taken for a cosignature")
			}
			if got := log.log.cosigned(); !bytes.Equal(got.Note, c.Note) {
				t.Errorf("published:\n%s", got.Note)
			}
		})
	}
	// It comes back: what it had cosigned is found out.
	if size, err := log.log.ask(t.Context(), good.of(backend), log.log.Newest(), 0); err != nil || size != log.log.Newest().Head.Size {
		t.Errorf("%d, %v", size, err)
	}
	log.grow(5)
	log.sign()
	for _, wrong := range []int64{0, 1, 999} {
		log.grow(1)
		log.sign()
		size, err := log.log.ask(t.Context(), good.of(backend), log.log.Newest(), min(wrong, log.log.Newest().Head.Size))
		if err != nil || size != log.log.Newest().Head.Size {
			t.Errorf("believing it was at %d: %d, %v", wrong, size, err)
		}
	}
}

func TestACosignatureGetsFresh(t *testing.T) {
	w, log := newWorld(t, "witness.example/log"), newWorld(t, "shop.example/log")
	w.witness("witness.example", log)
	log.log.Witnesses = []Witness{w.of(served(t, w))}
	log.log.Every, log.log.Fresh = time.Millisecond, time.Millisecond
	kept(t, log)
	at := func() time.Time {
		n, err := note.Open(log.log.cosigned().Note, note.VerifierList(w.log.Witness.Key))
		if err != nil {
			return time.Time{}
		}
		at, _ := auditlog.CosignedAt(n.Sigs[0])
		return at
	}
	until(t, "it is cosigned", func() bool { return at().Equal(noon) })
	w.clock.pass(time.Hour)
	until(t, "it is cosigned anew", func() bool { return at().Equal(noon.Add(time.Hour)) })
	// What was said first is kept as well: it shows how old the log is.
	c, err := log.db.CheckpointOf(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(c.Note, note.VerifierList(w.log.Witness.Key))
	if err != nil {
		t.Fatal(err)
	}
	if at, _ := auditlog.CosignedAt(n.Sigs[0]); !at.Equal(noon) {
		t.Errorf("first cosigned at %v", at)
	}
}
