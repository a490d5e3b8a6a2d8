package store

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/server/store/storetest"
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
	name  string
	place func(t testing.TB) string // a fresh database: a path, or a connection string
}

// engines are all that the same tests run on.
var engines = []engine{
	{"sqlite", func(t testing.TB) string { return filepath.Join(t.TempDir(), "data", "volenti.db") }},
	{"postgres", func(t testing.TB) string { return storetest.Postgres(t, migrated) }},
}

// openAt opens what an engine's place names.
func openAt(ctx context.Context, place string, o Options) (*DB, error) {
	if strings.HasPrefix(place, "postgres:") {
		if o.wrap == nil && os.Getenv("VOLENTI_TEST_TWICE") != "" {
			o.wrap = twice
		}
		return OpenPostgres(ctx, place, o)
	}
	return Open(ctx, place, o)
}

func (e engine) new(t testing.TB) (open func(Options) (*DB, error)) {
	place := e.place(t)
	return func(o Options) (*DB, error) { return openAt(t.Context(), place, o) }
}

// migrated makes the schema in the database that those of tests are copies of.
func migrated(dsn string) error {
	db, err := OpenPostgres(context.Background(), dsn, Options{})
	if err != nil {
		return err
	}
	return db.Close()
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
	said := []byte(`{"accept":"` + label + `"}`)
	p.WordingBytes[canonical.Sum(said)] = said
	p.AddTrialWording("plum", "de", canonical.Sum(said))
	source := []byte("(boot=>{/*" + label + " plum*/})")
	p.Scripts = append(p.Scripts, notice.PublishedScript{Encoded: map[string][]byte{"br": source}, Script: notice.Script{Digest: canonical.Sum(source), Source: source,
		Variant: notice.Variant{Kind: notice.KindAsk, Surface: notice.AskOptOut, Language: "de", Trial: "plum"}}})
	return p
}

func TestPublications(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop", "blog")
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
			if n, d, err := db.NoticeByShort(ctx, "shop", first.Notice.Short()); err != nil || d != first.Notice || n.PolicyURL != "first" {
				t.Errorf("%s: the earlier notice %v, %s, %v", name, n, d, err)
			}
			for _, short := range []string{"", "0000000000000000", first.Notice.Short()[:15], string(first.Notice), "%%%%%%%%%%%%%%%%", "gggggggggggggggg"} {
				if _, _, err := db.NoticeByShort(ctx, "shop", short); !errors.Is(err, notice.ErrUnpublished) {
					t.Errorf("%s: notice %q: %v", name, short, err)
				}
			}
			for _, script := range first.Scripts {
				got, err := db.ScriptByShort(ctx, "shop", script.Digest.Short())
				if err != nil || got.Digest != script.Digest || !bytes.Equal(got.Source, script.Source) {
					t.Errorf("script %s by its first digits: %v, %v", script.Digest, got.Digest, err)
				}
				if _, err := db.ScriptByShort(ctx, "nobody", script.Digest.Short()); !errors.Is(err, notice.ErrUnpublished) {
					t.Errorf("a script of another site: %v", err)
				}
			}
			if _, err := db.ScriptByShort(ctx, "shop", "0"); !errors.Is(err, notice.ErrUnpublished) {
				t.Errorf("a script by one digit: %v", err)
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
