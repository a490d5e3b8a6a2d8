package store

import (
	"context"
	"crypto/ed25519"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/server/site"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if role := os.Getenv("VOLENTI_STORE_TEST_CHILD"); role != "" {
		if err := child(role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// An engine opens one database again and again.
type engine struct {
	name string
	new  func(t testing.TB) (open func(Options) (*DB, error))
}

// engines are all that the same tests run on.
var engines = []engine{
	{"sqlite", func(t testing.TB) func(Options) (*DB, error) {
		path := filepath.Join(t.TempDir(), "data", "volenti.db")
		return func(o Options) (*DB, error) { return Open(t.Context(), path, o) }
	}},
}

// forEachEngine runs test on a fresh database of each engine. open opens it, as
// often as the test likes; it is closed when the test ends.
func forEachEngine(t *testing.T, test func(t *testing.T, open func() *DB)) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			open := e.new(t)
			test(t, func() *DB { return opened(t, open, Options{}) })
		})
	}
}

func opened(t testing.TB, open func(Options) (*DB, error), o Options) *DB {
	t.Helper()
	db, err := open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func openedSQLite(t testing.TB, path string) *DB {
	t.Helper()
	return opened(t, func(o Options) (*DB, error) { return Open(t.Context(), path, o) }, Options{})
}

func withSites(t testing.TB, db *DB, keys ...string) {
	t.Helper()
	for _, key := range keys {
		if err := db.AddSite(t.Context(), site.Site{Key: key, Name: key}); err != nil {
			t.Fatal(err)
		}
	}
}

var noon = time.Date(2026, 11, 21, 12, 3, 4, 567_000_000, time.UTC)

func TestSites(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		shop := site.Site{Key: "shop", Name: "Läden", TimeZone: "Europe/Vienna", CreatedAt: noon}
		if err := db.AddSite(ctx, shop); err != nil {
			t.Fatal(err)
		}
		if err := db.AddSite(ctx, site.Site{Key: "shop", Name: "another"}); !errors.Is(err, site.ErrExists) {
			t.Errorf("a key that is taken: %v", err)
		}
		if err := db.AddSite(ctx, site.Site{Key: "Shop"}); err == nil {
			t.Error("a site that is not valid was kept")
		}
		withSites(t, db, "blog")
		for name, db := range map[string]*DB{"at once": db, "after another start": open()} {
			if got, err := db.Site(ctx, "shop"); err != nil || got != shop {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
			if _, err := db.Site(ctx, "other"); !errors.Is(err, site.ErrUnknown) {
				t.Errorf("%s: %v", name, err)
			}
			all, err := db.Sites(ctx)
			if err != nil || len(all) != 2 || all[0].Key != "blog" || all[1] != shop {
				t.Errorf("%s: %+v, %v", name, all, err)
			}
		}
	})
}

func artifact(kind, text string) consent.Artifact {
	return consent.Artifact{Digest: canonical.Sum([]byte(text)), Kind: kind, Bytes: []byte(text)}
}

func publication(t testing.TB, siteKey, label string, at time.Time) *notice.Publication {
	t.Helper()
	n := &notice.Notice{Schema: notice.Schema, Site: siteKey, Languages: []string{"en", "de"}, Validity: 6, PolicyURL: label}
	b, err := n.Encode()
	if err != nil {
		t.Fatal(err)
	}
	p := &notice.Publication{Site: siteKey, Notice: canonical.Sum(b), NoticeBytes: b, PublishedAt: at,
		Wordings: map[string]canonical.Digest{}, WordingBytes: map[canonical.Digest][]byte{}}
	for _, language := range n.Languages {
		text := []byte(`{"accept":"` + language + `"}`)
		p.Wordings[language] = canonical.Sum(text)
		p.WordingBytes[canonical.Sum(text)] = text
		for _, kind := range []notice.Kind{notice.KindSettings, notice.KindAsk, notice.KindKept} {
			source := []byte(fmt.Sprintf("(boot=>{/*%s %s %s*/})", label, kind, language))
			if kind == notice.KindKept {
				source = []byte("(boot=>{})") // the same bytes for several variants
			}
			s := notice.PublishedScript{Script: notice.Script{Variant: notice.Variant{Kind: kind, Language: language}, Digest: canonical.Sum(source), Source: source},
				Encoded: map[string][]byte{"br": append([]byte("br "), source...), "gzip": append([]byte("gzip "), source...)}}
			if kind == notice.KindAsk {
				s.Surface = notice.AskOptOut
			}
			p.Scripts = append(p.Scripts, s)
		}
	}
	return p
}

