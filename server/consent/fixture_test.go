package consent

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/regime"
)

// noon is when everything in these tests happens.
var noon = time.Date(2026, 11, 21, 12, 3, 4, 567_000_000, time.UTC)

// seeded is a random source that gives the same bytes in each run.
func seeded(n byte) io.Reader { return rand.NewChaCha8([32]byte{n}) }

func shop() *notice.Notice {
	return &notice.Notice{
		Schema: notice.Schema, Site: "shop", Languages: []string{"en", "de"}, Validity: 6,
		Controller: notice.Controller{Name: "Läden & Söhne <GmbH>", Address: "Gasse 1, 1010 Wien", Contact: "privacy@shop.example", Establishment: "AT"},
		Categories: []notice.Category{
			{Key: "necessary", Like: "necessary"},
			{Key: "security", Like: "necessary"},
			{Key: "preferences", Like: "preferences"},
			{Key: "analytics", Like: "analytics"},
			{Key: "marketing", Like: "marketing"},
		},
		Vendors: []notice.Vendor{
			{Key: "pay", Category: "necessary"},
			{Key: "ga4", Category: "analytics"},
			{Key: "meta", Category: "marketing"},
			{Key: "ads", Category: "marketing"},
		},
	}
}

func models(preferences, analytics, marketing regime.Model) map[string]regime.Model {
	return map[string]regime.Model{"preferences": preferences, "analytics": analytics, "marketing": marketing}
}

var (
	inEurope     = models(regime.OptIn, regime.OptIn, regime.OptIn)
	inCalifornia = models(regime.Notice, regime.OptOut, regime.OptOut)
	inConn       = models(regime.Notice, regime.OptOut, regime.OptIn)
	byNotice     = models(regime.Notice, regime.Notice, regime.Notice)
)

func digestOf(s string) canonical.Digest { return canonical.Sum([]byte(s)) }

func testTokens() *Tokens { return NewTokens(make([]byte, 32)) }

// question is what shop asked shortly before noon.
func question(t testing.TB, m map[string]regime.Model) (Question, string) {
	t.Helper()
	x := notice.Experience{
		Site: "shop", Language: "de", Notice: digestOf("notice"), Wording: digestOf("wording"), Script: digestOf("script"),
		Tags: digestOf("tags"), Law: digestOf("law"), Policies: map[string]canonical.Digest{"privacy": digestOf("policy")},
	}
	b, err := x.Encode()
	if err != nil {
		t.Fatal(err)
	}
	served := Served{Site: "shop", Experience: canonical.Sum(b), Law: "eu-gdpr-eprivacy", Region: "DE", Source: "database", Bucket: BucketOf(noon)}
	return Question{
		Served: served, Experience: x, Notice: shop(), LawTable: "2026-11-21", Models: m,
		Policies:  map[string]Policy{"privacy": PolicyOf(policyversions.Version{Digest: digestOf("policy"), Number: 3, Effective: time.UnixMilli(1_790_000_000_000)})},
		Artifacts: []Artifact{{canonical.Sum(b), "experience", b}},
	}, testTokens().Mint(served)
}

func decisionFor(token, id string) Decision {
	return Decision{
		ID: id, Token: token, Action: Save, Surface: OnSettings, At: noon.Add(-2 * time.Minute).UnixMilli(),
		Categories: map[string]bool{"preferences": true, "analytics": true, "marketing": false}, Vendors: map[string]bool{"meta": true},
	}
}

func draftOf(t testing.TB, d Decision, q Question) Draft {
	t.Helper()
	draft, err := Prepare(d, q)
	if err != nil {
		t.Fatal(err)
	}
	return draft
}

// draftNamed is an ordinary decision under an id.
func draftNamed(t testing.TB, id string) Draft {
	t.Helper()
	q, token := question(t, inEurope)
	return draftOf(t, decisionFor(token, id), q)
}

// testKey signs; its key never changes.
type testKey struct{ ed25519.PrivateKey }

func newTestKey(n byte) testKey {
	return testKey{ed25519.NewKeyFromSeed(append(make([]byte, 31), n))}
}

