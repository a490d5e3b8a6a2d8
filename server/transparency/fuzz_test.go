package transparency

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/volenti-consent/volenti/server/auditlog"
)

// remembered is what a witness remembers, in memory.
type remembered struct{ c auditlog.Checkpoint }

func (r *remembered) Witnessed(context.Context, string) (auditlog.Checkpoint, error) {
	if len(r.c.Note) == 0 {
		return r.c, auditlog.ErrNoCheckpoint
	}
	return r.c, nil
}

func (r *remembered) Witness(_ context.Context, old auditlog.Head, c auditlog.Checkpoint) (auditlog.Checkpoint, error) {
	if r.c.Head != old {
		return r.c, auditlog.ErrFork
	}
	r.c = c
	return c, nil
}

// Whatever is sent, a witness cosigns nothing but what the log has signed.
func FuzzCosign(f *testing.F) {
	key, err := auditlog.NewLogKey("shop.example/log", rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	witness, err := auditlog.NewWitnessKey("witness.example", rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	c, err := key.Sign(auditlog.Empty(), noon)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append([]byte("old 0\n\n"), c.Note...))
	f.Add(append([]byte("old 0\n"+auditlog.Empty().Root.String()+"\n\n"), c.Note...))
	f.Add([]byte("old 0\n\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		k := &Cosigner{Key: witness, Store: &remembered{}, Now: func() time.Time { return noon }, Logs: map[string]note.Verifier{key.Origin(): key.Verifier()}}
		line, err := k.Cosign(t.Context(), body)
		if err == nil {
			if _, by, err := auditlog.OpenCheckpoint(append(c.Note[:len(c.Note):len(c.Note)], line...), key.Verifier(), witness); err != nil || len(by) != 1 {
				t.Fatalf("cosigned something else: %q", body)
			}
			return
		}
		if r, ok := errors.AsType[*refused](err); !ok || r.status < 400 || r.status > 499 {
			t.Fatalf("%v", err)
		}
	})
}

func FuzzParseTile(f *testing.F) {
	for _, path := range []string{"0/000", "entries/x001/234.p/5", "63/x999/x999/999.p/255", "0/x000/000"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		tile, ok := parseTile(path)
		if ok && (tilePath(tile) != path || tile.N < 0 || tile.W < 1 || tile.W > 256 || tile.L < -1 || tile.L > 63) {
			t.Fatalf("%q is %+v", path, tile)
		}
		if ok && covered(tile, 0) {
			t.Fatalf("an empty log covers %q", path)
		}
	})
}

func FuzzVerifyStamp(f *testing.F) {
	f.Add([]byte{0x30, 0x03, 0x06, 0x01, 0x2a})
	f.Add([]byte{0x30, 0x82, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, token []byte) {
		if s, err := VerifyStamp(token, []byte("x")); err == nil {
			t.Fatalf("a stamp out of nothing: %+v", s)
		}
	})
}