func TestPublications(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop", "blog")
		if seq, err := db.Seq(ctx); err != nil || seq != 0 {
			t.Errorf("at first: seq %d, %v", seq, err)
		}
		if _, err := db.Current(ctx, "shop"); !errors.Is(err, notice.ErrUnpublished) {
			t.Errorf("at first: %v", err)
		}
		if err := db.AddPublication(ctx, publication(t, "nobody", "x", noon)); !errors.Is(err, site.ErrUnknown) {
			t.Errorf("of a site that is not there: %v", err)
		}
		first, second := publication(t, "shop", "first", noon), publication(t, "shop", "second", noon.Add(time.Hour))
		blog := publication(t, "blog", "first", noon)
		for i, p := range []*notice.Publication{first, blog, second} {
			if err := db.AddPublication(ctx, p); err != nil || p.Seq != int64(i+1) {
				t.Fatalf("publication %d: seq %d, %v", i, p.Seq, err)
			}
		}
		for name, db := range map[string]*DB{"at once": db, "after another start": open()} {
			if got, err := db.Current(ctx, "shop"); err != nil || !reflect.DeepEqual(got, second) {
				t.Errorf("%s: current %+v, %v", name, got, err)
			}
			if got, err := db.Current(ctx, "blog"); err != nil || !reflect.DeepEqual(got, blog) {
				t.Errorf("%s: the other site's %+v, %v", name, got, err)
			}
			if seq, err := db.Seq(ctx); err != nil || seq != 3 {
				t.Errorf("%s: seq %d, %v", name, seq, err)
			}
			if n, d, err := db.NoticeByShort(ctx, "shop", first.Notice.Short()); err != nil || d != first.Notice || n.PolicyURL != "first" {
				t.Errorf("%s: the earlier notice %v, %s, %v", name, n, d, err)
			}
			for _, short := range []string{"", "0000000000000000", first.Notice.Short()[:15], string(first.Notice), "%%%%%%%%%%%%%%%%", "gggggggggggggggg"} {
				if _, _, err := db.NoticeByShort(ctx, "shop", short); !errors.Is(err, notice.ErrUnpublished) {
					t.Errorf("%s: notice %q: %v", name, short, err)
				}
			}
			if _, _, err := db.NoticeByShort(ctx, "blog", first.Notice.Short()); !errors.Is(err, notice.ErrUnpublished) {
				t.Errorf("%s: another site's notice: %v", name, err)
			}
			for _, d := range []canonical.Digest{first.Notice, first.Wordings["de"], first.Scripts[0].Digest} {
				if a, err := db.Artifact(ctx, d); err != nil || canonical.Sum(a.Bytes) != d {
					t.Errorf("%s: archive: %+v, %v", name, a.Kind, err)
				}
			}
		}
		// The same scripts, compressed better.
		again := publication(t, "shop", "second", noon.Add(2*time.Hour))
		again.Scripts[0].Encoded["br"] = []byte("smaller")
		if err := db.AddPublication(ctx, again); err != nil {
			t.Fatal(err)
		}
		if got, err := db.Current(ctx, "shop"); err != nil || !reflect.DeepEqual(got, again) {
			t.Errorf("compressed anew: %v", err)
		}
		// All or nothing: bytes that are not those of their digest.
		bad := publication(t, "shop", "bad", noon)
		bad.Scripts[3].Source = []byte("something else")
		if err := db.AddPublication(ctx, bad); err == nil || bad.Seq != 0 {
			t.Errorf("kept: %v, seq %d", err, bad.Seq)
		}
		if _, _, err := db.NoticeByShort(ctx, "shop", bad.Notice.Short()); !errors.Is(err, notice.ErrUnpublished) {
			t.Errorf("half a publication was kept: %v", err)
		}
	})
}

func version(siteKey, policy, text string, effective time.Time) policyversions.Version {
	return policyversions.Version{
		Digest: canonical.Sum([]byte(text)), Site: siteKey, Policy: policy, Title: "Title of " + text, Language: "de",
		PublishedAt: noon, Effective: effective, Canonical: []byte(text), Original: []byte("# " + text), Format: "markdown",
	}
}