func (k testKey) Sign(leaf [auditlog.LeafSize]byte) (string, []byte) {
	return k.kid(), ed25519.Sign(k.PrivateKey, signedText(leaf))
}

func (k testKey) kid() string { return Thumbprint(k.Public().(ed25519.PublicKey)) }

func (k testKey) keys() PublicKeys {
	return PublicKeys{k.kid(): k.Public().(ed25519.PublicKey)}
}

// memory is a Store that keeps everything in memory and does as it is told.
type memory struct {
	mu      sync.Mutex
	entries []*Entry
	by      map[string]*Entry
	batches []int
	before  func(entries []*Entry) error // fails a call before anything is kept
	after   func(entries []*Entry) error // fails a call after everything is kept
}

func newMemory() *memory { return &memory{by: map[string]*Entry{}} }

func (m *memory) AppendRecords(_ context.Context, entries []*Entry) error {
	m.mu.Lock()
	before, after := m.before, m.after
	m.batches = append(m.batches, len(entries))
	m.mu.Unlock()
	if before != nil {
		if err := before(entries); err != nil {
			return err
		}
	}
	m.mu.Lock()
	for _, e := range entries {
		if old := m.by["d/"+e.Site+"/"+e.DecisionID]; old != nil {
			e.Repeat, e.Clash = old.Request == e.Request, old.Request != e.Request
			e.Stored = old
			continue
		}
		kept := *e
		kept.Index = int64(len(m.entries))
		e.Index = kept.Index
		m.entries = append(m.entries, &kept)
		m.by["d/"+e.Site+"/"+e.DecisionID] = &kept
		m.by["r/"+e.Site+"/"+e.ReceiptID] = &kept
	}
	m.mu.Unlock()
	if after != nil {
		return after(entries)
	}
	return nil
}

func (m *memory) Entry(_ context.Context, site, id string) (*Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.by["r/"+site+"/"+id]; e != nil {
		return e, nil
	}
	return nil, ErrUnknownReceipt
}

func (m *memory) EntriesOfSubject(context.Context, string, string, int) ([]*Entry, error) {
	return nil, errors.ErrUnsupported
}
func (m *memory) KeepArtifacts(context.Context, []Artifact) error { return nil }
func (m *memory) Artifact(context.Context, canonical.Digest) (Artifact, error) {
	return Artifact{}, ErrUnknownArtifact
}

func (m *memory) size() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.entries)
}

// recorderOn is a Recorder whose clock stands still at noon.
func recorderOn(t testing.TB, s Store, o RecorderOptions) *Recorder {
	t.Helper()
	if o.Now == nil {
		o.Now = func() time.Time { return noon }
	}
	if o.Random == nil {
		o.Random = seeded(1)
	}
	r := NewRecorder(s, newTestKey(7), o)
	t.Cleanup(func() {
		if err := r.Close(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
		<-r.done
	})
	return r
}

func jsonOf(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func problemPaths(t testing.TB, err error) []string {
	t.Helper()
	bad, ok := errors.AsType[*Invalid](err)
	if !ok {
		t.Fatalf("want *Invalid, got %v", err)
	}
	var paths []string
	for _, p := range bad.Problems {
		if p.What == "" || p.Remedy == "" {
			t.Errorf("%s: says %q, remedy %q", p.Path, p.What, p.Remedy)
		}
		paths = append(paths, p.Path)
	}
	return paths
}

func decisionText(change string) []byte {
	return fmt.Appendf(nil, `{"id":"a1","token":"1.x","categories":{"analytics":true},"action":"save","surface":"banner","at":1795286400000%s}`, change)
}

// nodeMap is a log's nodes in memory.
type nodeMap map[int64]tlog.Hash

func (m nodeMap) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		h, ok := m[x]
		if !ok {
			return nil, auditlog.ErrDamaged
		}
		hashes[i] = h
	}
	return hashes, nil
}

// bigN is some number of the length of an RSA modulus.
func (k testKey) bigN() *big.Int { return new(big.Int).Lsh(big.NewInt(3), 2047) }
