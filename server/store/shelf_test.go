package store

import (
	"bytes"
	"errors"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/splice"
)

// Piece by piece a publication is what it is as a whole.
func TestPublicationsPieceByPiece(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop", "blog")
		for _, p := range []*notice.Publication{publication(t, "shop", "first", noon), publication(t, "blog", "first", noon), publication(t, "shop", "second", noon.Add(time.Hour))} {
			if err := db.AddPublication(ctx, p); err != nil {
				t.Fatal(err)
			}
		}
		for since, want := range []map[string]int64{{"shop": 3, "blog": 2}, {"shop": 3, "blog": 2}, {"shop": 3}, {}} {
			if got, err := db.Published(ctx, int64(since)); err != nil || !maps.Equal(got, want) {
				t.Errorf("published since %d: %v, %v", since, got, err)
			}
		}
		whole, err := db.Current(ctx, "shop")
		if err != nil {
			t.Fatal(err)
		}
		outline, err := db.Outline(ctx, whole.Seq)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range whole.Scripts {
			digest, err := db.ScriptAt(ctx, whole.Seq, s.Variant)
			if err != nil || digest != s.Digest {
				t.Errorf("script %v: %s, %v", s.Variant, digest, err)
			}
			for _, coding := range append(splice.Codings(), splice.Identity) {
				want := s.Encoded[coding]
				if coding == splice.Identity {
					want = s.Source
				}
				if got, err := db.Content(ctx, digest, coding); err != nil || !bytes.Equal(got, want) {
					t.Errorf("script %v as %s: %q, %v", s.Variant, coding, got, err)
				}
			}
		}
		for _, digest := range whole.Wordings {
			if got, err := db.Content(ctx, digest, splice.Identity); err != nil || !bytes.Equal(got, whole.WordingBytes[digest]) {
				t.Errorf("wording %s: %q, %v", digest, got, err)
			}
		}
		whole.Scripts, whole.WordingBytes = nil, nil
		if !reflect.DeepEqual(outline, whole) {
			t.Errorf("outline %+v,\nwant %+v", outline, whole)
		}
		if _, err := db.Outline(ctx, 4); !errors.Is(err, notice.ErrUnpublished) {
			t.Errorf("a publication that is not there: %v", err)
		}
		for _, v := range []notice.Variant{{Kind: notice.KindAsk, Surface: notice.AskOptIn, Language: "en"}, {Kind: notice.KindGuarded, Language: "en"}, {}} {
			if d, err := db.ScriptAt(ctx, whole.Seq, v); !errors.Is(err, notice.ErrUnpublished) {
				t.Errorf("a variant that is not there: %s, %v", d, err)
			}
		}
		if b, err := db.Content(ctx, canonical.Sum([]byte("nothing")), splice.Identity); b != nil || err != nil {
			t.Errorf("content that is not there: %q, %v", b, err)
		}
	})
}

// What was altered on the disk is not served.
func TestAlteredContentIsNotHandedOut(t *testing.T) {
	db := openedSQLite(t, filepath.Join(t.TempDir(), "volenti.db"))
	withSites(t, db, "shop")
	p := publication(t, "shop", "first", noon)
	if err := db.AddPublication(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{`DROP TRIGGER artifact_fixed`, `UPDATE artifact SET bytes = CAST('altered' AS BLOB)`} {
		if _, err := db.write.ExecContext(t.Context(), command); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := db.Content(t.Context(), p.Scripts[0].Digest, splice.Identity); !errors.Is(err, consent.ErrDamaged) {
		t.Errorf("an altered script: %q, %v", b, err)
	}
	if _, err := db.Outline(t.Context(), p.Seq); !errors.Is(err, consent.ErrDamaged) {
		t.Errorf("an altered notice: %v", err)
	}
}

func TestPolicyVersionsSince(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop", "blog")
		last := int64(-1)
		since := func(want ...string) {
			t.Helper()
			sites, next, err := db.EnteredSince(ctx, last)
			slices.Sort(sites)
			if err != nil || !slices.Equal(sites, want) || len(want) > 0 != (next > last) {
				t.Errorf("since %d: %v until %d, %v; want %v", last, sites, next, err, want)
			}
			last = next
		}
		since()
		add := func(siteKey, policy, text string) {
			t.Helper()
			if _, err := db.AddVersion(ctx, version(siteKey, policy, text, noon)); err != nil {
				t.Fatal(err)
			}
		}
		add("shop", "privacy", "one")
		since("shop")
		if err := db.AddPublication(ctx, publication(t, "shop", "first", noon)); err != nil { // another entry of the log
			t.Fatal(err)
		}
		since()
		add("shop", "privacy", "two")
		add("shop", "cookies", "one")
		add("blog", "privacy", "one")
		since("blog", "shop")
		since()
	})
}