func TestPolicyVersions(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop", "blog")
		day := 24 * time.Hour
		add := func(v policyversions.Version, want error) policyversions.Version {
			t.Helper()
			got, err := db.AddVersion(ctx, v)
			if !errors.Is(err, want) {
				t.Fatalf("%s: %v, want %v", v.Title, err, want)
			}
			return got
		}
		one := add(version("shop", "privacy", "one", noon), nil)
		add(version("shop", "privacy", "one", noon.Add(day)), policyversions.ErrSameText)
		add(version("shop", "privacy", "early", noon.Add(-time.Millisecond)), policyversions.ErrBackdated)
		add(version("nobody", "privacy", "one", noon), site.ErrUnknown)
		two := add(version("shop", "privacy", "two", noon.Add(day)), nil)
		three := add(version("shop", "privacy", "three", noon.Add(day)), nil)                                         // replaces two before it binds
		back := add(version("shop", "privacy", "one", noon.Add(2*day+time.Duration(2_999_999)*time.Nanosecond)), nil) // an earlier text again
		other := add(version("blog", "privacy", "one", noon), nil)
		add(version("shop", "cookies", "later", noon.Add(day)), nil)
		for i, v := range []policyversions.Version{one, two, three, back} {
			if v.Number != i+1 {
				t.Errorf("number %d, want %d", v.Number, i+1)
			}
		}
		if other.Number != 1 {
			t.Errorf("numbers are counted across sites: %d", other.Number)
		}
		wrong := version("shop", "privacy", "four", noon.Add(9*day))
		wrong.Canonical = []byte("something else")
		if _, err := db.AddVersion(ctx, wrong); err == nil {
			t.Error("bytes that are not those of their digest were kept")
		}
		for name, db := range map[string]*DB{"at once": db, "after another start": open()} {
			all, err := db.Versions(ctx, "shop", "privacy")
			if err != nil || len(all) != 4 || all[0].Number != 4 || all[3].Number != 1 || all[0].Canonical != nil || all[0].Original != nil || all[1].Title != three.Title {
				t.Errorf("%s: %+v, %v", name, all, err)
			}
			if got, err := db.Version(ctx, "shop", "privacy", 2); err != nil || !reflect.DeepEqual(got, two) {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
			for _, test := range []struct {
				at   time.Time
				want int
			}{{noon, 1}, {noon.Add(day - 1), 1}, {noon.Add(day), 3}, {noon.Add(2*day + 2*time.Millisecond), 4}, {noon.Add(1000 * day), 4}} {
				if got, err := db.InForce(ctx, "shop", "privacy", test.at); err != nil || got.Number != test.want || string(got.Canonical) == "" {
					t.Errorf("%s: at %v version %d, %v, want %d", name, test.at, got.Number, err, test.want)
				}
			}
			for _, err := range []error{
				second(db.InForce(ctx, "shop", "privacy", noon.Add(-time.Millisecond))),
				second(db.InForce(ctx, "shop", "cookies", noon)),
				second(db.Version(ctx, "shop", "privacy", 5)),
				second(db.Version(ctx, "blog", "privacy", 2)),
			} {
				if !errors.Is(err, policyversions.ErrUnknownVersion) {
					t.Errorf("%s: %v", name, err)
				}
			}
			for _, err := range []error{second(db.InForce(ctx, "shop", "terms", noon)), second(db.Versions(ctx, "shop", "terms")), second(db.Versions(ctx, "blog", "cookies"))} {
				if !errors.Is(err, policyversions.ErrUnknownPolicy) {
					t.Errorf("%s: %v", name, err)
				}
			}
			if a, err := db.Artifact(ctx, two.Digest); err != nil || string(a.Bytes) != "two" {
				t.Errorf("%s: archive: %v", name, err)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestArtifacts(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		law, other := artifact("law", `{"id":"x"}`), artifact("experience", `{"id":"y"}`)
		if err := db.KeepArtifacts(ctx, []consent.Artifact{law, other, law}); err != nil {
			t.Fatal(err)
		}
		if err := db.KeepArtifacts(ctx, []consent.Artifact{{Digest: law.Digest, Kind: "other", Bytes: law.Bytes}}); err != nil {
			t.Error(err)
		}
		forged := consent.Artifact{Digest: canonical.Sum([]byte("a")), Kind: "law", Bytes: []byte("b")}
		if err := db.KeepArtifacts(ctx, []consent.Artifact{artifact("law", "c"), forged}); err == nil {
			t.Error("bytes that are not those of their digest were kept")
		}
		db = open()
		if got, err := db.Artifact(ctx, law.Digest); err != nil || !reflect.DeepEqual(got, law) {
			t.Errorf("%+v, %v", got, err)
		}
		for _, d := range []canonical.Digest{forged.Digest, artifact("law", "c").Digest, "", "x"} {
			if _, err := db.Artifact(ctx, d); !errors.Is(err, consent.ErrUnknownArtifact) {
				t.Errorf("%s: %v", d, err)
			}
		}
	})
}

// draft makes an ordinary decision of a site.
func draft(t testing.TB, siteKey, id string, previous string) consent.Draft {
	t.Helper()
	d, err := draftOf(siteKey, id, previous, true)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func draftOf(siteKey, id, previous string, analytics bool) (consent.Draft, error) {
	x := notice.Experience{Site: siteKey, Language: "en", Policies: map[string]canonical.Digest{}}
	for _, d := range []*canonical.Digest{&x.Notice, &x.Wording, &x.Script, &x.Tags, &x.Law} {
		*d = canonical.Sum([]byte("shown"))
	}
	b, err := x.Encode()
	if err != nil {
		return consent.Draft{}, err
	}
	return consent.Prepare(consent.Decision{
		ID: id, Token: "t", Action: consent.Save, Surface: consent.OnBanner, At: noon.UnixMilli(),
		Categories: map[string]bool{"analytics": analytics}, Previous: previous,
	}, consent.Question{
		Served:     consent.Served{Site: siteKey, Experience: canonical.Sum(b), Law: "x", Region: "DE", Source: "database", Bucket: consent.BucketOf(noon)},
		Experience: x, LawTable: "2026-11-21", Models: map[string]regime.Model{"analytics": regime.OptIn},
		Notice:    &notice.Notice{Site: siteKey, Validity: 6, Categories: []notice.Category{{Key: "analytics", Like: "analytics"}}},
		Artifacts: []consent.Artifact{{Digest: canonical.Sum(b), Kind: "experience", Bytes: b}},
	})
}

// signer signs with a key everybody knows.
type signer struct{}

var (
	knownKey = ed25519.NewKeyFromSeed(make([]byte, 32))
	knownKid = consent.Thumbprint(knownKey.Public().(ed25519.PublicKey))
)

func (signer) Sign(leaf [auditlog.LeafSize]byte) (string, []byte) {
	return knownKid, ed25519.Sign(knownKey, append([]byte("volenti receipt v1\n"), leaf[:]...))
}

func (signer) keys() consent.PublicKeys {
	return consent.PublicKeys{knownKid: knownKey.Public().(ed25519.PublicKey)}
}

// entryOf is a sealed entry that is in no store yet.
func entryOf(t testing.TB, d consent.Draft) *consent.Entry {
	t.Helper()
	return entriesOf(t, d)[0]
}

func entriesOf(t testing.TB, drafts ...consent.Draft) []*consent.Entry {
	t.Helper()
	var got catcher
	for _, d := range drafts {
		r := consent.NewRecorder(&got, signer{}, consent.RecorderOptions{Now: func() time.Time { return noon }})
		_, err := r.Record(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return got.entries
}

// catcher is a store that remembers the entries it is given, as they came.
type catcher struct {
	consent.Store
	entries []*consent.Entry
}

func (c *catcher) AppendRecords(_ context.Context, entries []*consent.Entry) error {
	for _, e := range entries {
		kept := *e
		c.entries = append(c.entries, &kept)
	}
	return nil
}

func (*catcher) Entry(context.Context, string, string) (*consent.Entry, error) {
	return nil, consent.ErrUnknownReceipt
}

// checkLog proves every leaf of the log, and that every record is at its leaf.
func checkLog(t testing.TB, db *DB) auditlog.Head {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	head, err := db.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	leaves, err := db.Leaves(ctx, 0, int(head.Size)+10)
	if err != nil || int64(len(leaves)) != head.Size {
		t.Fatalf("%d leaves in a log of %d: %v", len(leaves), head.Size, err)
	}
	if _, recomputed, _, err := (auditlog.Edge{}).Append(leaves); err != nil || (head.Size > 0 && recomputed != head) {
		t.Fatalf("the root is not that of the leaves: %v", err)
	}
	for i, leaf := range leaves {
		proof, err := auditlog.ProveInclusion(db.Hashes(ctx), head, int64(i))
		if err != nil {
			t.Fatal(err)
		}
		if err := auditlog.CheckInclusion(proof, head, int64(i), leaf); err != nil {
			t.Fatal(err)
		}
	}
	return head
}

func ids(entries []*consent.Entry) (all []string) {
	for _, e := range entries {
		all = append(all, e.DecisionID)
	}
	return all
}

func TestRecords(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop", "blog")
		batch := entriesOf(t, draft(t, "shop", "a", ""), draft(t, "shop", "b", ""), draft(t, "blog", "a", ""))
		if err := db.AppendRecords(ctx, batch); err != nil {
			t.Fatal(err)
		}
		for i, e := range batch {
			if e.Index != int64(i) || e.Repeat || e.Clash || e.Stored != nil {
				t.Errorf("%d: index %d, repeat %v, clash %v", i, e.Index, e.Repeat, e.Clash)
			}
		}
		for name, db := range map[string]*DB{"at once": db, "after another start": open()} {
			for _, e := range batch {
				want := *e
				want.Artifacts = nil
				if got, err := db.Entry(ctx, e.Site, e.ReceiptID); err != nil || !reflect.DeepEqual(got, &want) {
					t.Errorf("%s: %+v, %v", name, got, err)
				}
				receipt, err := consent.EncodeReceipt(e)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := consent.Verify(receipt, signer{}.keys()); err != nil {
					t.Error(err)
				}
			}
			for _, id := range []string{"", "x", batch[2].ReceiptID} {
				if _, err := db.Entry(ctx, "shop", id); !errors.Is(err, consent.ErrUnknownReceipt) {
					t.Errorf("%s: receipt %q: %v", name, id, err)
				}
			}
			if a, err := db.Artifact(ctx, batch[0].Artifacts[0].Digest); err != nil || a.Kind != "experience" {
				t.Errorf("%s: what was shown is not kept: %v", name, err)
			}
			if head := checkLog(t, db); head.Size != 3 {
				t.Errorf("%s: a log of %d", name, head.Size)
			}
		}
	})
}

func TestRepeatsAndClashes(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop", "blog")
		first := entryOf(t, draft(t, "shop", "a", ""))
		if err := db.AppendRecords(ctx, []*consent.Entry{first}); err != nil {
			t.Fatal(err)
		}
		otherDraft, err := draftOf("shop", "a", "", false)
		if err != nil {
			t.Fatal(err)
		}
		// In one batch: a repeat, a clash, the id at another site, something new,
		// and the new one a second time.
		repeat, clash, elsewhere := entryOf(t, draft(t, "shop", "a", "")), entryOf(t, otherDraft), entryOf(t, draft(t, "blog", "a", ""))
		fresh, twice, itself := entryOf(t, draft(t, "shop", "b", "")), entryOf(t, draft(t, "shop", "b", "")), *first
		batch := []*consent.Entry{repeat, clash, elsewhere, fresh, twice, &itself}
		db = open()
		if err := db.AppendRecords(ctx, batch); err != nil {
			t.Fatal(err)
		}
		for name, test := range map[string]struct {
			e      *consent.Entry
			repeat bool
			clash  bool
			of     *consent.Entry
			index  int64
		}{
			"repeat":       {repeat, true, false, first, 0},
			"clash":        {clash, false, true, nil, 0},
			"elsewhere":    {elsewhere, false, false, nil, 1},
			"fresh":        {fresh, false, false, nil, 2},
			"twice in one": {twice, true, false, fresh, 2},
			"itself":       {&itself, true, false, first, 0},
		} {
			if test.e.Repeat != test.repeat || test.e.Clash != test.clash || test.e.Index != test.index || (test.e.Stored != nil) != test.repeat {
				t.Errorf("%s: repeat %v, clash %v, index %d", name, test.e.Repeat, test.e.Clash, test.e.Index)
			}
			if test.of != nil && (test.e.Stored.ReceiptID != test.of.ReceiptID || !slices.Equal(test.e.Stored.Signature, test.of.Signature)) {
				t.Errorf("%s: not the entry that was there", name)
			}
		}
		if head := checkLog(t, db); head.Size != 3 {
			t.Errorf("a log of %d", head.Size)
		}
		// Nothing but repeats: nothing grows.
		if err := db.AppendRecords(ctx, []*consent.Entry{entryOf(t, draft(t, "shop", "a", ""))}); err != nil {
			t.Fatal(err)
		}
		if err := db.AppendRecords(ctx, nil); err != nil {
			t.Fatal(err)
		}
		if head := checkLog(t, db); head.Size != 3 {
			t.Errorf("a log of %d", head.Size)
		}
	})
}

func TestOneImpossibleEntryKeepsNothing(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop")
		first := entryOf(t, draft(t, "shop", "first", ""))
		if err := db.AppendRecords(ctx, []*consent.Entry{first}); err != nil {
			t.Fatal(err)
		}
		for name, spoil := range map[string]func(e *consent.Entry){
			"site":      func(e *consent.Entry) { e.Site = "nobody" },
			"id":        func(e *consent.Entry) { e.ReceiptID = first.ReceiptID },
			"core":      func(e *consent.Entry) { e.Core = first.Core },
			"leaf":      func(e *consent.Entry) { e.Leaf = first.Leaf },
			"signature": func(e *consent.Entry) { e.Signature = nil },
			"artifact":  func(e *consent.Entry) { e.Artifacts = []consent.Artifact{{Digest: "x", Bytes: []byte("y")}} },
		} {
			good, bad := entryOf(t, draft(t, "shop", "good "+name, "")), entryOf(t, draft(t, "shop", "bad "+name, ""))
			spoil(bad)
			err := db.AppendRecords(ctx, []*consent.Entry{good, bad})
			if err == nil || errors.Is(err, consent.ErrUnavailable) || (name == "site") != errors.Is(err, site.ErrUnknown) {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := db.Entry(ctx, "shop", good.ReceiptID); !errors.Is(err, consent.ErrUnknownReceipt) {
				t.Errorf("%s: half a batch was kept: %v", name, err)
			}
			if err := db.AppendRecords(ctx, []*consent.Entry{good}); err != nil {
				t.Errorf("%s: the good one alone: %v", name, err)
			}
		}
		if head := checkLog(t, db); head.Size != 7 {
			t.Errorf("a log of %d", head.Size)
		}
	})
}

func TestReadingManyRecords(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop", "blog")
		now := noon
		r := consent.NewRecorder(db, signer{}, consent.RecorderOptions{Now: func() time.Time { return now }})
		defer r.Close(ctx)
		record := func(siteKey, id, previous string) *consent.Entry {
			t.Helper()
			got, err := r.Record(ctx, draft(t, siteKey, id, previous))
			if err != nil {
				t.Fatal(err)
			}
			now = now.Add(time.Second)
			return got.Entry
		}
		one := record("shop", "one", "")
		two := record("shop", "two", one.ReceiptID)
		record("shop", "other", "")
		now = now.Add(-time.Second) // two in the same millisecond
		three := record("shop", "three", two.ReceiptID)
		foreign := record("blog", "foreign", one.ReceiptID)
		if foreign.Previous != "" || foreign.Subject == one.Subject {
			t.Error("sites are linked by a receipt id of the other")
		}
		history, err := db.EntriesOfSubject(ctx, "shop", one.Subject, 10)
		if err != nil || !slices.Equal(ids(history), []string{"three", "two", "one"}) || history[0].Previous != two.ReceiptID {
			t.Errorf("history %v, %v", ids(history), err)
		}
		if history, err = db.EntriesOfSubject(ctx, "shop", one.Subject, 2); err != nil || !slices.Equal(ids(history), []string{"three", "two"}) {
			t.Errorf("the last two: %v, %v", ids(history), err)
		}
		for _, empty := range [][2]string{{"blog", one.Subject}, {"shop", ""}, {"shop", foreign.Subject}} {
			if got, err := db.EntriesOfSubject(ctx, empty[0], empty[1], 10); err != nil || len(got) != 0 {
				t.Errorf("subject %q at %s: %v, %v", empty[1], empty[0], ids(got), err)
			}
		}
		var all []string
		var last *consent.Entry
		for {
			page, err := db.EntriesBetween(ctx, "shop", noon.UnixMilli(), three.ReceivedAt+1, last, 3)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			all, last = append(all, ids(page)...), page[len(page)-1]
		}
		if !slices.Equal(all, []string{"one", "two", "other", "three"}) {
			t.Errorf("in pages: %v", all)
		}
		if page, err := db.EntriesBetween(ctx, "shop", two.ReceivedAt, three.ReceivedAt, nil, 10); err != nil || !slices.Equal(ids(page), []string{"two"}) {
			t.Errorf("from two to before three: %v, %v", ids(page), err)
		}
	})
}
